//! Looking after a running hub from beside it.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    sync::LazyLock,
};

use jsonschema::Validator;
use securestream::{server::admin::ADMIN_ANSWERS_SCHEMA, transport::tls::HubCertificate};
use serde_json::{Value, json};

use crate::{
    home::Home,
    process::{Process, exchange, hub, joined, member, run, samples, start_hub},
    support::events::{GUARD, contains},
};

static ANSWERS: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::validator_for(&serde_json::from_str(ADMIN_ANSWERS_SCHEMA).unwrap()).unwrap());

/// What `securestream hub` answers with --json, and its exit status.
fn ask(home: &Home, words: &[&str]) -> (i32, Value) {
    let (exit, output, _) = run(home, &[&["hub", "--json"], words].concat(), "");
    let answer: Value = serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error} in {output:?}"));
    assert_eq!(output.lines().count(), 1);
    ANSWERS.validate(&answer).unwrap_or_else(|error| panic!("{error} in {answer}"));
    (exit, answer)
}

/// What it prints for people.
fn show(home: &Home, words: &[&str]) -> String {
    let (exit, output, errors) = run(home, &[&["hub"], words].concat(), "");
    assert_eq!((exit, &*errors), (0, ""), "{output}");
    output
}

#[test]
fn who_and_status_tell_what_is_there() {
    let home = Home::new();
    let (hub, url) = hub(&home, &["--videos", &samples(), "--max-members", "9"]);
    assert_eq!(ask(&home, &["who"]), (0, json!({"event": "who", "members": []})));
    assert_eq!(show(&home, &["who"]), "Nobody is here.\n");
    let alice = joined(&home, &url, "alice");
    let fingerprint = alice.events.wait(json!({"event": "welcome"}))["fingerprint"].clone();
    let (_, answer) = ask(&home, &["who"]);
    let member = &answer["members"][0];
    assert_eq!((&member["name"], &member["fingerprint"]), (&json!("alice"), &fingerprint));
    assert!(member["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{member}");
    let text = show(&home, &["who"]);
    assert!(text.starts_with("NAME") && text.contains("alice (guest)") && text.ends_with("1 here\n"), "{text}");

    let (_, status) = ask(&home, &["status"]);
    let expected = json!({"listening": [url], "members": 1, "max_members": 9, "titles": 1, "plays": 0});
    assert!(contains(&status, &expected), "{status}");
    let text = show(&home, &["status"]);
    assert!(text.contains(&url) && text.contains("1 of 9"), "{text}");
    let shown = hub.events.so_far().into_iter().find(|event| event["event"] == "listening").unwrap();
    let expected = json!({"event": "fingerprint", "fingerprint": shown["fingerprint"]});
    assert_eq!(ask(&home, &["fingerprint"]), (0, expected));

    let other = home.path("other");
    let other = other.to_str().unwrap();
    let plain = start_hub(&home, &["--no-videos", "--listen", "tcp://127.0.0.1:0", "--data-dir", other]);
    plain.wait(json!({"event": "listening"}));
    let (_, answer) = ask(&home, &["fingerprint", "--data-dir", other]);
    assert_eq!(answer, json!({"event": "fingerprint", "fingerprint": null}));
}

#[test]
fn who_is_kicked_is_told_so_and_so_is_everybody() {
    let home = Home::new();
    let (hub, url) = hub(&home, &["--no-videos"]);
    let (mut alice, mallory) = (joined(&home, &url, "alice"), joined(&home, &url, "Mallory"));
    assert_eq!(ask(&home, &["kick", "mallory"]), (0, json!({"event": "kicked", "name": "Mallory"})));
    let told = mallory.ended().with(4, "kicked");
    assert_eq!(told.events.iter().filter(|event| event["event"] == "error").count(), 1);
    alice.wait(json!({"event": "left", "name": "Mallory", "reason": "kicked"}));
    hub.wait(json!({"event": "member_left", "name": "Mallory", "reason": "kicked", "members": 1}));
    let mut again = joined(&home, &url, "Mallory");
    exchange(&mut alice, &mut again);
    assert!(show(&home, &["kick", "Mallory"]).contains("may come again"));
}

#[test]
fn a_wrong_name_is_answered_with_the_nearest() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let _alice = joined(&home, &url, "alice");
    let (exit, answer) = ask(&home, &["kick", "alcie"]);
    assert_eq!((exit, &answer["code"]), (1, &json!("no_such_member")));
    assert!(answer["hint"].as_str().unwrap().contains("did you mean alice?"), "{answer}");
    let (exit, output, errors) = run(&home, &["hub", "kick", "a b"], "");
    assert_eq!((exit, &*output), (1, ""));
    assert!(errors.starts_with("error: "), "{errors}");
    let (exit, answer) = ask(&home, &["kick"]);
    assert_eq!((exit, &answer["code"]), (2, &json!("usage")));
}

