//! Links over Unix-domain stream sockets.

use std::{
    fs, io,
    os::unix::{
        fs::FileTypeExt as _,
        net::{UnixListener as StdListener, UnixStream as StdStream},
    },
    path::{Path, PathBuf},
};

use mio::{
    Interest,
    net::{UnixListener, UnixStream},
};

use super::{Listener, Readiness, SocketTransport, Transport};
use crate::types::Peer;

/// One end of a link over a Unix-domain socket.
pub type UnixTransport = SocketTransport<UnixStream>;

/// What the other end is called: sockets of this family usually have no name there.
const PEER: &str = "unix";

/// Connects to the socket at `path`.
///
/// # Errors
/// When nobody listens there.
pub fn connect(path: &Path) -> io::Result<UnixTransport> {
    let stream = StdStream::connect(path)?;
    stream.set_nonblocking(true)?;
    Ok(SocketTransport::new(UnixStream::from_std(stream), Peer::local(PEER)))
}

/// Where links over a Unix-domain socket come in. The socket's file goes when this goes.
#[derive(Debug)]
pub struct UnixLinks {
    listener: UnixListener,
    path: PathBuf,
}

/// Listens at `path`. A socket that a dead process left there is replaced, a living one never, nor any other file.
///
/// # Errors
/// When somebody listens there, something else stands there, or the folder cannot be written.
pub fn listen(path: &Path) -> io::Result<UnixLinks> {
    let listener = bind(path)?;
    listener.set_nonblocking(true)?;
    Ok(UnixLinks { listener: UnixListener::from_std(listener), path: path.to_owned() })
}

/// As [`listen`], for who waits in a thread of its own.
///
/// # Errors
/// As those of [`listen`].
pub fn bind(path: &Path) -> io::Result<StdListener> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => match StdStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            _ => return Err(io::Error::new(io::ErrorKind::AddrInUse, "another hub listens there")),
        },
        Ok(_) => return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is no socket stands there")),
        Err(_) => {}
    }
    StdListener::bind(path)
}

impl Listener for UnixLinks {
    fn accept(&mut self) -> io::Result<Box<dyn Transport>> {
        let (stream, _) = self.listener.accept()?;
        Ok(Box::new(SocketTransport::new(stream, Peer::local(PEER))))
    }

    fn register(&mut self, readiness: Readiness<'_>) -> io::Result<()> {
        readiness.registry.register(&mut self.listener, readiness.token, Interest::READABLE)
    }

    fn port(&self) -> Option<u16> {
        None
    }
}

impl Drop for UnixLinks {
    fn drop(&mut self) {
        // Should it be gone already, nothing is left to do.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_input_56_a_living_socket_is_kept_and_a_dead_one_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.sock");
        let living = listen(&path).unwrap();
        assert_eq!(listen(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert!(connect(&path).is_ok(), "the living one was not disturbed");
        drop(living);
        assert!(!path.exists());

        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a dead process leaves its socket");
        assert!(listen(&path).is_ok());

        fs::write(&path, "precious").unwrap();
        assert_eq!(listen(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }
}
