//! Who may import whom, as ARCHITECTURE.md says it, checked against the source itself.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

/// Top-level modules, and what each may import of the others: a module, or one item of it. Each line names only
/// modules of lines above it, so there is no circle.
const ARROWS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("proto", &["types"]),
    ("crypto", &["types"]),
    ("directory", &["types"]),
    ("storage", &["types"]),
    ("transport", &["types"]),
    ("video", &["types"]),
    // Sealed bytes are opaque to a hub: of crypto it knows what came of verifying a registration.
    (
        "server",
        &[
            "types",
            "proto",
            "directory",
            "video",
            "crypto::VerifiedRecord",
            "crypto::RegistrationError",
            "crypto::RecordError",
        ],
    ),
    ("client", &["types", "proto", "crypto", "directory", "storage", "video"]),
    ("driver", &["types", "proto", "crypto", "directory", "storage", "transport", "video", "server", "client"]),
    // A command line that cannot be followed is answered in the form of the program that was asked for.
    ("cli", &["types", "client", "server::admin", "server::report"]),
    (
        "run",
        &[
            "types",
            "proto",
            "crypto",
            "directory",
            "storage",
            "transport",
            "video",
            "server",
            "client",
            "driver",
            "cli",
        ],
    ),
];

/// Crates that only some modules may name, so that each can be replaced in one place.
const FENCES: &[(&str, &[&str])] = &[
    ("mio", &["driver", "transport"]),
    ("signal_hook", &["driver"]),
    ("socket2", &["transport"]),
    ("rustls", &["transport"]),
    ("rcgen", &["transport"]),
    ("clap", &["cli", "client"]),
    ("rsa", &["crypto"]),
    ("pkcs8", &["crypto"]),
    ("rpassword", &["run"]),
    ("chacha20poly1305", &["crypto"]),
    ("vodozemac", &["crypto"]),
    ("rustyline", &["client"]),
    ("nix", &["client"]),
    ("rmp_serde", &["types"]),
    ("opencv", &["video"]),
    ("ffmpeg", &["video"]),
];

/// The files that may ask what time it is.
const CLOCKS: &[&str] = &["src/driver/clock.rs", "src/video/clock.rs"];

/// Modules that may measure from an `Instant` that a clock gave, which asks the clock as well.
const MEASURERS: &[&str] = &["driver", "run"];

const PRINTS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// A rule that a line of source breaks.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    file: String,
    line: usize,
    what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// A word or a sign of Rust, and the line it stands in.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// The tokens of a source without comments; a literal is one token, cut down to its first character.
fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (source, 1);
    while let Some(first) = rest.chars().next() {
        let length = token_length(rest, first);
        let is_comment = rest.starts_with("//") || rest.starts_with("/*");
        if !first.is_whitespace() && !is_comment {
            let is_word = first.is_alphanumeric() || first == '_';
            let kept = if is_word && !is_raw_string(rest) { length } else { first.len_utf8() };
            tokens.push(Token { text: &rest[..kept], line });
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

fn token_length(rest: &str, first: char) -> usize {
    let word = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    match first {
        '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
        '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
        '"' => quoted_length(rest),
        '\'' if rest[1..].starts_with('\\') => 3 + rest[3..].find('\'').map_or(0, |end| end + 1),
        '\'' if rest.chars().nth(2) == Some('\'') => rest.chars().take(3).map(char::len_utf8).sum(),
        _ if is_raw_string(rest) => raw_length(rest),
        _ if first.is_alphanumeric() || first == '_' => word(rest),
        _ => first.len_utf8(),
    }
}

fn quoted_length(rest: &str) -> usize {
    let mut is_escaped = false;
    let end = rest.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(rest.len(), |end| end + 2)
}

fn is_raw_string(rest: &str) -> bool {
    let hashes = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'));
    hashes.is_some_and(|rest| rest.trim_start_matches('#').starts_with('"'))
}

fn raw_length(rest: &str) -> usize {
    let open = rest.find('"').unwrap_or(0);
    let close = format!("\"{}", "#".repeat(rest[..open].matches('#').count()));
    rest[open + 1..].find(&close).map_or(rest.len(), |end| open + 1 + end + close.len())
}

/// The source of one file, and where in the tree of modules it is.
struct Source<'a> {
    /// From the root of the repository.
    file: &'a str,
    tokens: Vec<Token<'a>>,
    /// For each token, how many modules deep it stands: 1 in `src/types/mod.rs`, 2 in `src/types/code.rs`, one
    /// more in its `mod tests { … }`.
    depths: Vec<usize>,
    /// For each token, whether only tests are built with it.
    in_tests: Vec<bool>,
}

impl<'a> Source<'a> {
    fn new(file: &'a str, text: &'a str) -> Self {
        let tokens = tokens(text);
        let path = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        let is_root = matches!(path, "lib" | "main");
        let is_test_file = path.ends_with("tests");
        let file_depth = if is_root { 0 } else { path.split('/').count() };
        let (mut depths, mut in_tests) = (Vec::new(), Vec::new());
        // For each brace that is open: whether it is a module's, and whether it is one of tests.
        let mut open: Vec<(bool, bool)> = Vec::new();
        for (place, token) in tokens.iter().enumerate() {
            match token.text {
                "{" => open.push((is_module(&tokens[..place]), is_tests(&tokens[..place]))),
                "}" => drop(open.pop()),
                _ => {}
            }
            depths.push(file_depth + open.iter().filter(|(is_module, _)| *is_module).count());
            in_tests.push(is_test_file || open.iter().any(|(_, is_tests)| *is_tests));
        }
        Self { file, tokens, depths, in_tests }
    }

    /// The top-level module that the file belongs to; nothing for the crate's roots.
    fn module(&self) -> Option<&'a str> {
        let path = self.file.trim_start_matches("src/").trim_end_matches(".rs");
        let module = path.split('/').next()?;
        (!matches!(module, "lib" | "main" | "architecture_tests")).then_some(module)
    }

    fn text(&self, place: usize) -> &'a str {
        self.tokens.get(place).map_or("", |token| token.text)
    }

    fn is_path_at(&self, place: usize) -> bool {
        self.text(place) == ":" && self.text(place + 1) == ":"
    }

    /// What stands behind each way to the crate's root, `crate::` or enough of `super::`: where, and the path.
    fn imports(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for place in 0..self.tokens.len() {
            let from = match self.text(place) {
                "crate" if self.is_path_at(place + 1) => Some(place + 3),
                "super" if place < 2 || !self.is_path_at(place - 2) => self.behind_supers(place),
                _ => None,
            };
            if let Some(from) = from {
                self.expand(from, "", 2, &mut found);
            }
        }
        found
    }

    /// Where a path goes on that climbs to the root by `super`.
    fn behind_supers(&self, place: usize) -> Option<usize> {
        let mut next = place;
        while self.text(next) == "super" && self.is_path_at(next + 1) {
            next += 3;
        }
        let climbed = (next - place) / 3;
        (climbed > 0 && climbed >= self.depths[place]).then_some(next)
    }

    /// Collects the paths of a use tree up to `segments` deep. Returns where the tree ends.
    fn expand(&self, place: usize, before: &str, segments: usize, found: &mut Vec<(usize, String)>) -> usize {
        if self.text(place) == "{" {
            let mut next = place + 1;
            while next < self.tokens.len() && self.text(next) != "}" {
                next = if self.text(next) == "," { next + 1 } else { self.expand(next, before, segments, found) };
            }
            return next + 1;
        }
        let path = format!("{before}{}", self.text(place));
        if segments > 1 && self.is_path_at(place + 1) {
            return self.expand(place + 3, &format!("{path}::"), segments - 1, found);
        }
        found.push((self.tokens.get(place).map_or(0, |token| token.line), path));
        let mut next = place + 1;
        while self.is_path_at(next) {
            next = self.expand(next + 2, "", 1, &mut Vec::new());
        }
        if self.text(next) == "as" { next + 2 } else { next }
    }
}

