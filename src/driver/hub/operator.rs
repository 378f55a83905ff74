//! What an operator wants of a running hub: over its socket, or by SIGHUP.

use std::{collections::HashMap, sync::Arc, time::Instant};

use rand::Rng as _;

use super::Hub;
use crate::{
    driver::{
        admin::{AdminInbox, AdminSocket, Asked},
        clock,
        pool::Pool,
    },
    proto::VERSIONS,
    server::{
        CommitId, InviteCode,
        admin::{AdminAnswer, AdminError, Facts, Reloaded, Reply, answer, committed},
        report::HubEvent,
    },
    transport::Notifier,
};

/// Reads again what the hub was started with. It runs on a thread of its own and may take its time.
pub type Reload = Arc<dyn Fn() -> Result<Reloaded, AdminError> + Send + Sync>;

/// How a hub is looked after. The default is not at all.
#[derive(Default)]
pub struct OperatorParts {
    pub socket: Option<AdminSocket>,
    pub reload: Option<Reload>,
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
    /// Who waits for a change to last, and for which answer.
    committing: HashMap<CommitId, (Asked, AdminAnswer)>,
    listening: Vec<String>,
    fingerprint: Option<String>,
    start: Instant,
}

impl Operator {
    pub(super) fn new(parts: OperatorParts, notifier: &Notifier) -> std::io::Result<Self> {
        let reload = |reload: Reload| Pool::new("reload", 1, notifier, move |asked| (asked, reload()));
        Ok(Self {
            inbox: parts.socket.map(|socket| AdminInbox::start(socket, notifier.clone())).transpose()?,
            reloads: parts.reload.map(reload).transpose()?,
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
            Ok(Reloaded { titles, skipped, fingerprint }) => {
                self.operator.fingerprint.clone_from(fingerprint);
                (self.report)(HubEvent::Catalog { titles: *titles, skipped: skipped.clone() });
            }
            Err(error) => log::warn!("not everything is read again: {} ({})", error.message, error.hint),
        }
        let answer = result.map_or_else(AdminAnswer::from, AdminAnswer::Reloaded);
        for asked in asked {
            asked.answer(answer.clone());
        }
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
