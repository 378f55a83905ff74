//! The menu and the conversations: what is typed and what happens go in, what to print, to ask and to request
//! comes out. No clock, no input and output of its own.
//!
//! After each call of a `handle_` function take everything out of [`Menu::poll_output`]. What is printed stands
//! above the prompt. A prompt is asked for when the command before is answered, or a second later, so that
//! answers come before the next prompt where they are quick.

use std::{
    collections::{BTreeSet, VecDeque},
    mem,
    time::Duration,
};

use super::{
    Paint, SharedWords,
    joins::Joins,
    people::{NotHere, People},
    text::{self, describe},
    words::update,
};
use crate::{
    client::{
        command::{Command, CommandName, Request, nearest},
        event::{Event, Failure, Receiver, TitleEntry},
    },
    types::{Code, MessageId, PlayMode, limits::MAX_TEXT},
};

mod slash;
#[cfg(test)]
mod tests;
mod videos;

use videos::{QUIET, QuietList};

/// What came from the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A line without its end; pasted text may hold several.
    Line(String),
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D on an empty line, or the end of standard input.
    End,
}

/// What to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    pub text: String,
    pub kind: PromptKind,
}

/// What kind of answer is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PromptKind {
    #[default]
    Menu,
    /// This member's own name.
    Name,
    /// Whether to trust a hub's key.
    HubKey,
    /// Whom to write to.
    Receiver,
    /// What to write.
    Text,
    Title,
    /// How to play it.
    Mode,
}

/// What comes out of the menu.
#[derive(Clone, Debug, PartialEq)]
pub enum MenuOutput {
    /// Print this above the prompt; it may have several lines and has no final line end.
    Print(String),
    /// Ask for a line.
    Ask(Prompt),
    /// For the session.
    Request(Request),
}

/// The member's end of a terminal. Times are since the start of the process.
#[derive(Debug)]
pub struct Menu {
    paint: Paint,
    words: SharedWords,
    people: People,
    titles: Vec<TitleEntry>,
    /// The titles of the list that was printed last, which is what numbers are of.
    printed_titles: Vec<String>,
    place: Place,
    awaited: Option<Awaited>,
    stage: Stage,
    /// When Ctrl-C was typed, if nothing was since.
    interrupted: Option<Duration>,
    /// Text whose receiver is not here.
    kept: Option<String>,
    /// The newest text, until the session has taken it.
    in_flight: Option<String>,
    /// Posts to everyone that not everyone has opened.
    to_all: BTreeSet<MessageId>,
    /// Whether the next directory was asked for.
    directory_asked: bool,
    quiet_list: QuietList,
    /// Of the play that was asked for last.
    asked_title: Option<String>,
    joins: Joins,
    outputs: VecDeque<MenuOutput>,
}

/// What a typed line means.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    Menu,
    Receiver,
    Talk(Receiver),
    Title,
    Mode(String),
}

/// The command whose answer the next prompt waits for.
#[derive(Debug)]
struct Awaited {
    command: CommandName,
    until: Duration,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// The member is not in yet.
    Opening,
    Open,
    /// The session was asked to quit.
    Leaving,
}

/// How long a prompt waits for an answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Within this time a second Ctrl-C is one of two; later it may be for a line that was typed meanwhile, which the
/// editor does not tell.
const TWICE: Duration = Duration::from_secs(2);

const MENU: &str = "  1  send a message to a member
  2  quit
  3  who is here
  4  play a video
  5  show the directory as you have it
  Type a number, or a command: /help lists them.";

