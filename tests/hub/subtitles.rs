//! Subtitles from files beside a title to those who watch it.

use std::{fs, sync::Arc};

use securestream::{
    proto::{
        Message,
        message::{Credit, ListVideos, Play},
    },
    types::{MediaTime, PlayEpoch, PlayId, PlayMode, limits::MAX_PART},
    video::FolderSource,
};
use serde_json::json;

use crate::{
    hub::{TestHub, Wire, over_every_link},
    member::TestMember,
    raw::Raw,
    videos::folder,
};

over_every_link!(a_title_comes_with_its_subtitles);

/// One cue for the whole of the title.
const GERMAN: &str = "1\n00:00:00,000 --> 00:01:00,000\n<i>Guten Tag</i>\n";
const ENGLISH: &str = "WEBVTT\n\n00:00.000 --> 01:00.000\nGood day\n";

/// A hub over a folder with a film in German, English and something long.
fn hub() -> (TestHub, tempfile::TempDir) {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| fs::write(place.path().join(name), content).unwrap();
    write("film.mp4", &fs::read(folder("tests/data").join("wide.mp4")).unwrap());
    write("other.mp4", &fs::read(folder("tests/data").join("wide.mp4")).unwrap());
    write("film.de.srt", GERMAN.as_bytes());
    write("film.en.vtt", ENGLISH.as_bytes());
    write("film.x-long.srt", &long());
    let source = FolderSource::open(place.path()).unwrap();
    (TestHub::with(|parts| parts.videos = Arc::new(source)), place)
}

fn long() -> Vec<u8> {
    (0..200_000_usize).map(|at| u8::try_from(at % 97).unwrap()).collect()
}

fn a_title_comes_with_its_subtitles(wire: Wire) {
    let (hub, _place) = hub();
    let mut viewer = Raw::join(&hub, wire, "viewer");
    viewer.send(ListVideos {});
    let titles = viewer.wait(|message| if let Message::Videos(videos) = message { Some(videos.titles) } else { None });
    let languages = ["de".into(), "en".into(), "x-long".into()];
    assert_eq!(titles[0].languages, languages);
    assert!(titles[1].languages.is_empty(), "{titles:?}");
    viewer.send(Play {
        play: PlayId(1),
        title: "film".into(),
        mode: PlayMode::Auto,
        start: MediaTime::ZERO,
        end: None,
        max_height: None,
        sound: false,
        full_speed: false,
        decodes: Vec::new(),
    });
    let started = viewer.wait(|message| if let Message::PlayStarted(started) = message { Some(started) } else { None });
    assert_eq!(started.languages, languages);
    viewer.send(Credit { play: PlayId(1), epoch: PlayEpoch(0), offset: u64::MAX });
    let (mut files, mut packets) = (vec![(String::new(), Vec::new())], 0);
    viewer.wait(|message| match message {
        Message::Packet(packet) => {
            packets += usize::from(packet.last);
            None
        }
        Message::Subtitles(part) => {
            assert!(packets >= 25 && part.data.len() <= MAX_PART, "after {packets} packets");
            let (language, data) = files.last_mut().unwrap();
            assert!(language.is_empty() || *language == part.language.0, "one after the other");
            *language = part.language.0;
            data.extend_from_slice(&part.data);
            if part.last {
                files.push((String::new(), Vec::new()));
            }
            None
        }
        Message::StreamEnd(_) => Some(()),
        _ => None,
    });
    let expected = [("de", GERMAN.as_bytes()), ("en", ENGLISH.as_bytes()), ("x-long", &long()), ("", b"")];
    let files: Vec<_> = files.iter().map(|(language, data)| (language.as_str(), &data[..])).collect();
    assert!(files == expected, "all of each, once");
}

#[test]
fn a_member_is_told_which_languages_there_are() {
    let (hub, _place) = hub();
    let alice = TestMember::join(&hub, Wire::Memory, "alice");
    alice.ask("videos");
    let videos = alice.wait(json!({"event": "videos"}));
    assert_eq!(videos["titles"][0]["subtitles"], json!(["de", "en", "x-long"]));
    assert_eq!(videos["titles"][1].get("subtitles"), None);
}

