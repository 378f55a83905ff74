//! Records: a length, then one message.
//!
//! ```text
//!   ┌────────────────┬──────────────────────────────┐
//!   │ length: u32 BE │ MessagePack array [tag, …]   │
//!   └────────────────┴──────────────────────────────┘
//!     4 bytes          length bytes, 1 ≤ length ≤ limit
//! ```

use bytes::{Buf as _, Bytes, BytesMut};

use super::{error::InvalidMessage, message::Message};
use crate::types::wire;

/// Bytes of the length in front of each record.
const PREFIX: usize = 4;

/// One record that holds `message`, prefix included.
///
/// # Panics
/// Never for messages of this crate: none comes near 4 GiB.
#[must_use]
pub fn encode(message: &Message) -> Bytes {
    let mut record = vec![0; PREFIX];
    wire::write_to(&mut record, message);
    let length = u32::try_from(record.len() - PREFIX).unwrap_or(u32::MAX);
    record[..PREFIX].copy_from_slice(&length.to_be_bytes());
    record.into()
}

/// Cuts a stream of bytes, in whatever pieces it comes, into records.
#[derive(Debug)]
pub struct Deframer {
    buffer: BytesMut,
    limit: usize,
}

impl Deframer {
    /// A deframer that takes records of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), limit }
    }

    /// Allows records of at most `limit` bytes from the next one on.
    pub fn raise_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Takes in bytes as they arrived. Memory grows with what arrived, never with what a length claims.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The body of the next whole record, if there is one.
    ///
    /// # Errors
    /// A length of 0 or above the limit, as soon as the length is known; the stream is of no use after it.
    pub fn next_record(&mut self) -> Result<Option<Bytes>, InvalidMessage> {
        let Some(prefix) = self.buffer.first_chunk::<PREFIX>() else { return Ok(None) };
        let length = u32::from_be_bytes(*prefix);
        let size = length as usize;
        if size == 0 {
            return Err(InvalidMessage::Empty);
        }
        if matches!(prefix, [0x14..=0x17, 3, _, _]) {
            return Err(InvalidMessage::Tls);
        }
        if size > self.limit {
            return Err(InvalidMessage::TooLarge { length, limit: self.limit });
        }
        if self.buffer.len() < PREFIX + size {
            return Ok(None);
        }
        self.buffer.advance(PREFIX);
        Ok(Some(self.buffer.split_to(size).freeze()))
    }

    /// Whether the stream stands between two records: an end here loses nothing.
    #[must_use]
    pub fn is_between_records(&self) -> bool {
        self.buffer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with_length(length: u32, body: &[u8]) -> Vec<u8> {
        [&length.to_be_bytes(), body].concat()
    }

    #[test]
    fn bad_input_02_one_byte_at_a_time_is_the_same_as_at_once() {
        let stream = [with_length(3, b"abc"), with_length(1, b"d")].concat();
        let mut deframer = Deframer::new(16);
        let mut records = Vec::new();
        for byte in stream {
            deframer.extend(&[byte]);
            records.extend(deframer.next_record().unwrap());
        }
        assert_eq!(records, [Bytes::from("abc"), Bytes::from("d")]);
        assert!(deframer.is_between_records());
    }

    #[test]
    fn bad_input_05_tls_is_told_from_a_length() {
        // A ClientHello, and the alert by which a TLS server answers what is none.
        for tls in [[0x16, 3, 1, 2, 0], [0x15, 3, 3, 0, 2]] {
            let mut deframer = Deframer::new(usize::MAX);
            deframer.extend(&tls);
            assert!(matches!(deframer.next_record(), Err(InvalidMessage::Tls)));
        }
    }

    #[test]
    fn bad_input_03_length_zero_is_refused() {
        let mut deframer = Deframer::new(16);
        deframer.extend(&with_length(0, b""));
        assert!(matches!(deframer.next_record(), Err(InvalidMessage::Empty)));
    }

    #[test]
    fn bad_input_04_lengths_around_the_limit() {
        let body = vec![7; 16];
        let mut deframer = Deframer::new(16);
        deframer.extend(&with_length(16, &body));
        assert_eq!(deframer.next_record().unwrap().unwrap(), body);
        for length in [17, u32::MAX] {
            let mut deframer = Deframer::new(16);
            deframer.extend(&length.to_be_bytes());
            assert!(matches!(deframer.next_record(), Err(InvalidMessage::TooLarge { .. })));
            assert!(deframer.buffer.capacity() < 1024, "nothing allocated for the claim");
        }
    }

    #[test]
    fn a_raised_limit_holds_for_the_next_record() {
        let mut deframer = Deframer::new(1);
        deframer.raise_limit(2);
        deframer.extend(&with_length(2, b"ab"));
        assert_eq!(deframer.next_record().unwrap().unwrap(), "ab");
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_records(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8), cut in 1_usize..17) {
            let stream: Vec<u8> = bodies.iter().flat_map(|body| with_length(u32::try_from(body.len()).unwrap(), body)).collect();
            let mut deframer = Deframer::new(64);
            let mut records = Vec::new();
            for piece in stream.chunks(cut) {
                deframer.extend(piece);
                while let Some(record) = deframer.next_record().unwrap() {
                    records.push(record.to_vec());
                }
            }
            prop_assert_eq!(records, bodies);
        }
    }
}
