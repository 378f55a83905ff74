//! Whose keys are in a data folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    client::{
        event::Failure,
        keyring::{IDENTITY, KeyringError},
        work::failure_of,
    },
    crypto::Summary,
    storage::{DiskStorage, StorageError},
    types::{Code, MemberName},
};

/// The folder of members' folders.
pub(super) fn members(data: &Path) -> PathBuf {
    data.join("members")
}

/// The one that is meant: the one that is named, or the only one that there is.
pub(super) fn find(data: &Path, name: Option<&MemberName>) -> Result<MemberName, Failure> {
    let all = folders(data)?;
    let all_of_them = || all.join(", ");
    match (name, &all[..]) {
        (Some(name), _) if all.iter().any(|folder| folder == name.folded()) => Ok(name.clone()),
        (_, []) => Err(nobody(data)),
        (Some(name), _) => Err(Failure::new(
            Code::DataUnusable,
            format!("there are no keys of {name} in {}", members(data).display()),
            format!("name somebody who is there by --name: {}", all_of_them()),
        )),
        (None, [only]) => only.parse().map_err(|_| nobody(data)),
        (None, _) => Err(Failure::new(
            Code::Usage,
            "there are keys of several members".to_owned(),
            format!("say whose you mean by --name: {}", all_of_them()),
        )),
    }
}

/// What is said where no keys are.
pub(super) fn nobody(data: &Path) -> Failure {
    let message = format!("there are no keys in {}", members(data).display());
    let hint =
        "securestream connect makes some, keys import FILE brings yours back; or name another folder by --data-dir";
    Failure::new(Code::DataUnusable, message, hint)
}

/// The names of all folders with an identity, in order.
pub(super) fn folders(data: &Path) -> Result<Vec<String>, Failure> {
    let members = members(data);
    let unreadable = |error: io::Error| {
        let message = format!("{} cannot be read: {error}", members.display());
        Failure::new(Code::DataUnusable, message, "see to the folder, or name another by --data-dir")
    };
    let entries = match fs::read_dir(&members) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        if fs::symlink_metadata(entry.path().join(IDENTITY)).is_ok() {
            let name = entry.file_name().into_string().ok();
            // Others were put there by hand; nothing of ours finds them.
            let is_ours = |name: &String| name.parse::<MemberName>().is_ok_and(|parsed| parsed.folded() == name);
            names.extend(name.filter(is_ours));
        }
    }
    names.sort();
    Ok(names)
}

/// What the identity in a folder is, without its passphrase and while others hold it.
pub(super) fn look(data: &Path, folder: &str) -> Result<Summary, Failure> {
    let folder = members(data).join(folder);
    let refused = |error: StorageError| failure_of(&error.into());
    let file = DiskStorage::peek(&folder, IDENTITY).map_err(refused)?.unwrap_or_default();
    let unusable = |source| failure_of(&KeyringError::Identity { file: folder.join(IDENTITY), source });
    Summary::read(&file).map_err(unusable)
}
