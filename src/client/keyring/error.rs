//! Why a member's folder cannot be used, and what its owner can do about it.

use std::path::{Path, PathBuf};

use super::{COUNTERS, IDENTITY, MARKS, sessions::SESSIONS};
use crate::{
    client::trust::PinsFileError,
    crypto::{
        CountersError, IdentityError, ReplayError,
        session::{JournalError, SessionsError},
    },
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
    /// Its secrets are encrypted, and nobody gave the passphrase.
    #[error("{} is protected by a passphrase", file.display())]
    PassphraseNeeded { file: PathBuf },
    /// Or the file is damaged: one cannot be told from the other.
    #[error("that is not the passphrase of {}", file.display())]
    WrongPassphrase { file: PathBuf },
    /// Nothing is written over an identity unasked.
    #[error("there is an identity already: {}", file.display())]
    Exists { file: PathBuf },
    /// What is to be brought back was given up for the keys that are here.
    #[error("the keys in {} came after those that are to be brought back", file.display())]
    Outdated { file: PathBuf },
    /// A file elsewhere, which is to be brought back.
    #[error("{} is no export or backup of keys: {source}", file.display())]
    NoBackup { file: PathBuf, source: IdentityError },
    /// A backup holds something that no backup has.
    #[error("the backup holds something that does not belong into one: {0}")]
    Foreign(String),
    /// Someone moved a folder.
    #[error("{} is the identity of {found}", file.display())]
    OtherName { file: PathBuf, found: MemberName },
    /// Going on without them would show old messages again.
    #[error("{}: {source}", file.display())]
    Marks { file: PathBuf, source: ReplayError },
    /// Going on from a wrong count would have messages taken for replays.
    #[error("{}: {source}", file.display())]
    Counters { file: PathBuf, source: CountersError },
    /// Going on without them would lose what others are sending.
    #[error("{}: {reason}", file.display())]
    Sessions { file: PathBuf, reason: String },
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
            Self::PassphraseNeeded { .. } | Self::WrongPassphrase { .. } => Code::PassphraseNeeded,
            _ => Code::DataUnusable,
        }
    }

    /// What to do next, fit to be shown.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::InUse { .. } => "end the other one (/quit at its prompt) and try again, or connect with another --name or with --ephemeral".to_owned(),
            Self::Storage(StorageError::Io { .. }) => {
                "free or mend the disk and try again; nothing that was there is lost".to_owned()
            }
            Self::Storage(_) => "do what the message says and try again, or connect with --ephemeral".to_owned(),
            Self::Identity { file, .. } => format!(
                "restore {} from a backup; or move it away, which makes new keys: others are then warned, and a hub \
                 keeps the name for the old ones until its operator releases it",
                file.display()
            ),
            Self::PassphraseNeeded { .. } => {
                "give it at a terminal, in SECURESTREAM_PASSPHRASE, or in a file by --passphrase-file FILE".to_owned()
            }
            Self::WrongPassphrase { .. } => {
                "try again; a passphrase that is forgotten cannot be found out, only a backup with another one helps"
                    .to_owned()
            }
            Self::Exists { .. } => {
                "leave it, or replace it with --replace, which keeps the old one beside the new one".to_owned()
            }
            Self::Outdated { .. } => {
                "keep the ones that are here: members and hubs who saw them refuse the older ones".to_owned()
            }
            Self::NoBackup { .. } => {
                "name the whole file that securestream keys export or backup wrote, or another copy of it".to_owned()
            }
            Self::Foreign(_) => "take another backup: this one was not made here".to_owned(),
            Self::OtherName { found, .. } => {
                format!("connect with --name {found}, or move the folder back to where it was")
            }
            Self::Marks { file, .. } => format!(
                "restore {} from a backup, or remove it; messages that were received before could then be shown again",
                file.display()
            ),
            Self::Sessions { file, .. } => format!(
                "restore {} from a backup, or remove it; messages that are on their way are then lost, and others begin \
                 new sessions",
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
    Exists,
    Outdated,
    Foreign(String),
    Marks(ReplayError),
    Counters(CountersError),
    Journal(JournalError),
    Sessions(SessionsError),
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
            Self::Identity(IdentityError::PassphraseNeeded) | Self::Generate(IdentityError::PassphraseNeeded) => {
                KeyringError::PassphraseNeeded { file: file(IDENTITY) }
            }
            Self::Identity(IdentityError::WrongPassphrase) => KeyringError::WrongPassphrase { file: file(IDENTITY) },
            Self::Exists => KeyringError::Exists { file: file(IDENTITY) },
            Self::Outdated => KeyringError::Outdated { file: file(IDENTITY) },
            Self::Foreign(what) => KeyringError::Foreign(what),
            Self::Identity(source) => KeyringError::Identity { file: file(IDENTITY), source },
            Self::OtherName { found } => KeyringError::OtherName { file: file(IDENTITY), found },
            Self::Marks(source) => KeyringError::Marks { file: file(MARKS), source },
            Self::Counters(source) => KeyringError::Counters { file: file(COUNTERS), source },
            Self::Journal(error) => KeyringError::Sessions { file: file(SESSIONS), reason: error.to_string() },
            Self::Sessions(error) => KeyringError::Sessions { file: file(SESSIONS), reason: error.to_string() },
            Self::Generate(error) => KeyringError::Generate(error),
        }
    }
}
