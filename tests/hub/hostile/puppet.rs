//! A hub that says what a test wants one member to hear.

use std::{collections::HashMap, time::Instant};

use securestream::{
    crypto::Identity,
    directory::{Chain, DirectoryTree},
    proto::{
        Message, VERSIONS,
        message::{
            Accepted, DirectoryPage, HeadLink, Heads, HelloAck, Joined, Left, Limits, Nonce, Ping, Post, Records,
            Relayed, Welcome,
        },
    },
    transport::memory,
    types::{
        DirectoryEntry, DirectoryHead, DirectorySequence, Fingerprint, KeyRecord, LeaveReason, MemberName, RelayMode,
        StateHash,
        limits::{MAX_PART, MAX_PLAYS, MAX_RECORD},
        wire::{self, Blob},
    },
};

use serde_json::{Value, json};

use crate::{
    member::{Role, TestMember},
    raw::Raw,
    support::events::GUARD,
};

/// The hub's side of one member's link, and the directory that it shows there.
pub(crate) struct Puppet {
    link: Raw,
    tree: DirectoryTree,
    chain: Chain,
    links: Vec<(DirectorySequence, StateHash)>,
    /// Key records that it gives out. What is not here is missing.
    pub(crate) records: HashMap<Fingerprint, Blob>,
    /// Whether it can say how its directory came to be.
    pub(crate) remembers: bool,
    /// Everything that the member posted.
    pub(crate) posts: Vec<Post>,
}

/// What a directory is before the member comes.
#[derive(Clone, Default)]
pub(crate) struct Before {
    /// Changes that left nobody behind, before those below.
    pub(crate) changes: u64,
    pub(crate) members: Vec<(DirectoryEntry, Blob)>,
}

impl Before {
    pub(crate) fn of(members: &[&Identity]) -> Self {
        let with_record = |member: &&Identity| (entry(member, false), wire::to_bytes(member.record()).into());
        Self { changes: 0, members: members.iter().map(with_record).collect() }
    }
}

/// A member in a directory.
pub(crate) fn entry(member: &Identity, guest: bool) -> DirectoryEntry {
    DirectoryEntry { name: member.name().clone(), fingerprint: member.fingerprint(), guest }
}

impl Puppet {
    /// Starts a member on a link to this hub and lets it in, up to the last page of the directory.
    pub(crate) fn host(role: Role, before: Before) -> (Self, TestMember) {
        let (mut puppet, member) = Self::greet(role, before);
        puppet.let_in();
        let page = puppet.page();
        puppet.send(page);
        member.wait(json!({"event": "directory"}));
        (puppet, member)
    }

    /// Starts a member on a link to this hub, which has not said a word.
    pub(crate) fn greet(role: Role, before: Before) -> (Self, TestMember) {
        let (ours, theirs) = memory::pair();
        let member = TestMember::start_as(Box::new(theirs), role);
        let mut puppet = Self {
            link: Raw::over(Box::new(ours)),
            tree: DirectoryTree::default(),
            chain: Chain::default(),
            links: Vec::new(),
            records: HashMap::new(),
            remembers: true,
            posts: Vec::new(),
        };
        for _ in 0..before.changes {
            puppet.changed();
        }
        for (entry, record) in before.members {
            puppet.records.insert(entry.fingerprint, record);
            puppet.tree.insert(entry);
            puppet.changed();
        }
        (puppet, member)
    }

    /// Takes the member in without looking at its proof, and waits until it asks for the directory.
    pub(crate) fn let_in(&mut self) {
        self.link.wait(|message| matches!(message, Message::Hello(_)).then_some(()));
        let limit = |limit: usize| u32::try_from(limit).unwrap();
        let limits = Limits { max_record: limit(MAX_RECORD), max_part: limit(MAX_PART), max_plays: limit(MAX_PLAYS) };
        let version = *VERSIONS.last().unwrap();
        self.send(HelloAck { version, nonce: Nonce([7; 32]), limits });
        let register = self.link.wait(|message| match message {
            Message::Register(register) => Some(register),
            _ => None,
        });
        let record: KeyRecord = wire::from_bytes(&register.record).unwrap();
        let (name, guest): (MemberName, _) = (record.name.parse().unwrap(), register.guest);
        self.records.insert(record.fingerprint(), register.record);
        self.tree.insert(DirectoryEntry { name: name.clone(), fingerprint: record.fingerprint(), guest });
        self.changed();
        let members = u32::try_from(self.tree.members().len()).unwrap();
        let sequence = self.chain.end().epoch;
        self.send(Welcome { name, guest, relay: RelayMode::Broadcast, sequence, members });
        self.link.wait(|message| matches!(message, Message::NextPage(_)).then_some(()));
    }

    /// The whole directory as one page.
    pub(crate) fn page(&self) -> DirectoryPage {
        let entries = self.tree.members().values().cloned().collect();
        DirectoryPage { sequence: self.chain.end().epoch, entries, last: true, previous: self.chain.previous() }
    }

