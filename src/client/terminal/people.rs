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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::event::testing::{member, name},
        types::{Fingerprint, LeaveReason, RelayMode},
    };

    fn people(names: &[&str]) -> People {
        let mut people = People::default();
        let fingerprint = Fingerprint([0; 32]);
        let (guest, members, relay) = (false, 1, RelayMode::Broadcast);
        people.follow(&Event::Welcome { name: name("me2"), fingerprint, guest, members, relay });
        let members = names.iter().map(|text| member(text)).collect();
        people.follow(&Event::Directory { epoch: 1, members });
        people
    }

    #[test]
    fn names_are_found_as_names() {
        let people = people(&["me2", "Zoë", "bob"]);
        assert_eq!(people.find(" ZOË "), Ok(Receiver::Member(name("Zoë"))));
        assert_eq!(people.find("@bob"), Ok(Receiver::Member(name("bob"))));
        assert_eq!(people.find("Everyone"), Ok(Receiver::All));
        assert_eq!(people.find("ME2"), Err(NotHere::Me));
        assert!(matches!(people.find("b/b"), Err(NotHere::Nobody { .. })));
        assert_eq!(people.others().collect::<Vec<_>>(), ["bob", "Zoë"]);
    }

    #[test]
    fn who_comes_and_goes() {
        let mut people = people(&["me2"]);
        assert!(people.explain(&people.find("bob").unwrap_err(), false).contains("Nobody else is here yet"));
        assert!(people.follow(&Event::Joined(member("bob"))));
        assert!(people.find("bob").is_ok() && people.has(&Receiver::Member(name("BOB"))));
        assert!(people.follow(&Event::Left { name: name("bob"), reason: LeaveReason::Lost }));
        assert!(!people.has(&Receiver::Member(name("bob"))) && people.has(&Receiver::All));
        assert!(!people.follow(&Event::VideosChanged {}));
        assert_eq!(people.count(), 1);
    }

    #[test]
    fn bad_input_31_someone_unknown_or_just_gone_is_explained() {
        let people = people(&["me2", "bob", "rob"]);
        let missing = people.find("obb").unwrap_err();
        let text = people.explain(&missing, true);
        assert!(text.starts_with("Nobody called \"obb\" here. Nothing sent, your text is kept."), "{text}");
        let hostile = people.explain(&people.find("\u{1b}]52;c;x\u{7}").unwrap_err(), false);
        assert!(!hostile.contains('\u{1b}'), "{hostile:?}");
    }
}