#[test]
fn without_a_hub_there_it_says_how_to_start_or_find_one() {
    let home = Home::new();
    let (exit, answer) = ask(&home, &["who"]);
    assert_eq!((exit, &answer["code"]), (3, &json!("connect_failed")));
    assert!(answer["hint"].as_str().unwrap().contains("securestream serve"), "{answer}");
    // A hub that died leaves its socket; the next one replaces it.
    let (dead, _) = hub(&home, &["--no-videos"]);
    dead.signal("KILL");
    drop(dead);
    assert!(home.path("data/securestream/hub/admin.sock").exists());
    assert_eq!(ask(&home, &["who"]).0, 3);
    let (_next, _) = hub(&home, &["--no-videos"]);
    assert_eq!(ask(&home, &["who"]).0, 0);
}

#[test]
fn a_folder_serves_one_hub_and_each_hub_answers_in_its_own() {
    let home = Home::new();
    let (_first, url) = hub(&home, &["--no-videos"]);
    let second = start_hub(&home, &["--no-videos", "--listen", "tcp://127.0.0.1:0"]).ended().with(7, "data_unusable");
    let error = second.events.iter().find(|event| event["event"] == "error").unwrap();
    assert!(error["message"].as_str().unwrap().contains("in use"), "{error}");
    let other = home.path("other");
    let other = other.to_str().unwrap();
    let (_third, _) = hub(&home, &["--no-videos", "--data-dir", other]);
    let _alice = joined(&home, &url, "alice");
    assert_eq!(ask(&home, &["who"]).1["members"].as_array().unwrap().len(), 1);
    assert_eq!(ask(&home, &["who", "--data-dir", other]).1["members"], json!([]));
}

/// The titles that a member may choose from now.
fn playable(member: &mut Process) -> Vec<String> {
    member.say("videos");
    let videos = member.wait(json!({"event": "videos"}));
    let titles = videos["titles"].as_array().unwrap().iter().filter(|title| title["unplayable"].is_null());
    titles.map(|title| title["title"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn reload_and_sighup_read_the_videos_again() {
    let home = Home::new();
    let videos = home.path("videos");
    fs::create_dir(&videos).unwrap();
    let copy = |name: &str| fs::copy(format!("{}/mandelbrot_240p.mp4", samples()), videos.join(name)).unwrap();
    copy("one_240p.mp4");
    let (hub, url) = hub(&home, &["--videos", videos.to_str().unwrap()]);
    let mut alice = joined(&home, &url, "alice");
    copy("two_240p.mp4");
    fs::write(videos.join("film.mkv"), "").unwrap();
    let (exit, answer) = ask(&home, &["reload"]);
    assert_eq!((exit, &answer["titles"], &answer["skipped"][0]["file"]), (0, &json!(2), &json!("film.mkv")));
    assert_eq!(playable(&mut alice), ["one", "two"]);
    copy("three_240p.mp4");
    hub.signal("HUP");
    hub.wait(json!({"event": "catalog", "titles": 3}));
    fs::rename(&videos, home.path("elsewhere")).unwrap();
    let (exit, answer) = ask(&home, &["reload"]);
    assert_eq!((exit, &answer["code"]), (7, &json!("data_unusable")));
    assert_eq!(playable(&mut alice), ["one", "three", "two"]);
}

#[test]
fn the_socket_is_the_users_alone_and_nobody_who_idles_there_is_in_the_way() {
    let home = Home::new();
    let (_hub, _) = hub(&home, &["--no-videos"]);
    let path = home.path("data/securestream/hub/admin.sock");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    let idle: Vec<_> = (0..4).map(|_| UnixStream::connect(&path).unwrap()).collect();
    assert_eq!(ask(&home, &["who"]).0, 0);
    let mut endless = UnixStream::connect(&path).unwrap();
    endless.set_read_timeout(Some(GUARD)).unwrap();
    // It may hang up before it has got all of it.
    let _ = endless.write_all(&vec![b' '; 100_000]);
    let mut rest = Vec::new();
    let _ = endless.read_to_end(&mut rest);
    assert_eq!(rest, b"", "what has no end is not answered");
    let mut newer = UnixStream::connect(&path).unwrap();
    newer.set_read_timeout(Some(GUARD)).unwrap();
    newer.write_all(b"{\"cmd\":\"nonsense\"}\n").unwrap();
    let mut answer = String::new();
    newer.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("unknown_command"), "{answer}");
    drop(idle);
}

#[test]
fn who_is_banned_stays_out_until_that_is_taken_back_also_of_the_next_hub() {
    let home = Home::new();
    let (first, url) = hub(&home, &["--no-videos"]);
    let mallory = member(&home, &url, "Mallory", &[]);
    mallory.wait(json!({"event": "directory"}));
    assert_eq!(ask(&home, &["ban", "mallory"]), (0, json!({"event": "banned", "name": "Mallory"})));
    mallory.ended().with(4, "banned");
    first.signal("TERM");
    first.ended().with(0, "");
    let (_second, url) = hub(&home, &["--no-videos"]);
    member(&home, &url, "Mallory", &[]).ended().with(4, "banned");
    assert_eq!(ask(&home, &["unban", "mallory"]).0, 0);
    member(&home, &url, "Mallory", &[]).finished().with(0, "");
    let (exit, answer) = ask(&home, &["unban", "mallory"]);
    assert_eq!((exit, &answer["code"]), (1, &json!("no_such_member")));
}

#[test]
fn a_name_whose_key_is_lost_is_freed() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    member(&home, &url, "bob", &[]).finished().with(0, "");
    let other = home.path("other");
    let other = ["--data-dir", other.to_str().unwrap()];
    member(&home, &url, "bob", &other).ended().with(4, "name_reserved");
    assert_eq!(ask(&home, &["release", "bob"]), (0, json!({"event": "released", "name": "bob"})));
    member(&home, &url, "bob", &other).finished().with(0, "");
    assert_eq!(ask(&home, &["release", "nobody"]).0, 1);
}

#[test]
fn an_invite_lets_in_one_member_once() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos", "--admit", "invite"]);
    member(&home, &url, "carol", &[]).ended().with(4, "not_invited");
    let (exit, invite) = ask(&home, &["invite"]);
    let invited = invite["url"].as_str().unwrap();
    assert!(exit == 0 && invited.contains("?invite=") && invited.contains("#sha256:"), "{invite}");
    member(&home, invited, "carol", &[]).finished().with(0, "");
    member(&home, invited, "dave", &[]).ended().with(4, "not_invited");
    member(&home, &url, "carol", &[]).finished().with(0, "");
    assert!(show(&home, &["invite", "dave"]).contains("dave alone"));
}

