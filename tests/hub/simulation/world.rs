//! The wires between the pure parts.

use std::{
    cell::Cell,
    collections::VecDeque,
    time::{Duration, Instant},
};

use securestream::{
    client::{
        command::{Command as Asked, Request},
        event::Stamped,
        keyring::Keyring,
        session::{Me, Output, Over, Session},
        work::{Done, Job, Worker},
    },
    crypto::{Challenge, Identity, testing::InsecureProvider, verify_record, verify_registration},
    directory::MemoryDirectory,
    proto::{
        Ending, Message, encode,
        message::{Nonce, Refused},
    },
    server::{Admission, Bindings, Command, Rates, Relay, RelayOptions, report::HubEvent},
    types::{Code, LinkId, MemberName, RelayMode, SealKind},
};
use serde_json::Value;
use std::sync::Arc;

use crate::{
    raw::{registration, rng},
    support::{events::contains, schema::Schema},
};

/// A hub and its members, and what time it is there.
pub(super) struct World {
    pub(super) relay: Relay,
    rates: Rates,
    /// The hub takes no posts but receipts.
    pub(super) takes_nothing: bool,
    pub(super) nodes: Vec<Node>,
    pub(super) reports: Vec<Value>,
    start: Instant,
    pub(super) now: Instant,
    next_link: u64,
    seed: u64,
    /// Links of members that are nothing but an entry in the directory.
    extras: Vec<LinkId>,
}

/// A member, and its link as long as that holds.
pub(super) struct Node {
    pub(super) link: LinkId,
    pub(super) session: Session,
    me: Me,
    worker: Worker,
    pub(super) linked: bool,
    /// Jobs are kept here while the worker is held.
    pub(super) is_held: bool,
    jobs: VecDeque<Job>,
    /// Messages of the hub with these tags wait here.
    pub(super) held_tags: Vec<u64>,
    waiting: VecDeque<Message>,
    /// So many records that others posted are lost on their way to it.
    pub(super) to_lose: usize,
    pub(super) events: Vec<Value>,
    /// What it sent and what it was sent.
    pub(super) sent: Vec<Message>,
    pub(super) received: Vec<Message>,
    /// What is for players and displays.
    pub(super) others: Vec<Output>,
    pub(super) over: Option<Over>,
}

const CLOCK: u64 = 1_790_000_000_000;

thread_local! {
    /// How far the clocks of all members are ahead of [`CLOCK`], in milliseconds. Each test has a thread.
    static AHEAD: Cell<u64> = const { Cell::new(0) };
}

fn time_of_day() -> u64 {
    CLOCK + AHEAD.get()
}

