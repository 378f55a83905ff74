//! The sound of a play: one track for all of it, sent in step with the pictures, whichever rendition they are of.
//!
//! ```text
//!   pictures   ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓│            sent so far
//!   sound      ░░░░░░░░░░░░░░░░░░░░│        sent up to half a second further
//! ```

use std::{collections::VecDeque, ops::Range, sync::Arc};

use bytes::Bytes;

use super::{Batch, Play, Step, Track};
use crate::{
    proto::{
        Message,
        message::{Sound, SoundInfo},
    },
    types::{Codec, MediaTime, PlayEpoch, PlayId},
    video::{self, Rendition, SoundTrack, Title},
};

/// How far sound is sent ahead of pictures: a player has decoded it when its picture comes.
const LEAD: MediaTime = MediaTime(500_000);

/// Most bytes of sound between two pictures, 65 s at 128 kb/s. More would fill what a player is ready to hold before
/// its decoder has the pictures that it needs to show any: then a picture goes first.
const MOST_BETWEEN_PICTURES: u64 = 1024 * 1024;

/// Why a title with sound is played without it, if it is; `decodes` is empty for a member that does not say.
pub(in crate::server) fn unheard(title: &Title, decodes: &[Codec]) -> Option<String> {
    if PlaySound::of(title, decodes).is_some() {
        return None;
    }
    let reason = title.renditions.iter().find_map(|rendition| match rendition.index.sound() {
        Some(track) => Some(format!("this member does not decode {}", track.format().codec)),
        None => rendition.index.no_sound().map(ToString::to_string),
    })?;
    Some(format!("the sound of \"{}\" is left out: {reason}", title.name))
}

/// What of a play's sound is still to be sent.
#[derive(Debug)]
pub(super) struct PlaySound {
    rendition: Arc<Rendition>,
    track: Arc<SoundTrack>,
    /// What the player is to hear.
    hear: Range<MediaTime>,
    /// Packets to be read.
    left: Range<usize>,
    announced: bool,
    reading: bool,
    ready: VecDeque<(usize, Bytes)>,
    seq: u32,
    /// Up to where pictures were sent; nothing before the first one, which nothing is to delay.
    pictures: Option<MediaTime>,
    /// Bytes sent since then.
    since_picture: u64,
}

impl PlaySound {
    /// The sound of the lowest rendition that has any that the player decodes; `decodes` is empty for one that does
    /// not say.
    pub(super) fn of(title: &Title, decodes: &[Codec]) -> Option<Self> {
        let fits = |codec| decodes.is_empty() || decodes.contains(&codec);
        let (rendition, track) = title.renditions.iter().find_map(|rendition| {
            let track = rendition.index.sound().filter(|track| fits(track.format().codec))?;
            Some((Arc::clone(rendition), Arc::clone(track)))
        })?;
        Some(Self {
            rendition,
            track,
            hear: MediaTime::ZERO..MediaTime::ZERO,
            left: 0..0,
            announced: false,
            reading: false,
            ready: VecDeque::new(),
            seq: 0,
            pictures: None,
            since_picture: 0,
        })
    }

    /// Begins an epoch: what is heard of it. A read that is under way stays the only one.
    pub(super) fn begin(&mut self, part: Range<MediaTime>) {
        let heard = self.track.heard();
        self.left = self.track.needed_for(&part);
        self.hear = part.start.max(heard.start)..part.end.min(heard.end);
        self.announced = self.left.is_empty();
        self.ready.clear();
        (self.seq, self.pictures, self.since_picture) = (0, None, 0);
    }

    /// Pictures were sent up to here.
    pub(super) fn follow(&mut self, pictures: MediaTime) {
        self.pictures = Some(self.pictures.map_or(pictures, |before| before.max(pictures)));
        self.since_picture = 0;
    }

    /// All of it was sent.
    pub(super) fn is_through(&self) -> bool {
        self.left.is_empty() && self.ready.is_empty()
    }

    /// Pictures have overtaken it: they wait until it was read.
    pub(super) fn is_behind(&self) -> bool {
        let next = self.ready.front().map_or(self.left.start, |(position, _)| *position);
        let packet = self.track.packets().get(next).filter(|_| !self.is_through() && self.may_go_on());
        packet.zip(self.pictures).is_some_and(|(packet, pictures)| packet.pts < pictures)
    }

