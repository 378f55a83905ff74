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
    /// When the device asked last, or would have if it had not been held.
    asked: Duration,
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
            taken: 0,
            latency: Duration::ZERO,
        }
    }

    fn format(&self) -> Option<SinkFormat> {
        if let SinkState::Ready(format) = self.state { Some(format) } else { None }
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
        let quiet = shared.clock.now().saturating_sub(shared.asked);
        if !shared.is_held && quiet > PATIENCE && shared.format().is_some() {
            shared.state = SinkState::Gone("it takes no sound any more".to_owned());
        }
        shared.state.clone()
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
    shared.state = SinkState::Ready(format);
    shared.asked = shared.clock.now();
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
