//! Whether the hub shows everybody the same directory: its hash chain since the last visit, and the stamps in letters.

use std::{collections::BTreeSet, path::Path};

use super::{Over, Session, trust::After};
use crate::{
    client::{
        event::{Event, Failure},
        trust::{Agreement, Evidence, HeadLog, Keep, OnEquivocation, Proof, Reconciled, Witness, reconcile},
    },
    proto::message::{FetchHeads, Heads},
    types::{Code, DirectoryHead, Fingerprint, Head, MemberName},
};

/// Changes of the directory after which its head is kept again: a crash makes the next comparison longer, no worse.
const KEEP_EVERY: u32 = 256;

/// Bytes of a signed letter that are kept, in memory while its stamp cannot be judged (256 of them are 16 MiB), and in
/// evidence.
const MAX_KEPT_PROOF: usize = 64 * 1024;

/// Members whose word alone is not taken and who are told of in one visit; more come with new keys to be a nuisance.
const MAX_DOUBTED: usize = 256;

/// Of these, how many have what they say kept: the files are for who can be believed.
const MAX_DOUBTS_KEPT: usize = 8;

/// What is watched.
pub(super) struct Watch {
    on_equivocation: OnEquivocation,
    log: HeadLog<Claim>,
    /// At the last visit; until the hub has shown how its directory came from that.
    stored: Option<DirectoryHead>,
    is_asking: bool,
    /// The hub was caught: nothing more is written over it.
    caught: bool,
    /// Who accused the hub while nothing was known of them: each was told of once.
    doubted: BTreeSet<Fingerprint>,
    has_told_of_gap: bool,
    changes: u32,
}

/// Who says what a stamp says.
pub(super) struct Claim {
    pub(super) name: MemberName,
    pub(super) fingerprint: Fingerprint,
    pub(super) proof: Option<Box<Proof>>,
    /// Whether its keys were pinned before the letter came, which pins them by itself.
    pub(super) was_known: bool,
}

impl Watch {
    pub(super) fn new(on_equivocation: OnEquivocation, stored: Option<DirectoryHead>) -> Self {
        Self {
            on_equivocation,
            log: HeadLog::default(),
            stored,
            is_asking: false,
            caught: false,
            doubted: BTreeSet::new(),
            has_told_of_gap: false,
            changes: 0,
        }
    }
}

impl Session {
    /// Why nothing may be written over this hub, if so.
    pub(super) fn refuse_caught_hub(&self) -> Option<Failure> {
        let text = "this hub was caught showing its members different directories; nothing sent";
        let hint = "tell the others another way; leave, and ask its operator";
        self.trust.watch.caught.then(|| Failure::new(Code::Equivocation, text, hint))
    }

    /// The directory is here: it is to have come from what it was at the last visit.
    pub(super) fn watch_from_here(&mut self) {
        if self.is_unproven_copy() {
            return;
        }
        let head = self.directory.head();
        self.trust.watch.log.push(head);
        self.judge_reached();
        match self.trust.watch.stored {
            Some(stored) if stored.epoch < head.epoch => {
                self.trust.watch.is_asking = true;
                self.tell_hub(FetchHeads { after: stored.epoch });
            }
            _ => self.compare_with_last_visit(&Heads { links: Vec::new(), complete: true }),
        }
    }

    /// The hub's answer to what the directory was since the last visit.
    pub(super) fn heads_came(&mut self, heads: &Heads) {
        if std::mem::take(&mut self.trust.watch.is_asking) {
            self.compare_with_last_visit(heads);
        }
    }

    fn compare_with_last_visit(&mut self, heads: &Heads) {
        if let Some(stored) = self.trust.watch.stored.take() {
            let links: Vec<_> = heads.links.iter().map(|link| (link.sequence, link.state)).collect();
            match reconcile(stored, &links, heads.complete, &self.trust.watch.log) {
                Reconciled::Proven => {}
                Reconciled::Unproven => {
                    let text = "the hub cannot show how its directory came from what it was at your last visit";
                    self.event(Event::Notice { code: Code::DirectoryUnproven, text: text.to_owned() }, None);
                }
                Reconciled::Different { at, ours } => {
                    let epoch = at.epoch.0;
                    let text = format!(
                        "STOP. This hub's directory is not the one that it showed at your last visit (change {epoch})"
                    );
                    return self.catch(at, ours, Witness::Hub { stored }, text);
                }
            }
        }
        self.keep_head();
    }

    /// Somebody came or went.
    pub(super) fn watch_change(&mut self) {
        if self.is_unproven_copy() {
            return;
        }
        if self.directory.has_gap() && !std::mem::replace(&mut self.trust.watch.has_told_of_gap, true) {
            let text = "the hub has left out a change of its directory: you may not see all who are here".to_owned();
            self.event(Event::Notice { code: Code::Equivocation, text }, None);
        }
        self.trust.watch.log.push(self.directory.head());
        self.judge_reached();
        self.trust.watch.changes += 1;
        if self.trust.watch.changes.is_multiple_of(KEEP_EVERY) {
            self.keep_head();
        }
    }

