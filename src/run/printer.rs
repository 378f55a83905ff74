//! Lines for standard output, written by a thread of their own: whoever reads them may stop to, and nothing else
//! stops with that.

use std::{
    convert::Infallible,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

/// Lines that wait for a reader. With them an operator can page through hours of a quiet hub, in a few megabytes.
pub(super) const WAITING: usize = 10_000;

/// How long the last line may take to find its place, and then all that waits to be written.
const LAST: Duration = Duration::from_millis(200);

/// Where lines go; clones write to the same place.
#[derive(Clone)]
pub(super) struct Printer {
    lines: Sender<Vec<u8>>,
    dropped: Arc<AtomicU64>,
    /// Disconnected when the thread has ended.
    writing: Receiver<Infallible>,
}

impl Printer {
    /// Writes to `out`, with at most `room` lines ahead of it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(mut out: impl Write + Send + 'static, room: usize) -> io::Result<Self> {
        let (lines, queue) = bounded::<Vec<u8>>(room);
        let (alive, writing) = bounded(0);
        thread::Builder::new().name("output".to_owned()).spawn(move || {
            let _alive: Sender<Infallible> = alive;
            for line in queue {
                if let Err(error) = out.write_all(&line).and_then(|()| out.flush()) {
                    // A hub goes on when nobody reads what it prints: its members are not to suffer.
                    log::warn!("standard output is closed, events are not written any more: {error}");
                    return;
                }
            }
        })?;
        Ok(Self { lines, dropped: Arc::default(), writing })
    }

    /// Queues a line; what finds no place is dropped.
    pub(super) fn print(&self, line: Vec<u8>) {
        if let Err(TrySendError::Full(_)) = self.lines.try_send(line)
            && self.dropped.fetch_add(1, Ordering::Relaxed) == 0
        {
            log::warn!("nobody reads standard output: events are dropped until somebody does");
        }
    }

    /// Prints the last line and gives what waits a second to be written.
    pub(super) fn finish(self, line: Vec<u8>) {
        let Self { lines, dropped, writing } = self;
        // Should nobody read it, nothing is left to do.
        let _ = lines.send_timeout(line, LAST);
        drop(lines);
        let _ = writing.recv_timeout(LAST);
        let dropped = dropped.load(Ordering::Relaxed);
        if dropped > 0 {
            log::warn!("{dropped} events were not written, since nobody read standard output");
        }
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::unbounded;

    use super::*;

    /// Takes a line whenever it is allowed to.
    struct Slow {
        allowed: Receiver<()>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.allowed.recv().map_err(io::Error::other)?;
            self.written.send(line.to_vec()).map_err(io::Error::other)?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow(waiting: usize) -> (Printer, Sender<()>, Receiver<Vec<u8>>) {
        let ((allow, allowed), (written, lines)) = (unbounded(), unbounded());
        (Printer::start(Slow { allowed, written }, waiting).unwrap(), allow, lines)
    }

    #[test]
    fn what_finds_no_place_is_dropped_and_counted_and_the_last_line_is_not() {
        let (printer, allow, lines) = slow(3);
        for number in 0..100 {
            printer.print(vec![number]);
        }
        // The thread may have taken one of them before the queue was full.
        let dropped = printer.dropped.load(Ordering::Relaxed);
        assert!((96..=97).contains(&dropped), "{dropped}");
        (0..10).for_each(|_| allow.send(()).unwrap());
        printer.finish(b"bye".to_vec());
        let lines: Vec<_> = lines.iter().collect();
        assert_eq!((lines.len() as u64, lines.last()), (101 - dropped, Some(&b"bye".to_vec())));
    }

    #[test]
    fn the_end_does_not_wait_for_who_never_reads() {
        let (printer, _allow, lines) = slow(1);
        (0..5).for_each(|_| printer.print(vec![1]));
        printer.finish(b"bye".to_vec());
        assert!(lines.try_recv().is_err(), "nothing was written, and this test has ended");
    }

    #[test]
    fn output_that_is_closed_stops_nothing() {
        let (printer, allow, lines) = slow(1000);
        drop((allow, lines));
        (0..5).for_each(|_| printer.print(vec![1]));
        printer.finish(b"bye".to_vec());
    }
}
