//! Other keys under a known name, and what members make of them.

use std::path::Path;

use securestream::{
    client::trust::{OnEquivocation, Policy},
    crypto::{Identity, testing::InsecureProvider},
    types::{
        DirectoryEntry, SealKind,
        wire::{self, Blob},
    },
};
use serde_json::{Value, json};

use super::puppet::{Before, Puppet, entry};
use crate::{
    member::{NOW, Role, TestMember},
    raw::{identity, rng},
};

/// Alice, who keeps what she knows, on a hub where bob is with his own keys.
fn alice_and_bob(folder: &Path) -> (Puppet, TestMember) {
    Puppet::host(Role::kept("alice", folder), Before::of(&[&identity("bob")]))
}

/// Bob, who is shown the same directory as alice is there.
fn bob_and_alice(folder: &Path) -> (Puppet, TestMember) {
    let (mut hub, bob) = Puppet::host(Role::kept("bob", folder), Before::default());
    hub.join(&identity("alice"), false);
    bob.wait(json!({"event": "joined", "name": "alice"}));
    (hub, bob)
}

/// Alice has written to bob, so she knows his keys.
fn alice_knows_bob(folder: &Path) -> (Puppet, TestMember) {
    let (mut hub, alice) = alice_and_bob(folder);
    alice.ask("send bob hello");
    hub.next_post();
    alice.wait(json!({"event": "queued"}));
    alice.wait(json!({"event": "accepted"}));
    (hub, alice)
}

/// Somebody else who is called bob.
fn other_bob() -> Identity {
    Identity::generate(&InsecureProvider, &"bob".parse().unwrap(), NOW, &mut rng("not bob")).unwrap()
}

/// The same keys of bob in a record that is newer than his first.
fn renewed(bob: &Identity) -> Blob {
    wire::to_bytes(bob.with_bundle(None, NOW, &mut rng("renewed")).unwrap().record()).into()
}

fn count(told: &[Value], pattern: &Value) -> usize {
    told.iter().filter(|event| crate::support::events::contains(event, pattern)).count()
}

#[test]
fn attack_05_bad_input_23_63_a_swapped_key_holds_messages_until_it_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let (mut hub, alice) = alice_knows_bob(folder.path());
    let (bob, mallory) = (identity("bob"), other_bob());
    hub.leave("bob");
    hub.join(&mallory, false);
    hub.answer_fetch();
    let changed = json!({"event": "key_changed", "name": "bob", "was_verified": false,
        "old": bob.fingerprint().to_string(), "new": mallory.fingerprint().to_string()});
    assert_eq!(alice.wait(changed.clone())["held"], 0);
    alice.ask("send bob the key lies under the stone");
    let id = alice.wait(json!({"event": "queued", "to": "bob"}))["id"].clone();
    alice.wait(json!({"event": "ok", "command": "send"}));
    assert_eq!(alice.wait(changed.clone())["held"], 1);
    alice.ask("send bob and the map in the well");
    assert_eq!(alice.wait(changed)["held"], 2);
    hub.settle();
    assert_eq!(hub.posts.len(), 1, "nothing but the first greeting went out");

    alice.ask("trust bob 0000000000000000000000000000000000000000000000000000000000000000");
    alice.wait(json!({"event": "error", "command": "trust", "code": "number_mismatch"}));
    alice.ask(&format!("trust bob {}", mallory.fingerprint()));
    alice.wait(json!({"event": "ok", "command": "trust"}));
    for _ in 0..2 {
        hub.next_post();
    }
    alice.wait(json!({"event": "accepted", "id": id}));
    let (told, posts) = hub.dismiss(alice);
    assert_eq!((posts.len(), count(&told, &json!({"event": "queued"}))), (3, 3), "each is queued once");
}

#[test]
fn attack_05_a_swapped_key_is_noticed_at_the_next_visit_and_what_is_held_fails_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, alice) = alice_knows_bob(folder.path());
    alice.ask("verify bob yes");
    alice.wait(json!({"event": "safety_number", "name": "bob", "verified": true}));
    hub.dismiss(alice);

    // The same keys are still known, and known to be verified.
    let (hub, alice) = alice_and_bob(folder.path());
    alice.ask("verify bob");
    alice.wait(json!({"event": "safety_number", "name": "bob", "verified": true}));
    let (told, _) = hub.dismiss(alice);
    assert_eq!(count(&told, &json!({"event": "key_changed"})), 0);

    let before = Before { changes: 3, ..Before::of(&[&other_bob()]) };
    let role = Role { on_equivocation: OnEquivocation::Warn, ..Role::kept("alice", folder.path()) };
    let (mut hub, alice) = Puppet::host(role, before);
    hub.answer_fetch();
    alice.wait(json!({"event": "key_changed", "name": "bob", "was_verified": true, "held": 0}));
    hub.dismiss(alice);
}

