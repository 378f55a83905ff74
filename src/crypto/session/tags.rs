//! The tags that are expected next, of all sessions in one table: what is for somebody else costs one look.

use std::collections::HashMap;

use super::{
    SessionId,
    chain::{TAG, Tag},
};

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct ExpectedTags {
    by_tag: HashMap<Tag, (SessionId, u32)>,
}

impl ExpectedTags {
    pub(super) fn expect(&mut self, session: SessionId, tags: impl Iterator<Item = (Tag, u32)>) {
        self.by_tag.extend(tags.map(|(tag, index)| (tag, (session, index))));
    }

    pub(super) fn forget(&mut self, tags: impl Iterator<Item = (Tag, u32)>) {
        for (tag, _) in tags {
            self.by_tag.remove(&tag);
        }
    }

    /// Which message of which session has this tag.
    pub(super) fn find(&self, tag: [u8; TAG]) -> Option<(SessionId, u32)> {
        self.by_tag.get(&Tag(tag)).copied()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_tag.len()
    }
}