/// Whether a brace behind these tokens opens a module.
fn is_module(before: &[Token<'_>]) -> bool {
    before.len() >= 2 && before[before.len() - 2].text == "mod"
}

/// Whether a brace behind these tokens opens a module of tests.
fn is_tests(before: &[Token<'_>]) -> bool {
    let head = before.iter().rposition(|token| matches!(token.text, ";" | "}")).map_or(0, |end| end + 1);
    let words: Vec<&str> = before[head..].iter().map(|token| token.text).collect();
    is_module(before) && words.windows(4).any(|words| words == ["cfg", "(", "test", ")"])
}

fn arrow_violations(source: &Source<'_>) -> Vec<Violation> {
    let Some(module) = source.module() else { return Vec::new() };
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) else {
        let what = format!("{module} has no line in ARROWS: say there what it may import");
        return vec![Violation { file: source.file.to_owned(), line: 1, what }];
    };
    let is_allowed = |path: &str| {
        let own = path.split("::").next() == Some(module);
        own || allowed.iter().any(|entry| path == *entry || path.starts_with(&format!("{entry}::")))
    };
    let broken = source.imports().into_iter().filter(|(_, path)| !is_allowed(path));
    let message = |path| format!("{module} must not import {path}; it may import {allowed:?}");
    broken.map(|(line, path)| Violation { file: source.file.to_owned(), line, what: message(path) }).collect()
}

fn token_violations(source: &Source<'_>) -> Vec<Violation> {
    let module = source.module().unwrap_or_default();
    let mut found = Vec::new();
    for place in 0..source.tokens.len() {
        let (word, next) = (source.text(place), source.text(place + 1));
        let goes_on = source.is_path_at(place + 1);
        let begins_path = goes_on && (place < 2 || !source.is_path_at(place - 2));
        let is_in_tests = source.in_tests[place];
        let asks_clock = goes_on && matches!(word, "Instant" | "SystemTime") && source.text(place + 3) == "now";
        let measures = word == "elapsed" && place > 0 && source.text(place - 1) == "." && next == "(";
        let fence = FENCES.iter().find(|(name, may)| begins_path && *name == word && !may.contains(&module));
        let is_clock = CLOCKS.contains(&source.file);
        let what = if let Some((name, may)) = fence {
            format!("{name} is named outside of {may:?}")
        } else if asks_clock && !is_in_tests && !is_clock {
            format!("{word}::now outside of {CLOCKS:?}: let the caller hand in the time")
        } else if measures && !is_in_tests && !is_clock && !MEASURERS.contains(&module) {
            "elapsed asks the clock: let the caller hand in the time".to_owned()
        } else if PRINTS.contains(&word) && next == "!" && !is_in_tests {
            format!("{word}! writes past the one place for output")
        } else {
            continue;
        };
        found.push(Violation { file: source.file.to_owned(), line: source.tokens[place].line, what });
    }
    found
}

fn violations(file: &str, text: &str) -> Vec<Violation> {
    let source = Source::new(file, text);
    let mut found = arrow_violations(&source);
    found.extend(token_violations(&source));
    found
}

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(source_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn the_source_keeps_the_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = source_files(&root.join("src"));
    assert!(files.len() > 100, "{} files found", files.len());
    let broken: Vec<String> = files
        .iter()
        .flat_map(|path| {
            let file = path.strip_prefix(root).unwrap().to_str().unwrap();
            violations(file, &fs::read_to_string(path).unwrap())
        })
        .map(|violation| violation.to_string())
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_table_of_arrows_has_no_circle_and_stands_in_the_documentation() {
    let documentation = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap();
    for (place, (module, allowed)) in ARROWS.iter().enumerate() {
        for entry in *allowed {
            let other = entry.split("::").next().unwrap();
            let above = ARROWS[..place].iter().any(|(name, _)| *name == other);
            assert!(above, "{module} may import {other}, which stands not above it");
        }
        let row = format!("| `{module}` |");
        assert!(documentation.contains(&row), "ARCHITECTURE.md has no row for {module}");
    }
}

/// The lines of a made-up file that break a rule.
fn broken_lines(file: &str, text: &str) -> Vec<usize> {
    violations(file, text).iter().map(|violation| violation.line).collect()
}

#[test]
fn an_import_against_an_arrow_is_found_with_its_line() {
    let text = "use crate::{\n    types::Code,\n    driver::{clock, hub as h},\n    server,\n};\n";
    let found = violations("src/client/made_up.rs", text);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].to_string().starts_with("src/client/made_up.rs:3: client must not import driver::clock"));
    assert_eq!(found[2].line, 4);

    for (file, text) in [
        ("src/types/code.rs", "fn f() -> crate::proto::Message { x }"),
        ("src/types/code.rs", "use super::super::proto::Message;"),
        ("src/types/code.rs", "mod tests { use super::super::super::proto::Message; }"),
        ("src/types/mod.rs", "pub use super::proto;"),
        ("src/proto/record.rs", "macro_rules! m { () => { $crate::video::Plan } }"),
        ("src/server/relay.rs", "use crate::crypto::{VerifiedRecord, open};"),
        ("src/cli/connect.rs", "use crate::server::Relay;"),
        ("src/unheard_of.rs", ""),
    ] {
        assert_eq!(broken_lines(file, text), [1], "{file}: {text}");
    }
}

