//! What may not go out to somebody: held until the user decides, or refused.

use super::{
    Session,
    outgoing::{Outbound, Stage, command_of},
};
use crate::{
    client::{
        command::CommandName,
        event::{Event, Failure, Receiver},
        trust::Standing,
    },
    types::{Code, DirectoryEntry, Fingerprint, MemberName, MessageId},
};

impl Session {
    /// Why nothing may be written to this member, if so.
    pub(super) fn refuse_to_write(&self, entry: &DirectoryEntry) -> Option<Failure> {
        let name = &entry.name;
        if self.is_blocked(&entry.fingerprint) {
            let text = format!("you have blocked {name}; nothing sent");
            return Some(Failure::new(Code::Blocked, text, format!("unblock {name} first")));
        }
        if self.standing(entry) == (Standing::New { must_be_trusted: true }) {
            let text = format!("the key of {name} is not known here; nothing sent");
            let hint = format!("verify {name} to compare numbers, or trust {name} to take it for theirs");
            return Some(Failure::new(Code::NotTrusted, text, hint));
        }
        None
    }

    /// Takes out what waits to be sealed for somebody whose keys have changed.
    pub(super) fn hold_back(&mut self) {
        for id in self.outgoing.waiting() {
            match self.outgoing.receiver_of(id) {
                Some(Receiver::Member(name)) => self.hold_if_changed(id, &name),
                Some(Receiver::All) => self.leave_out_changed(id),
                None => {}
            }
        }
    }

    fn hold_if_changed(&mut self, id: MessageId, name: &MemberName) {
        let Some(entry) = self.directory.find(name).cloned() else { return };
        let Standing::Changed { old, was_verified } = self.standing(&entry) else { return };
        let Some(post) = self.outgoing.post_mut(id) else { return };
        let Stage::Waiting { text, for_keys } = &mut post.stage else { return };
        post.stage = Stage::Held { text: std::mem::take(text), for_keys: std::mem::take(for_keys) };
        let (to, reference) = (post.to.clone(), post.reference.clone());
        if !std::mem::replace(&mut post.announced, true) {
            self.answer(Event::Queued { id, to }, CommandName::Send, reference);
        }
        self.tell_of_change(&entry, old, was_verified);
    }

    fn leave_out_changed(&mut self, id: MessageId) {
        let keys = self.outgoing.keys_of(id);
        let others = self.directory.others().filter(|entry| keys.contains(&entry.fingerprint));
        let out: Vec<_> = others.filter_map(|entry| self.not_for(entry)).collect();
        let Some(post) = self.outgoing.post_mut(id).filter(|_| !out.is_empty()) else { return };
        let Stage::Waiting { for_keys, .. } = &mut post.stage else { return };
        for_keys.retain(|key| !out.iter().any(|(out, ..)| out == key));
        if !for_keys.is_empty() {
            return post.left_out.extend(out.into_iter().map(|(_, name, code)| (name, code)));
        }
        let code = out.first().map_or(Code::KeyChanged, |(.., code)| *code);
        let text = "nobody is here whose key can be relied on; nothing sent";
        if let Some(post) = self.outgoing.take(id) {
            let hint = "verify or trust them by name";
            self.fail(Failure::new(code, text, hint), CommandName::All, post.reference);
        }
    }

    /// Somebody to whom a message to all does not go, and why.
    fn not_for(&self, entry: &DirectoryEntry) -> Option<(Fingerprint, MemberName, Code)> {
        let code = match self.standing(entry) {
            Standing::Changed { .. } => Code::KeyChanged,
            Standing::New { must_be_trusted: true } => Code::NotTrusted,
            _ => return None,
        };
        Some((entry.fingerprint, entry.name.clone(), code))
    }

    /// How many posts to this member are held.
    pub(super) fn held_for(&self, name: &MemberName) -> u64 {
        self.outgoing.held().filter(|(_, post)| matches!(&post.to, Receiver::Member(to) if to == name)).count() as u64
    }

    /// Lets what was held for this member go.
    pub(super) fn release(&mut self, name: &MemberName) {
        let Some(key) = self.directory.find(name).map(|entry| entry.fingerprint) else { return };
        let for_them =
            |(id, post): (&MessageId, &Outbound)| matches!(&post.to, Receiver::Member(to) if to == name).then_some(*id);
        let held: Vec<MessageId> = self.outgoing.held().filter_map(for_them).collect();
        for id in held {
            if let Some(post) = self.outgoing.post_mut(id)
                && let Stage::Held { text, .. } = &mut post.stage
            {
                post.stage = Stage::Waiting { text: std::mem::take(text), for_keys: vec![key] };
            }
        }
        self.seal_what_can_be();
        self.fetch_records();
    }

    /// The member leaves: nobody decides any more.
    pub(super) fn give_up_held(&mut self) {
        let held: Vec<MessageId> = self.outgoing.held().map(|(id, _)| *id).collect();
        for id in held {
            if let Some(post) = self.outgoing.take(id) {
                self.event(Event::Failed { id, to: post.to, code: Code::KeyChanged }, post.reference);
            }
        }
    }

    /// A post ends before it was posted: an error of its command, unless that was answered already.
    pub(super) fn lose(&mut self, id: MessageId, post: Outbound, failure: Failure) {
        if post.announced {
            self.event(Event::Failed { id, to: post.to, code: failure.code }, post.reference);
        } else {
            let command = command_of(&post.to);
            self.fail(failure, command, post.reference);
        }
    }
}
