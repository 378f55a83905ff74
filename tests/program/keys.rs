//! Keys that are shown, changed, protected, carried away and brought back.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use serde_json::{Value, json};

use crate::{
    home::Home,
    process::{Ended, Process, exchange, hub, joined, member},
    support::schema::Schema,
};

const PHRASE: &str = "correct horse battery";

/// What `securestream keys …` said, and how it ended. No end may come of a panic, and no passphrase is told.
fn keys(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = home.command(&[&["keys"], arguments].concat());
    command.envs(environment.iter().copied());
    let mut child = command.spawn().unwrap();
    // What is read from standard input is empty.
    let _ = child.stdin.take().unwrap().write_all(b"");
    let output = child.wait_with_output().unwrap();
    let [told, errors] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(!errors.contains("panicked"), "{errors}");
    assert!(!told.contains(PHRASE) && !errors.contains(PHRASE), "{told}{errors}");
    (output.status.code().unwrap_or(-1), told, errors)
}

/// The answer in JSON of a command that succeeds.
fn answer(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> Value {
    let (exit, told, errors) = keys(home, &[arguments, &["--json"]].concat(), environment);
    assert_eq!((exit, &*errors), (0, ""), "{arguments:?} {told}");
    serde_json::from_str(&told).unwrap()
}

/// The error in JSON of a command that fails, which is told as a member tells it.
fn refused(home: &Home, arguments: &[&str], environment: &[(&str, &str)], exit: i32, code: &str) -> Value {
    let (status, told, errors) = keys(home, &[arguments, &["--json"]].concat(), environment);
    assert_eq!(status, exit, "{arguments:?} {told}{errors}");
    let events: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for event in &events {
        Schema::Member.check(event);
    }
    let [_, error, bye] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&error["code"], &bye["exit"]), (&json!(code), &json!(exit)), "{error}");
    assert!(!error["hint"].as_str().unwrap().is_empty(), "{error}");
    assert!(!errors.is_empty(), "people are told as well");
    error.clone()
}

fn fingerprint(member: &Process) -> Value {
    member.wait(json!({"event": "welcome", "guest": false}))["fingerprint"].clone()
}

/// Makes the keys of bob and gives their fingerprint.
fn make_bob(home: &Home, url: &str) -> Value {
    let bob = member(home, url, "bob", &[]);
    let made = fingerprint(&bob);
    bob.finished().with(0, "");
    made
}

fn connect_with(home: &Home, url: &str, environment: &[(&str, &str)]) -> Process {
    let mut command = home.command(&["connect", url, "--name", "bob", "--json"]);
    command.envs(environment.iter().copied());
    Process::start(command, "bob", Schema::Member)
}

/// Nothing that a member tells holds its passphrase.
fn silent(ended: Ended) -> Ended {
    assert!(!ended.events.iter().any(|event| event.to_string().contains(PHRASE)), "{ended:?}");
    assert!(!ended.errors.contains(PHRASE), "{ended:?}");
    ended
}

#[test]
fn bob_survives_a_reinstall() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let bob = make_bob(&home, &url);
    let file = home.path("here/bob.backup");
    let written = answer(&home, &["backup", "bob.backup"], &[("SECURESTREAM_NEW_PASSPHRASE", PHRASE)]);
    assert_eq!((&written["fingerprint"], &written["protected"]), (&bob, &json!(true)));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let backup = fs::read_to_string(&file).unwrap();
    assert!(backup.contains("ENCRYPTED PRIVATE KEY") && !backup.contains("-BEGIN PRIVATE KEY"));

    // Another disk, another machine.
    fs::remove_dir_all(home.path("data/securestream/members")).unwrap();
    let error = refused(&home, &["import", "bob.backup"], &[], 7, "passphrase_needed");
    assert!(error["hint"].as_str().unwrap().contains("SECURESTREAM_PASSPHRASE"), "{error}");
    let wrong = [("SECURESTREAM_PASSPHRASE", "wrong")];
    let error = refused(&home, &["import", "bob.backup"], &wrong, 7, "passphrase_needed");
    assert!(error["message"].as_str().unwrap().contains("not the passphrase"), "{error}");
    assert!(!home.identity("bob").exists(), "nothing is half back");
    let right = [("SECURESTREAM_PASSPHRASE", PHRASE)];
    let back = answer(&home, &["import", "bob.backup"], &right);
    assert_eq!((&back["name"], &back["fingerprint"]), (&json!("bob"), &bob));
    assert!(back["restored"].as_array().unwrap().contains(&json!("marks")), "{back}");

    let shown = answer(&home, &["show"], &[]);
    assert_eq!((&shown["fingerprint"], &shown["protected"], &shown["earlier"]), (&bob, &json!(true), &json!([])));
    let mut again = connect_with(&home, &url, &right);
    assert_eq!(fingerprint(&again), bob);
    exchange(&mut again, &mut joined(&home, &url, "alice"));
    silent(again.finished().with(0, ""));
}

