use std::{io::IoSlice, time::Duration};

use super::*;
use crate::{
    proto::message::{ListVideos, Post, Quit, Register, Welcome},
    types::{DirectorySequence, MessageId, RelayMode, SealKind, limits::CHAT_LANE},
};

/// A hub's and a member's end, joined by memory, under virtual time.
struct Pair {
    hub: Connection,
    member: Connection,
    now: Instant,
    /// The most bytes that one step carries.
    step: usize,
}

fn drain(from: &mut Connection, step: usize) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); 64];
    let filled = from.outbox().fill(&mut slices);
    let bytes: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.to_vec()).take(step).collect();
    from.advance(bytes.len());
    bytes
}

fn events(connection: &mut Connection) -> Vec<Event> {
    std::iter::from_fn(|| connection.poll_event()).collect()
}

fn messages(connection: &mut Connection) -> Vec<Message> {
    let only = |event| if let Event::Message(message) = event { Some(message) } else { None };
    events(connection).into_iter().filter_map(only).collect()
}

fn welcome() -> Message {
    Welcome {
        name: "bob".parse().unwrap(),
        guest: false,
        relay: RelayMode::Broadcast,
        sequence: DirectorySequence(1),
        members: 1,
    }
    .into()
}

impl Pair {
    fn new() -> Self {
        let now = Instant::now();
        let hub = Connection::hub(Nonce([1; 32]), now);
        Self { hub, member: Connection::member("test", now), now, step: usize::MAX }
    }

    /// Registered on both sides, all events taken.
    fn established() -> Self {
        let mut pair = Self::new();
        pair.exchange();
        pair.hub.send(&welcome(), pair.now);
        pair.hub.establish(pair.now);
        pair.exchange();
        events(&mut pair.hub);
        events(&mut pair.member);
        assert_eq!((pair.hub.state(), pair.member.state()), (State::Established, State::Established));
        pair
    }

