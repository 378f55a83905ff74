//! Whether a member trusts the key that a hub shows, and what it says when it does not.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
};

use nix::pty::openpty;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::{
    home::Home,
    process::{Ended, Process, guest, hub, member, run, start_hub},
};

/// A hub that shows a key of its own at an address.
fn hub_at(home: &Home, url: &str, data: &str) -> (Process, String) {
    let data = home.path(data);
    let hub = start_hub(home, &["--no-videos", "--listen", url, "--data-dir", data.to_str().unwrap()]);
    let listening = hub.wait(json!({"event": "listening"}));
    (hub, listening["fingerprint"].as_str().unwrap().to_owned())
}

fn stop(hub: Process) {
    hub.signal("TERM");
    hub.ended().with(0, "");
}

fn known_hubs(home: &Home) -> PathBuf {
    home.path("data/securestream/known-hubs")
}

fn grouped(key: &str) -> String {
    (0..64).step_by(4).map(|at| &key[at..at + 4]).collect::<Vec<_>>().join(" ")
}

fn error_of(ended: &Ended) -> &Value {
    ended.events.iter().find(|event| event["event"] == "error").unwrap()
}

/// It ended before there was a link.
fn without_a_link(ended: Ended) -> Ended {
    assert!(!ended.events.iter().any(|event| event["event"] == "connected"), "{ended:?}");
    ended
}

#[test]
fn attack_04_bad_input_57_a_changed_key_is_refused_until_it_is_trusted_by_hand() {
    let home = Home::new();
    let (first, old) = hub_at(&home, "tls://127.0.0.1:0", "one");
    let url = first.events.so_far().iter().find_map(|event| event["url"].as_str().map(str::to_owned)).unwrap();
    let address = url.strip_prefix("tls://").unwrap();
    member(&home, &url, "alice", &[]).finished().with(0, "");
    let file = fs::read_to_string(known_hubs(&home)).unwrap();
    assert!(file.starts_with(&format!("{address} sha256:{old} 20")), "{file}");
    stop(first);

    let (second, new) = hub_at(&home, &url, "two");
    // Other members of the same user know it too, and asking for first use changes nothing.
    for (name, arguments) in
        [("alice", &[][..]), ("bob", &["--trust-hub", "first-use"]), ("carol", &["--trust-hub", "known"])]
    {
        let ended = without_a_link(member(&home, &url, name, arguments).ended().with(5, "hub_key_changed"));
        let error = error_of(&ended);
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("STOP. {address} shows a different key. Not connected, nothing sent.")));
        for part in [grouped(&old), grouped(&new), "known since 20".to_owned()] {
            assert!(message.contains(&part), "{part}: {message}");
        }
        let command = format!("securestream keys trust-hub {address} KEY");
        assert!(error["hint"].as_str().unwrap().ends_with(&command), "{error}");
    }
    assert_eq!(fs::read_to_string(known_hubs(&home)).unwrap(), file);
    // The command names the folder where it is not the usual one.
    let usual = home.path("data/securestream");
    let usual = usual.to_str().unwrap();
    let ended = member(&home, &url, "alice", &["--data-dir", usual]).ended().with(5, "hub_key_changed");
    let hint = error_of(&ended)["hint"].as_str().unwrap();
    assert!(hint.ends_with(&format!("keys trust-hub --data-dir '{usual}' {address} KEY")), "{hint}");
    // The hub saw somebody hang up, and no name.
    assert_eq!(second.events.count(&json!({"event": "member_joined"})), 0);

    let (exit, output, errors) = run(&home, &["keys", "trust-hub", address, &grouped(&new)], "");
    assert_eq!((exit, &*errors), (0, ""));
    assert!(output.contains(address) && output.contains(&grouped(&new)), "{output}");
    member(&home, &url, "alice", &["--trust-hub", "known"]).finished().with(0, "");
    stop(second);
    let (_again, key) = hub_at(&home, &url, "two");
    assert_eq!(key, new, "a hub keeps its key");
    member(&home, &url, "alice", &[]).finished().with(0, "");
}