#[test]
fn rotated_keys_come_with_the_word_of_the_old_ones() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let old = make_bob(&home, &url);
    let before = answer(&home, &["show", "--name", "Bob"], &[]);
    let rotated = answer(&home, &["rotate"], &[]);
    assert_eq!(rotated["before"], old);
    let new = rotated["fingerprint"].clone();
    assert_ne!(new, old);
    let shown = answer(&home, &["show"], &[]);
    assert_eq!((&shown["fingerprint"], &shown["earlier"]), (&new, &json!([old])));
    assert!(shown["sequence"].as_u64() > before["sequence"].as_u64(), "{before} {shown}");
    let (_, text, _) = keys(&home, &["show"], &[]);
    let grouped = |digits: &Value| {
        let digits = digits.as_str().unwrap();
        (0..64).step_by(4).map(|at| &digits[at..at + 4]).collect::<Vec<_>>().join(" ")
    };
    assert!(text.contains(&grouped(&new)) && text.contains(&grouped(&old)), "{text}");

    let mut bob = member(&home, &url, "bob", &[]);
    assert_eq!(fingerprint(&bob), new);
    exchange(&mut bob, &mut joined(&home, &url, "alice"));
}

#[test]
fn a_passphrase_is_asked_of_whoever_uses_the_keys() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let bob = make_bob(&home, &url);
    let file = home.path("phrase");
    fs::write(&file, format!("{PHRASE}\n")).unwrap();
    let file = file.to_str().unwrap();
    refused(&home, &["passphrase"], &[], 7, "passphrase_needed");
    let set = answer(&home, &["passphrase", "--new-passphrase-file", file], &[]);
    assert_eq!(set["protected"], true);

    member(&home, &url, "bob", &[]).ended().with(7, "passphrase_needed");
    let wrong = connect_with(&home, &url, &[("SECURESTREAM_PASSPHRASE", "correct horse")]);
    let wrong = wrong.ended().with(7, "passphrase_needed");
    assert!(wrong.events[1]["message"].as_str().unwrap().contains("not the passphrase"), "{wrong:?}");
    let opened = connect_with(&home, &url, &[("SECURESTREAM_PASSPHRASE", PHRASE)]);
    assert_eq!(fingerprint(&opened), bob);
    silent(opened.finished().with(0, ""));
    let opened = member(&home, &url, "bob", &["--passphrase-file", file]);
    assert_eq!(fingerprint(&opened), bob);
    silent(opened.finished().with(0, ""));
    let environment = [("SECURESTREAM_PASSPHRASE", PHRASE), ("SECURESTREAM_NEW_PASSPHRASE", "another")];
    answer(&home, &["passphrase"], &environment);
    refused(&home, &["rotate"], &[("SECURESTREAM_PASSPHRASE", PHRASE)], 7, "passphrase_needed");
    let rotated = answer(&home, &["rotate"], &[("SECURESTREAM_PASSPHRASE", "another")]);
    let shown = answer(&home, &["show"], &[]);
    assert_eq!((&shown["fingerprint"], &shown["protected"]), (&rotated["fingerprint"], &json!(true)));
    answer(&home, &["passphrase", "--remove"], &[("SECURESTREAM_PASSPHRASE", "another")]);
    assert_eq!(answer(&home, &["show"], &[])["protected"], false);
    let opened = member(&home, &url, "bob", &[]);
    assert_eq!(fingerprint(&opened), rotated["fingerprint"]);
}

#[test]
fn nothing_is_written_over_unasked() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let first = make_bob(&home, &url);
    answer(&home, &["export", "first.pem", "--plain"], &[]);
    let file = fs::read(home.path("here/first.pem")).unwrap();
    refused(&home, &["export", "first.pem", "--plain"], &[], 7, "data_unusable");
    refused(&home, &["backup", "first.pem", "--plain"], &[], 7, "data_unusable");
    assert_eq!(fs::read(home.path("here/first.pem")).unwrap(), file);
    let (exit, to_output, _) = keys(&home, &["export", "-", "--plain"], &[]);
    assert_eq!((exit, to_output.as_bytes()), (0, &*file), "and nothing else");

    fs::remove_file(home.identity("bob")).unwrap();
    // The first hub keeps the name for the first keys.
    let elsewhere = home.path("elsewhere");
    let (_other, other_url) = hub(&home, &["--no-videos", "--data-dir", elsewhere.to_str().unwrap()]);
    fs::remove_file(home.identity("bob").with_file_name("sessions")).unwrap();
    let second = make_bob(&home, &other_url);
    let present = fs::read(home.identity("bob")).unwrap();
    let error = refused(&home, &["import", "first.pem"], &[], 7, "data_unusable");
    assert!(error["hint"].as_str().unwrap().contains("--replace"), "{error}");
    refused(&home, &["import", "first.pem", "--name", "carol", "--replace"], &[], 2, "usage");
    assert_eq!(fs::read(home.identity("bob")).unwrap(), present);
    let back = answer(&home, &["import", "first.pem", "--name", "bob", "--replace"], &[]);
    assert_eq!(back["fingerprint"], first);
    let aside = back["set_aside"][0].as_str().unwrap();
    let aside = home.identity("bob").with_file_name(aside);
    assert_eq!(fs::read(aside).unwrap(), present, "what was there stays beside it");
    assert_ne!(first, second);
    let bob = member(&home, &url, "bob", &[]);
    assert_eq!(fingerprint(&bob), first);
}

