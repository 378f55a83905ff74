//! Holds `docs/scripting.md` to what the program does.

use serde_json::{Map, Value};

use super::{
    command::{CommandName, read_line},
    event::{EventKind, testing::examples},
    lines::MAX_LINE,
};
use crate::{
    types::{Code, ExitCode as E},
    video::viewer::bindings,
};

const FRONT: &str = include_str!("../../README.md");

const GUIDE: &str = include_str!("../../docs/scripting.md");

/// The lines of every fenced block whose mark begins with `mark`.
fn blocks(mark: &str) -> Vec<Vec<&'static str>> {
    let mut found: Vec<Vec<&str>> = Vec::new();
    let mut inside = None;
    for line in GUIDE.lines() {
        match (line.strip_prefix("```"), inside) {
            (Some(_), Some(_)) => inside = None,
            (Some(tag), None) => {
                let wanted = tag.split(' ').next() == Some(mark);
                inside = Some(wanted);
                found.extend(wanted.then(Vec::new));
            }
            (None, Some(true)) => found.last_mut().unwrap().push(line),
            (None, _) => {}
        }
    }
    found
}

/// The row of the table of events that tells of `kind`.
fn row(kind: &str) -> &'static str {
    let events = GUIDE.split("\n## ").find(|section| section.starts_with("Events")).unwrap();
    events.lines().find(|line| line.starts_with(&format!("| `{kind}` |"))).expect(kind)
}

#[test]
fn the_guide_names_every_command_event_code_and_exit_code() {
    for name in CommandName::ALL {
        let first = [format!("| `{name}`"), format!("| `{name} "), format!(", `{name} ")];
        assert!(
            GUIDE.lines().any(|line| line.starts_with('|') && first.iter().any(|cell| line.contains(cell))),
            "{name}"
        );
    }
    for code in Code::ALL {
        assert!(GUIDE.contains(&format!("\n| `{code}` |")), "{code}");
    }
    let exits = [E::Fine, E::CommandFailed, E::Usage, E::Network, E::Refused, E::Trust, E::WaitTimedOut, E::Data];
    for exit in exits {
        assert!(GUIDE.contains(&format!("\n| {} |", exit as u8)), "{exit:?}");
    }
    assert!(GUIDE.contains("| 129, 130, 143 |"));
    let grouped = MAX_LINE.to_string();
    let (high, low) = grouped.split_at(grouped.len() - 3);
    let (top, mid) = high.split_at(high.len() - 3);
    assert!(GUIDE.contains(&format!("{top},{mid},{low} bytes")), "{grouped}");
}

#[test]
fn the_front_page_names_every_key_of_the_player_and_no_other() {
    let keys: Vec<String> = bindings().map(|(key, _)| key.to_string()).collect();
    let (_, table) = FRONT.split_once("In a film's window the keys are").unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells: Vec<&str> = rows.skip(2).filter_map(|row| row.split('|').nth(1)).collect();
    let of_the_mouse = |part: &&str| !part.contains("click") && !part.contains("wheel");
    // A comma between two keys is none itself, unless it stands alone.
    let parts = cells.iter().flat_map(|cell| cell.split([';', ','])).filter(of_the_mouse);
    let mut named: Vec<&str> = parts.flat_map(str::split_whitespace).collect();
    named.extend(cells.iter().flat_map(|cell| cell.split(' ')).filter(|part| *part == ","));
    for key in &keys {
        // The line above the table says how to see the others.
        assert!(named.contains(&key.as_str()) || key == "?", "{key} is not in {named:?}");
    }
    for name in named {
        assert!(keys.iter().any(|key| key == name), "{name} is no key");
    }
}

#[test]
fn the_guide_names_every_field_of_every_event() {
    for event in examples() {
        let Ok(Value::Object(fields)) = serde_json::to_value(&event) else { panic!("no object") };
        let kind = fields["event"].as_str().unwrap();
        for field in fields.keys().filter(|field| *field != "event") {
            assert!(row(kind).contains(&format!("`{field}`")), "{kind}.{field}");
        }
    }
}

#[test]
fn the_examples_can_be_read() {
    let (scripts, expected) = (blocks("script"), blocks("expect"));
    assert_eq!(scripts.len(), expected.len());
    assert!((6..=12).contains(&scripts.len()), "{}", scripts.len());
    for line in scripts.concat() {
        assert!(read_line(line).is_none_or(|line| line.instruction.is_ok()), "{line}");
    }
    for line in expected.concat() {
        let object: Map<String, Value> = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        let kind = EventKind::named(object["event"].as_str().unwrap()).expect(line);
        for field in object.keys().filter(|field| !["event", "ref"].contains(&field.as_str())) {
            assert!(kind.fields.contains(&field.as_str()), "{line}");
        }
    }
}
