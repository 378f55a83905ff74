//! Plays as the wire has them: what is refused and to whom, and what comes for how much credit. No player needed.

use securestream::{
    proto::{
        Message,
        message::{Credit, ListVideos, Play, Seek, Stop, SwitchRendition},
    },
    types::{
        Code, Codec, EndReason, MediaTime, PlayEpoch, PlayId, PlayMode, RenditionLabel,
        limits::{MAX_PART, MAX_PLAYS},
    },
};
use serde_json::json;

use crate::{
    hub::{Wire, over_every_link},
    member::{TestMember, exchange},
    raw::Raw,
    videos::{hub_over, hub_with},
};

over_every_link!(
    a_play_sends_what_it_was_given_credit_for_and_ends_when_told,
    bad_input_44_titles_that_are_paths,
    bad_input_46_a_rendition_that_is_missing,
    bad_input_47_48_files_that_cannot_be_played,
    bad_input_51_times_outside_the_title,
    bad_input_52_the_seventeenth_play,
    a_play_goes_on_in_another_rendition_of_those_that_it_was_told,
    a_tour_is_left_where_the_picture_is,
    a_codec_that_the_member_lacks_is_refused_by_name,
);

const TITLE: &[(&str, &str)] = &[("wide.mp4", "wide.mp4")];

/// What comes before a play's media.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Started,
    Refused(Code),
}

fn request(play: u32, title: &str) -> Play {
    let (start, end, max_height) = (MediaTime::ZERO, None, None);
    Play {
        play: PlayId(play),
        title: title.into(),
        mode: PlayMode::Auto,
        start,
        end,
        max_height,
        sound: false,
        full_speed: false,
        decodes: Vec::new(),
    }
}

fn ask(member: &mut Raw, play: Play) -> Answer {
    member.send(play);
    answer(member)
}

fn answer(member: &mut Raw) -> Answer {
    member.wait(|message| match message {
        Message::PlayStarted(_) => Some(Answer::Started),
        Message::PlayRefused(refused) => Some(Answer::Refused(refused.code)),
        _ => None,
    })
}

/// Reads a play to its end with all the credit in the world; its bytes and its reason.
fn play_out(member: &mut Raw, play: u32, epoch: u32) -> (u64, EndReason) {
    member.send(Credit { play: PlayId(play), epoch: PlayEpoch(epoch), offset: u64::MAX });
    let mut bytes = 0;
    let reason = member.wait(|message| match message {
        Message::Packet(packet) if packet.epoch == PlayEpoch(epoch) => {
            assert!(packet.data.len() <= MAX_PART);
            bytes += packet.data.len() as u64;
            None
        }
        Message::StreamEnd(end) if end.play == PlayId(play) => Some(end.reason),
        _ => None,
    });
    member.send(Stop { play: PlayId(play) });
    (bytes, reason)
}

fn a_play_sends_what_it_was_given_credit_for_and_ends_when_told(wire: Wire) {
    let (hub, _) = hub_over("videos");
    let mut member = Raw::join(&hub, wire, "viewer");
    assert_eq!(
        ask(&mut member, Play { mode: PlayMode::Fixed(RenditionLabel(240)), ..request(1, "mandelbrot") }),
        Answer::Started
    );
    let info = member.wait(|message| if let Message::StreamInfo(info) = message { Some(info) } else { None });
    assert_eq!((info.width, info.height, info.rendition), (426, 240, RenditionLabel(240)));
    assert_eq!(hub.events.count(&json!({"event": "rendition"})), 0, "nothing is sent without credit");
    let mut received: u64 = 0;
    for offset in [40_000, 80_000, 100_000] {
        member.send(Credit { play: PlayId(1), epoch: PlayEpoch(0), offset });
        // It may hold back a part that the credit does not cover whole, and no more than that.
        while received + (MAX_PART as u64) < offset {
            let part =
                member.wait(|message| if let Message::Packet(packet) = message { Some(packet.data) } else { None });
            received += part.len() as u64;
            assert!(received <= offset, "{received} of {offset}");
        }
    }
    let told = json!({"event": "rendition", "name": "viewer", "title": "mandelbrot", "width": 426, "height": 240});
    hub.events.wait(told);
    let (rest, reason) = play_out(&mut member, 1, 0);
    assert_eq!(reason, EndReason::Finished);
    assert!(rest > 0);
    hub.events.wait(json!({"event": "play_ended", "name": "viewer", "play": "1", "reason": "finished"}));

    assert_eq!(ask(&mut member, request(2, "mandelbrot")), Answer::Started);
    member.send(Stop { play: PlayId(2) });
    member.send(Stop { play: PlayId(2) });
    hub.events.wait(json!({"event": "play_ended", "name": "viewer", "play": "2", "reason": "stopped"}));
    assert_eq!(ask(&mut member, request(3, "mandelbrot")), Answer::Started);
    drop(member);
    hub.events.wait(json!({"event": "play_ended", "name": "viewer", "play": "3", "reason": "lost"}));
}

