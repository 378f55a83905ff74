//! The one table of what can be typed: the reader, the help, completion and the documentation follow it.

use super::CommandName;
use crate::client::event::HelpEntry;

/// How a command is written and what it does.
#[derive(Debug)]
pub struct Syntax {
    pub name: CommandName,
    /// What stands without a key, in order. In a JSON line these are keys too.
    pub(super) arguments: &'static [Argument],
    /// What stands as `key=value`.
    pub(super) fields: &'static [&'static str],
    /// As the help shows it.
    pub line: &'static str,
    pub about: &'static str,
}

/// One argument that stands without a key.
#[derive(Debug)]
pub(super) struct Argument {
    pub(super) name: &'static str,
    pub(super) need: Need,
}

/// How an argument is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
    /// Required, and everything up to the end of the line as it stands.
    Rest,
}

impl Syntax {
    /// How `name` is written.
    #[must_use]
    pub fn of(name: CommandName) -> &'static Self {
        // One entry for each name; a test holds the table to that.
        TABLE.iter().find(|syntax| syntax.name == name).unwrap_or(&TABLE[0])
    }

    /// What it takes as `key=value`.
    pub(crate) fn fields(&self) -> &'static [&'static str] {
        self.fields
    }

    /// What help tells about one command or about all.
    #[must_use]
    pub fn help(name: Option<CommandName>) -> Vec<HelpEntry> {
        let asked = TABLE.iter().filter(|syntax| name.is_none_or(|name| syntax.name == name));
        asked.map(|syntax| HelpEntry { name: syntax.name, syntax: syntax.line, about: syntax.about }).collect()
    }
}

const TABLE: &[Syntax] = &[
    Syntax {
        name: CommandName::Send,
        arguments: &[required("to"), rest("text")],
        fields: &[],
        line: "send NAME TEXT",
        about: "writes to one member; only they can read it",
    },
    Syntax {
        name: CommandName::All,
        arguments: &[rest("text")],
        fields: &[],
        line: "all TEXT",
        about: "writes to everyone who is here",
    },
    plain(CommandName::Who, "who", "tells who is here"),
    plain(CommandName::Directory, "directory", "shows the names and fingerprints as this member has them"),
    plain(CommandName::Videos, "videos", "lists the titles on the hub with their renditions"),
    plain(CommandName::Whoami, "whoami", "tells this member's name and fingerprint"),
    Syntax {
        name: CommandName::Help,
        arguments: &[optional("command")],
        fields: &[],
        line: "help [COMMAND]",
        about: "shows how commands are written",
    },
    plain(CommandName::Quit, "quit", "leaves; what is queued has 2 s to reach the hub"),
    Syntax {
        name: CommandName::Play,
        arguments: &[required("title")],
        fields: &["mode", "max", "start", "end", "speed", "checksum", "display", "sound", "subtitles", "id"],
        line: "play TITLE [mode=auto|tour|HEIGHT] [max=HEIGHT] [start=TIME] [end=TIME] [speed=max] [checksum=1] \
               [display=auto|window|terminal|none] [sound=auto|none] [subtitles=LANGUAGE] [id=WORD]",
        about: "plays a title; a tour shows each rendition for an equal share of it",
    },
    on_play(CommandName::Pause, "pause [ID]", "pauses a play; without an ID the newest"),
    on_play(CommandName::Resume, "resume [ID]", "goes on with a paused play"),
    on_play(CommandName::Stop, "stop [ID]", "ends a play"),
    Syntax {
        name: CommandName::Seek,
        arguments: &[required("time"), optional("id")],
        fields: &[],
        line: "seek [+|-]TIME [ID]",
        about: "goes to a time of a play (7.25 or 1:02:03), or by one (+30, -5)",
    },
    Syntax {
        name: CommandName::Rendition,
        arguments: &[required("rendition"), optional("id")],
        fields: &[],
        line: "rendition HEIGHT|auto [ID]",
        about: "changes the rendition of a play",
    },
    Syntax {
        name: CommandName::Verify,
        arguments: &[required("name"), rest("answer")],
        fields: &[],
        line: "verify NAME [yes|DIGITS]",
        about: "shows the number to compare with a member, or says that it is the same",
    },
    Syntax {
        name: CommandName::Trust,
        arguments: &[required("name"), rest("fingerprint")],
        fields: &[],
        line: "trust NAME [FINGERPRINT]",
        about: "accepts a member's new key and sends what was held",
    },
    on_member(CommandName::Block, "block NAME", "shows nothing more of a member"),
    on_member(CommandName::Unblock, "unblock NAME", "shows a blocked member again"),
    Syntax {
        name: CommandName::Wait,
        arguments: &[required("event")],
        fields: &["timeout"],
        line: "wait EVENT[|EVENT...] [field=value]... [timeout=SECONDS]",
        about: "goes on when such an event has come; 10 s unless told, 0 is for ever",
    },
    Syntax {
        name: CommandName::Sleep,
        arguments: &[required("seconds")],
        fields: &[],
        line: "sleep SECONDS",
        about: "does nothing for a time",
    },
    Syntax {
        name: CommandName::ExpectError,
        arguments: &[required("code"), rest("command")],
        fields: &[],
        line: "expect-error CODE COMMAND...",
        about: "succeeds when the command fails with this code",
    },
];

