//! Who is here and who gets what: from an event to commands, with no effect of its own.

use std::time::Instant;

use bytes::Bytes;

use super::{
    report::HubEvent,
    roster::{Candidate, Roster},
};
use crate::{
    crypto::{RegistrationError, VerifiedRecord},
    directory::{Directory, NameTaken},
    proto::{
        Ending, Message, encode,
        message::{
            Accepted, DirectoryPage, Error, FetchRecords, HeadLink, Heads, Joined, Left, Post, Records, Refused,
            Register, Relayed, Welcome,
        },
    },
    types::{
        Code, DirectoryEntry, DirectorySequence, KeyRecord, LeaveReason, LinkId, MemberName, RelayMode,
        limits::{DIRECTORY_PAGE, LOST_GRACE, MAX_FETCH, MAX_REGISTRATIONS},
        wire::{self, Blob},
    },
};

/// What the operator decides about a hub.
#[derive(Clone, Copy, Debug)]
pub struct RelayOptions {
    /// How posts are passed on.
    pub mode: RelayMode,
    /// Members at the same time, those whose link broke a moment ago included.
    pub max_members: usize,
}

/// What the driver has to do, in this order.
#[derive(Debug)]
pub enum Command {
    /// Queue a message on a link.
    Send(LinkId, Message),
    /// Queue one record on each of these links. Who gets it is decided here and now: whoever becomes a member
    /// before this is carried out has it in the directory that it is about to read.
    Broadcast { record: Bytes, to: Vec<LinkId> },
    /// The link is a member's from now on.
    Establish(LinkId),
    /// Close a link with a word.
    Close(LinkId, Code),
    /// Close a link without one.
    CloseSilently(LinkId, Code),
    /// Verify a registration off the loop and answer by [`Relay::verified`].
    Verify { link: LinkId, record: KeyRecord, proof: Blob },
    /// Tell the operator.
    Report(HubEvent),
}

/// The hub's relay: members, their directory, their posts.
pub struct Relay {
    options: RelayOptions,
    directory: Box<dyn Directory>,
    roster: Roster,
    commands: Vec<Command>,
}

impl Relay {
    /// A relay with nobody on it.
    #[must_use]
    pub fn new(options: RelayOptions, directory: Box<dyn Directory>) -> Self {
        Self { options, directory, roster: Roster::default(), commands: Vec::new() }
    }

    /// Takes what is to be done because of the calls before.
    pub fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    /// The name of the member behind a link.
    #[must_use]
    pub fn name_of(&self, link: LinkId) -> Option<&MemberName> {
        self.roster.member(link).map(|member| &member.name)
    }

