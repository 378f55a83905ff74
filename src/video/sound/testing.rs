//! A sink that plays to nobody, by a clock that tests move.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{DecodeSound, Samples, Sink, SinkFormat, SinkState, Sinks, SoundDecoders, Unheard};
use crate::video::{input::SoundPiece, sound_track::SoundFormat};

/// What the sink is, and what was heard of it.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    /// The clock of the play.
    pub(crate) time: Arc<Mutex<Duration>>,
    pub(crate) format: SinkFormat,
    /// From leaving the queue to being heard.
    pub(crate) latency: Duration,
    /// What its state is.
    pub(crate) state: Arc<Mutex<SinkState>>,
    /// What it becomes, and when.
    pub(crate) becomes: Option<(Duration, SinkState)>,
    /// Each frame's first channel, and when it was heard.
    pub(crate) heard: Arc<Mutex<Vec<(Duration, f32)>>>,
}

impl Room {
    pub(crate) fn new(time: Arc<Mutex<Duration>>, format: SinkFormat, latency: Duration) -> Self {
        let state = Arc::new(Mutex::new(SinkState::Ready(format)));
        Self { time, format, latency, state, becomes: None, heard: Arc::default() }
    }

    fn now(&self) -> Duration {
        *self.time.lock().unwrap()
    }

    /// When it became loud after some silence.
    pub(crate) fn beeps(&self) -> Vec<Duration> {
        let mut beeps: Vec<Duration> = Vec::new();
        let mut loud_until = None;
        for (at, sample) in self.heard.lock().unwrap().iter().filter(|(_, sample)| sample.abs() > 0.2) {
            debug_assert!(sample.is_finite());
            if loud_until.is_none_or(|until| *at > until) {
                beeps.push(*at);
            }
            loud_until = Some(*at + Duration::from_millis(200));
        }
        beeps
    }
}

impl Sinks for Room {
    fn open(&mut self) -> Box<dyn Sink> {
        let gain = 1.0;
        Box::new(MemorySink { queue: VecDeque::new(), running: None, last: Duration::ZERO, gain, room: self.clone() })
    }
}

/// Takes one frame after the other, each at its time.
struct MemorySink {
    room: Room,
    queue: VecDeque<f32>,
    /// When the next frame leaves the queue; nothing while held.
    running: Option<Duration>,
    /// When the last frame is heard.
    last: Duration,
    gain: f32,
}

impl MemorySink {
    fn channels(&self) -> usize {
        self.room.format.channels.into()
    }

    /// Lets out what left the queue by now.
    fn catch_up(&mut self) {
        let (now, channels, rate) = (self.room.now(), self.channels(), f64::from(self.room.format.rate));
        let Some(from) = self.running else { return };
        let due = self.room.format.frames(now.saturating_sub(from));
        let count = due.min(self.queue.len() / channels);
        let mut heard = self.room.heard.lock().unwrap();
        let count = u32::try_from(count).unwrap();
        for number in 0..count {
            let at = from + Duration::from_secs_f64(f64::from(number) / rate) + self.room.latency;
            heard.push((at, self.queue[0] * self.gain));
            self.queue.drain(..channels);
            self.last = at;
        }
        let next = from + Duration::from_secs_f64(f64::from(count) / rate);
        self.running = Some(if self.queue.is_empty() { now.max(next) } else { next });
    }
}

impl Sink for MemorySink {
    fn state(&mut self) -> SinkState {
        self.catch_up();
        let now = self.room.now();
        if let Some((_, state)) = self.room.becomes.take_if(|(at, _)| *at <= now) {
            *self.room.state.lock().unwrap() = state;
        }
        self.room.state.lock().unwrap().clone()
    }

    fn room(&self) -> usize {
        let format = self.room.format;
        format.frames(Duration::from_millis(400)).saturating_sub(self.queue.len() / self.channels())
    }

    fn write(&mut self, samples: &[f32]) {
        assert_eq!(samples.len() % self.channels(), 0, "whole frames");
        self.catch_up();
        self.queue.extend(samples);
    }

    fn unheard(&self) -> Duration {
        let waiting = self.room.format.duration(self.queue.len() / self.channels());
        let now = self.room.now();
        match self.running {
            Some(next) if waiting > Duration::ZERO => (waiting + self.room.latency + next).saturating_sub(now),
            _ => self.last.saturating_sub(now),
        }
    }

    fn latency(&self) -> Duration {
        self.room.latency
    }

    fn hold(&mut self) {
        self.catch_up();
        self.running = None;
    }

    fn release(&mut self) {
        self.running = Some(self.room.now());
    }

    fn flush(&mut self) {
        self.catch_up();
        self.queue.clear();
    }

    fn set_gain(&mut self, gain: f32) {
        self.catch_up();
        self.gain = gain;
    }
}

impl Drop for MemorySink {
    fn drop(&mut self) {
        self.catch_up();
    }
}

/// Decodes nothing: a packet is a tone as loud as its first byte says, as long as it lasts. One that starts with 0xff
/// is damaged.
pub(crate) struct FakeSoundDecoders;

struct FakeSoundDecoder(SinkFormat);

impl SoundDecoders for FakeSoundDecoders {
    fn open(&mut self, format: &SoundFormat, wanted: SinkFormat) -> Result<Box<dyn DecodeSound>, Unheard> {
        format.check().map_err(|error| Unheard(error.to_string()))?;
        Ok(Box::new(FakeSoundDecoder(wanted)))
    }
}

impl DecodeSound for FakeSoundDecoder {
    fn decode(&mut self, piece: &SoundPiece, out: &mut Vec<Samples>) -> Result<(), Unheard> {
        let level = piece.data.first().copied().filter(|byte| *byte != 0xff);
        let level = f32::from(level.ok_or_else(|| Unheard("damaged".into()))?) / 100.0;
        let count = self.0.frames(piece.duration.as_duration()) * usize::from(self.0.channels);
        out.push(Samples { pts: piece.pts, data: vec![level; count] });
        Ok(())
    }
}
