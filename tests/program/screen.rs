//! Plays in the terminal of a person, seen as a terminal shows them.

#[cfg(feature = "player")]
use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::TcpListener,
    num::NonZero,
    ops::Range,
    process::{Child, Command, Stdio},
};

#[cfg(feature = "player")]
use nix::{
    pty::{Winsize, openpty},
    sys::termios::{Termios, tcgetattr},
};
use serde_json::json;

use crate::{
    home::Home,
    process::{guest, hub, samples},
};

/// How long nothing may come before a test fails, in milliseconds.
#[cfg(feature = "player")]
const SILENCE: i64 = 60_000;

/// What xterm answers to who asks what it can do, without pictures.
#[cfg(feature = "player")]
const ATTRIBUTES: &[u8] = b"\x1b[?64;1;9;15;21;22c";

/// The question where its cursor is, and what a terminal answers to the one behind a picture.
#[cfg(feature = "player")]
const CURSOR: (&[u8], &[u8]) = (b"\x1b[6n", b"\x1b[2;2R");

/// A member at a terminal of its own, and what that shows.
#[cfg(feature = "player")]
pub(crate) struct Seat {
    child: Child,
    keyboard: File,
    found: Termios,
    screen: vt100::Parser,
    came: Vec<u8>,
    /// Questions where the cursor is, and how many were answered; while it is held back none is.
    asked: usize,
    answered: usize,
    is_held: bool,
}

#[cfg(feature = "player")]
impl Seat {
    pub(crate) fn start(home: &Home, url: &str, rows: u16, columns: u16, arguments: &[&str]) -> Self {
        Self::run(alice(home, url, arguments), rows, columns)
    }