    /// The head that an honest member has who was shown this directory.
    pub(crate) fn head(&self) -> DirectoryHead {
        self.chain.end()
    }

    fn changed(&mut self) -> DirectorySequence {
        let sequence = self.chain.end().epoch.next();
        self.chain.push(sequence, self.tree.state());
        self.links.push((sequence, self.tree.state()));
        sequence
    }

    pub(crate) fn send(&mut self, message: impl Into<Message>) {
        self.link.send(message);
    }

    /// Says that somebody came, and can give out the record.
    pub(crate) fn join(&mut self, member: &Identity, guest: bool) {
        self.records.insert(member.fingerprint(), wire::to_bytes(member.record()).into());
        self.join_without_record(entry(member, guest));
    }

    pub(crate) fn join_without_record(&mut self, entry: DirectoryEntry) {
        self.tree.insert(entry.clone());
        let sequence = self.changed();
        self.send(Joined { sequence, entry });
    }

    /// Says that somebody went.
    pub(crate) fn leave(&mut self, name: &str) {
        let name: MemberName = name.parse().unwrap();
        self.tree.remove(&name);
        let sequence = self.changed();
        self.send(Left { sequence, name, reason: LeaveReason::Quit });
    }

    /// Makes a change that this member is not told of.
    pub(crate) fn change_in_secret(&mut self, member: &Identity) {
        self.tree.insert(entry(member, false));
        self.changed();
    }

    /// Passes on what another member posted, or what somebody made up.
    pub(crate) fn relay(&mut self, post: &Post) {
        self.send(Relayed { kind: post.kind, sealed: post.sealed.clone() });
    }

    /// Answers as a hub would, until the member says something that `pick` picks.
    pub(crate) fn serve_until<T>(&mut self, mut pick: impl FnMut(&Message) -> Option<T>) -> T {
        loop {
            let message = self.link.next().expect("the member hung up");
            let picked = pick(&message);
            self.answer(message);
            if let Some(picked) = picked {
                return picked;
            }
        }
    }

    /// Serves up to the member's next post, which it accepts.
    pub(crate) fn next_post(&mut self) -> Post {
        self.serve_until(|message| if let Message::Post(post) = message { Some(post.clone()) } else { None })
    }

    /// Serves until the member has heard all that was sent to it.
    pub(crate) fn settle(&mut self) {
        self.send(Ping { token: 77 });
        self.serve_until(|message| matches!(message, Message::Pong(pong) if pong.token == 77).then_some(()));
    }

    /// Serves until the member tells this.
    pub(crate) fn serve_until_event(&mut self, member: &TestMember, pattern: &Value) -> Value {
        let deadline = Instant::now() + GUARD;
        loop {
            self.settle();
            if let Some(event) = member.events.take_if_there(pattern) {
                return event;
            }
            assert!(Instant::now() < deadline, "{} never tells {pattern}", member.name);
        }
    }

    /// Serves until the member hangs up, and gives what it told then.
    pub(crate) fn serve_to_the_end(&mut self, member: &TestMember, pattern: &Value) -> Value {
        while let Some(message) = self.link.next() {
            self.answer(message);
        }
        member.wait(pattern.clone())
    }

    /// Somebody has come and gone.
    pub(crate) fn note_visit(&mut self, member: &Identity) {
        self.tree.insert(entry(member, false));
        self.changed();
        self.tree.remove(member.name());
        self.changed();
    }

    /// Serves until the member was answered a question for key records.
    pub(crate) fn answer_fetch(&mut self) {
        self.serve_until(|message| matches!(message, Message::FetchRecords(_)).then_some(()));
    }

    /// Lets the member leave, and gives all it ever told and posted.
    pub(crate) fn dismiss(mut self, member: TestMember) -> (Vec<Value>, Vec<Post>) {
        member.ask("quit");
        self.serve_until(|message| matches!(message, Message::Quit(_)).then_some(()));
        let Self { link, posts, .. } = self;
        drop(link);
        (member.leave(), posts)
    }

    fn answer(&mut self, message: Message) {
        match message {
            Message::FetchRecords(fetch) => {
                let (found, missing): (Vec<_>, Vec<_>) =
                    fetch.fingerprints.into_iter().partition(|fingerprint| self.records.contains_key(fingerprint));
                let records = found.iter().map(|fingerprint| self.records[fingerprint].clone()).collect();
                self.send(Records { records, missing });
            }
            Message::FetchHeads(fetch) => {
                let after = self.links.iter().filter(|(sequence, _)| *sequence > fetch.after && self.remembers);
                let links = after.map(|(sequence, state)| HeadLink { sequence: *sequence, state: *state }).collect();
                self.send(Heads { links, complete: self.remembers });
            }
            Message::Post(post) => {
                self.send(Accepted { mid: post.mid });
                self.posts.push(post);
            }
            _ => {}
        }
    }
}
