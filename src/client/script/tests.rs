use proptest::{prelude::*, test_runner::RngSeed};

use super::*;
use crate::{
    client::{
        command::InputError,
        event::testing::{examples, line_of, member, message, name, play_end, post},
    },
    types::LeaveReason,
};

/// Answers requests as a hub with bob on it would, the moment they come.
struct Rig {
    script: Script,
    now: Duration,
    sent: u8,
    /// Every event in order, the script's own among them, each checked against the schema.
    seen: Vec<String>,
    quits: usize,
}

impl Rig {
    fn new() -> Self {
        Self::with(OnError::Stop)
    }

    fn with(on_error: OnError) -> Self {
        let mut rig = Self { script: Script::new(on_error), now: Duration::ZERO, sent: 0, seen: vec![], quits: 0 };
        assert!(!rig.script.wants_line(), "not before the member is in");
        rig.event(&Event::Directory { epoch: 1, members: vec![member("alice"), member("bob")] });
        rig.seen.clear();
        rig
    }

    fn event(&mut self, event: &Event) {
        self.note(event, None);
        self.script.handle_event(event, self.now);
        self.drain();
    }

    fn line(&mut self, line: &str) {
        assert!(self.script.wants_line(), "{line} comes too early after {:?}", self.seen);
        self.script.handle_line(InputLine::Text(line.to_owned()), self.now);
        self.drain();
    }

    fn lines(&mut self, lines: &[&str]) {
        for line in lines {
            self.line(line);
        }
    }

    fn end(&mut self) {
        self.script.handle_line(InputLine::End, self.now);
        self.drain();
    }

