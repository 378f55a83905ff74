//! What the Tab key completes: commands, names and titles.

use std::sync::{Arc, Mutex, PoisonError};

use super::PromptKind;
use crate::client::command::{CommandName, Syntax};

/// Commands that only a terminal has.
pub(super) const TERMINAL_COMMANDS: [&str; 3] = ["to", "msg", "menu"];

/// Most candidates that are offered: more could not be read, and the editor counts them in 16 bits.
const MAX_CANDIDATES: usize = 500;

/// What can be completed now.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// Who is here, other than this member.
    pub names: Vec<String>,
    pub titles: Vec<String>,
    /// What is being asked for.
    pub asked: PromptKind,
}

/// The words, shared between the menu and the editor's thread.
pub type SharedWords = Arc<Mutex<Words>>;

/// Changes the words.
pub(super) fn update(words: &SharedWords, change: impl FnOnce(&mut Words)) {
    // Words are whole after every change, so a thread that died holding them left nothing broken.
    change(&mut words.lock().unwrap_or_else(PoisonError::into_inner));
}

/// A copy of the words.
pub(super) fn snapshot(words: &SharedWords) -> Words {
    words.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Words {
    /// What the end of `line` may become: the byte where the completed part begins, and what may stand there.
    #[must_use]
    pub fn complete(&self, line: &str) -> (usize, Vec<String>) {
        let (start, mut candidates) = match line.strip_prefix('/') {
            Some(command) => self.complete_command(line, command),
            None => match self.asked {
                PromptKind::Receiver => (0, with_prefix(self.names.iter(), line)),
                PromptKind::Title => (0, with_prefix(self.titles.iter(), line)),
                PromptKind::Mode => (0, with_prefix(["auto", "tour"], line)),
                PromptKind::HubKey => (0, with_prefix(["yes", "no"], line)),
                PromptKind::Menu | PromptKind::Text | PromptKind::Name => (line.len(), Vec::new()),
            },
        };
        candidates.truncate(MAX_CANDIDATES);
        if let [only] = candidates.as_mut_slice()
            && line.starts_with('/')
            && !only.ends_with('=')
        {
            // It is whole: what follows is the next word.
            only.push(' ');
        }
        (start, candidates)
    }

    fn complete_command(&self, line: &str, command: &str) -> (usize, Vec<String>) {
        let Some((name, arguments)) = command.split_once(' ') else {
            let known = CommandName::ALL.iter().map(|name| name.as_str()).filter(|name| is_for_terminals(name));
            return (1, with_prefix(known.chain(TERMINAL_COMMANDS), command));
        };
        let start = line.len() - arguments.len();
        let last = arguments.rfind(' ').map_or(0, |at| at + 1);
        match name {
            "send" | "to" | "msg" | "verify" | "trust" | "block" | "unblock" => {
                (start, with_prefix(self.names.iter(), arguments))
            }
            "help" => (start, with_prefix(CommandName::ALL.iter().map(|name| name.as_str()), arguments)),
            "play" if last == 0 || arguments.starts_with('"') && !arguments[1..].contains('"') => {
                (start, self.quoted_titles(arguments))
            }
            "play" => {
                let fields = Syntax::of(CommandName::Play).fields().iter().map(|field| format!("{field}="));
                let values = ["mode=auto", "mode=tour", "speed=max", "checksum=1", "display=none", "display=window"];
                let all = fields.chain(values.map(str::to_owned));
                (start + last, with_prefix(all, &arguments[last..]))
            }
            _ => (line.len(), Vec::new()),
        }
    }

    fn quoted_titles(&self, typed: &str) -> Vec<String> {
        let bare = typed.trim_start_matches('"');
        let titles = with_prefix(self.titles.iter(), bare);
        titles.into_iter().map(|title| if title.contains([' ', '"', '#']) { quoted(&title) } else { title }).collect()
    }
}

/// As the reader of commands takes it for one word.
pub(super) fn quoted(title: &str) -> String {
    format!("\"{}\"", title.replace('\\', "\\\\").replace('"', "\\\""))
}

fn is_for_terminals(name: &str) -> bool {
    !matches!(name, "wait" | "sleep" | "expect-error")
}

fn with_prefix(known: impl IntoIterator<Item = impl AsRef<str>>, typed: &str) -> Vec<String> {
    let folded = typed.to_lowercase();
    let fits = |word: &String| word.to_lowercase().starts_with(&folded);
    known.into_iter().map(|word| word.as_ref().to_owned()).filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(asked: PromptKind, line: &str) -> (usize, Vec<String>) {
        let names = vec!["bob".to_owned(), "Bodo".to_owned(), "carol".to_owned()];
        let titles = vec!["mandelbrot".to_owned(), "my \"holiday\"".to_owned()];
        Words { names, titles, asked }.complete(line)
    }

    fn found(start: usize, words: &[&str]) -> (usize, Vec<String>) {
        (start, words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn commands_names_titles_and_fields() {
        use PromptKind::{Menu, Mode, Receiver, Text, Title};
        for (asked, line, expected) in [
            (Text, "/pl", found(1, &["play "])),
            (Menu, "/m", found(1, &["msg", "menu"])),
            (Menu, "/w", found(1, &["who", "whoami"])),
            (Text, "/msg BO", found(5, &["bob", "Bodo"])),
            (Text, "/to c", found(4, &["carol "])),
            (Text, "/play man", found(6, &["mandelbrot "])),
            (Text, "/play my", found(6, &["\"my \\\"holiday\\\"\" "])),
            (Text, "/play mandelbrot mode=t", found(17, &["mode=tour "])),
            (Text, "/play mandelbrot che", found(17, &["checksum=", "checksum=1"])),
            (Text, "/play mandelbrot st", found(17, &["start="])),
            (Text, "/help pl", found(6, &["play "])),
            (Receiver, "b", found(0, &["bob", "Bodo"])),
            (Title, "m", found(0, &["mandelbrot", "my \"holiday\""])),
            (Mode, "t", found(0, &["tour"])),
            (Text, "bo", found(2, &[])),
            (Text, "/nonsense b", found(11, &[])),
            (Text, "/send bob b", found(6, &[])),
        ] {
            assert_eq!(complete(asked, line), expected, "{line}");
        }
    }

    #[test]
    fn no_more_than_can_be_read() {
        let names = (0..70_000).map(|n| format!("n{n}")).collect();
        let words = Words { names, asked: PromptKind::Receiver, ..Words::default() };
        assert_eq!(words.complete("n").1.len(), MAX_CANDIDATES);
    }
}