    /// Runs that at a terminal of its own.
    fn run(mut command: Command, rows: u16, columns: u16) -> Self {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let terminal = openpty(Some(&size), None).unwrap();
        let end = || Stdio::from(terminal.slave.try_clone().unwrap());
        let found = tcgetattr(&terminal.master).unwrap();
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let screen = vt100::Parser::new(nonzero(rows), nonzero(columns), 1000);
        let keyboard = terminal.master.into();
        Self { child, keyboard, found, screen, came: Vec::new(), asked: 0, answered: 0, is_held: false }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Draws what comes until the screen is as wanted.
    pub(crate) fn see(&mut self, what: &str, is_there: impl Fn(&vt100::Screen) -> bool) {
        while !is_there(self.screen.screen()) {
            assert!(self.draw_more(), "no {what} on the screen at the end:\n{}", self.screen.screen().contents());
        }
    }

    /// All that it was sent.
    pub(crate) fn came(&self) -> &[u8] {
        &self.came
    }

    /// Where the picture is, in rows and columns.
    pub(crate) fn picture(&self) -> (Range<usize>, Range<usize>) {
        let screen = self.screen.screen();
        let rows = coloured_rows(screen);
        let is_coloured = |column: &u16| is_coloured(screen, rows[0], *column);
        let columns: Vec<_> = (0..size(screen).1).filter(is_coloured).collect();
        let range = |places: &[u16]| places[0].into()..usize::from(places[places.len() - 1]) + 1;
        (range(&rows), range(&columns))
    }

    /// Draws what has come; false when nothing can come any more.
    fn draw_more(&mut self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let limit = Timespec { tv_sec: SILENCE / 1000, tv_nsec: 0 };
        let came = poll(&mut [PollFd::new(&self.keyboard, PollFlags::IN)], Some(&limit)).unwrap();
        assert_ne!(came, 0, "nothing came any more:\n{}", self.screen.screen().contents());
        let mut buffer = [0; 4096];
        let Ok(count @ 1..) = self.keyboard.read(&mut buffer) else { return false };
        self.screen.process(&buffer[..count]);
        let before = self.came.len().saturating_sub(2);
        self.came.extend_from_slice(&buffer[..count]);
        let questions = &self.came[before.saturating_sub(1)..];
        self.asked += questions.windows(4).filter(|four| *four == CURSOR.0).count();
        self.answer();
        if self.came[before..].windows(3).any(|three| three == b"\x1b[c") {
            self.keyboard.write_all(ATTRIBUTES).unwrap();
        }
        true
    }

    /// Says where the cursor is, as often as that was asked.
    fn answer(&mut self) {
        while !self.is_held && self.answered < self.asked {
            self.answer_once();
        }
    }

    /// Answers no more, and draws what comes until two answers are to come.
    fn owe_two(&mut self) {
        self.is_held = true;
        while self.asked < self.answered + 2 {
            assert!(self.draw_more());
        }
    }

    /// Gives one answer that was held back.
    fn answer_once(&mut self) {
        self.keyboard.write_all(CURSOR.1).unwrap();
        self.answered += 1;
    }

    /// Draws what comes until so many pictures more are asked about.
    fn draw_pictures(&mut self, count: usize) {
        let enough = self.asked + count;
        while self.asked < enough {
            assert!(self.draw_more());
        }
    }

    /// Waits until it ended, and makes sure that it left the terminal as it found it.
    fn ended(mut self) -> Option<i32> {
        while self.draw_more() {}
        let exit = self.child.wait().unwrap().code();
        assert_eq!(tcgetattr(&self.keyboard).unwrap(), self.found);
        let screen = self.screen.screen();
        assert!(coloured_rows(screen).is_empty(), "a picture remains:\n{}", screen.contents());
        assert!(!screen.alternate_screen() && !screen.hide_cursor());
        let count = |sequence: &[u8]| self.came.windows(sequence.len()).filter(|came| *came == sequence).count();
        assert_eq!(count(b"\x1b[?1036h"), count(b"\x1b[?1036r"), "what Alt does was kept and given back");
        // All of the screen scrolls again.
        let (rows, _) = size(screen);
        self.screen.process("\r\nx".repeat(rows.into()).as_bytes());
        assert!(texts(self.screen.screen()).iter().all(|row| row == "x"));
        exit
    }
}

#[cfg(feature = "player")]
impl Drop for Seat {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(feature = "player")]
fn nonzero(size: u16) -> NonZero<u16> {
    NonZero::new(size).unwrap()
}

/// Rows and columns.
#[cfg(feature = "player")]
fn size(screen: &vt100::Screen) -> (u16, u16) {
    let (rows, columns) = screen.size();
    (rows.get(), columns.get())
}

#[cfg(feature = "player")]
fn texts(screen: &vt100::Screen) -> Vec<String> {
    screen.rows(0, size(screen).1).map(|row| row.trim_end().to_owned()).collect()
}

/// The rows in which at least a third of the characters have a colour of their own behind them.
#[cfg(feature = "player")]
fn coloured_rows(screen: &vt100::Screen) -> Vec<u16> {
    let (rows, columns) = size(screen);
    (0..rows)
        .filter(|row| (0..columns).filter(|column| is_coloured(screen, *row, *column)).count() * 3 >= columns.into())
        .collect()
}

#[cfg(feature = "player")]
fn is_coloured(screen: &vt100::Screen, row: u16, column: u16) -> bool {
    screen.cell(row, column).is_some_and(|cell| matches!(cell.bgcolor(), vt100::Color::Rgb(..)))
}

#[cfg(feature = "player")]
pub(crate) fn has(screen: &vt100::Screen, text: &str) -> bool {
    texts(screen).iter().any(|row| row.contains(text))
}

/// The row of the line that is edited.
#[cfg(feature = "player")]
fn edited(screen: &vt100::Screen) -> String {
    texts(screen).swap_remove(screen.cursor_position().0.into())
}

/// Alice's program.
#[cfg(feature = "player")]
fn alice(home: &Home, url: &str, arguments: &[&str]) -> Command {
    let mut command = home.command(&[&["connect", url, "--name", "alice", "--ephemeral"], arguments].concat());
    command.args(["--trust-hub", "first-use"]).env("TERM", "xterm-256color").env("COLORTERM", "truecolor");
    command
}

/// Alice at her terminal, playing.
#[cfg(feature = "player")]
fn playing(home: &Home, url: &str, rows: u16) -> Seat {
    played(Seat::start(home, url, rows, 80, &[]), rows)
}

/// The same when the terminal is at another machine.
#[cfg(feature = "player")]
fn playing_over_ssh(home: &Home, url: &str, rows: u16) -> Seat {
    played(Seat::run(far(alice(home, url, &[])), rows, 80), rows)
}

/// That program at the far end of an ssh connection.
#[cfg(feature = "player")]
fn far(mut command: Command) -> Command {
    command.env("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22");
    command
}

#[cfg(feature = "player")]
fn played(mut alice: Seat, rows: u16) -> Seat {
    alice.see("the menu", |screen| has(screen, "/help lists them") && edited(screen).ends_with('>'));
    alice.press("/play mandelbrot mode=240 display=terminal\r");
    alice.see("a picture", |screen| coloured_rows(screen).len() >= usize::from(rows / 2));
    alice
}

#[cfg(feature = "player")]
#[test]
fn a_play_stands_above_and_the_conversation_goes_on_below() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--videos", &samples()]);
    let mut bob = guest(&home, &url, "bob", &[]);
    // Whoever is there before him does not join for him.
    bob.wait(json!({"event": "directory"}));
    let mut alice = playing(&home, &url, 24);
    bob.wait(json!({"event": "joined", "name": "alice"}));
    alice.see("the status", |screen| has(screen, "mandelbrot  0:0"));
    // One line of status follows the picture, which begins at the top and stands in the middle.
    let rows = coloured_rows(alice.screen.screen());
    assert_eq!(rows, (0..15).collect::<Vec<_>>());
    assert!(texts(alice.screen.screen())[15].contains("240p"));
    alice.press("half a thought");
    alice.see("what is typed", |screen| edited(screen).ends_with("half a thought"));
    for number in 0..20 {
        bob.say(&format!("send alice line {number}"));
    }
    alice.see("what bob writes", |screen| has(screen, "<bob> line 19"));
    alice.see("what is typed", |screen| edited(screen).ends_with("half a thought"));
    let screen = alice.screen.screen();
    assert_eq!(coloured_rows(screen), (0..15).collect::<Vec<_>>(), "nothing scrolled into it");
    assert!(has(screen, "<bob> line 15") && !has(screen, "<bob> line 9"), "{}", screen.contents());
    alice.press("\x1bq");
    alice.see("the conversation alone", |screen| coloured_rows(screen).is_empty() && has(screen, "stopped"));
    alice.see("what was typed", |screen| edited(screen).ends_with("half a thought"));
    alice.press("\x15/quit\r");
    assert_eq!(alice.ended(), Some(0));
}

