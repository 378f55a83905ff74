//! The sound of a play, decoded a little ahead of what is heard; the pictures follow it.
//!
//! ```text
//!   pieces ──► decoded ──► sink ──► heard
//!                           │
//!                           └─ where in the title that is ──► pace: when pictures are due
//! ```
//!
//! Sound begins with the first picture of an epoch, and the second one waits for it. Sound that comes later, or again
//! after it ran out, joins at the place where the pictures are by then.

use std::{collections::VecDeque, ops::Range, time::Duration};

use super::Engine;
use crate::{
    types::{MediaTime, limits::MAX_UNTAKEN},
    video::{
        feed::Entry,
        input::SoundPiece,
        report::{Media, Report},
        sound::{DecodeSound, Samples, Sink, SinkFormat, SinkState, Sinks, SoundDecoders},
        sound_track::SoundFormat,
    },
};

/// How much is decoded ahead of what the sink takes.
const DECODED_AHEAD: MediaTime = MediaTime(200_000);

/// Packets decoded in one turn: pictures get theirs too.
const MOST_PER_TURN: usize = 16;

/// Packets after which sound of which nothing was ever decoded is given up: some seconds of most codecs. Damage later
/// on is silence, and what follows is heard again.
const MOST_FRUITLESS: u32 = 150;

/// Sound that is this far from where it is expected is put right; less is rounding.
const TOLERANCE: MediaTime = MediaTime(5_000);

/// How long the second picture waits for the sound to begin.
const PATIENCE: Duration = Duration::from_millis(250);

/// Pictures this far from the sound are not brought back by and by: the sound begins anew where they are.
const LOST: i64 = 500_000;

/// How often is looked where the sound is.
const MEASURED_EVERY: Duration = Duration::from_millis(10);

/// How often is looked whether a device is open by now.
const POLLED_EVERY: Duration = Duration::from_millis(20);

/// A hub sends sound half a second ahead of pictures. What is further ahead has no pictures beside it.
const AHEAD_OF_PICTURES: MediaTime = MediaTime(1_500_000);

/// What makes sound of packets, and where it goes.
pub(crate) struct SoundParts {
    pub(crate) sinks: Box<dyn Sinks>,
    pub(crate) decoders: Box<dyn SoundDecoders>,
}

/// How far the sound of an epoch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing was written.
    Waiting,
    /// Written up to here.
    Running { written: MediaTime, measured: Option<Duration> },
}

/// The sound of a play; of a silent one, it takes what comes and forgets it.
pub(crate) struct PlaySound {
    parts: Option<SoundParts>,
    sink: Option<Box<dyn Sink>>,
    format: Option<SinkFormat>,
    track: Option<(SoundFormat, Range<MediaTime>)>,
    decoder: Option<Box<dyn DecodeSound>>,
    pieces: VecDeque<SoundPiece>,
    waiting_bytes: u64,
    decoded: VecDeque<Samples>,
    /// Packets that came to nothing; none any more once there was a sample.
    fruitless: Option<u32>,
    phase: Phase,
    is_held: bool,
    has_ended: bool,
    received_until: MediaTime,
    /// In percent of full volume.
    volume: i16,
    is_muted: bool,
}

/// More came than was asked for.
pub(super) struct Overfed;

impl PlaySound {
    /// No sound, whatever comes.
    pub(crate) fn none() -> Self {
        Self {
            parts: None,
            sink: None,
            format: None,
            track: None,
            decoder: None,
            pieces: VecDeque::new(),
            waiting_bytes: 0,
            decoded: VecDeque::new(),
            fruitless: Some(0),
            phase: Phase::Waiting,
            is_held: true,
            has_ended: false,
            received_until: MediaTime(i64::MIN),
            volume: 100,
            is_muted: false,
        }
    }

    pub(crate) fn new(parts: SoundParts) -> Self {
        Self { parts: Some(parts), ..Self::none() }
    }

