//! The hub's thread: one loop over its listeners and links.

mod media;
mod operator;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

pub use media::MediaMeter;
use media::MediaTurns;
use operator::Operator;
pub use operator::{OperatorParts, Reload};
use rand::Rng as _;

use super::{
    clock,
    event_loop::{EventLoop, Occurrence},
    ledger::{Ledger, LedgerThread},
    pool::Pool,
    signals::SignalInbox,
};
use crate::{
    crypto::{
        Challenge, CryptoProvider, RecordError, RegistrationError, VerifiedRecord, verify_record, verify_registration,
    },
    directory::Directory,
    proto::{
        Connection, Ending, Event, Message,
        message::{Nonce, Post, Refused},
    },
    server::{
        Admission, Bindings, Command, Door, PlayOutput, Plays, Rates, ReadJob, ReadResult, Relay, RelayOptions,
        Requests, door::RefusedLinks, listing, report::HubEvent,
    },
    transport::{Listener, Notifier},
    types::{Code, EndReason, Fingerprint, KeyRecord, LinkId, wire::Blob},
    video::VideoSource,
};

/// Threads that verify registrations, and as many that read files.
const POOL_THREADS: usize = 2;

/// How long members may take to read their Goodbye when the hub closes. All has to be over within 2 s; the rest of
/// them is for threads and for reports.
const CLOSING: Duration = Duration::from_secs(1);

/// Where links come in, and whom it lets in.
pub struct Entrance {
    pub listener: Box<dyn Listener>,
    pub admission: Admission,
}

/// What a hub is made of; the caller chooses the implementations.
pub struct HubParts {
    pub options: RelayOptions,
    pub entrances: Vec<Entrance>,
    pub directory: Box<dyn Directory>,
    /// What the ledger remembered when it was opened.
    pub bindings: Bindings,
    pub ledger: Ledger,
    pub crypto: Arc<dyn CryptoProvider>,
    pub videos: Arc<dyn VideoSource>,
    /// Whether links and posts of this machine are limited like those of others.
    pub limits_local: bool,
    pub operator: OperatorParts,
}

enum Verification {
    Registration { link: LinkId, record: KeyRecord, challenge: Challenge, proof: Blob },
    Update { link: LinkId, record: KeyRecord, fingerprint: Fingerprint },
}

enum Verified {
    Registration(LinkId, Result<VerifiedRecord, RegistrationError>),
    Update(LinkId, Result<VerifiedRecord, RecordError>),
}

impl Verification {
    fn verify(self, crypto: &dyn CryptoProvider) -> Verified {
        match self {
            Self::Registration { link, record, challenge, proof } => {
                Verified::Registration(link, verify_registration(crypto, record, &challenge, &proof))
            }
            Self::Update { link, record, fingerprint } => {
                Verified::Update(link, verify_record(crypto, record, fingerprint))
            }
        }
    }
}

/// Stops a hub from another thread: once asks, twice insists.
#[derive(Clone, Debug)]
pub struct HubStopper {
    asked: Arc<AtomicU32>,
    notifier: Notifier,
}

impl HubStopper {
    /// Asks the hub to say goodbye to everybody and end; asked twice, it ends at once.
    pub fn stop(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.notifier.wake();
    }
}

/// A hub that is ready to run.
pub struct Hub {
    event_loop: EventLoop,
    relay: Relay,
    door: Door,
    rates: Rates,
    /// Links whose posts are not counted.
    exempt: BTreeSet<LinkId>,
    requests: Requests,
    plays: BTreeMap<LinkId, Plays>,
    media: MediaTurns,
    videos: Arc<dyn VideoSource>,
    /// Of each listener, as they were added.
    admissions: Vec<Admission>,
    verifiers: Pool<Verification, Verified>,
    ledger: LedgerThread,
    readers: Pool<(LinkId, ReadJob), (LinkId, ReadResult)>,
    operator: Operator,
    signals: Option<SignalInbox>,
    stopper: HubStopper,
    stops_handled: u32,
    closing_until: Option<Instant>,
    report: Box<dyn FnMut(HubEvent) + Send>,
}

