//! Whether a link is taken in at all, before anything is spent on it.
//!
//! What costs a hub is a link that does not register: a place, a handshake, a verification. So each source, an
//! address or a network of version 6, has so many places for links that are not registered, and pays for those that
//! never do: the more of them fail, the longer is the pause between two that are taken. Who registers makes up for
//! several who fail: a school behind one address comes in although somebody there only fails, since the pauses stay
//! short enough for the first of its members and vanish with the next. Who says nothing makes place for the next of the
//! same source; who has begun to register does not. When very many sources send a link each, links of strangers are
//! refused at random before all places are gone, and the last places are for sources that have behaved. Since one host
//! may have very many addresses of version 6, a whole network has no more of the strangers' share than one address.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::{Duration, Instant},
};

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

use super::bucket::{Bucket, Rate};
use crate::{
    proto::Ending,
    types::{Code, LinkId, Peer, Source},
};

/// Links that are not registered, in all. With their buffers they may cost some 20 MiB.
pub const MAX_UNREGISTERED: usize = 1024;

/// From so many on, links of sources that have no merit are refused at random.
const CROWDED: usize = MAX_UNREGISTERED / 2;

/// From so many on, the places that are left are for sources with merit.
const NEARLY_FULL: usize = MAX_UNREGISTERED / 8 * 7;

/// Links that are not registered, of one source that has hardly any failures: a school that comes at once, over links so slow
/// that the first is not through when the last comes. One source alone is no crowd.
pub const MAX_UNREGISTERED_OF_SOURCE: usize = 384;

/// The same for a source that has to pause.
const MAX_UNREGISTERED_OF_SUSPECT: usize = 64;

/// Links that one source may bring, whatever becomes of them: 500 pupils at once with somebody among them who only
/// fails, but not a new guest every millisecond whose coming and going everybody is told.
const LINKS: Rate = Rate::per_second(8, 768);

/// Links of strangers of one network, taken or not.
const LINKS_OF_NETWORK: Rate = Rate::per_second(8, 512);

/// Links of sources without merit, in all: each costs a handshake of about a millisecond of one core, and ten
/// thousand hosts of an attacker are to leave time for members.
const LINKS_OF_STRANGERS: Rate = Rate::per_second(200, 1000);

/// Links of a source that may fail before there are pauses: names that are taken, a mistyped port, a probe.
const FREE_FAILURES: i32 = 16;

/// Failures that one registration makes up for.
const MERIT: i32 = 8;

/// Failures that a source may have made up for in advance.
const MOST_MERIT: i32 = 64;

/// The pause between two links of a source that has just used up what is free.
const FIRST_PAUSE: Duration = Duration::from_millis(16);

/// So many more failures double the pause.
const DOUBLING: i32 = 8;

/// Doublings of the pause, up to half a second. Longer ones would keep out who shares an address with an attacker,
/// and save next to nothing.
const MOST_DOUBLINGS: i32 = 5;

/// One failure is forgotten in this time.
const FORGET_FAILURE: Duration = Duration::from_secs(4);

/// What makes up for one failure is forgotten in this time: the merit of one registration in four minutes.
const FORGET_MERIT: Duration = Duration::from_secs(30);

/// The bits that tell apart the networks of version 6 within one that a provider hands out: a /48.
const WITHIN_NETWORK: u64 = 0xffff;

/// Sources that are remembered; with more of them, one that waits for nothing is forgotten early. Some 1 MiB.
const MAX_SOURCES: usize = 8 * 1024;

/// How often what is not worth remembering is thrown away.
const SWEEP: Duration = Duration::from_mins(1);

/// Between two reports of links that were refused: a flood of links is no flood of lines.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Links that were refused since the last report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedLinks {
    pub links: u64,
    /// Where the last of them came from.
    pub peer: Peer,
}

/// What is remembered of one source.
#[derive(Clone, Copy, Debug)]
struct Record {
    /// Links that are not registered.
    waiting: usize,
    /// Those that failed, less what made up for them; negative is merit.
    failures: i32,
    /// `failures` holds for this time; it tends to 0 from there.
    at: Instant,
    links: Bucket,
    /// Nothing is taken before.
    pause_until: Instant,
}

impl Record {
    fn new(now: Instant) -> Self {
        Self { waiting: 0, failures: 0, at: now, links: Bucket::new(now), pause_until: now }
    }

    /// Forgets what time has made forgettable.
    fn forget(&mut self, now: Instant) {
        let one = if self.failures < 0 { FORGET_MERIT } else { FORGET_FAILURE };
        let forgotten = now.saturating_duration_since(self.at).as_millis() / one.as_millis();
        let forgotten = u32::try_from(forgotten).unwrap_or(u32::MAX);
        self.at = self.at.checked_add(one.saturating_mul(forgotten)).unwrap_or(now);
        let left = self.failures.unsigned_abs().saturating_sub(forgotten);
        self.failures = self.failures.signum() * i32::try_from(left).unwrap_or(i32::MAX);
    }

