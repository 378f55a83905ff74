//! One mio loop over any number of links.
//!
//! A turn waits for readiness, reads, runs deadlines, and tells its owner what occurred. The owner answers by
//! sending into connections, then calls [`EventLoop::flush`], which writes everything out: one mutation, then
//! drain every output.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Token};

use super::{
    clock,
    pump::Link,
    reserve::{Reserve, is_out_of_descriptors},
    timers::Timers,
};
use crate::{
    proto::{Connection, Ending, Event},
    transport::{Listener, Notifier, Readiness, Transport},
    types::{LinkId, Peer},
};

const WAKER: Token = Token(usize::MAX);
/// Listeners count down from here, links up from 0: a `LinkId` is never used again, so an edge that comes late
/// finds nobody.
const FIRST_LISTENER: usize = usize::MAX - 1;

/// Bytes read at once.
const READ_BUFFER: usize = 64 * 1024;

/// How long accepting rests when it fails and nothing can be done about it, instead of spinning.
const ACCEPT_REST: Duration = Duration::from_millis(200);

/// Links taken from one listener in one turn: a flood of them is not to stop everything else.
const ACCEPTS: usize = 256;

/// Between two lines of the log about descriptors that are missing.
const SHORTAGE_INTERVAL: Duration = Duration::from_secs(10);

/// Decides whether a link that came in is taken, and makes the hub's end for it. One that is not is closed without
/// a word.
pub type Accept<'a> = dyn FnMut(LinkId, &Peer, Instant) -> Option<Connection> + 'a;

/// What a turn has to tell its owner.
#[derive(Debug)]
pub enum Occurrence {
    /// A link came in, from this peer, by the listener of this number: they are counted as they were added.
    Accepted(LinkId, Peer, usize),
    /// A connection has something to say.
    Event(LinkId, Event),
}

/// The loop. One thread owns it.
pub struct EventLoop {
    poll: Poll,
    notifier: Notifier,
    listeners: Vec<Box<dyn Listener>>,
    links: BTreeMap<LinkId, Link>,
    next_link: u64,
    /// Links whose edge was not drained, or that were never tried.
    ready: BTreeSet<LinkId>,
    /// Links with something to write or to tell.
    touched: BTreeSet<LinkId>,
    /// Links whose media lane was full when their owner asked.
    crowded: BTreeSet<LinkId>,
    /// Those of them that have room again.
    roomy: BTreeSet<LinkId>,
    timers: Timers,
    accept_again: Option<Instant>,
    reserve: Reserve,
    /// When a want of descriptors may be told again.
    tell_shortage_at: Option<Instant>,
    occurrences: Vec<Occurrence>,
    buffer: Vec<u8>,
}

