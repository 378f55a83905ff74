//! What comes sealed: opened by the worker, proven by its sender's key record, shown once, acknowledged.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use rand::{RngExt as _, rngs::StdRng};

use super::{Session, equivocation::Claim, gaps::Gaps, trust::SenderMarks};
use crate::{
    client::{
        event::Event,
        work::{Job, Judged, Unproven},
    },
    crypto::{Judgement, Letter, RECEIPT_LENGTH, Stream, session::Position},
    proto::message::{Post, Relayed},
    types::{Code, Fingerprint, MemberName, RelayMode, SealKind, wire::Blob},
};

/// A receipt waits for up to this long, so that the hub cannot tell by the clock which post it answers.
const RECEIPT_DELAY: Duration = Duration::from_millis(400);

/// Sealed bytes that may wait to be opened. Beyond, a hub sends faster than anybody writes.
const MAX_UNOPENED: usize = 64 * 1024 * 1024;

/// Letters that may wait for their sender's key record.
const MAX_UNPROVEN: usize = 256;

/// A receipt and when it goes out.
struct Receipt {
    due: Instant,
    to: Fingerprint,
    bytes: Blob,
}

/// What has come and is not done with.
pub(super) struct Incoming {
    /// What the worker has to open, with its size, in order.
    unopened: VecDeque<(SealKind, usize)>,
    unopened_bytes: usize,
    unproven: Vec<Unproven>,
    judging: usize,
    receipts: Vec<Receipt>,
    gaps: Gaps,
    rng: StdRng,
}

impl Incoming {
    pub(super) fn new(rng: StdRng) -> Self {
        Self {
            unopened: VecDeque::new(),
            unopened_bytes: 0,
            unproven: Vec::new(),
            judging: 0,
            receipts: Vec::new(),
            gaps: Gaps::default(),
            rng,
        }
    }

    /// When the next receipt is due, or a gap is to be told.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.receipts.iter().map(|receipt| receipt.due).chain(self.gaps.deadline()).min()
    }

    /// Whether everything that came is opened and proven.
    pub(super) fn is_settled(&self) -> bool {
        self.unopened.is_empty() && self.judging == 0
    }

    pub(super) fn drop_letters_of(&mut self, sender: &Fingerprint) {
        self.unproven.retain(|opened| opened.sender() != *sender);
    }
}

impl Session {
    pub(super) fn relayed(&mut self, relayed: Relayed) {
        let Relayed { kind, sealed } = relayed;
        match kind {
            SealKind::Tagged if sealed.len() == RECEIPT_LENGTH => self.acknowledged(&sealed),
            SealKind::Seal | SealKind::Group | SealKind::Hello | SealKind::Tagged => {
                let size = sealed.len();
                if self.incoming.unopened_bytes + size > MAX_UNOPENED {
                    let text = "messages came faster than they can be opened; one was dropped".to_owned();
                    return self.event(Event::Notice { code: Code::RateLimited, text }, None);
                }
                self.incoming.unopened_bytes += size;
                self.incoming.unopened.push_back((kind, size));
                self.work(Job::Open { kind, sealed });
            }
            // Of a later version.
            SealKind::Other(_) => {}
        }
    }

    pub(super) fn opened(&mut self, opened: Option<Box<Unproven>>, position: Option<Position>, now: Instant) {
        let Some((kind, size)) = self.incoming.unopened.pop_front() else { return };
        self.incoming.unopened_bytes -= size;
        let Some(opened) = opened else {
            // Usual where the hub sends each record to everyone, and what shows that it did.
            log::debug!("a {kind} record of {size} bytes came that this member cannot open");
            return;
        };
        let sender = opened.sender();
        if self.is_blocked(&sender) {
            // Neither judged nor acknowledged, nor told of when one is missing. A seal that its sender posts again once it
            // is unblocked is new; the bytes of a session open once, so there only what is sent in a new one comes again.
            log::debug!("a letter of {sender}, who is blocked, is dropped");
            return;
        }
        if let Some(position) = position {
            self.incoming.gaps.came(sender, position, now);
        }
        if self.incoming.unproven.len() >= MAX_UNPROVEN {
            log::debug!("too many letters wait for key records; one of {sender} is dropped");
            return;
        }
        self.incoming.unproven.push(*opened);
        if self.directory.record(&sender).is_none() {
            self.directory.want(sender);
            self.fetch_records();
        }
        self.judge_what_can_be();
    }

