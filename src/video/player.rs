//! A play as the session holds it: a thread of its own that takes packets and shows pictures.

use std::{fmt, io, thread::JoinHandle, time::Duration};

use crossbeam_channel::{Receiver, Sender};

use super::{
    clock::{Clock, Event},
    input::Input,
    pace::Speed,
    render::Display,
    report::Report,
};

/// Whether this build can play: it was made with the feature `player`.
pub const AVAILABLE: bool = cfg!(feature = "player");

/// How long dropping a handle waits for the thread. Decoding or drawing one picture takes milliseconds; a
/// window system that hangs must not hold up the rest.
const PATIENCE: Duration = Duration::from_secs(1);

/// How a title is to be played.
pub struct PlayerOptions {
    /// What the play is called in thread names: the id that the viewer knows.
    pub id: String,
    /// How fast.
    pub speed: Speed,
    /// Whether [`Summary::sha256`](super::report::Summary::sha256) is wanted.
    pub checksum: bool,
    /// Where it is shown.
    pub display: Box<dyn Display>,
    /// The clock that frames are shown by.
    pub clock: Box<dyn Clock>,
}

impl fmt::Debug for PlayerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, speed, checksum, display, .. } = self;
        write!(f, "PlayerOptions({id}, {speed:?}, checksum {checksum}, display {})", display.kind())
    }
}

/// Why a play did not start.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The build has no player.
    #[error("this build has no player: it was made without the feature `player`")]
    Unavailable,
    /// The system gives no thread.
    #[error("no thread for the player: {0}")]
    Thread(#[from] io::Error),
}

/// A running play. Dropping it stops the play.
#[derive(Debug)]
pub struct PlayerHandle {
    events: Sender<Event>,
    /// Disconnected when the thread is through.
    running: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl PlayerHandle {
    /// Gives the play more to do; never waits. The sender bounds what it sends by the credit that
    /// [`Report::Consumed`] gives back. After [`Report::Ended`] nothing comes of it.
    pub fn send(&self, input: Input) {
        // A thread that is through has said so by its last report.
        let _ = self.events.send(Event::Input(input));
    }

    /// Waits until the play has ended by itself.
    pub fn join(mut self) {
        self.wait();
    }

    fn wait(&mut self) {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("a player thread panicked");
        }
    }
}

impl Drop for PlayerHandle {
    fn drop(&mut self) {
        if self.thread.is_none() {
            return;
        }
        self.send(Input::Stop);
        let over = self.running.recv_timeout(PATIENCE);
        if over == Err(crossbeam_channel::RecvTimeoutError::Disconnected) {
            self.wait();
        } else {
            log::warn!("a player did not stop within {} ms", PATIENCE.as_millis());
        }
    }
}

/// Starts a play. `reports` is called on its thread and should not wait for anything.
///
/// # Errors
/// [`SpawnError::Unavailable`] in a build without the feature `player`.
#[cfg(feature = "player")]
pub fn spawn(options: PlayerOptions, reports: impl Fn(Report) + Send + 'static) -> Result<PlayerHandle, SpawnError> {
    start(options, Box::new(super::ffmpeg::Libavcodec), Box::new(reports))
}

/// Says that this build cannot play.
///
/// # Errors
/// [`SpawnError::Unavailable`], always.
#[cfg(not(feature = "player"))]
pub fn spawn(_: PlayerOptions, _: impl Fn(Report) + Send + 'static) -> Result<PlayerHandle, SpawnError> {
    Err(SpawnError::Unavailable)
}

#[cfg(any(test, feature = "player"))]
fn start(
    options: PlayerOptions,
    decoders: Box<dyn super::decode::Decoders>,
    reports: Box<dyn Fn(Report) + Send>,
) -> Result<PlayerHandle, SpawnError> {
    use super::{
        engine::{Engine, Parts},
        pace::{Pace, WhenLate},
        render::Closer,
        tally::Tally,
    };

    let PlayerOptions { id, speed, checksum, mut display, clock } = options;
    let (events, inbox) = crossbeam_channel::unbounded();
    let (is_running, running) = crossbeam_channel::bounded(0);
    let late = if display.drops_late() { WhenLate::Drop } else { WhenLate::Show };
    display.attach(Closer::new(events.clone()));
    let (pace, tally) = (Pace::new(speed, late), Tally::new(checksum));
    let parts = Parts { clock, decoders, display, pace, tally, reports };
    let thread = std::thread::Builder::new().name(format!("play-{id}")).spawn(move || {
        Engine::new(parts).run(&inbox);
        drop(is_running);
    })?;
    Ok(PlayerHandle { events, running, thread: Some(thread) })
}
