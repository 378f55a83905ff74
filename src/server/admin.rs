//! What an operator asks of a running hub, and its answers: JSON, one object each.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    InviteCode,
    relay::{CommitId, OperatorError, Relay},
    report::{HubEvent, SkippedFile},
};
use crate::{
    types::{Code, DirectoryEntry, MemberName},
    video::Catalog,
};

const WHO: &str = "see who is here with: securestream hub who";

/// The JSON Schema (draft 2020-12) of an answer, stricter than readers should be.
pub const ADMIN_ANSWERS_SCHEMA: &str = include_str!("../../docs/hub-answers.schema.json");

/// The name of the socket in a hub's data folder.
pub const ADMIN_SOCKET: &str = "admin.sock";

/// What an operator can ask. Names are as typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cmd", rename_all = "snake_case")]
pub enum AdminRequest {
    /// Who is here.
    Who,
    /// How the hub is.
    Status,
    /// Remove a member; it may come again.
    Kick { name: String },
    /// Remove a member for good, with its keys.
    Ban { name: String },
    /// Let in again who was banned.
    Unban { name: String },
    /// Free a name for other keys.
    Release { name: String },
    /// Make an invite, for that name only if one is given.
    Invite { name: Option<String> },
    /// The hub's key.
    Fingerprint,
    /// Read the folder of videos again, and the certificate.
    Reload,
}

/// One member, for the operator's eyes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminMember {
    pub name: String,
    /// In hexadecimal.
    pub fingerprint: String,
    pub guest: bool,
    /// Where its link comes from; nothing while its link is lost and it may still come back.
    pub peer: Option<String>,
    /// Plays that run.
    pub plays: usize,
}

/// How a hub is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminStatus {
    pub version: String,
    /// The newest version of the protocol that it speaks.
    pub protocol: u16,
    /// Milliseconds since it began.
    pub uptime_ms: u64,
    /// The URLs that members are given, without pins.
    pub listening: Vec<String>,
    /// How posts are passed on.
    pub relay: String,
    pub members: usize,
    pub max_members: usize,
    pub plays: usize,
    pub titles: usize,
    /// Links that are counted and have not registered.
    pub waiting_links: usize,
    /// Links that were closed without a word since it began.
    pub refused_links: u64,
}

/// The folder was read again: how many titles there are and what is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    pub titles: usize,
    pub skipped: Vec<SkippedFile>,
    /// Of the hub's key, as in [`AdminAnswer::Fingerprint`].
    pub fingerprint: Option<String>,
}

impl Reloaded {
    /// What an operator is told of a catalogue.
    #[must_use]
    pub fn of(catalog: &Catalog) -> Self {
        let skipped = catalog.skipped().iter();
        let skipped =
            skipped.map(|skipped| SkippedFile { file: skipped.file.clone(), reason: skipped.reason.to_string() });
        Self { titles: catalog.titles().len(), skipped: skipped.collect(), fingerprint: None }
    }

    /// The event that tells it to an operator who was told of `before`.
    #[must_use]
    pub fn event(&self, before: Option<&Self>) -> HubEvent {
        let told: BTreeSet<_> = before.iter().flat_map(|before| &before.skipped).collect();
        let news = self.skipped.iter().filter(|skipped| !told.contains(skipped)).cloned().collect();
        HubEvent::Catalog { titles: self.titles, skipped: self.skipped.clone(), news }
    }
}

/// What a hub answers. `event` says what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AdminAnswer {
    Who {
        members: Vec<AdminMember>,
    },
    Status(AdminStatus),
    Kicked {
        name: String,
    },
    Banned {
        name: String,
    },
    Unbanned {
        name: String,
    },
    Released {
        name: String,
    },
    /// A code that lets in one new member, and the URL that carries it.
    Invite {
        code: String,
        url: String,
        name: Option<String>,
    },
    /// Of the key that members of `tls://` pin, in hexadecimal; nothing for a hub without one.
    Fingerprint {
        fingerprint: Option<String>,
    },
    Reloaded(Reloaded),
    Error(AdminError),
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminError {
    /// Its name, as in all events.
    pub code: String,
    pub message: String,
    /// What to do next.
    pub hint: String,
    pub retryable: bool,
}

