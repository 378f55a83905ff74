//! Lists that are bounded while they are decoded: a few bytes each would otherwise become ten times as much memory
//! before anybody counts them.

use std::{
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, SeqAccess, Visitor},
};

/// What an element counts for.
pub(super) trait Counted {
    fn count(&self) -> usize {
        1
    }
}

/// Elements that count for `MOST` together, or fewer; one that exceeds it is the last that is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bounded<T, const MOST: usize>(Vec<T>);

impl<T, const MOST: usize> Deref for Bounded<T, MOST> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T, const MOST: usize> DerefMut for Bounded<T, MOST> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

impl<T, const MOST: usize> FromIterator<T> for Bounded<T, MOST> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Self(elements.into_iter().collect())
    }
}

impl<T: Serialize, const MOST: usize> Serialize for Bounded<T, MOST> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Counted + Deserialize<'de>, const MOST: usize> Deserialize<'de> for Bounded<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Counted + Deserialize<'de>, const MOST: usize> Visitor<'de> for ListVisitor<T, MOST> {
    type Value = Bounded<T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of up to {MOST}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let (mut elements, mut count) = (Vec::new(), 0_usize);
        while let Some(element) = seq.next_element::<T>()? {
            count = count.saturating_add(element.count());
            if count > MOST {
                return Err(A::Error::invalid_length(count, &self));
            }
            elements.push(element);
        }
        Ok(Bounded(elements))
    }
}

#[cfg(test)]
mod tests {
    use crate::types::wire::{from_bytes, to_bytes};

    use super::*;

    impl Counted for u8 {
        fn count(&self) -> usize {
            usize::from(*self)
        }
    }

    #[test]
    fn attack_a_list_is_given_up_at_the_first_element_beyond_its_bound() {
        let list = from_bytes::<Bounded<u8, 6>>(&to_bytes(&[1_u8, 2, 3])).unwrap();
        assert_eq!(list.to_vec(), [1, 2, 3]);
        assert_eq!(from_bytes::<Bounded<u8, 6>>(&to_bytes(&list)).unwrap(), list);
        // What follows the one too many is no element: nobody looks at it.
        let error = from_bytes::<Bounded<u8, 5>>(&[0x94, 1, 2, 3, 0xc1]).unwrap_err();
        assert!(error.to_string().contains("a list of up to 5"), "{error}");
    }
}