    /// A copy that leaves somebody out because there are too many proves nothing.
    fn is_unproven_copy(&mut self) -> bool {
        if self.directory.is_whole() {
            return false;
        }
        if self.trust.watch.log.is_whole() {
            self.trust.watch.log.give_up();
            let text = "the hub claims more members than can be; its directory is not compared".to_owned();
            self.event(Event::Notice { code: Code::DirectoryUnproven, text }, None);
        }
        true
    }

    /// Keeps what the directory is now, for the next visit; never what may be a lie.
    pub(super) fn keep_head(&mut self) {
        let watch = &self.trust.watch;
        // There is no next visit of a guest.
        if !self.me.guest
            && watch.stored.is_none()
            && !watch.caught
            && !self.directory.has_gap()
            && watch.log.ends().is_some()
        {
            let head = self.directory.head();
            self.keep(Keep::Head(head), After::Nothing);
        }
    }

    /// The visit ends; a hub that was asked how its directory came to be had all of it to answer.
    pub(super) fn miss_heads(&mut self) {
        if std::mem::take(&mut self.trust.watch.is_asking) {
            let text = "the hub did not show how its directory came from what it was at your last visit".to_owned();
            self.event(Event::Notice { code: Code::DirectoryUnproven, text }, None);
        }
    }

    /// Compares the stamp of a letter that is proven to be of its sender.
    pub(super) fn judge_stamp(&mut self, stamp: DirectoryHead, claim: Claim) {
        let proof = claim.proof.filter(|proof| proof.signed.len() <= MAX_KEPT_PROOF);
        let claim = Claim { proof, ..claim };
        match self.trust.watch.log.judge(stamp) {
            Agreement::Same | Agreement::TooOld => {}
            Agreement::Ahead => self.trust.watch.log.keep(stamp, claim),
            Agreement::Different { ours } if self.takes_word_of(&claim) => self.caught_by(stamp, ours, claim),
            Agreement::Different { ours } => self.doubt(stamp, ours, claim),
        }
    }

    fn judge_reached(&mut self) {
        for (stamp, claim) in self.trust.watch.log.take_reached() {
            self.judge_stamp(stamp, claim);
        }
    }

    fn caught_by(&mut self, stamp: DirectoryHead, ours: Option<Head>, claim: Claim) {
        let Claim { name, fingerprint, proof, .. } = claim;
        let text = format!(
            "STOP. This hub shows {name} another directory than you (change {}): somebody may be between you",
            stamp.epoch.0
        );
        self.catch(stamp, ours, Witness::Member { name, fingerprint, proof }, text);
    }

    /// Whether what a member says is enough to stop: a stamp is as easily made up as a text, so not of just anybody.
    fn takes_word_of(&self, claim: &Claim) -> bool {
        self.verified_or_pinned(&claim.name, &claim.fingerprint).is_some_and(|verified| {
            verified || claim.was_known && !self.trust.watch.doubted.contains(&claim.fingerprint)
        })
    }

    /// Somebody of whom nothing is known says that the hub lies: the user is told who, and goes on.
    fn doubt(&mut self, stamp: DirectoryHead, ours: Option<Head>, claim: Claim) {
        let Claim { name, fingerprint, proof, .. } = claim;
        let doubted = &mut self.trust.watch.doubted;
        if doubted.len() >= MAX_DOUBTED || !doubted.insert(fingerprint) {
            return;
        }
        let is_kept = doubted.len() <= MAX_DOUBTS_KEPT;
        let text = format!(
            "{name} says that this hub shows them another directory than you (change {}). Either the hub lies or {name} \
             does; verify {name} to know whose word it is",
            stamp.epoch.0
        );
        if is_kept {
            let witness = Witness::Member { name, fingerprint, proof };
            self.keep(Keep::Evidence(Box::new(Evidence { theirs: stamp, ours, witness })), After::Doubt(text));
        } else {
            self.event(Event::Notice { code: Code::Equivocation, text }, None);
        }
    }

    /// The hub lied: the evidence is kept, then the user is told, once for each epoch.
    fn catch(&mut self, theirs: DirectoryHead, ours: Option<Head>, witness: Witness, text: String) {
        if self.trust.watch.log.is_news(theirs.epoch) {
            self.trust.watch.caught = true;
            let evidence = Evidence { theirs, ours, witness };
            self.keep(Keep::Evidence(Box::new(evidence)), After::Alarm(text));
        }
    }

    /// Tells what somebody said who may lie, and where it is kept.
    pub(super) fn tell_doubt(&mut self, mut text: String, file: Option<&Path>) {
        if let Some(file) = file {
            text = format!("{text}; {} has what they said", file.display());
        }
        self.event(Event::Notice { code: Code::Equivocation, text }, None);
    }

    /// Tells what `file` shows; in a script that is the end.
    pub(super) fn alarm(&mut self, text: String, file: Option<&Path>) {
        let evidence = match file {
            Some(file) => format!("{} shows it, with the text of that message if there was one; ", file.display()),
            None => String::new(),
        };
        let hint = format!(
            "{evidence}compare safety numbers another way than over this hub, and ask its operator. If the hub was set \
             up anew, remove head-* from your folder of keys"
        );
        let failure = Failure::new(Code::Equivocation, text, hint);
        match self.trust.watch.on_equivocation {
            OnEquivocation::Warn => self.event(Event::Error(failure), None),
            OnEquivocation::End => {
                self.answer_quits();
                self.finish(Over::Failed(Box::new(failure)));
            }
        }
    }
}