    /// A track begins. Its device is opened now, if none is.
    pub(super) fn begin(&mut self, format: SoundFormat, heard: Range<MediaTime>) {
        let Some(parts) = &mut self.parts else { return };
        let sink = self.sink.get_or_insert_with(|| parts.sinks.open());
        sink.set_gain(gain(self.volume, self.is_muted));
        self.decoder = None;
        self.track = Some((format, heard));
    }

    pub(super) fn push(&mut self, piece: SoundPiece) -> Result<(), Overfed> {
        self.waiting_bytes += piece.size();
        self.received_until = self.received_until.max(piece.pts + piece.duration);
        self.pieces.push_back(piece);
        if self.waiting_bytes > MAX_UNTAKEN { Err(Overfed) } else { Ok(()) }
    }

    /// Nothing follows.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
    }

    /// Forgets all of an epoch.
    pub(super) fn flush(&mut self) {
        self.pieces.clear();
        self.waiting_bytes = 0;
        self.decoded.clear();
        (self.track, self.decoder, self.phase) = (None, None, Phase::Waiting);
        (self.has_ended, self.received_until) = (false, MediaTime(i64::MIN));
        self.hold();
        self.sink.iter_mut().for_each(|sink| sink.flush());
    }

    /// Louder or softer, by percent of full volume.
    pub(super) fn change_volume(&mut self, by: i8) {
        self.volume = (self.volume + i16::from(by)).clamp(0, 100);
        self.apply_gain();
    }

    pub(super) fn toggle_mute(&mut self) {
        self.is_muted = !self.is_muted;
        self.apply_gain();
    }

    /// In percent of full volume; nothing while the play has had no track, or when its sound was given up. A seek
    /// does not change it.
    pub(super) fn volume(&self) -> Option<u8> {
        self.sink.as_ref().and(u8::try_from(self.volume).ok())
    }

    /// Whether the viewer switched off sound that there is.
    pub(super) fn is_muted(&self) -> bool {
        self.is_muted && self.sink.is_some()
    }

    fn apply_gain(&mut self) {
        let gain = gain(self.volume, self.is_muted);
        self.sink.iter_mut().for_each(|sink| sink.set_gain(gain));
    }

    fn hold(&mut self) {
        if !std::mem::replace(&mut self.is_held, true) {
            self.sink.iter_mut().for_each(|sink| sink.hold());
        }
    }

    fn release(&mut self) {
        if std::mem::replace(&mut self.is_held, false) {
            self.sink.iter_mut().for_each(|sink| sink.release());
        }
    }

    /// There is nothing to be heard any more in this play, for want of a device or a decoder.
    fn give_up(&mut self) {
        (self.parts, self.sink, self.format, self.track, self.decoder) = (None, None, None, None, None);
        self.decoded.clear();
        self.phase = Phase::Waiting;
    }

    /// Whether sound is there or on its way that has not begun to be heard.
    fn is_awaited(&self) -> bool {
        self.track.is_some() && self.phase == Phase::Waiting && !(self.has_ended && self.is_drained())
    }

    /// The pictures went on to `at` without it, as in steps. They are together at once when both go on: the picture waits, or
    /// the sound joins where the picture is when it is far.
    pub(super) fn leave_behind(&mut self, at: MediaTime) {
        let (Phase::Running { written, measured }, Some(sink)) = (&mut self.phase, &mut self.sink) else { return };
        *measured = None;
        if (at - *written + micros(sink.unheard())).0 > LOST {
            self.phase = Phase::Waiting;
            sink.flush();
        }
    }

    fn is_drained(&self) -> bool {
        self.pieces.is_empty() && self.decoded.is_empty()
    }

    /// Whether it is being heard, so that the pictures follow it.
    pub(super) fn is_leading(&self) -> bool {
        matches!(self.phase, Phase::Running { .. }) && !self.is_held
    }

    /// Whether all of it was heard, or never will be: what waits for a device is heard once that is open.
    fn is_over(&self) -> bool {
        let Phase::Running { .. } = self.phase else { return !self.is_awaited() };
        self.is_drained() && self.sink.as_ref().is_none_or(|sink| sink.unheard().is_zero())
    }

    /// The sink's format once it is known.
    fn ready(&mut self) -> Result<Option<SinkFormat>, String> {
        let Some(sink) = &mut self.sink else { return Ok(None) };
        match sink.state() {
            SinkState::Opening => Ok(None),
            SinkState::Ready(format) => {
                if self.format.replace(format).is_some_and(|before| before != format) {
                    self.decoder = None;
                    self.decoded.clear();
                }
                Ok(Some(format))
            }
            SinkState::Gone(text) => Err(text),
        }
    }

    /// Decodes until enough lies ready; `taken` gets the bytes of each packet that it took.
    fn decode(&mut self, format: SinkFormat, taken: &mut Vec<u64>) -> Result<(), String> {
        while taken.len() < MOST_PER_TURN && self.ahead(format) < DECODED_AHEAD {
            let Some((track, heard)) = &self.track else { break };
            let Some(piece) = self.pieces.pop_front() else { break };
            let bytes = piece.data.len() as u64;
            self.waiting_bytes -= piece.size();
            taken.push(bytes);
            if self.decoder.is_none() {
                let Some(parts) = &mut self.parts else { break };
                self.decoder = Some(parts.decoders.open(track, format).map_err(|error| error.0)?);
            }
            let mut out = Vec::new();
            let decoded = self.decoder.as_mut().map_or(Ok(()), |decoder| decoder.decode(&piece, &mut out));
            if let Err(error) = &decoded {
                // What it would have been is silence.
                log::debug!("a packet of sound at {:.3} s: {error}", piece.pts.as_seconds());
            }
            let heard = heard.clone();
            let has_samples = out.iter().any(|samples| !samples.data.is_empty());
            self.decoded.extend(out.into_iter().filter_map(|samples| cut(samples, &heard, format)));
            self.fruitless = self.fruitless.filter(|_| !has_samples).map(|count| count + 1);
            if self.fruitless.is_some_and(|count| count >= MOST_FRUITLESS) {
                let why = decoded.err().map_or_else(String::new, |error| format!(": {}", error.0));
                return Err(format!("nothing of it can be decoded{why}"));
            }
        }
        Ok(())
    }

    /// Drops what is over by then.
    fn drop_until(&mut self, at: MediaTime) {
        let Some(format) = self.format else { return };
        while self.decoded.front().is_some_and(|front| front.pts + length(front.data.len(), format) <= at) {
            self.decoded.pop_front();
        }
    }

    fn ahead(&self, format: SinkFormat) -> MediaTime {
        let samples: usize = self.decoded.iter().map(|samples| samples.data.len()).sum();
        length(samples, format)
    }

    /// Gives the sink what it takes.
    fn write(&mut self, format: SinkFormat) {
        let (Phase::Running { written, .. }, Some(sink)) = (&mut self.phase, &mut self.sink) else { return };
        let channels = usize::from(format.channels.max(1));
        while let Some(front) = self.decoded.front_mut() {
            let room = sink.room();
            let ahead = front.pts - *written;
            if room == 0 {
                return;
            }
            if ahead > TOLERANCE {
                // Nothing sounds until then, or what should is damaged.
                let silence = format.frames(ahead.as_duration()).clamp(1, room);
                sink.write(&vec![0.0; silence * channels]);
                *written = *written + length(silence * channels, format);
                continue;
            }
            if ahead < MediaTime::ZERO - TOLERANCE {
                let late = (*written - front.pts).as_duration();
                let dropped = (format.frames(late).max(1) * channels).min(front.data.len());
                front.data.drain(..dropped);
                front.pts = front.pts + length(dropped, format);
            } else {
                let taken = (room * channels).min(front.data.len());
                sink.write(front.data.get(..taken).unwrap_or_default());
                front.data.drain(..taken);
                front.pts = front.pts + length(taken, format);
                *written = *written + length(taken, format);
            }
            if front.data.is_empty() {
                self.decoded.pop_front();
            }
        }
    }
}

