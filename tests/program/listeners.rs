//! Where hubs listen and what they need.

use std::{fs, io::BufRead as _, os::unix::net::UnixListener};

use serde_json::json;

use crate::{
    home::Home,
    process::{Bare, hub, joined, start_hub},
};

#[test]
fn bad_input_56_a_port_that_is_taken_ends_with_3() {
    let home = Home::new();
    let (_first, url) = hub(&home, &["--no-videos"]);
    let other = home.path("other");
    let arguments = ["--no-videos", "--listen", &url, "--data-dir", other.to_str().unwrap()];
    start_hub(&home, &arguments).ended().with(3, "listen_failed");
    joined(&home, &url, "alice").finished().with(0, "");
}

#[test]
fn bad_input_61_a_second_hub_with_the_same_data_is_told() {
    let home = Home::new();
    let (_first, url) = hub(&home, &["--no-videos"]);
    let second = start_hub(&home, &["--no-videos", "--listen", "tls://127.0.0.1:0"]).ended().with(7, "data_unusable");
    assert!(second.events[1]["hint"].as_str().unwrap().contains("--data-dir"), "{second:?}");
    joined(&home, &url, "alice").finished().with(0, "");
}

#[test]
fn bad_input_56_a_stale_socket_is_replaced_a_living_one_and_a_file_are_kept() {
    let home = Home::new();
    let path = home.path("hub.sock");
    let url = format!("unix:{}", path.display());
    drop(UnixListener::bind(&path).unwrap());
    let first = start_hub(&home, &["--no-videos", "--listen", &url]);
    first.wait(json!({"event": "listening", "url": url}));
    joined(&home, &url, "alice").finished().with(0, "");
    let other = home.path("other");
    let arguments = ["--no-videos", "--listen", &url, "--data-dir", other.to_str().unwrap()];
    start_hub(&home, &arguments).ended().with(3, "listen_failed");
    joined(&home, &url, "alice").finished().with(0, "");
    first.signal("TERM");
    first.ended().with(0, "");
    assert!(!path.exists(), "a hub that ends takes its socket away");

    fs::write(&path, "precious").unwrap();
    start_hub(&home, &["--no-videos", "--listen", &url]).ended().with(3, "listen_failed");
    assert_eq!(fs::read(&path).unwrap(), b"precious");
}

#[test]
fn one_hub_listens_in_several_places() {
    let home = Home::new();
    let socket = format!("unix:{}", home.path("hub.sock").display());
    let (hub, url) = hub(&home, &["--no-videos", "--listen", &socket]);
    hub.wait(json!({"event": "listening", "url": socket}));
    let alice = joined(&home, &url, "alice");
    let _bob = joined(&home, &socket, "bob");
    alice.wait(json!({"event": "joined", "name": "bob"}));
}

#[test]
fn a_hub_without_the_default_folder_says_so_and_runs_a_named_one_must_be_there() {
    let home = Home::new();
    let (running, url) = hub(&home, &[]);
    running.wait(json!({"event": "catalog", "titles": 0, "skipped": []}));
    joined(&home, &url, "alice").finished().with(0, "");
    running.signal("TERM");
    let ended = running.ended().with(0, "");
    assert!(ended.errors.contains("videos"), "{}", ended.errors);

    let missing = home.path("missing");
    let missing = missing.to_str().unwrap();
    start_hub(&home, &["--listen", "tcp://127.0.0.1:0", "--videos", missing]).ended().with(7, "data_unusable");
}

#[test]
fn without_json_a_hub_prints_the_url_to_give_to_members() {
    let home = Home::new();
    let (_hub, mut output) = Bare::start(home.command(&["serve", "--no-videos", "--listen", "tls://127.0.0.1:0"]));
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let url = line.trim_end();
    assert!(url.starts_with("tls://127.0.0.1:") && url.contains("#sha256:"), "{line:?}");
    joined(&home, url, "alice").finished().with(0, "");
}
