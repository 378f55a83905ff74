use std::time::{Duration, Instant};

use super::*;
use crate::{
    client::{
        command::{Command, PlayRequest, Request},
        session::{Me, Phase, Session, plays::tests as plays},
        work::Done,
    },
    proto::Message,
    types::{Fingerprint, PlayEpoch, RenditionLabel, limits::DRAIN_DEADLINE},
    video::{report::Report, viewer::ViewerAction},
};

/// A member in the middle of a title that has pressed `Q`, and quits as soon as the play has ended.
fn leaving(now: Instant) -> Session {
    let me = Me { name: "alice".parse().unwrap(), fingerprint: Fingerprint([7; 32]), guest: false };
    let mut session = Session::new(me, [1; 32]);
    session.remember(Places::default());
    session.phase = Phase::Here;
    let request = PlayRequest { full_speed: false, ..plays::request(None) };
    let (id, _) = plays::begun(&mut session.plays, request);
    let (label, from) = (RenditionLabel(240), MediaTime(5_000_000));
    session.player_reported(id, Report::FirstFrame, now);
    session.player_reported(id, Report::Rendition { epoch: PlayEpoch(0), label, width: 426, height: 240, from }, now);
    session.player_reported(id, Report::Asked(ViewerAction::StopAndRemember), now);
    let is_kept =
        |output| matches!(output, Output::Work(Job::KeepPlaces(places)) if places.find("mandelbrot").is_some());
    assert!(std::iter::from_fn(|| session.poll_output()).any(is_kept));
    session.player_reported(id, plays::ended(EndReason::Stopped), now);
    session.request(Request { command: Command::Quit, reference: None }, now);
    session
}

/// Whether the hub was told that the member leaves: the process may end then.
fn has_left(session: &mut Session) -> bool {
    std::iter::from_fn(|| session.poll_output()).any(|output| matches!(output, Output::Send(Message::Quit(_))))
}

#[test]
fn a_member_that_quits_waits_until_its_place_is_on_the_disk() {
    let now = Instant::now();
    let mut session = leaving(now);
    assert!(!has_left(&mut session));
    session.timeout(now + DRAIN_DEADLINE / 2);
    assert!(!has_left(&mut session));
    session.done(Done::Noted, now);
    assert!(!has_left(&mut session), "other work is done");
    session.done(Done::PlacesKept, now);
    assert!(has_left(&mut session));
}

#[test]
fn a_disk_that_refuses_a_place_or_takes_too_long_does_not_keep_a_member() {
    let now = Instant::now();
    let mut session = leaving(now);
    let failure = Failure::new(Code::DataUnusable, "the disk is full", "make room");
    session.done(Done::PlacesNotKept(Box::new(failure)), now);
    assert!(has_left(&mut session));
    let mut session = leaving(now);
    session.timeout(now + DRAIN_DEADLINE + Duration::from_millis(1));
    assert!(has_left(&mut session));
}

#[test]
fn a_link_that_is_lost_meanwhile_ends_the_session_only_then() {
    let now = Instant::now();
    let mut session = leaving(now);
    session.ended(&crate::proto::Ending::Lost);
    let is_over = |session: &mut Session| {
        std::iter::from_fn(|| session.poll_output()).any(|output| matches!(output, Output::Over(_)))
    };
    assert!(!is_over(&mut session));
    session.done(Done::PlacesKept, now);
    assert!(is_over(&mut session));
}
