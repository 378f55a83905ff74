//! Where passphrases come from: a file, the environment, or a person at the terminal. Never the command line, which
//! others can see.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{
    client::{event::Failure, keyring::KeyringError, work::failure_of},
    crypto::Passphrase,
    driver::DefaultSignals,
    types::Code,
};

const CURRENT: &str = "SECURESTREAM_PASSPHRASE";
const NEW: &str = "SECURESTREAM_NEW_PASSPHRASE";

/// How often a person may try.
const TRIES: usize = 3;

/// How the passphrase of keys that have one is come by.
pub(super) struct Unlocking<'a> {
    /// Named on the command line.
    pub(super) file: Option<&'a Path>,
    /// Whether somebody is there to be asked.
    pub(super) may_ask: bool,
}

impl Unlocking<'_> {
    /// Opens what may be under a passphrase: first without one, so that nobody is asked for nothing. Gives the passphrase
    /// back where one was needed.
    pub(super) fn open<T>(
        &self,
        whose: &str,
        open: impl FnMut(Option<&Passphrase>) -> Result<T, KeyringError>,
    ) -> Result<(T, Option<Passphrase>), Failure> {
        self.open_by(whose, || given(self.file, CURRENT), ask, open)
    }

    /// The same with a passphrase that was given beforehand, if any, and somebody who answers questions.
    fn open_by<T>(
        &self,
        whose: &str,
        given: impl FnOnce() -> Result<Option<Passphrase>, Failure>,
        mut ask: impl FnMut(&str) -> Result<Option<Passphrase>, Failure>,
        mut open: impl FnMut(Option<&Passphrase>) -> Result<T, KeyringError>,
    ) -> Result<(T, Option<Passphrase>), Failure> {
        let locked = match open(None) {
            Ok(opened) => return Ok((opened, None)),
            Err(error @ KeyringError::PassphraseNeeded { .. }) => failure_of(&error),
            Err(error) => return Err(failure_of(&error)),
        };
        let mut attempt = |passphrase: Passphrase| match open(Some(&passphrase)) {
            Ok(opened) => Ok((opened, Some(passphrase))),
            Err(error) => Err(error),
        };
        let mut question = format!("Passphrase of {whose}: ");
        if let Some(passphrase) = given()? {
            match attempt(passphrase) {
                // The environment is for all keys, so it may be that of others; a file was named for these.
                Err(KeyringError::WrongPassphrase { .. }) if self.may_ask && self.file.is_none() => {
                    question = format!("{CURRENT} is not it. Passphrase of {whose}: ");
                }
                result => return result.map_err(|error| failure_of(&error)),
            }
        }
        if !self.may_ask {
            return Err(locked);
        }
        for left in (0..TRIES).rev() {
            let passphrase = ask(&question)?.ok_or_else(|| locked.clone())?;
            match attempt(passphrase) {
                Err(KeyringError::WrongPassphrase { .. }) if left > 0 => {
                    question = format!("That is not it. Passphrase of {whose}: ");
                }
                result => return result.map_err(|error| failure_of(&error)),
            }
        }
        Err(locked)
    }
}

/// A passphrase to protect something with.
pub(super) fn choose(what: &str, file: Option<&PathBuf>, may_ask: bool) -> Result<Passphrase, Failure> {
    if let Some(passphrase) = given(file.map(PathBuf::as_path), NEW)? {
        return Ok(passphrase);
    }
    let needed = |message: &str| {
        let hint = "give it at a terminal, in SECURESTREAM_NEW_PASSPHRASE or by --new-passphrase-file FILE; several words \
                    that do not belong together are good";
        Failure::new(Code::PassphraseNeeded, message, hint)
    };
    if !may_ask {
        return Err(needed(&format!("{what} needs a passphrase")));
    }
    for _ in 0..TRIES {
        let Some(first) = ask(&format!("New passphrase for {what}: "))? else { break };
        if ask("The same again: ")? == Some(first.clone()) {
            return Ok(first);
        }
        log::warn!("the two are not the same");
    }
    Err(needed("no passphrase was chosen"))
}

/// From the file, else from the environment.
fn given(file: Option<&Path>, variable: &str) -> Result<Option<Passphrase>, Failure> {
    match file {
        Some(file) => from_file(file).map(Some),
        None => {
            let text = env::var_os(variable).and_then(|text| text.into_string().ok()).map(Zeroizing::new);
            Ok(text.and_then(Passphrase::new))
        }
    }
}

/// The first line of a file.
fn from_file(file: &Path) -> Result<Passphrase, Failure> {
    let unusable = |why: &str| {
        let message = format!("no passphrase in {}: {why}", file.display());
        Failure::new(Code::PassphraseNeeded, message, "name a file whose first line is the passphrase")
    };
    let text = Zeroizing::new(fs::read_to_string(file).map_err(|error| unusable(&error.to_string()))?);
    let line = Zeroizing::new(text.lines().next().unwrap_or_default().to_owned());
    Passphrase::new(line).ok_or_else(|| unusable("its first line is empty"))
}