const fn required(name: &'static str) -> Argument {
    Argument { name, need: Need::Required }
}

const fn optional(name: &'static str) -> Argument {
    Argument { name, need: Need::Optional }
}

const fn rest(name: &'static str) -> Argument {
    Argument { name, need: Need::Rest }
}

const fn plain(name: CommandName, line: &'static str, about: &'static str) -> Syntax {
    Syntax { name, arguments: &[], fields: &[], line, about }
}

const fn on_play(name: CommandName, line: &'static str, about: &'static str) -> Syntax {
    const ID: &[Argument] = &[optional("id")];
    Syntax { name, arguments: ID, fields: &[], line, about }
}

const fn on_member(name: CommandName, line: &'static str, about: &'static str) -> Syntax {
    const NAME: &[Argument] = &[required("name")];
    Syntax { name, arguments: NAME, fields: &[], line, about }
}

/// At most three of `known` that `typed` may have been meant to be, nearest first.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    if typed.len() > MAX_TYPO {
        return Vec::new();
    }
    let typed = typed.to_lowercase();
    let mut near: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| {
            let folded = name.to_lowercase();
            let starts = !typed.is_empty() && folded.starts_with(&typed);
            (if starts { 1.0 } else { strsim::normalized_damerau_levenshtein(&typed, &folded) }, name)
        })
        .filter(|(likeness, _)| *likeness >= MIN_LIKENESS)
        .collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    let best = near.first().map_or(0.0, |(likeness, _)| *likeness);
    near.into_iter().take_while(|(likeness, _)| *likeness > best - 0.2).take(3).map(|(_, name)| name).collect()
}

/// What is longer than this is no mistyped name, and would take long to compare.
const MAX_TYPO: usize = 100;

/// `bbo` and `bob`, one exchange of three letters, are this alike; `alice` and `carol` are not.
const MIN_LIKENESS: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_one_syntax_that_begins_with_its_name() {
        for &name in CommandName::ALL {
            let syntax = Syntax::of(name);
            assert_eq!(syntax.name, name);
            assert_eq!(syntax.line.split(' ').next(), Some(name.as_str()));
            assert!(!syntax.about.is_empty());
            for field in syntax.fields {
                assert!(syntax.line.contains(&format!("{field}=")), "{name} does not show {field}");
            }
        }
        assert_eq!(TABLE.len(), CommandName::ALL.len());
    }

    #[test]
    fn the_nearest_names_are_offered() {
        assert_eq!(nearest("bbo", ["alice", "bob", "carol"]), ["bob"]);
        assert_eq!(nearest("ALI", ["alice", "bob"]), ["alice"]);
        assert_eq!(nearest("xyz", ["alice", "bob"]), [""; 0]);
        assert_eq!(nearest("", ["alice"]), [""; 0]);
        assert_eq!(nearest("bo", ["bob", "bo", "boo", "bog"]).len(), 3);
    }
}
