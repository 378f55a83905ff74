use super::*;
use crate::{proto::encode, types::wire::to_bytes};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn entry() -> DirectoryEntry {
    DirectoryEntry { name: "bob".parse().unwrap(), fingerprint: Fingerprint([7; 32]), guest: true }
}

const PLAY: PlayId = PlayId(3);
const EPOCH: PlayEpoch = PlayEpoch(1);
const LABEL: RenditionLabel = RenditionLabel(240);

/// One of each message, with every kind of field.
fn examples() -> Vec<Message> {
    [of_members(), of_hubs(), of_hubs_about_video()].concat()
}

fn of_members() -> Vec<Message> {
    let (play, epoch, label) = (PLAY, EPOCH, LABEL);
    vec![
        Hello { versions: vec![1], agent: "securestream/0.1.0".into() }.into(),
        Register { record: vec![1, 2].into(), guest: false, proof: vec![3].into(), invite: Some("ab12".into()) }.into(),
        FetchRecords { fingerprints: vec![Fingerprint([9; 32])] }.into(),
        NextPage {}.into(),
        Post { mid: MessageId([5; 16]), audience: None, kind: SealKind::Seal, sealed: vec![0xff].into() }.into(),
        Post {
            mid: MessageId([5; 16]),
            audience: Some(Fingerprint([7; 32])),
            kind: SealKind::Tagged,
            sealed: vec![].into(),
        }
        .into(),
        ListVideos {}.into(),
        Play {
            play,
            title: "mandelbrot".into(),
            mode: PlayMode::Tour,
            start: MediaTime(1_500_000),
            end: None,
            max_height: Some(720),
            sound: true,
            full_speed: false,
            decodes: vec![Codec::H264, Codec::AAC],
        }
        .into(),
        Credit { play, epoch, offset: 1 << 33 }.into(),
        SwitchRendition { play, epoch, rendition: label, from: Some(MediaTime(2_000_000)) }.into(),
        Seek { play, epoch, to: MediaTime(-1) }.into(),
        Stop { play }.into(),
        Ping { token: 4 }.into(),
        Pong { token: 4 }.into(),
        Quit {}.into(),
        FetchHeads { after: DirectorySequence(8) }.into(),
        Update { record: vec![1, 2].into() }.into(),
        PublishOneTime { keys: vec![CurveKey([3; 32])] }.into(),
        FetchOneTime { fingerprint: Fingerprint([7; 32]) }.into(),
    ]
}

fn of_hubs() -> Vec<Message> {
    vec![
        HelloAck {
            version: 1,
            nonce: Nonce([2; 32]),
            limits: Limits { max_record: 1_048_576, max_part: 32_768, max_plays: 16 },
        }
        .into(),
        Welcome {
            name: "bob".parse().unwrap(),
            guest: true,
            relay: RelayMode::Broadcast,
            sequence: DirectorySequence(8),
            members: 2,
        }
        .into(),
        DirectoryPage { sequence: DirectorySequence(8), entries: vec![entry()], last: true, previous: Head([4; 32]) }
            .into(),
        Joined { sequence: DirectorySequence(9), entry: entry() }.into(),
        Left { sequence: DirectorySequence(10), name: "bob".parse().unwrap(), reason: LeaveReason::Lost }.into(),
        Records { records: vec![vec![1].into()], missing: vec![Fingerprint([9; 32])] }.into(),
        Relayed { kind: SealKind::Group, sealed: vec![1, 2, 3].into() }.into(),
        Accepted { mid: MessageId([5; 16]) }.into(),
        Refused { mid: MessageId([5; 16]), code: Code::NoSuchMember }.into(),
        Heads { links: vec![HeadLink { sequence: DirectorySequence(9), state: StateHash([6; 32]) }], complete: true }
            .into(),
        RecordChanged { fingerprint: Fingerprint([7; 32]), sequence: 2 }.into(),
        OneTime { fingerprint: Fingerprint([7; 32]), key: Some(CurveKey([3; 32])) }.into(),
    ]
}

fn of_hubs_about_video() -> Vec<Message> {
    let (play, epoch, label) = (PLAY, EPOCH, LABEL);
    vec![
        Videos {
            titles: vec![VideoTitle {
                title: "mandelbrot".into(),
                duration: MediaTime(12_000_000),
                compat: false,
                renditions: vec![VideoRendition {
                    label,
                    width: 426,
                    height: 240,
                    bitrate: 90_000,
                    codec: Codec::H264,
                }],
                missing: vec![RenditionLabel(480)],
                unplayable: "".into(),
                languages: vec!["de".into()],
            }],
            last: true,
        }
        .into(),
        StreamInfo {
            play,
            epoch,
            rendition: label,
            width: 426,
            height: 240,
            codec: Codec::H264,
            extradata: vec![1, 0x64].into(),
            show_from: MediaTime(0),
            show_until: Some(MediaTime(4_000_000)),
            frame_duration: MediaTime(40_000),
            rotation: 90,
            pixel_width: 64,
            pixel_height: 45,
        }
        .into(),
        Packet {
            play,
            epoch,
            seq: 2,
            part: 0,
            last: true,
            rendition: label,
            pts: MediaTime(80_000),
            dts: MediaTime(-40_000),
            duration: MediaTime(40_000),
            flags: 1,
            data: vec![0, 0, 0, 1, 0x65].into(),
        }
        .into(),
        StreamEnd { play, epoch, reason: EndReason::Finished }.into(),
        Error { code: Code::BadName, text: "a name has no spaces".into() }.into(),
        Goodbye { code: Code::HubClosing }.into(),
        PlayStarted {
            play,
            title: "mandelbrot".into(),
            duration: MediaTime(12_000_000),
            ladder: vec![Rung { label, bitrate: 90_000, peak: 120_000, end: MediaTime(12_000_000), adaptive: true }],
            languages: vec!["de".into()],
        }
        .into(),
        PlayRefused { play, code: Code::NoSuchTitle, text: "no such title".into() }.into(),
        PlayNotice { play, code: Code::RenditionLeftOut, text: "720p is left out".into() }.into(),
        StreamCut { play, epoch, show_until: MediaTime(2_000_000) }.into(),
        SoundInfo {
            play,
            epoch,
            codec: Codec::AAC,
            sample_rate: 44_100,
            channels: 2,
            extradata: vec![0x12, 0x10].into(),
            hear_from: MediaTime(0),
            hear_until: MediaTime(4_000_000),
        }
        .into(),
        Sound { play, epoch, seq: 0, pts: MediaTime(-23_220), duration: MediaTime(23_220), data: vec![0x21].into() }
            .into(),
        Subtitles { play, language: "de".into(), last: true, data: vec![0x31].into() }.into(),
        VideosChanged {}.into(),
    ]
}

