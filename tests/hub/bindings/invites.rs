//! Who comes in by an invite, and how often.

use super::{BROADCAST, name, refused, rotated};
use crate::{
    bench::{Bench, Disk, NONCE, renamed, turned_away, welcome},
    raw::{identity, registration},
};
use securestream::{
    proto::message::{Quit, Register},
    server::{Admission, InviteCode},
    types::{Code, LinkId},
};

#[test]
fn members_come_in_by_an_invite_once() {
    let mut bench = Bench::new(BROADCAST);
    let (code, for_bob) = (InviteCode::new([1; 10]), InviteCode::new([2; 10]));
    bench.relay.invite(&code, None).unwrap();
    bench.relay.invite(&for_bob, Some(name("bob"))).unwrap();
    bench.take();
    let not_invited = Some(Code::NotInvited);
    assert_eq!(turned_away(&bench.come_invited(1, &identity("alice"), false, None)), not_invited);
    for wrong in ["", "x", "1111-1111-1111-1111", &for_bob.text()] {
        assert_eq!(turned_away(&bench.come_invited(2, &identity("alice"), false, Some(wrong))), not_invited, "{wrong}");
    }
    let typed = code.text().to_uppercase().replace('-', "");
    assert_eq!(welcome(&bench.come_invited(3, &identity("alice"), false, Some(&typed))), Some(false));
    assert_eq!(turned_away(&bench.come_invited(4, &identity("carol"), false, Some(&code.text()))), not_invited, "used");
    assert_eq!(welcome(&bench.come_invited(5, &identity("bob"), false, Some(&for_bob.text()))), Some(false));

    let mut again = Bench::remembering(BROADCAST, &bench.kept);
    assert_eq!(turned_away(&again.come_invited(1, &identity("carol"), false, Some(&code.text()))), not_invited);
    assert_eq!(
        welcome(&again.come_invited(2, &identity("alice"), false, None)),
        Some(false),
        "known members need none"
    );
    assert_eq!(welcome(&again.come_invited(3, &rotated(&identity("bob")), false, None)), Some(false));
    assert_eq!(turned_away(&again.come_invited(4, &renamed("another", "alice"), true, None)), Some(Code::NameTaken));
}

#[test]
fn guests_use_up_an_invite_and_come_back_within_the_grace_without_one() {
    let mut bench = Bench::new(BROADCAST);
    let code = InviteCode::new([1; 10]);
    bench.relay.invite(&code, None).unwrap();
    bench.take();
    let bob = identity("bob");
    assert_eq!(welcome(&bench.come_invited(1, &bob, true, Some(&code.text()))), Some(true));
    bench.lose(1);
    assert_eq!(welcome(&bench.come_invited(2, &bob, true, None)), Some(true));
    bench.say(2, Quit {});
    let commands = bench.come_invited(3, &bob, true, Some(&code.text()));
    assert_eq!(turned_away(&commands), Some(Code::NotInvited));
}

#[test]
fn two_who_come_with_one_invite_at_the_same_time_do_not_both_come_in() {
    let mut bench = Bench::new(BROADCAST);
    let code = InviteCode::new([1; 10]);
    bench.relay.invite(&code, None).unwrap();
    bench.take();
    bench.disk = Disk::Held;
    assert!(bench.come_invited(1, &identity("alice"), false, Some(&code.text())).is_empty());
    assert_eq!(
        turned_away(&bench.come_invited(2, &identity("bob"), false, Some(&code.text()))),
        Some(Code::NotInvited)
    );
    assert_eq!(turned_away(&bench.write_held(false)), Some(Code::TryLater));
    // The registration failed, so the invite is still good, and for one.
    assert!(bench.come_invited(3, &identity("bob"), true, Some(&code.text())).is_empty());
    assert_eq!(
        turned_away(&bench.come_invited(4, &identity("alice"), true, Some(&code.text()))),
        Some(Code::NotInvited)
    );
    assert_eq!(welcome(&bench.write_held(true)), Some(true));
    assert_eq!(
        turned_away(&bench.come_invited(5, &identity("alice"), true, Some(&code.text()))),
        Some(Code::NotInvited)
    );
}

#[test]
fn an_invite_is_not_used_up_by_a_registration_that_is_refused_or_that_needs_none() {
    let mut bench = Bench::new(BROADCAST);
    let code = InviteCode::new([1; 10]);
    bench.relay.invite(&code, None).unwrap();
    bench.register(1, &identity("bob"), false);
    bench.register(2, &identity("carol"), false);
    let commands = bench.come_invited(3, &identity("bоb"), false, Some(&code.text()));
    assert_eq!(refused(&commands), Some(Code::BadName));
    // By a listener that lets in everybody, with an invite that is good elsewhere.
    bench.relay.accepted(LinkId(4), "peer".to_owned(), Admission::Open);
    let invite = Some(code.text().as_str().into());
    bench.say(4, Register { invite, ..registration(&identity("dave"), NONCE) });
    assert!(welcome(&bench.verified(4, &identity("dave"))).is_some());
    assert!(welcome(&bench.come_invited(5, &identity("erin"), false, Some(&code.text()))).is_some());
}