/// How long so many samples, of all channels together, sound.
fn length(samples: usize, format: SinkFormat) -> MediaTime {
    let frames = i64::try_from(samples / usize::from(format.channels.max(1))).unwrap_or(i64::MAX);
    MediaTime::from_ticks(frames, u64::from(format.rate))
}

/// What of some samples lies within what is heard.
fn cut(mut samples: Samples, heard: &Range<MediaTime>, format: SinkFormat) -> Option<Samples> {
    let channels = usize::from(format.channels.max(1));
    let before = format.frames((heard.start - samples.pts).as_duration()).saturating_mul(channels);
    let end = samples.pts + length(samples.data.len(), format);
    let after = format.frames((end - heard.end).as_duration()).saturating_mul(channels);
    samples.data.truncate(samples.data.len().saturating_sub(after));
    let before = before.min(samples.data.len());
    samples.data.drain(..before);
    samples.pts = samples.pts + length(before, format);
    (!samples.data.is_empty()).then_some(samples)
}

/// Loudness is heard by its logarithm; the cube comes near to that, and 0 is silence.
fn gain(percent: i16, is_muted: bool) -> f32 {
    if is_muted { 0.0 } else { (f32::from(percent) / 100.0).powi(3) }
}

impl Engine {
    /// With sound.
    pub(crate) fn with_sound(mut self, sound: PlaySound) -> Self {
        self.sound = sound;
        self
    }

