//! The system's sound device, by cpal: ALSA on Linux, with whatever server stands behind it.
//!
//! ```text
//!   engine ── write ──► queue (0.4 s) ──► callback, on the device's thread ──► device (its latency) ──► heard
//! ```
//!
//! Opening a device can take a while, so it happens on a thread of its own, which then keeps the stream until the
//! sink is gone.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use cpal::{
    Device, FromSample, OutputCallbackInfo, SampleFormat, SizedSample, Stream, StreamConfig,
    traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _},
};
use crossbeam_channel::{Receiver, Sender, bounded};

use super::{Sink, SinkFormat, SinkState, Sinks};
use crate::video::clock::{Clock as _, SystemClock};

/// How much sound waits in front of the device: a machine that is busy for less is not heard.
const QUEUE: Duration = Duration::from_millis(400);

/// Latencies above this are taken for a mistake of the driver's.
const MOST_LATENCY: Duration = Duration::from_secs(1);

/// A device that asked for nothing for so long, while it should, is gone.
const PATIENCE: Duration = Duration::from_secs(3);

/// When nobody looked for so long, the machine or the process stood still, and the device with it: it is judged anew.
const NOT_LOOKED: Duration = Duration::from_millis(500);

/// A device that is not open after so long is given up: until then its packets wait, and the hub for credit.
const OPENS_WITHIN: Duration = Duration::from_secs(5);

/// The system's default device.
#[derive(Clone, Copy, Debug, Default)]
pub struct Devices;

impl Sinks for Devices {
    fn open(&mut self) -> Box<dyn Sink> {
        let clock = SystemClock::start();
        let shared = Arc::new(Mutex::new(Shared::new(clock)));
        let (keep, kept) = bounded(0);
        let for_thread = Arc::clone(&shared);
        let spawned = thread::Builder::new().name("sound".to_owned()).spawn(move || run(&for_thread, &kept));
        if let Err(error) = spawned {
            lock(&shared).state = SinkState::Gone(format!("no thread for it: {error}"));
        }
        Box::new(DeviceSink { shared, _keep: keep })
    }
}

/// A queue that the device's callback empties.
struct DeviceSink {
    shared: Arc<Mutex<Shared>>,
    /// The stream is closed when this is dropped.
    _keep: Sender<()>,
}

/// What the engine and the device's callback share. Both hold the lock for as long as copying takes.
struct Shared {
    clock: SystemClock,
    state: SinkState,
    queue: VecDeque<f32>,
    is_held: bool,
    gain: f32,
    /// When the device asked last, or would have if it had not been held; while it is being opened, since when.
    asked: Duration,
    /// When its state was looked at last, and since when without a long break.
    looked: Duration,
    watched: Duration,
    /// Frames that it took then.
    taken: usize,
    /// From then until the first of them is heard.
    latency: Duration,
}

impl Shared {
    fn new(clock: SystemClock) -> Self {
        let now = clock.now();
        Self {
            clock,
            state: SinkState::Opening,
            queue: VecDeque::new(),
            is_held: true,
            gain: 1.0,
            asked: now,
            looked: now,
            watched: now,
            taken: 0,
            latency: Duration::ZERO,
        }
    }

    fn format(&self) -> Option<SinkFormat> {
        if let SinkState::Ready(format) = self.state { Some(format) } else { None }
    }

    /// Its state by then: one that has not answered for too long is gone.
    fn state(&mut self, now: Duration) -> SinkState {
        if now.saturating_sub(self.looked) > NOT_LOOKED {
            self.watched = now;
        }
        self.looked = now;
        let quiet = now.saturating_sub(self.asked.max(self.watched));
        let is_gone = match self.state {
            SinkState::Opening => (quiet > OPENS_WITHIN).then_some("it does not open"),
            SinkState::Ready(_) => (!self.is_held && quiet > PATIENCE).then_some("it takes no sound any more"),
            SinkState::Gone(_) => None,
        };
        if let Some(why) = is_gone {
            self.state = SinkState::Gone(why.to_owned());
        }
        self.state.clone()
    }