#[test]
fn what_is_held_fails_when_the_member_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let (mut hub, alice) = alice_knows_bob(folder.path());
    hub.leave("bob");
    hub.join(&other_bob(), false);
    alice.wait(json!({"event": "joined", "name": "bob"}));
    alice.ask("send bob hello again");
    let id = hub.serve_until_event(&alice, &json!({"event": "queued", "to": "bob"}))["id"].clone();
    let (told, posts) = hub.dismiss(alice);
    assert_eq!(posts.len(), 1);
    assert_eq!(count(&told, &json!({"event": "failed", "id": id, "to": "bob", "code": "key_changed"})), 1);
}

#[test]
fn a_message_to_all_leaves_changed_members_out_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (mut hub, alice) = alice_knows_bob(folder.path());
    hub.leave("bob");
    hub.join(&other_bob(), false);
    hub.join(&identity("carol"), false);
    alice.wait(json!({"event": "joined", "name": "carol"}));
    alice.ask("all hello everybody");
    let post = hub.next_post();
    assert_eq!(post.kind, SealKind::Group);
    let queued = alice.wait(json!({"event": "queued", "to": "all"}));
    alice.wait(json!({"event": "failed", "id": queued["id"], "to": "bob", "code": "key_changed"}));
    let rng = &mut rng("open");
    let opens = |who: &Identity, rng: &mut rand::rngs::StdRng| {
        securestream::crypto::open(&InsecureProvider, who, post.kind, &post.sealed, rng).is_some()
    };
    assert!(opens(&identity("carol"), rng) && !opens(&other_bob(), rng));
    hub.leave("carol");
    alice.wait(json!({"event": "left", "name": "carol"}));
    alice.ask("all is anybody left");
    alice.wait(json!({"event": "error", "command": "all", "code": "key_changed"}));
    hub.dismiss(alice);
}

#[test]
fn a_key_without_a_record_and_a_guest_under_a_known_name_are_changed_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (mut hub, alice) = alice_knows_bob(folder.path());
    hub.leave("bob");
    hub.join_without_record(entry(&other_bob(), false));
    hub.answer_fetch();
    alice.wait(json!({"event": "key_changed", "name": "bob"}));
    hub.leave("bob");
    hub.join(&identity("bob"), false);
    alice.wait(json!({"event": "joined", "fingerprint": identity("bob").fingerprint().to_string()}));
    alice.ask("send bob good that you are back");
    hub.next_post();
    hub.leave("bob");
    let guest = Identity::generate(&InsecureProvider, &"bob".parse().unwrap(), NOW, &mut rng("guest")).unwrap();
    hub.join(&guest, true);
    alice.wait(json!({"event": "key_changed", "name": "bob", "new": guest.fingerprint().to_string()}));
    hub.dismiss(alice);
}

#[test]
fn keys_that_the_old_ones_vouch_for_are_followed_and_stay_verified() {
    let folder = tempfile::tempdir().unwrap();
    let (mut hub, alice) = alice_knows_bob(folder.path());
    alice.ask("verify bob yes");
    alice.wait(json!({"event": "ok", "command": "verify"}));
    let rotated = identity("bob").rotate(&InsecureProvider, None, NOW, &mut rng("rotated")).unwrap();
    hub.leave("bob");
    hub.join(&rotated, false);
    hub.serve_until_event(&alice, &json!({"event": "notice", "code": "key_rotated"}));
    alice.ask("send bob do you have new keys?");
    hub.next_post();
    alice.ask("verify bob");
    alice.wait(json!({"event": "safety_number", "verified": true}));
    // Going back to the old keys is a change for which nothing speaks.
    hub.leave("bob");
    hub.join(&identity("bob"), false);
    hub.serve_until_event(&alice, &json!({"event": "key_changed", "name": "bob", "was_verified": true}));
    let (told, _) = hub.dismiss(alice);
    assert_eq!(count(&told, &json!({"event": "key_changed"})), 1);
}

