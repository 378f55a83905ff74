//! From a line to an instruction.

use serde_json::{Map, Value};

use super::{CommandName, InputError, Instruction, arguments::Arguments, build::build, error::shortened, nearest};
use crate::types::Code;

/// A line that says something.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub instruction: Result<Instruction, InputError>,
    /// The `ref` of a JSON line, also when the rest of it is wrong.
    pub reference: Option<String>,
}

/// Reads one line without its end: words or a JSON object ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)).
/// An empty line and a comment say nothing.
///
/// ```
/// use securestream::client::command::{Command, Instruction, read_line};
///
/// let line = read_line(r#"{"cmd":"all","text":"good evening","ref":7}"#).unwrap();
/// let all = Command::All { text: "good evening".to_owned() };
/// assert_eq!(line.instruction, Ok(Instruction::Session(all)));
/// assert_eq!(line.reference.as_deref(), Some("7"));
/// assert!(read_line("# a comment").is_none());
///
/// let refused = read_line("sned bob hi").unwrap().instruction.unwrap_err();
/// assert!(refused.hint().contains("did you mean send?"));
/// ```
#[must_use]
pub fn read_line(line: &str) -> Option<Line> {
    let line = line.strip_suffix('\r').unwrap_or(line).trim_start_matches('\u{feff}');
    let text = line.trim_start();
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    if !text.starts_with('{') {
        return Some(Line { instruction: read_words(text, Nesting::Allowed), reference: None });
    }
    Some(match serde_json::from_str::<Map<String, Value>>(text) {
        Ok(mut object) => {
            let reference = object.remove("ref").and_then(plain_text);
            Line { instruction: read_object(object, Nesting::Allowed), reference }
        }
        Err(error) => Line { instruction: Err(InputError::Json(error.to_string())), reference: None },
    })
}

/// Whether the command may be one that holds another: once is enough, and bounds the depth.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Allowed,
    Refused,
}

fn read_words(text: &str, nesting: Nesting) -> Result<Instruction, InputError> {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (typed, rest) = text.split_at(end);
    let command = known(typed)?;
    let mut arguments = Arguments::from_words(command, rest)?;
    if command != CommandName::ExpectError {
        return build(arguments);
    }
    let code = expected_code(&mut arguments, nesting)?;
    let inner = arguments.need("command")?;
    Ok(Instruction::ExpectError { code, instruction: Box::new(read_words(inner.trim_start(), Nesting::Refused)) })
}

fn read_object(mut object: Map<String, Value>, nesting: Nesting) -> Result<Instruction, InputError> {
    let typed = object.remove("cmd").and_then(plain_text);
    let command = known(&typed.ok_or_else(|| InputError::Json("it has no \"cmd\"".to_owned()))?)?;
    if command != CommandName::ExpectError {
        return build(Arguments::from_json(command, object)?);
    }
    let inner = object.remove("command").ok_or(InputError::Missing { command, argument: "command" })?;
    let code = expected_code(&mut Arguments::from_json(command, object)?, nesting)?;
    let instruction = match inner {
        Value::Object(object) => read_object(object, Nesting::Refused),
        Value::String(text) => read_words(text.trim_start(), Nesting::Refused),
        other => Err(InputError::Json(format!("\"command\" is {other}"))),
    };
    Ok(Instruction::ExpectError { code, instruction: Box::new(instruction) })
}

fn known(typed: &str) -> Result<CommandName, InputError> {
    CommandName::named(typed).ok_or_else(|| {
        let near = nearest(typed, CommandName::ALL.iter().map(|name| name.as_str()));
        InputError::UnknownCommand { typed: shortened(typed), near }
    })
}

fn expected_code(arguments: &mut Arguments, nesting: Nesting) -> Result<Code, InputError> {
    let command = CommandName::ExpectError;
    if nesting == Nesting::Refused {
        return Err(InputError::Surplus { command, word: "expect-error".to_owned() });
    }
    let typed = arguments.need("code")?;
    Code::ALL.iter().copied().find(|code| code.as_str() == typed).ok_or_else(|| {
        let near = nearest(&typed, Code::ALL.iter().map(|code| code.as_str()));
        let expected = if near.is_empty() {
            "there is no such code".to_owned()
        } else {
            format!("did you mean {}?", near.join(", "))
        };
        InputError::Value { command, field: "code".to_owned(), value: shortened(&typed), expected }
    })
}

fn plain_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