#[cfg(feature = "player")]
#[test]
fn keys_act_on_the_play_while_a_line_is_edited() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--videos", &samples()]);
    let mut alice = playing(&home, &url, 24);
    alice.press(" ");
    alice.see("a pause", |screen| has(screen, "paused"));
    alice.press("\x1b?");
    alice.see("the list of keys", |screen| has(screen, "Q stop and remember the place"));
    alice.press("a b\x1bp");
    alice.see("the line with its space", |screen| edited(screen).ends_with("a b"));
    alice.press("\x1bf");
    alice.see("a larger picture", |screen| coloured_rows(screen).len() == 20 && edited(screen).ends_with("a b"));
    // Ctrl-L draws everything again, and the editor goes on in its place.
    alice.press("\x0c");
    alice.press("c");
    alice.see("the same", |screen| coloured_rows(screen).len() == 20 && edited(screen).ends_with("a bc"));
    alice.press("\x15\x04");
    assert_eq!(alice.ended(), Some(0));
}

#[cfg(feature = "player")]
#[test]
fn over_ssh_two_pictures_are_on_their_way_at_most_and_their_answers_are_no_keys() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--videos", &samples()]);
    let mut bob = guest(&home, &url, "bob", &[]);
    bob.wait(json!({"event": "directory"}));
    let mut alice = playing_over_ssh(&home, &url, 24);
    bob.wait(json!({"event": "joined", "name": "alice"}));
    alice.draw_pictures(5);

    alice.owe_two();
    for number in 0..10 {
        bob.say(&format!("send alice line {number}"));
        alice.see("what bob writes", |screen| has(screen, &format!("<bob> line {number}")));
    }
    assert_eq!(alice.asked, alice.answered + 2, "the conversation goes on, the picture waits");
    alice.is_held = false;
    alice.answer();
    // Back to the beginning: the film is short.
    alice.press("\x1b[D\x1b[D");
    alice.draw_pictures(5);

    for letter in "half a thought".chars() {
        alice.press(&letter.to_string());
        alice.draw_pictures(1);
    }
    alice.see("what is typed, and no more", |screen| edited(screen).ends_with("> half a thought"));
    // Tab waits for one key only.
    alice.press("\x15\x1b[D\x1b[D/he\tx");
    alice.see("a word that became whole", |screen| edited(screen).contains("/help") && edited(screen).ends_with('x'));
    alice.draw_pictures(5);
    alice.press("\x15\x1b[D\x1b[D");
    // An answer comes between Escape and the key that belongs to it, and between Ctrl-R and what is searched for.
    alice.press("\x1b");
    alice.draw_pictures(3);
    alice.press("p");
    alice.see("a pause", |screen| has(screen, "paused"));
    alice.press(" ");
    alice.draw_pictures(3);
    alice.press("\x12");
    alice.see("a search", |screen| edited(screen).contains("reverse-i-search"));
    alice.press("mandel");
    alice.see("what was found", |screen| edited(screen).contains("`mandel': /play mandelbrot"));
    alice.press("\x07");
    alice.see("no search", |screen| edited(screen).ends_with('>'));
    alice.draw_pictures(1);
    alice.press("/quit\r");
    assert_eq!(alice.ended(), Some(0));
}