#[test]
fn verifying_compares_sixty_digits_and_marks_messages() {
    let folder = tempfile::tempdir().unwrap();
    let (mut hub, alice) = alice_and_bob(folder.path());
    let (mut bobs_hub, bob) = bob_and_alice(&folder.path().join("bob"));
    alice.ask("verify bob");
    let seen = alice.wait(json!({"event": "safety_number", "name": "bob", "verified": false}));
    bob.ask("verify alice");
    let read_out = bob.wait(json!({"event": "safety_number", "name": "alice"}));
    assert_eq!(seen["digits"], read_out["digits"]);
    let digits = read_out["digits"].as_str().unwrap();
    let wrong: String = digits.chars().rev().collect();
    alice.ask(&format!("verify bob {wrong}"));
    alice.wait(json!({"event": "error", "command": "verify", "code": "number_mismatch"}));

    for (text, verified) in [("before", false), ("after", true)] {
        bob.ask(&format!("send alice {text}"));
        let post = bobs_hub.next_post();
        hub.relay(&post);
        hub.serve_until_event(&alice, &json!({"event": "message", "text": text, "verified": verified}));
        if !verified {
            alice.ask(&format!("verify bob {digits}"));
            alice.wait(json!({"event": "safety_number", "verified": true}));
        }
    }
    bobs_hub.dismiss(bob);
    hub.dismiss(alice);
}

#[test]
fn attack_05_what_was_not_shown_is_not_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let (mut hub, alice) = alice_knows_bob(folder.path());
    alice.ask("verify bob");
    let right = alice.wait(json!({"event": "safety_number", "name": "bob"}))["digits"].clone();
    hub.leave("bob");
    hub.join(&other_bob(), false);
    hub.answer_fetch();
    alice.wait(json!({"event": "key_changed", "name": "bob"}));
    alice.ask("verify bob yes");
    let shown = alice.wait(json!({"event": "safety_number", "name": "bob", "verified": false}));
    assert_ne!(shown["digits"], right);
    alice.wait(json!({"event": "error", "command": "verify", "code": "number_mismatch"}));

    // The next keys come before their record, so nothing was said of them.
    let third = Identity::generate(&InsecureProvider, &"bob".parse().unwrap(), NOW, &mut rng("third")).unwrap();
    hub.leave("bob");
    hub.join_without_record(entry(&third, false));
    alice.wait(json!({"event": "left", "name": "bob"}));
    alice.wait(json!({"event": "joined", "name": "bob", "fingerprint": third.fingerprint().to_string()}));
    alice.ask("trust bob");
    let changed = alice.wait(json!({"event": "key_changed", "name": "bob"}));
    assert_eq!(changed["new"], third.fingerprint().to_string());
    alice.wait(json!({"event": "error", "command": "trust", "code": "key_changed"}));
    // Now it was.
    alice.ask("trust bob");
    alice.wait(json!({"event": "ok", "command": "trust"}));
    hub.dismiss(alice);
}

#[test]
fn only_known_members_are_written_to_under_that_policy() {
    let folder = tempfile::tempdir().unwrap();
    let role = Role { policy: Policy::Known, ..Role::kept("alice", folder.path()) };
    let (mut hub, alice) = Puppet::host(role, Before::of(&[&identity("bob"), &identity("carol")]));
    alice.ask("send bob hello");
    alice.wait(json!({"event": "error", "command": "send", "code": "not_trusted"}));
    alice.ask("trust bob");
    alice.wait(json!({"event": "ok", "command": "trust"}));
    alice.ask("all hello");
    hub.next_post();
    alice.wait(json!({"event": "failed", "to": "carol", "code": "not_trusted"}));
    alice.ask("send bob hello");
    hub.next_post();
    hub.dismiss(alice);
}

#[test]
fn nothing_of_a_blocked_member_is_shown_or_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (mut hub, alice) = alice_and_bob(folder.path());
    let (mut bobs_hub, bob) = bob_and_alice(&folder.path().join("bob"));
    alice.ask("block bob");
    alice.wait(json!({"event": "ok", "command": "block"}));
    alice.ask("send bob are you there");
    alice.wait(json!({"event": "error", "command": "send", "code": "blocked"}));
    let mut posts = Vec::new();
    for text in ["one", "two"] {
        bob.ask(&format!("send alice {text}"));
        posts.push(bobs_hub.next_post());
    }
    hub.relay(&posts[0]);
    hub.dismiss(alice);

    let (mut hub, alice) = alice_and_bob(folder.path());
    hub.relay(&posts[0]);
    hub.settle();
    // What has to be kept is behind what has to be opened.
    alice.ask("block bob");
    alice.wait(json!({"event": "ok", "command": "block"}));
    alice.ask("unblock bob");
    alice.wait(json!({"event": "ok", "command": "unblock"}));
    hub.relay(&posts[1]);
    hub.serve_until_event(&alice, &json!({"event": "message", "text": "two"}));
    let (told, posted) = hub.dismiss(alice);
    assert_eq!(count(&told, &json!({"event": "message"})), 1);
    assert_eq!(posted.len(), 1, "one receipt");
    bobs_hub.dismiss(bob);
}

