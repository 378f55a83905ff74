//! A play that the hub has ended before its end, as when its file changes: what came of it is still to be shown.

use super::*;
use crate::client::event::Event;

/// A play in `auto` of which 6 s came over a link that carries 1080p, before its first frame is shown.
fn waiting() -> Screen {
    let mut screen = Screen::new(PlayMode::Auto, false);
    screen.info(240);
    for frame in 0..150 {
        screen.packet(240, frame, 1_500, if frame % 5 == 0 { 6 } else { 0 });
        screen.consumed(1_500, 0);
    }
    screen.outputs.clear();
    screen
}

fn show(screen: &mut Screen) {
    screen.shown(240, 0);
    screen.player(Report::FirstFrame);
}

fn end(screen: &mut Screen, reason: EndReason) {
    let (play, epoch) = (screen.id, PlayEpoch(screen.epoch));
    screen.hub(message::StreamEnd { play, epoch, reason });
}

fn no_such_play(screen: &mut Screen) {
    screen.hub(PlayRefused { play: screen.id, code: Code::NoSuchPlay, text: "no such play".into() });
}

/// What the player was told and the hub was asked, but for credit, since this was called last.
fn acted(screen: &mut Screen) -> Vec<Output> {
    let is_act = |output: &Output| {
        matches!(output, Output::Player(..))
            || matches!(output, Output::Send(message) if !matches!(message, Message::Credit(_)))
    };
    std::mem::take(&mut screen.outputs).into_iter().filter(is_act).collect()
}

#[test]
fn what_waits_is_shown_and_nothing_is_asked_for() {
    for (reason, asks) in [(EndReason::FileChanged, false), (EndReason::Unplayable, false), (EndReason::Finished, true)]
    {
        let mut screen = waiting();
        end(&mut screen, reason);
        screen.outputs.clear();
        show(&mut screen);
        screen.consumed(0, 1_000_000);
        assert_eq!(!screen.switches().is_empty(), asks, "{reason:?}");
    }
}

#[test]
fn what_was_asked_for_before_its_end_was_known_is_no_seek_that_failed() {
    let mut screen = waiting();
    show(&mut screen);
    assert_eq!(screen.switches(), [(0, 1080, Some(3_000_000))]);
    // The refusal overtakes the end.
    no_such_play(&mut screen);
    screen.consumed(0, 200_000);
    assert!(acted(&mut screen).is_empty(), "neither stopped nor asked once more");
    end(&mut screen, EndReason::FileChanged);
    let told = acted(&mut screen);
    assert!(matches!(told[..], [Output::Player(_, Input::End { reason: EndReason::FileChanged })]), "{told:?}");
}

#[test]
fn a_rendition_or_a_seek_then_fails_alone() {
    let mut screen = waiting();
    end(&mut screen, EndReason::FileChanged);
    show(&mut screen);
    acted(&mut screen);
    screen.choose(fixed(720), "a");
    screen.command(Command::Seek { target: SeekTarget::To(MediaTime(1_000_000)), play: None }, "s");
    assert_eq!(screen.told(), [told("error no_such_play", Some("a")), told("error no_such_play", Some("s"))]);
    for action in
        [ViewerAction::NextRendition, ViewerAction::SeekBy(MediaTime(-1_000_000)), ViewerAction::PreviousFrame]
    {
        screen.player(Report::Asked(action));
        let outputs = std::mem::take(&mut screen.outputs);
        let [Output::Event(Event::Notice { code: Code::NoSuchPlay, text }, _)] = &outputs[..] else {
            panic!("{action:?}: {outputs:?}")
        };
        assert_eq!(text, "the hub has ended \"mandelbrot\"; what came of it is still shown");
    }
    screen.choose(fixed(240), "b");
    screen.choose(RenditionChoice::Auto, "c");
    screen.consumed(0, 200_000);
    assert_eq!(screen.told().iter().filter(|(event, _)| event == "ok rendition").count(), 2, "it is there");
    assert!(acted(&mut screen).is_empty());
}

#[test]
fn a_rendition_that_was_asked_for_just_before_is_an_error_and_the_play_goes_on() {
    let mut screen = playing(PlayMode::Auto, false);
    screen.choose(fixed(720), "a");
    acted(&mut screen);
    no_such_play(&mut screen);
    assert!(!screen.outputs.iter().any(|output| matches!(output, Output::Player(..))));
    assert_eq!(screen.told(), [told("error no_such_play", Some("a"))]);
}

#[test]
fn a_wish_that_the_end_crossed_is_answered_at_once() {
    let failed = [told("error no_such_play", Some("a"))];
    // The hub followed, and then the file changed.
    let mut screen = playing(PlayMode::Auto, false);
    screen.choose(fixed(720), "a");
    end(&mut screen, EndReason::FileChanged);
    assert_eq!(screen.told(), failed);
    // The selector's choice was refused before the viewer's could be asked for.
    let mut screen = waiting();
    show(&mut screen);
    assert_eq!(screen.switches().len(), 1);
    screen.choose(fixed(720), "a");
    assert!(screen.switches().is_empty() && screen.told().is_empty());
    no_such_play(&mut screen);
    assert_eq!(screen.told(), failed);
    assert_eq!(screen.plays.plays[&screen.id].steering.helm, Helm::Auto);
    // What has come is shown all the same.
    let mut screen = playing(PlayMode::Auto, false);
    screen.choose(fixed(720), "a");
    screen.info(720);
    end(&mut screen, EndReason::FileChanged);
    assert_eq!(screen.told(), []);
    screen.shown(720, 1_000_000);
    assert_eq!(screen.told().last(), Some(&told("ok rendition", Some("a"))));
}

#[test]
fn a_seek_that_the_end_crossed_stops_the_player_which_has_nothing_left() {
    for by_key in [false, true] {
        let mut screen = waiting();
        show(&mut screen);
        if by_key {
            screen.player(Report::Asked(ViewerAction::SeekBy(MediaTime(5_000_000))));
        } else {
            screen.command(Command::Seek { target: SeekTarget::To(MediaTime(5_000_000)), play: None }, "s");
        }
        acted(&mut screen);
        end(&mut screen, EndReason::FileChanged);
        no_such_play(&mut screen);
        let stopped = |output: &Output| matches!(output, Output::Player(_, Input::Stop));
        assert!(screen.outputs.iter().any(stopped), "{:?}", screen.outputs);
    }
}