    /// The device is open, unless it was given up before that.
    fn opened(&mut self, format: SinkFormat, now: Duration) {
        if self.state == SinkState::Opening {
            (self.state, self.asked) = (SinkState::Ready(format), now);
        }
    }

    fn waiting(&self) -> usize {
        self.format().map_or(0, |format| self.queue.len() / usize::from(format.channels.max(1)))
    }

    /// Fills what the device asks for: with what waits, else with silence.
    fn fill<T: SizedSample + FromSample<f32>>(&mut self, wanted: &mut [T], latency: Duration) {
        let channels = self.format().map_or(1, |format| usize::from(format.channels.max(1)));
        let gain = self.gain;
        let take = if self.is_held { 0 } else { self.queue.len().min(wanted.len()) };
        let silence = std::iter::repeat_n(0.0, wanted.len() - take);
        for (to, from) in wanted.iter_mut().zip(self.queue.drain(..take).chain(silence)) {
            *to = T::from_sample(from * gain);
        }
        (self.asked, self.taken, self.latency) = (self.clock.now(), take / channels, latency.min(MOST_LATENCY));
    }
}

impl Sink for DeviceSink {
    fn state(&mut self) -> SinkState {
        let mut shared = lock(&self.shared);
        let now = shared.clock.now();
        shared.state(now)
    }

    fn room(&self) -> usize {
        let shared = lock(&self.shared);
        shared.format().map_or(0, |format| format.frames(QUEUE).saturating_sub(shared.waiting()))
    }

    fn write(&mut self, samples: &[f32]) {
        lock(&self.shared).queue.extend(samples);
    }

    fn unheard(&self) -> Duration {
        let shared = lock(&self.shared);
        let Some(format) = shared.format() else { return Duration::ZERO };
        let since = shared.clock.now().saturating_sub(shared.asked);
        let before = shared.latency + format.duration(shared.taken);
        format.duration(shared.waiting()) + before.saturating_sub(since)
    }

    fn latency(&self) -> Duration {
        lock(&self.shared).latency
    }

    fn hold(&mut self) {
        lock(&self.shared).is_held = true;
    }

    fn release(&mut self) {
        let mut shared = lock(&self.shared);
        (shared.is_held, shared.asked, shared.taken) = (false, shared.clock.now(), 0);
    }

    fn flush(&mut self) {
        let mut shared = lock(&self.shared);
        shared.queue.clear();
        shared.taken = 0;
    }

