//! Every event that a test sees keeps to the schema that readers are given.

use std::sync::LazyLock;

use jsonschema::Validator;
use securestream::{client::event::EVENTS_SCHEMA, server::report::HUB_EVENTS_SCHEMA};
use serde_json::Value;

/// Which of the two schemas a line keeps to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Schema {
    /// `docs/events.schema.json`
    Member,
    /// `docs/hub-events.schema.json`
    Hub,
}

impl Schema {
    /// Fails unless `event` keeps to this schema.
    pub(crate) fn check(self, event: &Value) {
        static MEMBER: LazyLock<Validator> = LazyLock::new(|| compile(EVENTS_SCHEMA));
        static HUB: LazyLock<Validator> = LazyLock::new(|| compile(HUB_EVENTS_SCHEMA));
        let validator = match self {
            Self::Member => &MEMBER,
            Self::Hub => &HUB,
        };
        if let Err(error) = validator.validate(event) {
            panic!("{error} at {} in {event}", error.instance_path());
        }
    }
}

fn compile(schema: &str) -> Validator {
    jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
}
