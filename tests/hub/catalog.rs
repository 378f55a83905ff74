//! What an operator is told of a folder that changes while its hub runs.

use std::{collections::BTreeSet, fs, sync::Arc};

use securestream::{
    driver::watcher::{Followed, Watch},
    server::admin::Reloaded,
    video::{Compat, Effort, LiveFolder, VideoSource as _},
};
use serde_json::json;

use crate::{hub::TestHub, videos};

#[test]
fn a_folder_that_was_read_again_meanwhile_is_told_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let live = Arc::new(LiveFolder::open(folder.path(), Compat::default(), None).unwrap());
    let (followed, place) = (Arc::clone(&live), folder.path().join("film.mp4"));
    // Until the hub takes what one of them found in, the other one has found more.
    let follow = move |_| {
        let before = Reloaded::of(&followed.catalog());
        if place.exists() {
            return Followed::default();
        }
        fs::copy(videos::folder("tests/data/wide.mp4"), &place).unwrap();
        followed.reload(&BTreeSet::new(), Effort::Retry).unwrap();
        Followed { read: Some(Ok(before)), ..Followed::default() }
    };
    let watch = Watch { folder: folder.path().to_owned(), follow: Box::new(follow) };
    let hub = TestHub::with(|parts| {
        parts.videos = live;
        parts.operator.watch = Some(watch);
    });
    assert_eq!(hub.events.wait(json!({"event": "catalog"}))["titles"], 1);
}