#[cfg(feature = "player")]
#[test]
fn over_ssh_answers_under_way_are_no_second_key_and_end_no_search() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--videos", &samples()]);
    let mut alice = playing_over_ssh(&home, &url, 24);
    alice.owe_two();
    alice.press("thought\x16");
    alice.answer_once();
    alice.press("!");
    alice.see("what was typed, as it is", |screen| edited(screen).ends_with("> thought!"));
    alice.owe_two();
    alice.press("\x18");
    alice.answer_once();
    alice.press("\x7f");
    alice.see("nothing before the cursor", |screen| edited(screen).ends_with('>'));
    // Back to the beginning: the film is short.
    alice.press("\x1b[D\x1b[D");
    alice.owe_two();
    alice.press("half\x12");
    alice.is_held = false;
    alice.answer();
    alice.see("a search", |screen| edited(screen).contains("reverse-i-search"));
    alice.press("mandel");
    alice.see("what was found", |screen| edited(screen).contains("`mandel': /play mandelbrot"));
    alice.press("\x07");
    alice.see("the line as it was", |screen| edited(screen).ends_with("> half"));
    // Of Escape, Escape and an answer at once nothing is typed.
    alice.press("\x1b\x1b[D\x1b\x1b[D");
    alice.owe_two();
    alice.press("\x1b\x1b\x1b[2;2R");
    alice.answered += 1;
    alice.is_held = false;
    alice.answer();
    // Escape and Backspace delete a word, whatever comes between; Alt-Left is the player's.
    alice.press(" a thought\x1b\x1b[D\x1b\x1b[D");
    alice.owe_two();
    alice.press("\x1b");
    alice.answer_once();
    alice.press("\x7f");
    alice.see("a word less", |screen| edited(screen).ends_with("> half a"));
    alice.press("\x15/quit\r");
    assert_eq!(alice.ended(), Some(0));
}

/// At a shell, which gets the terminal when she is stopped: then it reads a line, and has her go on.
#[cfg(feature = "player")]
fn at_a_shell(home: &Home, url: &str) -> Seat {
    let at_shell = "set -m; \"$0\" \"$@\"; echo the shell; read -r line; echo \"it read $line\"; fg >/dev/null";
    let program = far(alice(home, url, &[]));
    let mut command = Command::new("setsid");
    command.args(["--ctty", "sh", "-c", at_shell]).arg(program.get_program()).args(program.get_args());
    command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("PATH", std::env::var_os("PATH").unwrap()).current_dir(program.get_current_dir().unwrap());
    Seat::run(command, 24, 80)
}

