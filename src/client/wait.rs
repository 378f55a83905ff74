//! What a script waits for, and the events it can still wait for.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    time::Duration,
};

use serde_json::{Map, Value};

use super::{
    command::{CommandName, InputError, nearest},
    event::{Event, EventKind},
};
use crate::types::{Code, MemberName, Printable};

/// How long a wait lasts that says nothing else.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The value of `id` that stands for the newest send or play.
pub(crate) const LAST: &str = "last";

/// Events of certain kinds with certain fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    kinds: Vec<&'static EventKind>,
    fields: BTreeMap<String, String>,
    /// Without one, for ever.
    timeout: Option<Duration>,
}

impl Wait {
    /// Reads `joined|left` with the fields that must be equal; a timeout of 0 is for ever.
    pub(crate) fn new(
        events: &str,
        fields: BTreeMap<String, String>,
        timeout: Option<Duration>,
    ) -> Result<Self, InputError> {
        let kinds = events.split('|').map(read_kind).collect::<Result<Vec<_>, _>>()?;
        let known = || kinds.iter().flat_map(|kind| kind.fields).copied();
        if let Some(field) = fields.keys().find(|field| !known().any(|name| name == *field)) {
            let near = nearest(field, known());
            return Err(InputError::UnknownField { command: CommandName::Wait, field: field.clone(), near });
        }
        let timeout = Some(timeout.unwrap_or(DEFAULT_TIMEOUT)).filter(|timeout| !timeout.is_zero());
        Ok(Self { kinds, fields, timeout })
    }

    /// How long it may last.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Whether it waits for the newest send or play.
    pub(crate) fn is_for_last(&self) -> bool {
        self.fields.get("id").is_some_and(|id| id == LAST)
    }

    /// Makes it wait for this id.
    pub(crate) fn set_id(&mut self, id: &str) {
        self.fields.insert("id".to_owned(), id.to_owned());
    }

    /// The member that it waits for to join.
    pub(crate) fn joining(&self) -> Option<MemberName> {
        let joins = self.kinds.iter().any(|kind| kind.name == "joined");
        self.fields.get("name").filter(|_| joins)?.parse().ok()
    }

    /// The same wait for the failure of the post whose delivery it waits for; `newest` is the post that is meant
    /// when it names none.
    pub(crate) fn failure_of_delivery(&self, newest: Option<&str>) -> Option<Self> {
        if !self.kinds.iter().any(|kind| kind.name == "delivered") {
            return None;
        }
        let id = self.fields.get("id").map(String::as_str).or(newest)?;
        let mut fields = BTreeMap::from([("id".to_owned(), id.to_owned())]);
        fields.extend(self.fields.get("by").map(|by| ("to".to_owned(), by.clone())));
        Some(Self { kinds: vec![EventKind::named("failed")?], fields, timeout: None })
    }

    /// Whether this is such an event.
    pub(crate) fn matches(&self, event: &Kept) -> bool {
        self.kinds.iter().any(|kind| event.kind == kind.name)
            && self
                .fields
                .iter()
                .all(|(field, wanted)| event.fields.get(field).is_some_and(|value| is_equal(field, value, wanted)))
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.name).collect();
        f.write_str(&kinds.join("|"))?;
        self.fields.iter().try_for_each(|(field, value)| write!(f, " {field}={}", Printable(value)))
    }
}

fn read_kind(name: &str) -> Result<&'static EventKind, InputError> {
    EventKind::named(name).ok_or_else(|| {
        let near = nearest(name, EventKind::ALL.iter().map(|kind| kind.name));
        let expected = if near.is_empty() {
            "there is no such event".to_owned()
        } else {
            format!("did you mean {}?", near.join(", "))
        };
        let value = name.chars().take(64).collect();
        InputError::Value { command: CommandName::Wait, field: "event".to_owned(), value, expected }
    })
}

/// Compares as the field calls for: names after folding, numbers by value, else as text.
fn is_equal(field: &str, value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) if text == wanted => true,
        Value::String(text) if matches!(field, "name" | "from" | "to" | "by") => {
            matches!((text.parse::<MemberName>(), wanted.parse::<MemberName>()), (Ok(one), Ok(other)) if one == other)
        }
        Value::Number(number) => wanted.parse().is_ok_and(|wanted: f64| number.as_f64() == Some(wanted)),
        Value::Bool(flag) => wanted.parse() == Ok(*flag),
        _ => false,
    }
}

/// An event as far as waits can tell it from others.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    kind: String,
    fields: Map<String, Value>,
    bytes: usize,
}

