//! Command lines that cannot be followed.

use serde_json::Value;

use crate::{home::Home, process::run, support::schema::Schema};

/// The events of a process that ended at once, each kept to its schema.
fn events(output: &str, schema: Schema) -> Vec<Value> {
    let events: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for event in &events {
        schema.check(event);
    }
    events
}

#[test]
fn usage_errors_are_told_as_events_under_json() {
    let home = Home::new();
    let lines: &[(&[&str], Schema)] = &[
        (&["connect", "--json"], Schema::Member),
        (&["connect", "--json", "--name", "a b"], Schema::Member),
        (&["connect", "--json", "--name", "alice", "--nmae", "x"], Schema::Member),
        (&["connect", "--json", "--name", "alice", "ftp://hub"], Schema::Member),
        (&["connect", "--json", "--name", "alice", "--on-error", "maybe"], Schema::Member),
        (&["connect", "--json", "--name", "alice", "tcp://hub.example.org:9999"], Schema::Member),
        (&["serve", "--json", "--listen", "127.0.0.1:1"], Schema::Hub),
        (&["serve", "--json", "--listen", "tcp://*:0"], Schema::Hub),
        (&["serve", "--json", "--videos", "x", "--no-videos"], Schema::Hub),
        (&["serve", "--json", "--max-members", "none"], Schema::Hub),
    ];
    for (line, schema) in lines {
        let (exit, output, errors) = run(&home, line, "");
        assert_eq!(exit, 2, "{line:?} {output} {errors}");
        let events = events(&output, *schema);
        let kinds: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["hello", "error", "bye"], "{line:?}");
        assert!(!events[1]["hint"].as_str().unwrap().is_empty(), "{line:?}");
        assert_eq!(events[2]["exit"], 2);
        assert!(!errors.is_empty(), "people are told as well");
    }
}

#[test]
fn standard_input_that_is_no_terminal_needs_a_word_about_it() {
    let home = Home::new();
    let (exit, output, errors) = run(&home, &["connect", "--name", "alice"], "send bob hi\n");
    assert_eq!((exit, &*output), (2, ""));
    assert!(errors.contains("--script -") && errors.contains("terminal"), "{errors}");
}

#[test]
fn what_comes_later_says_not_yet() {
    let home = Home::new();
    let (exit, _, errors) = run(&home, &["connect", "--reconnect-for", "5", "--name", "a", "--script", "-"], "");
    assert_eq!(exit, 1, "{errors}");
    assert!(errors.contains("later version"), "{errors}");
}

#[test]
fn help_and_version_are_no_errors() {
    let home = Home::new();
    for line in [&["--help"][..], &["--version"], &["serve", "--help"], &["connect", "--help"]] {
        let (exit, output, errors) = run(&home, line, "");
        assert_eq!((exit, &*errors), (0, ""), "{line:?}");
        assert!(!output.is_empty());
    }
    assert_eq!(run(&home, &[], "").0, 2);
}
