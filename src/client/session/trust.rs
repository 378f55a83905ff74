//! Whose keys are whose: pins, what they decide, and the commands that change them.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::Path,
    sync::Arc,
};

use super::{Session, equivocation::Watch};
use crate::{
    client::{
        command::{CommandName, VerifyAnswer},
        event::{Event, Failure},
        trust::{Keep, MemberTrust, Pin, Pins, Policy, Standing, rotation_text, standing},
        work::Job,
    },
    crypto::{Letter, SafetyNumber, VerifiedRecord},
    types::{Code, DirectoryEntry, Fingerprint, MemberName},
};

/// What this member knows of the others.
pub(super) struct Trust {
    pins: Pins,
    policy: Policy,
    pub(super) watch: Watch,
    /// Guests have no pins: what a user says of them holds for this visit.
    guests: Guests,
    /// Members with other keys than those that are known, whose key record is not here yet.
    unproven: BTreeSet<MemberName>,
    /// Keys under a known name that the user was warned of.
    warned: BTreeMap<MemberName, Fingerprint>,
    /// Keys whose number the user was last shown, of each whose number they asked for.
    shown: BTreeMap<MemberName, Fingerprint>,
    /// What follows when the worker has kept something, in the order in which it was given it.
    after: VecDeque<After>,
}

#[derive(Default)]
struct Guests {
    /// By what they were called then: the same keys may come back as somebody else.
    accepted: BTreeSet<(MemberName, Fingerprint)>,
    verified: BTreeSet<(MemberName, Fingerprint)>,
    /// Whatever they are called.
    blocked: BTreeSet<Fingerprint>,
}

impl Guests {
    /// The name is a member's now: what was said of guests under it does not stand against its pin.
    fn forget(&mut self, name: &MemberName) {
        self.accepted.retain(|(accepted, _)| accepted != name);
        self.verified.retain(|(verified, _)| verified != name);
    }
}

/// What follows when something is on the disk.
pub(super) enum After {
    Nothing,
    /// A letter that was the first contact with its sender.
    Show(Box<Letter>, MemberName),
    /// A command is done.
    Answer(Option<Event>, CommandName, Option<String>),
    /// The user is told what the evidence says.
    Alarm(String),
    /// The user is told what somebody says who may lie.
    Doubt(String),
}

/// What is told of a letter's sender.
pub(super) struct SenderMarks {
    pub(super) verified: bool,
    pub(super) key_changed: bool,
}

impl Trust {
    pub(super) fn new(trust: MemberTrust) -> Self {
        let MemberTrust { pins, policy, on_equivocation, last_seen } = trust;
        Self {
            pins,
            policy,
            watch: Watch::new(on_equivocation, last_seen),
            guests: Guests::default(),
            unproven: BTreeSet::new(),
            warned: BTreeMap::new(),
            shown: BTreeMap::new(),
            after: VecDeque::new(),
        }
    }

    /// Whether everything that had to be kept is kept.
    pub(super) fn is_settled(&self) -> bool {
        self.after.is_empty()
    }
}

impl Session {
    /// What an entry of the directory is to this member.
    pub(super) fn standing(&self, entry: &DirectoryEntry) -> Standing {
        let pin = self.trust.pins.find(&entry.name);
        let is_pinned = pin.is_some_and(|pin| pin.known && pin.fingerprint == entry.fingerprint);
        let is_accepted = || self.trust.guests.accepted.contains(&(entry.name.clone(), entry.fingerprint));
        if entry.guest && !is_pinned && is_accepted() {
            return Standing::Guest;
        }
        let record = self.directory.record(&entry.fingerprint).map(Arc::as_ref);
        match (standing(entry, pin, self.trust.policy, record), pin) {
            // The hub has no record of them, so nothing will ever speak for these keys.
            (Standing::Unproven, Some(pin)) if self.directory.is_unavailable(&entry.fingerprint) => {
                Standing::Changed { old: pin.fingerprint, was_verified: pin.verified }
            }
            (standing, _) => standing,
        }
    }

    /// Looks at everybody once the directory is here.
    pub(super) fn meet_everybody(&mut self) {
        let everybody: Vec<_> = self.directory.others().cloned().collect();
        for entry in &everybody {
            self.meet(entry);
        }
    }

    /// Looks at somebody who came, or whose key record did.
    pub(super) fn meet(&mut self, entry: &DirectoryEntry) {
        self.trust.unproven.remove(&entry.name);
        match self.standing(entry) {
            Standing::Unproven => {
                self.trust.unproven.insert(entry.name.clone());
                self.directory.want(entry.fingerprint);
            }
            Standing::Rotated { .. } => self.follow_rotation(entry),
            Standing::Changed { old, was_verified } => self.warn_of_change(entry, old, was_verified),
            Standing::Guest | Standing::New { .. } | Standing::Known { .. } => {}
        }
    }