impl AdminError {
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code: code.as_str().to_owned(),
            message: message.into(),
            hint: hint.into(),
            retryable: code.is_retryable(),
        }
    }

    /// The code behind the name; one that this version does not know is [`Code::Internal`].
    #[must_use]
    pub fn known_code(&self) -> Code {
        Code::ALL.iter().copied().find(|code| code.as_str() == self.code).unwrap_or(Code::Internal)
    }
}

impl From<AdminError> for AdminAnswer {
    fn from(error: AdminError) -> Self {
        Self::Error(error)
    }
}

/// Reads one line of a request.
///
/// # Errors
/// When it is none that this version knows.
pub fn read_request(line: &[u8]) -> Result<AdminRequest, AdminError> {
    serde_json::from_slice(line).map_err(|error| {
        let message = format!("this hub does not understand the request: {error}");
        AdminError::new(Code::UnknownCommand, message, "use the same version of securestream as the hub's")
    })
}

/// The answer as one line, with its end.
#[must_use]
pub fn answer_line(answer: &AdminAnswer) -> Vec<u8> {
    let mut line = serde_json::to_vec(answer).unwrap_or_default();
    line.push(b'\n');
    line
}

/// What the relay does not know.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub protocol: u16,
    pub uptime_ms: u64,
    pub listening: Vec<String>,
    pub fingerprint: Option<String>,
    /// Plays that run, by member.
    pub plays: Vec<(MemberName, usize)>,
    pub titles: usize,
    pub waiting_links: usize,
    pub refused_links: u64,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Reply {
    /// It is answered.
    Now(AdminAnswer),
    /// This is the answer once [`Relay::committed`] is told that this lasts.
    Once(CommitId, AdminAnswer),
    /// What the hub was started with is to be read again, and [`AdminAnswer::Reloaded`] the answer.
    Reload,
}

impl From<AdminError> for Reply {
    fn from(error: AdminError) -> Self {
        Self::Now(error.into())
    }
}

/// Does what is asked. `code` has to be fresh from a random source; it is spent when an invite is asked for.
pub fn answer(request: AdminRequest, relay: &mut Relay, facts: &Facts, code: &InviteCode) -> Reply {
    match request {
        AdminRequest::Who => Reply::Now(who(relay, facts)),
        AdminRequest::Status => Reply::Now(status(relay, facts)),
        AdminRequest::Fingerprint => Reply::Now(AdminAnswer::Fingerprint { fingerprint: facts.fingerprint.clone() }),
        AdminRequest::Reload => Reply::Reload,
        AdminRequest::Kick { name } => about(&name, |name| {
            let name = as_written(relay, name);
            relay.kick(&name).map(|()| Reply::Now(AdminAnswer::Kicked { name: name.to_string() }))
        }),
        AdminRequest::Ban { name } => about(&name, |name| {
            let name = as_written(relay, name);
            relay.ban(&name).map(|id| Reply::Once(id, AdminAnswer::Banned { name: name.to_string() }))
        }),
        AdminRequest::Unban { name } => about(&name, |name| {
            relay.unban(&name).map(|id| Reply::Once(id, AdminAnswer::Unbanned { name: name.to_string() }))
        }),
        AdminRequest::Release { name } => about(&name, |name| {
            relay.release(&name).map(|id| Reply::Once(id, AdminAnswer::Released { name: name.to_string() }))
        }),
        AdminRequest::Invite { name: None } => invite(relay, facts, code, None).unwrap_or_else(|error| refused(&error)),
        AdminRequest::Invite { name: Some(name) } => about(&name, |name| invite(relay, facts, code, Some(name))),
    }
}

