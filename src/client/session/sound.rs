//! The sound of a play: what the hub sends of it, held to the same rules as pictures.

use std::time::Instant;

use super::{
    Output,
    play::{BadMedia, MemberPlay},
    plays::{MemberPlays, Outputs},
};
use crate::{
    client::event::Event,
    proto::message::{Sound, SoundInfo},
    types::{Code, PlayId, limits::MAX_PART},
    video::{
        SoundFormat,
        input::{Input, SoundPiece},
        report::Media,
    },
};

impl MemberPlay {
    /// Takes in a packet of sound.
    ///
    /// # Errors
    /// When the hub broke the rules of media.
    fn take_sound(&mut self, sound: &Sound, now: Instant) -> Result<(), BadMedia> {
        self.receive(Media::Sound, sound.data.len(), now)?;
        if sound.seq != self.next_sound {
            return Err(BadMedia::OutOfOrder);
        }
        if sound.data.len() > MAX_PART {
            return Err(BadMedia::SoundTooLarge);
        }
        self.next_sound = self.next_sound.wrapping_add(1);
        Ok(())
    }
}

impl MemberPlays {
    /// Whether a play can be heard here: where it is not, no sound is asked for.
    pub(super) fn can_be_heard(&mut self, id: PlayId, can: bool) {
        if let Some(play) = self.plays.get_mut(&id) {
            play.is_audible = can && play.request.sound && !play.request.full_speed;
        }
    }

    /// The sound of an epoch begins. Sound that cannot be what it says is refused, and its packets are let pass.
    pub(super) fn sound_info(&mut self, info: SoundInfo) -> Outputs {
        let Some(play) = self.receiving(info.play, info.epoch) else { return Vec::new() };
        let SoundInfo { codec, sample_rate, channels, extradata, hear_from, hear_until, .. } = info;
        let format = SoundFormat { codec, sample_rate, channels, extradata: extradata.0 };
        play.has_sound = play.is_audible && format.check().is_ok();
        match format.check() {
            Err(error) => self.silent(info.play, &error.to_string()),
            Ok(()) if play.has_sound => {
                vec![Output::Player(info.play, Input::SoundTrack { format, heard: hear_from..hear_until })]
            }
            Ok(()) => Vec::new(),
        }
    }

    /// A packet of sound.
    pub(super) fn sound(&mut self, sound: Sound, now: Instant) -> Outputs {
        let (id, epoch) = (sound.play, sound.epoch);
        let Some(play) = self.receiving(id, epoch) else { return Vec::new() };
        if let Err(error) = play.take_sound(&sound, now) {
            return self.broken(id, error);
        }
        if play.has_sound {
            let piece = SoundPiece { pts: sound.pts, duration: sound.duration, data: sound.data.0 };
            let piece = Output::Player(id, Input::Sound(piece));
            return [piece].into_iter().chain(self.grant(id)).collect();
        }
        play.consume(epoch, Media::Sound, sound.data.len() as u64);
        self.grant(id)
    }

    /// There is no sound though there should be; told once, since the reason is the machine's more often than a title's.
    pub(super) fn silent(&mut self, id: PlayId, why: &str) -> Outputs {
        let Some(play) = self.plays.get_mut(&id).filter(|_| !std::mem::replace(&mut self.told_silent, true)) else {
            return Vec::new();
        };
        let text = format!("videos play without sound: {why}");
        vec![Output::Event(Event::Notice { code: Code::NoSound, text }, play.reference.clone())]
    }
}
