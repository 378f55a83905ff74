//! A play as the session holds it: a thread of its own that takes packets and shows pictures.

use std::{fmt, io, thread::JoinHandle, time::Duration};

use crossbeam_channel::{Receiver, Sender};

use super::{
    clock::{Clock, Event},
    input::Input,
    pace::Speed,
    render::Display,
    report::Report,
    sound::Sinks,
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
    /// Where its sound goes; nothing for a silent play.
    pub sinks: Option<Box<dyn Sinks>>,
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
    let sound_decoders = Box::new(super::sound::LibavcodecSound);
    start(options, Box::new(super::ffmpeg::Libavcodec), sound_decoders, Box::new(reports))
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
    sound_decoders: Box<dyn super::sound::SoundDecoders>,
    reports: Box<dyn Fn(Report) + Send>,
) -> Result<PlayerHandle, SpawnError> {
    use super::{
        engine::{
            Engine, Parts,
            sound::{PlaySound, SoundParts},
        },
        pace::{Pace, WhenLate},
        render::Closer,
        tally::Tally,
    };

    let PlayerOptions { id, speed, checksum, mut display, sinks, clock } = options;
    let (events, inbox) = crossbeam_channel::unbounded();
    let (is_running, running) = crossbeam_channel::bounded(0);
    let late = if display.drops_late() { WhenLate::Drop } else { WhenLate::Show };
    let closer = Closer::new(events.clone());
    let (pace, tally) = (Pace::new(speed, late), Tally::new(checksum));
    // The system takes no name with a zero in it.
    let name = format!("play-{}", id.replace('\0', ""));
    let thread = std::thread::Builder::new().name(name).spawn(move || {
        display.attach(closer);
        let sinks = sinks.filter(|_| speed == Speed::Normal);
        let sound = sinks.map(|sinks| PlaySound::new(SoundParts { sinks, decoders: sound_decoders }));
        let parts = Parts { clock, decoders, display, pace, tally, reports };
        Engine::new(parts).with_sound(sound.unwrap_or_else(PlaySound::none)).run(&inbox);
        drop(is_running);
    })?;
    Ok(PlayerHandle { events, running, thread: Some(thread) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        types::EndReason,
        video::{
            clock::SystemClock,
            render::{DisplayKind, NullDisplay},
            report::Summary,
            sound::testing::FakeSoundDecoders,
            testing::{FakeDecoders, packet, segment},
        },
    };

    fn options(speed: Speed) -> PlayerOptions {
        let clock = Box::new(SystemClock::start());
        PlayerOptions { id: "test".into(), speed, checksum: true, display: Box::new(NullDisplay), sinks: None, clock }
    }

    fn started(speed: Speed) -> (PlayerHandle, Receiver<Report>) {
        let (sender, reports) = crossbeam_channel::unbounded();
        let reports_to = Box::new(move |report| sender.send(report).unwrap());
        (
            start(options(speed), Box::new(FakeDecoders { delay: 1 }), Box::new(FakeSoundDecoders), reports_to)
                .unwrap(),
            reports,
        )
    }

    fn end(reports: &Receiver<Report>) -> Summary {
        let last = reports.iter().last();
        let Some(Report::Ended(summary)) = last else { panic!("{last:?}") };
        summary
    }

    #[test]
    fn a_play_runs_on_its_own_thread_to_its_end() {
        let (player, reports) = started(Speed::Max);
        player.send(Input::Segment(segment(240)));
        (0..100).for_each(|number| player.send(Input::Packet(packet(number))));
        player.send(Input::End { reason: EndReason::Finished });
        player.join();
        let summary = end(&reports);
        assert_eq!((summary.shown, summary.reason), (100, EndReason::Finished));
        // 100 black pictures of 426 × 240, as `sha256sum` has them.
        let sum = "d8df18f7ddc13b54d53be2c621b31e51ae10841b0fe17d691593c94d0bf7c79d";
        assert_eq!(summary.sha256.as_deref(), Some(sum));
    }

    #[test]
    fn dropping_the_handle_stops_the_play() {
        let (player, reports) = started(Speed::Normal);
        player.send(Input::Segment(segment(240)));
        player.send(Input::Packet(packet(0)));
        drop(player);
        assert_eq!(end(&reports).reason, EndReason::Stopped);
    }

    #[test]
    fn a_play_that_has_ended_takes_nothing_more() {
        let (player, reports) = started(Speed::Max);
        player.send(Input::Stop);
        assert_eq!(end(&reports).reason, EndReason::Stopped);
        (0..100).for_each(|number| player.send(Input::Packet(packet(number))));
    }

    #[test]
    fn options_can_be_logged() {
        assert_eq!(format!("{:?}", options(Speed::Max)), "PlayerOptions(test, Max, checksum true, display none)");
        assert_eq!(options(Speed::Max).display.kind(), DisplayKind::None);
    }

    #[test]
    fn a_build_without_the_feature_says_so() {
        let spawned = spawn(options(Speed::Max), drop);
        assert_eq!(matches!(spawned, Err(SpawnError::Unavailable)), !AVAILABLE);
    }
}
