//! Links within this process: two bounded queues of bytes.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, Read as _, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mio::Token;

use super::{Listener, Notifier, Readiness, Transport};
use crate::types::Peer;

/// Bytes that a queue holds before its writer has to wait, as a socket's buffer would.
const CAPACITY: usize = 64 * 1024;

#[derive(Debug, Default)]
struct Queue {
    bytes: VecDeque<u8>,
    closed: bool,
    reader: Option<(Notifier, Token)>,
    writer: Option<(Notifier, Token)>,
}

type Shared<T> = Arc<Mutex<T>>;

fn lock<T>(shared: &Shared<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tell(registered: Option<&(Notifier, Token)>) {
    if let Some((notifier, token)) = registered {
        notifier.notify(*token);
    }
}

/// One end of a link in memory.
#[derive(Debug)]
pub struct MemoryTransport {
    incoming: Shared<Queue>,
    outgoing: Shared<Queue>,
}

/// Two ends of a new link.
#[must_use]
pub fn pair() -> (MemoryTransport, MemoryTransport) {
    let (one, other) = (Shared::default(), Shared::default());
    let first = MemoryTransport { incoming: Arc::clone(&one), outgoing: Arc::clone(&other) };
    (first, MemoryTransport { incoming: other, outgoing: one })
}

impl Transport for MemoryTransport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut queue = lock(&self.incoming);
        if queue.bytes.is_empty() && !queue.closed {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let was_full = queue.bytes.len() >= CAPACITY;
        let count = queue.bytes.read(buffer)?;
        if was_full {
            tell(queue.writer.as_ref());
        }
        Ok(count)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut queue = lock(&self.outgoing);
        if queue.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut taken = 0;
        for slice in slices {
            let room = CAPACITY.saturating_sub(queue.bytes.len());
            taken += queue.bytes.write(&slice[..slice.len().min(room)])?;
        }
        if taken == 0 && slices.iter().any(|slice| !slice.is_empty()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        tell(queue.reader.as_ref());
        Ok(taken)
    }

    fn register(&mut self, readiness: Readiness<'_>) -> io::Result<()> {
        let registered = (readiness.notifier.clone(), readiness.token);
        lock(&self.incoming).reader = Some(registered.clone());
        lock(&self.outgoing).writer = Some(registered);
        // What came before the registration is an edge as well.
        readiness.notifier.notify(readiness.token);
        Ok(())
    }

    fn channel_binding(&self) -> Vec<u8> {
        Vec::new()
    }

    fn peer(&self) -> Peer {
        Peer::local("memory")
    }
}

impl Drop for MemoryTransport {
    fn drop(&mut self) {
        for queue in [&self.incoming, &self.outgoing] {
            let mut queue = lock(queue);
            queue.closed = true;
            tell(queue.reader.as_ref());
            tell(queue.writer.as_ref());
        }
    }
}

#[derive(Debug, Default)]
struct Waiting {
    links: VecDeque<MemoryTransport>,
    listener: Option<(Notifier, Token)>,
}

/// Where links in memory come in.
#[derive(Debug)]
pub struct MemoryListener(Shared<Waiting>);

/// Makes links to a [`MemoryListener`], from any thread.
#[derive(Clone, Debug)]
pub struct MemoryConnector(Shared<Waiting>);

/// A listener and what connects to it.
#[must_use]
pub fn listen() -> (MemoryListener, MemoryConnector) {
    let waiting = Shared::default();
    (MemoryListener(Arc::clone(&waiting)), MemoryConnector(waiting))
}

impl MemoryConnector {
    /// A new link; its other end waits to be accepted.
    #[must_use]
    pub fn connect(&self) -> MemoryTransport {
        let (near, far) = pair();
        let mut waiting = lock(&self.0);
        waiting.links.push_back(far);
        tell(waiting.listener.as_ref());
        near
    }
}

impl Listener for MemoryListener {
    fn accept(&mut self) -> io::Result<Box<dyn Transport>> {
        let link = lock(&self.0).links.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        Ok(Box::new(link))
    }

    fn register(&mut self, readiness: Readiness<'_>) -> io::Result<()> {
        lock(&self.0).listener = Some((readiness.notifier.clone(), readiness.token));
        readiness.notifier.notify(readiness.token);
        Ok(())
    }

    fn port(&self) -> Option<u16> {
        None
    }
}
