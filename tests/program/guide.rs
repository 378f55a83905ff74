//! The examples of `docs/scripting.md` do what stands beside them.

use serde_json::Value;

use crate::{
    home::Home,
    process::{guest, hub, joined, samples},
    support::events::contains,
};

const GUIDE: &str = include_str!("../../docs/scripting.md");

/// A script of the guide and the events that it promises, in order.
struct Example {
    line: usize,
    needs_player: bool,
    script: String,
    expected: Vec<Value>,
}

/// Every block marked `script`, with the block marked `expect` behind it.
fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut block: Option<Vec<&str>> = None;
    let mut mark = "";
    for (number, line) in GUIDE.lines().enumerate() {
        match (line.strip_prefix("```"), &mut block) {
            (Some(begun), None) => (mark, block) = (begun, Some(Vec::new())),
            (Some(_), Some(lines)) => {
                match (mark, examples.last_mut()) {
                    ("script" | "script player", _) => examples.push(Example {
                        line: number + 1,
                        needs_player: mark == "script player",
                        script: lines.join("\n"),
                        expected: Vec::new(),
                    }),
                    ("expect", Some(last)) => {
                        last.expected = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
                    }
                    _ => {}
                }
                block = None;
            }
            (None, Some(lines)) => lines.push(line),
            (None, None) => {}
        }
    }
    examples
}

#[test]
fn every_example_gives_what_stands_beside_it() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--videos", &samples()]);
    let bob = joined(&home, &url, "bob");
    let examples = examples();
    assert!(examples.len() > 4 && examples.iter().all(|example| !example.expected.is_empty()), "none is forgotten");
    for example in examples.into_iter().filter(|example| cfg!(feature = "player") || !example.needs_player) {
        let mut alice = guest(&home, &url, "alice", &[]);
        alice.say(&example.script);
        let ended = alice.finished();
        let mut told = ended.events.iter();
        for expected in &example.expected {
            let came = told.any(|event| contains(event, expected));
            assert!(came, "docs/scripting.md:{}: no {expected} in its place in {:#?}", example.line, ended.events);
        }
        bob.wait(serde_json::json!({"event": "left", "name": "alice"}));
    }
}
