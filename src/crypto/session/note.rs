//! What stands inside a session's message: a letter without signature. That its sender is the session's other end is
//! proven by its opening, and to nobody else.
//!
//! ```text
//!   [ epoch bin8, head bin32, id bin16, stream u8, sequence bin8, time bin8,
//!     receipt tag bin16, receipt key bin32, text str ]
//! ```

use zeroize::Zeroizing;

use crate::{
    crypto::{
        letter::{Draft, Eight, Hash32, Letter, Stream},
        receipt::{ReceiptSecret, ReceiptTag},
        secret::Secret,
    },
    types::{
        DirectoryHead, DirectorySequence, Fingerprint, Head, MessageId,
        limits::MAX_TEXT,
        wire::{self, Text, wire_struct},
    },
};

wire_struct! {
    /// The array above.
    struct Note {
        epoch: Eight,
        head: Head,
        id: MessageId,
        stream: u8,
        sequence: Eight,
        time: Eight,
        receipt_tag: ReceiptTag,
        receipt_key: Secret<32>,
        text: Text,
    }
}

/// Bytes of an encoded note besides its text, rounded up.
const FIXED: usize = 160;

pub(super) fn write(draft: &Draft<'_>, receipt: &ReceiptSecret) -> Zeroizing<Vec<u8>> {
    let note = Note {
        epoch: Eight::of(draft.stamp.epoch.0),
        head: draft.stamp.head,
        id: draft.id,
        stream: Stream::Direct.number(),
        sequence: Eight::of(draft.sequence),
        time: Eight::of(draft.time),
        receipt_tag: receipt.tag,
        receipt_key: receipt.key.clone(),
        text: draft.text.into(),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(FIXED + draft.text.len()));
    wire::write_to(&mut bytes, &note);
    bytes
}

/// Reads what the other end, `from`, wrote to `me`.
pub(super) fn read(bytes: &[u8], from: Fingerprint, me: Fingerprint) -> Option<Letter> {
    let note: Note = wire::from_bytes(bytes).ok()?;
    if note.stream != Stream::Direct.number() || note.text.len() > MAX_TEXT {
        return None;
    }
    let stamp = DirectoryHead { epoch: DirectorySequence(note.epoch.number()), head: note.head };
    let receipt = ReceiptSecret { tag: note.receipt_tag, key: note.receipt_key.clone() };
    let (sequence, time, Text(text)) = (note.sequence.number(), note.time.number(), note.text);
    let stream = Stream::Direct;
    Some(Letter { from, stream, id: note.id, sequence, time, stamp, text, receipt, to: Hash32(me.0) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::fixtures::rng;

    #[test]
    fn a_note_comes_back_and_room_for_it_is_foreseen() {
        let (from, me) = (Fingerprint([1; 32]), Fingerprint([2; 32]));
        for length in [0, 31, 32, 70_000] {
            let text = "x".repeat(length);
            let stamp = DirectoryHead { epoch: DirectorySequence(3), head: Head([4; 32]) };
            let draft = Draft { id: MessageId([5; 16]), sequence: 6, time: 7, stamp, text: &text };
            let receipt = ReceiptSecret::random(&mut rng(8));
            let bytes = write(&draft, &receipt);
            assert!(bytes.len() <= FIXED + length);
            let letter = read(&bytes, from, me).unwrap();
            assert_eq!((letter.from, letter.id, letter.sequence, letter.time), (from, draft.id, 6, 7));
            assert_eq!((letter.stamp, letter.text, letter.receipt), (stamp, text, receipt));
        }
    }

    #[test]
    fn what_no_sender_writes_is_refused() {
        let draft = Draft { id: MessageId([5; 16]), sequence: 6, time: 7, stamp: DirectoryHead::FIRST, text: "x" };
        let good = write(&draft, &ReceiptSecret::random(&mut rng(8)));
        let read = |bytes: &[u8]| read(bytes, Fingerprint([1; 32]), Fingerprint([2; 32]));
        assert!(read(&good).is_some());
        assert!(read(&good[..good.len() - 1]).is_none());
        let long = "x".repeat(MAX_TEXT + 1);
        let long = write(&Draft { text: &long, ..draft }, &ReceiptSecret::random(&mut rng(8)));
        assert!(read(&long).is_none());
        let mut group = good.to_vec();
        let stream = 1 + 10 + 34 + 18;
        assert_eq!(group[stream], 0);
        group[stream] = 1;
        assert!(read(&group).is_none());
    }
}
