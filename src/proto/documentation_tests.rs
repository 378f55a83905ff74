//! docs/protocol.md says what the code says.

use crate::types::{Code, EndReason, LeaveReason, RelayMode, SealKind, limits::*};

const PROTOCOL: &str = include_str!("../../docs/protocol.md");

#[test]
fn every_message_has_its_place_and_its_example_in_the_documentation() {
    let golden = include_str!("../../tests/data/golden-messages.txt");
    for line in golden.lines() {
        let [tag, name, hex] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let heading = format!("\n#### {tag} {name}\n");
        let at = PROTOCOL.find(&heading).unwrap_or_else(|| panic!("no heading for {name}"));
        let section = PROTOCOL[at + 1..].split("\n##").next().unwrap();
        assert!(section.contains(&format!("\n    [{tag}")), "{name} has no drawing");
        assert!(section.contains(&format!("\n    {hex}\n")), "{name} lacks the example {hex}");
    }
}

#[test]
fn every_number_has_its_row_in_the_documentation() {
    let rows = |numbers: Vec<(u16, &'static str)>| {
        for (number, name) in numbers {
            let row = format!("\n| {number} | `{name}` |");
            assert!(PROTOCOL.contains(&row), "no row for {number} {name}");
        }
    };
    rows(Code::ALL.iter().map(|code| (code.number(), code.as_str())).collect());
    rows(LeaveReason::ALL.iter().map(|reason| (reason.number(), reason.as_str())).collect());
    rows(EndReason::ALL.iter().map(|reason| (reason.number(), reason.as_str())).collect());
    rows(SealKind::ALL.iter().map(|kind| (kind.number(), kind.as_str())).collect());
    rows(RelayMode::ALL.iter().map(|mode| (mode.number(), mode.as_str())).collect());
}

#[test]
fn every_limit_has_its_value_in_the_documentation() {
    let limits = PROTOCOL.split("### Limits").nth(1).unwrap().split("\n## ").next().unwrap();
    let grouped = |number: usize| {
        let digits = number.to_string();
        let first = (digits.len() + 2) % 3 + 1;
        let groups = digits.as_bytes()[first..].chunks(3).map(|group| str::from_utf8(group).unwrap());
        [&digits[..first]].into_iter().chain(groups).collect::<Vec<_>>().join(",")
    };
    for (what, value) in [
        ("a record before the member is registered", grouped(MAX_RECORD_BEFORE_REGISTRATION) + " bytes"),
        ("a record after Welcome, both ways", grouped(MAX_RECORD) + " bytes"),
        ("a text, inside of the seal", grouped(MAX_TEXT) + " bytes"),
        ("a name", grouped(MAX_NAME) + " bytes"),
        ("from accepting the link to Welcome", format!("{} s", HANDSHAKE_DEADLINE.as_secs())),
        ("registrations on one link", MAX_REGISTRATIONS.to_string()),
        ("silence until a Ping, then until the peer is lost", format!("{} s", PING_INTERVAL.as_secs())),
        ("a lost member stays in the directory", format!("{} s", LOST_GRACE.as_secs())),
        ("a closing link sends what it holds", format!("{} s", DRAIN_DEADLINE.as_secs())),
        ("chat and control that wait for one reader", grouped(CHAT_LANE) + " bytes"),
        ("media that wait for one reader", grouped(MEDIA_LANE) + " bytes"),
        ("data in one Packet message", grouped(MAX_PART) + " bytes"),
        ("a compressed packet, all parts together", grouped(MAX_PACKET) + " bytes"),
        ("plays of one member", MAX_PLAYS.to_string()),
        ("codecs in one Play", grouped(MAX_DECODES)),
        ("members in one DirectoryPage", DIRECTORY_PAGE.to_string()),
        ("titles in one Videos", VIDEOS_PAGE.to_string()),
        ("fingerprints in one FetchRecords", MAX_FETCH.to_string()),
        ("a key record", grouped(MAX_KEY_RECORD) + " bytes"),
        ("changes of keys in a key record", MAX_ROTATIONS.to_string()),
        ("links in one Heads", grouped(MAX_HEADS)),
    ] {
        let row = format!("\n| {what} | {value} |");
        assert!(limits.contains(&row), "no row {row}");
    }
}