#[test]
fn attack_05_what_is_said_of_a_guest_holds_under_its_name_only() {
    let folder = tempfile::tempdir().unwrap();
    let (mut hub, alice) = alice_and_bob(folder.path());
    let named =
        |name: &str| Identity::generate(&InsecureProvider, &name.parse().unwrap(), NOW, &mut rng("gil")).unwrap();
    let (gil, zoe) = (named("gil"), named("zoe"));
    assert_eq!(gil.fingerprint(), zoe.fingerprint(), "the same keys");
    hub.join(&gil, true);
    alice.wait(json!({"event": "joined", "name": "gil"}));
    alice.ask("verify gil yes");
    alice.wait(json!({"event": "safety_number", "name": "gil", "verified": true}));
    hub.leave("gil");
    hub.join(&zoe, true);
    alice.wait(json!({"event": "joined", "name": "zoe"}));
    alice.ask("verify zoe");
    alice.wait(json!({"event": "safety_number", "name": "zoe", "verified": false}));

    // A member under the guest's name is another one, and the guest another than the member.
    hub.leave("zoe");
    let member = Identity::generate(&InsecureProvider, &"gil".parse().unwrap(), NOW, &mut rng("a member")).unwrap();
    hub.join(&member, false);
    alice.wait(json!({"event": "joined", "name": "gil"}));
    alice.ask("trust gil");
    alice.wait(json!({"event": "ok", "command": "trust"}));
    hub.leave("gil");
    hub.join(&gil, true);
    alice.wait(json!({"event": "key_changed", "name": "gil", "new": gil.fingerprint().to_string()}));
    hub.dismiss(alice);
}

#[test]
fn guests_are_never_pinned() {
    let folder = tempfile::tempdir().unwrap();
    let (mut hub, alice) = Puppet::host(Role::kept("alice", folder.path()), Before::default());
    for seed in ["first", "second"] {
        let gil = Identity::generate(&InsecureProvider, &"gil".parse().unwrap(), NOW, &mut rng(seed)).unwrap();
        hub.join(&gil, true);
        alice.wait(json!({"event": "joined", "name": "gil", "guest": true}));
        alice.ask("send gil hello");
        hub.next_post();
        hub.leave("gil");
        alice.wait(json!({"event": "left", "name": "gil"}));
    }
    let (told, _) = hub.dismiss(alice);
    assert_eq!(count(&told, &json!({"event": "key_changed"})), 0);
}

#[test]
fn an_older_record_than_was_seen_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let bob = identity("bob");
    let (old, newer) = (bob.record().clone(), renewed(&bob));
    let mut before = Before::of(&[&bob]);
    before.members[0].1 = newer.clone();
    let (mut hub, alice) = Puppet::host(Role::kept("alice", folder.path()), before);
    alice.ask("send bob hello");
    hub.next_post();
    hub.dismiss(alice);

    let mut before = Before { changes: 3, ..Before::of(&[&bob]) };
    before.members[0].1 = wire::to_bytes(&old).into();
    let role = Role { on_equivocation: OnEquivocation::Warn, ..Role::kept("alice", folder.path()) };
    let (mut hub, alice) = Puppet::host(role, before);
    hub.answer_fetch();
    alice.wait(json!({"event": "notice", "code": "equivocation"}));
    hub.dismiss(alice);
}

#[test]
fn attack_05_a_members_key_under_another_name_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut hub, alice) = Puppet::host(Role::kept("alice", folder.path()), Before::of(&[&identity("bob")]));
    // Carol's messages are to go to bob, who could read them and answer.
    let as_carol = DirectoryEntry { name: "carol".parse().unwrap(), ..entry(&identity("bob"), false) };
    hub.join_without_record(as_carol);
    alice.wait(json!({"event": "joined", "name": "carol"}));
    alice.ask("send carol for you alone");
    hub.serve_until_event(&alice, &json!({"event": "error", "command": "send", "code": "no_such_member"}));
    let (_, posts) = hub.dismiss(alice);
    assert_eq!(posts.len(), 0);
}
