//! How members end, by the table of exit codes; pipes that close.

use std::{
    io::{BufRead, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Command,
    thread,
};

use serde_json::{Value, json};

use crate::{
    home::Home,
    process::{Bare, guest, hub, joined, member},
};

#[test]
fn a_script_ends_with_the_exit_code_of_what_went_wrong() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let bob = joined(&home, &url, "bob");
    let scripts = [
        ("who\nvideos\nwhoami\ndirectory\nhelp\nquit", 0, ""),
        ("", 0, ""),
        ("send zoe hi\nwho", 1, "no_such_member"),
        ("play nothing", 1, "no_such_title"),
        ("sned bob hi", 2, "unknown_command"),
        ("{\"cmd\":\"send\"", 2, "usage"),
        ("wait left name=bob timeout=0.05", 6, "timeout"),
        ("verify bob 000000000000000000000000000000000000000000000000000000000000", 1, "number_mismatch"),
    ];
    for (script, exit, code) in scripts {
        let mut alice = member(&home, &url, "alice", &[]);
        alice.say(script);
        alice.finished().with(exit, code);
        bob.wait(json!({"event": "left", "name": "alice", "reason": "quit"}));
    }
    let mut alice = member(&home, &url, "alice", &["--on-error", "continue"]);
    alice.say("send zoe hi\nsned\nsend bob hi\nwait delivered id=last");
    alice.finished().with(0, "");
    bob.wait(json!({"event": "message", "text": "hi"}));
}

#[test]
fn a_folder_is_no_script() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let folder = home.path("folder");
    std::fs::create_dir(&folder).unwrap();
    let script = folder.to_str().unwrap();
    guest(&home, &url, "alice", &["--on-error", "continue", "--script", script]).ended().with(2, "usage");
}

#[test]
fn a_message_that_fails_later_makes_it_1_unless_a_wait_took_it() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    for (waited, exit) in [(true, 0), (false, 1)] {
        // It reads nothing, so it acknowledges nothing.
        let mute = joined(&home, &url, "mute");
        mute.signal("STOP");
        let mut alice = joined(&home, &url, "alice");
        alice.say("send mute hello");
        alice.wait(json!({"event": "accepted"}));
        alice.say(if waited { "wait failed to=mute" } else { "wait left name=mute timeout=60" });
        mute.signal("TERM");
        mute.signal("CONT");
        alice.wait(json!({"event": "ok", "command": "wait"}));
        let ended = alice.finished();
        let failed = ended.events.iter().any(|event| event["event"] == "failed");
        // When the signal is looked at first, the message was read after all and is acknowledged before it leaves.
        assert_eq!(ended.exit, if failed { exit } else { 0 }, "{ended:?}");
        drop(mute);
    }
}

#[test]
fn a_hub_that_cannot_be_reached_is_3() {
    let home = Home::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ended = guest(&home, &format!("tcp://{closed}"), "alice", &[]).ended().with(3, "connect_failed");
    assert_eq!(ended.events.len(), 3, "hello, error, bye: {:?}", ended.events);
    let socket = format!("unix:{}", home.path("nothing").display());
    guest(&home, &socket, "alice", &[]).ended().with(3, "connect_failed");
}

#[test]
fn what_is_no_hub_is_3() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut link, _) = listener.accept().unwrap();
        let mut byte = [0];
        link.read_exact(&mut byte).unwrap();
        link.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    guest(&home, &url, "alice", &[]).ended().with(3, "not_a_hub");
    server.join().unwrap();
}

#[test]
fn bad_input_62_input_that_ends_is_a_quiet_end() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let bob = joined(&home, &url, "bob");
    let alice = joined(&home, &url, "alice");
    alice.finished().with(0, "");
    bob.wait(json!({"event": "left", "name": "alice", "reason": "quit"}));
}

/// Reads lines up to the first that has `part` in it.
fn read_until(output: &mut impl BufRead, part: &str) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "it ended without {part}");
        if line.contains(part) {
            return line;
        }
    }
}

#[test]
fn bad_input_62_output_that_is_closed_ends_the_member_without_a_word() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let bob = joined(&home, &url, "bob");
    let arguments = ["connect", &url, "--name", "alice", "--ephemeral", "--json"];
    let (mut alice, mut output) = Bare::start(home.command(&arguments));
    read_until(&mut output, "\"directory\"");
    drop(output);
    // What it would tell next finds nobody who reads it.
    alice.0.stdin.as_mut().unwrap().write_all(b"who\n").unwrap();
    bob.wait(json!({"event": "left", "name": "alice", "reason": "quit"}));
    assert_eq!(alice.ended(), (Some(0), String::new()));
}

#[test]
fn bad_input_62_a_hub_goes_on_when_its_output_is_closed() {
    let home = Home::new();
    let command = home.command(&["serve", "--json", "--no-videos", "--listen", "tcp://127.0.0.1:0"]);
    let (mut hub, mut output) = Bare::start(command);
    let listening: Value = serde_json::from_str(&read_until(&mut output, "\"listening\"")).unwrap();
    drop(output);
    for _ in 0..2 {
        joined(&home, listening["url"].as_str().unwrap(), "alice").finished().with(0, "");
    }
    hub.0.kill().unwrap();
    hub.ended();
}

#[test]
fn bad_input_62_a_hub_goes_on_and_can_be_ended_when_nobody_reads_its_output() {
    let home = Home::new();
    let arguments = ["serve", "--json", "--no-videos", "--log", "error", "--listen", "tcp://127.0.0.1:0"];
    let (hub, mut output) = Bare::start(home.command(&arguments));
    let listening: Value = serde_json::from_str(&read_until(&mut output, "\"listening\"")).unwrap();
    let url = listening["url"].as_str().unwrap();
    let address = url.strip_prefix("tcp://").unwrap();
    // Each is told to the operator; together they are more than a pipe of 64 KiB holds.
    for _ in 0..1500 {
        let mut stranger = TcpStream::connect(address).unwrap();
        stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        // Closed, with or without a reset.
        let _ = stranger.read_to_end(&mut Vec::new());
    }
    joined(&home, url, "alice").finished().with(0, "");
    let kill = format!("kill -TERM {}", hub.0.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    assert_eq!(hub.ended(), (Some(0), String::new()));
}