#[test]
fn bad_input_60_a_damaged_export_or_backup_brings_nothing_back() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    make_bob(&home, &url);
    for command in ["export", "backup"] {
        answer(&home, &[command, command, "--plain"], &[]);
        let good = fs::read(home.path("here").join(command)).unwrap();
        fs::rename(home.identity("bob"), home.path("moved")).unwrap();
        for (what, content) in [
            ("empty", &good[..0]),
            ("a part", &good[..good.len() / 3]),
            ("nearly all", &good[..good.len() - 1]),
            ("another file", b"hello\n"),
        ] {
            fs::write(home.path("here/damaged"), content).unwrap();
            refused(&home, &["import", "damaged"], &[], 7, "data_unusable");
            assert!(!home.identity("bob").exists(), "{what}");
        }
        refused(&home, &["import", "missing"], &[], 7, "data_unusable");
        refused(&home, &["import", "."], &[], 7, "data_unusable");
        fs::rename(home.path("moved"), home.identity("bob")).unwrap();
    }
}

#[test]
fn bad_input_60_an_identity_that_cannot_be_used_is_left_alone() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    make_bob(&home, &url);
    let path = home.identity("bob");
    let good = fs::read(&path).unwrap();
    let all_refuse = |what: &str| {
        let before = fs::read(&path).unwrap();
        for command in [
            &["show"][..],
            &["rotate"],
            &["passphrase", "--remove"],
            &["export", "x", "--plain"],
            &["backup", "x", "--plain"],
        ] {
            let error = refused(&home, command, &[], 7, "data_unusable");
            assert!(error["message"].as_str().unwrap().contains("bob"), "{what} {command:?}: {error}");
        }
        assert_eq!(fs::read(&path).unwrap(), before, "{what}");
        assert!(!home.path("here/x").exists(), "{what}");
    };
    for (what, content) in [("empty", &good[..0]), ("truncated", &good[..good.len() / 2])] {
        fs::write(&path, content).unwrap();
        all_refuse(what);
    }
    fs::write(&path, &good).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    all_refuse("mode 0644");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&path, home.path("moved")).unwrap();
    symlink(home.path("moved"), &path).unwrap();
    all_refuse("a symlink");
    assert_eq!(fs::read(home.path("moved")).unwrap(), good);
}

#[test]
fn bad_input_61_keys_in_use_are_not_changed_but_shown() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let mut bob = member(&home, &url, "bob", &[]);
    let used = fingerprint(&bob);
    bob.wait(json!({"event": "directory"}));
    let before = fs::read(home.identity("bob")).unwrap();
    for command in [&["rotate"][..], &["passphrase", "--remove"], &["backup", "x", "--plain"]] {
        refused(&home, command, &[], 7, "identity_in_use");
    }
    fs::write(home.path("here/copy"), &before).unwrap();
    refused(&home, &["import", "copy", "--replace"], &[], 7, "identity_in_use");
    assert_eq!(fs::read(home.identity("bob")).unwrap(), before);
    assert_eq!(answer(&home, &["show"], &[])["fingerprint"], used);
    exchange(&mut bob, &mut joined(&home, &url, "alice"));
}

#[test]
fn whose_keys_are_meant_is_never_guessed() {
    let home = Home::new();
    refused(&home, &["show"], &[], 7, "data_unusable");
    refused(&home, &["rotate"], &[], 7, "data_unusable");
    let (_hub, url) = hub(&home, &["--no-videos"]);
    make_bob(&home, &url);
    member(&home, &url, "alice", &[]).finished().with(0, "");
    let error = refused(&home, &["rotate"], &[], 2, "usage");
    assert!(error["hint"].as_str().unwrap().contains("alice, bob"), "{error}");
    let error = refused(&home, &["rotate", "--name", "bbo"], &[], 7, "data_unusable");
    assert!(error["hint"].as_str().unwrap().contains("alice, bob"), "{error}");
    assert!(!home.identity("bbo").exists(), "a slip of the finger makes no keys");
    let (exit, shown, _) = keys(&home, &["show", "--json"], &[]);
    let names: Vec<Value> =
        shown.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].clone()).collect();
    assert_eq!((exit, names), (0, vec![json!("alice"), json!("bob")]));
    answer(&home, &["rotate", "--name", "ALICE"], &[]);
}
