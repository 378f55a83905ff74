//! What this member posts: from the text to the last receipt.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use rand::{Rng as _, rngs::StdRng};

use super::{
    Session,
    pacing::{Due, Pacing},
};
use crate::{
    client::{
        command::CommandName,
        event::{Event, Failure, Receiver},
        trust::Standing,
        work::{Job, SealFailure, SealedPost},
    },
    crypto::ExpectedReceipts,
    proto::message::Post,
    types::{Code, DirectoryEntry, Fingerprint, MemberName, MessageId, RelayMode, limits::MAX_TEXT},
};

/// A post on its way.
#[derive(Debug)]
pub(super) struct Outbound {
    /// Its place among all posts of this session.
    number: u64,
    pub(super) to: Receiver,
    pub(super) reference: Option<String>,
    pub(super) stage: Stage,
    /// Whether its command was answered: it was held.
    pub(super) announced: bool,
    /// Of those who are here, to whom it does not go, and why.
    pub(super) left_out: Vec<(MemberName, Code)>,
}

#[derive(Debug)]
pub(super) enum Stage {
    /// Key records are missing; the text waits for them.
    Waiting { text: String, for_keys: Vec<Fingerprint> },
    /// Its receiver's key has changed; the text waits for the user's decision.
    Held { text: String, for_keys: Vec<Fingerprint> },
    /// The worker has it.
    Sealing,
    /// The hub has been given it, or is to be given it once more; these have not acknowledged it.
    Posted { unaccepted: Option<Post>, remaining: BTreeMap<Fingerprint, MemberName> },
}

/// All posts that are neither delivered nor failed.
pub(super) struct Outgoing {
    posts: BTreeMap<MessageId, Outbound>,
    posted: u64,
    receipts: ExpectedReceipts,
    pacing: Pacing,
    rng: StdRng,
}

impl Outgoing {
    pub(super) fn new(rng: StdRng) -> Self {
        Self {
            posts: BTreeMap::new(),
            posted: 0,
            receipts: ExpectedReceipts::default(),
            pacing: Pacing::default(),
            rng,
        }
    }

    /// Whether every post is accepted, delivered or failed.
    pub(super) fn is_settled(&self) -> bool {
        self.posts.values().all(|post| matches!(post.stage, Stage::Posted { unaccepted: None, .. }))
    }

    /// When a post goes again that the hub would not take so fast.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.pacing.deadline()
    }

    /// What waits to be sealed, in the order in which it was written.
    pub(super) fn waiting(&self) -> Vec<MessageId> {
        let waits = |post: &Outbound| matches!(post.stage, Stage::Waiting { .. });
        let mut posts: Vec<_> = self.posts.iter().filter(|(_, post)| waits(post)).collect();
        posts.sort_unstable_by_key(|(_, post)| post.number);
        posts.into_iter().map(|(id, _)| *id).collect()
    }

    /// What waits for the user's decision.
    pub(super) fn held(&self) -> impl Iterator<Item = (&MessageId, &Outbound)> {
        self.posts.iter().filter(|(_, post)| matches!(post.stage, Stage::Held { .. }))
    }

    pub(super) fn receiver_of(&self, id: MessageId) -> Option<Receiver> {
        self.posts.get(&id).map(|post| post.to.clone())
    }

    /// For whom a post waits to be sealed.
    pub(super) fn keys_of(&self, id: MessageId) -> BTreeSet<Fingerprint> {
        match self.posts.get(&id).map(|post| &post.stage) {
            Some(Stage::Waiting { for_keys, .. }) => for_keys.iter().copied().collect(),
            _ => BTreeSet::new(),
        }
    }

    pub(super) fn post_mut(&mut self, id: MessageId) -> Option<&mut Outbound> {
        self.posts.get_mut(&id)
    }

    pub(super) fn take(&mut self, id: MessageId) -> Option<Outbound> {
        self.posts.remove(&id)
    }

    pub(super) fn next_id(&mut self) -> MessageId {
        let mut id = [0; 16];
        self.rng.fill_bytes(&mut id);
        MessageId(id)
    }
}