#[cfg(feature = "player")]
#[test]
fn whoever_comes_after_ctrl_z_has_the_terminal_as_it_was_and_no_answers_in_it() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--videos", &samples()]);
    let mut alice = played(at_a_shell(&home, &url), 24);
    alice.press("half");
    alice.see("what is typed", |screen| edited(screen).ends_with("half"));
    alice.owe_two();
    alice.press("\x1a");
    alice.is_held = false;
    alice.answer();
    alice.see("the shell alone", |screen| edited(screen).is_empty() && has(screen, "the shell"));
    assert!(coloured_rows(alice.screen.screen()).is_empty());
    assert_eq!(tcgetattr(&alice.keyboard).unwrap(), alice.found);
    alice.press("what it is told\r");
    alice.see("what it was told", |screen| has(screen, "it read what it is told"));
    assert!(texts(alice.screen.screen()).contains(&"what it is told".to_owned()), "it is seen while it is typed");
    alice.see("a picture", |screen| coloured_rows(screen).len() == 15);
    alice.see("the line", |screen| edited(screen).ends_with("> half"));
    alice.press("\x15/quit\r");
    assert_eq!(alice.ended(), Some(0));
}

#[cfg(feature = "player")]
#[test]
fn a_terminal_of_another_size_gets_a_picture_of_another_size() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--videos", &samples()]);
    let mut alice = playing(&home, &url, 24);
    alice.press("half");
    alice.see("what is typed", |screen| edited(screen).ends_with("half"));
    let size = rustix::termios::Winsize { ws_row: 40, ws_col: 60, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&alice.keyboard, size).unwrap();
    alice.screen.screen_mut().set_size(nonzero(40), nonzero(60));
    alice.signal("WINCH");
    alice.see("the new layout", |screen| {
        coloured_rows(screen) == (0..17).collect::<Vec<_>>() && texts(screen)[17].contains("Alt-? keys")
    });
    alice
        .see("the line in the last row", |screen| screen.cursor_position().0 == 39 && edited(screen).ends_with("half"));
    alice.press("\x15/quit\r");
    assert_eq!(alice.ended(), Some(0));
}

#[cfg(feature = "player")]
#[test]
fn the_terminal_is_given_back_after_a_signal() {
    for (signal, exit) in [("TERM", 143), ("HUP", 129)] {
        let home = Home::new();
        let (_hub, url) = hub(&home, &["--videos", &samples()]);
        let alice = playing(&home, &url, 30);
        alice.signal(signal);
        assert_eq!(alice.ended(), Some(exit));
    }
}

#[cfg(feature = "player")]
#[test]
fn the_terminal_is_given_back_when_no_hub_answers() {
    let home = Home::new();
    let hub = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", hub.local_addr().unwrap());
    let mut alice = Seat::run(far(alice(&home, &url, &[])), 24, 80);
    // It has read what the terminal answers.
    while !alice.came.ends_with(b"\r\x1b[K") {
        assert!(alice.draw_more());
    }
    let _silent = hub.accept().unwrap();
    // As Ctrl-C does: it kills her before she catches it, and ends her behind that.
    alice.signal("INT");
    assert!(matches!(alice.ended(), None | Some(3)));
}

#[cfg(feature = "player")]
#[test]
fn bad_input_52_a_terminal_that_cannot_draw_says_so() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--videos", &samples()]);
    let mut alice = Seat::start(&home, &url, 24, 200, &["--plain"]);
    alice.see("the menu", |screen| has(screen, "/help lists them"));
    alice.press("/play mandelbrot\n");
    let words = "! Cannot show \"mandelbrot\": no window system (DISPLAY and WAYLAND_DISPLAY unset) and this terminal is to \
                 get lines only (--plain).";
    alice.see("why", |screen| has(screen, words) && has(screen, "without --plain it is drawn here"));
    alice.press("/quit\n");
    assert_eq!(alice.ended(), Some(0));
}

#[test]
fn a_script_has_no_terminal_to_draw_in() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--videos", &samples()]);
    let mut alice = guest(&home, &url, "alice", &["--on-error", "continue"]);
    alice.say("play mandelbrot display=terminal");
    let error = alice.wait(json!({"event": "error", "code": "display_unavailable"}));
    assert!(error["hint"].as_str().unwrap().contains("display="), "{error}");
    alice.finished().with(0, "");
}