impl Hub {
    /// Sets up a hub. Everything that is worth an operator's attention goes to `report`.
    ///
    /// # Errors
    /// When the system gives no poll or threads.
    pub fn new(parts: HubParts, report: impl FnMut(HubEvent) + Send + 'static) -> io::Result<Self> {
        let mut event_loop = EventLoop::new()?;
        let notifier = event_loop.notifier();
        let crypto = parts.crypto;
        let verifiers = Pool::new("verify", POOL_THREADS, &notifier, move |job: Verification| job.verify(&*crypto))?;
        let ledger = LedgerThread::start(parts.ledger, &notifier)?;
        let source = Arc::clone(&parts.videos);
        let readers = Pool::new("read", POOL_THREADS, &notifier, move |(link, job): (LinkId, ReadJob)| {
            let data = job.batch.read(&*source);
            (link, ReadResult { play: job.play, batch: job.batch, data })
        })?;
        let catalog = parts.videos.catalog();
        let mut admissions = Vec::new();
        for entrance in parts.entrances {
            event_loop.listen(entrance.listener)?;
            admissions.push(entrance.admission);
        }
        Ok(Self {
            event_loop,
            relay: Relay::new(parts.options, parts.directory, parts.bindings),
            door: Door::new(parts.limits_local, fresh()),
            rates: Rates::new(clock::now()),
            exempt: BTreeSet::new(),
            requests: Requests::default(),
            plays: BTreeMap::new(),
            media: MediaTurns::default(),
            videos: parts.videos,
            operator: Operator::new(parts.operator, &catalog, &notifier)?,
            admissions,
            verifiers,
            ledger,
            readers,
            signals: None,
            stopper: HubStopper { asked: Arc::default(), notifier },
            stops_handled: 0,
            closing_until: None,
            report: Box::new(report),
        })
    }

    /// What stops this hub from another thread.
    #[must_use]
    pub fn stopper(&self) -> HubStopper {
        self.stopper.clone()
    }

    /// Lets SIGINT and SIGTERM stop this hub.
    ///
    /// # Errors
    /// When the system does not let them be caught.
    pub fn obey_signals(&mut self) -> io::Result<()> {
        self.signals = Some(SignalInbox::new(self.event_loop.notifier())?);
        Ok(())
    }

    /// Runs until the hub is stopped.
    ///
    /// # Errors
    /// When the system's poll fails.
    pub fn run(mut self) -> io::Result<()> {
        let mut more_media = false;
        while !self.is_over() {
            let deadline = if more_media { Some(clock::now()) } else { self.deadline() };
            let door = &mut self.door;
            let occurrences = self.event_loop.turn(deadline, &mut |link, peer, now| {
                door.knock(link, peer, now).then(|| Connection::hub(Nonce(fresh()), now))
            })?;
            let now = clock::now();
            self.requests.next_turn();
            for occurrence in occurrences {
                self.occurred(occurrence, now);
            }
            self.take_answers();
            self.heed_operator();
            self.relay.timeout(now);
            self.close_the_door_on_some(now);
            self.obey(now);
            self.event_loop.flush();
            more_media = self.pump_media();
            self.heed_stops(now);
        }
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        [self.relay.deadline(), self.door.deadline(), self.closing_until].into_iter().flatten().min()
    }

    fn is_over(&self) -> bool {
        match self.closing_until {
            None => false,
            Some(until) => self.event_loop.is_empty() || until <= clock::now() || self.stops_handled > 1,
        }
    }

    fn occurred(&mut self, occurrence: Occurrence, now: Instant) {
        match occurrence {
            Occurrence::Accepted(link, peer, listener) => {
                if self.door.is_exempt(&peer) {
                    self.exempt.insert(link);
                }
                let admission = self.admissions.get(listener).copied().unwrap_or(Admission::Invite);
                self.relay.accepted(link, peer.to_string(), admission);
            }
            Occurrence::Event(link, Event::Message(message)) => self.message(link, message),
            Occurrence::Event(link, Event::Ended(ending)) => self.ended(link, &ending, now),
            Occurrence::Event(link, Event::Greeted(_)) => self.door.greeted(link),
        }
        // What was decided is done before the next message is looked at, so that order is kept.
        self.obey(now);
    }

    fn message(&mut self, link: LinkId, message: Message) {
        if !self.requests.allow(link, &message) {
            let text = "too many requests at once; wait for the answers";
            return self.relay.let_go(link, Code::RateLimited, text);
        }
        match message {
            Message::Post(post) if !self.may_post(link, &post) => {
                let refused = Refused { mid: post.mid, code: Code::RateLimited };
                self.with(link, |connection| connection.send(&refused.into(), clock::now()));
            }
            Message::ListVideos(_) => self.list_videos(link),
            Message::Play(_)
            | Message::Credit(_)
            | Message::SwitchRendition(_)
            | Message::Seek(_)
            | Message::Stop(_) => {
                let Some(name) = self.relay.name_of(link).cloned() else { return };
                let plays = self.plays.entry(link).or_insert_with(|| Plays::new(name));
                let outputs = plays.message(message, &self.videos.catalog());
                self.put_out(link, outputs);
                self.media.is_due(link);
            }
            message => self.relay.message(link, message),
        }
    }

    fn may_post(&mut self, link: LinkId, post: &Post) -> bool {
        // The relay has its own answer for who is no member.
        let Some(from) = self.relay.fingerprint_of(link).filter(|_| !self.exempt.contains(&link)) else { return true };
        self.rates.allow(from, post.kind, clock::now())
    }