#[test]
fn a_key_in_the_url_is_the_only_one_that_is_accepted() {
    let home = Home::new();
    let (hub, key) = hub_at(&home, "tls://127.0.0.1:0", "one");
    let url = hub.events.so_far().iter().find_map(|event| event["url"].as_str().map(str::to_owned)).unwrap();
    let wrong = format!("{url}#sha256:{}", "00".repeat(32));
    let right = format!("{url}#sha256:{key}");
    let ended = without_a_link(member(&home, &wrong, "alice", &[]).ended().with(5, "hub_key_changed"));
    assert!(error_of(&ended)["message"].as_str().unwrap().contains("the key you were given"));
    assert!(error_of(&ended)["hint"].as_str().unwrap().contains("URL"), "nothing that is known would help");
    assert!(!known_hubs(&home).exists());
    member(&home, &right, "alice", &["--trust-hub", "known"]).finished().with(0, "");
    assert!(fs::read_to_string(known_hubs(&home)).unwrap().contains(&key), "and it is remembered");
    // Somebody knew another one before: a URL alone does not change that.
    fs::write(known_hubs(&home), fs::read_to_string(known_hubs(&home)).unwrap().replace(&key, &"11".repeat(32)))
        .unwrap();
    member(&home, &url, "alice", &[]).ended().with(5, "hub_key_changed");
    let ended = without_a_link(member(&home, &right, "alice", &[]).ended().with(5, "hub_key_changed"));
    assert!(error_of(&ended)["message"].as_str().unwrap().contains("in the URL"));
    let address = url.strip_prefix("tls://").unwrap();
    assert_eq!(run(&home, &["keys", "trust-hub", address, &key], "").0, 0);
    member(&home, &right, "alice", &[]).finished().with(0, "");
    member(&home, &url, "alice", &[]).finished().with(0, "");
}

#[test]
fn a_guest_neither_reads_nor_keeps_what_is_known() {
    let home = Home::new();
    // What the hub remembers of its directory is the hub's.
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = elsewhere.path().join("hub");
    let (_hub, url) = hub(&home, &["--no-videos", "--data-dir", folder.to_str().unwrap()]);
    let address = url.strip_prefix("tls://").unwrap();
    let wrong = "22".repeat(32);
    assert_eq!(run(&home, &["keys", "trust-hub", address, &wrong], "").0, 0);
    let before = home.content();
    guest(&home, &url, "alice", &[]).finished().with(0, "");
    without_a_link(guest(&home, &url, "alice", &["--trust-hub", "known"]).ended().with(5, "hub_untrusted"));
    without_a_link(guest(&home, &format!("{url}#sha256:{wrong}"), "alice", &[]).ended().with(5, "hub_key_changed"));
    assert_eq!(home.content(), before);
}

#[test]
fn known_means_that_somebody_has_to_say_so() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    let ended =
        without_a_link(member(&home, &url, "alice", &["--trust-hub", "known"]).ended().with(5, "hub_untrusted"));
    let hint = error_of(&ended)["hint"].as_str().unwrap();
    assert!(hint.contains("keys trust-hub 127.0.0.1:"), "{hint}");
    assert!(!known_hubs(&home).exists());
    member(&home, &url, "alice", &[]).finished().with(0, "");
    member(&home, &url, "alice", &["--trust-hub", "known"]).finished().with(0, "");
}

#[test]
fn bad_input_59_60_a_file_that_cannot_be_used_or_written_keeps_the_member_out() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos"]);
    member(&home, &url, "alice", &[]).finished().with(0, "");
    let good = fs::read(known_hubs(&home)).unwrap();
    let damaged = [&good[..], b"half a line"].concat();
    fs::write(known_hubs(&home), &damaged).unwrap();
    let ended = without_a_link(member(&home, &url, "alice", &[]).ended().with(7, "data_unusable"));
    assert!(error_of(&ended)["message"].as_str().unwrap().contains("line 2"));
    assert_eq!(fs::read(known_hubs(&home)).unwrap(), damaged, "it is left alone");
    fs::remove_file(known_hubs(&home)).unwrap();
    // In the way of the temporary file: this stops even root.
    fs::create_dir(home.path("data/securestream/.known-hubs.new")).unwrap();
    without_a_link(member(&home, &url, "alice", &[]).ended().with(7, "data_unusable"));
    assert_eq!(run(&home, &["keys", "trust-hub", "h", &"00".repeat(32)], "").0, 7);
}

