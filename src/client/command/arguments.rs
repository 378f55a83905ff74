//! The values of a command, whether they came as words or as JSON.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    CommandName, InputError, Syntax, nearest,
    syntax::Need,
    words::{Word, next_word},
};

/// Values by the name of their argument or field. Only names that the command has, except for `wait`, whose
/// fields are those of the event.
#[derive(Debug)]
pub(super) struct Arguments {
    pub(super) command: CommandName,
    values: BTreeMap<String, String>,
}

impl Arguments {
    /// Reads what follows the command in a line of words.
    pub(super) fn from_words(command: CommandName, mut text: &str) -> Result<Self, InputError> {
        let syntax = Syntax::of(command);
        let mut arguments = Self { command, values: BTreeMap::new() };
        let mut places = syntax.arguments.iter().peekable();
        loop {
            if let Some(place) = places.next_if(|place| place.need == Need::Rest) {
                let raw = text.strip_prefix(char::is_whitespace).unwrap_or(text);
                if !raw.trim().is_empty() {
                    arguments.insert(place.name.to_owned(), raw.to_owned())?;
                }
                return Ok(arguments);
            }
            let Some((word, after)) = next_word(text, command)? else { return Ok(arguments) };
            text = after;
            match word {
                Word { key: Some(key), value } if arguments.has_field(&key) => arguments.insert(key, value)?,
                word => match places.next() {
                    Some(place) => arguments.insert(place.name.to_owned(), word.into_whole())?,
                    None => return Err(arguments.surplus(word)),
                },
            }
        }
    }

    /// Reads the keys of a JSON line beside `cmd` and `ref`.
    pub(super) fn from_json(command: CommandName, object: Map<String, Value>) -> Result<Self, InputError> {
        let mut arguments = Self { command, values: BTreeMap::new() };
        for (key, value) in object {
            let value = match value {
                Value::Null => continue,
                Value::String(text) => text,
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    let expected = "give text, a number, true or false".to_owned();
                    return Err(InputError::Value { command, field: key, value: value.to_string(), expected });
                }
            };
            let is_argument = Syntax::of(command).arguments.iter().any(|argument| argument.name == key);
            if !is_argument && !arguments.has_field(&key) {
                return Err(arguments.surplus(Word { key: Some(key), value }));
            }
            arguments.insert(key, value)?;
        }
        Ok(arguments)
    }

    /// Takes out the value of an argument or a field.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    /// Takes out the value of an argument that must be there.
    pub(super) fn need(&mut self, argument: &'static str) -> Result<String, InputError> {
        self.take(argument).ok_or(InputError::Missing { command: self.command, argument })
    }

    /// What nobody took: the fields of the event that `wait` waits for.
    pub(super) fn into_rest(self) -> BTreeMap<String, String> {
        self.values
    }

    fn has_field(&self, key: &str) -> bool {
        self.command == CommandName::Wait || Syntax::of(self.command).fields.contains(&key)
    }

    fn insert(&mut self, field: String, value: String) -> Result<(), InputError> {
        if self.values.contains_key(&field) {
            return Err(InputError::Twice { command: self.command, field });
        }
        self.values.insert(field, value);
        Ok(())
    }

    fn surplus(&self, word: Word) -> InputError {
        let command = self.command;
        match word.key {
            Some(field) => {
                let near = nearest(&field, Syntax::of(command).fields.iter().copied());
                InputError::UnknownField { command, field, near }
            }
            None => InputError::Surplus { command, word: word.value },
        }
    }
}
