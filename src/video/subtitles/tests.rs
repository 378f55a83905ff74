//! Files as people write them, and files as nobody should.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::*;

const SUBRIP: &str =
    "1\n00:00:01,000 --> 00:00:02,500\n<i>Hello</i>,\nthere.\n\n2\n00:00:03,000 --> 00:00:04,000\nBye.\n";

const WEBVTT: &str = "WEBVTT - a title\nKind: captions\n\nNOTE\nnot to be shown\n\nSTYLE\n::cue { color: red }\n\n\
    intro\n00:01.000 --> 00:02.500 align:start position:10%\n<c.loud>Hello</c>,\nthere.\n\n\
    NOTE between\n\n00:00:03.000 --> 00:00:04.000\nBye.\n";

fn parsed(bytes: &[u8]) -> Vec<Cue> {
    parse(bytes, "und")
}

fn cue(from: i64, until: i64, text: &str) -> Cue {
    Cue { from: MediaTime(from * 1000), until: MediaTime(until * 1000), text: text.to_owned() }
}

fn expected() -> [Cue; 2] {
    [cue(1000, 2500, "Hello,\nthere."), cue(3000, 4000, "Bye.")]
}

#[test]
fn both_formats_are_read() {
    assert_eq!(parsed(SUBRIP.as_bytes()), expected());
    assert_eq!(parsed(WEBVTT.as_bytes()), expected());
}

#[test]
fn marks_and_ends_of_lines_do_not_matter() {
    for text in [SUBRIP, WEBVTT] {
        assert_eq!(parsed(format!("\u{feff}{text}").as_bytes()), expected());
        assert_eq!(parsed(text.replace('\n', "\r\n").as_bytes()), expected(), "CR LF");
        assert_eq!(parsed(text.replace('\n', "\r").as_bytes()), expected(), "CR");
        let wide: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(parsed(&wide), expected(), "UTF-16");
    }
}

#[test]
fn subrip_as_people_write_it() {
    let cases = [
        ("00:00:01,000-->00:00:02,500\nHello,\nthere.\n00:00:03.0 --> 00:00:04\nBye.", "no counters, no empty lines"),
        ("7\n0:0:1,0 --> 0:0:2,5\nHello,\n\nthere.\n\n7\n\n0:3 --> 0:4\nBye.\n\n\n\n", "empty lines within and around"),
        (
            "x\n00:00:01,000 --> 00:00:02,500 X1:1 Y1:2\n{\\an8}Hello,\nthere.\n\n2\n00:00:09,000 --> 00:00:08,000\nnever\n\n\
          3\n00:00:03,000 --> 00:00:04,000\nBye.",
            "one that ends before it begins",
        ),
        (
            "1\n00:00:01,000 --> 00:00:02,500\nHello,\nthere.\n\n2\n00:00:02,600 --> 00:00:02,700\n<b> </b>\n\n3\n\
          bad --> time\n3\n00:00:03,000 --> 00:00:04,000\nBye.",
            "an empty one, times that are none",
        ),
    ];
    for (text, what) in cases {
        assert_eq!(parsed(text.as_bytes()), expected(), "{what}");
    }
    let numbers = "1\n00:00:01,000 --> 00:00:02,000\nHow many?\n42\n\n2\n00:00:03,000 --> 00:00:04,000\n43\n";
    assert_eq!(parsed(numbers.as_bytes()), [cue(1000, 2000, "How many?\n42"), cue(3000, 4000, "43")]);
}

#[test]
fn what_is_older_than_utf8_is_read() {
    let bytes = b"1\r\n00:00:01,000 --> 00:00:02,000\r\nDie Stra\xdfe f\xfchrt \xfcber die Br\xfccke.\r\n";
    assert_eq!(parsed(bytes), [cue(1000, 2000, "Die Straße führt über die Brücke.")]);
}

#[test]
fn times_have_an_end() {
    for text in ["999999:59:59,999", "0:0:0", "1:2", "1:2,123456"] {
        assert_eq!(parsed(format!("0:0,000 --> {text}\nx").as_bytes()).len(), usize::from(text != "0:0:0"), "{text}");
    }
    for text in ["9999999:00:00", "1", "1:2:3:4", "-1:00", "1:2,1234567", "1:x", ":", "१:२"] {
        assert!(parsed(format!("0:0,000 --> {text}\nx").as_bytes()).is_empty(), "{text}");
    }
}