#[cfg(feature = "player")]
mod shown {
    use std::{sync::mpsc, time::Duration};

    use securestream::{
        client::command::PlayRequest,
        driver::member::Stage,
        video::{
            frame::Frame,
            render::{Choice, Closer, Display, DisplayGone, DisplayKind, NoDisplay},
            viewer::{Key, ViewerAction},
        },
    };

    use super::*;
    use crate::member::Role;

    /// As long as a test waits for what must come.
    const GUARD: Duration = Duration::from_mins(1);

    /// What a display was told, for a test to read.
    enum Told {
        Attached(Closer),
        Caption(Option<String>),
    }

    struct Screen(mpsc::Sender<Told>);

    impl Display for Screen {
        fn kind(&self) -> DisplayKind {
            DisplayKind::Window
        }

        fn attach(&mut self, closer: Closer) {
            let _ = self.0.send(Told::Attached(closer));
        }

        fn show(&mut self, _: &Frame) -> Result<(), DisplayGone> {
            Ok(())
        }

        fn caption(&mut self, text: Option<&str>, _: Option<&Frame>) -> Result<(), DisplayGone> {
            let _ = self.0.send(Told::Caption(text.map(str::to_owned)));
            Ok(())
        }
    }

    struct OneScreen(mpsc::Sender<Told>);

    impl Stage for OneScreen {
        fn choose(&self, _: &PlayRequest) -> Result<Choice, NoDisplay> {
            Ok(Choice { kind: DisplayKind::Window, why: None })
        }

        fn open(&self, _: &str, _: DisplayKind) -> Box<dyn Display> {
            Box::new(Screen(self.0.clone()))
        }
    }

    /// A member that shows its plays to the test.
    fn viewer(hub: &TestHub) -> (TestMember, mpsc::Receiver<Told>) {
        let (sender, told) = mpsc::channel();
        let role = Role { stage: Arc::new(OneScreen(sender)), ..Role::guest("alice", "alice") };
        let alice = TestMember::start_as(hub.link(Wire::Memory), role);
        alice.wait(json!({"event": "directory"}));
        (alice, told)
    }

    #[test]
    fn what_is_said_is_shown_and_the_viewer_chooses_the_language() {
        let (hub, _place) = hub();
        let (alice, told) = viewer(&hub);
        alice.ask("play film subtitles=DE-at");
        alice.wait(json!({"event": "play_started"}));
        alice.ask("pause");
        let Told::Attached(closer) = told.recv_timeout(GUARD).unwrap() else { panic!("attached first") };
        let caption = || match told.recv_timeout(GUARD).unwrap() {
            Told::Caption(text) => text,
            Told::Attached(_) => panic!("attached once"),
        };
        let press = |key| closer.ask(Key::Char(key).action().unwrap());
        assert_eq!(caption().as_deref(), Some("Guten Tag"), "German, though not of Austria");
        alice.wait(json!({"event": "play_paused"}));
        press('v');
        assert_eq!(caption(), None);
        press('v');
        assert_eq!(caption().as_deref(), Some("Guten Tag"));
        press('j');
        assert_eq!(caption().as_deref(), Some("Good day"));
        closer.ask(ViewerAction::Stop);
        alice.wait(json!({"event": "play_ended", "reason": "stopped"}));
    }

    #[test]
    fn a_language_that_is_not_there_is_told_and_the_play_goes_on() {
        let (hub, _place) = hub();
        let (alice, _told) = viewer(&hub);
        for (title, there) in [("film", "de, en, x-long"), ("other", "none")] {
            alice.ask(&format!("play {title} speed=max subtitles=fr"));
            let notice = alice.wait(json!({"event": "notice", "code": "subtitles_missing"}));
            assert!(notice["text"].as_str().unwrap().ends_with(there), "{notice}");
            alice.wait(json!({"event": "play_ended", "reason": "finished", "frames": 50}));
        }
    }
}
