//! What an operator wants of a running hub: over its socket, or by SIGHUP.

use std::{collections::HashMap, sync::Arc, time::Instant};

use rand::Rng as _;

use super::Hub;
use crate::{
    driver::{
        admin::{AdminInbox, AdminSocket, Asked},
        clock,
        pool::Pool,
        watcher::{Watch, Watcher},
    },
    proto::{VERSIONS, message::Videos},
    server::{
        CommitId, InviteCode,
        admin::{AdminAnswer, AdminError, Facts, Reloaded, Reply, answer, committed},
        listing,
    },
    transport::Notifier,
    video::Catalog,
};

/// Reads again what the hub was started with. It runs on a thread of its own and may take its time.
pub type Reload = Arc<dyn Fn() -> Result<Reloaded, AdminError> + Send + Sync>;

/// How a hub is looked after. The default is not at all.
#[derive(Default)]
pub struct OperatorParts {
    pub socket: Option<AdminSocket>,
    pub reload: Option<Reload>,
    /// The folder of videos that is followed.
    pub watch: Option<Watch>,
    /// The URLs that members are given, without pins.
    pub listening: Vec<String>,
    /// Of the key that members pin, in hexadecimal.
    pub fingerprint: Option<String>,
}

/// Who asked for it, and what came of it.
type ReloadDone = (Vec<Asked>, Result<Reloaded, AdminError>);

pub(super) struct Operator {
    inbox: Option<AdminInbox>,
    reloads: Option<Pool<Vec<Asked>, ReloadDone>>,
    watcher: Option<Watcher>,
    /// The list of videos that members were told of last.
    listed: Vec<Videos>,
    /// What the operator was told of them last.
    told: Reloaded,
    /// Who waits for a change to last, and for which answer.
    committing: HashMap<CommitId, (Asked, AdminAnswer)>,
    listening: Vec<String>,
    fingerprint: Option<String>,
    start: Instant,
}

impl Operator {
    pub(super) fn new(parts: OperatorParts, catalog: &Catalog, notifier: &Notifier) -> std::io::Result<Self> {
        let reload = |reload: Reload| Pool::new("reload", 1, notifier, move |asked| (asked, reload()));
        Ok(Self {
            inbox: parts.socket.map(|socket| AdminInbox::start(socket, notifier.clone())).transpose()?,
            reloads: parts.reload.map(reload).transpose()?,
            watcher: parts.watch.map(|watch| Watcher::start(watch, notifier.clone())).transpose()?,
            listed: listing::pages(catalog),
            // Of the catalogue with which the hub begins.
            told: Reloaded::of(catalog),
            committing: HashMap::new(),
            listening: parts.listening,
            fingerprint: parts.fingerprint,
            start: clock::now(),
        })
    }
}

impl Hub {
    /// Answers what was asked since the last turn.
    pub(super) fn heed_operator(&mut self) {
        let asked: Vec<_> = self.operator.inbox.iter().flat_map(AdminInbox::take).collect();
        for asked in asked {
            let facts = self.facts();
            let mut random = [0; InviteCode::BYTES];
            rand::rng().fill_bytes(&mut random);
            match answer(asked.request.clone(), &mut self.relay, &facts, &InviteCode::new(random)) {
                Reply::Now(answer) => asked.answer(answer),
                Reply::Once(id, answer) => drop(self.operator.committing.insert(id, (asked, answer))),
                Reply::Reload => self.reload(vec![asked]),
            }
        }
        let reloaded: Vec<_> = self.operator.reloads.iter().flat_map(Pool::answers).collect();
        for (asked, result) in reloaded {
            self.reloaded(&asked, result);
        }
        let followed: Vec<_> = self.operator.watcher.iter().flat_map(Watcher::answers).collect();
        for result in followed {
            self.followed(result);
        }
    }

    /// A change lasts, or does not; perhaps an operator waits for it.
    pub(super) fn tell_operator(&mut self, id: CommitId, is_kept: bool) {
        if let Some((asked, answer)) = self.operator.committing.remove(&id) {
            asked.answer(committed(answer, is_kept));
        }
    }

    /// Reads again what the hub was started with; who asked for it is answered when that is done.
    pub(super) fn reload(&mut self, asked: Vec<Asked>) {
        if let Some(reloads) = &self.operator.reloads {
            return reloads.submit(asked);
        }
        for asked in asked {
            let titles = self.videos.catalog().titles().len();
            asked.answer(AdminAnswer::Reloaded(Reloaded { titles, ..Reloaded::default() }));
        }
    }

    fn reloaded(&mut self, asked: &[Asked], result: Result<Reloaded, AdminError>) {
        match &result {
            Ok(reloaded) => {
                self.operator.fingerprint.clone_from(&reloaded.fingerprint);
                self.tell_catalog();
                self.tell_members();
            }
            Err(error) => log::warn!("not everything is read again: {} ({})", error.message, error.hint),
        }
        // What that left to do is gone on with there.
        if let Some(watcher) = &self.operator.watcher {
            watcher.look();
        }
        let answer = result.map_or_else(AdminAnswer::from, AdminAnswer::Reloaded);
        for asked in asked {
            asked.answer(answer.clone());
        }
    }

    /// The folder changed and was read by itself.
    fn followed(&mut self, result: Result<Reloaded, AdminError>) {
        match result {
            Ok(_) => {
                // A title that is another one now is told all the same.
                if self.tell_members() || self.operator.told != Reloaded::of(&self.videos.catalog()) {
                    self.tell_catalog();
                }
            }
            Err(error) => log::warn!("{} ({})", error.message, error.hint),
        }
    }

    /// Tells the operator what is on offer now: it may have been read again since what calls for this was read.
    fn tell_catalog(&mut self) {
        let now = Reloaded::of(&self.videos.catalog());
        (self.report)(now.event(Some(&self.operator.told)));
        self.operator.told = now;
    }

    /// Tells members that the list of videos is another one, if it is.
    fn tell_members(&mut self) -> bool {
        let pages = listing::pages(&self.videos.catalog());
        if pages == self.operator.listed {
            return false;
        }
        self.operator.listed = pages;
        self.relay.videos_changed();
        self.obey(clock::now());
        true
    }

    fn facts(&self) -> Facts {
        let uptime = clock::now().saturating_duration_since(self.operator.start);
        let plays = self.plays.iter().filter_map(|(link, plays)| {
            let name = self.relay.name_of(*link)?;
            Some((name.clone(), plays.len()))
        });
        Facts {
            protocol: VERSIONS.last().copied().unwrap_or_default(),
            uptime_ms: uptime.as_millis().try_into().unwrap_or(u64::MAX),
            listening: self.operator.listening.clone(),
            fingerprint: self.operator.fingerprint.clone(),
            plays: plays.collect(),
            titles: self.videos.catalog().titles().len(),
            waiting_links: self.door.waiting(),
            refused_links: self.door.refused(),
        }
    }
}
