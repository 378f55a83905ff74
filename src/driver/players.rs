//! The players of one member: started, fed and heard, each on a thread of its own.

use std::collections::BTreeMap;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::{
    transport::Notifier,
    types::PlayId,
    video::{
        clock::SystemClock,
        input::Input,
        pace::Speed,
        player::{PlayerHandle, PlayerOptions, SpawnError, spawn},
        render::Display,
        report::Report,
        sound::Sinks,
    },
};

/// What a player tells.
type News = (PlayId, Report);

/// Players that run.
pub(super) struct Players {
    running: BTreeMap<PlayId, PlayerHandle>,
    reports: (Sender<News>, Receiver<News>),
    notifier: Notifier,
}

impl Players {
    pub(super) fn new(notifier: Notifier) -> Self {
        Self { running: BTreeMap::new(), reports: unbounded(), notifier }
    }

    pub(super) fn start(
        &mut self,
        play: PlayId,
        speed: Speed,
        checksum: bool,
        display: Box<dyn Display>,
        sinks: Option<Box<dyn Sinks>>,
    ) -> Result<(), SpawnError> {
        let clock = Box::new(SystemClock::start());
        let options = PlayerOptions { id: play.to_string(), speed, checksum, display, sinks, clock };
        let (sender, notifier) = (self.reports.0.clone(), self.notifier.clone());
        let handle = spawn(options, move |report| {
            // Nobody listens any more only when the member is gone.
            let _ = sender.send((play, report));
            notifier.wake();
        })?;
        self.running.insert(play, handle);
        Ok(())
    }

    pub(super) fn send(&self, play: PlayId, input: Input) {
        if let Some(player) = self.running.get(&play) {
            player.send(input);
        }
    }

    /// What players told since the last call; a player that ended is let go.
    pub(super) fn take_reports(&mut self) -> Vec<(PlayId, Report)> {
        let reports: Vec<_> = self.reports.1.try_iter().collect();
        for (play, report) in &reports {
            if matches!(report, Report::Ended(_)) {
                self.running.remove(play);
            }
        }
        reports
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }
}
