//! Takes identities out of their folders, and brings them back.

use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use serde_json::json;
use zeroize::Zeroizing;

use super::{Held, Said, hold, people};
use crate::{
    cli::{Carry, KeysOptions, NewPassphrase},
    client::{
        event::Failure,
        keyring::{KeyringError, Return, restore},
        known_hubs::Day,
        work::failure_of,
    },
    crypto::{Identity, IdentityError, RsaProvider, Summary},
    driver::clock,
    run::passphrase::{Unlocking, choose},
    types::{Code, MemberName},
};

/// Largest file that is taken in: what is kept has at most 16 MiB, and text is a third more.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Writes the identity alone.
pub(super) fn export(options: &KeysOptions, carried: &Carry) -> Result<Said, Failure> {
    let held = hold(options, &carried.whose)?;
    let identity = carried_identity(options, carried, &held)?;
    let text = identity.as_ref().unwrap_or(held.keyring.identity()).to_pem().map_err(unwritable)?;
    write_new(&carried.file, text.as_bytes())?;
    Ok(written(options, carried, &held, "keys export", "the keys"))
}

/// Writes the identity and what is kept beside it.
pub(super) fn backup(options: &KeysOptions, carried: &Carry) -> Result<Said, Failure> {
    let held = hold(options, &carried.whose)?;
    let identity = carried_identity(options, carried, &held)?;
    let files = held.keyring.kept_files().map_err(|error| failure_of(&error))?;
    let identity = identity.as_ref().unwrap_or(held.keyring.identity());
    let text = identity.to_backup(files, &mut rand::rng()).map_err(unwritable)?;
    write_new(&carried.file, text.as_bytes())?;
    Ok(written(options, carried, &held, "keys backup", "the keys, and what is known of others,"))
}

/// The identity as it is to leave, if that is not as it is kept.
fn carried_identity(options: &KeysOptions, carried: &Carry, held: &Held) -> Result<Option<Identity>, Failure> {
    let identity = held.keyring.identity();
    let passphrase = match &carried.new {
        NewPassphrase::Nothing if !identity.is_protected() => return Ok(None),
        NewPassphrase::Nothing => None,
        // The one that protects them here does so there.
        NewPassphrase::Wanted(None) if identity.is_protected() => return Ok(None),
        NewPassphrase::Wanted(file) => {
            let chosen = choose(&carried.file.display().to_string(), file.as_ref(), options.may_ask);
            Some(chosen.map_err(|failure| Failure {
                hint: failure.hint.map(|hint| format!("{hint}; or write it without one by --plain")),
                ..failure
            })?)
        }
    };
    identity.protected(&RsaProvider::default(), passphrase.as_ref(), &mut rand::rng()).map(Some).map_err(unwritable)
}

fn unwritable(error: IdentityError) -> Failure {
    Failure::new(Code::DataUnusable, error.to_string(), "check that the system has a working source of randomness")
}

/// Writes a file that only its owner can read, and that was not there; or standard output.
fn write_new(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let to_file = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let written = file.write_all(content).and_then(|()| file.sync_all());
        // Half a backup is worse than none.
        written.inspect_err(|_| drop(fs::remove_file(path)))
    };
    let to_output = || {
        let mut out = io::stdout().lock();
        out.write_all(content).and_then(|()| out.flush())
    };
    let written = if path.as_os_str() == "-" { to_output() } else { to_file() };
    written.map_err(|error| {
        let message = format!("{} cannot be written: {error}", path.display());
        let hint = match error.kind() {
            io::ErrorKind::AlreadyExists => "name a file that is not there yet; nothing is written over",
            _ => "name another file, or see that there is room and the folder can be written",
        };
        Failure::new(Code::DataUnusable, message, hint)
    })
}

/// Says what was written. On standard output only where nothing else is there.
fn written(options: &KeysOptions, carried: &Carry, held: &Held, command: &str, what: &str) -> Said {
    let is_protected = match &carried.new {
        NewPassphrase::Nothing => false,
        NewPassphrase::Wanted(_) => true,
    };
    let (name, file) = (&held.name, carried.file.display());
    let how = if is_protected {
        "It asks for the passphrase when it is brought back:"
    } else {
        "It is NOT protected: whoever reads it is this member. Bring it back by"
    };
    let text = format!("{file} holds {what} of {name}. {how}\n    securestream keys import {file}\n");
    if carried.file.as_os_str() == "-" {
        return Said { stdout: String::new(), stderr: String::new() };
    }
    let object = json!({
        "event": "ok", "command": command, "name": name.as_str(), "file": file.to_string(), "protected": is_protected,
        "fingerprint": held.keyring.identity().fingerprint().to_string()
    });
    Said::either(options, text, &object)
}