#[test]
fn an_invite_has_the_pin_however_the_public_address_was_typed() {
    let home = Home::new();
    let (_hub, _) = hub(&home, &["--no-videos", "--public-url", "hub.example.org:4711"]);
    let key = ask(&home, &["fingerprint"]).1["fingerprint"].as_str().unwrap().to_owned();
    let (exit, invite) = ask(&home, &["invite"]);
    let url = format!("tls://hub.example.org:4711?invite={}#sha256:{key}", invite["code"].as_str().unwrap());
    assert_eq!((exit, &invite["url"]), (0, &json!(url)));
}

#[test]
fn a_certificate_that_was_renewed_is_read_again() {
    let home = Home::new();
    let file = |name: &str| home.path(name).to_str().unwrap().to_owned();
    let write = || {
        let made = HubCertificate::make(&["localhost".into()]).unwrap();
        fs::write(home.path("cert.pem"), &made.certificate).unwrap();
        fs::write(home.path("key.pem"), made.key.as_bytes()).unwrap();
        HubCertificate::read(made.certificate.as_bytes(), made.key.as_bytes()).unwrap().key().to_string()
    };
    let first = write();
    let (cert, key, videos) = (file("cert.pem"), file("key.pem"), file("videos"));
    fs::create_dir(&videos).unwrap();
    let with = ["--videos", &videos, "--listen", "tls://127.0.0.1:0", "--cert", &cert, "--key", &key];
    let hub = start_hub(&home, &with);
    let url = hub.wait(json!({"event": "listening", "fingerprint": first}))["url"].as_str().unwrap().to_owned();
    let _alice = joined(&home, &format!("{url}#sha256:{first}"), "alice");
    assert_eq!(ask(&home, &["fingerprint"]).1["fingerprint"], first);
    fs::write(&cert, "no certificate").unwrap();
    let (exit, answer) = ask(&home, &["reload"]);
    assert_eq!((exit, &answer["code"]), (7, &json!("data_unusable")), "{answer}");
    assert_eq!(ask(&home, &["fingerprint"]).1["fingerprint"], first, "what was there stays");
    let second = write();
    let elsewhere = home.path("elsewhere");
    fs::rename(&videos, &elsewhere).unwrap();
    assert_eq!(ask(&home, &["reload"]).0, 7);
    assert_eq!(ask(&home, &["fingerprint"]).1["fingerprint"], first);
    let _still = joined(&home, &format!("{url}#sha256:{first}"), "carol");
    fs::rename(&elsewhere, &videos).unwrap();
    assert_eq!(ask(&home, &["reload"]).1["fingerprint"], second);
    let digits = show(&home, &["fingerprint"]).split_whitespace().collect::<String>();
    assert_eq!(digits, second);
    let _bob = joined(&home, &format!("{url}#sha256:{second}"), "bob");
}