    /// Key records came, or did not come for some that were asked for.
    pub(super) fn meet_unproven(&mut self) {
        for name in std::mem::take(&mut self.trust.unproven) {
            if let Some(entry) = self.directory.find(&name).cloned() {
                self.meet(&entry);
            }
        }
    }

    fn warn_of_change(&mut self, entry: &DirectoryEntry, old: Fingerprint, was_verified: bool) {
        let before = self.trust.warned.insert(entry.name.clone(), entry.fingerprint);
        if before != Some(entry.fingerprint) {
            self.tell_of_change(entry, old, was_verified);
        }
    }

    /// Tells of a changed key, with how much waits for a decision.
    pub(super) fn tell_of_change(&mut self, entry: &DirectoryEntry, old: Fingerprint, was_verified: bool) {
        self.trust.warned.insert(entry.name.clone(), entry.fingerprint);
        let (name, new, held) = (entry.name.clone(), entry.fingerprint, self.held_for(&entry.name));
        self.event(Event::KeyChanged { name, old, new, was_verified, held }, None);
    }

    fn follow_rotation(&mut self, entry: &DirectoryEntry) {
        let Some(pin) = self.trust.pins.find(&entry.name) else { return };
        let moved = Pin { fingerprint: entry.fingerprint, sequence: self.sequence_of(entry), ..pin.clone() };
        self.keep_pin(moved, After::Nothing);
        let text = rotation_text(&entry.name);
        self.event(Event::Notice { code: Code::KeyRotated, text }, None);
        self.trust.warned.remove(&entry.name);
        self.release(&entry.name);
    }

    /// Takes the records of which the hub has not shown a newer one before, and remembers how new they are.
    pub(super) fn refuse_older(&mut self, records: Vec<Arc<VerifiedRecord>>) -> Vec<Arc<VerifiedRecord>> {
        let (mut good, mut newer) = (Vec::new(), Vec::new());
        for record in records {
            let known = self.trust.pins.find(record.name()).filter(|pin| pin.fingerprint == record.fingerprint());
            let sequence = record.record().sequence;
            match known {
                Some(pin) if sequence < pin.sequence => {
                    let name = &pin.name;
                    let text = format!("the hub gives out an older key record of {name} than before; it is not used");
                    self.event(Event::Notice { code: Code::Equivocation, text }, None);
                    continue;
                }
                Some(pin) if sequence > pin.sequence => newer.push(Pin { sequence, ..pin.clone() }),
                _ => {}
            }
            good.push(record);
        }
        self.keep_pins(newer, After::Nothing);
        good
    }

    /// Messages go to these members: the first one pins a member's keys, before it goes out.
    pub(super) fn contact(&mut self, keys: &BTreeSet<Fingerprint>) {
        let others = self.directory.others().filter(|entry| keys.contains(&entry.fingerprint));
        let new = others.filter(|entry| self.standing(entry) == (Standing::New { must_be_trusted: false }));
        let pins = new.map(|entry| self.pin_of(entry)).collect();
        self.keep_pins(pins, After::Nothing);
    }

    /// Shows a letter under this name; one that is the first contact with its sender when its keys are pinned.
    pub(super) fn show_once_pinned(&mut self, letter: Letter, name: MemberName) {
        let entry = self.directory.entry_of(&letter.from).filter(|entry| entry.name == name);
        let new = entry.filter(|entry| self.standing(entry) == (Standing::New { must_be_trusted: false }));
        match new.map(|entry| self.pin_of(entry)) {
            Some(pin) => self.keep_pin(pin, After::Show(Box::new(letter), name)),
            None => self.show_as(letter, name),
        }
    }

    /// What is told of the sender of a letter, under the name that it is told of.
    pub(super) fn marks_of(&self, name: &MemberName, fingerprint: &Fingerprint) -> SenderMarks {
        let pin = self.trust.pins.find(name).filter(|pin| pin.known);
        let is_pinned = pin.is_some_and(|pin| pin.fingerprint == *fingerprint);
        let guest = (name.clone(), *fingerprint);
        let is_accepted = is_pinned || self.trust.guests.accepted.contains(&guest);
        SenderMarks {
            verified: pin.is_some_and(|pin| is_pinned && pin.verified) || self.trust.guests.verified.contains(&guest),
            key_changed: pin.is_some() && !is_accepted,
        }
    }

