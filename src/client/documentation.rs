//! Holds `docs/scripting.md` to what the program does.

use serde_json::{Map, Value};

use super::{
    command::{CommandName, read_line},
    event::{EventKind, testing::examples},
    lines::MAX_LINE,
};
use crate::types::{Code, ExitCode as E};

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
