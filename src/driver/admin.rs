//! The operator's way to a running hub: a socket in its data folder. One line of JSON asks, one line answers.
//!
//! A thread waits for links and each has one of its own, for no longer than its lines may take: whoever asks nothing
//! or does not read the answer holds up nobody. What is asked goes to the hub's loop, which answers when it comes to
//! it.

use std::{
    fs::{self, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::clock;
use crate::{
    server::admin::{AdminAnswer, AdminError, AdminRequest, answer_line, read_request},
    transport::{Notifier, unix},
    types::Code,
};

/// Longest request in bytes, with its end. A name has 64.
const MAX_REQUEST: usize = 4096;

/// How long a request may take to come, and an answer to go.
const LINE_TIME: Duration = Duration::from_secs(2);

/// How long the hub may take to answer: reading a folder of videos can last.
const ANSWER_TIME: Duration = Duration::from_mins(1);

/// Links at the same time; more are closed at once.
const MAX_LINKS: usize = 8;

/// Where an operator's requests come in. The socket's file goes when this goes.
#[derive(Debug)]
pub struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl AdminSocket {
    /// Listens at `path`, for this user alone. A socket that a dead process left there is replaced.
    ///
    /// # Errors
    /// When somebody listens there, something else stands there, or the folder cannot be written.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let listener = unix::bind(path)?;
        let socket = Self { listener, path: path.to_owned() };
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(socket)
    }
}

/// A request and where its answer goes.
pub(super) struct Asked {
    pub(super) request: AdminRequest,
    answer: Sender<AdminAnswer>,
}

impl Asked {
    pub(super) fn answer(&self, answer: AdminAnswer) {
        // Whoever asked may have given up.
        let _ = self.answer.try_send(answer);
    }
}

/// The requests of operators, on their way to the loop.
pub(super) struct AdminInbox {
    asked: Receiver<Asked>,
    path: PathBuf,
    is_over: Arc<AtomicBool>,
}

impl AdminInbox {
    /// Takes requests from `socket` from now on and wakes the loop for each.
    pub(super) fn start(socket: AdminSocket, notifier: Notifier) -> io::Result<Self> {
        let (sender, asked) = bounded(MAX_LINKS);
        let AdminSocket { listener, path } = socket;
        let is_over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&is_over);
        let post = Post { sender, notifier };
        thread::Builder::new().name("admin".to_owned()).spawn(move || listen(&listener, &post, &ended))?;
        Ok(Self { asked, path, is_over })
    }

    /// The requests that came since the last call.
    pub(super) fn take(&self) -> impl Iterator<Item = Asked> + '_ {
        self.asked.try_iter()
    }
}

impl Drop for AdminInbox {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the thread, which then sees that it is over; should it be gone already, nothing is left to do.
        let _ = UnixStream::connect(&self.path);
        let _ = fs::remove_file(&self.path);
    }
}

#[derive(Clone)]
struct Post {
    sender: Sender<Asked>,
    notifier: Notifier,
}

fn listen(listener: &UnixListener, post: &Post, is_over: &AtomicBool) {
    let links = Arc::new(AtomicUsize::new(0));
    loop {
        let accepted = listener.accept();
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        match accepted {
            Ok((link, _)) => serve_beside(link, post, &links),
            Err(error) => {
                log::warn!("the hub cannot be administered for a moment: {error}");
                thread::sleep(LINE_TIME);
            }
        }
    }
}

/// Serves a link on a thread of its own, unless there are too many.
fn serve_beside(link: UnixStream, post: &Post, links: &Arc<AtomicUsize>) {
    if links.fetch_add(1, Ordering::Relaxed) >= MAX_LINKS {
        links.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    let (post, counted) = (post.clone(), Arc::clone(links));
    let spawned = thread::Builder::new().name("admin-link".to_owned()).spawn(move || {
        if let Err(error) = serve(link, &post) {
            log::debug!("an operator's request ended early: {error}");
        }
        counted.fetch_sub(1, Ordering::Relaxed);
    });
    if spawned.is_err() {
        links.fetch_sub(1, Ordering::Relaxed);
    }
}

fn serve(mut peer: UnixStream, post: &Post) -> io::Result<()> {
    let answer = if is_ours(&peer) {
        let line = read_line(&mut peer, clock::now() + LINE_TIME)?;
        read_request(&line).map_or_else(AdminAnswer::from, |request| post.ask(request))
    } else {
        let hint = "run the command as the user that runs the hub, or as root";
        AdminError::new(Code::DataUnusable, "this hub is another user's", hint).into()
    };
    write_line(&mut peer, &answer_line(&answer), clock::now() + LINE_TIME)
}

impl Post {
    fn ask(&self, request: AdminRequest) -> AdminAnswer {
        let (answer, answered) = bounded(1);
        let busy = || AdminError::new(Code::TryLater, "the hub is busy or closing", "try again in a moment").into();
        if self.sender.try_send(Asked { request, answer }).is_err() {
            return busy();
        }
        self.notifier.wake();
        answered.recv_timeout(ANSWER_TIME).unwrap_or_else(|_| busy())
    }
}

/// Whether the other end is this user's or root's. Where the system does not tell, the socket's mode has to do.
fn is_ours(link: &UnixStream) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let own = rustix::process::geteuid();
        rustix::net::sockopt::socket_peercred(link).is_ok_and(|peer| may_ask(peer.uid.as_raw(), own.as_raw()))
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = link;
        true
    }
}

fn may_ask(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

fn read_line(peer: &mut UnixStream, deadline: Instant) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut buffer = [0; 512];
    loop {
        peer.set_read_timeout(Some(left_until(deadline)?))?;
        match peer.read(&mut buffer) {
            Ok(0) => return Ok(line),
            Ok(count) => line.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line.truncate(end);
            return Ok(line);
        }
        if line.len() >= MAX_REQUEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the request has no end"));
        }
    }
}

fn write_line(peer: &mut UnixStream, mut line: &[u8], deadline: Instant) -> io::Result<()> {
    while !line.is_empty() {
        peer.set_write_timeout(Some(left_until(deadline)?))?;
        match peer.write(line) {
            Ok(count) => line = &line[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn left_until(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(clock::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hubs_user_and_root_may_ask() {
        assert!(may_ask(1000, 1000) && may_ask(0, 1000));
        assert!(!may_ask(1001, 1000) && !may_ask(1000, 0), "root's hub is root's");
    }

    #[test]
    fn the_socket_is_private_and_goes_with_its_hub() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        drop(UnixListener::bind(&path).unwrap());
        let socket = AdminSocket::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(AdminSocket::bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let poll = mio::Poll::new().unwrap();
        let notifier = Notifier::new(poll.registry(), mio::Token(0)).unwrap();
        drop(AdminInbox::start(socket, notifier).unwrap());
        assert!(!path.exists());
    }
}
