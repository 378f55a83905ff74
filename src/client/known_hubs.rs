//! The keys of hubs that this user has met, shared by all members of one data folder.
//!
//! ```text
//!   hub.example.org:9999 sha256:3f9a22c1… 2026-03-02
//!   └ host:port          └ of its public key └ the day it was first trusted (UTC)
//! ```
//!
//! One line for each hub, in a file of their own. A line that cannot be read makes the whole file unusable: leaving it
//! out would mean to trust whoever answers there next.
//!
//! ```
//! use securestream::{client::known_hubs::{Day, KnownHubs}, types::HubKey};
//!
//! let mut hubs = KnownHubs::default();
//! hubs.trust("hub.example.org:9999", HubKey([7; 32]), Day::of_unix_millis(1_772_409_600_000));
//! let again = KnownHubs::decode(hubs.encode().as_bytes())?;
//! assert_eq!(again.find("hub.example.org:9999").map(|hub| hub.since.to_string()).as_deref(), Some("2026-03-02"));
//! # Ok::<(), securestream::client::known_hubs::KnownHubsError>(())
//! ```

use std::{collections::BTreeMap, fmt, fmt::Write as _};

use crate::{
    storage::{Storage, StorageError},
    types::HubKey,
};

/// The file's name in the data folder.
pub const FILE: &str = "known-hubs";

const MILLIS_OF_A_DAY: u64 = 24 * 60 * 60 * 1000;

/// A day in the Gregorian calendar, shown as `2026-03-02`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    year: u64,
    month: u64,
    of_month: u64,
}

impl Day {
    /// The day (UTC) of a time in milliseconds since 1970-01-01.
    #[must_use]
    pub fn of_unix_millis(millis: u64) -> Self {
        // 400 years have a whole number of days, so what is left to count is little, whatever the clock says.
        let days = millis / MILLIS_OF_A_DAY;
        let (mut year, mut day) = (1970 + days / 146_097 * 400, days % 146_097);
        while day >= days_of_year(year) {
            day -= days_of_year(year);
            year += 1;
        }
        let mut month = 1;
        while day >= days_of_month(year, month) {
            day -= days_of_month(year, month);
            month += 1;
        }
        Self { year, month, of_month: day + 1 }
    }

    fn decode(text: &str) -> Option<Self> {
        let mut parts = text.split('-').map(|part| part.parse().ok());
        let day = Self { year: parts.next()??, month: parts.next()??, of_month: parts.next()?? };
        let is_day = (1..=12).contains(&day.month) && (1..=days_of_month(day.year, day.month)).contains(&day.of_month);
        (parts.next().is_none() && is_day).then_some(day)
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

fn days_of_year(year: u64) -> u64 {
    365 + u64::from(is_leap(year))
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.of_month)
    }
}

/// A hub whose key is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownHub {
    pub key: HubKey,
    pub since: Day,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KnownHubsError {
    /// A line is none.
    #[error("line {line} of the known hubs cannot be read")]
    Line { line: usize },
    /// The folder or the file.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl KnownHubsError {
    /// What its owner can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Line { .. } => "mend the line in known-hubs in the data folder, or remove it to meet that hub anew",
            Self::Storage(_) => "see to the data folder, choose another by --data-dir DIR, or use --ephemeral",
        }
    }
}

/// All of them, by `host:port`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownHubs {
    hubs: BTreeMap<String, KnownHub>,
}

impl KnownHubs {
    /// Reads a file as [`KnownHubs::encode`] made it.
    ///
    /// # Errors
    /// With the number of the line that is none.
    pub fn decode(file: &[u8]) -> Result<Self, KnownHubsError> {
        let mut hubs = BTreeMap::new();
        for (number, line) in file.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let (address, hub) = decode_line(line).ok_or(KnownHubsError::Line { line: number + 1 })?;
            hubs.insert(address, hub);
        }
        Ok(Self { hubs })
    }

    /// The file.
    #[must_use]
    pub fn encode(&self) -> String {
        self.hubs.iter().fold(String::new(), |mut file, (address, hub)| {
            // A String takes every write.
            let _ = writeln!(file, "{address} sha256:{} {}", hub.key, hub.since);
            file
        })
    }

    /// Reads them from a folder; none when there is no file.
    ///
    /// # Errors
    /// When the disk refuses or the file is damaged.
    pub fn load(storage: &dyn Storage) -> Result<Self, KnownHubsError> {
        Self::decode(&storage.read(FILE)?.unwrap_or_default())
    }

    /// Writes them into a folder.
    ///
    /// # Errors
    /// When the disk refuses; the old file is then still there.
    pub fn save(&self, storage: &mut dyn Storage) -> Result<(), KnownHubsError> {
        Ok(storage.replace(FILE, self.encode().as_bytes())?)
    }

    /// What is known of the hub at `address`.
    #[must_use]
    pub fn find(&self, address: &str) -> Option<&KnownHub> {
        self.hubs.get(address)
    }

    /// From now on this is the key of the hub at `address`; the day of a key that was known already stays.
    pub fn trust(&mut self, address: &str, key: HubKey, today: Day) {
        let known = self.hubs.entry(address.to_owned()).or_insert(KnownHub { key, since: today });
        if known.key != key {
            *known = KnownHub { key, since: today };
        }
    }
}

