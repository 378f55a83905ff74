//! What the hub refuses does not say what it answers: a change of the selector's is not one of the viewer's, and what was
//! asked before a seek is not what is asked after it.

use super::*;

/// In 240p, with a rise to 1080p asked for and not answered.
fn rising() -> Screen {
    let mut screen = playing(PlayMode::Auto, false);
    for frame in 1..150 {
        screen.packet(240, frame, 1_500, if frame % 5 == 0 { 6 } else { 0 });
    }
    assert_eq!(screen.switches(), [(0, 1080, Some(2_000_000))]);
    screen
}

fn refuse(screen: &mut Screen) {
    let text = "1080p has no keyframe between here and the end".into();
    screen.hub(PlayRefused { play: screen.id, code: Code::NoSuchRendition, text });
}

fn seek(screen: &mut Screen) {
    screen.command(Command::Seek { target: SeekTarget::To(MediaTime(30_000_000)), play: None }, "s");
    (screen.epoch, screen.seq) = (screen.epoch + 1, 0);
}

#[test]
fn what_the_viewer_wants_is_asked_for_when_a_choice_of_the_selectors_is_refused() {
    let mut screen = rising();
    screen.choose(fixed(720), "a");
    assert!(screen.switches().is_empty(), "one at a time");
    refuse(&mut screen);
    assert_eq!(screen.switches(), [(0, 720, Some(1_000_000))]);
    screen.info(720);
    screen.shown(720, 1_000_000);
    assert_eq!(screen.told(), [told("rendition 720p", Some("a")), told("ok rendition", Some("a"))]);
}

#[test]
fn who_wants_what_was_about_to_be_left_is_answered_when_it_is_not() {
    let mut screen = rising();
    screen.choose(fixed(240), "a");
    assert!(screen.told().is_empty());
    refuse(&mut screen);
    assert_eq!(screen.told(), [told("rendition 240p", Some("a")), told("ok rendition", Some("a"))]);
    screen.consumed(1_500, 100_000);
    assert!(screen.switches().is_empty(), "and it is held");
}

#[test]
fn a_refusal_from_before_a_seek_does_not_give_up_what_is_wanted_after_it() {
    let mut screen = playing(PlayMode::Auto, false);
    screen.choose(fixed(1080), "a");
    seek(&mut screen);
    screen.choose(fixed(720), "b");
    screen.player(Report::Paused { at: MediaTime::ZERO });
    assert_eq!(screen.switches(), [(0, 1080, Some(1_000_000))], "an answer may be on its way");
    refuse(&mut screen);
    assert_eq!(screen.switches(), [(1, 720, Some(31_000_000))]);
    // This one is meant.
    refuse(&mut screen);
    let both = [told("error no_such_rendition", Some("a")), told("error no_such_rendition", Some("b"))];
    assert_eq!(screen.told(), both);
}

#[test]
fn after_a_seek_that_the_hub_has_followed_no_earlier_refusal_comes() {
    let mut screen = playing(PlayMode::Auto, false);
    screen.choose(fixed(1080), "a");
    seek(&mut screen);
    screen.choose(fixed(720), "b");
    screen.outputs.clear();
    // It had gone on in 1080p before it sought.
    screen.info_of(1080, 30_000_000);
    screen.packet(1080, 750, 1_500, 1);
    assert_eq!(screen.switches(), [(1, 720, Some(31_000_000))]);
    refuse(&mut screen);
    assert_eq!(screen.told().len(), 2, "both are answered");
}

#[test]
fn the_viewers_refused_wish_does_not_keep_the_selector_from_falling() {
    let mut screen = rising();
    screen.info(1080);
    screen.shown(1080, 0);
    screen.choose(fixed(720), "a");
    screen.outputs.clear();
    refuse(&mut screen);
    screen.outputs.clear();
    // A part of 1080p in two seconds: what waits is not enough.
    for frame in 150..153 {
        screen.packet(1080, frame, 30_000, 2_000);
        screen.consumed(1, frame * 40_000);
    }
    assert_eq!(screen.switches().len(), 1, "before the 8 s are over that a choice which was refused waits");
}

#[test]
fn what_is_shown_cannot_be_gone_on_in_at_the_end_of_a_tour_and_need_not_be() {
    let mut screen = playing(PlayMode::Tour, false);
    screen.choose(fixed(240), "a");
    assert_eq!(screen.told(), [told("rendition 240p", Some("a")), told("ok rendition", Some("a"))]);
    refuse(&mut screen);
    assert!(screen.outputs.is_empty(), "it was answered, and nothing is to be said: {:?}", screen.outputs);
    assert_eq!(screen.plays.plays[&screen.id].steering.helm, Helm::Held);
    screen.consumed(1_000, 40_000);
    assert!(screen.switches().is_empty(), "nor asked once more");
}

#[test]
fn a_key_pressed_while_the_selector_waits_is_followed_where_the_picture_is() {
    let mut screen = rising();
    screen.player(Report::Asked(ViewerAction::NextRendition));
    screen.player(Report::Asked(ViewerAction::NextRendition));
    assert!(screen.switches().is_empty(), "one at a time");
    // What the selector asked for begins behind all that waits.
    screen.info_of(1080, 8_000_000);
    screen.packet(1080, 200, 1_500, 1);
    assert_eq!(screen.switches(), [(1, 720, None)], "not in 8 s, but in a new epoch at once");
    (screen.epoch, screen.seq) = (1, 0);
    screen.info_of(720, 0);
    screen.packet(720, 0, 1_500, 1);
    assert!(screen.switches().is_empty(), "once");
}