    /// Whether no sound is to be heard any more. It begins with a picture: where none is shown it does not.
    pub(super) fn is_sound_over(&self) -> bool {
        self.last_shown.is_none() || self.seeking.is_some() || self.sound.is_over()
    }

    /// Decodes, writes and measures; when that is to be done next, or when the play goes on because it was the last of it.
    pub(super) fn tend_sound(&mut self) -> Option<Duration> {
        let was_over = self.sound.is_over();
        let next = self.tend();
        if was_over || !self.sound.is_over() { next } else { Some(self.parts.clock.now()) }
    }

    fn tend(&mut self) -> Option<Duration> {
        let now = self.parts.clock.now();
        let format = match self.sound.ready() {
            Ok(Some(format)) => format,
            Ok(None) => {
                // While a device is being opened its packets wait; without any they are forgotten.
                if self.sound.sink.is_none() {
                    self.forget_sound();
                }
                return self.sound.is_awaited().then(|| now + POLLED_EVERY);
            }
            Err(text) => return self.lose_sound(text),
        };
        let mut taken = Vec::new();
        let decoded = self.sound.decode(format, &mut taken);
        for bytes in taken {
            self.consumed(bytes);
        }
        if let Err(text) = decoded {
            return self.lose_sound(text);
        }
        self.start_sound(now);
        self.sound.write(format);
        if self.parts.pace.is_paused() || self.is_stalled(now) || self.sound.phase == Phase::Waiting {
            self.sound.hold();
            if self.sound.decoded.is_empty() && !self.sound.pieces.is_empty() && !self.parts.pace.is_paused() {
                return Some(now);
            }
            return self.dry.and_then(|_| self.parts.pace.due(self.last_shown?.until)).filter(|due| *due > now);
        }
        self.sound.release();
        self.follow_sound(now);
        self.next_tending(now)
    }

    /// The device or the decoder is of no use: the pictures go on by the clock.
    fn lose_sound(&mut self, text: String) -> Option<Duration> {
        self.sound.give_up();
        self.forget_sound();
        (self.parts.reports)(Report::Silent { text });
        None
    }

    fn forget_sound(&mut self) {
        self.sound.waiting_bytes = 0;
        for piece in std::mem::take(&mut self.sound.pieces) {
            self.consumed(piece.data.len() as u64);
        }
    }

    fn consumed(&self, bytes: u64) {
        (self.parts.reports)(Report::Consumed { epoch: self.epoch, media: Media::Sound, bytes, at: self.position() });
    }

