//! What a hub sends of sound, in order and out of it.

use std::time::Instant;

use super::{
    tests::{begun_where, request},
    *,
};
use crate::{
    client::command::SeekTarget,
    proto::message::{Sound, SoundInfo},
    types::{Codec, limits::MAX_PART},
    video::report::Media,
};

/// A play that the hub has started, and whether sound was asked for; `can` says whether there is a device.
fn started(can: bool, sound: bool, full_speed: bool) -> (MemberPlays, PlayId, bool) {
    let mut plays = MemberPlays::default();
    let (id, outputs) = begun_where(&mut plays, PlayRequest { full_speed, sound, ..request(None) }, can);
    let asked = outputs.iter().find_map(|output| match output {
        Output::Send(Message::Play(play)) => Some(play.sound),
        _ => None,
    });
    (plays, id, asked.unwrap())
}

fn info(play: PlayId) -> SoundInfo {
    SoundInfo {
        play,
        epoch: PlayEpoch(0),
        codec: Codec::AAC,
        sample_rate: 48_000,
        channels: 2,
        extradata: vec![0x11, 0x90].into(),
        hear_from: MediaTime::ZERO,
        hear_until: MediaTime(12_000_000),
    }
}

fn sound(play: PlayId, epoch: u32, seq: u32, size: usize) -> Message {
    let (epoch, pts, duration) = (PlayEpoch(epoch), MediaTime(i64::from(seq) * 20_000), MediaTime(20_000));
    Sound { play, epoch, seq, pts, duration, data: vec![1; size].into() }.into()
}

fn pieces(outputs: &[Output]) -> usize {
    outputs.iter().filter(|output| matches!(output, Output::Player(_, Input::Sound(_)))).count()
}

fn notices(outputs: &[Output]) -> Vec<Code> {
    let code = |output: &Output| match output {
        Output::Event(Event::Notice { code, .. }, _) => Some(*code),
        _ => None,
    };
    outputs.iter().filter_map(code).collect()
}

#[test]
fn sound_is_asked_for_where_it_is_heard_and_never_at_full_speed() {
    for (can, wanted, full_speed, asked) in
        [(true, true, false, true), (false, true, false, false), (true, false, false, false), (true, true, true, false)]
    {
        assert_eq!(started(can, wanted, full_speed).2, asked, "{can} {wanted} {full_speed}");
    }
}

#[test]
fn sound_goes_to_the_player_in_order_and_counts_for_credit() {
    let (mut plays, id, _) = started(true, true, false);
    let now = Instant::now();
    let outputs = plays.message(info(id).into(), now);
    assert!(matches!(&outputs[..], [Output::Player(_, Input::SoundTrack { .. })]), "{outputs:?}");
    for seq in 0..10 {
        assert_eq!(pieces(&plays.message(sound(id, 0, seq, 400), now)), 1);
    }
    assert!(plays.message(sound(id, 7, 10, 400), now).is_empty(), "of another epoch");
    let outputs = plays.message(sound(id, 0, 11, 400), now);
    assert_eq!((pieces(&outputs), notices(&outputs)), (0, vec![Code::Unplayable]), "one is missing");
}

#[test]
fn bad_input_63_sound_beyond_credit_or_its_size_ends_the_play() {
    let now = Instant::now();
    let (mut plays, id, _) = started(true, true, false);
    plays.message(info(id).into(), now);
    let outputs = plays.message(sound(id, 0, 0, MAX_PART + 1), now);
    assert!(
        matches!(&outputs[..], [_, Output::Player(_, Input::End { reason: EndReason::Unplayable })]),
        "{outputs:?}"
    );

    let (mut plays, id, _) = started(true, true, false);
    plays.message(info(id).into(), now);
    let ends =
        |outputs: Vec<Output>| outputs.iter().any(|output| matches!(output, Output::Player(_, Input::End { .. })));
    let most = u32::try_from(2 * crate::types::limits::CREDIT_WINDOW).unwrap() / 32_768;
    assert!((0..most).any(|seq| ends(plays.message(sound(id, 0, seq, MAX_PART), now))), "nobody took any of it");
}

