//! Who is here, as the menu knows it, and who a typed name means.

use std::collections::BTreeMap;

use crate::{
    client::{
        command::nearest,
        event::{Event, MemberEntry, Receiver},
    },
    types::{MemberName, Printable},
};

/// The directory and this member's own name.
#[derive(Debug, Default)]
pub(super) struct People {
    me: Option<MemberName>,
    here: BTreeMap<MemberName, MemberEntry>,
}

/// Why a typed name is nobody to write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotHere {
    /// It is this member.
    Me,
    Nobody {
        typed: String,
        near: Vec<String>,
    },
}

impl People {
    /// Keeps up with who comes and goes; whether anything changed.
    pub(super) fn follow(&mut self, event: &Event) -> bool {
        match event {
            Event::Welcome { name, .. } => self.me = Some(name.clone()),
            Event::Directory { members, .. } => {
                self.here = members.iter().map(|entry| (entry.name.clone(), entry.clone())).collect();
            }
            Event::Joined(entry) => drop(self.here.insert(entry.name.clone(), entry.clone())),
            Event::Left { name, .. } => drop(self.here.remove(name)),
            _ => return false,
        }
        true
    }

    /// How many are here, this member included.
    pub(super) fn count(&self) -> usize {
        self.here.len()
    }

    /// The others' names, in order.
    pub(super) fn others(&self) -> impl Iterator<Item = &str> {
        self.here.keys().filter(|name| self.me.as_ref() != Some(*name)).map(MemberName::as_str)
    }

    /// Whom a typed name means; `all` means everyone.
    pub(super) fn find(&self, typed: &str) -> Result<Receiver, NotHere> {
        let typed = typed.trim();
        if typed.eq_ignore_ascii_case("all") || typed.eq_ignore_ascii_case("everyone") {
            return Ok(Receiver::All);
        }
        let name = typed.trim_start_matches('@').parse::<MemberName>().ok();
        if name.is_some() && name == self.me {
            return Err(NotHere::Me);
        }
        match name.and_then(|name| self.here.get(&name)) {
            Some(entry) => Ok(Receiver::Member(entry.name.clone())),
            None => Err(NotHere::Nobody {
                typed: typed.chars().take(64).collect(),
                near: nearest(typed, self.others()).into_iter().map(str::to_owned).collect(),
            }),
        }
    }

    /// Whether a receiver can still be written to.
    pub(super) fn has(&self, receiver: &Receiver) -> bool {
        match receiver {
            Receiver::All => true,
            Receiver::Member(name) => self.here.contains_key(name),
        }
    }

    /// What to say to someone who typed a name that is nobody's; `kept` when there is a text for them.
    pub(super) fn explain(&self, missing: &NotHere, kept: bool) -> String {
        let text_is_kept = if kept { " Nothing sent, your text is kept." } else { "" };
        match missing {
            NotHere::Me => format!("That is you.{text_is_kept}"),
            NotHere::Nobody { typed, near } if near.is_empty() => {
                let some: Vec<&str> = self.others().take(10).collect();
                let who = if some.is_empty() {
                    "Nobody else is here yet.".to_owned()
                } else {
                    format!("Here: {}.", some.join(", "))
                };
                format!("Nobody called \"{}\" here.{text_is_kept} {who}", Printable(typed))
            }
            NotHere::Nobody { typed, near } => {
                let near = near.join(" or ");
                format!("Nobody called \"{}\" here.{text_is_kept} Did you mean {near}?", Printable(typed))
            }
        }
    }
}