    fn set_gain(&mut self, gain: f32) {
        lock(&self.shared).gain = gain;
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens the device and keeps it open until the sink is gone.
fn run(shared: &Arc<Mutex<Shared>>, kept: &Receiver<()>) {
    quieten();
    match open(shared) {
        // Nothing is ever sent: this ends when the other end is dropped.
        Ok(_stream) => drop(kept.recv()),
        Err(error) => lock(shared).state = SinkState::Gone(error),
    }
}

/// What ALSA has to say goes to standard error, which is the terminal's; here it goes nowhere.
fn quieten() {
    #[cfg(any(target_os = "linux", target_os = "freebsd"))]
    if let Err(error) = alsa::Output::local_error_handler() {
        log::debug!("ALSA cannot be kept quiet: {error}");
    }
}

fn open(shared: &Arc<Mutex<Shared>>) -> Result<Stream, String> {
    let device = cpal::default_host().default_output_device().ok_or("there is no sound device")?;
    let config = device.default_output_config().map_err(|error| error.to_string())?;
    let sample_format = config.sample_format();
    let config: StreamConfig = config.into();
    let format = SinkFormat { rate: config.sample_rate, channels: config.channels };
    if format.rate == 0 || format.channels == 0 {
        return Err(format!("the sound device has {} channels, {} Hz", format.channels, format.rate));
    }
    let stream = match sample_format {
        SampleFormat::F32 => build::<f32>(&device, &config, shared),
        SampleFormat::I16 => build::<i16>(&device, &config, shared),
        SampleFormat::I32 => build::<i32>(&device, &config, shared),
        SampleFormat::U16 => build::<u16>(&device, &config, shared),
        SampleFormat::U8 => build::<u8>(&device, &config, shared),
        other => Err(format!("the sound device wants samples of {other}")),
    }?;
    stream.play().map_err(|error| error.to_string())?;
    let mut shared = lock(shared);
    let now = shared.clock.now();
    shared.opened(format, now);
    Ok(stream)
}

fn build<T: SizedSample + FromSample<f32>>(
    device: &Device,
    config: &StreamConfig,
    shared: &Arc<Mutex<Shared>>,
) -> Result<Stream, String> {
    let (for_data, for_errors) = (Arc::clone(shared), Arc::clone(shared));
    let mut is_quiet = false;
    let data = move |wanted: &mut [T], info: &OutputCallbackInfo| {
        if !std::mem::replace(&mut is_quiet, true) {
            quieten();
        }
        let times = info.timestamp();
        let latency = times.playback.duration_since(&times.callback).unwrap_or_default();
        lock(&for_data).fill(wanted, latency);
    };
    let error = move |error: cpal::StreamError| match error {
        cpal::StreamError::BufferUnderrun => {}
        error => lock(&for_errors).state = SinkState::Gone(error.to_string()),
    };
    device.build_output_stream(config, data, error, None).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: SinkFormat = SinkFormat { rate: 48_000, channels: 2 };

    fn gone(why: &str) -> SinkState {
        SinkState::Gone(why.to_owned())
    }

    /// Its state by then, looked at all the time before.
    fn watched(shared: &mut Shared, until: Duration) -> SinkState {
        while shared.looked + NOT_LOOKED < until {
            shared.state(shared.looked + NOT_LOOKED);
        }
        shared.state(until)
    }

    #[test]
    fn a_device_that_does_not_open_is_given_up_and_stays_so() {
        let mut shared = Shared::new(SystemClock::start());
        let began = shared.asked;
        assert_eq!(watched(&mut shared, began + OPENS_WITHIN), SinkState::Opening);
        let late = began + OPENS_WITHIN + Duration::from_millis(1);
        assert_eq!(shared.state(late), gone("it does not open"));
        shared.opened(FORMAT, late);
        assert_eq!(shared.state(late), gone("it does not open"), "nobody writes to it any more");
    }

    #[test]
    fn an_open_device_is_gone_when_it_asks_for_nothing_though_it_is_not_held() {
        let mut shared = Shared::new(SystemClock::start());
        let opened = shared.asked + Duration::from_secs(4);
        watched(&mut shared, opened);
        shared.opened(FORMAT, opened);
        let later = opened + PATIENCE + Duration::from_millis(1);
        assert_eq!(watched(&mut shared, later), SinkState::Ready(FORMAT), "it is held");
        let mut shared = Shared { is_held: false, looked: opened, ..shared };
        assert_eq!(watched(&mut shared, opened + PATIENCE), SinkState::Ready(FORMAT));
        assert_eq!(shared.state(later), gone("it takes no sound any more"));
    }

    #[test]
    fn a_process_that_was_stopped_does_not_give_its_device_up_for_that() {
        let hour = Duration::from_hours(1);
        let mut opening = Shared::new(SystemClock::start());
        let began = opening.asked;
        assert_eq!(opening.state(began + hour), SinkState::Opening);
        assert_eq!(
            watched(&mut opening, began + hour + OPENS_WITHIN * 2),
            gone("it does not open"),
            "it is judged anew"
        );

        let mut open = Shared { is_held: false, ..Shared::new(SystemClock::start()) };
        let opened = open.asked;
        open.opened(FORMAT, opened);
        assert_eq!(open.state(opened + hour), SinkState::Ready(FORMAT), "it had no time to ask");
        assert_eq!(watched(&mut open, opened + hour + PATIENCE), SinkState::Ready(FORMAT));
        assert_eq!(watched(&mut open, opened + hour + PATIENCE * 2), gone("it takes no sound any more"));
    }
}
