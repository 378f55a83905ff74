//! A tour of which far more has come than is shown: what the viewer wants is not behind all of it.

use super::*;
use crate::client::event::Event;

const MINUTE: i64 = 60_000_000;

/// A tour in its first seconds, all of whose renditions have begun to come: 240p, 720p from 20 s on, 1080p from 40 s on.
fn touring(full_speed: bool) -> Screen {
    let mut screen = playing(PlayMode::Tour, full_speed);
    screen.info_of(720, MINUTE / 3);
    screen.info_of(1080, MINUTE / 3 * 2);
    screen.consumed(1, 1_000_000);
    screen.outputs.clear();
    screen
}

/// Messages to the hub, and whether everything that the player has is to be forgotten, since this was called last.
fn asked(screen: &mut Screen) -> (Vec<Message>, bool) {
    let outputs = std::mem::take(&mut screen.outputs);
    let flushed = outputs.iter().any(|output| matches!(output, Output::Player(_, Input::Flush { .. })));
    let sent = outputs.into_iter().filter_map(|output| if let Output::Send(sent) = output { Some(sent) } else { None });
    (sent.collect(), flushed)
}

#[test]
fn the_viewers_key_leaves_a_tour_where_the_picture_is() {
    let mut screen = touring(false);
    screen.player(Report::Asked(ViewerAction::NextRendition));
    let (sent, flushed) = asked(&mut screen);
    let [Message::Seek(seek), Message::SwitchRendition(switch), Message::Credit(credit)] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert!(flushed);
    assert_eq!((seek.epoch, seek.to), (PlayEpoch(1), MediaTime(1_000_000)));
    assert_eq!((switch.epoch, switch.rendition, switch.from), (PlayEpoch(1), RenditionLabel(720), None));
    assert_eq!(credit.epoch, PlayEpoch(1), "the switch comes before anything can be sent");
    (screen.epoch, screen.seq) = (1, 0);
    screen.info_of(720, 1_000_000);
    screen.shown(720, 1_000_000);
    assert_eq!(screen.told(), [told("rendition 720p", None)]);
    screen.player(Report::Seeked { epoch: PlayEpoch(1), at: MediaTime(1_000_000), preview: None });
    assert!(screen.outputs.is_empty(), "nobody wanted to go anywhere: {:?}", screen.outputs);
    // From there on it is like any other play.
    screen.player(Report::Asked(ViewerAction::NextRendition));
    assert_eq!(screen.switches(), [(1, 1080, Some(2_000_000))]);
}

#[test]
fn a_rendition_that_the_tour_comes_to_later_is_there_at_once_and_stays() {
    let mut screen = touring(false);
    screen.choose(fixed(1080), "a");
    assert_eq!(screen.switches(), [(1, 1080, None)]);
    (screen.epoch, screen.seq) = (1, 0);
    screen.info_of(1080, 1_000_000);
    screen.shown(1080, 1_000_000);
    assert_eq!(screen.told(), [told("rendition 1080p", Some("a")), told("ok rendition", Some("a"))]);
}

#[test]
fn a_rendition_whose_turn_it_is_stays_when_the_viewer_wants_it() {
    let mut screen = playing(PlayMode::Tour, false);
    screen.choose(fixed(240), "a");
    assert_eq!(screen.switches(), [(0, 240, Some(1_000_000))], "or the hub goes on to the next");
}

#[test]
fn a_seek_on_the_way_is_answered_and_what_has_no_pace_is_not_sought() {
    let mut screen = touring(false);
    screen.player(Report::Asked(ViewerAction::NextRendition));
    screen.command(Command::Seek { target: SeekTarget::To(MediaTime(30_000_000)), play: None }, "s");
    screen.outputs.clear();
    screen.player(Report::Seeked { epoch: PlayEpoch(2), at: MediaTime(30_000_000), preview: None });
    let sought = |output: &Output| matches!(output, Output::Event(Event::PlaySeeked { .. }, Some(to)) if to == "s");
    assert!(screen.outputs.iter().any(sought), "{:?}", screen.outputs);

    let mut quick = touring(true);
    quick.choose(fixed(720), "a");
    let (sent, flushed) = asked(&mut quick);
    assert!(!flushed && matches!(sent[..], [Message::SwitchRendition(_)]), "every frame is counted: {sent:?}");
}

#[test]
fn a_tour_that_cannot_be_left_goes_on() {
    let mut screen = touring(false);
    screen.choose(fixed(720), "a");
    screen.outputs.clear();
    let text = "720p has no keyframe between here and the end".into();
    screen.hub(PlayRefused { play: screen.id, code: Code::NoSuchRendition, text });
    assert_eq!(screen.told(), [told("error no_such_rendition", Some("a"))]);
    screen.epoch = 1;
    screen.info_of(240, 1_000_000);
    screen.shown(240, 1_000_000);
    screen.player(Report::Seeked { epoch: PlayEpoch(1), at: MediaTime(1_000_000), preview: None });
    assert_eq!(screen.told(), [told("rendition 240p", None)]);
}

#[test]
fn a_viewer_whose_key_cannot_be_followed_is_told_and_a_choice_of_the_selectors_is_no_news() {
    let refused = |mode, asks: bool| {
        let mut screen = playing(mode, false);
        if asks {
            screen.player(Report::Asked(ViewerAction::NextRendition));
        }
        screen.outputs.clear();
        let text = "720p has no keyframe between here and the end".into();
        screen.hub(PlayRefused { play: screen.id, code: Code::NoSuchRendition, text });
        screen.outputs
    };
    let told = refused(PlayMode::Tour, true);
    assert!(
        matches!(&told[..], [Output::Event(Event::Notice { code: Code::NoSuchRendition, text }, None)] if text.starts_with("720p")),
        "{told:?}"
    );
    assert!(refused(PlayMode::Auto, false).is_empty());
}
