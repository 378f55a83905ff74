//! A hub's answers as an operator reads them.

use std::fmt::Write as _;

use crate::{
    server::admin::{AdminAnswer, AdminError, AdminMember, AdminStatus, Reloaded},
    types::Printable,
};

/// An answer that is no error, with the end of its last line.
pub(super) fn answer(answer: &AdminAnswer) -> String {
    match answer {
        AdminAnswer::Who { members } => who(members),
        AdminAnswer::Status(status_now) => status(status_now),
        AdminAnswer::Kicked { name } => {
            format!("{name} is removed, and may come again. To keep it out: securestream hub ban {name}\n")
        }
        AdminAnswer::Banned { name } => {
            format!(
                "{name} stays out, and is removed if it was here. To let it in again: securestream hub unban {name}\n"
            )
        }
        AdminAnswer::Unbanned { name } => format!("{name} may come again.\n"),
        AdminAnswer::Released { name } => format!(
            "The name {name} is free, and whoever had it is no longer here: whoever comes first with it keeps it.\n"
        ),
        AdminAnswer::Invite { url, name, .. } => {
            let whom = name.as_deref().map_or_else(|| "one new member".to_owned(), |name| format!("{name} alone"));
            format!("{}\nIt lets in {whom}, once. Send it where nobody else reads.\n", Printable(url))
        }
        AdminAnswer::Fingerprint { fingerprint: Some(fingerprint) } => groups(fingerprint),
        AdminAnswer::Fingerprint { fingerprint: None } => {
            "This hub has no key, since it does not listen on tls://.\n".to_owned()
        }
        AdminAnswer::Reloaded(reloaded_now) => reloaded(reloaded_now),
        AdminAnswer::Error(error_now) => error(error_now),
    }
}

pub(super) fn error(error: &AdminError) -> String {
    format!("error: {}\n\n  {}\n", Printable(&error.message), Printable(&error.hint))
}

fn who(members: &[AdminMember]) -> String {
    if members.is_empty() {
        return "Nobody is here.\n".to_owned();
    }
    let mut rows = vec![["NAME", "KEY", "FROM", "PLAYS"].map(str::to_owned)];
    for member in members {
        let name = if member.guest { format!("{} (guest)", member.name) } else { member.name.clone() };
        let key = member.fingerprint.chars().take(16).collect();
        let from = member.peer.as_deref().unwrap_or("(link lost)");
        rows.push([Printable(&name).to_string(), key, Printable(from).to_string(), member.plays.to_string()]);
    }
    format!("{}{} here\n", table(&rows), members.len())
}

fn status(status: &AdminStatus) -> String {
    let listening: Vec<_> = status.listening.iter().map(|url| Printable(url).to_string()).collect();
    let rows = [
        ["version".to_owned(), format!("{}, protocol {}", Printable(&status.version), status.protocol)],
        ["running for".to_owned(), duration(status.uptime_ms)],
        ["listening on".to_owned(), listening.join(", ")],
        ["relay".to_owned(), Printable(&status.relay).to_string()],
        ["members".to_owned(), format!("{} of {}", status.members, status.max_members)],
        ["plays".to_owned(), status.plays.to_string()],
        ["titles".to_owned(), status.titles.to_string()],
        ["links".to_owned(), format!("{} not registered, {} refused", status.waiting_links, status.refused_links)],
    ];
    table(&rows)
}

fn reloaded(reloaded: &Reloaded) -> String {
    let count = reloaded.titles;
    let mut text = format!("{count} {}\n", if count == 1 { "title" } else { "titles" });
    for skipped in &reloaded.skipped {
        // A String takes every write.
        let _ = writeln!(text, "    skipped {}: {}", Printable(&skipped.file), Printable(&skipped.reason));
    }
    text
}

/// A fingerprint as members compare it: four digits at a time.
fn groups(fingerprint: &str) -> String {
    let digits: Vec<char> = fingerprint.chars().collect();
    // One line, as members are asked to compare it and may paste it.
    let groups: Vec<String> = digits.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ") + "\n"
}

fn duration(milliseconds: u64) -> String {
    let minutes = milliseconds / 60_000;
    match (minutes / (24 * 60), minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => format!("{} s", milliseconds / 1000),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// Columns as wide as what stands in them, two spaces apart.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().enumerate().map(|(at, cell)| format!("{cell:<0$}", width(at))).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, peer: Option<&str>) -> AdminMember {
        let (name, fingerprint, peer) = (name.to_owned(), "3f9a".repeat(16), peer.map(str::to_owned));
        AdminMember { name, fingerprint, guest: peer.is_none(), peer, plays: 2 }
    }

    #[test]
    fn who_is_a_table() {
        let members = vec![member("alice", Some("192.0.2.1:4711")), member("bob", None)];
        assert_eq!(
            answer(&AdminAnswer::Who { members }),
            "NAME         KEY               FROM            PLAYS\n\
             alice        3f9a3f9a3f9a3f9a  192.0.2.1:4711  2\n\
             bob (guest)  3f9a3f9a3f9a3f9a  (link lost)     2\n\
             2 here\n"
        );
    }

    #[test]
    fn what_others_chose_cannot_steer_the_terminal() {
        let text = answer(&AdminAnswer::Who { members: vec![member("a\u{1b}[2J", Some("\u{1b}]0;x\u{7}"))] });
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text}");
    }

    #[test]
    fn fingerprints_and_times_are_written_for_people() {
        let fingerprint = Some("3f9a22c1".repeat(8));
        let grouped = "3f9a 22c1 ".repeat(8);
        assert_eq!(answer(&AdminAnswer::Fingerprint { fingerprint }), format!("{}\n", grouped.trim_end()));
        let times = [(999, "0 s"), (61_000, "1 min"), (7_500_000, "2 h 5 min"), (180_000_000, "2 d 2 h")];
        for (milliseconds, text) in times {
            assert_eq!(duration(milliseconds), text);
        }
    }
}