/// What became of a change that an operator waits for.
#[must_use]
pub fn committed(answer: AdminAnswer, is_kept: bool) -> AdminAnswer {
    if is_kept {
        return answer;
    }
    let hint = "see what the hub's log says about its data folder, and try again";
    AdminError::new(Code::DataUnusable, "the hub's disk did not take it: nothing has changed", hint).into()
}

/// Follows a wish about somebody of this name, as far as it is one.
fn about(typed: &str, wish: impl FnOnce(MemberName) -> Result<Reply, OperatorError>) -> Reply {
    match typed.parse::<MemberName>() {
        Ok(name) => wish(name).unwrap_or_else(|error| refused(&error)),
        Err(error) => AdminError::new(Code::BadName, error.to_string(), WHO).into(),
    }
}

/// A name as its member wrote it, if somebody has it.
fn as_written(relay: &Relay, name: MemberName) -> MemberName {
    let found = relay.members().into_iter().find(|(entry, _)| entry.name == name);
    found.map_or(name, |(entry, _)| entry.name)
}

fn refused(error: &OperatorError) -> Reply {
    let (code, hint) = match error {
        OperatorError::NotHere(_) => (Code::NoSuchMember, WHO),
        OperatorError::NotBound(_) => (Code::NoSuchMember, "there is nothing to free: whoever comes may have the name"),
        OperatorError::NotBanned(_) => (Code::NoSuchMember, "there is nothing to take back; look at the spelling"),
        OperatorError::TooManyBans => (Code::TryLater, "securestream hub unban NAME for those that matter no more"),
        OperatorError::TooManyInvites => (Code::TryLater, "use the invites that are out"),
    };
    AdminError::new(code, error.to_string(), hint).into()
}

fn invite(
    relay: &mut Relay,
    facts: &Facts,
    code: &InviteCode,
    name: Option<MemberName>,
) -> Result<Reply, OperatorError> {
    let id = relay.invite(code, name.clone())?;
    let code = code.text();
    let url = invite_url(facts, &code);
    Ok(Reply::Once(id, AdminAnswer::Invite { code, url, name: name.map(|name| name.to_string()) }))
}

/// The URL that carries a code: of the first listener that the network can use safely, else of the first.
fn invite_url(facts: &Facts, code: &str) -> String {
    let tls = facts.listening.iter().find(|url| url.starts_with("tls://"));
    match (tls.or(facts.listening.first()), &facts.fingerprint) {
        (Some(url), Some(key)) if tls.is_some() => format!("{url}?invite={code}#sha256:{key}"),
        (Some(url), _) => format!("{url}?invite={code}"),
        (None, _) => format!("?invite={code}"),
    }
}

fn who(relay: &Relay, facts: &Facts) -> AdminAnswer {
    let member = |(entry, peer): (DirectoryEntry, Option<String>)| AdminMember {
        name: entry.name.to_string(),
        fingerprint: entry.fingerprint.to_string(),
        guest: entry.guest,
        peer,
        plays: facts.plays.iter().filter(|(name, _)| *name == entry.name).map(|(_, plays)| plays).sum(),
    };
    AdminAnswer::Who { members: relay.members().into_iter().map(member).collect() }
}

fn status(relay: &Relay, facts: &Facts) -> AdminAnswer {
    let options = relay.options();
    AdminAnswer::Status(AdminStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: facts.protocol,
        uptime_ms: facts.uptime_ms,
        listening: facts.listening.clone(),
        relay: options.mode.to_string(),
        members: relay.members().len(),
        max_members: options.max_members,
        plays: facts.plays.iter().map(|(_, plays)| plays).sum(),
        titles: facts.titles,
        waiting_links: facts.waiting_links,
        refused_links: facts.refused_links,
    })
}

#[cfg(test)]
mod tests;