    fn failed(&mut self) {
        self.failures = (self.failures + 1).min(FREE_FAILURES + DOUBLING * MOST_DOUBLINGS);
    }

    fn registered(&mut self) {
        self.failures = (self.failures - MERIT).max(-MOST_MERIT);
    }

    fn places(&self) -> usize {
        if self.failures < FREE_FAILURES { MAX_UNREGISTERED_OF_SOURCE } else { MAX_UNREGISTERED_OF_SUSPECT }
    }

    fn pause(&self) -> Duration {
        let over = self.failures - FREE_FAILURES;
        if over < 0 { Duration::ZERO } else { FIRST_PAUSE * (1 << (over / DOUBLING).min(MOST_DOUBLINGS)) }
    }

    fn is_worth_nothing(&self, now: Instant) -> bool {
        self.waiting == 0 && self.failures == 0 && self.links.is_full(now) && self.pause_until <= now
    }
}

/// Takes links in or refuses them, and hears what became of them.
#[derive(Debug)]
pub struct Door {
    /// Links of this machine are counted like all others.
    limits_local: bool,
    rng: StdRng,
    sources: BTreeMap<Source, Record>,
    /// What strangers of a network have used of the rate that one source has.
    networks: BTreeMap<Source, Bucket>,
    /// The links that are not registered and counted.
    waiting: HashMap<LinkId, Source>,
    /// Those of them that have said nothing; of each source the oldest first.
    silent: BTreeSet<(Source, LinkId)>,
    /// Links that have to make place.
    evicted: Vec<LinkId>,
    strangers: Option<Bucket>,
    sweep_at: Option<Instant>,
    refused: u64,
    unreported: Option<RefusedLinks>,
    report_at: Option<Instant>,
}

impl Door {
    /// A door that nobody has come to. Links of this machine are refused only with `limits_local`: whoever can open
    /// them has better ways to disturb a hub. `seed` must come from a random source.
    #[must_use]
    pub fn new(limits_local: bool, seed: [u8; 32]) -> Self {
        Self {
            limits_local,
            rng: StdRng::from_seed(seed),
            sources: BTreeMap::new(),
            networks: BTreeMap::new(),
            waiting: HashMap::new(),
            silent: BTreeSet::new(),
            evicted: Vec::new(),
            strangers: None,
            sweep_at: None,
            refused: 0,
            unreported: None,
            report_at: None,
        }
    }

    /// Whether nothing is counted for this peer, neither its links nor its posts.
    #[must_use]
    pub fn is_exempt(&self, peer: &Peer) -> bool {
        peer.is_local() && !self.limits_local
    }

    /// A link came; whether it is taken. One that is not is to be closed without a word.
    #[must_use]
    pub fn knock(&mut self, link: LinkId, peer: &Peer, now: Instant) -> bool {
        if self.is_exempt(peer) {
            return true;
        }
        self.sweep(now);
        let source = peer.source();
        let mut record = self.sources.get(&source).copied().unwrap_or_else(|| Record::new(now));
        record.forget(now);
        let oldest = self.oldest_silent(source).filter(|_| record.waiting >= record.places());
        let may_come = record.pause_until <= now
            && record.links.has_one(LINKS, now)
            && (record.waiting < record.places() || oldest.is_some());
        if !may_come || !self.has_place(source, record.failures < 0, now) {
            self.refused += 1;
            let links = self.unreported.take().map_or(0, |refused| refused.links) + 1;
            self.unreported = Some(RefusedLinks { links, peer: peer.clone() });
            return false;
        }
        if let Some(oldest) = oldest {
            self.evict(source, oldest);
            record.waiting -= 1;
        }
        record.waiting += 1;
        record.links.take_one(LINKS, now);
        record.pause_until = now + record.pause();
        self.make_room(source);
        self.sources.insert(source, record);
        self.waiting.insert(link, source);
        self.silent.insert((source, link));
        true
    }

    /// A link has begun to register, so it does not make place for others.
    pub fn greeted(&mut self, link: LinkId) {
        if let Some(source) = self.waiting.get(&link) {
            self.silent.remove(&(*source, link));
        }
    }

    /// Links that were taken and are to be closed without a word, since they said nothing and others wait.
    pub fn take_evicted(&mut self) -> Vec<LinkId> {
        std::mem::take(&mut self.evicted)
    }

    /// A link became a member's.
    pub fn registered(&mut self, link: LinkId, now: Instant) {
        if let Some(record) = self.done_waiting(link, now) {
            record.registered();
        }
    }

