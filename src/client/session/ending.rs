//! How a session ends: by the member's wish, by the hub's, or with the link.

use std::time::Instant;

use super::{LastWords, Output, Over, Phase, Session};
use crate::{
    client::{
        command::CommandName,
        event::{Event, Failure},
    },
    proto::{
        Ending, InvalidMessage, ProtocolError,
        message::{self, Quit},
    },
    types::{Code, MemberName, limits::DRAIN_DEADLINE},
};

impl Session {
    /// The connection ended.
    pub fn ended(&mut self, ending: &Ending) {
        let failure = match ending {
            Ending::Lost if self.phase == Phase::Registering => Failure::new(
                Code::NotAHub,
                "the other end hung up without a word",
                "check that a securestream hub listens there, and whether it takes you in",
            ),
            Ending::Lost | Ending::Closed(_) | Ending::Slow => {
                Failure::new(Code::Disconnected, "the link to the hub is lost", "connect again")
            }
            Ending::Misbehaved(error) if self.phase == Phase::Registering => {
                let hint = match error {
                    ProtocolError::InvalidMessage(InvalidMessage::Tls) => {
                        "the hub listens there with TLS: connect to tls:// instead of tcp://"
                    }
                    _ => "check address and port, and that both ends have the same version",
                };
                let text = format!("what answers there is no hub that this program can talk to: {error}");
                Failure::new(Code::NotAHub, text, hint)
            }
            Ending::Misbehaved(error) => {
                Failure::new(Code::Disconnected, format!("the hub broke the protocol: {error}"), "connect again")
            }
        };
        self.over_once_read(failure);
    }

    /// Nothing more comes; what has come is with the worker, which takes each letter in for good when it opens it. Those
    /// are shown first.
    fn over_once_read(&mut self, failure: Failure) {
        if self.last_words.is_some() {
            return;
        }
        if self.has_worked_all() || matches!(self.phase, Phase::Registering | Phase::Over) {
            return self.over(failure);
        }
        self.last_words = Some(LastWords { failure, until: None });
    }

    /// Whether nothing is with the worker that would be lost: letters to be read, and what is to be on the disk.
    fn has_worked_all(&self) -> bool {
        self.incoming.is_settled() && self.trust.is_settled() && self.plays.has_kept_places()
    }

    fn end_once_read(&mut self, now: Instant) {
        let is_read = self.has_worked_all();
        let Some(LastWords { until, .. }) = &mut self.last_words else { return };
        let until = *until.get_or_insert(now + DRAIN_DEADLINE);
        if (is_read || now >= until)
            && let Some(LastWords { failure, .. }) = self.last_words.take()
        {
            self.over(failure);
        }
    }

    pub(super) fn hub_error(&mut self, error: message::Error) {
        let hint = hint_for(error.code, &self.me.name);
        let failure = Failure::new(error.code, error.text.0, hint);
        let is_end = matches!(error.code, Code::TakenOver | Code::Kicked | Code::Banned);
        if self.phase == Phase::Registering || is_end {
            self.over_once_read(failure);
        } else {
            self.event(Event::Error(failure), None);
        }
    }

    pub(super) fn goodbye(&mut self, code: Code) {
        if self.is_leaving() {
            return self.over_once_read(Failure::new(code, "the hub closed the link", ""));
        }
        let text = match code {
            Code::HubClosing => "the hub is closing",
            Code::Kicked => "the operator of the hub removed this member",
            Code::SlowConsumer => "the hub let this member go: it did not read what was sent to it",
            _ => "the hub closed the link",
        };
        self.over_once_read(Failure::new(code, text, hint_for(code, &self.me.name)));
    }