/// What a person types unseen; nothing when they type nothing.
fn ask(question: &str) -> Result<Option<Passphrase>, Failure> {
    // Whatever an earlier member did with signals: now they end the process.
    let _signals = DefaultSignals::but_interrupt();
    let typed = rpassword::prompt_password(question).map(Zeroizing::new).map_err(|error| {
        if error.kind() == io::ErrorKind::Interrupted {
            return Failure::new(Code::Interrupted, "no passphrase was given", "start it again to try again");
        }
        let message = format!("a passphrase is needed, and the terminal cannot be asked: {error}");
        let hint = "give it in SECURESTREAM_PASSPHRASE, or in a file by --passphrase-file FILE";
        Failure::new(Code::PassphraseNeeded, message, hint)
    })?;
    Ok(Passphrase::new(typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked() -> KeyringError {
        KeyringError::PassphraseNeeded { file: "identity.pem".into() }
    }

    fn wrong() -> KeyringError {
        KeyringError::WrongPassphrase { file: "identity.pem".into() }
    }

    /// Opens with "correct horse" only.
    fn open(passphrase: Option<&Passphrase>) -> Result<(), KeyringError> {
        let right = Passphrase::new("correct horse".to_owned().into());
        match passphrase {
            None => Err(locked()),
            some if some == right.as_ref() => Ok(()),
            Some(_) => Err(wrong()),
        }
    }

    #[test]
    fn nobody_is_asked_for_a_passphrase_that_is_not_needed() {
        let missing = Path::new("/nonexistent");
        let unlocking = Unlocking { file: Some(missing), may_ask: false };
        let (opened, used) = unlocking.open("bob", |_| Ok(7)).unwrap();
        assert_eq!((opened, used), (7, None));
    }

    #[test]
    fn a_file_gives_its_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("phrase");
        let unlocking = Unlocking { file: Some(&file), may_ask: false };
        for content in ["correct horse", "correct horse\n", "correct horse\r\n", "correct horse\nmore\n"] {
            fs::write(&file, content).unwrap();
            assert!(unlocking.open("bob", open).unwrap().1.is_some(), "{content:?}");
        }
        for content in ["correct horse ", "battery", "Correct horse"] {
            fs::write(&file, content).unwrap();
            let failure = unlocking.open("bob", open).unwrap_err();
            assert_eq!(failure.message, wrong().to_string(), "{content:?}");
        }
        for content in [&b""[..], b"\ncorrect horse", b"\xff"] {
            fs::write(&file, content).unwrap();
            let failure = unlocking.open("bob", open).unwrap_err();
            assert!(failure.message.contains("no passphrase in"), "{content:?}: {}", failure.message);
        }
        fs::remove_file(&file).unwrap();
        assert_eq!(unlocking.open("bob", open).unwrap_err().code, Code::PassphraseNeeded);
    }

    #[test]
    fn somebody_who_can_be_asked_is_when_the_environment_has_another_passphrase() {
        let phrase = |text: &str| Passphrase::new(text.to_owned().into());
        let outcome = |may_ask, file: Option<&Path>, typed: &str| {
            let mut questions = Vec::new();
            let ask = |question: &str| {
                questions.push(question.to_owned());
                Ok(phrase(typed))
            };
            let unlocking = Unlocking { file, may_ask };
            let opened = unlocking.open_by("bob", || Ok(phrase("battery")), ask, open);
            (opened.map(|((), used)| used).map_err(|failure| failure.message), questions)
        };
        let (opened, questions) = outcome(true, None, "correct horse");
        assert_eq!((opened, questions.len()), (Ok(phrase("correct horse")), 1));
        assert!(questions[0].contains(CURRENT), "{questions:?}");
        let (opened, questions) = outcome(true, None, "staple");
        assert_eq!((opened, questions.len()), (Err(wrong().to_string()), TRIES));
        for (may_ask, file) in [(false, None), (true, Some(Path::new("phrase")))] {
            let (opened, questions) = outcome(may_ask, file, "correct horse");
            assert_eq!((opened, questions.len()), (Err(wrong().to_string()), 0));
        }
    }

    #[test]
    fn where_nobody_can_be_asked_it_is_said_what_is_needed() {
        let failure = Unlocking { file: None, may_ask: false }.open("bob", open).unwrap_err();
        assert_eq!(failure.code, Code::PassphraseNeeded);
        assert!(failure.hint.unwrap().contains(CURRENT));
        let failure = choose("bob", None, false).unwrap_err();
        assert_eq!(failure.code, Code::PassphraseNeeded);
        assert!(failure.hint.unwrap().contains(NEW));
    }
}