    /// When [`Relay::timeout`] must be called next.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.roster.deadline()
    }

    /// A link came in.
    pub fn accepted(&mut self, link: LinkId, peer: String) {
        self.roster.candidates.insert(link, Candidate { peer, attempts: 0, verifying: false, guest: false });
    }

    /// A message came that is no matter of video.
    pub fn message(&mut self, link: LinkId, message: Message) {
        match message {
            Message::Register(register) => self.register(link, &register),
            Message::Quit(_) => self.quit(link),
            Message::NextPage(_) => self.next_page(link),
            Message::FetchRecords(fetch) => self.fetch(link, &fetch),
            Message::FetchHeads(fetch) => self.fetch_heads(link, fetch.after),
            Message::Post(post) => self.post(link, post),
            // The connection lets nothing else through; a message of a newer version asks for nothing here.
            _ => {}
        }
    }

    /// A connection ended.
    pub fn ended(&mut self, link: LinkId, ending: &Ending, now: Instant) {
        if let Some(candidate) = self.roster.candidates.remove(&link) {
            if let Ending::Misbehaved(error) = ending {
                self.report(HubEvent::Refused { code: error.code(), peer: candidate.peer });
            }
            return;
        }
        let Some(member) = self.roster.leave(link) else { return };
        match ending {
            Ending::Lost | Ending::Closed(_) => self.roster.wait_for(&member, now + LOST_GRACE),
            Ending::Slow => self.gone(&member.name, LeaveReason::Slow),
            Ending::Misbehaved(_) => self.gone(&member.name, LeaveReason::Refused),
        }
    }

    /// Gives up those who did not come back in time.
    pub fn timeout(&mut self, now: Instant) {
        while let Some(name) = self.roster.give_up(now) {
            self.gone(&name, LeaveReason::Lost);
        }
    }

    /// Lets a member go for what it did; text says what.
    pub fn let_go(&mut self, link: LinkId, code: Code, text: &str) {
        let Some(member) = self.roster.leave(link) else { return };
        self.report(HubEvent::Refused { code, peer: member.peer });
        self.gone(&member.name, LeaveReason::Refused);
        self.commands.push(Command::Send(link, Error { code, text: text.into() }.into()));
        self.commands.push(Command::Close(link, code));
    }

    /// A registration has been verified, or not.
    pub fn verified(&mut self, link: LinkId, result: Result<VerifiedRecord, RegistrationError>) {
        let Some(candidate) = self.roster.candidates.get_mut(&link) else { return };
        candidate.verifying = false;
        let guest = candidate.guest;
        match result {
            Ok(record) => self.admit(link, &record, guest),
            Err(error) => match error.code() {
                Code::BadProof => {
                    self.refused(link, Code::BadProof);
                    self.roster.candidates.remove(&link);
                    self.commands.push(Command::CloseSilently(link, Code::BadProof));
                }
                code => self.refuse(link, code, &error.to_string()),
            },
        }
    }

    fn register(&mut self, link: LinkId, register: &Register) {
        let Some(candidate) = self.roster.candidates.get_mut(&link) else { return };
        candidate.attempts += 1;
        if candidate.verifying || candidate.attempts > MAX_REGISTRATIONS {
            let text = "too many registrations on one link; connect again";
            return self.turn_away(link, Code::RateLimited, text);
        }
        candidate.guest = register.guest;
        let record = match KeyRecord::decode(&register.record) {
            Ok(record) => record,
            Err(error) => return self.turn_away(link, Code::InvalidRecord, &error.to_string()),
        };
        if let Err(error) = record.name.parse::<MemberName>() {
            return self.refuse(link, Code::BadName, &error.to_string());
        }
        candidate.verifying = true;
        self.commands.push(Command::Verify { link, record, proof: register.proof.clone() });
    }

    fn admit(&mut self, link: LinkId, record: &VerifiedRecord, guest: bool) {
        let entry = DirectoryEntry { name: record.name().clone(), fingerprint: record.fingerprint(), guest };
        if let Some(live) = self.roster.member_of(&entry.fingerprint)
            && live.name != entry.name
        {
            let text = format!("these keys are here already, as {}; leave there first, or use other keys", live.name);
            return self.turn_away(link, Code::IdentityInUse, &text);
        }
        if let Some(away) = self.roster.take_back(&entry.fingerprint) {
            let unnoticed = away.name == entry.name && !away.missed;
            match self.directory.find(&entry.name).filter(|_| unnoticed).cloned() {
                Some(entry) => return self.welcome(link, entry),
                None => self.gone(&away.name, LeaveReason::Lost),
            }
        }
        if self.directory.len() >= self.options.max_members {
            let text = "the hub has all the members it takes; try again later";
            return self.turn_away(link, Code::HubFull, text);
        }
        match self.directory.claim(entry.clone(), wire::to_bytes(record.record()).into()) {
            Ok(sequence) => {
                let joined = encode(&Joined { sequence, entry: entry.clone() }.into());
                self.welcome(link, entry.clone());
                self.broadcast(joined, Some(link));
                let members = self.directory.len();
                let DirectoryEntry { name, fingerprint, guest } = entry;
                self.report(HubEvent::MemberJoined { name, fingerprint, guest, members });
            }
            Err(NameTaken) => {
                self.turn_away(link, Code::NameTaken, "somebody is here under this name; choose another");
            }
        }
    }

    fn welcome(&mut self, link: LinkId, entry: DirectoryEntry) {
        let DirectoryEntry { name, fingerprint, guest } = entry;
        let welcome = Welcome {
            name: name.clone(),
            guest,
            relay: self.options.mode,
            sequence: self.directory.sequence(),
            members: u32::try_from(self.directory.len()).unwrap_or(u32::MAX),
        };
        self.roster.enter(link, name, fingerprint);
        self.commands.push(Command::Send(link, welcome.into()));
        self.commands.push(Command::Establish(link));
    }

    fn quit(&mut self, link: LinkId) {
        self.roster.candidates.remove(&link);
        if let Some(member) = self.roster.leave(link) {
            self.gone(&member.name, LeaveReason::Quit);
        }
        self.commands.push(Command::Close(link, Code::Disconnected));
    }

    fn next_page(&mut self, link: LinkId) {
        let Some(member) = self.roster.member_mut(link) else { return };
        let page = self.directory.page(member.paged_to.as_ref(), DIRECTORY_PAGE);
        member.paged_to = page.entries.last().map(|entry| entry.name.clone()).or(member.paged_to.take());
        if page.last {
            // Whoever asks again reads the directory from its start.
            member.paged_to = None;
        }
        let sequence = self.directory.sequence();
        let previous = self.directory.previous();
        let page = DirectoryPage { sequence, entries: page.entries, last: page.last, previous };
        self.commands.push(Command::Send(link, page.into()));
    }

    fn fetch_heads(&mut self, link: LinkId, after: DirectorySequence) {
        if self.roster.member(link).is_none() {
            return;
        }
        let links = self.directory.links_after(after);
        let complete = links.is_some();
        let link_of = |(sequence, state)| HeadLink { sequence, state };
        let links = links.into_iter().flatten().map(link_of).collect();
        self.commands.push(Command::Send(link, Heads { links, complete }.into()));
    }

    fn fetch(&mut self, link: LinkId, fetch: &FetchRecords) {
        if self.roster.member(link).is_none() {
            return;
        }
        let mut answer = Records { records: Vec::new(), missing: Vec::new() };
        for fingerprint in fetch.fingerprints.iter().take(MAX_FETCH) {
            match self.directory.record(fingerprint) {
                Some(record) => answer.records.push(record),
                None => answer.missing.push(*fingerprint),
            }
        }
        self.commands.push(Command::Send(link, answer.into()));
    }

    fn post(&mut self, link: LinkId, post: Post) {
        if self.roster.member(link).is_none() {
            return;
        }
        let relayed = Message::from(Relayed { kind: post.kind, sealed: post.sealed });
        match (self.options.mode, post.audience) {
            (RelayMode::Direct, Some(receiver)) => match self.roster.link_of(&receiver) {
                Some(receiver) => self.commands.push(Command::Send(receiver, relayed)),
                None => {
                    let refused = Refused { mid: post.mid, code: Code::NoSuchMember };
                    return self.commands.push(Command::Send(link, refused.into()));
                }
            },
            _ => {
                self.broadcast(encode(&relayed), Some(link));
                self.roster.went_by();
            }
        }
        self.commands.push(Command::Send(link, Accepted { mid: post.mid }.into()));
    }

    /// Takes a member out of the directory and tells everybody why.
    fn gone(&mut self, name: &MemberName, reason: LeaveReason) {
        let Some(sequence) = self.directory.release(name) else { return };
        let left = Left { sequence, name: name.clone(), reason };
        self.broadcast(encode(&left.into()), None);
        self.report(HubEvent::MemberLeft { name: name.clone(), reason, members: self.directory.len() });
    }

    /// Tells a candidate that its registration failed; it may try again.
    fn refuse(&mut self, link: LinkId, code: Code, text: &str) {
        self.refused(link, code);
        self.commands.push(Command::Send(link, Error { code, text: text.into() }.into()));
    }

    /// Tells a candidate that it will not become a member by this link. It is none from here on: what it sent
    /// on, and a verification that is under way, find nobody.
    fn turn_away(&mut self, link: LinkId, code: Code, text: &str) {
        self.refuse(link, code, text);
        self.roster.candidates.remove(&link);
        self.commands.push(Command::Close(link, code));
    }

    fn refused(&mut self, link: LinkId, code: Code) {
        if let Some(candidate) = self.roster.candidates.get(&link) {
            let peer = candidate.peer.clone();
            self.report(HubEvent::Refused { code, peer });
        }
    }

    fn broadcast(&mut self, record: Bytes, except: Option<LinkId>) {
        let to = self.roster.links().filter(|link| Some(*link) != except).collect();
        self.commands.push(Command::Broadcast { record, to });
    }

    fn report(&mut self, event: HubEvent) {
        self.commands.push(Command::Report(event));
    }
}