#[test]
fn who_mixes_up_tls_and_tcp_is_told_which_to_try() {
    let home = Home::new();
    let (inside_tls, url) = hub(&home, &["--no-videos", "--listen", "tcp://127.0.0.1:0"]);
    let listening = |scheme: &str| {
        let events = inside_tls.events.so_far();
        let urls = events.iter().filter_map(|event| event["url"].as_str());
        urls.map(str::to_owned).find(|url| url.starts_with(scheme))
    };
    inside_tls.wait(json!({"event": "listening", "fingerprint": null}));
    let plain = listening("tcp://").unwrap();
    for (wrong, code, try_instead) in [
        (plain.replace("tcp:", "tls:"), "connect_failed", plain.clone()),
        (url.replace("tls:", "tcp:"), "not_a_hub", "connect to tls://".to_owned()),
    ] {
        let ended = guest(&home, &wrong, "alice", &[]).ended().with(3, code);
        let hint = error_of(&ended)["hint"].as_str().unwrap();
        assert!(hint.contains(&try_instead), "{wrong}: {hint}");
    }
    inside_tls.wait(json!({"event": "refused", "code": "protocol_violation"}));
}

#[test]
fn what_hangs_up_or_speaks_something_else_is_no_hub() {
    let home = Home::new();
    for answer in [&b""[..], b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("tls://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut link, _) = listener.accept().unwrap();
            link.read_exact(&mut [0; 100]).unwrap();
            link.write_all(answer).unwrap();
        });
        let (code, hint) = match answer.first() {
            None => {
                ("connect_failed", "try again in a moment; if it is a hub that listens without TLS, connect to tcp://")
            }
            Some(b'H') => ("not_a_hub", "check address and port; if it is a hub that listens without TLS"),
            Some(_) => ("unsupported_version", "--require-pq"),
        };
        let ended = without_a_link(guest(&home, &url, "alice", &[]).ended().with(3, code));
        let error = error_of(&ended);
        assert!(error["hint"].as_str().unwrap().contains(hint), "{error}");
        assert_eq!(error["retryable"], code == "connect_failed");
        server.join().unwrap();
    }
}

