//! Runs a script: lines and events go in, requests and answers come out. No clock and no thread of its own.
//!
//! 1. While [`Script::wants_line`] says so, hand over one line with [`Script::handle_line`].
//! 2. Hand over every event of the session, in order, with [`Script::handle_event`].
//! 3. Call [`Script::handle_timeout`] when the time of [`Script::poll_timeout`] has come.
//! 4. After each of these, take everything out of [`Script::poll_output`].
//!
//! The session answers every request with `ok` or `error` and the command's name, in order. The script starts
//! with the first `directory` and ends by asking the session to quit; [`Script::exit_code`] then tells how it went.
//!
//! ```
//! use std::time::Duration;
//! use securestream::client::{command::Command, event::Event, lines::InputLine};
//! use securestream::client::script::{OnError, Script, ScriptOutput};
//!
//! let mut script = Script::new(OnError::Stop);
//! script.handle_event(&Event::Directory { epoch: 0, members: vec![] }, Duration::ZERO);
//! assert!(script.wants_line());
//! script.handle_line(InputLine::Text("who".into()), Duration::ZERO);
//! let Some(ScriptOutput::Request(request)) = script.poll_output() else { panic!() };
//! assert_eq!(request.command, Command::Who);
//! assert!(!script.wants_line(), "until the session answers");
//! ```

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
    time::Duration,
};

use super::{
    command::{Command, CommandName, Instruction, Line, Request, Syntax, read_line},
    event::{Event, Failure, MemberEntry, Receiver},
    lines::InputLine,
    trust::rotation_text,
    wait::{EventLog, Kept, Wait},
};
use crate::types::{Code, ExitCode, MemberName, MessageId};

/// What a failing command does to the script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OnError {
    /// It ends the script with its exit code.
    #[default]
    Stop,
    /// The script goes on and ends with 0.
    Continue,
}

/// What comes out of a script.
#[derive(Clone, Debug, PartialEq)]
pub enum ScriptOutput {
    /// For the session.
    Request(Request),
    /// The script's own answer, for whoever reads the events.
    Event { event: Event, reference: Option<String> },
}

/// A script that runs. Times are since the start of the process.
#[derive(Debug)]
pub struct Script {
    on_error: OnError,
    state: State,
    input_ended: bool,
    log: EventLog,
    here: BTreeMap<MemberName, MemberEntry>,
    /// The id of the newest send or play, and of the newest send.
    last: Option<String>,
    last_post: Option<String>,
    /// Posts neither accepted nor failed, and plays not ended.
    posts: Vec<(MessageId, Receiver)>,
    plays: BTreeSet<String>,
    /// Members whose keys have changed: what is for them waits for `trust`, and the end does not wait for it.
    changed: BTreeSet<MemberName>,
    /// Whose keys the last command was to accept.
    trusting: Option<MemberName>,
    /// Posts that failed and that no wait took.
    failures: u64,
    /// How the last of them failed.
    failed_as: Option<Code>,
    stopped_by: Option<Code>,
    outputs: VecDeque<ScriptOutput>,
}

/// The command that runs, and what is expected of it.
#[derive(Clone, Debug)]
struct Running {
    /// Unknown for a line that could not be read.
    name: Option<CommandName>,
    reference: Option<String>,
    expected: Option<Code>,
}

#[derive(Debug)]
enum State {
    /// The member is not in yet.
    Opening,
    /// The next line may come.
    Idle,
    /// The session is at it.
    Asked(Running),
    Waiting {
        wait: Wait,
        until: Option<Duration>,
        running: Running,
    },
    Sleeping {
        until: Duration,
        running: Running,
    },
    /// All is read; plays and posts are not done.
    Settling,
    /// The session was asked to quit.
    Leaving,
}