    fn ended(&mut self, link: LinkId, ending: &Ending, now: Instant) {
        self.door.ended(link, ending, now);
        self.exempt.remove(&link);
        self.media.forget(link);
        if let Some(mut plays) = self.plays.remove(&link) {
            let outputs = plays.end_all(EndReason::Lost);
            self.put_out(link, outputs);
        }
        self.relay.ended(link, ending, now);
    }

    fn take_answers(&mut self) {
        let verified: Vec<_> = self.verifiers.answers().collect();
        for verified in verified {
            match verified {
                Verified::Registration(link, result) => self.relay.verified(link, result),
                Verified::Update(link, result) => self.relay.update_verified(link, result),
            }
        }
        let committed: Vec<_> = self.ledger.answers().collect();
        for (id, is_kept) in committed {
            self.relay.committed(id, is_kept);
            self.tell_operator(id, is_kept);
        }
        let read: Vec<_> = self.readers.answers().collect();
        for (link, result) in read {
            let Some(plays) = self.plays.get_mut(&link) else { continue };
            let outputs = plays.take_read(result);
            self.put_out(link, outputs);
            self.media.is_due(link);
        }
    }

    /// Does what the relay decided.
    fn obey(&mut self, now: Instant) {
        for command in self.relay.take_commands() {
            match command {
                Command::Broadcast { record, to } => {
                    for link in to {
                        self.with(link, |connection| connection.send_record(record.clone(), now));
                    }
                }
                Command::Report(event) => (self.report)(event),
                Command::Verify { link, record, proof } => self.verify(link, record, proof),
                Command::VerifyUpdate { link, record, fingerprint } => {
                    self.verifiers.submit(Verification::Update { link, record, fingerprint });
                }
                Command::Commit(id, change) => self.ledger.commit(id, change),
                Command::Chain(link) => self.ledger.keep_link(link),
                Command::Send(link, message) => self.with(link, |connection| connection.send(&message, now)),
                Command::Establish(link) => {
                    self.door.registered(link, now);
                    self.with(link, |connection| connection.establish(now));
                }
                Command::Close(link, code) => self.with(link, |connection| connection.close(code, now)),
                Command::CloseSilently(link, code) => {
                    self.with(link, |connection| connection.close_silently(code, now));
                }
            }
        }
    }

    fn close_the_door_on_some(&mut self, now: Instant) {
        for link in self.door.take_evicted() {
            self.with(link, |connection| connection.close_silently(Code::RateLimited, now));
        }
        if let Some(RefusedLinks { links, peer }) = self.door.take_report(now) {
            (self.report)(HubEvent::LinksRefused { links, peer: peer.to_string() });
        }
    }

    fn with(&mut self, link: LinkId, act: impl FnOnce(&mut Connection)) {
        if let Some(connection) = self.event_loop.connection(link) {
            act(connection);
        }
    }

    fn verify(&mut self, link: LinkId, record: KeyRecord, proof: Blob) {
        let Some(nonce) = self.event_loop.connection(link).and_then(|connection| connection.nonce()) else { return };
        let challenge = Challenge { channel_binding: self.event_loop.channel_binding(link), nonce: nonce.0 };
        self.verifiers.submit(Verification::Registration { link, record, challenge, proof });
    }

    fn list_videos(&mut self, link: LinkId) {
        if self.relay.name_of(link).is_none() {
            return;
        }
        let now = clock::now();
        for page in listing::pages(&self.videos.catalog()) {
            self.with(link, |connection| connection.send(&page.into(), now));
        }
    }

    fn heed_stops(&mut self, now: Instant) {
        let (reloads, stops): (Vec<_>, Vec<_>) =
            self.signals.iter().flat_map(SignalInbox::take).partition(|signal| *signal == signal_hook::consts::SIGHUP);
        if !reloads.is_empty() {
            self.reload(Vec::new());
        }
        for _ in stops {
            self.stopper.asked.fetch_add(1, Ordering::Relaxed);
        }
        let asked = self.stopper.asked.load(Ordering::Relaxed);
        if asked > 0 && self.closing_until.is_none() {
            self.closing_until = Some(now + CLOSING);
            self.event_loop.stop_listening();
            for (link, mut plays) in std::mem::take(&mut self.plays) {
                let outputs = plays.end_all(EndReason::HubClosing);
                self.put_out(link, outputs);
            }
            for (_, connection) in self.event_loop.connections() {
                connection.close(Code::HubClosing, now);
            }
            self.event_loop.flush();
        }
        self.stops_handled = asked;
    }
}

/// Bytes that nobody else knows.
fn fresh() -> [u8; 32] {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}