/// Writes PEM files of an authority, and of a certificate for a host that it vouches for.
fn vouched(folder: &Path, host: &str) {
    fs::create_dir(folder).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    fs::write(folder.join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("certificate.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

#[test]
fn a_hub_may_show_a_given_certificate_that_authorities_vouch_for() {
    let home = Home::new();
    vouched(&home.path("own"), "127.0.0.1");
    vouched(&home.path("other"), "127.0.0.1");
    let path = |inside: &str| home.path(inside).to_str().unwrap().to_owned();
    let (certificate, key) = (path("own/certificate.pem"), path("own/key.pem"));
    let (_hub, url) = hub(&home, &["--no-videos", "--cert", &certificate, "--key", &key]);
    assert!(!home.path("data/securestream/hub/key.pem").exists(), "it makes none of its own");
    let known = known_hubs(&home);
    member(&home, &url, "alice", &["--ca", &path("own/ca.pem")]).finished().with(0, "");
    assert!(!known.exists(), "authorities decide anew each time");
    let other = ["--ca", &path("other/ca.pem")];
    let ended = without_a_link(member(&home, &url, "alice", &other).ended().with(5, "hub_untrusted"));
    assert!(error_of(&ended)["message"].as_str().unwrap().contains("certificate"), "{ended:?}");
    let localhost = url.replace("127.0.0.1", "localhost");
    member(&home, &localhost, "alice", &["--ca", &path("own/ca.pem")]).ended().with(5, "hub_untrusted");
    member(&home, &url, "alice", &["--ca", &key]).ended().with(7, "data_unusable");
    member(&home, &url, "alice", &["--ca", "missing.pem"]).ended().with(7, "data_unusable");

    let refused = |key: &str| {
        let data = path("data2");
        let arguments = ["--no-videos", "--listen", "tls://127.0.0.1:0", "--data-dir", &data];
        start_hub(&home, &[&arguments[..], &["--cert", &certificate, "--key", key]].concat()).ended()
    };
    refused(&path("other/key.pem")).with(7, "data_unusable");
    refused("missing.pem").with(7, "data_unusable");
}

#[test]
fn attack_16_both_ends_may_require_the_post_quantum_exchange() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--no-videos", "--require-pq"]);
    guest(&home, &url, "alice", &["--require-pq"]).finished().with(0, "");
    guest(&home, &url, "alice", &[]).finished().with(0, "");
}

/// A member at a terminal of its own.
struct AtATerminal {
    child: Child,
    screen: File,
    shown: String,
}

impl AtATerminal {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let terminal = openpty(None, None).unwrap();
        let mut command = home.command(&[&["connect", "--plain", "--name", "alice"], arguments].concat());
        let end = || Stdio::from(terminal.slave.try_clone().unwrap());
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        Self { child, screen: terminal.master.into(), shown: String::new() }
    }

    /// Reads what is shown up to `part`.
    fn see(&mut self, part: &str) {
        let mut buffer = [0; 1000];
        while !self.shown.contains(part) {
            // A terminal whose other end is closed gives an error.
            let count = self.screen.read(&mut buffer).unwrap_or(0);
            assert_ne!(count, 0, "no {part:?} in {}", self.shown);
            self.shown.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    }

    fn say(&mut self, line: &str) {
        self.screen.write_all(line.as_bytes()).unwrap();
        self.screen.write_all(b"\n").unwrap();
    }

    fn ended(mut self) -> (Option<i32>, String) {
        let mut rest = Vec::new();
        let _ = self.screen.read_to_end(&mut rest);
        self.shown.push_str(&String::from_utf8_lossy(&rest));
        (self.child.wait().unwrap().code(), std::mem::take(&mut self.shown))
    }
}

impl Drop for AtATerminal {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const QUESTION: &str = "Trust this key from now on? [yes / no / paste the key]";

#[test]
fn at_a_terminal_a_new_hub_is_asked_about_before_anything_is_sent() {
    let home = Home::new();
    let (hub, key) = hub_at(&home, "tls://127.0.0.1:0", "one");
    let url = hub.events.so_far().iter().find_map(|event| event["url"].as_str().map(str::to_owned)).unwrap();
    for (answer, words) in [("no", "is not known here. Not connected, nothing sent."), (&"33".repeat(32), "STOP.")] {
        let mut alice = AtATerminal::start(&home, &[&url]);
        alice.see(QUESTION);
        assert!(alice.shown.contains(&grouped(&key)) && alice.shown.contains("First time at 127.0.0.1:"));
        alice.say("maybe");
        alice.see("Answer yes or no");
        alice.say(answer);
        alice.see(words);
        assert_eq!(alice.ended().0, Some(5));
        assert!(!known_hubs(&home).exists());
    }
    assert_eq!(hub.events.count(&json!({"event": "member_joined"})), 0);
    let mut alice = AtATerminal::start(&home, &[&url]);
    alice.see(QUESTION);
    alice.say(&grouped(&key));
    alice.see("you are alice");
    alice.say("/quit");
    assert_eq!(alice.ended().0, Some(0));
    let mut alice = AtATerminal::start(&home, &[&url]);
    alice.see("you are alice");
    assert!(!alice.shown.contains(QUESTION), "it is known now");
    alice.say("/quit");
    assert_eq!(alice.ended().0, Some(0));
}
