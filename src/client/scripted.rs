//! A member that a script drives: lines come from a channel, events go out as lines.

use std::{
    io::{self, BufRead, Write},
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use super::{
    command::{Command, Request},
    event::{Event, Failure, Stamped},
    front::Front,
    lines::{InputLine, MAX_LINE, read_bounded},
    script::{Script, ScriptOutput},
    terminal::{Paint, describe},
};
use crate::types::ExitCode;

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line.
    Json,
    /// For people; what has nothing to say to them is left out.
    Text,
}

/// Runs a script and writes what happens.
pub struct Scripted {
    script: Script,
    lines: Receiver<InputLine>,
    out: Box<dyn Write + Send>,
    form: Form,
    /// Nobody reads the output any more.
    unheard: bool,
    /// That was not its wish.
    unwritten: bool,
    /// The session has been asked to quit because of that.
    asked_to_quit: bool,
}

impl Scripted {
    /// A front that takes lines from `lines` and writes to `out`.
    #[must_use]
    pub fn new(script: Script, lines: Receiver<InputLine>, out: Box<dyn Write + Send>, form: Form) -> Self {
        Self { script, lines, out, form, unheard: false, unwritten: false, asked_to_quit: false }
    }

    /// Writes one event; an output that is closed ends the member, without a word and without a panic.
    pub fn write(&mut self, event: Event, reference: Option<String>, now: Duration) {
        let result = match self.form {
            Form::Json => {
                let t = now.as_millis().try_into().unwrap_or(u64::MAX);
                Stamped { t, event, reference }.write_line(&mut self.out)
            }
            Form::Text => write_text(&mut self.out, &event),
        };
        if let Err(error) = result {
            log::debug!("events are not read any more: {error}");
            // Whoever closed its end has heard enough; anything else is a loss.
            self.unwritten |= error.kind() != io::ErrorKind::BrokenPipe;
            self.unheard = true;
        }
    }
}

impl Front for Scripted {
    fn handle_event(&mut self, event: Event, reference: Option<String>, now: Duration) {
        self.script.handle_event(&event, now);
        self.write(event, reference, now);
    }

    fn poll_request(&mut self, now: Duration) -> Option<Request> {
        if self.unheard {
            let quit = Request { command: Command::Quit, reference: None };
            return (!std::mem::replace(&mut self.asked_to_quit, true)).then_some(quit);
        }
        self.script.handle_timeout(now);
        loop {
            while let Some(output) = self.script.poll_output() {
                match output {
                    ScriptOutput::Request(request) => return Some(request),
                    ScriptOutput::Event { event, reference } => self.write(event, reference, now),
                }
            }
            if !self.script.wants_line() {
                return None;
            }
            match self.lines.try_recv() {
                Ok(line) => self.script.handle_line(line, now),
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => self.script.handle_line(InputLine::End, now),
            }
        }
    }

    fn deadline(&self) -> Option<Duration> {
        self.script.poll_timeout()
    }

    fn closing_failure(&self) -> Option<Failure> {
        self.script.closing_failure()
    }

    fn exit_code(&self) -> ExitCode {
        if self.unwritten { ExitCode::CommandFailed } else { self.script.exit_code() }
    }
}

/// Reads lines until the input ends, breaks or nobody takes them, waking the member after each. Blocks.
pub fn read_lines(input: &mut impl BufRead, lines: &Sender<InputLine>, wake: impl Fn()) {
    loop {
        let line = read_bounded(input, MAX_LINE).unwrap_or_else(|error| InputLine::Broken(error.to_string()));
        let is_last = matches!(line, InputLine::End | InputLine::Broken(_));
        let nobody_takes = lines.send(line).is_err();
        wake();
        if is_last || nobody_takes {
            return;
        }
    }
}

fn write_text(out: &mut impl Write, event: &Event) -> io::Result<()> {
    if let Some(text) = describe(event, Paint::default()) {
        writeln!(out, "{text}")?;
        out.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use crossbeam_channel::unbounded;

    use super::*;

    struct BreaksOff;

    impl Read for BreaksOff {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("a bad disk"))
        }
    }

    #[test]
    fn input_that_breaks_off_is_no_end() {
        let (sender, lines) = unbounded();
        let mut input = io::BufReader::new(b"who\n".chain(BreaksOff));
        read_lines(&mut input, &sender, || {});
        let read: Vec<_> = lines.try_iter().collect();
        assert_eq!(read, [InputLine::Text("who".into()), InputLine::Broken("a bad disk".into())]);
    }
}
