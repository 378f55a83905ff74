//! A record of everything that passes over a link.

use std::{
    io::{self, IoSlice},
    sync::{Arc, Mutex},
};

use securestream::{
    proto::{Deframer, Message},
    transport::{Readiness, Transport},
    types::{Peer, limits::MAX_RECORD},
};

/// What passed, each way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tap(Arc<Mutex<[Vec<u8>; 2]>>);

struct Tapped {
    link: Box<dyn Transport>,
    tap: Tap,
}

impl Tap {
    /// Copies what passes over `link` from now on.
    pub(crate) fn on(link: Box<dyn Transport>) -> (Self, Box<dyn Transport>) {
        let tap = Self::default();
        (tap.clone(), Box::new(Tapped { link, tap }))
    }

    /// Whether these bytes passed, either way.
    pub(crate) fn has(&self, part: &[u8]) -> bool {
        self.0.lock().unwrap().iter().any(|way| way.windows(part.len()).any(|window| window == part))
    }

    /// The bodies of all records that carry what members sealed.
    pub(crate) fn posted_and_relayed(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().iter().flat_map(|way| sealed_records(way)).collect()
    }
}

fn sealed_records(way: &[u8]) -> Vec<Vec<u8>> {
    let mut deframer = Deframer::new(MAX_RECORD);
    deframer.extend(way);
    let records = std::iter::from_fn(|| deframer.next_record().unwrap());
    let is_sealed = |record: &[u8]| matches!(Message::decode(record), Ok(Message::Post(_) | Message::Relayed(_)));
    records.filter(|record| is_sealed(record)).map(|record| record.to_vec()).collect()
}

impl Transport for Tapped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.link.read(buffer)?;
        self.tap.0.lock().unwrap()[0].extend(&buffer[..count]);
        Ok(count)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let count = self.link.write_vectored(slices)?;
        let mut ways = self.tap.0.lock().unwrap();
        ways[1].extend(slices.iter().flat_map(|slice| slice.iter()).take(count));
        Ok(count)
    }

    fn register(&mut self, readiness: Readiness<'_>) -> io::Result<()> {
        self.link.register(readiness)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.link.flush()
    }

    fn channel_binding(&self) -> Vec<u8> {
        self.link.channel_binding()
    }

    fn peer(&self) -> Peer {
        self.link.peer()
    }
}