impl EventLoop {
    /// A loop without links.
    ///
    /// # Errors
    /// When the system gives no poll.
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let notifier = Notifier::new(poll.registry(), WAKER)?;
        Ok(Self {
            poll,
            notifier,
            listeners: Vec::new(),
            links: BTreeMap::new(),
            next_link: 0,
            ready: BTreeSet::new(),
            touched: BTreeSet::new(),
            crowded: BTreeSet::new(),
            roomy: BTreeSet::new(),
            timers: Timers::default(),
            accept_again: None,
            reserve: Reserve::new(),
            tell_shortage_at: None,
            occurrences: Vec::new(),
            buffer: vec![0; READ_BUFFER],
        })
    }

    /// What wakes the loop from another thread.
    #[must_use]
    pub fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }

    /// Takes links from `listener` from now on.
    ///
    /// # Errors
    /// When the system refuses to watch it.
    pub fn listen(&mut self, mut listener: Box<dyn Listener>) -> io::Result<()> {
        let token = Token(FIRST_LISTENER - self.listeners.len());
        listener.register(Readiness { registry: self.poll.registry(), token, notifier: &self.notifier })?;
        self.listeners.push(listener);
        self.accept_again = Some(clock::now());
        Ok(())
    }

    /// Takes no more links.
    pub fn stop_listening(&mut self) {
        self.listeners.clear();
    }

    /// Adds a link with its connection.
    ///
    /// # Errors
    /// When the system refuses to watch it.
    pub fn add(&mut self, mut transport: Box<dyn Transport>, connection: Connection) -> io::Result<LinkId> {
        let link = LinkId(self.next_link);
        let token = Token(usize::try_from(link.0).unwrap_or(usize::MAX));
        transport.register(Readiness { registry: self.poll.registry(), token, notifier: &self.notifier })?;
        self.next_link += 1;
        self.links.insert(link, Link::new(transport, connection));
        self.ready.insert(link);
        self.touched.insert(link);
        Ok(link)
    }

    /// The connection of a link that is still there, to send into.
    pub fn connection(&mut self, link: LinkId) -> Option<&mut Connection> {
        self.touched.insert(link);
        self.links.get_mut(&link).map(|link| &mut link.connection)
    }

    /// What a proof that is given over this link has to be bound to.
    #[must_use]
    pub fn channel_binding(&self, link: LinkId) -> Vec<u8> {
        self.links.get(&link).map(|link| link.transport.channel_binding()).unwrap_or_default()
    }

    /// Whether media may be queued on a link. If not, [`EventLoop::take_roomy`] names it once that has changed.
    pub fn has_room_for_media(&mut self, link: LinkId) -> bool {
        let Some(found) = self.links.get(&link) else { return false };
        let has_room = found.connection.outbox().has_room_for_media();
        if !has_room {
            self.crowded.insert(link);
        }
        has_room
    }

    /// Links that had no room for media when they were asked and have it now.
    pub fn take_roomy(&mut self) -> BTreeSet<LinkId> {
        std::mem::take(&mut self.roomy)
    }

    /// The connections of all links, to broadcast into.
    pub fn connections(&mut self) -> impl Iterator<Item = (LinkId, &mut Connection)> {
        self.touched.extend(self.links.keys());
        self.links.iter_mut().map(|(id, link)| (*id, &mut link.connection))
    }

    /// How many links there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether there is no link.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Waits until something occurs, somebody wakes the loop or `deadline` has come. Links that came in are taken if
    /// `accept` makes a connection for them.
    ///
    /// # Errors
    /// When the system's poll fails; nothing can go on then.
    pub fn turn(&mut self, deadline: Option<Instant>, accept: &mut Accept<'_>) -> io::Result<Vec<Occurrence>> {
        let mut events = Events::with_capacity(1024);
        let timeout = self.wait_at_most(deadline);
        match self.poll.poll(&mut events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let now = clock::now();
        for event in &events {
            match event.token() {
                WAKER => self.notifier.take_ready().into_iter().for_each(|token| self.edge(token, now)),
                token => self.edge(token, now),
            }
        }
        if self.accept_again.is_some_and(|at| at <= now) {
            self.accept_all(now, accept);
        }
        self.read_all(now);
        self.run_deadlines(now);
        self.flush();
        Ok(std::mem::take(&mut self.occurrences))
    }

    /// Writes out what connections hold, and lets go of those that are over.
    pub fn flush(&mut self) {
        while let Some(id) = self.touched.pop_first() {
            let Some(link) = self.links.get_mut(&id) else { continue };
            if link.write() {
                self.ready.insert(id);
            }
            while let Some(event) = link.connection.poll_event() {
                self.occurrences.push(Occurrence::Event(id, event));
            }
            if link.is_over() {
                self.links.remove(&id);
                self.ready.remove(&id);
                self.crowded.remove(&id);
                self.roomy.remove(&id);
                self.timers.set(id, None);
            } else {
                if link.connection.outbox().has_room_for_media() && self.crowded.remove(&id) {
                    self.roomy.insert(id);
                }
                self.timers.set(id, link.connection.deadline());
            }
        }
    }

    fn wait_at_most(&self, deadline: Option<Instant>) -> Option<Duration> {
        if !self.ready.is_empty() || !self.occurrences.is_empty() || !self.touched.is_empty() {
            return Some(Duration::ZERO);
        }
        let earliest = [deadline, self.timers.next(), self.accept_again].into_iter().flatten().min()?;
        Some(earliest.saturating_duration_since(clock::now()))
    }

    fn edge(&mut self, token: Token, now: Instant) {
        if token.0 > FIRST_LISTENER - self.listeners.len() {
            self.accept_again = Some(now);
            return;
        }
        let id = LinkId(token.0 as u64);
        if let Some(link) = self.links.get_mut(&id) {
            link.may_go_on();
            self.ready.insert(id);
        }
    }

    fn accept_all(&mut self, now: Instant, accept: &mut Accept<'_>) {
        self.accept_again = None;
        for index in 0..self.listeners.len() {
            if let Some(at) = self.accept_from(index, now, accept) {
                self.accept_again = Some(self.accept_again.map_or(at, |earlier| earlier.min(at)));
            }
        }
    }

    /// Takes what waits at one listener; when to go on if that was not all.
    fn accept_from(&mut self, index: usize, now: Instant, accept: &mut Accept<'_>) -> Option<Instant> {
        for _ in 0..ACCEPTS {
            match self.listeners[index].accept() {
                Ok(transport) => self.take_in(transport, index, now, accept),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) if is_of_one_link(&error) => {}
                Err(error) if is_out_of_descriptors(&error) => {
                    self.tell_shortage(now);
                    if !self.reserve.turn_one_away(&mut *self.listeners[index]) {
                        return Some(now + ACCEPT_REST);
                    }
                }
                Err(error) => {
                    log::warn!("accepting rests for {ACCEPT_REST:?}: {error}");
                    return Some(now + ACCEPT_REST);
                }
            }
        }
        Some(now)
    }

    fn tell_shortage(&mut self, now: Instant) {
        if self.tell_shortage_at.is_none_or(|at| at <= now) {
            self.tell_shortage_at = Some(now + SHORTAGE_INTERVAL);
            log::warn!("no descriptor is left for new links, they are closed; let the process have more (ulimit -n)");
        }
    }

    fn take_in(&mut self, transport: Box<dyn Transport>, listener: usize, now: Instant, accept: &mut Accept<'_>) {
        let peer = transport.peer();
        let link = LinkId(self.next_link);
        let Some(connection) = accept(link, &peer, now) else { return };
        let occurrence = match self.add(transport, connection) {
            Ok(link) => Occurrence::Accepted(link, peer, listener),
            Err(error) => {
                log::warn!("link from {peer} not taken: {error}");
                // The number is used up: whoever noted it learns that nothing comes of it.
                self.next_link += 1;
                Occurrence::Event(link, Event::Ended(Ending::Lost))
            }
        };
        self.occurrences.push(occurrence);
    }

    fn read_all(&mut self, now: Instant) {
        for id in std::mem::take(&mut self.ready) {
            let Some(link) = self.links.get_mut(&id) else { continue };
            if link.read(&mut self.buffer, now) {
                self.ready.insert(id);
            }
            self.touched.insert(id);
        }
    }

    fn run_deadlines(&mut self, now: Instant) {
        while let Some(id) = self.timers.expire(now) {
            if let Some(link) = self.links.get_mut(&id) {
                link.connection.timeout(now);
                self.touched.insert(id);
            }
        }
    }
}

/// Whether accepting failed for this one link only, which is gone already.
fn is_of_one_link(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionAborted | Kind::ConnectionReset | Kind::Interrupted | Kind::NotConnected | Kind::InvalidInput
    )
}