/// Sets the time of day of all members to so much after the beginning.
pub(super) fn set_time_of_day(ahead: Duration) {
    AHEAD.set(u64::try_from(ahead.as_millis()).unwrap());
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self::with(seed, RelayOptions { mode: RelayMode::Broadcast, max_members: 1000 })
    }

    pub(super) fn with(seed: u64, options: RelayOptions) -> Self {
        let now = Instant::now();
        let relay = Relay::new(options, Box::new(MemoryDirectory::default()), Bindings::default());
        let rates = Rates::new(now);
        Self {
            relay,
            rates,
            takes_nothing: false,
            nodes: Vec::new(),
            reports: Vec::new(),
            start: now,
            now,
            next_link: 0,
            seed,
            extras: Vec::new(),
        }
    }

    /// A member with keys drawn by its name comes in; its place among the nodes.
    pub(super) fn join(&mut self, name: &str) -> usize {
        self.join_with_keys(name, name)
    }

    /// As [`World::join`], with keys drawn by `seed`.
    pub(super) fn join_with_keys(&mut self, name: &str, seed: &str) -> usize {
        let (me, worker) = Self::guest(name, seed);
        self.enter(me, worker)
    }

    /// As [`World::join`], but it sends in no session.
    pub(super) fn join_sealing_only(&mut self, name: &str) -> usize {
        let (me, worker) = Self::guest(name, name);
        self.enter(me, worker.sealing_only())
    }

    fn guest(name: &str, seed: &str) -> (Me, Worker) {
        let typed: MemberName = name.parse().unwrap();
        let keyring = Keyring::ephemeral(&InsecureProvider, &typed, CLOCK, &mut rng(seed)).unwrap();
        let me = Me { name: typed, fingerprint: keyring.identity().fingerprint(), guest: true };
        (me, Worker::new(Arc::new(InsecureProvider), keyring, Box::new(rng("worker")), time_of_day))
    }

    /// A member whose link broke comes in again over a new one, with the keys and marks that it keeps.
    pub(super) fn come_back(&mut self, place: usize) {
        let link = self.new_link();
        let seed = self.seed_for(link);
        let node = &mut self.nodes[place];
        node.session = Session::new(node.me.clone(), seed);
        (node.link, node.linked, node.over) = (link, true, None);
        node.jobs.clear();
        node.waiting.clear();
        node.session.greeted(challenge_of(link));
        self.settle();
    }

    fn enter(&mut self, me: Me, worker: Worker) -> usize {
        let link = self.new_link();
        let node = Node {
            link,
            session: Session::new(me.clone(), self.seed_for(link)),
            me,
            worker,
            linked: true,
            is_held: false,
            jobs: VecDeque::new(),
            held_tags: Vec::new(),
            waiting: VecDeque::new(),
            to_lose: 0,
            events: Vec::new(),
            sent: Vec::new(),
            received: Vec::new(),
            others: Vec::new(),
            over: None,
        };
        self.nodes.push(node);
        let place = self.nodes.len() - 1;
        self.nodes[place].session.greeted(challenge_of(link));
        self.settle();
        place
    }

    fn seed_for(&self, link: LinkId) -> [u8; 32] {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&(self.seed ^ (link.0 << 32)).to_be_bytes());
        seed
    }

    fn new_link(&mut self) -> LinkId {
        let link = LinkId(self.next_link);
        self.next_link += 1;
        self.relay.accepted(link, format!("peer {}", link.0), Admission::Open);
        link
    }

    /// Somebody who is in the directory and does nothing.
    pub(super) fn add_extra(&mut self, identity: &Identity) -> LinkId {
        let link = self.new_link();
        self.relay.message(link, registration(identity, nonce_of(link)).into());
        self.extras.push(link);
        self.settle();
        link
    }

    /// Gives a member a command.
    pub(super) fn ask(&mut self, place: usize, command: Asked) {
        self.nodes[place].session.request(Request { command, reference: None }, self.now);
        self.settle();
    }

    pub(super) fn send(&mut self, from: usize, to: &str, text: &str) {
        self.ask(from, Asked::Send { to: to.parse().unwrap(), text: text.to_owned() });
    }

    /// Breaks a link.
    pub(super) fn lose(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        node.linked = false;
        node.session.ended(&Ending::Lost);
        self.relay.ended(node.link, &Ending::Lost, self.now);
        self.settle();
    }

    /// Lets time pass, and happen what is due meanwhile, in order.
    pub(super) fn advance(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(due) = self.deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.run_timers();
        }
        self.now = until;
        self.run_timers();
    }

    /// When something happens next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let linked = self.nodes.iter().filter(|node| node.linked);
        linked.filter_map(|node| node.session.deadline()).chain(self.relay.deadline()).min()
    }

    fn run_timers(&mut self) {
        self.relay.timeout(self.now);
        for node in self.nodes.iter_mut().filter(|node| node.linked) {
            node.session.timeout(self.now);
        }
        self.settle();
    }

    /// Carries everything everywhere until nothing is left to be carried.
    pub(super) fn settle(&mut self) {
        loop {
            let mut moved = false;
            for place in 0..self.nodes.len() {
                moved |= self.settle_node(place);
            }
            for command in self.relay.take_commands() {
                moved = true;
                self.obey(command);
            }
            if !moved {
                return;
            }
        }
    }

    fn settle_node(&mut self, place: usize) -> bool {
        let mut moved = false;
        while let Some(output) = self.nodes[place].session.poll_output() {
            moved = true;
            self.put_out(place, output);
        }
        let now = self.now;
        let node = &mut self.nodes[place];
        if !node.is_held
            && let Some(job) = node.jobs.pop_front()
        {
            let done: Done = node.worker.work(job);
            node.session.done(done, now);
            moved = true;
        }
        if let Some(at) = node.waiting.iter().position(|message| !node.held_tags.contains(&message.tag())) {
            let message = node.waiting.remove(at).unwrap();
            node.session.message(message, self.now);
            node.session.timeout(now);
            moved = true;
        }
        moved
    }

    fn put_out(&mut self, place: usize, output: Output) {
        let t = u64::try_from((self.now - self.start).as_millis()).unwrap();
        let node = &mut self.nodes[place];
        match output {
            Output::Send(message) => {
                node.sent.push(message.clone());
                if node.linked {
                    let link = node.link;
                    self.bring_to_hub(link, through_bytes(&message));
                }
            }
            Output::Event(event, reference) => {
                let event = serde_json::to_value(Stamped { t, event, reference }).unwrap();
                Schema::Member.check(&event);
                node.events.push(event);
            }
            Output::Work(job) => node.jobs.push_back(job),
            Output::Over(over) => node.over = Some(over),
            other => node.others.push(other),
        }
    }

    /// Brings a message to the relay as a hub does that limits everybody.
    pub(super) fn bring_to_hub(&mut self, link: LinkId, message: Message) {
        if let (Message::Post(post), Some(from)) = (&message, self.relay.fingerprint_of(link))
            && (!self.rates.allow(from, post.kind, self.now) || (self.takes_nothing && post.kind != SealKind::Tagged))
        {
            return self.deliver(link, &Refused { mid: post.mid, code: Code::RateLimited }.into());
        }
        self.relay.message(link, message);
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Send(link, message) => self.deliver(link, &message),
            Command::Broadcast { record, to } => {
                let message = Message::decode(&record[4..]).unwrap();
                for link in to {
                    self.deliver(link, &message);
                }
            }
            Command::VerifyUpdate { link, record, fingerprint } => {
                self.relay.update_verified(link, verify_record(&InsecureProvider, record, fingerprint));
            }
            // The disk is fast and never full.
            Command::Commit(id, _) => self.relay.committed(id, true),
            Command::Establish(_) | Command::Chain(_) => {}
            Command::Close(link, code) => {
                self.deliver(link, &securestream::proto::message::Goodbye { code }.into());
                self.relay.ended(link, &Ending::Closed(code), self.now);
            }
            Command::CloseSilently(link, code) => {
                self.relay.ended(link, &Ending::Closed(code), self.now);
                if let Some(node) = self.nodes.iter_mut().find(|node| node.link == link) {
                    node.session.ended(&Ending::Lost);
                }
            }
            Command::Verify { link, record, proof } => {
                let verified = verify_registration(&InsecureProvider, record, &challenge_of(link), &proof);
                self.relay.verified(link, verified);
            }
            Command::Report(event) => self.reports.push(report(&event)),
        }
    }

    fn deliver(&mut self, link: LinkId, message: &Message) {
        if let Some(node) = self.nodes.iter_mut().find(|node| node.link == link && node.linked) {
            let message = through_bytes(message);
            node.received.push(message.clone());
            if matches!(message, Message::Relayed(_)) && node.to_lose > 0 {
                node.to_lose -= 1;
                return;
            }
            node.waiting.push_back(message);
        }
    }

    /// How many events of a member have all of `pattern` in them.
    pub(super) fn count(&self, place: usize, pattern: &Value) -> usize {
        self.nodes[place].events.iter().filter(|event| contains(event, pattern)).count()
    }

    /// The last event of a member that has all of `pattern` in it.
    pub(super) fn last(&self, place: usize, pattern: &Value) -> Value {
        let found = self.nodes[place].events.iter().rfind(|event| contains(event, pattern));
        found.cloned().unwrap_or_else(|| panic!("seed {}: no {pattern} in {:#?}", self.seed, self.nodes[place].events))
    }

    /// The texts that a member was shown, in order.
    pub(super) fn texts(&self, place: usize) -> Vec<&str> {
        let messages = self.nodes[place].events.iter().filter(|event| event["event"] == "message");
        messages.map(|event| event["text"].as_str().unwrap()).collect()
    }

    /// Feeds a member a message as if the hub had sent it.
    pub(super) fn inject(&mut self, place: usize, message: impl Into<Message>) {
        self.nodes[place].session.message(message.into(), self.now);
        self.settle();
    }
}

/// What the hub wants signed on a link.
pub(super) fn nonce_of(link: LinkId) -> Nonce {
    let mut nonce = [7; 32];
    nonce[..8].copy_from_slice(&link.0.to_be_bytes());
    Nonce(nonce)
}

fn challenge_of(link: LinkId) -> Challenge {
    Challenge { channel_binding: Vec::new(), nonce: nonce_of(link).0 }
}

fn through_bytes(message: &Message) -> Message {
    Message::decode(&encode(message)[4..]).unwrap()
}

pub(super) fn report(event: &HubEvent) -> Value {
    let mut line = Vec::new();
    event.write_to(&mut line, true, 0).unwrap();
    let event = serde_json::from_slice(&line).unwrap();
    Schema::Hub.check(&event);
    event
}

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
