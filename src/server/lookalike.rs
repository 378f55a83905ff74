//! Names that look like other names.
//!
//! Two names look alike when their skeletons ([UTS 39 §4](https://www.unicode.org/reports/tr39/#Confusable_Detection))
//! are the same: `bob` and `bоb` with a Cyrillic о, `alice` and `aIice` with a capital i, `mary` and `rnary`.

use std::collections::HashMap;

use unicode_security::confusable_detection::skeleton;

use crate::types::MemberName;

/// Names, found by what they look like.
#[derive(Clone, Debug, Default)]
pub(super) struct LookAlikes(HashMap<String, MemberName>);

impl LookAlikes {
    pub(super) fn insert(&mut self, name: &MemberName) {
        for looks in looks_of(name) {
            self.0.insert(looks, name.clone());
        }
    }

    pub(super) fn remove(&mut self, name: &MemberName) {
        for looks in looks_of(name) {
            if self.0.get(&looks) == Some(name) {
                self.0.remove(&looks);
            }
        }
    }

    /// Another name that this one could be taken for.
    pub(super) fn other_like(&self, name: &MemberName) -> Option<&MemberName> {
        looks_of(name).into_iter().find_map(|looks| self.0.get(&looks).filter(|other| *other != name))
    }
}

/// What a name looks like: as it is shown, and in small letters.
fn looks_of(name: &MemberName) -> [String; 2] {
    let shown: String = skeleton(name.as_str()).collect();
    [caseless::default_case_fold_str(&shown), skeleton(name.folded()).collect()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> MemberName {
        text.parse().unwrap()
    }

    #[test]
    fn bad_input_18_names_of_one_skeleton_look_alike() {
        for (one, other) in [
            ("bob", "bоb"),
            ("alice", "aIice"),
            ("Alice", "A1ice"),
            ("mary", "rnary"),
            ("paypal", "раураl"),
            ("user0", "userO"),
            ("Ian", "lan"),
        ] {
            for (one, other) in [(one, other), (other, one)] {
                let mut names = LookAlikes::default();
                names.insert(&name(one));
                assert_eq!(names.other_like(&name(other)), Some(&name(one)), "{one} {other}");
                names.remove(&name(one));
                assert_eq!(names.other_like(&name(other)), None);
            }
        }
    }

    #[test]
    fn a_name_its_twins_and_names_that_differ_do_not() {
        let mut names = LookAlikes::default();
        for known in ["bob", "m001", "m010", "太郎", "Владимир", "straße"] {
            assert_eq!(names.other_like(&name(known)), None, "{known}");
            names.insert(&name(known));
        }
        for fine in ["BOB", "ｂｏｂ", "rob", "bob2", "m002", "m100", "次郎", "STRASSE"] {
            assert_eq!(names.other_like(&name(fine)), None, "{fine}");
        }
    }
}
