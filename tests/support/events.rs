//! Events as they come, and waiting for the right one.

use std::{
    cell::RefCell,
    sync::mpsc::{Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::schema::Schema;

/// How long anything may take before a test says that it hangs. No test measures time by it.
pub(crate) const GUARD: Duration = Duration::from_mins(1);

/// The events of one member or hub.
pub(crate) struct Events {
    whose: String,
    schema: Schema,
    arriving: Receiver<Value>,
    seen: RefCell<Vec<Seen>>,
}

struct Seen {
    event: Value,
    taken: bool,
}

impl Events {
    pub(crate) fn new(whose: impl Into<String>, schema: Schema, arriving: Receiver<Value>) -> Self {
        Self { whose: whose.into(), schema, arriving, seen: RefCell::default() }
    }

    /// Takes the first event since the start that has all of `pattern` in it and that was not taken before.
    #[expect(clippy::needless_pass_by_value, reason = "patterns are written where they are needed")]
    pub(crate) fn wait(&self, pattern: Value) -> Value {
        let deadline = Instant::now() + GUARD;
        let mut looked_at = 0;
        loop {
            if let Some(found) = self.take(&pattern, looked_at) {
                return found;
            }
            looked_at = self.seen.borrow().len();
            match self.arriving.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => self.keep(event),
                Err(why) => panic!("{}: {} {pattern}; there was\n{}", self.whose, told(why), self.tail()),
            }
        }
    }

    /// As [`Events::wait`], without waiting.
    #[allow(dead_code, reason = "only one of the two binaries plays a hub")]
    pub(crate) fn take_if_there(&self, pattern: &Value) -> Option<Value> {
        self.so_far();
        self.take(pattern, 0)
    }

    /// How many events so far have all of `pattern` in them, taken or not.
    pub(crate) fn count(&self, pattern: &Value) -> usize {
        self.so_far().iter().filter(|event| contains(event, pattern)).count()
    }

    /// All that has come so far.
    pub(crate) fn so_far(&self) -> Vec<Value> {
        while let Ok(event) = self.arriving.try_recv() {
            self.keep(event);
        }
        self.seen.borrow().iter().map(|seen| seen.event.clone()).collect()
    }

    /// All there is, once nobody sends any more.
    pub(crate) fn to_the_end(&self) -> Vec<Value> {
        let deadline = Instant::now() + GUARD;
        loop {
            match self.arriving.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => self.keep(event),
                Err(RecvTimeoutError::Disconnected) => return self.so_far(),
                Err(RecvTimeoutError::Timeout) => panic!("{} does not end; there was\n{}", self.whose, self.tail()),
            }
        }
    }

    fn take(&self, pattern: &Value, from: usize) -> Option<Value> {
        let mut seen = self.seen.borrow_mut();
        // A second wait begins anew: what the first one passed over may be what it is for.
        let found = seen[from..].iter_mut().find(|seen| !seen.taken && contains(&seen.event, pattern))?;
        found.taken = true;
        Some(found.event.clone())
    }

    fn keep(&self, event: Value) {
        self.schema.check(&event);
        self.seen.borrow_mut().push(Seen { event, taken: false });
    }

    fn tail(&self) -> String {
        let lines: Vec<String> = self.seen.borrow().iter().map(|seen| cut(&seen.event.to_string())).collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // What nobody waited for keeps to the schema as well.
        if !thread::panicking() {
            self.so_far();
        }
    }
}

fn told(why: RecvTimeoutError) -> &'static str {
    match why {
        RecvTimeoutError::Timeout => "hangs without",
        RecvTimeoutError::Disconnected => "ended without",
    }
}

fn cut(line: &str) -> String {
    line.chars().take(400).collect()
}

/// Whether `whole` has everything that `part` has; lists have to be equally long.
pub(crate) fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| contains(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| contains(whole, part))
        }
        _ => whole == part,
    }
}