#[test]
fn bad_input_50_hostile_formats_are_refused_and_the_pictures_play_on() {
    let now = Instant::now();
    for hostile in [
        |info: SoundInfo| SoundInfo { channels: 0, ..info },
        |info: SoundInfo| SoundInfo { channels: u16::MAX, ..info },
        |info: SoundInfo| SoundInfo { sample_rate: 1_000_000_000, ..info },
        |info: SoundInfo| SoundInfo { sample_rate: 0, ..info },
        |info: SoundInfo| SoundInfo { extradata: vec![0; 70_000].into(), ..info },
    ] {
        let (mut plays, id, _) = started(true, true, false);
        let outputs = plays.message(hostile(info(id)).into(), now);
        assert_eq!(notices(&outputs), [Code::NoSound]);
        assert!(!outputs.iter().any(|output| matches!(output, Output::Player(..))), "{outputs:?}");
        for seq in 0..100 {
            let outputs = plays.message(sound(id, 0, seq, 400), now);
            assert_eq!((pieces(&outputs), notices(&outputs).len()), (0, 0), "let pass");
        }
        assert!(notices(&plays.message(hostile(info(id)).into(), now)).is_empty(), "told once");
    }
}

#[test]
fn a_device_that_is_missing_is_told_once_in_a_session() {
    let (mut plays, id, _) = started(true, true, false);
    let silent = || Report::Silent { text: "there is no sound device".into() };
    assert_eq!(notices(&plays.reported(id, silent(), Instant::now())), [Code::NoSound]);
    assert!(plays.reported(id, silent(), Instant::now()).is_empty());
}

#[test]
fn volume_and_mute_go_to_the_player() {
    let (mut plays, id, _) = started(true, true, false);
    let now = Instant::now();
    let louder = Report::Asked(crate::video::viewer::ViewerAction::VolumeBy(2));
    assert!(matches!(plays.reported(id, louder, now)[..], [Output::Player(_, Input::VolumeBy(2))]));
    let mute = Report::Asked(crate::video::viewer::ViewerAction::ToggleMute);
    assert!(matches!(plays.reported(id, mute, now)[..], [Output::Player(_, Input::ToggleMute)]));
}

#[test]
fn bad_input_63_of_many_packets_beyond_the_rules_one_is_told_and_the_play_ends_once() {
    let now = Instant::now();
    let (mut plays, id, _) = started(true, true, false);
    plays.message(info(id).into(), now);
    let picture = |seq| Packet {
        play: id,
        epoch: PlayEpoch(0),
        seq,
        part: 0,
        last: true,
        rendition: crate::types::RenditionLabel(240),
        pts: MediaTime::ZERO,
        dts: MediaTime::ZERO,
        duration: MediaTime(40_000),
        flags: 1,
        data: vec![0; 10].into(),
    };
    let end = message::StreamEnd { play: id, epoch: PlayEpoch(0), reason: EndReason::Finished };
    let mut outputs = plays.message(sound(id, 0, 7, 400), now);
    for seq in 7..20 {
        outputs.extend(plays.message(sound(id, 0, seq, 400), now));
        outputs.extend(plays.message(picture(seq).into(), now));
    }
    outputs.extend(plays.message(info(id).into(), now));
    outputs.extend(plays.message(end.into(), now));
    let media = Report::Consumed { epoch: PlayEpoch(0), media: Media::Sound, bytes: 400, at: MediaTime::ZERO };
    outputs.extend(plays.reported(id, media, now));
    assert_eq!(notices(&outputs), [Code::Unplayable]);
    assert!(
        matches!(
            &outputs[..],
            [_, Output::Player(_, Input::End { reason: EndReason::Unplayable }), Output::Player(_, Input::About(_))]
        ),
        "{outputs:?}"
    );
    // After a seek the hub has another chance.
    let seek = Command::Seek { target: SeekTarget::To(MediaTime::ZERO), play: None };
    plays.request(seek, None, now);
    plays.message(SoundInfo { epoch: PlayEpoch(1), ..info(id) }.into(), now);
    assert_eq!(pieces(&plays.message(sound(id, 1, 0, 400), now)), 1);
}