fn decode_line(line: &[u8]) -> Option<(String, KnownHub)> {
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split_ascii_whitespace();
    let (address, key, since) = (words.next()?, words.next()?, words.next()?);
    let key = key.strip_prefix("sha256:")?.parse().ok()?;
    let hub = KnownHub { key, since: Day::decode(since)? };
    words.next().is_none().then(|| (address.to_owned(), hub))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{FailingStorage, Fault, MemoryStorage};

    const TODAY: Day = Day { year: 2026, month: 3, of_month: 2 };

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, shown) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_514, "2026-03-02"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
            (146_097, "2370-01-01"),
        ] {
            let day = Day::of_unix_millis(days * MILLIS_OF_A_DAY + 86_399_999);
            assert_eq!(day.to_string(), shown);
            assert_eq!(Day::decode(shown), Some(day));
        }
        assert!(Day::of_unix_millis(u64::MAX).year > 1_000_000, "in no time");
    }

    #[test]
    fn what_was_trusted_is_found_again() {
        let mut storage = MemoryStorage::default();
        let mut hubs = KnownHubs::load(&storage).unwrap();
        assert_eq!(hubs, KnownHubs::default());
        hubs.trust("[::1]:9999", HubKey([1; 32]), TODAY);
        hubs.trust("h:1", HubKey([2; 32]), TODAY);
        hubs.save(&mut storage).unwrap();
        let file = storage.read(FILE).unwrap().unwrap();
        let line = format!("[::1]:9999 sha256:{} 2026-03-02\n", "01".repeat(32));
        assert!(String::from_utf8(file).unwrap().starts_with(&line));
        let hubs = KnownHubs::load(&storage).unwrap();
        assert_eq!(hubs.find("h:1"), Some(&KnownHub { key: HubKey([2; 32]), since: TODAY }));
        assert_eq!(hubs.find("h:2"), None);
    }

    #[test]
    fn a_key_has_the_day_on_which_it_was_first_trusted() {
        let mut hubs = KnownHubs::default();
        hubs.trust("h:1", HubKey([1; 32]), TODAY);
        let later = Day { year: 2027, ..TODAY };
        hubs.trust("h:1", HubKey([1; 32]), later);
        assert_eq!(hubs.find("h:1").unwrap().since, TODAY);
        hubs.trust("h:1", HubKey([2; 32]), later);
        assert_eq!(hubs.find("h:1"), Some(&KnownHub { key: HubKey([2; 32]), since: later }));
    }

    #[test]
    fn a_damaged_line_makes_the_file_unusable() {
        let good = format!("h:1 sha256:{} 2026-03-02", "ab".repeat(32));
        assert!(KnownHubs::decode(format!("\n{good}\r\n").as_bytes()).is_ok());
        for bad in [
            "h:1".to_owned(),
            good.replace("sha256:", ""),
            good.replace("ab 2", " 2"),
            good.replace("03-02", "02-30"),
            good.replace("03-02", "03-02-01"),
            good.replace("2026-", "-"),
            format!("{good} more"),
            format!("{good}\u{fffd}"),
        ] {
            let error = KnownHubs::decode(format!("{good}\n{bad}").as_bytes()).unwrap_err();
            assert!(matches!(error, KnownHubsError::Line { line: 2 }), "{bad}: {error}");
        }
        assert!(KnownHubs::decode(b"h:1 \xff").is_err());
    }

    #[test]
    fn bad_input_59_a_disk_that_refuses_leaves_the_old_file() {
        let mut hubs = KnownHubs::default();
        hubs.trust("h:1", HubKey([1; 32]), TODAY);
        let mut memory = MemoryStorage::default();
        hubs.save(&mut memory).unwrap();
        let old = hubs.clone();
        let mut storage = FailingStorage::new(memory, 0, Fault::NoSpace);
        hubs.trust("h:2", HubKey([1; 32]), TODAY);
        let error = hubs.save(&mut storage).unwrap_err();
        assert!(matches!(error, KnownHubsError::Storage(_)) && !error.hint().is_empty());
        assert_eq!(KnownHubs::load(&storage).unwrap(), old);
    }
}