fn bad_input_44_titles_that_are_paths(wire: Wire) {
    let hub = hub_with(TITLE, &[]);
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    let mut mallory = Raw::join(&hub, wire, "mallory");
    let (long, slashes) = ("x".repeat(10_000), "../".repeat(100) + "etc/passwd");
    let titles = ["../wide", "/etc/passwd", "wide\0", "%2e%2e/wide", "..\\wide", "", ".", "..", "wide.mp4", "./wide"];
    for title in titles.into_iter().chain([&*long, &*slashes]) {
        assert_eq!(ask(&mut mallory, request(1, title)), Answer::Refused(Code::NoSuchTitle), "{title:?}");
    }
    assert_eq!(ask(&mut mallory, request(1, "wide")), Answer::Started);
    exchange(&alice, &bob);
}

fn bad_input_46_a_rendition_that_is_missing(wire: Wire) {
    let files = [
        ("both_120p.mp4", "unaligned_120p.mp4"),
        ("both_180p.mp4", "unaligned_180p.mp4"),
        ("one_120p.mp4", "unaligned_120p.mp4"),
    ];
    let hub = hub_with(&files, &[]);
    let mut viewer = Raw::join(&hub, wire, "viewer");
    let mode = PlayMode::Fixed(RenditionLabel(180));
    assert_eq!(ask(&mut viewer, Play { mode, ..request(1, "one") }), Answer::Refused(Code::NoSuchRendition));
    assert_eq!(ask(&mut viewer, Play { mode, ..request(1, "both") }), Answer::Started);
    assert_eq!(play_out(&mut viewer, 1, 0).1, EndReason::Finished);

    assert_eq!(ask(&mut viewer, Play { mode: PlayMode::Tour, ..request(2, "one") }), Answer::Started);
    let notice = viewer.wait(|message| if let Message::PlayNotice(notice) = message { Some(notice) } else { None });
    assert_eq!((notice.play, notice.code), (PlayId(2), Code::RenditionMissing));
    assert!(notice.text.contains("180p"), "{}", notice.text);
    assert_eq!(play_out(&mut viewer, 2, 0).1, EndReason::Finished);
}

fn bad_input_47_48_files_that_cannot_be_played(wire: Wire) {
    let box_of = |size: u32, kind: &[u8; 4]| [&size.to_be_bytes()[..], kind, &[0; 24]].concat();
    let no_moov = box_of(32, b"mdat");
    let made_up: Vec<(&str, Vec<u8>)> = vec![
        ("nomoov.mp4", no_moov),
        ("zero.mp4", box_of(0, b"moov")),
        ("one.mp4", box_of(1, b"moov")),
        ("huge.mp4", box_of(u32::MAX, b"moov")),
        ("noise.mp4", vec![0x5a; 4096]),
        ("empty.mp4", vec![]),
    ];
    let borrowed: Vec<(&str, &[u8])> = made_up.iter().map(|(name, content)| (*name, &content[..])).collect();
    let hub = hub_with(TITLE, &borrowed);
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    let mut viewer = Raw::join(&hub, wire, "viewer");
    viewer.send(ListVideos {});
    let titles = viewer.wait(|message| if let Message::Videos(videos) = message { Some(videos.titles) } else { None });
    let with_reason = titles.iter().filter(|title| !title.unplayable.is_empty() && title.renditions.is_empty());
    assert_eq!((titles.len(), with_reason.count()), (7, 6));
    for (file, _) in &made_up {
        let title = file.trim_end_matches(".mp4");
        assert_eq!(ask(&mut viewer, request(1, title)), Answer::Refused(Code::Unplayable), "{title}");
    }
    assert_eq!(ask(&mut viewer, request(1, "wide")), Answer::Started);
    assert_eq!(play_out(&mut viewer, 1, 0).1, EndReason::Finished);
    alice.ask("videos");
    alice.wait(json!({"event": "videos"}));
    exchange(&alice, &bob);
}