    /// A link ended; what matters is whether it ever registered.
    pub fn ended(&mut self, link: LinkId, ending: &Ending, now: Instant) {
        let is_our_doing = matches!(ending, Ending::Closed(Code::HubFull | Code::HubClosing | Code::TryLater));
        if let Some(record) = self.done_waiting(link, now)
            && !is_our_doing
        {
            record.failed();
        }
    }

    /// How many links are counted that are not registered.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many links were refused since the hub began.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// When there is something to report.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.unreported.as_ref().and(self.report_at)
    }

    /// The links that were refused since the last report, unless that was a moment ago.
    pub fn take_report(&mut self, now: Instant) -> Option<RefusedLinks> {
        if self.report_at.is_some_and(|at| now < at) {
            return None;
        }
        let report = self.unreported.take()?;
        self.report_at = Some(now + REPORT_INTERVAL);
        Some(report)
    }

    /// Whether there is a place for one more, of a source with merit or not.
    fn has_place(&mut self, source: Source, has_merit: bool, now: Instant) -> bool {
        let waiting = self.waiting.len();
        if has_merit {
            return waiting < MAX_UNREGISTERED;
        }
        if !self.network_may_knock(source, now) {
            return false;
        }
        let strangers = self.strangers.get_or_insert_with(|| Bucket::new(now));
        let has_place = strangers.has_one(LINKS_OF_STRANGERS, now)
            && match waiting {
                0..CROWDED => true,
                CROWDED..NEARLY_FULL => self.rng.random_range(CROWDED..NEARLY_FULL) >= waiting,
                _ => false,
            };
        if has_place {
            strangers.take_one(LINKS_OF_STRANGERS, now);
        }
        has_place
    }

    /// Charges a stranger's network for a knock, whatever becomes of it: who is refused and knocks all the more often
    /// is not to have all that others leave.
    fn network_may_knock(&mut self, source: Source, now: Instant) -> bool {
        let network = match source {
            Source::V6(bits) => Source::V6(bits & !WITHIN_NETWORK),
            source => source,
        };
        if self.networks.len() >= MAX_SOURCES && !self.networks.contains_key(&network) {
            let drawn = draw_from(&mut self.rng, &self.networks, |_| true);
            drawn.map(|drawn| self.networks.remove(&drawn));
        }
        let bucket = self.networks.entry(network).or_insert_with(|| Bucket::new(now));
        let may_knock = bucket.has_one(LINKS_OF_NETWORK, now);
        if may_knock {
            bucket.take_one(LINKS_OF_NETWORK, now);
        }
        may_knock
    }

    fn oldest_silent(&self, source: Source) -> Option<LinkId> {
        let links = (source, LinkId(0))..=(source, LinkId(u64::MAX));
        self.silent.range(links).next().map(|(_, link)| *link)
    }

    fn evict(&mut self, source: Source, link: LinkId) {
        self.silent.remove(&(source, link));
        self.waiting.remove(&link);
        self.evicted.push(link);
    }

    fn done_waiting(&mut self, link: LinkId, now: Instant) -> Option<&mut Record> {
        let source = self.waiting.remove(&link)?;
        self.silent.remove(&(source, link));
        let record = self.sources.get_mut(&source)?;
        record.waiting = record.waiting.saturating_sub(1);
        record.forget(now);
        Some(record)
    }

    /// Makes room for one more source.
    fn make_room(&mut self, newcomer: Source) {
        if self.sources.len() < MAX_SOURCES || self.sources.contains_key(&newcomer) {
            return;
        }
        // There are far more sources than links that wait.
        let drawn = draw_from(&mut self.rng, &self.sources, |record| record.waiting == 0);
        drawn.map(|drawn| self.sources.remove(&drawn));
    }

    fn sweep(&mut self, now: Instant) {
        if self.sweep_at.is_some_and(|at| now < at) {
            return;
        }
        self.sweep_at = Some(now + SWEEP);
        self.networks.retain(|_, bucket| !bucket.is_full(now));
        self.sources.retain(|_, record| {
            record.forget(now);
            !record.is_worth_nothing(now)
        });
    }
}

/// One that may be forgotten, drawn so that nobody can choose it.
fn draw_from<T>(rng: &mut StdRng, sources: &BTreeMap<Source, T>, may_go: impl Fn(&T) -> bool) -> Option<Source> {
    let bits = rng.next_u64();
    let point = if bits.is_multiple_of(2) { Source::V4((bits >> 32) as u32) } else { Source::V6(bits) };
    let mut around = sources.range(point..).chain(sources.range(..point));
    around.find(|(_, kept)| may_go(kept)).map(|(source, _)| *source)
}

#[cfg(test)]
mod tests;