    pub(super) fn quit(&mut self, reference: Option<String>, now: Instant) {
        match self.phase {
            Phase::Leaving(_) => return self.quit_references.push(reference),
            Phase::Left(_) | Phase::Over => return self.event(Event::Ok { command: CommandName::Quit }, reference),
            Phase::Registering | Phase::Entering => {
                self.tell_hub(Quit {});
                return self.finish(Over::Quit);
            }
            Phase::Here => self.phase = Phase::Leaving(now + DRAIN_DEADLINE),
        }
        self.quit_references.push(reference);
        self.keep_head();
        let outputs = self.plays.stop_all();
        self.outputs.extend(outputs);
        self.leave_when_settled(now);
    }

    /// Leaves when all posts are accepted or failed, or when there is no more time for that. Players get the time
    /// to end as well.
    pub(super) fn leave_when_settled(&mut self, now: Instant) {
        self.end_once_read(now);
        match self.phase {
            Phase::Leaving(until) => {
                // Whoever waits for a receipt of this member should not have to wait for its delay.
                self.post_all_receipts();
                self.give_up_held();
                let is_settled = self.outgoing.is_settled() && self.has_worked_all() && self.plays.is_empty();
                if is_settled || now >= until {
                    self.posts_lost(Code::Timeout);
                    self.answer_quits();
                    self.tell_hub(Quit {});
                    // A hub that did not accept in all this time is not waited for once more.
                    self.phase = Phase::Left(if is_settled { now + DRAIN_DEADLINE } else { now });
                }
            }
            Phase::Left(until) if now >= until => self.finish(Over::Quit),
            _ => {}
        }
    }

    pub(super) fn answer_quits(&mut self) {
        for reference in std::mem::take(&mut self.quit_references) {
            self.event(Event::Ok { command: CommandName::Quit }, reference);
        }
    }

    pub(super) fn is_leaving(&self) -> bool {
        matches!(self.phase, Phase::Leaving(_) | Phase::Left(_))
    }

    /// The session cannot go on; for one that is leaving that is the end that it wanted, however it came.
    pub(super) fn over(&mut self, failure: Failure) {
        if self.is_leaving() {
            self.posts_lost(failure.code);
            self.answer_quits();
            return self.finish(Over::Quit);
        }
        self.finish(Over::Failed(Box::new(failure)));
    }

    pub(super) fn finish(&mut self, over: Over) {
        if matches!(self.phase, Phase::Left(_)) {
            self.miss_heads();
        }
        if self.phase != Phase::Over {
            self.phase = Phase::Over;
            if let Over::Failed(failure) = &over {
                self.posts_lost(failure.code);
            }
            let outputs = self.plays.lose_all(&over);
            self.outputs.extend(outputs);
            self.outputs.push_back(Output::Over(over));
        }
    }
}

/// What to do next about what the hub says.
fn hint_for(code: Code, name: &MemberName) -> String {
    match code {
        Code::NameTaken => format!("choose another name than {name}, or try again when the other one has left"),
        Code::BadName => "choose another name with --name".to_owned(),
        Code::HubFull => "try again later".to_owned(),
        Code::WeakKey => "the hub asks for RSA keys of 3072 bits; use --ephemeral or another data folder".to_owned(),
        Code::BadProof => "check that program and hub have the same version".to_owned(),
        Code::UnsupportedVersion => "use the same version as the hub".to_owned(),
        Code::HubClosing | Code::SlowConsumer | Code::Disconnected => "connect again".to_owned(),
        Code::NameReserved => format!(
            "if you are {name}, restore your key (securestream keys import FILE), or ask the operator to run: \
             securestream hub release {name}; else choose another name"
        ),
        Code::NotInvited => format!(
            "ask the operator for an invite (they run: securestream hub invite {name}) and connect by the URL with it"
        ),
        Code::Banned => format!("only the operator can change that (they run: securestream hub unban {name})"),
        Code::Kicked => "ask the operator why; you may connect again".to_owned(),
        Code::TakenOver => "go on where you came in last; if that was not you, somebody has a copy of your keys: \
                            run securestream keys rotate, then connect"
            .to_owned(),
        Code::DataUnusable => "use the newest copy of your keys (securestream keys import FILE)".to_owned(),
        Code::TryLater => "try again in a moment".to_owned(),
        _ => String::new(),
    }
}