/// The bytes of every message are pinned: a change here is a change of the protocol.
#[test]
fn golden_bytes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/golden-messages.txt");
    let line = |message: &Message| {
        let debug = format!("{message:?}");
        let name = debug.split(['(', ' ']).next().unwrap().to_owned();
        format!("{} {name} {}\n", message.tag(), hex(&to_bytes(message)))
    };
    let now = examples().iter().map(line).collect::<Vec<_>>().concat();
    if std::env::var_os("SECURESTREAM_BLESS").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), now);
}

#[test]
fn every_message_survives_the_round_trip() {
    for message in examples() {
        assert_eq!(Message::decode(&encode(&message)[4..]).unwrap(), message);
    }
}

#[test]
fn bad_input_07_a_missing_field_or_a_wrong_type() {
    for (what, body) in [
        ("ping without its token", vec![0x91, 12]),
        ("ping with text for its token", vec![0x92, 12, 0xa1, b'x']),
        ("a tag that is text", vec![0x91, 0xa1, b'x']),
        ("a tag that is negative", vec![0x91, 0xff]),
        ("an empty array", vec![0x90]),
        ("a fingerprint of 31 bytes", [&[0x92, 3, 0x91, 0xc4, 31][..], &[0; 31]].concat()),
        ("a bare number", vec![12]),
    ] {
        assert!(Message::decode(&body).is_err(), "{what}");
    }
}

#[test]
fn bad_input_08_unknown_fields_at_the_end_are_skipped() {
    let body = [0x94, 12, 4, 0x92, 1, 2, 0xa1, b'x'];
    assert_eq!(Message::decode(&body).unwrap(), Ping { token: 4 }.into());
}

#[test]
fn bad_input_09_maps_are_refused() {
    for body in [&[0x80][..], &[0x81, 12, 4], &[0x82, 0xa1, b'a', 12, 0xa1, b'a', 4]] {
        assert!(Message::decode(body).is_err());
    }
}

#[test]
fn bad_input_10_an_unknown_tag_is_kept_apart() {
    assert_eq!(Message::decode(&[0x92, 0xcd, 0x03, 0xe7, 1]).unwrap(), Message::Unknown(999));
}

#[test]
fn bad_input_06_and_11_reserved_and_trailing_bytes() {
    assert!(Message::decode(&[0xc1]).is_err());
    assert!(Message::decode(&[0x92, 12, 0xc1]).is_err());
    assert!(Message::decode(&[0x92, 12, 4, 0]).is_err());
    assert!(Message::decode(&[0x92, 12, 4, 0xc1]).is_err());
}

#[test]
fn bad_input_12_deep_nesting_ends_early() {
    assert!(Message::decode(&[0x91; 10_000]).is_err());
    let skipped = [&[0x93, 12, 4][..], &[0x91; 10_000], &[0]].concat();
    assert!(Message::decode(&skipped).is_err(), "not even where it would be skipped");
}

#[test]
fn bad_input_13_claims_of_4_gib_in_5_bytes() {
    for claim in [0xdd, 0xc6, 0xc9, 0xdb, 0xdf] {
        let claim = [claim, 0xff, 0xff, 0xff, 0xff];
        assert!(Message::decode(&claim).is_err());
        for before in [&[0x92, 3][..], &[0x92, 37], &[0x94, 2], &[0x92, 1], &[0x93, 12, 4]] {
            assert!(Message::decode(&[before, &claim].concat()).is_err());
        }
    }
}

#[test]
fn bad_input_14_text_that_is_no_utf8() {
    for text in [&[0xff][..], &[0xc0, 0xaf], &[0xed, 0xa0, 0x80], &[0xf5, 0x80, 0x80, 0x80]] {
        let mut body = vec![0x93, 45, 3, 0xa0 | u8::try_from(text.len()).unwrap()];
        body.extend(text);
        assert!(Message::decode(&body).is_err(), "{text:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = Message::decode(&body);
    }

    #[test]
    fn no_damage_to_a_valid_message_makes_the_decoder_panic(which in 0_usize..33, at in 0_usize..200, to: u8) {
        let mut body = to_bytes(&examples()[which]);
        let at = at % body.len();
        body[at] = to;
        let _ = Message::decode(&body);
    }
}
