//! Asks a person whether to trust a hub.

use super::{Prompt, PromptKind, Typed};
use crate::{
    client::front::HubAnswer,
    types::{HubKey, Printable},
};

/// The question at the first time with a hub. Asks again until the answer is one.
#[derive(Debug)]
pub struct HubQuestion {
    key: HubKey,
}

impl HubQuestion {
    /// About a hub that shows this key.
    #[must_use]
    pub fn new(key: HubKey) -> Self {
        Self { key }
    }

    /// What to know before answering.
    #[must_use]
    pub fn text(&self, hub: &str) -> String {
        format!(
            "First time at {}. Its key is\n    {}\nAsk the operator for it (they run: securestream hub fingerprint).",
            Printable(hub),
            self.key.grouped()
        )
    }

    /// What to ask.
    #[must_use]
    pub fn prompt() -> Prompt {
        Prompt { text: "Trust this key from now on? [yes / no / paste the key] ".to_owned(), kind: PromptKind::HubKey }
    }

    /// Takes what was typed; nothing when it is no answer.
    #[must_use]
    pub fn answer(&self, typed: &Typed) -> Option<HubAnswer> {
        let Typed::Line(line) = typed else { return Some(HubAnswer::No) };
        let line = line.trim();
        // A URL that the hub printed ends with the key.
        let pasted = line.rsplit_once('#').map_or(line, |(_, pin)| pin).parse::<HubKey>();
        match (line.to_lowercase().as_str(), pasted) {
            (_, Ok(key)) if key == self.key => Some(HubAnswer::Yes),
            (_, Ok(key)) => Some(HubAnswer::Otherwise(key)),
            ("yes" | "y", _) => Some(HubAnswer::Yes),
            ("no" | "n", _) => Some(HubAnswer::No),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_no_and_the_key_in_every_form_are_answers_and_nothing_else_is() {
        let (key, other) = (HubKey([0x3f; 32]), HubKey([0x81; 32]));
        let question = HubQuestion::new(key);
        let text = question.text("hub.example.org:9999");
        assert!(text.starts_with("First time at hub.example.org:9999. Its key is\n    3f3f 3f3f "), "{text}");
        for (line, answer) in [
            ("yes", Some(HubAnswer::Yes)),
            (" Yes ", Some(HubAnswer::Yes)),
            ("no", Some(HubAnswer::No)),
            ("", None),
            ("ja", None),
            ("3f3f", None),
            (&key.grouped(), Some(HubAnswer::Yes)),
            (&format!("sha256:{key}"), Some(HubAnswer::Yes)),
            (&format!("tls://hub.example.org:9999#sha256:{key}"), Some(HubAnswer::Yes)),
            (&other.to_string(), Some(HubAnswer::Otherwise(other))),
        ] {
            assert_eq!(question.answer(&Typed::Line(line.to_owned())), answer, "{line}");
        }
        for leaving in [Typed::End, Typed::Interrupt] {
            assert_eq!(question.answer(&leaving), Some(HubAnswer::No));
        }
    }
}