    /// Begins with the picture that is shown, or joins where the pictures are.
    fn start_sound(&mut self, now: Duration) {
        if !self.sound.is_awaited()
            || self.sound.decoded.is_empty()
            || self.parts.pace.is_paused()
            || self.is_stalled(now)
        {
            return;
        }
        let Some(shown) = self.last_shown.filter(|_| self.seeking.is_none()) else { return };
        let Some(sink) = &self.sound.sink else { return };
        if self.parts.pace.start_pts() == Some(shown.pts) {
            self.sound.phase = Phase::Running { written: shown.pts, measured: None };
            return;
        }
        let Some(at) = self.parts.pace.place(now + sink.latency()) else { return };
        self.sound.drop_until(at);
        if !self.sound.decoded.is_empty() {
            self.sound.phase = Phase::Running { written: at, measured: Some(now) };
        }
    }

    /// Whether pictures are missing, so that sound has to wait for them.
    fn is_stalled(&self, now: Duration) -> bool {
        let is_due =
            || self.last_shown.and_then(|shown| self.parts.pace.due(shown.until)).is_some_and(|due| due <= now);
        let has_pictures = !matches!(self.feed.front(), None | Some(Entry::LastPicture | Entry::End(_)));
        let has_more = !has_pictures && self.sound.received_until > self.last_decoded + AHEAD_OF_PICTURES;
        self.ended.is_none() && self.dry.is_some() && !has_more && is_due()
    }

    /// Brings the pictures to the sound: at once when it has just begun, else by so little that no picture is left out.
    fn follow_sound(&mut self, now: Duration) {
        let (Phase::Running { written, measured }, Some(sink)) = (&mut self.sound.phase, &self.sound.sink) else {
            return;
        };
        let unheard = sink.unheard();
        let is_last =
            self.ended.is_some() || matches!(self.feed.front(), None | Some(Entry::LastPicture | Entry::End(_)));
        if unheard.is_zero() {
            if self.sound.pieces.is_empty() && self.sound.decoded.is_empty() && !self.sound.has_ended {
                // It ran out: what comes joins again.
                self.sound.phase = Phase::Waiting;
            }
            return;
        }
        let since = measured.map(|before| now.saturating_sub(before));
        if since.is_some_and(|since| since < MEASURED_EVERY) {
            return;
        }
        *measured = Some(now);
        let heard = *written - micros(unheard);
        let Some(place) = self.parts.pace.place(now) else { return };
        // Positive when the pictures are ahead.
        let error = (place - heard).0;
        match since {
            None => self.parts.pace.nudge(MediaTime(error)),
            // Nothing but the last pictures, which a decoder gives when it hears of the end.
            Some(_) if error.abs() > LOST && is_last => self.parts.pace.nudge(MediaTime(error)),
            Some(_) if error.abs() > LOST => {
                self.sound.phase = Phase::Waiting;
                self.sound.sink.iter_mut().for_each(|sink| sink.flush());
            }
            Some(since) => {
                let most = micros(since).0 / 10;
                self.parts.pace.nudge(MediaTime((error / 8).clamp(-most, most)));
            }
        }
    }

    /// When more can be written, or all was heard.
    fn next_tending(&self, now: Duration) -> Option<Duration> {
        let sink = self.sound.sink.as_ref()?;
        let unheard = sink.unheard();
        let next = if self.sound.is_drained() { unheard } else { (unheard / 2).max(MEASURED_EVERY) };
        let next = Some(now + next).filter(|next| *next > now);
        let overdue = self.dry.and_then(|_| self.parts.pace.due(self.last_shown?.until)).filter(|due| *due > now);
        overdue.into_iter().chain(next).min()
    }

    /// Until when the second picture of an epoch waits for sound that is about to begin.
    pub(super) fn awaits_sound(&self, now: Duration) -> Option<Duration> {
        let shown = self.last_shown.filter(|_| self.seeking.is_none() && self.sound.is_awaited())?;
        let since = self.parts.pace.due(shown.pts).filter(|_| self.parts.pace.start_pts() == Some(shown.pts))?;
        Some(since + PATIENCE).filter(|until| *until > now)
    }
}

fn micros(time: Duration) -> MediaTime {
    MediaTime(i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
}
