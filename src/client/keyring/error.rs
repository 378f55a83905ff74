//! Why a member's folder cannot be used, and what its owner can do about it.

use std::path::{Path, PathBuf};

use super::{COUNTERS, IDENTITY, MARKS};
use crate::{
    client::trust::PinsFileError,
    crypto::{CountersError, IdentityError, ReplayError},
    storage::StorageError,
    types::{Code, MemberName},
};

/// Why a member's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// Another process has it.
    #[error("the identity in {} is in use by another securestream", folder.display())]
    InUse { folder: PathBuf },
    /// The folder or a file in it, before its content was looked at; or the disk.
    #[error(transparent)]
    Storage(StorageError),
    /// The keys cannot be read. Never answered by making new ones: that would be an identity reset unasked.
    #[error("{} is unusable: {source}", file.display())]
    Identity { file: PathBuf, source: IdentityError },
    /// Someone moved a folder.
    #[error("{} is the identity of {found}", file.display())]
    OtherName { file: PathBuf, found: MemberName },
    /// Going on without them would show old messages again.
    #[error("{}: {source}", file.display())]
    Marks { file: PathBuf, source: ReplayError },
    /// Going on from a wrong count would have messages taken for replays.
    #[error("{}: {source}", file.display())]
    Counters { file: PathBuf, source: CountersError },
    /// Going on without them would take changed keys for first ones.
    #[error("{}: {source}", file.display())]
    Pins { file: PathBuf, source: PinsFileError },
    /// Going on without it would not notice a hub that goes back.
    #[error("{}: the head of the hub's directory is damaged", file.display())]
    Head { file: PathBuf },
    /// While making a new identity.
    #[error("no keys can be made: {0}")]
    Generate(IdentityError),
}

impl KeyringError {
    /// What stands for it in events.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::InUse { .. } => Code::IdentityInUse,
            _ => Code::DataUnusable,
        }
    }

    /// What to do next, fit to be shown.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::InUse { .. } => "end the other one, or connect with another --name or with --ephemeral".to_owned(),
            Self::Storage(StorageError::Io { .. }) => {
                "free or mend the disk and try again; nothing that was there is lost".to_owned()
            }
            Self::Storage(_) => "do what the message says and try again, or connect with --ephemeral".to_owned(),
            Self::Identity { file, .. } => format!(
                "restore {} from a backup; or move it away, which makes new keys: others are then warned, and a hub \
                 keeps the name for the old ones until its operator releases it",
                file.display()
            ),
            Self::OtherName { found, .. } => {
                format!("connect with --name {found}, or move the folder back to where it was")
            }
            Self::Marks { file, .. } => format!(
                "restore {} from a backup, or remove it; messages that were received before could then be shown again",
                file.display()
            ),
            Self::Counters { file, .. } => {
                format!("remove {}; counting goes on from the clock, which must be right", file.display())
            }
            Self::Pins { file, .. } => format!(
                "restore {} from a backup, or remove it; then verify your members anew, as their keys count as first \
                 seen",
                file.display()
            ),
            Self::Head { file } => format!(
                "remove {}; what the hub's directory was at your last visit is then not compared this time",
                file.display()
            ),
            Self::Generate(_) => "check that the system has a working source of randomness".to_owned(),
        }
    }
}

impl From<StorageError> for KeyringError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::InUse { folder } => Self::InUse { folder },
            other => Self::Storage(other),
        }
    }
}

/// A [`KeyringError`] that does not know its folder yet.
pub(super) enum Fault {
    Storage(StorageError),
    Identity(IdentityError),
    OtherName { found: MemberName },
    Marks(ReplayError),
    Counters(CountersError),
    Generate(IdentityError),
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl Fault {
    /// The error as it is told, with the path of the file.
    pub(super) fn in_folder(self, folder: &Path) -> KeyringError {
        let file = |name: &str| folder.join(name);
        match self {
            Self::Storage(error) => error.into(),
            Self::Identity(source) => KeyringError::Identity { file: file(IDENTITY), source },
            Self::OtherName { found } => KeyringError::OtherName { file: file(IDENTITY), found },
            Self::Marks(source) => KeyringError::Marks { file: file(MARKS), source },
            Self::Counters(source) => KeyringError::Counters { file: file(COUNTERS), source },
            Self::Generate(error) => KeyringError::Generate(error),
        }
    }
}