#[test]
fn clocks_crates_and_prints_are_found_outside_of_their_places() {
    for (file, text) in [
        ("src/proto/timer.rs", "let now = std::time::Instant::now();"),
        ("src/proto/timer.rs", "#[cfg(test)]\nmod tests { }\nlet now = Instant::now();"),
        ("src/client/work.rs", "let now = SystemTime::now();"),
        ("src/client/work.rs", "let spent = start.elapsed();"),
        ("src/server/relay.rs", "use mio::Token;"),
        ("src/main.rs", "fn main() { println!(\"x\"); }"),
    ] {
        assert_eq!(violations(file, text).len(), 1, "{file}: {text}");
    }
}

#[test]
fn what_only_looks_like_a_violation_is_let_through() {
    for (file, text) in [
        ("src/types/code.rs", "// use crate::proto;\n/* crate::proto::X */ const X: &str = \"crate::proto\";"),
        ("src/types/code.rs", "const X: &[u8] = br#\"}\" crate::proto\"#; const C: [char; 3] = ['{', '\\'', '\"'];"),
        ("src/types/code.rs", "fn f<'a>(x: &'a str) { super::wire::write(x) }\nmod tests { use super::super::wire; }"),
        ("src/types/code.rs", "pub(crate) use wire_struct;"),
        ("src/client/work.rs", "use crate::{client::event::{self, Event as E}, proto::message::{Post, Quit}};"),
        ("src/cli/ending.rs", "use crate::{server::report::HubEvent, types::Code};"),
        ("src/proto/timer.rs", "#[cfg(test)]\nmod tests { fn f() { Instant::now().elapsed(); println!(); } }"),
        ("src/proto/timer_tests.rs", "fn f() { Instant::now(); }"),
        ("src/driver/clock.rs", "Instant::now()"),
        ("src/video/ffmpeg.rs", "use ffmpeg::Error; mod ffmpeg;"),
        ("src/client/terminal/shell.rs", "let mio = super::mio::f();"),
    ] {
        assert_eq!(violations(file, text), [], "{file}: {text}");
    }
}
