//! Hubs that show one directory to one member and another to the next, or to the same one later.

use std::{
    fs,
    path::{Path, PathBuf},
};

use securestream::{
    client::trust::OnEquivocation,
    crypto::{CryptoProvider as _, testing::InsecureProvider},
    types::ExitCode,
};
use serde_json::{Value, json};

use super::puppet::{Before, Puppet, entry};
use crate::{
    member::{Role, TestMember},
    raw::identity,
};

/// Alice and bob on one hub that shows carol to bob only.
struct Split {
    alices: Puppet,
    alice: TestMember,
    bobs: Puppet,
    bob: TestMember,
}

impl Split {
    fn new(folder: &Path, on_equivocation: OnEquivocation) -> Self {
        let split = Self::among_strangers(folder, on_equivocation);
        split.alice.ask("trust bob");
        split.alice.wait(json!({"event": "ok", "command": "trust"}));
        split
    }

    /// Where alice knows nothing of bob.
    fn among_strangers(folder: &Path, on_equivocation: OnEquivocation) -> Self {
        let (mut bobs, bob) = Puppet::host(Role::kept("bob", &folder.join("bob")), Before::default());
        bobs.join(&identity("alice"), false);
        bobs.join(&identity("carol"), false);
        bob.wait(json!({"event": "joined", "name": "carol"}));
        let role = Role { on_equivocation, ..Role::kept("alice", folder) };
        let (mut alices, alice) = Puppet::host(role, Before::of(&[&identity("bob")]));
        alices.join(&identity("dora"), false);
        alice.wait(json!({"event": "joined", "name": "dora"}));
        assert_eq!(alices.head().epoch, bobs.head().epoch, "two directories for one epoch");
        Self { alices, alice, bobs, bob }
    }

    /// One message of bob comes to alice.
    fn exchange(&mut self, text: &str) {
        self.bob.ask(&format!("send alice {text}"));
        let post = self.bobs.next_post();
        self.alices.relay(&post);
    }

    /// Serves alice until she has told this.
    fn alice_tells(&mut self, event: &Value) -> Value {
        self.alices.serve_until_event(&self.alice, event)
    }

    /// Erin comes, bob sees it and writes to alice, who does not see it yet.
    fn erin_comes_to_bob_first(&mut self) {
        self.bobs.join(&identity("erin"), false);
        self.bob.wait(json!({"event": "joined", "name": "erin"}));
        self.exchange("have you met erin?");
        self.alice_tells(&json!({"event": "message"}));
        self.alices.join(&identity("erin"), false);
    }
}

/// The first file about this change of the directory, read.
fn evidence(folder: &Path, epoch: u64) -> Value {
    let mut files = fs::read_dir(folder.join("alice")).unwrap().map(|entry| entry.unwrap().path());
    let is_it = |file: &PathBuf| file.to_str().unwrap().ends_with(&format!("-{epoch}.json"));
    serde_json::from_slice(&fs::read(files.find(is_it).unwrap()).unwrap()).unwrap()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn attack_06_bad_input_63_two_directories_are_found_after_one_message() {
    let folder = tempfile::tempdir().unwrap();
    let mut split = Split::new(folder.path(), OnEquivocation::End);
    split.exchange("do you see carol too?");
    let Split { mut alices, alice, bobs, bob } = split;
    let alarm = alices.serve_to_the_end(&alice, &json!({"event": "error", "code": "equivocation", "command": null}));
    assert!(alarm["message"].as_str().unwrap().contains("bob"), "{alarm}");
    assert!(alarm["hint"].as_str().unwrap().contains("-3.json"), "{alarm}");
    alice.wait(json!({"event": "bye", "reason": "trust", "exit": 5}));
    assert_eq!(alice.ended(), ExitCode::Trust);

    let file = evidence(folder.path(), 3);
    assert_eq!(file["here"]["head"], alices.head().head.to_string());
    assert_eq!((&file["there"]["head"], &file["there"]["name"]), (&json!(bobs.head().head.to_string()), &json!("bob")));
    assert_eq!((&file["epoch"], &file["hub"]), (&json!(3), &json!(crate::member::HUB)));
    let signed = &file["there"]["signed"];
    let (signed_bytes, signature) = (bytes(&signed["bytes"]), bytes(&signed["signature"]));
    assert!(InsecureProvider.verify(&bytes(&signed["key"]), &signed_bytes, &signature), "others can check it");
    assert!(signed_bytes.windows(32).any(|window| window == bobs.head().head.0), "and it says what bob saw");
    bobs.dismiss(bob);
}

#[test]
fn attack_06_a_person_is_warned_once_and_nothing_more_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mut split = Split::new(folder.path(), OnEquivocation::Warn);
    split.exchange("one");
    split.alice_tells(&json!({"event": "message", "text": "one"}));
    split.alice_tells(&json!({"event": "error", "code": "equivocation", "command": null}));
    split.exchange("two");
    split.alice_tells(&json!({"event": "message", "text": "two"}));
    let Split { alices, alice, bobs, bob } = split;
    alice.ask("send bob no");
    alice.wait(json!({"event": "error", "command": "send", "code": "equivocation"}));
    let (told, _) = alices.dismiss(alice);
    let alarms = told.iter().filter(|event| event["code"] == "equivocation" && event["command"] == json!(null));
    assert_eq!(alarms.count(), 1, "once for each epoch");
    bobs.dismiss(bob);
}