#[test]
fn what_would_cover_the_picture_is_cut() {
    let long = format!("0:01 --> 0:02\n{}\n", "word ".repeat(5000));
    let [cue] = &parsed(long.as_bytes())[..] else { panic!("one cue") };
    assert!(cue.text.chars().count() <= 600);
    let high = format!("0:01 --> 0:02\n{}\n", "line\n".repeat(500));
    assert_eq!(parsed(high.as_bytes())[0].text.lines().count(), 8);
    let many = "0:01 --> 0:02\nx\n".repeat(30_000);
    assert_eq!(parsed(many.as_bytes()).len(), 20_000);
}

#[test]
fn cues_are_found_by_time_in_whatever_order_they_came() {
    let cues = Cues::new(vec![
        cue(5000, 6000, "late"),
        cue(0, 10_000, "all along"),
        cue(1000, 2000, "one"),
        cue(1500, 3000, "two"),
    ]);
    let at = |time: i64| cues.text(&cues.at(MediaTime(time * 1000)));
    assert_eq!(at(-1), None);
    assert_eq!(at(0).as_deref(), Some("all along"));
    assert_eq!(at(1000).as_deref(), Some("all along\none"));
    assert_eq!(at(1999).as_deref(), Some("all along\none\ntwo"));
    assert_eq!(at(2000).as_deref(), Some("all along\ntwo"), "an end is not of it");
    assert_eq!(at(5500).as_deref(), Some("all along\nlate"));
    assert_eq!(at(10_000), None);
    assert_eq!(Cues::default().at(MediaTime::ZERO), [0; 0]);
}

#[test]
fn of_many_at_once_the_newest_are_shown() {
    let cues = Cues::new((0..100).map(|number| cue(number, 1000, &number.to_string())).collect());
    assert_eq!(cues.text(&cues.at(MediaTime(500_000))).as_deref(), Some("96\n97\n98\n99"));
}

#[test]
fn a_look_up_agrees_with_looking_at_every_cue() {
    let mut rng = StdRng::seed_from_u64(4);
    let random = |_| {
        let from = rng.random_range(0..10_000);
        cue(from, from + rng.random_range(1..600), "x")
    };
    let cues = Cues::new((0..60).map(random).collect());
    for time in (0..11_000).map(|time| MediaTime(time * 1000)) {
        let shown = |cue: &Cue| cue.from <= time && time < cue.until;
        let all: Vec<usize> = (0..60).filter(|place| shown(&cues.cues[*place])).collect();
        assert_eq!(cues.at(time), all[all.len().saturating_sub(MOST_AT_ONCE)..], "{time:?}");
    }
}

/// Every so many bytes something else: a piece is cut out, doubled or changed.
fn mutated(source: &[u8], rng: &mut StdRng) -> Vec<u8> {
    const PIECES: [&[u8]; 12] = [
        b"-->",
        b"\n\n",
        b"\r",
        b"<",
        b"{\\",
        b"&#",
        b"\xff\xfe",
        b"\0",
        b"WEBVTT",
        b"99999999999:",
        b"\xf0\x9f",
        b"\x1b[",
    ];
    let mut bytes = source.to_vec();
    for _ in 0..rng.random_range(1..12) {
        let at = rng.random_range(0..=bytes.len());
        let until = (at + rng.random_range(0..40)).min(bytes.len());
        match rng.random_range(0..4) {
            0 => drop(bytes.drain(at..until)),
            1 => {
                let piece = bytes[at..until].to_vec();
                bytes.splice(at..at, piece);
            }
            2 => drop(bytes.splice(at..at, PIECES[rng.random_range(0..PIECES.len())].to_vec())),
            _ => bytes[at..until].iter_mut().for_each(|byte| *byte = rng.random()),
        }
    }
    bytes
}

#[test]
fn bad_input_63_any_file_gives_cues_that_can_be_shown() {
    let mut rng = StdRng::seed_from_u64(63);
    for round in 0..10_000 {
        let source = if round % 2 == 0 { SUBRIP } else { WEBVTT };
        let bytes = mutated(source.as_bytes(), &mut rng);
        for cue in parsed(&bytes) {
            let is_fine = cue.from < cue.until
                && !cue.text.is_empty()
                && cue.text.lines().count() <= 8
                && cue.text.chars().all(|c| c == '\n' || !c.is_control());
            assert!(is_fine, "round {round}: {cue:?}");
        }
    }
}