    /// Whether the number of a member whose keys are known under this name was compared; nothing for anybody else.
    pub(super) fn verified_or_pinned(&self, name: &MemberName, fingerprint: &Fingerprint) -> Option<bool> {
        if self.trust.guests.verified.contains(&(name.clone(), *fingerprint)) {
            return Some(true);
        }
        let pin = self.trust.pins.find(name).filter(|pin| pin.known && pin.fingerprint == *fingerprint);
        pin.map(|pin| pin.verified)
    }

    /// Whether nothing of whoever holds these keys is to be shown or answered.
    pub(super) fn is_blocked(&self, fingerprint: &Fingerprint) -> bool {
        let Trust { pins, guests, .. } = &self.trust;
        let by_name = self.directory.name_of(fingerprint).and_then(|name| pins.find(name));
        by_name.is_some_and(|pin| pin.blocked) || guests.blocked.contains(fingerprint) || pins.is_blocked(fingerprint)
    }

    /// Something was kept.
    pub(super) fn kept(&mut self, file: Option<&Path>) {
        if let Some(after) = self.trust.after.pop_front() {
            self.follow(after, file);
        }
    }

    fn follow(&mut self, after: After, file: Option<&Path>) {
        match after {
            After::Show(letter, name) => self.show_as(*letter, name),
            After::Answer(event, command, reference) => {
                if let Some(event) = event {
                    self.event(event, reference.clone());
                }
                self.event(Event::Ok { command }, reference);
            }
            After::Alarm(text) => self.alarm(text, file),
            After::Doubt(text) => self.tell_doubt(text, file),
            After::Nothing => {}
        }
    }

    /// Has something kept; `after` follows.
    pub(super) fn keep(&mut self, keep: Keep, after: After) {
        self.trust.after.push_back(after);
        self.work(Job::Keep(keep));
    }

    fn keep_pin(&mut self, pin: Pin, after: After) {
        self.keep_pins(vec![pin], after);
    }

    fn keep_pins(&mut self, pins: Vec<Pin>, after: After) {
        if !pins.is_empty() {
            for pin in &pins {
                let before = self.trust.pins.find(&pin.name).filter(|before| before.known);
                if pin.known && before.is_none_or(|before| before.fingerprint != pin.fingerprint) {
                    self.trust.guests.forget(&pin.name);
                }
                self.trust.pins.put(pin.clone());
            }
            self.keep(Keep::Pins(pins), after);
        }
    }

    /// A pin of somebody who is here, with what is known already under the name.
    fn pin_of(&self, entry: &DirectoryEntry) -> Pin {
        let before = self.trust.pins.find(&entry.name);
        let same = before.filter(|pin| pin.fingerprint == entry.fingerprint);
        Pin {
            name: entry.name.clone(),
            fingerprint: entry.fingerprint,
            sequence: self.sequence_of(entry).max(same.map_or(0, |pin| pin.sequence)),
            // The worker knows what time it is.
            since: 0,
            known: true,
            verified: same.is_some_and(|pin| pin.verified),
            blocked: before.is_some_and(|pin| pin.blocked),
        }
    }

    fn sequence_of(&self, entry: &DirectoryEntry) -> u64 {
        self.directory.record(&entry.fingerprint).map_or(0, |record| record.record().sequence)
    }

    /// Shows the number to compare, or takes note that it was compared.
    pub(super) fn verify(&mut self, name: &MemberName, answer: Option<VerifyAnswer>, reference: Option<String>) {
        let command = CommandName::Verify;
        let entry = match self.find_known(name) {
            Ok(entry) => entry,
            Err(failure) => return self.fail(failure, command, reference),
        };
        let number = SafetyNumber::of((&self.me.name, self.me.fingerprint), (&entry.name, entry.fingerprint));
        match answer {
            None => {
                self.show_number(&entry, &number, reference.clone());
                self.event(Event::Ok { command }, reference);
            }
            Some(VerifyAnswer::Digits(digits)) if digits != number.digits() => {
                let text = format!("the numbers differ: what you have of {} is not what they have", entry.name);
                let hint = "check the digits; if they still differ, somebody is between you: do not write to them";
                self.fail(Failure::new(Code::NumberMismatch, text, hint), command, reference);
            }
            // What was compared is the number of other keys, which somebody else had under the name.
            Some(VerifyAnswer::Yes) if self.was_shown_other(&entry) => {
                self.show_number(&entry, &number, reference.clone());
                let text = format!("{} has other keys by now than those whose number was shown", entry.name);
                let hint = "compare the number that is shown now";
                self.fail(Failure::new(Code::NumberMismatch, text, hint), command, reference);
            }
            Some(VerifyAnswer::Yes | VerifyAnswer::Digits(_)) => {
                let (name, digits) = (entry.name.clone(), number.digits().to_owned());
                let event = Event::SafetyNumber { name, digits, verified: true };
                self.accept(&entry, true, After::Answer(Some(event), command, reference));
            }
        }
    }