#[test]
fn attack_06_a_stranger_who_says_that_the_hub_lies_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut split = Split::among_strangers(folder.path(), OnEquivocation::End);
    // The first letter makes bob known, which must not give the second one more weight.
    for text in ["one", "two"] {
        split.exchange(text);
        split.alice_tells(&json!({"event": "message", "text": text}));
    }
    let Split { mut alices, alice, bobs, bob } = split;
    let notice = alice.wait(json!({"event": "notice", "code": "equivocation"}));
    assert!(notice["text"].as_str().unwrap().contains("bob"), "{notice}");
    assert_eq!(evidence(folder.path(), 3)["there"]["name"], "bob");
    alice.ask("send bob still here");
    alices.next_post();
    let (told, _) = alices.dismiss(alice);
    let remarks = told.iter().filter(|event| event["code"] == "equivocation");
    assert_eq!(remarks.count(), 1, "once for each who says so: {told:?}");
    bobs.dismiss(bob);
}

#[test]
fn attack_06_a_stranger_who_lies_about_what_is_to_come_ends_nothing_either() {
    let folder = tempfile::tempdir().unwrap();
    let mut split = Split::among_strangers(folder.path(), OnEquivocation::End);
    split.erin_comes_to_bob_first();
    split.alice_tells(&json!({"event": "notice", "code": "equivocation"}));
    let Split { mut alices, alice, bobs, bob } = split;
    alice.ask("send bob still here");
    alices.next_post();
    alices.dismiss(alice);
    bobs.dismiss(bob);
}

#[test]
fn attack_06_a_stamp_that_is_ahead_is_judged_when_its_epoch_comes() {
    let folder = tempfile::tempdir().unwrap();
    let mut split = Split::new(folder.path(), OnEquivocation::End);
    split.erin_comes_to_bob_first();
    let Split { mut alices, alice, bobs, bob } = split;
    alices.serve_to_the_end(&alice, &json!({"event": "error", "code": "equivocation"}));
    assert_eq!(alice.ended(), ExitCode::Trust);
    bobs.dismiss(bob);
}

/// Alice was here once, on a hub with these changes before her.
fn visit(folder: &Path, changes: u64) {
    let (hub, alice) = Puppet::host(Role::kept("alice", folder), Before { changes, ..Before::default() });
    hub.dismiss(alice);
}

fn come_back(folder: &Path, before: Before) -> (Puppet, TestMember) {
    Puppet::host(Role::kept("alice", folder), before)
}

#[test]
fn a_hub_that_goes_on_from_the_last_visit_is_not_remarked_on() {
    let folder = tempfile::tempdir().unwrap();
    visit(folder.path(), 5);
    // Her own coming is the sixth change; then she goes, and bob comes.
    let alice = identity("alice");
    let (mut hub, member) = Puppet::greet(Role::kept("alice", folder.path()), Before { changes: 5, members: vec![] });
    hub.note_visit(&alice);
    hub.let_in();
    let page = hub.page();
    hub.send(page);
    hub.serve_until_event(&member, &json!({"event": "directory"}));
    hub.settle();
    let (told, _) = hub.dismiss(member);
    let remarks = told.iter().filter(|event| event["event"] == "notice" || event["event"] == "error");
    assert_eq!(remarks.count(), 0, "{told:?}");
}

#[test]
fn a_directory_that_was_rolled_back_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    visit(folder.path(), 5);
    let (mut hub, alice) = come_back(folder.path(), Before { changes: 2, members: vec![] });
    let alarm = hub.serve_to_the_end(&alice, &json!({"event": "error", "code": "equivocation"}));
    assert!(alarm["message"].as_str().unwrap().contains("last visit"), "{alarm}");
    assert_eq!(alice.ended(), ExitCode::Trust);
    assert_eq!(evidence(folder.path(), 6)["hub_before"]["shown_epoch"], 6);
    // It does not go away by coming again.
    let (mut hub, alice) = come_back(folder.path(), Before { changes: 2, members: vec![] });
    hub.serve_to_the_end(&alice, &json!({"event": "error", "code": "equivocation"}));
    assert_eq!(alice.ended(), ExitCode::Trust);
}

#[test]
fn a_directory_with_another_past_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    visit(folder.path(), 5);
    let (mut hub, alice) = come_back(folder.path(), Before { changes: 9, ..Before::of(&[&identity("bob")]) });
    hub.serve_to_the_end(&alice, &json!({"event": "error", "code": "equivocation"}));
    assert_eq!(alice.ended(), ExitCode::Trust);
}

#[test]
fn a_hub_that_forgot_is_told_as_unproven_and_compared_from_now_on() {
    let folder = tempfile::tempdir().unwrap();
    visit(folder.path(), 5);
    let (mut hub, alice) =
        Puppet::greet(Role::kept("alice", folder.path()), Before { changes: 9, ..Before::default() });
    hub.remembers = false;
    hub.let_in();
    let page = hub.page();
    hub.send(page);
    hub.serve_until_event(&alice, &json!({"event": "notice", "code": "directory_unproven"}));
    hub.dismiss(alice);
    let (mut hub, alice) = come_back(folder.path(), Before { changes: 7, members: vec![] });
    hub.serve_to_the_end(&alice, &json!({"event": "error", "code": "equivocation"}));
    assert_eq!(alice.ended(), ExitCode::Trust);
}

#[test]
fn a_change_that_was_left_out_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut hub, alice) = come_back(folder.path(), Before::of(&[&identity("bob")]));
    hub.change_in_secret(&identity("mallory"));
    hub.join_without_record(entry(&identity("carol"), false));
    alice.wait(json!({"event": "notice", "code": "equivocation"}));
    hub.dismiss(alice);
}
