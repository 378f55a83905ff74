//! How many requests of each link are served before the others have their turn.

use std::collections::BTreeMap;

use crate::{
    proto::Message,
    types::{LinkId, limits::MAX_REQUESTS},
};

/// The requests of one turn of the loop. Posts are not counted: the lane of who does not read ends those.
#[derive(Debug, Default)]
pub struct Requests(BTreeMap<LinkId, usize>);

impl Requests {
    /// A turn begins.
    pub fn next_turn(&mut self) {
        self.0.clear();
    }

    /// Counts a message; whether it may be served.
    #[must_use]
    pub fn allow(&mut self, link: LinkId, message: &Message) -> bool {
        if !is_request(message) {
            return true;
        }
        let count = self.0.entry(link).or_default();
        *count += 1;
        *count <= MAX_REQUESTS
    }
}

/// Whether a message is short to send and long to answer.
fn is_request(message: &Message) -> bool {
    matches!(
        message,
        Message::NextPage(_)
            | Message::ListVideos(_)
            | Message::FetchRecords(_)
            | Message::FetchHeads(_)
            | Message::Update(_)
            | Message::Play(_)
            | Message::Seek(_)
            | Message::SwitchRendition(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::message::{ListVideos, NextPage, Ping};

    #[test]
    fn each_link_has_its_share_of_each_turn() {
        let mut requests = Requests::default();
        let (one, other) = (LinkId(1), LinkId(2));
        for _ in 0..2 {
            for _ in 0..MAX_REQUESTS / 2 {
                assert!(requests.allow(one, &NextPage {}.into()) && requests.allow(one, &ListVideos {}.into()));
            }
            assert!(!requests.allow(one, &NextPage {}.into()));
            assert!(requests.allow(one, &Ping { token: 0 }.into()), "no request");
            assert!(requests.allow(other, &NextPage {}.into()));
            requests.next_turn();
        }
    }
}
