use std::time::Duration;

use proptest::{prelude::*, test_runner::RngSeed};

use super::*;
use crate::{
    client::command::{Command, DisplayChoice, PlayRequest, RenditionChoice, SeekTarget, Syntax, VerifyAnswer},
    types::{Fingerprint, MediaTime, MemberName, PlayMode, RenditionLabel, limits::MAX_TEXT},
};

fn instruction(line: &str) -> Result<Instruction, InputError> {
    read_line(line).unwrap_or_else(|| panic!("{line} says nothing")).instruction
}

fn command(line: &str) -> Command {
    match instruction(line) {
        Ok(Instruction::Session(command)) => command,
        other => panic!("{line} is {other:?}"),
    }
}

fn error(line: &str) -> InputError {
    match instruction(line) {
        Err(error) => error,
        Ok(instruction) => panic!("{line} is {instruction:?}"),
    }
}

fn bob() -> MemberName {
    "bob".parse().unwrap()
}

#[test]
fn text_is_raw_to_the_end_of_the_line() {
    for (line, text) in [
        ("send bob meet at noon", "meet at noon"),
        ("  send\tbob \"quoted\" # no comment ", "\"quoted\" # no comment "),
        ("send bob  two blanks", " two blanks"),
        ("send bob k=v", "k=v"),
        ("send bob x\r", "x"),
    ] {
        assert_eq!(command(line), Command::Send { to: bob(), text: text.into() }, "{line}");
    }
    assert_eq!(command("all hi all"), Command::All { text: "hi all".into() });
}