    fn show_number(&mut self, entry: &DirectoryEntry, number: &SafetyNumber, reference: Option<String>) {
        self.trust.shown.remove(&entry.name);
        self.trust.shown.insert(entry.name.clone(), entry.fingerprint);
        let verified = self.marks_of(&entry.name, &entry.fingerprint).verified;
        let (name, digits) = (entry.name.clone(), number.digits().to_owned());
        self.event(Event::SafetyNumber { name, digits, verified }, reference);
    }

    fn was_shown_other(&self, entry: &DirectoryEntry) -> bool {
        self.trust.shown.get(&entry.name).is_some_and(|shown| *shown != entry.fingerprint)
    }

    /// Accepts the keys that somebody shows now.
    pub(super) fn trust(&mut self, name: &MemberName, only: Option<Fingerprint>, reference: Option<String>) {
        let command = CommandName::Trust;
        let entry = match self.find(name) {
            Ok(entry) => entry,
            Err(failure) => return self.fail(failure, command, reference),
        };
        if only.is_some_and(|only| only != entry.fingerprint) {
            let text = format!("{} shows the key {}, which is another one", entry.name, entry.fingerprint);
            let hint = "ask them elsewhere which key is theirs";
            return self.fail(Failure::new(Code::NumberMismatch, text, hint), command, reference);
        }
        if only.is_none()
            && let Some((old, was_verified)) = self.change_after_warning(&entry)
        {
            self.tell_of_change(&entry, old, was_verified);
            let text = format!("{} has other keys by now than those that you were warned of", entry.name);
            let hint = "look at the keys that are shown now";
            return self.fail(Failure::new(Code::KeyChanged, text, hint), command, reference);
        }
        self.accept(&entry, false, After::Answer(None, command, reference));
    }

    /// The known keys, and whether they are verified, when what somebody shows now is neither those nor the keys that
    /// the user was last warned of.
    fn change_after_warning(&self, entry: &DirectoryEntry) -> Option<(Fingerprint, bool)> {
        self.trust.warned.get(&entry.name).filter(|warned| **warned != entry.fingerprint)?;
        let pin = self.trust.pins.find(&entry.name).filter(|pin| pin.known && pin.fingerprint != entry.fingerprint);
        pin.map(|pin| (pin.fingerprint, pin.verified))
    }

    fn accept(&mut self, entry: &DirectoryEntry, verified: bool, done: After) {
        let is_pinned = self.trust.pins.find(&entry.name).is_some_and(|pin| pin.fingerprint == entry.fingerprint);
        if entry.guest && !is_pinned {
            let guest = (entry.name.clone(), entry.fingerprint);
            if verified {
                self.trust.guests.verified.insert(guest.clone());
            }
            self.trust.guests.accepted.insert(guest);
            self.follow(done, None);
        } else {
            let pin = self.pin_of(entry);
            self.keep_pin(Pin { verified: pin.verified || verified, ..pin }, done);
        }
        self.trust.warned.remove(&entry.name);
        self.release(&entry.name);
    }

    /// Shows nothing more of somebody, or shows them again.
    pub(super) fn block(&mut self, name: &MemberName, blocked: bool, reference: Option<String>) {
        let command = if blocked { CommandName::Block } else { CommandName::Unblock };
        let entry = match self.find_known(name) {
            Ok(entry) => entry,
            Err(failure) => return self.fail(failure, command, reference),
        };
        if !blocked {
            self.trust.guests.blocked.remove(&entry.fingerprint);
        }
        match self.trust.pins.find(&entry.name) {
            Some(pin) => self.keep_pin(Pin { blocked, ..pin.clone() }, After::Answer(None, command, reference)),
            None if entry.guest || !blocked => {
                if blocked {
                    self.trust.guests.blocked.insert(entry.fingerprint);
                }
                self.event(Event::Ok { command }, reference);
            }
            None => {
                // Not a word was exchanged: these keys are not taken for theirs by being blocked.
                let pin = Pin { known: false, blocked, ..self.pin_of(&entry) };
                self.keep_pin(pin, After::Answer(None, command, reference));
            }
        }
    }

    /// Somebody who is here, or who is known from before.
    fn find_known(&self, name: &MemberName) -> Result<DirectoryEntry, Failure> {
        let found = self.find(name);
        let pin = self.trust.pins.find(name).filter(|_| *name != self.me.name);
        match (found, pin) {
            (Err(_), Some(pin)) => {
                Ok(DirectoryEntry { name: pin.name.clone(), fingerprint: pin.fingerprint, guest: false })
            }
            (found, _) => found,
        }
    }
}