impl Session {
    pub(super) fn send(&mut self, to: &MemberName, text: String, reference: Option<String>) {
        let receiver = self.find(to).and_then(|entry| match self.refuse_to_write(&entry) {
            Some(failure) => Err(failure),
            None => Ok(entry),
        });
        match receiver {
            Ok(entry) => self.post(Receiver::Member(entry.name), vec![entry.fingerprint], text, reference),
            Err(failure) => self.fail(failure, CommandName::Send, reference),
        }
    }

    pub(super) fn send_all(&mut self, text: String, reference: Option<String>) {
        let others: Vec<_> = self.directory.others().map(|entry| entry.fingerprint).collect();
        if others.is_empty() {
            let failure = Failure::new(Code::NoSuchMember, "nobody else is here; nothing sent", "wait for somebody");
            return self.fail(failure, CommandName::All, reference);
        }
        self.post(Receiver::All, others, text, reference);
    }

    fn post(&mut self, to: Receiver, for_keys: Vec<Fingerprint>, text: String, reference: Option<String>) {
        if let Some(failure) = self.refuse_caught_hub() {
            return self.fail(failure, command_of(&to), reference);
        }
        if text.len() > MAX_TEXT {
            let message = format!("a text has at most {MAX_TEXT} bytes, this one has {}; nothing sent", text.len());
            let failure = Failure::new(Code::MessageTooLarge, message, "send it in parts");
            return self.fail(failure, command_of(&to), reference);
        }
        let id = self.outgoing.next_id();
        for fingerprint in &for_keys {
            if self.directory.record(fingerprint).is_none() {
                self.directory.want(*fingerprint);
            }
        }
        self.outgoing.posted += 1;
        let number = self.outgoing.posted;
        let (stage, left_out) = (Stage::Waiting { text, for_keys }, Vec::new());
        self.outgoing.posts.insert(id, Outbound { number, to, reference, stage, announced: false, left_out });
        self.seal_what_can_be();
        self.fetch_records();
    }

    /// Hands every post whose records are all there to the worker, in the order in which they were written; none
    /// overtakes an earlier one to the same receiver.
    pub(super) fn seal_what_can_be(&mut self) {
        self.hold_back();
        let mut posts: Vec<_> = self.outgoing.posts.iter_mut().collect();
        posts.sort_unstable_by_key(|(_, post)| post.number);
        let stamp = self.directory.head();
        let (mut jobs, mut waited_for, mut receivers) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for (id, post) in posts {
            let Stage::Waiting { text, for_keys } = &mut post.stage else { continue };
            let records: Option<Vec<_>> = for_keys.iter().map(|key| self.directory.record(key).cloned()).collect();
            let is_behind = for_keys.iter().any(|key| waited_for.contains(key));
            let Some(mut records) = records.filter(|_| !is_behind) else {
                waited_for.extend(for_keys.iter().copied());
                continue;
            };
            let (id, text) = (*id, std::mem::take(text));
            receivers.extend(for_keys.iter().copied());
            jobs.push(match (&post.to, records.pop()) {
                (Receiver::Member(_), Some(to)) => Job::Seal { id, to, stamp, text },
                (_, last) => {
                    records.extend(last);
                    Job::SealGroup { id, to: records, stamp, text }
                }
            });
            post.stage = Stage::Sealing;
        }
        // The worker keeps the order: a key is pinned before anything is sealed for it.
        self.contact(&receivers);
        for job in jobs {
            self.work(job);
        }
    }