    /// Carries bytes both ways until there are none.
    fn exchange(&mut self) {
        loop {
            let up = drain(&mut self.member, self.step);
            let down = drain(&mut self.hub, self.step);
            if up.is_empty() && down.is_empty() {
                return;
            }
            self.hub.receive(&up, self.now);
            self.member.receive(&down, self.now);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.hub.timeout(self.now);
        self.member.timeout(self.now);
    }

    /// Gives the hub raw bytes; returns what it answers.
    fn attack(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.hub.receive(bytes, self.now);
        drain(&mut self.hub, usize::MAX)
    }
}

fn post(sealed: usize) -> Message {
    Post { mid: MessageId([1; 16]), audience: None, kind: SealKind::Seal, sealed: vec![0; sealed].into() }.into()
}

fn ends_told(connection: &mut Connection, answer: &[u8], code: Code) {
    let mut deframer = Deframer::new(MAX_RECORD);
    deframer.extend(answer);
    let mut told = Vec::new();
    while let Some(body) = deframer.next_record().unwrap() {
        told.push(Message::decode(&body).unwrap());
    }
    let is_error = |message: &Message| matches!(message, Message::Error(error) if error.code == code);
    assert!(told.iter().any(is_error), "{told:?}");
    assert_eq!(told.last(), Some(&Goodbye { code }.into()));
    assert!(matches!(events(connection).pop(), Some(Event::Ended(Ending::Misbehaved(_)))));
    assert!(connection.is_closed());
}

#[test]
fn greeting_registration_and_messages_go_through_in_pieces_of_any_size() {
    for step in [1, 2, 3, 5, 8, 13, 64, usize::MAX] {
        let mut pair = Pair::new();
        pair.step = step;
        pair.exchange();
        assert!(matches!(events(&mut pair.member)[..], [Event::Greeted(Nonce([1, ..]))]));
        let register = Register { record: vec![1].into(), guest: true, proof: vec![2].into(), invite: None };
        pair.member.send(&register.clone().into(), pair.now);
        pair.exchange();
        assert_eq!(messages(&mut pair.hub), [register.into()]);
        pair.hub.send(&welcome(), pair.now);
        pair.hub.establish(pair.now);
        pair.exchange();
        assert_eq!(messages(&mut pair.member), [welcome()]);
        pair.member.send(&ListVideos {}.into(), pair.now);
        pair.exchange();
        assert_eq!(messages(&mut pair.hub), [ListVideos {}.into()]);
    }
}

#[test]
fn bad_input_01_a_record_cut_by_the_end_has_no_effect() {
    let mut pair = Pair::established();
    let record = encode(&post(100));
    pair.hub.receive(&record[..record.len() - 1], pair.now);
    pair.hub.link_lost();
    assert!(matches!(events(&mut pair.hub)[..], [Event::Ended(Ending::Lost)]));
    assert!(pair.hub.is_closed());
}

#[test]
fn bad_input_02_one_byte_a_second_ends_at_the_handshake_deadline() {
    let mut pair = Pair::new();
    let hello = drain(&mut pair.member, usize::MAX);
    for byte in hello {
        pair.hub.receive(&[byte], pair.now);
        pair.pass(Duration::from_secs(1));
    }
    assert_eq!(drain(&mut pair.hub, usize::MAX), b"", "without a word");
    assert!(pair.hub.is_closed());
    assert!(matches!(events(&mut pair.hub)[..], [Event::Ended(Ending::Misbehaved(_))]));
}

#[test]
fn bad_input_03_and_04_lengths_close_and_tell() {
    for length in [0, u32::try_from(MAX_RECORD).unwrap() + 1, u32::MAX] {
        let mut pair = Pair::established();
        let answer = pair.attack(&length.to_be_bytes());
        ends_told(&mut pair.hub, &answer, Code::InvalidRecord);
    }
}

#[test]
fn bad_input_04_the_largest_record_passes_once_registered_and_not_before() {
    let mut pair = Pair::established();
    let empty = encode(&post(0)).len() - 4;
    // bin32 takes 3 bytes more than the bin8 of an empty blob.
    let largest = post(MAX_RECORD - empty - 3);
    assert_eq!(encode(&largest).len() - 4, MAX_RECORD);
    pair.member.send(&largest, pair.now);
    pair.exchange();
    assert_eq!(messages(&mut pair.hub), [largest]);

    let mut pair = Pair::new();
    pair.exchange();
    let answer = pair.attack(&u32::try_from(MAX_RECORD_BEFORE_REGISTRATION + 1).unwrap().to_be_bytes());
    ends_told(&mut pair.hub, &answer, Code::InvalidRecord);
}

#[test]
fn bad_input_05_whoever_speaks_something_else_gets_no_word() {
    let tls = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    for stranger in [&b"GET / HTTP/1.1\r\n\r\n"[..], &tls, &[0, 0, 0, 2, 0xd9, 0x41], &[0x80; 64]] {
        let mut pair = Pair::new();
        assert_eq!(pair.attack(stranger), b"", "{stranger:?}");
        assert!(pair.hub.is_closed());
        assert!(matches!(events(&mut pair.hub)[..], [Event::Ended(Ending::Misbehaved(_))]));
    }
}

#[test]
fn bad_input_06_to_14_bad_records_of_a_member_close_and_tell() {
    for (case, body) in [
        (6, vec![0xc1]),
        (7, vec![0x91, 12]),
        (9, vec![0x81, 12, 4]),
        (11, vec![0x92, 12, 4, 0]),
        (12, vec![0x91; 10_000]),
        (13, vec![0xdd, 0xff, 0xff, 0xff, 0xff]),
        (14, vec![0x93, 1, 0x90, 0xa1, 0xff]),
    ] {
        let mut pair = Pair::established();
        let mut record = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        record.extend(body);
        let answer = pair.attack(&record);
        println!("case {case}");
        ends_told(&mut pair.hub, &answer, Code::InvalidRecord);
    }
}

#[test]
fn bad_input_10_unknown_tags_are_skipped_when_established_and_end_a_stranger() {
    let unknown = encode(&Message::Unknown(999));
    let mut pair = Pair::established();
    assert_eq!(pair.attack(&unknown), b"");
    assert_eq!(pair.hub.state(), State::Established);

    for greeted in [false, true] {
        let mut pair = Pair::new();
        if greeted {
            pair.exchange();
        }
        assert_eq!(pair.attack(&unknown), b"");
        assert!(pair.hub.is_closed());
    }
}

#[test]
fn bad_input_30_a_post_before_registration_ends_silently() {
    let mut pair = Pair::new();
    pair.exchange();
    assert_eq!(pair.attack(&encode(&post(10))), b"");
    assert!(pair.hub.is_closed());
    assert!(messages(&mut pair.hub).is_empty());
}

#[test]
fn bad_input_42_what_comes_after_the_end_is_nothing() {
    let mut pair = Pair::established();
    pair.hub.receive(&[encode(&Quit {}.into()), encode(&Quit {}.into())].concat(), pair.now);
    assert_eq!(messages(&mut pair.hub), [Quit {}.into(), Quit {}.into()], "the owner closes at the first");
    pair.hub.close(Code::Disconnected, pair.now);
    pair.hub.close(Code::Disconnected, pair.now);
    pair.hub.receive(&encode(&post(1)), pair.now);
    pair.hub.link_lost();
    assert_eq!(events(&mut pair.hub).len(), 1, "ended once");
}

#[test]
fn a_hub_without_a_common_version_says_so() {
    let mut pair = Pair::new();
    let hello = Hello { versions: vec![77], agent: "future".into() };
    let answer = pair.attack(&encode(&hello.into()));
    ends_told(&mut pair.hub, &answer, Code::UnsupportedVersion);
}

#[test]
fn a_hub_message_from_a_member_is_out_of_turn() {
    let mut pair = Pair::established();
    let answer = pair.attack(&encode(&welcome()));
    ends_told(&mut pair.hub, &answer, Code::ProtocolViolation);
}

#[test]
fn bad_input_39_a_silent_peer_is_pinged_once_and_lost_after_two_intervals() {
    let mut pair = Pair::established();
    pair.pass(PING_INTERVAL);
    pair.exchange();
    assert_eq!(pair.hub.state(), State::Established, "the answer came");
    for _ in 0..2 {
        pair.now += PING_INTERVAL;
        pair.hub.timeout(pair.now);
        drain(&mut pair.hub, usize::MAX);
    }
    assert!(matches!(events(&mut pair.hub)[..], [Event::Ended(Ending::Lost)]));
}

#[test]
fn a_peer_that_does_not_read_is_let_go_with_a_reason() {
    let mut pair = Pair::established();
    for _ in 0..5 {
        pair.hub.send(&post(MAX_RECORD - 100), pair.now);
    }
    assert!(matches!(events(&mut pair.hub)[..], [Event::Ended(Ending::Slow)]));
    pair.exchange();
    assert_eq!(messages(&mut pair.member), [Goodbye { code: Code::SlowConsumer }.into()]);
}

#[test]
fn a_draining_connection_closes_when_sent_or_when_time_is_over() {
    let mut pair = Pair::established();
    pair.hub.close(Code::HubClosing, pair.now);
    assert!(!pair.hub.is_closed());
    pair.pass(DRAIN_DEADLINE);
    assert!(pair.hub.is_closed());
}

#[test]
fn the_last_word_fits_behind_a_lane_that_is_full_to_the_last_byte() {
    let mut closed = Pair::established();
    let mut attacked = Pair::established();
    for pair in [&mut closed, &mut attacked] {
        let mut left = CHAT_LANE;
        while left > 0 {
            let size = left.min(MAX_RECORD);
            pair.hub.send_record(vec![0; size].into(), pair.now);
            left -= size;
        }
        assert!(events(&mut pair.hub).is_empty(), "full, and not too full");
    }
    closed.hub.close(Code::HubClosing, closed.now);
    let answer = drain(&mut closed.hub, usize::MAX);
    assert_eq!(answer[CHAT_LANE..], *encode(&Goodbye { code: Code::HubClosing }.into()));
    let answer = attacked.attack(&[0; 4]);
    ends_told(&mut attacked.hub, &answer[CHAT_LANE..], Code::InvalidRecord);
}
