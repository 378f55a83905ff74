//! Where a member went away from titles and wants to go on: kept when it says so, and not otherwise.
//!
//! One file for each hub, written anew with each change, so it stays small: MessagePack after a line that says what it is.

use unicode_normalization::UnicodeNormalization as _;

use crate::types::{
    MediaTime,
    wire::{self, Text, wire_struct},
};

const MAGIC: &[u8] = b"securestream places 1\n";

/// Titles whose place is kept; the oldest is forgotten for one more.
pub const MOST_PLACES: usize = 1_000;

/// Longest title whose place is kept, in bytes. File names, from which titles come, have at most 255.
pub const MAX_TITLE: usize = 1_024;

wire_struct! {
    /// One title's.
    struct Place { title: Text, at: MediaTime }
}

/// The file was not written by this program, or damaged since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the places in titles are damaged")]
pub struct PlacesError;

/// Places in the titles of one hub.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The one that was kept last is last.
    places: Vec<Place>,
}

impl Places {
    /// Where to go on in a title.
    #[must_use]
    pub fn find(&self, title: &str) -> Option<MediaTime> {
        let title = name(title);
        self.places.iter().find(|place| place.title.as_str() == title).map(|place| place.at)
    }

    /// Keeps a place, instead of another one in the same title. Whether it is one that can be kept.
    pub fn put(&mut self, title: &str, at: MediaTime) -> bool {
        self.remove(title);
        let title = name(title);
        if title.len() > MAX_TITLE || at <= MediaTime::ZERO {
            return false;
        }
        self.places.push(Place { title: title.as_str().into(), at });
        let surplus = self.places.len().saturating_sub(MOST_PLACES);
        self.places.drain(..surplus);
        true
    }

    /// Forgets the place in a title. Whether there was one.
    pub fn remove(&mut self, title: &str) -> bool {
        let (title, before) = (name(title), self.places.len());
        self.places.retain(|place| place.title.as_str() != title);
        self.places.len() < before
    }

    /// The file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        wire::write_to(&mut file, &self.places);
        file
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is not one that [`Places::encode`] made.
    pub fn decode(file: &[u8]) -> Result<Self, PlacesError> {
        let places: Vec<Place> =
            wire::from_bytes(file.strip_prefix(MAGIC).ok_or(PlacesError)?).map_err(|_| PlacesError)?;
        let is_sound = |place: &Place| place.at > MediaTime::ZERO && place.title.as_str().len() <= MAX_TITLE;
        if places.len() > MOST_PLACES || !places.iter().all(is_sound) {
            return Err(PlacesError);
        }
        Ok(Self { places })
    }
}

/// A title as the hub looks it up: in Unicode's form C.
fn name(title: &str) -> String {
    title.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: i64) -> MediaTime {
        MediaTime(seconds * 1_000_000)
    }

    #[test]
    fn a_place_is_found_again_until_it_is_forgotten() {
        let mut places = Places::default();
        assert!(
            places.put("alps", seconds(83)) && places.put("caf\u{e9}", seconds(5)) && places.put("alps", seconds(90))
        );
        let mut again = Places::decode(&places.encode()).unwrap();
        assert_eq!(again, places);
        assert_eq!((again.find("alps"), again.find("cafe\u{301}")), (Some(seconds(90)), Some(seconds(5))));
        assert!(again.remove("alps") && !again.remove("alps"));
        assert_eq!(again.find("alps"), None);
    }

    #[test]
    fn the_start_of_a_title_needs_no_place() {
        let mut places = Places::default();
        places.put("alps", seconds(83));
        assert!(!places.put("alps", MediaTime::ZERO));
        assert_eq!(places, Places::default(), "the place before is not wanted any more either");
    }

    #[test]
    fn bad_input_50_the_oldest_place_goes_when_there_are_too_many() {
        let mut places = Places::default();
        for number in 0..MOST_PLACES + 5 {
            places.put(&format!("title {number}"), seconds(1));
        }
        assert!(!places.put(&"x".repeat(MAX_TITLE + 1), seconds(1)));
        assert_eq!((places.find("title 4"), places.find("title 5")), (None, Some(seconds(1))));
        assert_eq!(Places::decode(&places.encode()).unwrap(), places);
        assert!(places.encode().len() < 2 * MOST_PLACES * (MAX_TITLE + 16));
    }

    #[test]
    fn bad_input_59_what_is_no_such_file_is_refused() {
        let mut places = Places::default();
        places.put("alps", seconds(83));
        let good = places.encode();
        for length in 0..good.len() {
            assert_eq!(Places::decode(&good[..length]), Err(PlacesError), "{length} bytes");
        }
        assert_eq!(Places::decode(&[&good[..], b"x"].concat()), Err(PlacesError));
        let with = |places: &[Place]| {
            let mut file = MAGIC.to_vec();
            wire::write_to(&mut file, places);
            Places::decode(&file)
        };
        let place = |title: &str, at| Place { title: title.into(), at };
        assert!(with(&[place("t", seconds(1))]).is_ok());
        assert!(with(&[place("t", seconds(-1))]).is_err() && with(&[place(&"t".repeat(2_000), seconds(1))]).is_err());
        assert!(with(&vec![place("t", seconds(1)); MOST_PLACES + 1]).is_err());
    }
}