fn bad_input_51_times_outside_the_title(wire: Wire) {
    let hub = hub_with(TITLE, &[]);
    let mut viewer = Raw::join(&hub, wire, "viewer");
    let at = |seconds: i64| MediaTime(seconds * 1_000_000);
    let ranges = [
        (at(-1), None),
        (at(2), None),
        (at(100), None),
        (at(1), Some(at(1))),
        (at(1), Some(at(0))),
        (MediaTime(i64::MIN), None),
        (MediaTime(i64::MAX), None),
        (at(0), Some(MediaTime(i64::MIN))),
    ];
    for (start, end) in ranges {
        let play = Play { start, end, ..request(1, "wide") };
        assert_eq!(ask(&mut viewer, play), Answer::Refused(Code::OutOfRange), "{start:?} {end:?}");
    }
    assert_eq!(ask(&mut viewer, request(1, "wide")), Answer::Started);
    for (epoch, to) in [at(-1), at(2), MediaTime(i64::MIN), MediaTime(i64::MAX)].into_iter().enumerate() {
        let epoch = PlayEpoch(u32::try_from(epoch).unwrap() + 1);
        viewer.send(Seek { play: PlayId(1), epoch, to });
        assert_eq!(answer(&mut viewer), Answer::Refused(Code::OutOfRange), "{to:?}");
    }
    // It plays on as before, and goes to where it can.
    viewer.send(Seek { play: PlayId(1), epoch: PlayEpoch(9), to: at(1) });
    let info = viewer.wait(|message| match message {
        Message::StreamInfo(info) if info.epoch == PlayEpoch(9) => Some(info),
        _ => None,
    });
    assert_eq!(info.show_from, at(1));
    assert_eq!(play_out(&mut viewer, 1, 9).1, EndReason::Finished);
}

fn bad_input_52_the_seventeenth_play(wire: Wire) {
    let hub = hub_with(TITLE, &[]);
    let (alice, bob) = (TestMember::join(&hub, wire, "alice"), TestMember::join(&hub, wire, "bob"));
    let mut greedy = Raw::join(&hub, wire, "greedy");
    let most = u32::try_from(MAX_PLAYS).unwrap();
    for play in 1..=most {
        assert_eq!(ask(&mut greedy, request(play, "wide")), Answer::Started);
    }
    for play in most + 1..=100 {
        assert_eq!(ask(&mut greedy, request(play, "wide")), Answer::Refused(Code::TooManyPlays));
    }
    assert_eq!(ask(&mut greedy, request(1, "wide")), Answer::Refused(Code::ProtocolViolation), "that number is in use");
    exchange(&alice, &bob);
    let mut other = Raw::join(&hub, wire, "other");
    assert_eq!(ask(&mut other, request(1, "wide")), Answer::Started, "another member's plays are its own");
    greedy.send(Stop { play: PlayId(3) });
    assert_eq!(ask(&mut greedy, request(17, "wide")), Answer::Started);
    assert_eq!(play_out(&mut greedy, 17, 0).1, EndReason::Finished);
}