    /// Packets to be read now.
    pub(super) fn next_read(&mut self) -> Option<Range<usize>> {
        if self.reading || !self.ready.is_empty() || !self.is_due(self.left.start) {
            return None;
        }
        let packets = self.track.read_together(self.left.start);
        let packets = packets.start..packets.end.min(self.left.end);
        self.reading = !packets.is_empty();
        self.reading.then_some(packets)
    }

    /// A read is over; `wanted` when it was of this epoch.
    pub(super) fn take_read(&mut self, wanted: bool, packets: Vec<(usize, Bytes)>) {
        self.reading = false;
        if let Some((last, _)) = packets.last().filter(|_| wanted) {
            self.left.start = last + 1;
            self.ready.extend(packets);
        }
    }

    /// What is sent next within `room` bytes of credit, and how many bytes of it count.
    pub(super) fn next_message(&mut self, play: PlayId, epoch: PlayEpoch, room: u64) -> Option<(Message, u64)> {
        if !self.announced && self.is_due(self.left.start) {
            self.announced = true;
            return Some((self.info(play, epoch), 0));
        }
        let (position, data) = self.ready.front()?;
        let size = data.len() as u64;
        if size > room || !self.is_due(*position) {
            return None;
        }
        let entry = self.track.packets().get(*position)?;
        let (pts, duration, data) = (entry.pts, entry.duration, data.clone().into());
        self.ready.pop_front();
        let sound = Sound { play, epoch, seq: self.seq, pts, duration, data };
        self.seq += 1;
        self.since_picture += size;
        Some((sound.into(), size))
    }

    fn info(&self, play: PlayId, epoch: PlayEpoch) -> Message {
        let format = self.track.format();
        SoundInfo {
            play,
            epoch,
            codec: format.codec,
            sample_rate: format.sample_rate,
            channels: format.channels,
            extradata: format.extradata.clone().into(),
            hear_from: self.hear.start,
            hear_until: self.hear.end,
        }
        .into()
    }

    /// Whether no picture has to go first, however little it needs of sound.
    fn may_go_on(&self) -> bool {
        self.since_picture < MOST_BETWEEN_PICTURES
    }

    fn is_due(&self, position: usize) -> bool {
        let packet = self.track.packets().get(position).filter(|_| self.may_go_on());
        packet.zip(self.pictures).is_some_and(|(packet, pictures)| packet.pts <= pictures + LEAD)
    }
}

impl Play {
    /// What is heard of the epoch that begins: nothing where no picture is left.
    pub(super) fn begin_sound(&mut self) {
        let start = self.segments.front().map_or(MediaTime(i64::MAX), |segment| segment.show.start);
        if let Some(sound) = &mut self.sound {
            sound.begin(start..self.end.unwrap_or(MediaTime(i64::MAX)));
        }
    }

    pub(super) fn next_sound_read(&mut self) -> Option<Batch> {
        let sound = self.sound.as_mut().filter(|_| self.sent < self.credit)?;
        let packets = video::Batch { packets: sound.next_read()?, bytes: 0..0 };
        let rendition = Arc::clone(&sound.rendition);
        Some(Batch { epoch: self.epoch, rendition, packets, track: Track::Sound })
    }

    pub(super) fn take_sound_read(&mut self, wanted: bool, packets: Vec<(usize, Bytes)>) {
        if let Some(sound) = &mut self.sound {
            sound.take_read(wanted, packets);
        }
    }

    pub(super) fn next_sound(&mut self) -> Option<Step> {
        let room = self.credit.saturating_sub(self.sent);
        let sound = self.sound.as_mut()?;
        if self.segments.is_empty() {
            // Sound may last longer than pictures.
            sound.follow(MediaTime(i64::MAX));
        }
        let (message, size) = sound.next_message(self.id, self.epoch, room)?;
        self.sent += size;
        Some(Step::Media(message))
    }

    /// All sound was sent, or there is none.
    pub(super) fn has_sent_sound(&self) -> bool {
        self.sound.as_ref().is_none_or(PlaySound::is_through)
    }
}
