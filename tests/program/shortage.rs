//! A hub that may have no more descriptors.

use std::{
    io::{ErrorKind, Read as _},
    net::TcpStream,
    process::Command,
};

use serde_json::json;

use crate::{
    home::Home,
    process::{Process, exchange, joined},
    support::{events::GUARD, schema::Schema},
};

/// A hub that may have so many descriptors, and its URL.
fn hub_with_descriptors(home: &Home, count: u32) -> (Process, String) {
    let hub = home.command(&[]);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("ulimit -n {count} && exec \"$0\" \"$@\"")]).arg(hub.get_program());
    command.args(["serve", "--json", "--no-videos", "--listen", "tcp://127.0.0.1:0"]);
    home.dress(&mut command);
    let hub = Process::start(command, "the hub", Schema::Hub);
    let url = hub.wait(json!({"event": "listening"}))["url"].as_str().unwrap().to_owned();
    (hub, url)
}

#[test]
fn bad_input_55_without_descriptors_links_are_closed_and_members_unaffected() {
    let home = Home::new();
    let (hub, url) = hub_with_descriptors(&home, 48);
    let (mut alice, mut bob) = (joined(&home, &url, "alice"), joined(&home, &url, "bob"));
    let address = url.trim_start_matches("tcp://");
    let mut idle: Vec<_> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
    // One that waited in the queue for a descriptor would not be told anything until the others are gone.
    let last = idle.last_mut().unwrap();
    last.set_read_timeout(Some(GUARD)).unwrap();
    match last.read(&mut [0]) {
        Ok(count) => assert_eq!(count, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
    exchange(&mut alice, &mut bob);
    drop(idle);
    // When this has come through, the hub has seen that the others are gone.
    exchange(&mut alice, &mut bob);
    let mut carol = joined(&home, &url, "carol");
    exchange(&mut carol, &mut alice);
    hub.signal("TERM");
    let told = hub.ended().with(0, "").errors;
    assert_eq!(told.matches("no descriptor is left").count(), 1, "{told}");
}