impl Script {
    /// A script that has not begun.
    #[must_use]
    pub fn new(on_error: OnError) -> Self {
        Self {
            on_error,
            state: State::Opening,
            input_ended: false,
            log: EventLog::new(),
            here: BTreeMap::new(),
            last: None,
            last_post: None,
            posts: Vec::new(),
            plays: BTreeSet::new(),
            changed: BTreeSet::new(),
            trusting: None,
            failures: 0,
            failed_as: None,
            stopped_by: None,
            outputs: VecDeque::new(),
        }
    }

    /// Whether the line before is done.
    #[must_use]
    pub fn wants_line(&self) -> bool {
        matches!(self.state, State::Idle) && !self.input_ended
    }

    /// Takes the next line. Nothing happens unless one is wanted, but the end of the input may come at any time.
    pub fn handle_line(&mut self, line: InputLine, now: Duration) {
        if line == InputLine::End {
            self.input_ended = true;
            return self.settle();
        }
        if !self.wants_line() {
            return;
        }
        let line = match line {
            InputLine::Text(text) => read_line(&text),
            InputLine::Refused(error) => Some(Line { instruction: Err(error), reference: None }),
            InputLine::Broken(why) => return self.break_off(&why),
            InputLine::End => None,
        };
        if let Some(Line { instruction, reference }) = line {
            match instruction {
                Ok(instruction) => self.start(instruction, reference, None, now),
                Err(error) => {
                    let running = Running { name: error.command(), reference, expected: None };
                    self.answer(running, Err(error.failure()));
                }
            }
        }
    }

    /// Takes note of an event of the session.
    pub fn handle_event(&mut self, event: &Event, now: Duration) {
        self.log.push(Kept::of(event));
        self.follow(event);
        match (mem::replace(&mut self.state, State::Leaving), event) {
            (State::Opening, Event::Directory { .. }) => self.state = State::Idle,
            (State::Asked(running), Event::Ok { command }) if running.name == Some(*command) => {
                self.conclude(running, Ok(()));
            }
            (State::Asked(running), Event::Error(Failure { code, command, .. }))
                if command.is_some() && running.name == *command =>
            {
                self.conclude(running, Err(*code));
            }
            (State::Waiting { wait, until, running }, _) => self.try_wait(wait, until, running, now),
            (state, _) => self.state = state,
        }
        self.settle();
    }

