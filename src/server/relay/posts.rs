//! What members ask for and write to each other.

use super::{Command, Relay};
use crate::{
    proto::{
        Message, encode,
        message::{Accepted, DirectoryPage, FetchRecords, HeadLink, Heads, Post, Records, Refused, Relayed},
    },
    types::{
        Code, DirectorySequence, LinkId, RelayMode,
        limits::{DIRECTORY_PAGE, MAX_FETCH, MAX_HEADS_FETCHES},
    },
};

impl Relay {
    pub(super) fn next_page(&mut self, link: LinkId) {
        let Some(member) = self.roster.member_mut(link) else { return };
        let page = self.directory.page(member.paged_to.as_ref(), DIRECTORY_PAGE);
        member.paged_to = page.entries.last().map(|entry| entry.name.clone()).or(member.paged_to.take());
        if page.last {
            // Whoever asks again reads the directory from its start.
            member.paged_to = None;
        }
        let sequence = self.directory.sequence();
        let previous = self.directory.previous();
        let page = DirectoryPage { sequence, entries: page.entries, last: page.last, previous };
        self.commands.push(Command::Send(link, page.into()));
    }

    pub(super) fn fetch_heads(&mut self, link: LinkId, after: DirectorySequence) {
        let Some(member) = self.roster.member_mut(link) else { return };
        member.heads_asked += 1;
        let has_asked_enough = member.heads_asked > MAX_HEADS_FETCHES;
        let links = if has_asked_enough { None } else { self.directory.links_after(after) };
        let complete = links.is_some();
        let link_of = |(sequence, state)| HeadLink { sequence, state };
        let links = links.into_iter().flatten().map(link_of).collect();
        self.commands.push(Command::Send(link, Heads { links, complete }.into()));
    }

    pub(super) fn fetch(&mut self, link: LinkId, fetch: &FetchRecords) {
        if self.roster.member(link).is_none() {
            return;
        }
        let mut answer = Records { records: Vec::new(), missing: Vec::new() };
        for fingerprint in fetch.fingerprints.iter().take(MAX_FETCH) {
            match self.directory.record(fingerprint) {
                Some(record) => answer.records.push(record),
                None => answer.missing.push(*fingerprint),
            }
        }
        self.commands.push(Command::Send(link, answer.into()));
    }

    pub(super) fn post(&mut self, link: LinkId, post: Post) {
        if self.roster.member(link).is_none() {
            return;
        }
        let relayed = Message::from(Relayed { kind: post.kind, sealed: post.sealed });
        match (self.options.mode, post.audience) {
            (RelayMode::Direct, Some(receiver)) => match self.roster.link_of(&receiver) {
                Some(receiver) => self.commands.push(Command::Send(receiver, relayed)),
                None => {
                    let refused = Refused { mid: post.mid, code: Code::NoSuchMember };
                    return self.commands.push(Command::Send(link, refused.into()));
                }
            },
            _ => {
                self.broadcast(encode(&relayed), Some(link));
                self.roster.went_by();
            }
        }
        self.commands.push(Command::Send(link, Accepted { mid: post.mid }.into()));
    }
}
