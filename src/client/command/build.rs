//! From the values of a command to an instruction: every value is checked here.

use std::{str::FromStr, time::Duration};

use super::{
    Command, CommandName, DisplayChoice, InputError, Instruction, PlayRequest, RenditionChoice, SeekTarget,
    VerifyAnswer, Wait,
    arguments::Arguments,
    error::shortened,
    nearest,
    time::{TimeError, read_seconds, read_time},
};
use crate::{
    types::{Fingerprint, MediaTime, MemberName, PlayMode, RenditionLabel, limits::MAX_TEXT},
    video::subtitles::is_language,
};

/// What TIME looks like.
const TIME_FORMS: &str = "times are seconds (7.25) or [h:]m:ss";

/// Longest name that can be given to a play, in bytes.
const MAX_PLAY_NAME: usize = 32;

/// Builds every instruction but `expect-error`, which holds another line.
pub(super) fn build(mut arguments: Arguments) -> Result<Instruction, InputError> {
    let of = &mut arguments;
    let command = match of.command {
        CommandName::Send => Command::Send { to: of.member("to")?, text: of.text()? },
        CommandName::All => Command::All { text: of.text()? },
        CommandName::Who => Command::Who,
        CommandName::Directory => Command::Directory,
        CommandName::Videos => Command::Videos,
        CommandName::Whoami => Command::Whoami,
        CommandName::Quit => Command::Quit,
        CommandName::Play => Command::Play(of.play()?),
        CommandName::Pause => Command::Pause { play: of.take("id") },
        CommandName::Resume => Command::Resume { play: of.take("id") },
        CommandName::Stop => Command::Stop { play: of.take("id") },
        CommandName::Seek => Command::Seek { target: of.seek_target()?, play: of.take("id") },
        CommandName::Rendition => Command::Rendition { choice: of.rendition()?, play: of.take("id") },
        CommandName::Verify => Command::Verify { name: of.member("name")?, answer: of.answer()? },
        CommandName::Trust => Command::Trust { name: of.member("name")?, fingerprint: of.fingerprint()? },
        CommandName::Block => Command::Block { name: of.member("name")? },
        CommandName::Unblock => Command::Unblock { name: of.member("name")? },
        CommandName::Help => return of.help(),
        CommandName::Sleep => return of.sleep(),
        CommandName::Wait => return wait(arguments),
        CommandName::ExpectError => {
            return Err(InputError::Missing { command: CommandName::ExpectError, argument: "command" });
        }
    };
    Ok(Instruction::Session(command))
}

fn wait(mut of: Arguments) -> Result<Instruction, InputError> {
    let events = of.need("event")?;
    let timeout = of.take("timeout").map(|text| of.seconds("timeout", &text)).transpose()?;
    Wait::new(&events, of.into_rest(), timeout).map(Instruction::Wait)
}

impl Arguments {
    fn value(&self, field: &str, value: &str, expected: impl Into<String>) -> InputError {
        let (command, field, value) = (self.command, field.to_owned(), shortened(value));
        InputError::Value { command, field, value, expected: expected.into() }
    }

