//! Hubs and members as processes. They are killed when they are dropped.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::mpsc,
    thread::{self, JoinHandle},
};

use serde_json::{Value, json};

use crate::{
    home::Home,
    support::{events::Events, schema::Schema},
};

/// A process that tells events.
pub(crate) struct Process {
    pub(crate) events: Events,
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    errors: Option<JoinHandle<String>>,
}

/// A process of which a test reads the output by itself. It is killed when this is dropped.
pub(crate) struct Bare(pub(crate) Child);

impl Bare {
    pub(crate) fn start(mut command: Command) -> (Self, BufReader<ChildStdout>) {
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        (Self(child), output)
    }

    /// Waits until it ended. No end may come of a panic.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let mut errors = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert!(!errors.contains("panicked"), "{errors}");
        (self.0.wait().unwrap().code(), errors)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit: i32,
    pub(crate) events: Vec<Value>,
    pub(crate) errors: String,
}

impl Process {
    /// Starts a process whose every line of output is an event.
    pub(crate) fn start(mut command: Command, whose: &str, schema: Schema) -> Self {
        let mut child = command.spawn().unwrap();
        let (sender, receiver) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line)
                    .unwrap_or_else(|error| json!({"no event": line, "why": error.to_string()}));
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        let mut stderr = child.stderr.take().unwrap();
        let errors = thread::spawn(move || {
            let mut text = Vec::new();
            // What came until it broke is all there is.
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let input = child.stdin.take();
        Self {
            events: Events::new(whose, schema, receiver),
            name: whose.to_owned(),
            child,
            input,
            errors: Some(errors),
        }
    }

    /// See [`Events::wait`].
    pub(crate) fn wait(&self, pattern: Value) -> Value {
        self.events.wait(pattern)
    }

    /// Gives it lines to read.
    pub(crate) fn say(&mut self, lines: &str) {
        let input = self.input.as_mut().unwrap();
        // It may have ended and not want to know.
        let _ = input.write_all(lines.as_bytes()).and_then(|()| input.write_all(b"\n")).and_then(|()| input.flush());
    }

    /// Ends what it can read.
    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// Sends it a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits until it ended by itself. No end may come of a panic.
    pub(crate) fn ended(mut self) -> Ended {
        let events = self.events.to_the_end();
        let exit = self.child.wait().unwrap().code().unwrap_or(-1);
        let errors = self.errors.take().unwrap().join().unwrap();
        assert!(!errors.contains("panicked"), "{errors}");
        Ended { exit, events, errors }
    }

    /// Ends its input and waits until it has read all of it and ended.
    pub(crate) fn finished(mut self) -> Ended {
        self.close_input();
        self.ended()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Fails unless it ended with this status, and with an error of this code if that is not 0.
    pub(crate) fn with(self, exit: i32, code: &str) -> Self {
        assert_eq!(self.exit, exit, "{self:?}");
        let [.., last] = &self.events[..] else { panic!("no events: {self:?}") };
        assert_eq!((&last["event"], &last["exit"]), (&json!("bye"), &json!(exit)), "{last}");
        if exit != 0 {
            let error = self.events.iter().rev().find(|event| event["event"] == "error");
            let error = error.unwrap_or_else(|| panic!("no error: {self:?}"));
            assert_eq!(error["code"], code, "{error}");
            let hint = error["hint"].as_str().unwrap_or_default();
            assert!(!hint.is_empty(), "it has to say what to do next: {error}");
        }
        self
    }
}

/// A hub over TLS on a free port, and its URL without the pin.
pub(crate) fn hub(home: &Home, arguments: &[&str]) -> (Process, String) {
    let hub = start_hub(home, &[&["--listen", "tls://127.0.0.1:0"], arguments].concat());
    let url = hub.wait(json!({"event": "listening"}))["url"].as_str().unwrap().to_owned();
    (hub, url)
}

/// A hub that may not come up.
pub(crate) fn start_hub(home: &Home, arguments: &[&str]) -> Process {
    let command = home.command(&[&["serve", "--json"], arguments].concat());
    Process::start(command, "the hub", Schema::Hub)
}

/// A guest that reads a script.
pub(crate) fn guest(home: &Home, url: &str, name: &str, arguments: &[&str]) -> Process {
    member(home, url, name, &[&["--ephemeral"], arguments].concat())
}

/// A member with keys that are kept, that reads a script.
pub(crate) fn member(home: &Home, url: &str, name: &str, arguments: &[&str]) -> Process {
    let command = home.command(&[&["connect", url, "--name", name, "--json"], arguments].concat());
    Process::start(command, name, Schema::Member)
}

/// A guest that is in.
pub(crate) fn joined(home: &Home, url: &str, name: &str) -> Process {
    let guest = guest(home, url, name, &[]);
    guest.wait(json!({"event": "directory"}));
    guest
}

/// Two members write to each other and read it: nobody disturbs them.
pub(crate) fn exchange(one: &mut Process, other: &mut Process) {
    write(one, other);
    write(other, one);
}

fn write(from: &mut Process, to: &Process) {
    let reference = format!("{} {}", from.name, from.events.so_far().len());
    from.say(&json!({"cmd": "send", "to": to.name, "text": "are you there?", "ref": reference}).to_string());
    let id = from.wait(json!({"event": "queued", "ref": reference}))["id"].clone();
    to.wait(json!({"event": "message", "from": from.name, "id": id}));
    from.wait(json!({"event": "delivered", "id": id}));
}

/// What a process prints that does not tell events, and how it ends.
pub(crate) fn run(home: &Home, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = home.command(arguments).spawn().unwrap();
    // It may end without reading it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!errors.contains("panicked"), "{errors}");
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stdout).unwrap(), errors)
}

/// The videos that come with the project.
pub(crate) fn samples() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("videos").to_str().unwrap().to_owned()
}