    /// Hands every letter whose sender's record is there to the worker.
    pub(super) fn judge_what_can_be(&mut self) {
        let unproven = std::mem::take(&mut self.incoming.unproven);
        for opened in unproven {
            match self.directory.record(&opened.sender()).cloned() {
                Some(sender) => {
                    self.incoming.judging += 1;
                    self.work(Job::Judge { opened: Box::new(opened), sender });
                }
                None => self.incoming.unproven.push(opened),
            }
        }
    }

    pub(super) fn judged(&mut self, result: Option<Judged>, now: Instant) {
        self.incoming.judging = self.incoming.judging.saturating_sub(1);
        self.refill_one_time_keys();
        let Some(Judged { letter, sender, judgement, proof }) = result else { return };
        let was_known = self.verified_or_pinned(&sender, &letter.from).is_some();
        self.judge_stamp(letter.stamp, Claim { name: sender.clone(), fingerprint: letter.from, proof, was_known });
        let delay = self.incoming.rng.random_range(Duration::ZERO..=RECEIPT_DELAY);
        let bytes = letter.receipt.receipt(letter.id).into();
        self.incoming.receipts.push(Receipt { due: now + delay, to: letter.from, bytes });
        // What was shown before is acknowledged again, since the sender seems not to know, and not shown.
        if judgement == Judgement::Fresh {
            self.show(*letter, sender);
        }
    }

    /// Tells of a letter under the name that its sender has here, or had when it left. A name that somebody else has
    /// by now would tell a lie, so such a letter is only mentioned.
    fn show(&mut self, letter: Letter, called: MemberName) {
        let here = self.directory.name_of(&letter.from).cloned();
        if here.is_none() && self.directory.find(&called).is_some() {
            let text = format!("a message of an earlier \"{called}\" is not shown: somebody else is called so now");
            return self.event(Event::Notice { code: Code::NameTaken, text }, None);
        }
        self.show_once_pinned(letter, here.unwrap_or(called));
    }

    /// Tells of a letter under this name.
    pub(super) fn show_as(&mut self, letter: Letter, from: MemberName) {
        let SenderMarks { verified, key_changed } = self.marks_of(&from, &letter.from);
        let event = Event::Message {
            id: letter.id,
            from,
            fingerprint: letter.from,
            text: letter.text,
            to_all: letter.stream == Stream::Group,
            verified,
            key_changed,
            time: letter.time,
        };
        self.event(event, None);
    }

    /// Posts the receipts that are due.
    pub(super) fn post_receipts(&mut self, now: Instant) {
        let due = self.incoming.receipts.extract_if(.., |receipt| receipt.due <= now).collect();
        self.post_these(due);
    }

    /// Posts all receipts, because the member is about to leave.
    pub(super) fn post_all_receipts(&mut self) {
        let all = std::mem::take(&mut self.incoming.receipts);
        self.post_these(all);
    }

    /// Tells of messages that have not come although later ones did.
    pub(super) fn tell_gaps(&mut self, now: Instant) {
        for (sender, missing) in self.incoming.gaps.due(now) {
            if let Some(from) = self.directory.name_of(&sender).cloned().filter(|_| !self.is_blocked(&sender)) {
                self.event(Event::Gap { from, missing }, None);
            }
        }
    }

    fn post_these(&mut self, receipts: Vec<Receipt>) {
        for Receipt { to, bytes, .. } in receipts {
            let audience = (self.relay == RelayMode::Direct).then_some(to);
            let mid = self.outgoing.next_id();
            self.tell_hub(Post { mid, audience, kind: SealKind::Tagged, sealed: bytes });
        }
    }
}
