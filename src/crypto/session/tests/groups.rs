//! Messages to all that go by sessions.

use super::*;

fn group(from: &mut Member, to: &[&Member]) -> (Vec<u8>, Step) {
    from.sent += 1;
    let records: Vec<_> = to.iter().map(|member| member.record()).collect();
    let records: Vec<_> = records.iter().collect();
    let stamp = DirectoryHead::FIRST;
    let draft = Draft { id: MessageId([3; 16]), sequence: from.sent, time: NOW, stamp, text: "to all" };
    let by = (&from.identity, &from.sessions);
    let (sealed, step) = seal_group_in_sessions(&PROVIDER, by, &records, &draft, NOW, &mut from.rng).unwrap();
    (sealed.bytes, step)
}

fn letter(opened: Opened, from: &Member) -> Letter {
    opened.verify(&PROVIDER, &from.record()).unwrap()
}

#[test]
fn a_group_goes_by_sessions_where_there_are_some_and_looks_the_same() {
    let (mut alice, mut bob) = acquainted();
    let carol = Member::new("carol");
    let (sealed, step) = group(&mut alice, &[&bob, &carol]);
    alice.keep(step);
    let by = |member: &Member| open_group_in_session(&PROVIDER, (&member.identity, &member.sessions), &sealed);
    let by_rsa = |member: &Member| open(&PROVIDER, &member.identity, SealKind::Group, &sealed, &mut rng(1));
    assert!(by_rsa(&bob).is_none(), "there is no RSA block for bob");
    let opened = by(&bob).unwrap();
    assert_eq!(opened.position.index, 0);
    let again = by(&bob).unwrap();
    let (text, step) = opened.verify(&PROVIDER, &bob.sessions, &alice.record()).unwrap();
    bob.keep(step);
    assert_eq!(text.text, "to all");
    let (_, step) = again.verify(&PROVIDER, &bob.sessions, &alice.record()).unwrap();
    assert!(step.is_empty(), "it moved on meanwhile");
    assert!(by(&bob).is_none(), "a second time");
    assert!(by(&carol).is_none());
    assert_eq!(letter(by_rsa(&carol).unwrap(), &alice).text, "to all");
    // The same chain serves what follows to bob alone.
    assert_eq!(exchange(&mut alice, &mut bob), SealKind::Tagged);

    let without = crate::crypto::seal_group(
        &PROVIDER,
        &alice.identity,
        &[&bob.record(), &carol.record()],
        &Draft { id: MessageId([4; 16]), sequence: 99, time: NOW, stamp: DirectoryHead::FIRST, text: "to all" },
        &mut rng(2),
    );
    assert_eq!(sealed.len(), without.unwrap().bytes.len(), "as long as one without sessions");
    let blocks = sealed[3..3 + 2 * 264].chunks(264).map(|slot| slot[8]);
    assert!(blocks.into_iter().all(|first| first < 0x80), "every block has its top bit clear");
}

#[test]
fn attack_15_a_slot_that_is_moved_or_changed_burns_no_key() {
    let (mut alice, bob) = acquainted();
    let carol = Member::new("carol");
    let (sealed, step) = group(&mut alice, &[&bob, &carol]);
    alice.keep(step);
    let by_bob = |sealed: &[u8]| open_group_in_session(&PROVIDER, (&bob.identity, &bob.sessions), sealed);
    for byte in (0..sealed.len()).step_by(13) {
        let mut flipped = sealed.clone();
        flipped[byte] ^= 1;
        assert!(by_bob(&flipped).is_none(), "byte {byte}");
    }
    // Mallory puts alice's slot into a record of its own.
    let mut mallory = Member::new("mallory");
    let (mut forged, _) = group(&mut mallory, &[&bob, &carol]);
    forged[3..3 + 2 * 264].copy_from_slice(&sealed[3..3 + 2 * 264]);
    assert!(by_bob(&forged).is_none());
    assert!(by_bob(&sealed).is_some());
}
