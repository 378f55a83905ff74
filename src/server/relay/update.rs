//! A member's newer key record: the same keys and name, with other keys to begin sessions with.

use super::{
    Command, Relay,
    admission::{bind, encoded},
    commits::Purpose,
};
use crate::{
    crypto::{RecordError, VerifiedRecord},
    proto::message::Update,
    server::{bindings::Change, report::HubEvent},
    types::{Code, KeyRecord, LinkId, limits::MAX_UPDATES},
};

impl Relay {
    pub(super) fn update(&mut self, link: LinkId, update: &Update) {
        let Some(member) = self.roster.member_mut(link) else { return };
        member.updates += 1;
        if member.updates > MAX_UPDATES {
            return self.let_go(link, Code::RateLimited, "too many key records over one link; connect again");
        }
        let Ok(record) = KeyRecord::decode(&update.record) else {
            return self.update_refused(link, Code::InvalidRecord);
        };
        if member.updating {
            member.next_update = Some(record);
        } else {
            self.verify_update(link, record);
        }
    }

    fn verify_update(&mut self, link: LinkId, record: KeyRecord) {
        let Some(member) = self.roster.member_mut(link) else { return };
        member.updating = true;
        let fingerprint = member.fingerprint;
        self.commands.push(Command::VerifyUpdate { link, record, fingerprint });
    }

    /// One update is settled: the one that came meanwhile has its turn.
    fn update_settled(&mut self, link: LinkId) {
        let Some(member) = self.roster.member_mut(link) else { return };
        member.updating = false;
        if let Some(record) = member.next_update.take() {
            self.verify_update(link, record);
        }
    }

    /// A newer record has been verified by itself, or not.
    pub fn update_verified(&mut self, link: LinkId, result: Result<VerifiedRecord, RecordError>) {
        let Some(member) = self.roster.member(link) else { return };
        let newer = match result {
            Err(_) => Err(Code::InvalidRecord),
            Ok(record) if *record.name() != member.name => Err(Code::BadName),
            Ok(record) if record.record().sequence <= member.sequence => Err(Code::DataUnusable),
            Ok(record) => self.check_owner(&record).map(|()| record),
        };
        let record = match newer {
            Ok(record) => record,
            Err(code) => {
                self.update_refused(link, code);
                return self.update_settled(link);
            }
        };
        if self.bindings.of(record.name()).is_none() {
            // A guest's.
            self.keep(link, &record);
            return self.update_settled(link);
        }
        self.commit(Change::Bind(bind(&record, None)), Purpose::Update { link, record: Box::new(record) });
    }

    /// Whether the name is these keys' still, and stays so: keys that were lost or changed must not get it back over
    /// a link that was theirs.
    fn check_owner(&self, record: &VerifiedRecord) -> Result<(), Code> {
        if self.commits.concern(record) {
            return Err(Code::TryLater);
        }
        match self.bindings.of(record.name()) {
            Some(binding) if binding.fingerprint != record.fingerprint() => Err(Code::NameReserved),
            Some(binding) if record.record().sequence < binding.sequence => Err(Code::DataUnusable),
            _ => Ok(()),
        }
    }

    pub(super) fn update_committed(&mut self, link: LinkId, record: &VerifiedRecord, is_kept: bool) {
        if is_kept {
            self.keep(link, record);
        } else {
            self.update_refused(link, Code::TryLater);
        }
        self.update_settled(link);
    }

    fn keep(&mut self, link: LinkId, record: &VerifiedRecord) {
        let Some(member) = self.roster.member_mut(link) else { return };
        member.sequence = record.record().sequence;
        self.directory.renew(record.fingerprint(), encoded(record));
        self.tell_new_record(link, record);
    }

    /// The member is not told: it asked for nothing that its user waits for.
    fn update_refused(&mut self, link: LinkId, code: Code) {
        if let Some(member) = self.roster.member(link) {
            let peer = member.peer.clone();
            self.report(HubEvent::Refused { code, peer });
        }
    }
}