impl Menu {
    /// A menu that completes `words` as they change.
    #[must_use]
    pub fn new(paint: Paint, words: SharedWords) -> Self {
        Self {
            paint,
            words,
            people: People::default(),
            titles: Vec::new(),
            printed_titles: Vec::new(),
            place: Place::Menu,
            awaited: None,
            stage: Stage::Opening,
            interrupted: None,
            kept: None,
            in_flight: None,
            to_all: BTreeSet::new(),
            directory_asked: false,
            quiet_list: QuietList::default(),
            asked_title: None,
            joins: Joins::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes what was typed. Also a SIGINT that comes while no line is edited is a [`Typed::Interrupt`].
    pub fn handle_typed(&mut self, typed: Typed, now: Duration) {
        if self.stage == Stage::Leaving {
            return;
        }
        let before = self.interrupted.take();
        let twice = before.is_some_and(|before| now.saturating_sub(before) < TWICE);
        match typed {
            Typed::End => self.leave(),
            Typed::Interrupt if twice => self.leave(),
            Typed::Interrupt => {
                self.interrupted = Some(now);
                self.clear();
            }
            Typed::Line(line) => self.line(&line, now),
        }
        self.ask();
    }

    /// Takes note of an event of the session; `reference` is that of the request that caused it.
    pub fn handle_event(&mut self, event: &Event, reference: Option<&str>, now: Duration) {
        if reference == Some(QUIET) {
            return self.take_quiet_answer(event);
        }
        if self.people.follow(event) {
            let names = self.people.others().map(str::to_owned).collect();
            update(&self.words, |words| words.names = names);
        }
        self.tell(event, now);
        match event {
            Event::Directory { .. } if self.stage == Stage::Opening => {
                self.stage = Stage::Open;
                self.print(MENU);
                self.list_quietly();
                self.ask();
            }
            Event::Videos { titles } => self.take_printed_list(titles),
            Event::VideosChanged {} => self.list_quietly(),
            Event::Queued { id, to: Receiver::All } => drop(self.to_all.insert(*id)),
            Event::Failed { id, to: Receiver::All, .. } => drop(self.to_all.remove(id)),
            Event::Ok { command } => self.answered(*command, None),
            Event::Error(Failure { command: Some(command), code, .. }) => self.answered(*command, Some(*code)),
            _ => {}
        }
    }

    /// When [`Menu::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.awaited.as_ref().map(|awaited| awaited.until).into_iter().chain(self.joins.due()).min()
    }

    /// Takes note that time has passed.
    pub fn handle_timeout(&mut self, now: Duration) {
        if let Some(untold) = self.joins.summary(now) {
            let count = self.people.count();
            self.aside(&format!("{untold} more have come, {count} are here"));
        }
        if self.awaited.as_ref().is_some_and(|awaited| now >= awaited.until) {
            self.awaited = None;
            if self.place == Place::Title {
                self.aside("the hub has not answered yet");
                self.place = Place::Menu;
            }
            self.ask();
        }
    }

    /// What is to be done next, oldest first.
    pub fn poll_output(&mut self) -> Option<MenuOutput> {
        self.outputs.pop_front()
    }

    /// Tells of an event in words.
    fn tell(&mut self, event: &Event, now: Duration) {
        let text = match event {
            Event::Directory { members, .. } if !mem::take(&mut self.directory_asked) => {
                Some(self.paint.aside(format_args!("* {}", text::here(members))))
            }
            Event::Delivered { id, remaining: 0, .. } if self.to_all.remove(id) => {
                Some(self.paint.aside("* delivered to everyone"))
            }
            Event::Joined(_) if !self.joins.joined(now) => None,
            // Said together with where the text goes, see `answered`.
            Event::Error(Failure { code: Code::NoSuchMember, command: Some(CommandName::Send), .. })
                if self.in_flight.is_some() =>
            {
                None
            }
            Event::Error(failure) => Some(text::failure_text(&self.advised(failure), self.paint)),
            event => describe(event, self.paint),
        };
        self.outputs.extend(text.map(MenuOutput::Print));
    }

    /// Takes note that a command was answered; a text that nobody got is kept for another name.
    fn answered(&mut self, command: CommandName, failed: Option<Code>) {
        if matches!(command, CommandName::Send | CommandName::All) {
            self.kept = self.in_flight.take().filter(|_| failed == Some(Code::NoSuchMember));
            if self.kept.is_some() {
                self.error("They have just left. Nothing sent, your text is kept: /to NAME sends it.");
                self.place = Place::Receiver;
            }
        }
        if command == CommandName::Videos && failed.is_some() {
            self.place = Place::Menu;
        }
        if self.awaited.as_ref().is_some_and(|awaited| awaited.command == command) {
            self.awaited = None;
            self.ask();
        }
    }

    /// What failed, with what helps at this prompt.
    fn advised(&self, failure: &Failure) -> Failure {
        let mut hint = failure.hint.as_deref().map(slash::with_slashes);
        if let (Code::NoSuchTitle, Some(typed)) = (failure.code, &self.asked_title)
            && let Some(meant) = self.meant(typed)
        {
            hint = Some(format!("{meant} {}", hint.unwrap_or_default()));
        }
        Failure { hint, ..failure.clone() }
    }

    /// Follows a line: a command behind `/`, else what the place asks for; `//` stands for a `/` in text.
    fn line(&mut self, line: &str, now: Duration) {
        match line.strip_prefix('/') {
            Some(text) if text.starts_with('/') => self.at_place(text, now),
            Some(command) => self.slash(command, now),
            None => self.at_place(line, now),
        }
    }

    fn at_place(&mut self, line: &str, now: Duration) {
        if line.trim().is_empty() {
            self.kept = None;
            if let Place::Mode(title) = mem::replace(&mut self.place, Place::Menu) {
                self.play(title, PlayMode::Auto, now);
            }
            return;
        }
        match self.place.clone() {
            Place::Menu => self.choose(line.trim(), now),
            Place::Receiver => self.to(line, now),
            Place::Talk(receiver) => self.say(receiver, line.to_owned(), now),
            Place::Title => self.choose_title(line.trim()),
            Place::Mode(title) => self.choose_mode(title, line.trim(), now),
        }
    }

    fn choose(&mut self, typed: &str, now: Duration) {
        match typed {
            "1" => self.ask_receiver(),
            "2" => self.leave(),
            "3" => self.request(Command::Who, now),
            "4" => {
                self.place = Place::Title;
                self.request(Command::Videos, now);
            }
            "5" => self.request(Command::Directory, now),
            other => {
                let word = other.split_whitespace().next().unwrap_or_default();
                let advice = match nearest(word, CommandName::ALL.iter().map(|name| name.as_str())).first() {
                    Some(name) => format!("commands begin with a slash: /{name}"),
                    None => "1 writes to a member, /help lists the commands".to_owned(),
                };
                self.error(&format!("Type a number from 1 to 5; {advice}."));
            }
        }
    }

    fn ask_receiver(&mut self) {
        let some: Vec<&str> = self.people.others().take(20).collect();
        if some.is_empty() {
            self.print("Nobody else is here yet.");
        } else {
            let text = format!("Here: {}. all writes to everyone; an empty line goes back.", some.join(", "));
            self.print(&text);
            self.place = Place::Receiver;
        }
    }

    /// Turns to a receiver, and sends what was kept for one.
    fn to(&mut self, typed: &str, now: Duration) {
        match self.people.find(typed) {
            Ok(receiver) => {
                if let Some(text) = self.kept.take() {
                    return self.say(receiver, text, now);
                }
                let whom = if receiver == Receiver::All { "everyone" } else { "them alone" };
                self.aside(&format!("what you write now is for {whom}; an empty line or /menu goes back"));
                self.place = Place::Talk(receiver);
            }
            Err(missing) => self.ask_again(&missing),
        }
    }

    fn ask_again(&mut self, missing: &NotHere) {
        let text = self.people.explain(missing, self.kept.is_some());
        self.error(&text);
        self.place = Place::Receiver;
    }

    /// Sends a text and goes on talking to its receiver.
    fn say(&mut self, receiver: Receiver, text: String, now: Duration) {
        if text.len() > MAX_TEXT {
            return self.error(&format!(
                "A text has at most {MAX_TEXT} bytes, this one has {}. Send it in parts.",
                text.len()
            ));
        }
        if !self.people.has(&receiver) {
            self.kept = Some(text);
            return self.ask_again(&NotHere::Nobody { typed: receiver.to_string(), near: Vec::new() });
        }
        self.in_flight = Some(text.clone());
        self.place = Place::Talk(receiver.clone());
        let command = match receiver {
            Receiver::All => Command::All { text },
            Receiver::Member(to) => Command::Send { to, text },
        };
        self.request(command, now);
    }

    fn request(&mut self, command: Command, now: Duration) {
        self.directory_asked |= command == Command::Directory;
        if let Command::Play(request) = &command {
            self.asked_title = Some(request.title.clone());
        }
        self.awaited = Some(Awaited { command: command.name(), until: now + PATIENCE });
        self.outputs.push_back(MenuOutput::Request(Request { command, reference: None }));
    }

    fn leave(&mut self) {
        self.stage = Stage::Leaving;
        self.outputs.push_back(MenuOutput::Request(Request { command: Command::Quit, reference: None }));
    }

    /// Ctrl-C: the line is gone already, and with it what it was for, but not a conversation.
    fn clear(&mut self) {
        self.kept = None;
        if !matches!(self.place, Place::Talk(_)) {
            self.place = Place::Menu;
        }
        self.print("(Ctrl-C again leaves)");
    }

    /// Asks for the next line, unless an answer is to come first.
    fn ask(&mut self) {
        if self.stage != Stage::Open || self.awaited.is_some() {
            return;
        }
        let (text, kind) = match &self.place {
            Place::Menu => ("menu> ".to_owned(), PromptKind::Menu),
            Place::Receiver => ("to whom> ".to_owned(), PromptKind::Receiver),
            Place::Talk(receiver) => (format!("to {receiver}> "), PromptKind::Text),
            Place::Title => ("which video> ".to_owned(), PromptKind::Title),
            Place::Mode(_) => ("how> ".to_owned(), PromptKind::Mode),
        };
        update(&self.words, |words| words.asked = kind);
        self.outputs.push_back(MenuOutput::Ask(Prompt { text, kind }));
    }

    fn print(&mut self, text: &str) {
        self.outputs.push_back(MenuOutput::Print(text.to_owned()));
    }

    fn aside(&mut self, text: &str) {
        let text = self.paint.aside(format_args!("* {text}"));
        self.outputs.push_back(MenuOutput::Print(text));
    }

    fn error(&mut self, text: &str) {
        let text = self.paint.error(format_args!("! {}", crate::types::Printable(text)));
        self.outputs.push_back(MenuOutput::Print(text));
    }
}