    pub(super) fn sealed(&mut self, id: MessageId, result: Result<SealedPost, SealFailure>) {
        let Some(post) = self.outgoing.posts.get_mut(&id) else { return };
        let (to, reference) = (post.to.clone(), post.reference.clone());
        let (was_announced, left_out) = (post.announced, post.left_out.clone());
        match result {
            Ok(sealed) => {
                if !was_announced {
                    let command = command_of(&to);
                    self.answer(Event::Queued { id, to }, command, reference.clone());
                }
                for (name, code) in left_out {
                    self.event(Event::Failed { id, to: Receiver::Member(name), code }, reference.clone());
                }
                self.post_sealed(id, sealed);
            }
            Err(failure) => {
                if let Some(post) = self.outgoing.posts.remove(&id) {
                    self.lose(id, post, Failure::new(failure.code, failure.text, "send less at once"));
                }
            }
        }
    }

    fn post_sealed(&mut self, id: MessageId, sealed: SealedPost) {
        let Some(post) = self.outgoing.posts.get_mut(&id) else { return };
        let names = sealed
            .receipts
            .iter()
            .filter_map(|(fingerprint, _)| Some((*fingerprint, self.directory.name_of(fingerprint)?.clone())));
        let remaining: BTreeMap<_, _> = names.collect();
        if remaining.is_empty() {
            // All of them left while the post was being sealed.
            let (to, reference) = (post.to.clone(), post.reference.clone());
            self.outgoing.posts.remove(&id);
            return self.event(Event::Failed { id, to, code: Code::NoSuchMember }, reference);
        }
        let audience = match (self.relay, &post.to) {
            (RelayMode::Direct, Receiver::Member(_)) => sealed.receipts.first().map(|(to, _)| *to),
            _ => None,
        };
        let number = post.number;
        let sealed_post = Post { mid: id, audience, kind: sealed.kind, sealed: sealed.sealed };
        post.stage = Stage::Posted { unaccepted: Some(sealed_post.clone()), remaining };
        for (by, secret) in sealed.receipts {
            self.outgoing.receipts.expect(id, by, secret);
        }
        if self.outgoing.pacing.is_waiting() {
            self.outgoing.pacing.wait(number, sealed_post);
        } else {
            self.tell_hub(sealed_post);
        }
    }

    pub(super) fn accepted(&mut self, id: MessageId) {
        // Receipts are accepted too; nobody asked for them.
        let Some(post) = self.outgoing.posts.get_mut(&id) else { return };
        let reference = post.reference.clone();
        if let Stage::Posted { unaccepted, .. } = &mut post.stage {
            *unaccepted = None;
            self.event(Event::Accepted { id }, reference);
            self.forget_when_nobody_remains(id);
        }
        if let Some(next) = self.outgoing.pacing.accepted(id) {
            self.tell_hub(next);
        }
    }

    pub(super) fn post_refused(&mut self, id: MessageId, code: Code) {
        if code == Code::RateLimited
            && let Some(Outbound { number, stage: Stage::Posted { unaccepted: Some(post), .. }, .. }) =
                self.outgoing.posts.get(&id)
        {
            return self.outgoing.pacing.refused(*number, post.clone());
        }
        self.post_failed(id, code);
    }

    /// Posts again what the hub would not take so fast.
    pub(super) fn post_again(&mut self, now: Instant) {
        match self.outgoing.pacing.due(now) {
            Due::Nothing => {}
            Due::Post(post) => self.tell_hub(post),
            Due::GiveUp(posts) => posts.into_iter().for_each(|id| self.post_failed(id, Code::RateLimited)),
        }
    }

    fn post_failed(&mut self, id: MessageId, code: Code) {
        let Some(post) = self.outgoing.posts.remove(&id) else { return };
        self.outgoing.receipts.forget(id);
        // When all of them left before, that was said.
        if !matches!(&post.stage, Stage::Posted { remaining, .. } if remaining.is_empty()) {
            self.event(Event::Failed { id, to: post.to, code }, post.reference);
        }
    }

