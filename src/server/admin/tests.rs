use serde_json::{Value, json};

use super::*;
use crate::{
    directory::MemoryDirectory,
    server::{Bindings, RelayOptions},
    types::RelayMode,
};

fn relay() -> Relay {
    let options = RelayOptions { mode: RelayMode::Broadcast, max_members: 7 };
    Relay::new(options, Box::new(MemoryDirectory::default()), Bindings::default())
}

/// What a relay with nobody on it answers, once it is written where that matters.
fn ask_with(facts: &Facts, line: &str) -> Value {
    let code = InviteCode::new([7; InviteCode::BYTES]);
    let answer = match read_request(line.as_bytes()).map(|request| answer(request, &mut relay(), facts, &code)) {
        Ok(Reply::Now(answer)) => answer,
        Ok(Reply::Once(_, answer)) => committed(answer, true),
        Ok(Reply::Reload) => AdminAnswer::Reloaded(Reloaded::default()),
        Err(error) => error.into(),
    };
    serde_json::from_slice(&answer_line(&answer)).unwrap()
}

fn ask(line: &str) -> Value {
    ask_with(&Facts::default(), line)
}

#[test]
fn what_is_not_here_bound_or_banned_is_said_with_what_to_do_next() {
    for (cmd, code) in [("kick", "no_such_member"), ("unban", "no_such_member"), ("release", "no_such_member")] {
        let answer = ask(&json!({"cmd": cmd, "name": "bob"}).to_string());
        assert_eq!(answer["code"], code, "{cmd}");
        assert!(!answer["hint"].as_str().unwrap().is_empty(), "{cmd}");
    }
    for cmd in ["kick", "ban", "unban", "release", "invite"] {
        assert_eq!(ask(&json!({"cmd": cmd, "name": "a b"}).to_string())["code"], "bad_name", "{cmd}");
    }
    assert_eq!(
        ask(r#"{"cmd":"ban","name":"Bob"}"#),
        json!({"event": "banned", "name": "Bob"}),
        "though it is not here"
    );
    let lost = committed(AdminAnswer::Banned { name: "bob".into() }, false);
    assert!(matches!(lost, AdminAnswer::Error(error) if error.known_code() == Code::DataUnusable));
}

#[test]
fn an_invite_is_a_url_with_its_code_and_the_pin() {
    let code = InviteCode::new([7; InviteCode::BYTES]).text();
    let mut facts = Facts { listening: vec!["unix:/hub".into()], ..Facts::default() };
    let invite = ask_with(&facts, r#"{"cmd":"invite","name":null}"#);
    assert_eq!(
        invite,
        json!({"event": "invite", "code": code, "url": format!("unix:/hub?invite={code}"), "name": null})
    );
    facts.listening.push("tls://hub.example.org:9999".into());
    facts.fingerprint = Some("3f".repeat(32));
    let invite = ask_with(&facts, r#"{"cmd":"invite","name":"Carol"}"#);
    let pin = "3f".repeat(32);
    assert_eq!(invite["url"], format!("tls://hub.example.org:9999?invite={code}#sha256:{pin}"));
    assert_eq!(invite["name"], "Carol");
}

#[test]
fn requests_are_objects_with_a_command() {
    assert_eq!(ask(r#"{"cmd":"who"}"#), json!({"event": "who", "members": []}));
    let status = ask(r#"{"cmd":"status"}"#);
    assert_eq!((&status["max_members"], &status["relay"]), (&json!(7), &json!("broadcast")));
    assert_eq!(ask(r#"{"cmd":"fingerprint"}"#), json!({"event": "fingerprint", "fingerprint": null}));
    for line in ["", "who", "[]", r#"{"cmd":"dance"}"#, r#"{"cmd":"kick"}"#, r#"{"cmd":"kick","name":7}"#, "\u{0}"] {
        assert_eq!(ask(line)["code"], "unknown_command", "{line:?}");
    }
}

#[test]
fn every_answer_keeps_to_the_schema_and_is_read_back() {
    let schema: Value = serde_json::from_str(ADMIN_ANSWERS_SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut kinds = BTreeSet::new();
    for answer in examples() {
        let line = answer_line(&answer);
        assert!(line.ends_with(b"}\n"));
        let value: Value = serde_json::from_slice(&line).unwrap();
        validator.validate(&value).unwrap_or_else(|error| panic!("{error} in {value}"));
        assert_eq!(serde_json::from_slice::<AdminAnswer>(&line).unwrap(), answer);
        kinds.insert(value["event"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds.len(), schema["oneOf"].as_array().unwrap().len(), "{kinds:?}");
    assert!(validator.validate(&json!({"event": "kicked", "nmae": "bob"})).is_err());
}

fn examples() -> Vec<AdminAnswer> {
    let name = || "bob".to_owned();
    let member =
        AdminMember { name: name(), fingerprint: "3f".repeat(32), guest: true, peer: Some("unix".into()), plays: 1 };
    let away = AdminMember { peer: None, ..member.clone() };
    let skipped = vec![SkippedFile { file: "film.mkv".into(), reason: "its container is not read".into() }];
    vec![
        AdminAnswer::Who { members: vec![member, away] },
        status(&relay(), &Facts::default()),
        AdminAnswer::Kicked { name: name() },
        AdminAnswer::Banned { name: name() },
        AdminAnswer::Unbanned { name: name() },
        AdminAnswer::Released { name: name() },
        AdminAnswer::Invite { code: "c".into(), url: "tls://hub?invite=c".into(), name: None },
        AdminAnswer::Fingerprint { fingerprint: None },
        AdminAnswer::Fingerprint { fingerprint: Some("3f".repeat(32)) },
        AdminAnswer::Reloaded(Reloaded { titles: 3, skipped, fingerprint: None }),
        AdminError::new(Code::TryLater, "busy", "try again").into(),
    ]
}

#[test]
fn codes_of_a_newer_hub_are_failures_all_the_same() {
    let error = AdminError { code: "brand_new".into(), ..AdminError::new(Code::Usage, "", "") };
    assert_eq!(
        (error.known_code(), AdminError::new(Code::Banned, "", "").known_code()),
        (Code::Internal, Code::Banned)
    );
}

#[test]
fn a_file_that_is_left_out_is_told_once() {
    let read = |files: &[&str]| {
        let skipped = |file: &&str| SkippedFile { file: (*file).to_owned(), reason: "no moov".to_owned() };
        Reloaded { titles: 3, skipped: files.iter().map(skipped).collect(), fingerprint: None }
    };
    let news = |event| match event {
        HubEvent::Catalog { news, skipped, .. } => (skipped.len(), news),
        other => panic!("{other:?}"),
    };
    let (first, second) = (read(&["a.mp4", "b.mp4"]), read(&["a.mp4", "b.mp4", "c.mp4"]));
    assert_eq!(news(first.event(None)), (2, first.skipped.clone()));
    assert_eq!(news(second.event(Some(&first))), (3, second.skipped[2..].to_vec()));
    assert_eq!(news(first.event(Some(&second))), (2, vec![]));
}
