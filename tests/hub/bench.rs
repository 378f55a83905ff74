//! A relay by itself, with all that is around it played by a test.

use std::time::Instant;

use securestream::{
    crypto::{Challenge, Identity, testing::InsecureProvider, verify_record, verify_registration},
    directory::MemoryDirectory,
    proto::{
        Ending, Message,
        message::{Nonce, Post, Register, Update},
    },
    server::{Admission, Bindings, Command, CommitId, Relay, RelayOptions, bindings::Change, report::HubEvent},
    types::{Code, KeyRecord, LeaveReason, LinkId, MessageId, RelayMode, SealKind, wire},
};

use crate::raw::registration;

/// What becomes of commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    Works,
    /// Nothing is written until [`Bench::write_held`].
    Held,
    Full,
}

pub(crate) const NONCE: Nonce = Nonce([7; 32]);

/// A relay whose disk a test can hold or break.
pub(crate) struct Bench {
    pub(crate) relay: Relay,
    pub(crate) now: Instant,
    pub(crate) disk: Disk,
    /// Commits that a held disk has not done.
    pub(crate) held: Vec<(CommitId, Change)>,
    /// What a disk that works has taken.
    pub(crate) kept: Vec<Change>,
}

impl Bench {
    pub(crate) fn new(mode: RelayMode) -> Self {
        Self::remembering(mode, &[])
    }

    /// A relay that starts with what an earlier one kept.
    pub(crate) fn remembering(mode: RelayMode, kept: &[Change]) -> Self {
        let options = RelayOptions { mode, max_members: 100 };
        let mut bindings = Bindings::default();
        for change in kept {
            bindings.apply(change);
        }
        let relay = Relay::new(options, Box::new(MemoryDirectory::default()), bindings);
        Self { relay, now: Instant::now(), disk: Disk::Works, held: Vec::new(), kept: kept.to_vec() }
    }

    /// What the relay commands, and what follows when commits have come to their end.
    pub(crate) fn take(&mut self) -> Vec<Command> {
        let mut others = Vec::new();
        loop {
            let commands = self.relay.take_commands();
            if commands.is_empty() {
                return others;
            }
            for command in commands {
                match (command, self.disk) {
                    (Command::Commit(id, change), Disk::Held) => self.held.push((id, change)),
                    (Command::Commit(id, change), disk) => self.end_commit(id, change, disk == Disk::Works),
                    (Command::Chain(_), _) => {}
                    (command, _) => others.push(command),
                }
            }
        }
    }

    fn end_commit(&mut self, id: CommitId, change: Change, is_kept: bool) {
        self.relay.committed(id, is_kept);
        if is_kept {
            self.kept.push(change);
        }
    }

    /// The held disk does what has waited for it, or fails to.
    pub(crate) fn write_held(&mut self, is_kept: bool) -> Vec<Command> {
        for (id, change) in std::mem::take(&mut self.held) {
            self.end_commit(id, change, is_kept);
        }
        self.take()
    }

    pub(crate) fn say(&mut self, link: u64, message: impl Into<Message>) -> Vec<Command> {
        self.relay.message(LinkId(link), message.into());
        self.take()
    }

    pub(crate) fn verified(&mut self, link: u64, keys: &Identity) -> Vec<Command> {
        let challenge = Challenge { channel_binding: Vec::new(), nonce: NONCE.0 };
        let proof = registration(keys, NONCE).proof;
        let result = verify_registration(&InsecureProvider, keys.record().clone(), &challenge, &proof);
        self.relay.verified(LinkId(link), result);
        self.take()
    }

    /// The verifier has looked at a newer record of a member.
    pub(crate) fn update(&mut self, link: u64, keys: &Identity, record: &KeyRecord) -> Vec<Command> {
        let mut commands = self.say(link, Update { record: wire::to_bytes(record).into() });
        if let Some(Command::VerifyUpdate { link, record, fingerprint }) =
            commands.pop_if(|command| matches!(command, Command::VerifyUpdate { .. }))
        {
            assert_eq!(fingerprint, keys.fingerprint());
            self.relay.update_verified(link, verify_record(&InsecureProvider, record, fingerprint));
            commands.extend(self.take());
        }
        commands
    }

    /// A new link registers with these keys, as a guest or not.
    pub(crate) fn register(&mut self, link: u64, keys: &Identity, guest: bool) -> Vec<Command> {
        self.come(link, Admission::Open, keys, Register { guest, ..registration(keys, NONCE) })
    }

    /// A new link registers where only members that are known come in, and who brings an invite.
    pub(crate) fn come_invited(&mut self, link: u64, keys: &Identity, guest: bool, code: Option<&str>) -> Vec<Command> {
        let invite = code.map(Into::into);
        self.come(link, Admission::Invite, keys, Register { guest, invite, ..registration(keys, NONCE) })
    }

    fn come(&mut self, link: u64, admission: Admission, keys: &Identity, register: Register) -> Vec<Command> {
        self.relay.accepted(LinkId(link), format!("peer {link}"), admission);
        self.say(link, register);
        self.verified(link, keys)
    }

    pub(crate) fn lose(&mut self, link: u64) -> Vec<Command> {
        self.relay.ended(LinkId(link), &Ending::Lost, self.now);
        self.take()
    }

    pub(crate) fn post(&mut self, link: u64) -> Vec<Command> {
        self.say(link, post())
    }
}

pub(crate) fn post() -> Post {
    Post { mid: MessageId([1; 16]), audience: None, kind: SealKind::Tagged, sealed: vec![1].into() }
}

/// The keys of one name under another.
pub(crate) fn renamed(keys: &str, name: &str) -> Identity {
    Identity::generate(&InsecureProvider, &name.parse().unwrap(), 0, &mut crate::raw::rng(keys)).unwrap()
}

/// The guest flag that a link is welcomed with.
pub(crate) fn welcome(commands: &[Command]) -> Option<bool> {
    commands.iter().find_map(|command| match command {
        Command::Send(_, Message::Welcome(welcome)) => Some(welcome.guest),
        _ => None,
    })
}

pub(crate) fn left(commands: &[Command]) -> Vec<(String, LeaveReason)> {
    let event = |command: &Command| match command {
        Command::Report(HubEvent::MemberLeft { name, reason, .. }) => Some((name.to_string(), *reason)),
        _ => None,
    };
    commands.iter().filter_map(event).collect()
}

/// A link was told a code, reported once and closed.
pub(crate) fn turned_away(commands: &[Command]) -> Option<Code> {
    let told = |command: &Command| match command {
        Command::Send(_, Message::Error(error)) => Some(error.code),
        _ => None,
    };
    let code = commands.iter().find_map(told)?;
    let reports = |command: &&Command| matches!(command, Command::Report(HubEvent::Refused { .. }));
    assert_eq!(commands.iter().filter(reports).count(), 1, "{commands:?}");
    assert!(matches!(commands.last(), Some(Command::Close(_, closed)) if *closed == code), "{commands:?}");
    Some(code)
}
