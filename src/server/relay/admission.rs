//! From a candidate to a member: whom a hub takes in, and what it says to the others.

use super::{
    Admission, Command, Relay,
    commits::{CommitId, Pending, Purpose},
};
use crate::{
    crypto::{RegistrationError, VerifiedRecord},
    directory::NameTaken,
    proto::{
        encode,
        message::{Error, Joined, RecordChanged, Register, Welcome},
    },
    server::{
        InviteCode, InviteHash,
        bindings::{Bind, Binding, Change},
        report::HubEvent,
    },
    types::{
        Code, DirectoryEntry, KeyRecord, LeaveReason, LinkId, MemberName, limits::MAX_REGISTRATIONS, wire, wire::Blob,
    },
};

/// Why a candidate does not become a member.
struct Refusal {
    code: Code,
    text: String,
}

impl Refusal {
    fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

/// How a candidate comes in.
struct Terms {
    guest: bool,
    /// What has to be on disk before.
    change: Option<Change>,
}

impl Relay {
    pub(super) fn register(&mut self, link: LinkId, register: &Register) {
        let Some(candidate) = self.roster.candidates.get_mut(&link) else { return };
        candidate.attempts += 1;
        if candidate.verifying || candidate.attempts > MAX_REGISTRATIONS {
            let text = "too many registrations on one link; connect again";
            return self.turn_away(link, Code::RateLimited, text);
        }
        candidate.guest = register.guest;
        candidate.invite = register.invite.as_ref().and_then(|text| InviteCode::read(text)).map(|code| code.hash());
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

    /// A registration has been verified, or not.
    pub fn verified(&mut self, link: LinkId, result: Result<VerifiedRecord, RegistrationError>) {
        let Some(candidate) = self.roster.candidates.get_mut(&link) else { return };
        candidate.verifying = false;
        match result {
            Ok(record) => self.admit(link, record),
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

    fn admit(&mut self, link: LinkId, record: VerifiedRecord) {
        let Some(candidate) = self.roster.candidates.get_mut(&link) else { return };
        let (guest, admission, invite) = (candidate.guest, candidate.admission, candidate.invite);
        match self.judge(&record, guest, admission, invite) {
            Ok(Terms { guest, change: None }) => self.enter(link, &record, guest),
            Ok(Terms { guest, change: Some(change) }) => {
                if let Some(candidate) = self.roster.candidates.get_mut(&link) {
                    // A further registration on this link is as much too early as before.
                    candidate.verifying = true;
                }
                self.commit(change, Purpose::Admission { link, record: Box::new(record), guest });
            }
            // Another name may do, on the same link.
            Err(Refusal { code: Code::BadName, text }) => self.refuse(link, Code::BadName, &text),
            Err(Refusal { code, text }) => self.turn_away(link, code, &text),
        }
    }

    /// Whether whoever proved to have these keys may come in, and how.
    fn judge(
        &self,
        record: &VerifiedRecord,
        guest: bool,
        admission: Admission,
        invite: Option<InviteHash>,
    ) -> Result<Terms, Refusal> {
        self.check_ban(record)?;
        self.check_those_under_way(record)?;
        let is_here = self.check_those_here(record)?;
        let known = self.check_binding(record)?.copied();
        if known.is_none() && !is_here {
            self.check_looks(record.name())?;
        }
        self.check_room(record, is_here, known.is_some() || guest)?;
        let needs_invite = admission == Admission::Invite && known.is_none() && !is_here;
        let invite = if needs_invite { Some(self.check_invite(invite, record.name())?) } else { None };
        // Whoever has the keys of a name is its member, whatever it says.
        let guest = guest && known.is_none();
        let change = if guest {
            invite.map(Change::UseInvite)
        } else {
            let bind = bind(record, invite);
            let is_new = known != Some(Binding { fingerprint: bind.fingerprint, sequence: bind.sequence });
            is_new.then_some(Change::Bind(bind))
        };
        Ok(Terms { guest, change })
    }

    fn check_ban(&self, record: &VerifiedRecord) -> Result<(), Refusal> {
        let has_banned_keys = self.bindings.banned_keys().any(|banned| record.descends_from(*banned));
        if has_banned_keys || self.bindings.is_banned(record.name()) {
            return Err(Refusal::new(Code::Banned, "the operator of this hub does not let you in any more"));
        }
        Ok(())
    }

    fn check_those_under_way(&self, record: &VerifiedRecord) -> Result<(), Refusal> {
        let (name, fingerprint) = (record.name(), record.fingerprint());
        if self.commits.name_for(&fingerprint).is_some() {
            return Err(Refusal::new(Code::TryLater, "these keys are being let in over another link; try again"));
        }
        if self.commits.keys_for(name).is_some() {
            return Err(Refusal::new(Code::NameTaken, "somebody is coming in under this name; choose another"));
        }
        if self.commits.concern(record) {
            let text = "the hub is just writing down something about this name or these keys; try again";
            return Err(Refusal::new(Code::TryLater, text));
        }
        Ok(())
    }

    /// Whether this member is in the directory already, linked or not.
    fn check_those_here(&self, record: &VerifiedRecord) -> Result<bool, Refusal> {
        if let Some(live) = self.roster.member_of(&record.fingerprint())
            && live.name != *record.name()
        {
            let text = format!("these keys are here already, as {}; leave there first, or use other keys", live.name);
            return Err(Refusal::new(Code::IdentityInUse, text));
        }
        let Some(holder) = self.directory.find(record.name()) else { return Ok(false) };
        if record.descends_from(holder.fingerprint) {
            return Ok(true);
        }
        // Whom the name belongs to matters more when its holder is about to be given up.
        let is_linked = self.roster.link_of(&holder.fingerprint).is_some();
        if is_linked || self.bindings.of(record.name()).is_none() {
            return Err(Refusal::new(Code::NameTaken, "somebody is here under this name; choose another"));
        }
        Ok(false)
    }

    /// Whose the name is; nothing when it is free.
    fn check_binding(&self, record: &VerifiedRecord) -> Result<Option<&Binding>, Refusal> {
        let name = record.name();
        let Some(binding) = self.bindings.of(name) else { return Ok(None) };
        if !record.descends_from(binding.fingerprint) {
            let text = format!("\"{name}\" belongs to another key on this hub");
            return Err(Refusal::new(Code::NameReserved, text));
        }
        if record.record().sequence < binding.sequence {
            let text = "this key record is older than the one that this hub had from you: the keys are an old copy";
            return Err(Refusal::new(Code::DataUnusable, text));
        }
        Ok(Some(binding))
    }

    fn check_looks(&self, name: &MemberName) -> Result<(), Refusal> {
        let like = [self.bindings.other_like(name), self.present.other_like(name), self.commits.other_like(name)];
        match like.into_iter().flatten().next() {
            None => Ok(()),
            Some(other) => {
                let text = format!("\"{name}\" could be taken for \"{other}\", who is known here; choose another");
                Err(Refusal::new(Code::BadName, text))
            }
        }
    }

    fn check_room(&self, record: &VerifiedRecord, is_here: bool, binds_nothing: bool) -> Result<(), Refusal> {
        // Whoever waits to be given up under another name makes room by coming in under this one.
        let leaves = !is_here && self.roster.is_away(&record.fingerprint());
        let others = self.directory.len() + self.commits.newcomer_count() - usize::from(is_here || leaves);
        if others >= self.options.max_members {
            return Err(Refusal::new(Code::HubFull, "the hub has all the members it takes; try again later"));
        }
        if !binds_nothing && !self.bindings.has_room() {
            return Err(Refusal::new(Code::HubFull, "the hub knows all the names it can keep; come as a guest"));
        }
        Ok(())
    }

    fn check_invite(&self, invite: Option<InviteHash>, name: &MemberName) -> Result<InviteHash, Refusal> {
        let Some(invite) = invite else {
            return Err(Refusal::new(Code::NotInvited, "this hub takes new members by invite only"));
        };
        if !self.bindings.invites(&invite, name) || self.commits.uses(&invite) {
            let text = "this invite was used before, is for another name, or never was given out here";
            return Err(Refusal::new(Code::NotInvited, text));
        }
        Ok(invite)
    }

    /// A commit has come to its end: its change lasts, or the disk refused it.
    pub fn committed(&mut self, id: CommitId, is_kept: bool) {
        let Some(Pending { change, purpose }) = self.commits.end(id) else { return };
        if is_kept {
            self.bindings.apply(&change);
        }
        match purpose {
            Purpose::Admission { link, record, guest } if self.roster.candidates.contains_key(&link) => {
                self.admission_committed(link, &record, guest, is_kept);
            }
            Purpose::Update { link, record } => self.update_committed(link, &record, is_kept),
            Purpose::Operator if is_kept => self.operator_committed(&change),
            // A candidate went away meanwhile; its name is bound all the same.
            Purpose::Admission { .. } | Purpose::Operator => {}
        }
    }

    fn admission_committed(&mut self, link: LinkId, record: &VerifiedRecord, guest: bool, is_kept: bool) {
        if !is_kept {
            return self.turn_away(link, Code::TryLater, "the hub cannot write to its disk; try again later");
        }
        // A ban may have come to last since this was judged.
        match self.check_ban(record) {
            Ok(()) => self.enter(link, record, guest),
            Err(Refusal { code, text }) => self.turn_away(link, code, &text),
        }
    }

    pub(super) fn commit(&mut self, change: Change, purpose: Purpose) -> CommitId {
        let id = self.commits.begin(Pending { change: change.clone(), purpose });
        self.commands.push(Command::Commit(id, change));
        id
    }

    /// Makes a candidate a member.
    fn enter(&mut self, link: LinkId, record: &VerifiedRecord, guest: bool) {
        let entry = DirectoryEntry { name: record.name().clone(), fingerprint: record.fingerprint(), guest };
        if let Some(holder) = self.directory.find(&entry.name).cloned() {
            if let Some(old) = self.roster.link_of(&holder.fingerprint) {
                self.take_over(old);
            } else if let Some(away) = self.roster.take_back(&holder.fingerprint) {
                if holder == entry && !away.missed {
                    return self.come_back(link, record, &entry);
                }
                self.gone(&away.name, LeaveReason::Lost);
            }
        }
        if let Some(away) = self.roster.take_back(&entry.fingerprint) {
            // Under another name.
            self.gone(&away.name, LeaveReason::Lost);
        }
        let is_new = self.is_new_record(record);
        match self.directory.claim(entry.clone(), encoded(record)) {
            Ok(sequence) => {
                self.present.insert(&entry.name);
                self.commands.push(Command::Chain(self.directory.last_link()));
                let joined = encode(&Joined { sequence, entry: entry.clone() }.into());
                self.welcome(link, record, &entry);
                self.broadcast(joined, Some(link));
                if is_new {
                    self.tell_new_record(link, record);
                }
                let members = self.directory.len();
                let DirectoryEntry { name, fingerprint, guest } = entry;
                self.report(HubEvent::MemberJoined { name, fingerprint, guest, members });
            }
            Err(NameTaken) => {
                self.turn_away(link, Code::NameTaken, "somebody is here under this name; choose another");
            }
        }
    }

    /// A member whose link broke a moment ago is here again, and nobody noticed.
    fn come_back(&mut self, link: LinkId, record: &VerifiedRecord, entry: &DirectoryEntry) {
        let is_new = self.is_new_record(record);
        self.welcome(link, record, entry);
        if is_new {
            self.directory.renew(entry.fingerprint, encoded(record));
            self.tell_new_record(link, record);
        }
    }

    /// The member behind this link has come in over another one.
    fn take_over(&mut self, old: LinkId) {
        let Some(member) = self.roster.leave(old) else { return };
        self.gone(&member.name, LeaveReason::TakenOver);
        self.hang_up(old, Code::TakenOver, "this member came in over another link, which takes the place of this one");
    }

    /// Whether others may have an older record of the same keys.
    fn is_new_record(&self, record: &VerifiedRecord) -> bool {
        self.directory.record(&record.fingerprint()).is_some_and(|known| known != encoded(record))
    }

    /// Tells all others to drop what they have of a member's record.
    pub(super) fn tell_new_record(&mut self, link: LinkId, record: &VerifiedRecord) {
        let changed = RecordChanged { fingerprint: record.fingerprint(), sequence: record.record().sequence };
        self.broadcast(encode(&changed.into()), Some(link));
    }

    fn welcome(&mut self, link: LinkId, record: &VerifiedRecord, entry: &DirectoryEntry) {
        let welcome = Welcome {
            name: entry.name.clone(),
            guest: entry.guest,
            relay: self.options.mode,
            sequence: self.directory.sequence(),
            members: u32::try_from(self.directory.len()).unwrap_or(u32::MAX),
        };
        self.roster.enter(link, entry.name.clone(), entry.fingerprint, record.record().sequence);
        self.commands.push(Command::Send(link, welcome.into()));
        self.commands.push(Command::Establish(link));
    }

    /// Tells a candidate that its registration failed; it may try again.
    fn refuse(&mut self, link: LinkId, code: Code, text: &str) {
        self.refused(link, code);
        self.commands.push(Command::Send(link, Error { code, text: text.into() }.into()));
    }

    /// Tells a candidate that it will not become a member by this link. It is none from here on: what it sent
    /// on, and a verification that is under way, find nobody.
    fn turn_away(&mut self, link: LinkId, code: Code, text: &str) {
        self.refused(link, code);
        self.roster.candidates.remove(&link);
        self.hang_up(link, code, text);
    }

    fn refused(&mut self, link: LinkId, code: Code) {
        if let Some(candidate) = self.roster.candidates.get(&link) {
            let peer = candidate.peer.clone();
            self.report(HubEvent::Refused { code, peer });
        }
    }
}

/// The binding of a record's name to its keys.
pub(super) fn bind(record: &VerifiedRecord, invite: Option<InviteHash>) -> Bind {
    Bind { name: record.name().clone(), fingerprint: record.fingerprint(), sequence: record.record().sequence, invite }
}

pub(super) fn encoded(record: &VerifiedRecord) -> Blob {
    wire::to_bytes(record.record()).into()
}