impl Kept {
    pub(crate) fn of(event: &Event) -> Self {
        let mut fields = match serde_json::to_value(event) {
            Ok(Value::Object(fields)) => fields,
            // Events are objects of text and numbers; another would only be one that nothing waits for.
            _ => Map::new(),
        };
        let kind = match fields.remove("event") {
            Some(Value::String(kind)) => kind,
            _ => String::new(),
        };
        fields.retain(|_, value| !value.is_array() && !value.is_object() && !value.is_null());
        let bytes = fields.values().map(|value| 64 + value.as_str().map_or(0, str::len)).sum();
        Self { kind, fields, bytes }
    }

    pub(crate) fn is_failed(&self) -> bool {
        self.kind == "failed"
    }

    /// The code that it carries.
    pub(crate) fn code(&self) -> Option<Code> {
        let name = self.fields.get("code")?.as_str()?;
        Code::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

/// The events that no wait took yet, oldest first. Beyond 100,000 events or 64 MiB the oldest are forgotten, as
/// if they had been taken: a script that waits for nothing must not grow for ever.
#[derive(Debug)]
pub(crate) struct EventLog {
    events: VecDeque<Kept>,
    bytes: usize,
    max_events: usize,
    max_bytes: usize,
}

impl EventLog {
    pub(crate) fn new() -> Self {
        Self { events: VecDeque::new(), bytes: 0, max_events: 100_000, max_bytes: 64 * 1024 * 1024 }
    }

    pub(crate) fn push(&mut self, event: Kept) {
        self.bytes += event.bytes;
        self.events.push_back(event);
        while self.events.len() > self.max_events || self.bytes > self.max_bytes {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.bytes;
        }
    }

    /// Takes the first event that `wait` waits for.
    pub(crate) fn take(&mut self, wait: &Wait) -> Option<Kept> {
        let at = self.events.iter().position(|event| wait.matches(event))?;
        let event = self.events.remove(at)?;
        self.bytes -= event.bytes;
        Some(event)
    }

    /// The first event that `wait` waits for, left where it is.
    pub(crate) fn find(&self, wait: &Wait) -> Option<&Kept> {
        self.events.iter().find(|event| wait.matches(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::event::testing::examples;

    fn wait(events: &str, fields: &[(&str, &str)]) -> Result<Wait, InputError> {
        let fields = fields.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
        Wait::new(events, fields, None)
    }

    fn left(name: &str) -> Kept {
        Kept::of(&Event::Left { name: name.parse().unwrap(), reason: crate::types::LeaveReason::Quit })
    }

    #[test]
    fn every_event_is_found_by_each_of_its_fields() {
        for event in examples() {
            let kept = Kept::of(&event);
            let kind = EventKind::named(&kept.kind).unwrap_or_else(|| panic!("{} has no kind", kept.kind));
            for (field, value) in &kept.fields {
                assert!(kind.fields.contains(&field.as_str()), "{}.{field}", kept.kind);
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                assert!(wait(kind.name, &[(field, &text)]).unwrap().matches(&kept), "{}.{field}={text}", kept.kind);
                assert!(!wait(kind.name, &[(field, "other")]).unwrap().matches(&kept), "{}.{field}", kept.kind);
            }
        }
    }

    #[test]
    fn names_are_compared_as_names_and_numbers_by_value() {
        assert!(wait("left", &[("name", "BOB")]).unwrap().matches(&left("bob")));
        assert!(!wait("left", &[("reason", "QUIT")]).unwrap().matches(&left("bob")));
        let stalled = Kept::of(&Event::Stalled { id: "1".into(), ms: 300 });
        assert!(wait("stalled", &[("ms", "300.0")]).unwrap().matches(&stalled));
        assert!(!wait("stalled", &[("ms", "x")]).unwrap().matches(&stalled));
    }

    #[test]
    fn a_wait_that_could_never_end_is_refused_with_the_nearest_names() {
        let error = wait("joind", &[]).unwrap_err();
        assert!(error.to_string().contains("did you mean joined"), "{error}");
        let error = wait("joined|left", &[("nmae", "bob")]).unwrap_err();
        assert!(error.hint().contains("did you mean name"), "{}", error.hint());
        assert!(wait("", &[]).is_err());
        assert!(wait("joined|", &[]).is_err());
        assert!(wait("left", &[("guest", "true")]).is_err(), "left has no guest");
        assert!(wait("joined|left", &[("guest", "true")]).is_ok());
    }

    #[test]
    fn the_log_forgets_the_oldest_beyond_its_bounds() {
        let mut log = EventLog { max_events: 3, ..EventLog::new() };
        for name in ["a", "b", "c", "d"] {
            log.push(left(name));
        }
        assert!(log.take(&wait("left", &[("name", "a")]).unwrap()).is_none());
        assert!(log.take(&wait("left", &[("name", "b")]).unwrap()).is_some());
        let mut log = EventLog { max_bytes: left("a").bytes, ..EventLog::new() };
        log.push(left("a"));
        log.push(left("b"));
        assert_eq!(log.events.len(), 1);
        assert_eq!(log.bytes, left("b").bytes);
    }
}