    fn pass(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
        self.script.handle_timeout(self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.script.poll_output() {
            match output {
                ScriptOutput::Event { event, reference } => self.note(&event, reference.as_deref()),
                ScriptOutput::Request(request) => self.serve(&request),
            }
        }
    }

    fn serve(&mut self, request: &Request) {
        let mut answers = Vec::new();
        match &request.command {
            Command::Send { to, .. } if *to != name("bob") => {
                let failure = Failure::new(Code::NoSuchMember, "nobody", "who").of(CommandName::Send);
                return self.answer(&[Event::Error(failure)], request);
            }
            Command::Send { to, .. } => {
                self.sent += 1;
                answers.push(Event::Queued { id: post(self.sent), to: Receiver::Member(to.clone()) });
            }
            Command::Play(play) => answers.push(Event::PlayStarted {
                id: play.id.clone().unwrap_or("1".to_owned()),
                title: play.title.clone(),
                first_frame_ms: 1,
            }),
            // Left open, so that a test can see what happens meanwhile.
            Command::Who => return,
            Command::Quit => self.quits += 1,
            _ => {}
        }
        answers.push(Event::Ok { command: request.command.name() });
        self.answer(&answers, request);
    }

    fn answer(&mut self, events: &[Event], request: &Request) {
        for event in events {
            self.note(event, request.reference.as_deref());
            self.script.handle_event(event, self.now);
        }
        self.drain();
    }

    fn note(&mut self, event: &Event, reference: Option<&str>) {
        self.seen.push(line_of(event, reference));
    }

    fn last(&self) -> &str {
        self.seen.last().unwrap()
    }

    #[track_caller]
    fn ended_with(&self, exit: ExitCode) {
        assert!(self.script.is_over(), "goes on after {:?}", self.seen);
        assert_eq!((self.script.exit_code(), self.quits), (exit, 1), "{:?}", self.seen);
    }
}

fn failed(id: u8, code: Code) -> Event {
    Event::Failed { id: post(id), to: Receiver::Member(name("bob")), code }
}

fn delivered(id: u8) -> Event {
    Event::Delivered { id: post(id), by: name("bob"), remaining: 0 }
}

#[test]
fn the_example_of_the_contract_runs() {
    let mut rig = Rig::new();
    rig.lines(&["wait joined name=bob", "send bob meet at noon", "wait delivered id=last"]);
    assert!(!rig.script.wants_line());
    rig.event(&Event::Accepted { id: post(1) });
    rig.event(&delivered(1));
    rig.lines(&["play mandelbrot mode=tour speed=max", "wait play_ended id=last timeout=60"]);
    rig.event(&Event::PlayEnded(play_end("1")));
    rig.end();
    rig.ended_with(ExitCode::Fine);
}

#[test]
fn empty_lines_and_comments_are_nothing() {
    let mut rig = Rig::new();
    rig.lines(&["", "  ", "# a comment", "  # another", "help who # a third"]);
    assert_eq!(rig.seen.len(), 2, "{:?}", rig.seen);
}

#[test]
fn a_line_is_read_when_the_one_before_is_answered() {
    let mut rig = Rig::new();
    rig.line("who");
    rig.event(&Event::Joined(member("carol")));
    rig.event(&Event::Ok { command: CommandName::Send });
    rig.event(&Event::Error(Failure::new(Code::RateLimited, "not about a command", "")));
    assert!(!rig.script.wants_line());
    rig.script.handle_line(InputLine::Text("quit".into()), rig.now);
    assert!(!rig.script.is_over(), "a line that nobody asked for is left alone");
    rig.event(&Event::Ok { command: CommandName::Who });
    assert!(rig.script.wants_line());
}

#[test]
fn a_wait_takes_the_first_such_event_that_no_wait_took() {
    let mut rig = Rig::new();
    rig.event(&message("bob", "one"));
    rig.event(&message("bob", "two"));
    rig.lines(&["wait message from=bob", "wait message|left from=BOB text=two"]);
    rig.line("wait message timeout=1");
    rig.pass(0.5);
    assert!(!rig.script.is_over());
    rig.pass(0.5);
    rig.ended_with(ExitCode::WaitTimedOut);
    assert!(rig.seen.iter().any(|line| line.contains(r#""code":"timeout""#)), "{:?}", rig.seen);
}

#[test]
fn a_wait_lasts_ten_seconds_unless_told_and_for_ever_with_0() {
    let mut rig = Rig::with(OnError::Continue);
    rig.line("wait left");
    assert_eq!(rig.script.poll_timeout(), Some(Duration::from_secs(10)));
    rig.pass(9.9);
    assert!(!rig.script.wants_line());
    rig.pass(0.1);
    rig.line("wait left timeout=0");
    assert_eq!(rig.script.poll_timeout(), None);
    rig.pass(1e6);
    assert!(!rig.script.wants_line());
    rig.event(&Event::Left { name: name("bob"), reason: LeaveReason::Quit });
    assert!(rig.script.wants_line());
    rig.end();
    rig.ended_with(ExitCode::Fine);
}

#[test]
fn joined_with_a_name_holds_at_once_when_they_are_here() {
    let mut rig = Rig::new();
    rig.lines(&["wait joined name=Bob", "wait joined name=bob guest=false", "wait left|joined name=bob"]);
    rig.event(&Event::Left { name: name("bob"), reason: LeaveReason::Lost });
    rig.line("wait joined name=bob");
    assert!(!rig.script.wants_line(), "gone");
    rig.event(&Event::Joined(member("carol")));
    assert!(!rig.script.wants_line(), "someone else");
    rig.event(&Event::Joined(member("bob")));
    rig.line("wait joined name=bob guest=true timeout=1");
    assert!(!rig.script.wants_line(), "here, but no guest");
    rig.pass(1.0);
    rig.ended_with(ExitCode::WaitTimedOut);
}

#[test]
fn a_wait_for_a_delivery_fails_when_that_message_failed() {
    for line in ["wait delivered id=last", "wait delivered by=bob", "wait delivered", "wait delivered|left id=last"] {
        let mut rig = Rig::new();
        rig.lines(&["send bob a", "send bob b", line]);
        rig.event(&failed(1, Code::Expired));
        assert!(!rig.script.is_over(), "another message: {line}");
        rig.event(&failed(2, Code::Expired));
        rig.ended_with(ExitCode::CommandFailed);
        assert!(
            rig.seen.iter().any(|seen| seen.contains(r#""code":"expired""#) && seen.contains(r#""command":"wait""#))
        );
    }
}

#[test]
fn a_delivery_that_came_is_found_although_a_later_message_failed() {
    let mut rig = Rig::new();
    rig.lines(&["send bob a", "send bob b"]);
    rig.event(&delivered(1));
    rig.event(&failed(2, Code::Expired));
    rig.lines(&["wait delivered", "wait failed id=last"]);
    rig.end();
    rig.ended_with(ExitCode::Fine);
}

#[test]
fn last_is_the_newest_send_or_play() {
    let mut rig = Rig::new();
    rig.lines(&["send bob a", "play mandelbrot id=demo"]);
    rig.event(&Event::PlayEnded(play_end("demo")));
    rig.lines(&["wait play_ended id=last", "send bob b"]);
    rig.event(&Event::Accepted { id: post(2) });
    rig.line("wait accepted id=last");
    assert!(rig.script.wants_line());
    let mut rig = Rig::new();
    rig.line("wait accepted id=last");
    rig.ended_with(ExitCode::Usage);
}

#[test]
fn a_failed_command_stops_the_script_with_its_exit_code() {
    for (line, exit) in [
        ("send zoe hi", ExitCode::CommandFailed),
        ("sned bob hi", ExitCode::Usage),
        ("send bob", ExitCode::Usage),
        ("wait left timeout=0.001", ExitCode::WaitTimedOut),
    ] {
        let mut rig = Rig::new();
        rig.line(line);
        rig.pass(0.01);
        assert!(!rig.script.wants_line(), "{line}");
        rig.ended_with(exit);
    }
}

#[test]
fn with_continue_the_script_goes_on_and_ends_with_0() {
    let mut rig = Rig::with(OnError::Continue);
    rig.lines(&["send zoe hi", "sned", "{", "send bob hi"]);
    rig.event(&Event::Accepted { id: post(1) });
    rig.end();
    rig.ended_with(ExitCode::Fine);
}

#[test]
fn expect_error_succeeds_when_the_command_fails_with_the_code() {
    let mut rig = Rig::new();
    rig.lines(&[
        "expect-error no_such_member send zoe hi",
        "expect-error usage send bob",
        "expect-error unknown_command sned bob hi",
        r#"{"cmd":"expect-error","code":"no_such_member","command":{"cmd":"send","to":"zoe","text":"hi"},"ref":"x"}"#,
        "expect-error timeout wait left timeout=1",
    ]);
    rig.pass(1.0);
    assert!(rig.last().contains(r#""event":"ok","command":"expect-error""#), "{}", rig.last());
    assert!(rig.seen.iter().any(|line| line.contains("expect-error") && line.contains(r#""ref":"x""#)));
    assert!(rig.script.wants_line());
}

#[test]
fn expect_error_fails_otherwise() {
    for (line, code) in [
        ("expect-error usage send zoe hi", Code::NoSuchMember),
        ("expect-error usage whoami", Code::UnexpectedSuccess),
        ("expect-error usage quit", Code::UnexpectedSuccess),
    ] {
        let mut rig = Rig::new();
        rig.line(line);
        assert!(rig.script.is_over(), "{line}");
        assert_eq!(rig.script.exit_code(), ExitCode::CommandFailed);
        let told = format!(r#""code":"{code}""#);
        assert!(rig.seen.iter().any(|seen| seen.contains(&told) && seen.contains("expect-error")), "{:?}", rig.seen);
    }
}

#[test]
fn a_failed_post_makes_the_exit_code_1_unless_a_wait_took_it() {
    let mut rig = Rig::new();
    rig.line("send bob hi");
    rig.event(&failed(1, Code::NoSuchMember));
    rig.line("whoami");
    rig.end();
    rig.ended_with(ExitCode::CommandFailed);

    let mut rig = Rig::new();
    rig.line("send bob hi");
    rig.event(&failed(1, Code::NoSuchMember));
    rig.line("wait delivered|failed id=last");
    rig.end();
    rig.ended_with(ExitCode::Fine);
}

#[test]
fn the_end_of_the_input_waits_for_posts_and_plays() {
    let mut rig = Rig::new();
    rig.lines(&["send bob a", "send bob b", "play mandelbrot"]);
    rig.end();
    assert!(!rig.script.is_over() && !rig.script.wants_line());
    rig.event(&Event::Accepted { id: post(1) });
    rig.event(&failed(2, Code::NoSuchMember));
    assert!(!rig.script.is_over());
    rig.event(&Event::PlayEnded(play_end("1")));
    rig.ended_with(ExitCode::CommandFailed);
}

#[test]
fn the_end_of_the_input_may_come_before_the_last_line_is_done() {
    let mut rig = Rig::new();
    rig.line("sleep 2");
    rig.end();
    rig.pass(1.9);
    assert!(!rig.script.is_over());
    rig.pass(0.1);
    rig.ended_with(ExitCode::Fine);

    let mut script = Script::new(OnError::Stop);
    script.handle_line(InputLine::End, Duration::ZERO);
    assert_eq!(script.poll_output(), None, "not before the member is in");
    script.handle_event(&Event::Directory { epoch: 0, members: vec![] }, Duration::ZERO);
    assert!(script.is_over());
}

#[test]
fn quit_leaves_at_once_and_nothing_is_read_after_it() {
    let mut rig = Rig::new();
    rig.lines(&["send bob a", r#"{"cmd":"quit","ref":5}"#]);
    rig.ended_with(ExitCode::Fine);
    assert!(rig.last().contains(r#""command":"quit","ref":"5""#), "{}", rig.last());
    rig.event(&failed(1, Code::Disconnected));
    assert_eq!(rig.script.exit_code(), ExitCode::CommandFailed, "what fails while leaving counts");
}

#[test]
fn what_a_line_causes_carries_its_ref() {
    let mut rig = Rig::new();
    rig.line(r#"{"cmd":"send","to":"bob","text":"a\nb","ref":"7"}"#);
    assert!(rig.seen.iter().all(|line| line.contains(r#""ref":"7""#)), "{:?}", rig.seen);
    rig.line(r#"{"cmd":"help","ref":"8"}"#);
    assert!(rig.last().contains(r#""ref":"8""#));
    rig.line(r#"{"cmd":"nonsense","ref":"9"}"#);
    assert!(rig.seen.iter().any(|line| line.contains(r#""event":"error""#) && line.contains(r#""ref":"9""#)));
}

#[test]
fn bad_input_62_lines_that_are_no_text_or_too_long() {
    let mut rig = Rig::with(OnError::Continue);
    for error in [InputError::NotUtf8, InputError::LineTooLarge { limit: 5 }] {
        rig.script.handle_line(InputLine::Refused(error), rig.now);
        rig.drain();
        assert!(rig.last().contains(r#""event":"error""#));
    }
    rig.end();
    rig.ended_with(ExitCode::Fine);
}

/// What may happen to a script.
#[derive(Clone, Debug)]
enum Happening {
    Line(&'static str),
    Event(usize),
    Time(u32),
}

fn happening() -> impl Strategy<Value = Happening> {
    let lines = prop::sample::select(vec![
        "send bob hi",
        "send zoe hi",
        "play mandelbrot",
        "who",
        "help",
        "wait joined name=bob",
        "wait delivered",
        "wait delivered id=last timeout=3",
        "wait failed|message timeout=0",
        "sleep 2",
        "expect-error usage who",
        "expect-error timeout wait left timeout=1",
        "nonsense",
        r#"{"cmd":"whoami","ref":"7"}"#,
    ]);
    prop_oneof![
        3 => lines.prop_map(Happening::Line),
        3 => (0..examples().len()).prop_map(Happening::Event),
        1 => (0..20_u32).prop_map(Happening::Time),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        rng_seed: RngSeed::Fixed(0x5ec),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_a_script_ends_when_all_is_answered(happenings in prop::collection::vec(happening(), 0..40)) {
        let mut rig = Rig::with(OnError::Continue);
        for happening in happenings {
            match happening {
                Happening::Line(line) if rig.script.wants_line() => rig.line(line),
                Happening::Line(_) => {}
                Happening::Event(number) => rig.event(&examples()[number]),
                Happening::Time(seconds) => rig.pass(f64::from(seconds)),
            }
            prop_assert!(!rig.script.is_over());
            prop_assert_eq!(rig.script.poll_output(), None, "all is taken out");
            prop_assert!(!rig.script.wants_line() || rig.script.poll_timeout().is_none());
        }
        rig.end();
        rig.event(&Event::Ok { command: CommandName::Who });
        rig.event(&message("bob", "for a wait without end"));
        rig.pass(1e6);
        for id in [1, 2, 3].into_iter().chain(1..=rig.sent) {
            rig.event(&Event::Accepted { id: post(id) });
            rig.event(&Event::Failed { id: post(id), to: Receiver::All, code: Code::Expired });
        }
        for id in ["1", "x", "demo"] {
            rig.event(&Event::PlayEnded(play_end(id)));
        }
        prop_assert!(rig.script.is_over(), "{:?}", rig.script);
        prop_assert_eq!(rig.quits, 1);
    }
}

#[test]
fn a_script_that_breaks_off_has_failed_also_when_it_goes_on_after_errors() {
    for on_error in [OnError::Stop, OnError::Continue] {
        let mut rig = Rig::with(on_error);
        rig.line("send bob hi");
        rig.script.handle_line(InputLine::Broken("a bad disk".into()), rig.now);
        rig.drain();
        let is_told = |line: &String| line.contains("data_unusable") && line.contains("a bad disk");
        assert!(rig.seen.iter().any(is_told), "{:?}", rig.seen);
        rig.ended_with(ExitCode::Data);
    }
}

#[test]
fn the_end_does_not_wait_for_what_a_changed_key_holds() {
    let changed = Event::KeyChanged {
        name: name("bob"),
        old: crate::types::Fingerprint([1; 32]),
        new: crate::types::Fingerprint([2; 32]),
        was_verified: false,
        held: 1,
    };
    let held = || {
        let mut rig = Rig::new();
        rig.line("send bob hello");
        rig.event(&changed);
        rig
    };
    let mut rig = held();
    rig.end();
    assert_eq!(rig.quits, 1, "nobody is there to trust the key");

    // Whoever has the name next, or the keys that the known ones vouch for, may be written to.
    let left = Event::Left { name: name("bob"), reason: LeaveReason::Quit };
    let text = rotation_text(&name("bob"));
    for event in [left, Event::Notice { code: Code::KeyRotated, text }] {
        let mut rig = held();
        rig.event(&event);
        rig.end();
        assert_eq!(rig.quits, 0, "{event:?}: it is under way");
        rig.event(&Event::Accepted { id: post(1) });
        assert_eq!(rig.quits, 1);
    }

    let mut rig = held();
    rig.line("trust bob");
    rig.end();
    assert_eq!(rig.quits, 0, "it goes out now");
    rig.event(&Event::Accepted { id: post(1) });
    assert_eq!(rig.quits, 1);
}
