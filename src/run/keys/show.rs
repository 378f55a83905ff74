//! Shows whose keys are here, and what they are.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Said, json_line, people};
use crate::{
    cli::KeysOptions,
    client::{event::Failure, known_hubs::Day},
    crypto::Summary,
    types::{Fingerprint, MemberName},
};

/// An identity for programs.
#[derive(Serialize)]
struct Shown {
    event: &'static str,
    name: String,
    fingerprint: String,
    sequence: u64,
    /// The day of the last change, in UTC.
    changed: Option<String>,
    /// Whether a passphrase protects it.
    protected: bool,
    /// Whether others can begin sessions with it.
    bundle: bool,
    /// The fingerprints that it had before, oldest first.
    earlier: Vec<String>,
    folder: String,
}

/// Tells of one member's keys or of all. What cannot be read is told too, and does not keep the rest from being shown.
pub(super) fn show(options: &KeysOptions, name: Option<&MemberName>) -> Result<Said, Failure> {
    let folders = match name {
        Some(name) => vec![people::find(&options.folder, Some(name))?.folded().to_owned()],
        None => people::folders(&options.folder)?,
    };
    let mut said = Said::default();
    let mut refused = None;
    for folder in folders {
        match people::look(&options.folder, &folder) {
            Ok(summary) => {
                let folder = people::members(&options.folder).join(folder).display().to_string();
                said.stdout +=
                    &if options.json { json_line(&shown(&summary, folder)) } else { text(&summary, &folder) };
            }
            Err(failure) => {
                // A String takes every write.
                let _ = writeln!(said.stderr, "error: {}", failure.message);
                refused = Some(failure);
            }
        }
    }
    match refused {
        Some(failure) if said.stdout.is_empty() => Err(failure),
        None if said.stdout.is_empty() => Err(people::nobody(&options.folder)),
        _ => Ok(said),
    }
}

fn shown(summary: &Summary, folder: String) -> Shown {
    Shown {
        event: "identity",
        name: summary.name.to_string(),
        fingerprint: summary.fingerprint.to_string(),
        sequence: summary.sequence,
        changed: changed(summary).map(|day| day.to_string()),
        protected: summary.is_protected,
        bundle: summary.has_bundle,
        earlier: summary.earlier.iter().map(Fingerprint::to_string).collect(),
        folder,
    }
}

fn text(summary: &Summary, folder: &str) -> String {
    let mut text = format!("{}\n", summary.name);
    let mut line = |label: &str, value: &str| {
        // A String takes every write.
        let _ = writeln!(text, "    {label:<13}{value}");
    };
    line("fingerprint", &summary.fingerprint.grouped());
    let changed = changed(summary).map(|day| format!(", changed on {day}"));
    line("record", &format!("number {}{}", summary.sequence, changed.unwrap_or_default()));
    line("passphrase", if summary.is_protected { "set" } else { "none: whoever reads the folder has the keys" });
    line("bundle", if summary.has_bundle { "there" } else { "none" });
    for earlier in &summary.earlier {
        line("before", &earlier.grouped());
    }
    line("folder", folder);
    text
}

/// Sequences are times, except for one that version 0.1 gave.
fn changed(summary: &Summary) -> Option<Day> {
    const EARLIEST: u64 = 1_600_000_000_000;
    (summary.sequence > EARLIEST).then(|| Day::of_unix_millis(summary.sequence))
}