#[test]
fn a_json_line_is_the_same() {
    let line = read_line(r#" {"cmd":"send","to":"bob","text":"a\nb","ref":"7"}"#).unwrap();
    assert_eq!(line.reference.as_deref(), Some("7"));
    assert_eq!(line.instruction, Ok(Instruction::Session(Command::Send { to: bob(), text: "a\nb".into() })));
    assert_eq!(command(r#"{"cmd":"send","to":"bob","text":""}"#), Command::Send { to: bob(), text: String::new() });
    assert_eq!(
        command(r#"{"cmd":"play","title":"my holiday","mode":240,"checksum":true,"id":null}"#),
        command(r#"play "my holiday" mode=240p checksum=1"#)
    );
    assert_eq!(command(r#"{"cmd":"seek","time":7.5,"id":"2"}"#), command("seek 7.5 2"));
    assert_eq!(
        instruction(r#"{"cmd":"wait","event":"joined","name":"bob","timeout":5}"#),
        instruction("wait joined name=bob timeout=5")
    );
}

#[test]
fn every_command_is_read() {
    let play = || Some("2".to_owned());
    let cases = [
        ("who", Command::Who),
        ("directory", Command::Directory),
        ("videos # all", Command::Videos),
        ("whoami", Command::Whoami),
        ("quit", Command::Quit),
        ("pause", Command::Pause { play: None }),
        ("resume 2", Command::Resume { play: play() }),
        ("stop 2", Command::Stop { play: play() }),
        ("seek 1:02", Command::Seek { target: SeekTarget::To(MediaTime(62_000_000)), play: None }),
        ("seek +30 2", Command::Seek { target: SeekTarget::By(MediaTime(30_000_000)), play: play() }),
        ("seek -5", Command::Seek { target: SeekTarget::By(MediaTime(-5_000_000)), play: None }),
        ("rendition auto", Command::Rendition { choice: RenditionChoice::Auto, play: None }),
        ("rendition 720p 2", Command::Rendition { choice: RenditionChoice::Fixed(RenditionLabel(720)), play: play() }),
        ("verify bob", Command::Verify { name: bob(), answer: None }),
        ("verify bob yes", Command::Verify { name: bob(), answer: Some(VerifyAnswer::Yes) }),
        ("trust bob", Command::Trust { name: bob(), fingerprint: None }),
        ("block bob", Command::Block { name: bob() }),
        ("unblock bob", Command::Unblock { name: bob() }),
    ];
    for (line, expected) in cases {
        assert_eq!(command(line), expected, "{line}");
        assert_eq!(expected.name().as_str(), line.split(' ').next().unwrap());
    }
    assert_eq!(instruction("sleep 0.5"), Ok(Instruction::Sleep(Duration::from_millis(500))));
    assert_eq!(instruction("help"), Ok(Instruction::Help(None)));
    assert_eq!(instruction("help play"), Ok(Instruction::Help(Some(CommandName::Play))));
    let digits = "12345 ".repeat(12);
    let answer = Some(VerifyAnswer::Digits("12345".repeat(12)));
    assert_eq!(command(&format!("verify bob \"{}\"", digits.trim())), Command::Verify { name: bob(), answer });
    let fingerprint = Some(Fingerprint([0xab; 32]));
    assert_eq!(command(&format!("trust bob {}", "ab".repeat(32))), Command::Trust { name: bob(), fingerprint });
}

#[test]
fn every_field_of_play_is_read() {
    let all = "play x mode=tour max=720 start=1 end=0:02 speed=max checksum=1 display=none sound=none subtitles=pt-BR id=demo-1";
    let expected = PlayRequest {
        mode: PlayMode::Tour,
        max: Some(720),
        start: Some(MediaTime(1_000_000)),
        end: Some(MediaTime(2_000_000)),
        full_speed: true,
        checksum: true,
        display: Some(DisplayChoice::None),
        sound: false,
        subtitles: Some("pt-BR".into()),
        id: Some("demo-1".into()),
        ..PlayRequest::of("x")
    };
    assert_eq!(command(all), Command::Play(expected));
    assert_eq!(command("play a=b"), Command::Play(PlayRequest::of("a=b")), "a title may look like a field");
}

#[test]
fn what_is_wrong_is_said_with_what_to_write() {
    let cases = [
        ("sned bob hi", Code::UnknownCommand, "did you mean send?"),
        ("xyzzy", Code::UnknownCommand, "help lists"),
        ("send", Code::Usage, "send NAME TEXT"),
        ("send bob", Code::Usage, "send NAME TEXT"),
        ("send bob ", Code::Usage, "send NAME TEXT"),
        ("send all hi", Code::NoSuchMember, "all TEXT"),
        ("send 12 hi", Code::NoSuchMember, "who tells"),
        ("who now", Code::Usage, "who"),
        ("play", Code::Usage, "play TITLE"),
        ("play x mod=tour", Code::Usage, "did you mean mode?"),
        ("play x mode=tuor", Code::Usage, "play TITLE"),
        ("play x mode=tour mode=auto", Code::Usage, "play TITLE"),
        ("play \"x", Code::Usage, "play TITLE"),
        ("play x id=last", Code::Usage, "play TITLE"),
        ("play x id=7", Code::Usage, "play TITLE"),
        ("play x display=screen", Code::Usage, "play TITLE"),
        ("pause 1 2", Code::Usage, "pause [ID]"),
        ("rendition best", Code::Usage, "rendition HEIGHT"),
        ("verify bob no", Code::Usage, "verify NAME"),
        ("trust bob 00", Code::Usage, "trust NAME"),
        ("help sned", Code::UnknownCommand, "send"),
        ("wait", Code::Usage, "wait EVENT"),
        ("sleep", Code::Usage, "sleep SECONDS"),
        ("expect-error", Code::Usage, "expect-error CODE"),
        ("expect-error usage", Code::Usage, "expect-error CODE"),
        ("expect-error usgae who", Code::Usage, "expect-error CODE"),
        ("{", Code::Usage, r#"{"cmd":"#),
        (r#"{"text":"hi"}"#, Code::Usage, r#"{"cmd":"#),
        (r#"{"cmd":"send","to":["bob"],"text":"hi"}"#, Code::Usage, "send NAME"),
        (r#"{"cmd":"send","to":"bob","txet":"hi"}"#, Code::Usage, "send NAME"),
        (r#"{"cmd":"expect-error","code":"usage","command":7}"#, Code::Usage, ""),
    ];
    for (line, code, hint) in cases {
        let error = match instruction(line) {
            Ok(Instruction::ExpectError { instruction, .. }) => instruction.unwrap_err(),
            other => other.expect_err(line),
        };
        assert_eq!(error.code(), code, "{line}: {error}");
        assert!(error.hint().contains(hint), "{line}: {}", error.hint());
        assert!(!error.hint().is_empty() && !error.to_string().is_empty(), "{line}");
    }
}

#[test]
fn bad_input_51_times_of_commands() {
    for line in ["seek NaN", "seek", "seek inf", "seek 1e3", "play x start=soon", "sleep x"] {
        assert_eq!(error(line).code(), Code::Usage, "{line}");
    }
    for line in
        ["play x start=-3", "seek 9999999999", "seek --5", "sleep -1", "wait left timeout=-1", "play x start=5 end=5"]
    {
        assert_eq!(error(line).code(), Code::OutOfRange, "{line}");
    }
}

#[test]
fn bad_input_36_texts_up_to_the_limit() {
    let line = |bytes: usize| format!("send bob {}", "x".repeat(bytes));
    assert!(matches!(command(&line(MAX_TEXT)), Command::Send { text, .. } if text.len() == MAX_TEXT));
    assert_eq!(error(&line(MAX_TEXT + 1)).code(), Code::MessageTooLarge);
}

#[test]
fn one_expectation_holds_another_command_and_no_other_expectation() {
    let Ok(Instruction::ExpectError { code: Code::Usage, instruction: inner }) =
        instruction("expect-error usage expect-error usage who")
    else {
        panic!("no expectation")
    };
    assert_eq!(inner.unwrap_err().code(), Code::Usage);
    let deep = "expect-error usage ".repeat(10_000);
    assert!(matches!(instruction(&deep), Ok(Instruction::ExpectError { instruction, .. }) if instruction.is_err()));
    let deep = r#"{"cmd":"expect-error","code":"usage","command":"#.repeat(10_000);
    assert_eq!(error(&deep).code(), Code::Usage);
}

#[test]
fn hostile_text_in_an_error_is_escaped() {
    let shown = error("\u{1b}[2J\u{202e} x").to_string();
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
    assert!(error(&"x".repeat(1_000_000)).to_string().len() < 200);
}

#[test]
fn the_help_of_every_command_names_its_arguments() {
    for name in CommandName::ALL {
        assert_eq!(Syntax::help(Some(*name)).len(), 1);
    }
    assert_eq!(Syntax::help(None).len(), CommandName::ALL.len());
}

/// Always the same cases, so that a failure comes again.
fn fixed(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(0x5ec), failure_persistence: None, ..ProptestConfig::default() }
}

/// Lines that are nearly commands.
fn nearly_a_line() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "send",
        "all",
        "play",
        "seek",
        "wait",
        "sleep",
        "help",
        "expect-error",
        "usage",
        "bob",
        "mode=",
        "tour",
        "id=last",
        "timeout=",
        "-1",
        "1:02:03",
        "\"",
        "\\",
        "#",
        "{",
        "}",
        "\"cmd\":",
        "\"send\"",
        ",",
        "=",
        "joined|left",
        "é",
        "\u{1b}[2J",
    ]);
    prop::collection::vec(prop_oneof![4 => words.prop_map(str::to_owned), 1 => ".{0,6}"], 0..8)
        .prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(fixed(2000))]

    #[test]
    fn no_line_panics_and_every_refusal_can_be_shown(line in nearly_a_line()) {
        let Some(Line { instruction: Err(error), .. }) = read_line(&line) else { return Ok(()) };
        let failure = error.failure();
        prop_assert!(!failure.message.chars().any(char::is_control), "{:?}", failure.message);
        prop_assert!(failure.hint.is_some(), "{line:?}: {}", failure.message);
        prop_assert_ne!(failure.code.exit() as u8, 0);
    }

    #[test]
    fn any_text_survives_a_line_and_json(text in "[^\\r\\n]{1,80}") {
        prop_assume!(!text.trim().is_empty());
        let expected = Command::Send { to: bob(), text: text.clone() };
        prop_assert_eq!(&command(&format!("send bob {text}")), &expected);
        let json = serde_json::json!({"cmd": "send", "to": "bob", "text": text});
        prop_assert_eq!(&command(&json.to_string()), &expected);
    }

    #[test]
    fn any_title_survives_quotes(title in "[^\\r\\n]{0,40}") {
        let quoted = title.replace('\\', r"\\").replace('"', r#"\""#);
        prop_assert_eq!(command(&format!("play \"{quoted}\" mode=tour")), Command::Play(PlayRequest {
            mode: PlayMode::Tour,
            ..PlayRequest::of(title)
        }));
    }
}