    /// A tagged record came; most are for somebody else.
    pub(super) fn acknowledged(&mut self, tagged: &[u8]) {
        let Some((id, by)) = self.outgoing.receipts.take(tagged) else { return };
        self.work(Job::Acknowledged { by, message: id });
        let Some(post) = self.outgoing.posts.get_mut(&id) else { return };
        let Stage::Posted { remaining, .. } = &mut post.stage else { return };
        let Some(by) = remaining.remove(&by) else { return };
        let (left, reference) = (remaining.len() as u64, post.reference.clone());
        self.event(Event::Delivered { id, by, remaining: left }, reference);
        self.forget_when_nobody_remains(id);
    }

    fn forget_when_nobody_remains(&mut self, id: MessageId) {
        let is_done = |post: &Outbound| matches!(&post.stage, Stage::Posted { remaining, unaccepted: None } if remaining.is_empty());
        if self.outgoing.posts.get(&id).is_some_and(is_done) {
            self.outgoing.posts.remove(&id);
            self.outgoing.receipts.forget(id);
        }
    }

    /// Without a mailbox, what somebody who left has not acknowledged will not be.
    pub(super) fn receiver_left(&mut self, gone: &DirectoryEntry) {
        let waited: BTreeSet<MessageId> =
            self.outgoing.posts.iter().filter(|(_, post)| post.is_for(gone)).map(|(id, _)| *id).collect();
        for id in waited {
            let Some(post) = self.outgoing.posts.get_mut(&id) else { continue };
            let to = Receiver::Member(gone.name.clone());
            let reference = post.reference.clone();
            match &mut post.stage {
                Stage::Waiting { for_keys, .. } if for_keys.len() > 1 => {
                    for_keys.retain(|key| *key != gone.fingerprint);
                    continue;
                }
                Stage::Waiting { .. } | Stage::Held { .. } => {
                    let failure =
                        Failure::new(Code::NoSuchMember, format!("{} has just left; nothing sent", gone.name), "");
                    if let Some(post) = self.outgoing.posts.remove(&id) {
                        self.lose(id, post, failure);
                    }
                    continue;
                }
                Stage::Sealing => continue,
                Stage::Posted { remaining, .. } => drop(remaining.remove(&gone.fingerprint)),
            }
            self.event(Event::Failed { id, to, code: Code::NoSuchMember }, reference);
            self.forget_when_nobody_remains(id);
        }
        self.seal_what_can_be();
    }

    /// The link is gone: what the hub has not accepted has not been sent.
    pub(super) fn posts_lost(&mut self, code: Code) {
        self.outgoing.pacing = Pacing::default();
        for (id, post) in std::mem::take(&mut self.outgoing.posts) {
            self.outgoing.receipts.forget(id);
            match post.stage {
                Stage::Posted { unaccepted: None, .. } => {}
                Stage::Posted { .. } => self.event(Event::Failed { id, to: post.to, code }, post.reference),
                Stage::Waiting { .. } | Stage::Held { .. } | Stage::Sealing => {
                    let failure = Failure::new(code, "the member left before it could be sent; nothing sent", "");
                    self.lose(id, post, failure);
                }
            }
        }
    }

    /// The hub has no records for these: what waits for them fails.
    pub(super) fn give_up_on(&mut self, missing: &[Fingerprint]) {
        for fingerprint in missing {
            self.incoming.drop_letters_of(fingerprint);
            // A post to somebody who is no longer here has failed already; one to changed keys waits for a decision.
            let Some(entry) = self.directory.entry_of(fingerprint).cloned() else { continue };
            if !matches!(self.standing(&entry), Standing::Changed { .. }) {
                self.receiver_left(&entry);
            }
        }
    }
}

impl Outbound {
    fn is_for(&self, gone: &DirectoryEntry) -> bool {
        match &self.stage {
            Stage::Waiting { for_keys, .. } | Stage::Held { for_keys, .. } => for_keys.contains(&gone.fingerprint),
            Stage::Sealing => false,
            Stage::Posted { remaining, .. } => remaining.contains_key(&gone.fingerprint),
        }
    }
}

pub(super) fn command_of(to: &Receiver) -> CommandName {
    match to {
        Receiver::All => CommandName::All,
        Receiver::Member(_) => CommandName::Send,
    }
}