    fn parsed<T: FromStr>(&mut self, field: &str, expected: &str) -> Result<Option<T>, InputError> {
        let Some(text) = self.take(field) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.value(field, &text, expected))
    }

    fn member(&mut self, argument: &'static str) -> Result<MemberName, InputError> {
        let typed = self.need(argument)?;
        typed.parse().map_err(|reason| InputError::NobodyCalled {
            command: self.command,
            typed: shortened(&typed),
            reason,
        })
    }

    fn text(&mut self) -> Result<String, InputError> {
        let text = self.need("text")?;
        if text.len() > MAX_TEXT {
            return Err(InputError::TextTooLarge { command: self.command, bytes: text.len() });
        }
        Ok(text)
    }

    fn play(&mut self) -> Result<PlayRequest, InputError> {
        let title = self.need("title")?;
        let (start, end) = (self.time("start")?, self.time("end")?);
        if let Some(late) = end.filter(|end| *end <= start.unwrap_or_default()) {
            let (command, value) = (self.command, late.as_seconds().to_string());
            return Err(InputError::OutOfRange { command, field: "end", value, expected: "it is not after the start" });
        }
        Ok(PlayRequest {
            title,
            mode: self.mode()?,
            max: self.parsed::<RenditionLabel>("max", "give a height such as 720")?.map(|label| label.0),
            start,
            end,
            full_speed: self.one_of("speed", &[("max", true), ("1", false)])?.unwrap_or(false),
            checksum: self.one_of("checksum", &FLAG)?.unwrap_or(false),
            display: self.display()?,
            sound: self.one_of("sound", &[("auto", true), ("none", false)])?.unwrap_or(true),
            subtitles: self.language()?,
            id: self.play_name()?,
        })
    }

    fn mode(&mut self) -> Result<PlayMode, InputError> {
        let Some(text) = self.take("mode") else { return Ok(PlayMode::Auto) };
        match text.as_str() {
            "auto" => Ok(PlayMode::Auto),
            "tour" => Ok(PlayMode::Tour),
            label => label
                .parse()
                .map(PlayMode::Fixed)
                .map_err(|_| self.value("mode", label, "give auto, tour or a height such as 720")),
        }
    }

    fn rendition(&mut self) -> Result<RenditionChoice, InputError> {
        let text = self.need("rendition")?;
        if text == "auto" {
            return Ok(RenditionChoice::Auto);
        }
        let label = text.parse().map_err(|_| self.value("rendition", &text, "give auto or a height such as 720"))?;
        Ok(RenditionChoice::Fixed(label))
    }

    fn display(&mut self) -> Result<Option<DisplayChoice>, InputError> {
        let known = [
            ("auto", DisplayChoice::Auto),
            ("window", DisplayChoice::Window),
            ("terminal", DisplayChoice::Terminal),
            ("none", DisplayChoice::None),
        ];
        self.one_of("display", &known)
    }

    fn language(&mut self) -> Result<Option<String>, InputError> {
        match self.take("subtitles") {
            Some(word) if word == "none" => Ok(None),
            Some(word) if is_language(&word) => Ok(Some(word)),
            Some(word) => {
                Err(self.value("subtitles", &word, "give a language as `videos` lists it, such as de, or none"))
            }
            None => Ok(None),
        }
    }

    fn play_name(&mut self) -> Result<Option<String>, InputError> {
        let Some(word) = self.take("id") else { return Ok(None) };
        let fits = word.len() <= MAX_PLAY_NAME
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && word.bytes().any(|b| b.is_ascii_alphabetic())
            && word != "last";
        if fits {
            Ok(Some(word))
        } else {
            Err(self.value(
                "id",
                &word,
                "give up to 32 letters, digits, - and _, one of them a letter, but not the word last",
            ))
        }
    }

    fn time(&mut self, field: &'static str) -> Result<Option<MediaTime>, InputError> {
        let Some(text) = self.take(field) else { return Ok(None) };
        read_time(&text).map(Some).map_err(|error| self.time_error(field, &text, error))
    }

    fn seek_target(&mut self) -> Result<SeekTarget, InputError> {
        let text = self.need("time")?;
        let read = match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(forward), _) => read_time(forward).map(SeekTarget::By),
            (_, Some(back)) => read_time(back).map(|time| SeekTarget::By(MediaTime::ZERO - time)),
            _ => read_time(&text).map(SeekTarget::To),
        };
        read.map_err(|error| self.time_error("time", &text, error))
    }

    fn seconds(&self, field: &'static str, text: &str) -> Result<Duration, InputError> {
        read_seconds(text).map_err(|error| self.time_error(field, text, error))
    }

    fn time_error(&self, field: &'static str, text: &str, error: TimeError) -> InputError {
        match error {
            TimeError::Form => self.value(field, text, TIME_FORMS),
            TimeError::Range => InputError::OutOfRange {
                command: self.command,
                field,
                value: shortened(text),
                expected: "it is below 0 or beyond a year",
            },
        }
    }

    fn answer(&mut self) -> Result<Option<VerifyAnswer>, InputError> {
        let Some(text) = self.take("answer") else { return Ok(None) };
        let text = text.trim().trim_matches('"');
        if text == "yes" {
            return Ok(Some(VerifyAnswer::Yes));
        }
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        if digits.len() == 60 && digits.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Some(VerifyAnswer::Digits(digits)))
        } else {
            Err(self.value("answer", text, "give yes or the 60 digits"))
        }
    }

    fn fingerprint(&mut self) -> Result<Option<Fingerprint>, InputError> {
        let Some(text) = self.take("fingerprint") else { return Ok(None) };
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '"')).collect();
        digits.parse().map(Some).map_err(|_| self.value("fingerprint", &text, "give its 64 hexadecimal digits"))
    }

    fn help(&mut self) -> Result<Instruction, InputError> {
        let Some(typed) = self.take("command") else { return Ok(Instruction::Help(None)) };
        let typed = typed.trim_start_matches('/');
        CommandName::named(typed).map(|name| Instruction::Help(Some(name))).ok_or_else(|| {
            let near = nearest(typed, CommandName::ALL.iter().map(|name| name.as_str()));
            InputError::UnknownCommand { typed: shortened(typed), near }
        })
    }

    fn sleep(&mut self) -> Result<Instruction, InputError> {
        let text = self.need("seconds")?;
        self.seconds("seconds", &text).map(Instruction::Sleep)
    }

    fn one_of<T: Copy>(&mut self, field: &str, known: &[(&str, T)]) -> Result<Option<T>, InputError> {
        let Some(text) = self.take(field) else { return Ok(None) };
        if let Some((_, value)) = known.iter().find(|(name, _)| *name == text) {
            return Ok(Some(*value));
        }
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        Err(self.value(field, &text, format!("give {}", names.join(" or "))))
    }
}

/// How a flag is switched on and off.
const FLAG: [(&str, bool); 4] = [("1", true), ("0", false), ("true", true), ("false", false)];
