//! The file of places in the titles of a hub.

use super::{Keyring, KeyringError, PLACES};
use crate::client::places::Places;

impl Keyring {
    /// Where titles of the hub of this visit were left; `None` for guests, who keep nothing. A file that cannot be used
    /// is said and passed over: nothing but convenience is lost with it.
    #[must_use]
    pub fn places(&self) -> Option<Places> {
        self.folder.as_ref()?;
        let name = self.places_file()?;
        let file = match self.storage.read(&name) {
            Ok(Some(file)) => file,
            Ok(None) => return Some(Places::default()),
            Err(error) => {
                log::warn!("where titles were left is not known: {error}");
                return Some(Places::default());
            }
        };
        let places = Places::decode(&file).inspect_err(|error| {
            log::warn!("{error}, so titles begin at their start; remove the file {name} in this member's folder");
        });
        Some(places.unwrap_or_default())
    }

    /// Puts these places on the disk instead of what was there. With none left there is no file.
    ///
    /// # Errors
    /// When the disk refuses: what was kept before is then still there.
    pub fn keep_places(&mut self, places: &Places) -> Result<(), KeyringError> {
        let Some(name) = self.places_file().filter(|_| self.folder.is_some()) else { return Ok(()) };
        if *places == Places::default() {
            self.storage.remove(&name)?;
        } else {
            self.storage.replace(&name, &places.encode())?;
        }
        Ok(())
    }

    fn places_file(&self) -> Option<String> {
        Some(format!("{PLACES}{}", self.hub.as_ref()?.mark))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;
    use crate::{crypto::testing::InsecureProvider, types::MediaTime};

    const HUB: &str = "tls://hub.example.org:9999";
    const NOW: u64 = 1_790_000_000_000;

    fn open(folder: &Path) -> Keyring {
        let (name, mut rng) = ("bob".parse().unwrap(), StdRng::seed_from_u64(1));
        let mut keyring = Keyring::open(&InsecureProvider, folder, &name, NOW, &mut rng).unwrap().0;
        keyring.open_hub(HUB, None).unwrap();
        keyring
    }

    fn alps() -> Places {
        let mut places = Places::default();
        places.put("alps", MediaTime(83_000_000));
        places
    }

    fn files(folder: &Path) -> Vec<String> {
        let names =
            fs::read_dir(folder.join("bob")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(PLACES)).collect()
    }

    #[test]
    fn places_are_kept_for_each_hub_in_a_private_file_and_the_last_one_takes_it_away() {
        let folder = tempfile::tempdir().unwrap();
        let mut keyring = open(folder.path());
        assert_eq!(keyring.places(), Some(Places::default()));
        assert!(files(folder.path()).is_empty(), "nothing is written before there is a place");
        keyring.keep_places(&alps()).unwrap();
        let file = folder.path().join("bob").join(&files(folder.path())[0]);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        drop(keyring);
        let mut keyring = open(folder.path());
        assert_eq!(keyring.places(), Some(alps()));
        keyring.open_hub("tls://other:9999", None).unwrap();
        assert_eq!(keyring.places(), Some(Places::default()));
        keyring.open_hub(HUB, None).unwrap();
        keyring.keep_places(&Places::default()).unwrap();
        assert!(files(folder.path()).is_empty());
    }

    #[test]
    fn bad_input_59_a_damaged_or_huge_file_of_places_is_passed_over_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let mut keyring = open(folder.path());
        keyring.keep_places(&alps()).unwrap();
        let file = folder.path().join("bob").join(&files(folder.path())[0]);
        for content in [b"nonsense".to_vec(), Vec::new(), alps().encode()[..20].to_vec(), vec![0; 40 << 20]] {
            fs::write(&file, content).unwrap();
            assert_eq!(keyring.places(), Some(Places::default()));
        }
        keyring.keep_places(&alps()).unwrap();
        assert_eq!(keyring.places(), Some(alps()));
    }

    #[test]
    fn a_guest_has_no_places() {
        let (name, mut rng) = ("gil".parse().unwrap(), StdRng::seed_from_u64(1));
        let mut guest = Keyring::ephemeral(&InsecureProvider, &name, NOW, &mut rng).unwrap();
        guest.open_hub(HUB, None).unwrap();
        assert_eq!(guest.places(), None);
        guest.keep_places(&alps()).unwrap();
        assert!(guest.storage.names().unwrap().iter().all(|name| !name.starts_with(PLACES)));
    }
}