    /// When [`Script::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        match &self.state {
            State::Waiting { until, .. } => *until,
            State::Sleeping { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// Takes note that time has passed.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return;
        }
        match mem::replace(&mut self.state, State::Leaving) {
            State::Waiting { wait, running, .. } => self.answer(running, Err(timed_out(&wait))),
            State::Sleeping { running, .. } => self.answer(running, Ok(())),
            state => self.state = state,
        }
        self.settle();
    }

    /// What is to be done next, oldest first.
    pub fn poll_output(&mut self) -> Option<ScriptOutput> {
        self.outputs.pop_front()
    }

    /// Whether the session was asked to quit: nothing more comes of this script.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Leaving)
    }

    /// How the script went so far: the exit code of the command that stopped it, else 1 when a post failed that
    /// no `wait failed` took.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self.stopped_by {
            Some(code) => code.exit(),
            None if self.failures > 0 => ExitCode::CommandFailed,
            None => ExitCode::Fine,
        }
    }

    /// What makes the exit code 1 although no command failed.
    #[must_use]
    pub fn closing_failure(&self) -> Option<Failure> {
        let (None, Some(code)) = (self.stopped_by, self.failed_as.filter(|_| self.failures > 0)) else { return None };
        let message = format!("{} posts were not delivered", self.failures);
        Some(Failure::new(code, message, "see the failed events; `wait failed` takes one that was expected"))
    }

    /// Does or requests what a line says; `expected` is the code that an `expect-error` around it expects.
    fn start(&mut self, instruction: Instruction, reference: Option<String>, expected: Option<Code>, now: Duration) {
        let running = Running { name: Some(instruction.name()), reference, expected };
        match instruction {
            Instruction::Session(Command::Quit) if expected.is_none() => self.leave(running.reference),
            Instruction::Session(command) => {
                if let Command::Trust { name, .. } | Command::Verify { name, answer: Some(_) } = &command {
                    self.trusting = Some(name.clone());
                }
                self.outputs
                    .push_back(ScriptOutput::Request(Request { command, reference: running.reference.clone() }));
                self.state = State::Asked(running);
            }
            Instruction::Help(name) => {
                self.emit(Event::Help { commands: Syntax::help(name) }, running.reference.clone());
                self.answer(running, Ok(()));
            }
            Instruction::Sleep(time) => self.state = State::Sleeping { until: now.saturating_add(time), running },
            Instruction::Wait(wait) => self.start_wait(wait, running, now),
            Instruction::ExpectError { code, instruction } => match *instruction {
                Ok(instruction) => self.start(instruction, running.reference, Some(code), now),
                Err(error) => {
                    let running = Running { name: error.command(), expected: Some(code), ..running };
                    self.answer(running, Err(error.failure()));
                }
            },
        }
    }

    /// Begins to wait. `id=last` means what is the newest now, whatever is sent meanwhile.
    fn start_wait(&mut self, mut wait: Wait, running: Running, now: Duration) {
        if wait.is_for_last() {
            let Some(last) = &self.last else {
                let failure =
                    Failure::new(Code::Usage, "nothing was sent or played yet", "send or play before id=last");
                return self.answer(running, Err(failure));
            };
            wait.set_id(last);
        }
        let until = wait.timeout().map(|timeout| now.saturating_add(timeout));
        self.try_wait(wait, until, running, now);
    }

    /// Ends a wait if it holds, fails or is over; else keeps it.
    fn try_wait(&mut self, wait: Wait, until: Option<Duration>, running: Running, now: Duration) {
        if let Some(taken) = self.log.take(&wait) {
            if taken.is_failed() {
                self.failures = self.failures.saturating_sub(1);
            }
            return self.answer(running, Ok(()));
        }
        if self.is_here(&wait) {
            return self.answer(running, Ok(()));
        }
        let failed = wait.failure_of_delivery(self.last_post.as_deref()).and_then(|failure| self.log.find(&failure));
        if let Some(code) = failed.and_then(Kept::code) {
            let failure =
                Failure::new(code, "the message that was waited for failed", "see the failed event before this");
            return self.answer(running, Err(failure));
        }
        if until.is_some_and(|until| now >= until) {
            return self.answer(running, Err(timed_out(&wait)));
        }
        self.state = State::Waiting { wait, until, running };
    }

    /// Whether it waits for someone to join who has.
    fn is_here(&self, wait: &Wait) -> bool {
        let entry = wait.joining().and_then(|name| self.here.get(&name));
        entry.is_some_and(|entry| wait.matches(&Kept::of(&Event::Joined(entry.clone()))))
    }

    /// Tells how an instruction of the script itself went, then does what follows from it.
    fn answer(&mut self, running: Running, outcome: Result<(), Failure>) {
        let code = outcome.as_ref().copied().map_err(|failure| failure.code);
        let event = match (outcome, running.name) {
            (Ok(()), Some(command)) => Some(Event::Ok { command }),
            (Ok(()), None) => None,
            (Err(failure), command) => Some(Event::Error(Failure { command, ..failure })),
        };
        if let Some(event) = event {
            self.emit(event, running.reference.clone());
        }
        self.conclude(running, code);
    }

    /// Goes on after an instruction whose outcome everyone was told.
    fn conclude(&mut self, running: Running, outcome: Result<(), Code>) {
        let outcome = match running.expected {
            None => outcome,
            Some(expected) => self.compare(expected, outcome, running.reference),
        };
        match outcome {
            Err(code) if self.on_error == OnError::Stop => {
                self.stopped_by = Some(code);
                self.leave(None);
            }
            _ => self.state = State::Idle,
        }
    }

    /// Turns the outcome of a command into that of the `expect-error` around it.
    fn compare(&mut self, expected: Code, outcome: Result<(), Code>, reference: Option<String>) -> Result<(), Code> {
        let command = CommandName::ExpectError;
        let (code, message) = match outcome {
            Err(code) if code == expected => {
                self.emit(Event::Ok { command }, reference);
                return Ok(());
            }
            Err(code) => (code, format!("the command failed with {code}, expected was {expected}")),
            Ok(()) => (Code::UnexpectedSuccess, format!("the command succeeded, expected was {expected}")),
        };
        let failure = Failure::new(code, message, "see the events before this one").of(command);
        self.emit(Event::Error(failure), reference);
        Err(code)
    }

    /// Keeps up with who is here and what is under way.
    fn follow(&mut self, event: &Event) {
        match event {
            Event::Directory { members, .. } => {
                self.here = members.iter().map(|entry| (entry.name.clone(), entry.clone())).collect();
            }
            Event::Joined(entry) => drop(self.here.insert(entry.name.clone(), entry.clone())),
            Event::Left { name, .. } => {
                // What was held for them has failed; who comes next under the name is told of anew.
                self.here.remove(name);
                self.changed.remove(name);
            }
            Event::Notice { code: Code::KeyRotated, text } => {
                self.changed.retain(|name| *text != rotation_text(name));
            }
            Event::Queued { id, to } => {
                self.last = Some(id.to_string());
                self.last_post.clone_from(&self.last);
                self.posts.push((*id, to.clone()));
            }
            Event::Accepted { id } | Event::Delivered { id, .. } => self.posts.retain(|(post, _)| post != id),
            Event::Failed { id, to, code } => {
                self.failures += 1;
                self.failed_as = Some(*code);
                self.posts.retain(|(post, receiver)| post != id || receiver != to);
            }
            Event::KeyChanged { name, .. } => drop(self.changed.insert(name.clone())),
            Event::Ok { command: CommandName::Trust | CommandName::Verify } => {
                self.trusting.take().map(|name| self.changed.remove(&name));
            }
            Event::Error(Failure { command: Some(CommandName::Trust | CommandName::Verify), .. }) => {
                self.trusting = None;
            }
            Event::PlayStarted { id, .. } => {
                self.last = Some(id.clone());
                self.plays.insert(id.clone());
            }
            Event::PlayEnded(end) => drop(self.plays.remove(&end.id)),
            _ => {}
        }
    }

    /// Leaves when all is read and nothing is under way.
    fn settle(&mut self) {
        if self.input_ended && matches!(self.state, State::Idle | State::Settling) {
            self.state = State::Settling;
            let is_held = |to: &Receiver| matches!(to, Receiver::Member(name) if self.changed.contains(name));
            if self.posts.iter().all(|(_, to)| is_held(to)) && self.plays.is_empty() {
                self.leave(None);
            }
        }
    }

    /// Ends a script of which the rest is unknown, whatever was said about errors: going on would pass for success.
    fn break_off(&mut self, why: &str) {
        let message = format!("the script cannot be read any further: {why}");
        let failure = Failure::new(Code::DataUnusable, message, "see that the file can be read, then run it again");
        self.emit(Event::Error(failure), None);
        self.stopped_by = Some(Code::DataUnusable);
        self.leave(None);
    }

    fn leave(&mut self, reference: Option<String>) {
        self.state = State::Leaving;
        self.outputs.push_back(ScriptOutput::Request(Request { command: Command::Quit, reference }));
    }

    /// The script's own answers are events like the session's: later waits find them.
    fn emit(&mut self, event: Event, reference: Option<String>) {
        self.log.push(Kept::of(&event));
        self.outputs.push_back(ScriptOutput::Event { event, reference });
    }
}

fn timed_out(wait: &Wait) -> Failure {
    let seconds = wait.timeout().unwrap_or_default().as_secs_f64();
    let message = format!("no {wait} within {seconds} s");
    Failure::new(Code::Timeout, message, "see what came instead, or wait longer with timeout=SECONDS")
}

#[cfg(test)]
mod tests;
