//! Who is here and who gets what: from an event to commands, with no effect of its own.
//!
//! ```text
//!   registration ──▶ Verify ──▶ verified ──▶ Commit ──▶ committed ──▶ Welcome
//!                    (a pool)               (the disk)
//! ```
//!
//! What has to last is committed before anybody is told of it; until then its name is spoken for.

mod admission;
mod commits;
mod one_time;
mod operator;
mod posts;
mod update;

use std::time::Instant;

use bytes::Bytes;

use self::commits::Commits;
pub use self::{commits::CommitId, operator::OperatorError};
use super::{
    bindings::{Bindings, Change},
    lookalike::LookAlikes,
    report::HubEvent,
    roster::{Candidate, Roster},
};
use crate::{
    directory::{Directory, Link},
    proto::{
        Ending, Message, encode,
        message::{Error, Left, VideosChanged},
    },
    types::{
        Code, DirectoryEntry, Fingerprint, KeyRecord, LeaveReason, LinkId, MemberName, RelayMode, limits::LOST_GRACE,
        wire::Blob,
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

/// Whom a listener lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Whoever can reach it.
    Open,
    /// Members that the hub knows, and whoever brings an invite.
    Invite,
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
    /// Verify a newer record of these keys off the loop and answer by [`Relay::update_verified`].
    VerifyUpdate { link: LinkId, record: KeyRecord, fingerprint: Fingerprint },
    /// Write a change to disk off the loop and answer by [`Relay::committed`], in the order of these commands.
    Commit(CommitId, Change),
    /// Write a link of the directory's chain to disk; nobody waits for that.
    Chain(Link),
    /// Tell the operator.
    Report(HubEvent),
}

/// The hub's relay: members, their directory, their posts.
pub struct Relay {
    options: RelayOptions,
    directory: Box<dyn Directory>,
    bindings: Bindings,
    /// The names in the directory, by what they look like.
    present: LookAlikes,
    roster: Roster,
    commits: Commits,
    commands: Vec<Command>,
}

impl Relay {
    /// A relay with nobody on it, that remembers what these bindings say.
    #[must_use]
    pub fn new(options: RelayOptions, directory: Box<dyn Directory>, bindings: Bindings) -> Self {
        Self {
            options,
            directory,
            bindings,
            present: LookAlikes::default(),
            roster: Roster::default(),
            commits: Commits::default(),
            commands: Vec::new(),
        }
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

    /// The keys of the member behind a link.
    #[must_use]
    pub fn fingerprint_of(&self, link: LinkId) -> Option<Fingerprint> {
        self.roster.member(link).map(|member| member.fingerprint)
    }

    /// What the operator decided.
    #[must_use]
    pub fn options(&self) -> RelayOptions {
        self.options
    }

    /// Everybody who is in the directory, by name, with where the link comes from as long as there is one.
    #[must_use]
    pub fn members(&self) -> Vec<(DirectoryEntry, Option<String>)> {
        let entries = self.directory.page(None, self.directory.len()).entries;
        let peer = |entry: &DirectoryEntry| Some(self.roster.member_of(&entry.fingerprint)?.peer.clone());
        entries.into_iter().map(|entry| (peer(&entry), entry)).map(|(peer, entry)| (entry, peer)).collect()
    }

    /// What the hub remembers.
    #[must_use]
    pub fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// When [`Relay::timeout`] must be called next.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.roster.deadline()
    }

    /// A link came in by a listener that lets these in.
    pub fn accepted(&mut self, link: LinkId, peer: String, admission: Admission) {
        self.roster.candidates.insert(link, Candidate::new(peer, admission));
    }

    /// A message came that is no matter of video.
    pub fn message(&mut self, link: LinkId, message: Message) {
        match message {
            Message::Register(register) => self.register(link, &register),
            Message::Update(update) => self.update(link, &update),
            Message::Quit(_) => self.quit(link),
            Message::NextPage(_) => self.next_page(link),
            Message::FetchRecords(fetch) => self.fetch(link, &fetch),
            Message::FetchHeads(fetch) => self.fetch_heads(link, fetch.after),
            Message::PublishOneTime(publish) => self.publish_one_time(link, publish),
            Message::FetchOneTime(fetch) => self.fetch_one_time(link, &fetch),
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
        self.hang_up(link, code, text);
    }

    /// The list of videos is not what members saw: they may ask for it again.
    pub fn videos_changed(&mut self) {
        self.broadcast(encode(&VideosChanged {}.into()), None);
    }

    fn quit(&mut self, link: LinkId) {
        self.roster.candidates.remove(&link);
        if let Some(member) = self.roster.leave(link) {
            self.gone(&member.name, LeaveReason::Quit);
        }
        self.commands.push(Command::Close(link, Code::Disconnected));
    }

    /// Takes a member out of the directory and tells everybody why.
    fn gone(&mut self, name: &MemberName, reason: LeaveReason) {
        let Some(sequence) = self.directory.release(name) else { return };
        self.present.remove(name);
        self.commands.push(Command::Chain(self.directory.last_link()));
        let left = Left { sequence, name: name.clone(), reason };
        self.broadcast(encode(&left.into()), None);
        self.report(HubEvent::MemberLeft { name: name.clone(), reason, members: self.directory.len() });
    }

    /// Ends a link with a word to its member.
    fn hang_up(&mut self, link: LinkId, code: Code, text: &str) {
        self.commands.push(Command::Send(link, Error { code, text: text.into() }.into()));
        self.commands.push(Command::Close(link, code));
    }

    fn broadcast(&mut self, record: Bytes, except: Option<LinkId>) {
        let to = self.roster.links().filter(|link| Some(*link) != except).collect();
        self.commands.push(Command::Broadcast { record, to });
    }

    fn report(&mut self, event: HubEvent) {
        self.commands.push(Command::Report(event));
    }
}
