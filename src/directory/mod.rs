//! Who is here: names, what stands for their keys, and the records of those keys.
//!
//! Every change has the next [`DirectorySequence`]. Whoever reads the pages one after the other and applies the
//! changes that happen meanwhile, in the order the hub sends them, ends with the directory as it is: a page is
//! true as of the moment it is made, and pages follow the order of names.
//!
//! After each change the whole directory has a hash ([`DirectoryTree`]), and these hashes form a [`Chain`]: members
//! compare its heads in what they write to each other, so that nobody can be shown another directory than the rest.

mod chain;
mod memory;
mod tree;

pub use chain::{Chain, Link, advance};
pub use memory::MemoryDirectory;
pub use tree::DirectoryTree;

use crate::types::{DirectoryEntry, DirectorySequence, Fingerprint, Head, MemberName, wire::Blob};

/// The name is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this name is in use")]
pub struct NameTaken;

/// A page of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In the order of their names.
    pub entries: Vec<DirectoryEntry>,
    /// Whether nobody comes after these.
    pub last: bool,
}

/// A directory of members. Implementations keep every promise of the [module](self).
pub trait Directory: Send {
    /// Enters a member with its encoded key record.
    ///
    /// # Errors
    /// When somebody has that name, or a twin of it.
    fn claim(&mut self, entry: DirectoryEntry, record: Blob) -> Result<DirectorySequence, NameTaken>;

    /// Removes a member; nothing when there is none of that name.
    fn release(&mut self, name: &MemberName) -> Option<DirectorySequence>;

    /// Puts a newer record of the same keys in place of the one that is kept; nothing when there is none.
    fn renew(&mut self, fingerprint: Fingerprint, record: Blob);

    /// The member of that name.
    fn find(&self, name: &MemberName) -> Option<&DirectoryEntry>;

    /// The encoded key record behind a fingerprint: of everybody who is here and, since messages outlive their
    /// senders, of those who left last.
    fn record(&self, fingerprint: &Fingerprint) -> Option<Blob>;

    /// Up to `limit` members whose names come after `after`.
    fn page(&self, after: Option<&MemberName>, limit: usize) -> Page;

    /// The number of the last change.
    fn sequence(&self) -> DirectorySequence;

    /// The end of the hash chain before the last change.
    fn previous(&self) -> Head;

    /// The link that the last change added to the hash chain.
    fn last_link(&self) -> Link;

    /// The links of the hash chain after that change; `None` when it is not, or no longer, known.
    fn links_after(&self, sequence: DirectorySequence) -> Option<Vec<Link>>;

    /// How many members there are.
    fn len(&self) -> usize;

    /// Whether nobody is here.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