fn a_play_goes_on_in_another_rendition_of_those_that_it_was_told(wire: Wire) {
    let (hub, _) = hub_over("videos");
    let mut member = Raw::join(&hub, wire, "viewer");
    member.send(request(1, "mandelbrot"));
    let started = member.wait(|message| if let Message::PlayStarted(started) = message { Some(started) } else { None });
    let labels: Vec<_> = started.ladder.iter().map(|rung| (rung.label.0, rung.adaptive)).collect();
    assert_eq!(labels, [(240, true), (720, true), (1080, true)]);
    assert!(started.ladder.iter().all(|rung| rung.peak >= rung.bitrate && rung.bitrate > 100_000));
    member.send(Credit { play: PlayId(1), epoch: PlayEpoch(0), offset: 100_000 });
    member.wait(|message| matches!(message, Message::Packet(_)).then_some(()));
    hub.events.wait(json!({"event": "rendition", "name": "viewer", "height": 240}));
    let switch = |rendition, epoch| SwitchRendition {
        play: PlayId(1),
        epoch: PlayEpoch(epoch),
        rendition: RenditionLabel(rendition),
        from: Some(MediaTime(1_500_000)),
    };
    // Of another epoch it is late, and of a rendition that is not there an error.
    member.send(switch(1080, 7));
    member.send(switch(480, 0));
    assert_eq!(answer(&mut member), Answer::Refused(Code::NoSuchRendition));
    member.send(switch(720, 0));
    let cut = member.wait(|message| if let Message::StreamCut(cut) = message { Some(cut) } else { None });
    assert_eq!((cut.epoch, cut.show_until), (PlayEpoch(0), MediaTime(1_980_000)));
    member.send(Credit { play: PlayId(1), epoch: PlayEpoch(0), offset: 500_000 });
    let info = member.wait(|message| if let Message::StreamInfo(info) = message { Some(info) } else { None });
    assert_eq!((info.rendition, info.show_from), (RenditionLabel(720), MediaTime(2_000_000)));
    hub.events.wait(json!({"event": "rendition", "name": "viewer", "height": 720}));
    assert_eq!(play_out(&mut member, 1, 0).1, EndReason::Finished);
}

fn a_tour_is_left_where_the_picture_is(wire: Wire) {
    let hub = hub_with(&[("both_120p.mp4", "unaligned_120p.mp4"), ("both_180p.mp4", "one_keyframe.mp4")], &[]);
    let mut member = Raw::join(&hub, wire, "viewer");
    assert_eq!(ask(&mut member, Play { mode: PlayMode::Tour, ..request(1, "both") }), Answer::Started);
    let (play, epoch, to) = (PlayId(1), PlayEpoch(1), MediaTime(1_500_000));
    let begins = |member: &mut Raw| {
        member.wait(|message| match message {
            Message::StreamInfo(info) if info.epoch == epoch => Some((info.rendition, info.show_from)),
            _ => None,
        })
    };
    member.send(Seek { play, epoch, to });
    // The hub has begun another rendition before it hears of the switch.
    assert_eq!(begins(&mut member), (RenditionLabel(120), to));
    member.send(SwitchRendition { play, epoch, rendition: RenditionLabel(180), from: None });
    let cut = member.wait(|message| if let Message::StreamCut(cut) = message { Some(cut) } else { None });
    assert_eq!((cut.epoch, cut.show_until), (epoch, to));
    member.send(Credit { play, epoch, offset: u64::MAX });
    assert_eq!(begins(&mut member), (RenditionLabel(180), to), "there, and not at the next keyframe, if there is one");
    let first = member.wait(|message| if let Message::Packet(packet) = message { Some(packet) } else { None });
    assert_eq!((first.rendition, first.pts), (RenditionLabel(180), MediaTime::ZERO));
    assert_eq!(play_out(&mut member, 1, 1).1, EndReason::Finished);
}

fn a_codec_that_the_member_lacks_is_refused_by_name(wire: Wire) {
    let hub = hub_with(TITLE, &[]);
    let mut member = Raw::join(&hub, wire, "viewer");
    let play = |decodes| Play { decodes, ..request(1, "wide") };
    member.send(play(vec![Codec::VP9]));
    let text = member.wait(|message| if let Message::PlayRefused(refused) = message { Some(refused) } else { None });
    assert_eq!(text.code, Code::Unplayable);
    assert!(text.text.contains("h264"), "{}", text.text);
    assert_eq!(ask(&mut member, play(vec![Codec::VP9, Codec::H264])), Answer::Started);
}