/// Brings back what one of the two above wrote.
pub(super) fn import(
    options: &KeysOptions,
    path: &Path,
    name: Option<&MemberName>,
    replace: bool,
    unlocking: &Unlocking<'_>,
) -> Result<Said, Failure> {
    let file = read(path)?;
    let shown = path.display();
    let found = Summary::read(&file).map_err(|error| no_backup(path, error))?;
    if name.is_some_and(|name| *name != found.name) {
        let message = format!("{shown} holds the keys of {}", found.name);
        return Err(Failure::new(Code::Usage, message, format!("leave --name out, or say --name {}", found.name)));
    }
    let (now, provider) = (clock::unix_millis(), RsaProvider::default());
    let ((identity, files), _) = unlocking.open(&format!("{shown} ({})", found.name), |passphrase| {
        let read = Identity::from_backup(&provider, &file, passphrase, now, &mut rand::rng());
        read.map_err(|error| match error {
            IdentityError::PassphraseNeeded => KeyringError::PassphraseNeeded { file: path.to_owned() },
            IdentityError::WrongPassphrase => KeyringError::WrongPassphrase { file: path.to_owned() },
            source => KeyringError::NoBackup { file: path.to_owned(), source },
        })
    })?;
    let (name, fingerprint, protected) = (identity.name().clone(), identity.fingerprint(), identity.is_protected());
    let members = people::members(&options.folder);
    let back = Return { identity, files, replace };
    let done = restore(&members, back, (now, &stamp(now)), &mut rand::rng()).map_err(|error| failure_of(&error))?;
    let folder = members.join(name.folded()).display().to_string();
    let mut text = format!("{name} is back, in {folder}\n    {}\n", fingerprint.grouped());
    for (what, files) in [
        ("In use again", &done.files),
        ("Newer than the backup, and left as they were", &done.stayed),
        ("What was there before is kept in that folder", &done.set_aside),
    ] {
        if !files.is_empty() {
            // A String takes every write.
            let _ = writeln!(text, "{what}: {}.", files.join(", "));
        }
    }
    if protected {
        text += "The file's passphrase protects these keys here as well: you are asked for it when you connect. \
                 securestream keys passphrase changes it, with --remove it takes it away.\n";
    }
    text += "Do not use the same keys on two machines at a time: each would miss messages of the other.\n";
    let object = json!({
        "event": "ok", "command": "keys import", "name": name.as_str(), "fingerprint": fingerprint.to_string(),
        "folder": folder, "restored": done.files, "stayed": done.stayed, "set_aside": done.set_aside
    });
    Ok(Said::either(options, text, &object))
}

/// A moment in the names of files: `2026-09-21-142640`, in UTC.
fn stamp(millis: u64) -> String {
    let seconds = millis / 1000 % (24 * 60 * 60);
    format!("{}-{:02}{:02}{:02}", Day::of_unix_millis(millis), seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut content = Zeroizing::new(Vec::new());
    let read = if path.as_os_str() == "-" {
        io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut content)
    } else {
        File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut content))
    };
    let unreadable = |why: String| {
        let hint = "name the file that securestream keys export or backup wrote, or - for standard input";
        Failure::new(Code::DataUnusable, format!("{} cannot be read: {why}", path.display()), hint)
    };
    match read {
        Err(error) => Err(unreadable(error.to_string())),
        Ok(_) if content.len() as u64 > MAX_FILE => Err(unreadable("it is too large for a backup".to_owned())),
        Ok(_) => Ok(content),
    }
}

fn no_backup(path: &Path, source: IdentityError) -> Failure {
    failure_of(&KeyringError::NoBackup { file: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_fit_for_the_name_of_a_file() {
        assert_eq!(stamp(0), "1970-01-01-000000");
        assert_eq!(stamp(1_790_000_799_999), "2026-09-21-142639");
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup");
        write_new(&path, b"first").unwrap();
        let failure = write_new(&path, b"second").unwrap_err();
        assert_eq!(failure.code, Code::DataUnusable);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}
