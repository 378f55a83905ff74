//! One play as the member's session sees it: credit, and packets put together from their parts.

use std::time::Instant;

use bytes::BytesMut;

use super::{steer::Steering, subtitles::SubtitleParts};
use crate::{
    client::command::PlayRequest,
    proto::message,
    types::{
        MediaTime, PlayEpoch,
        limits::{CREDIT_STEP, CREDIT_WINDOW, MAX_PACKET, MAX_PART, MAX_UNTAKEN},
    },
    video::{input, render::Choice, report::Media},
};

/// How far a play has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// A display is being looked for.
    Choosing,
    /// The hub has been asked.
    Asked,
    /// A player runs; its first frame has not been shown.
    Opening,
    /// Frames are shown.
    Playing,
}

/// The hub sends what was not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadMedia {
    #[error("the hub sent more than it was given credit for")]
    BeyondCredit,
    #[error("the hub sent a part of a packet out of order")]
    OutOfOrder,
    #[error("the hub sent a packet of more than {MAX_PACKET} bytes")]
    TooLarge,
    #[error("the hub sent a packet of sound of more than {MAX_PART} bytes")]
    SoundTooLarge,
    #[error("the hub sent far more than the player can take")]
    Untaken,
}

/// A play that was asked for and has not ended.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub(super) struct MemberPlay {
    /// What the viewer calls it.
    pub(super) id: String,
    pub(super) request: PlayRequest,
    pub(super) reference: Option<String>,
    pub(super) asked_at: Instant,
    pub(super) stage: Stage,
    /// Where it will be shown, until the player has it.
    pub(super) choice: Option<Choice>,
    pub(super) title: String,
    pub(super) duration: MediaTime,
    /// Where the picture is, as far as is known.
    pub(super) at: MediaTime,
    pub(super) epoch: PlayEpoch,
    /// As the player said last.
    pub(super) is_paused: bool,
    /// What the hub was asked.
    pub(super) asked: Option<message::Play>,
    /// Where it was left before, until its first frame is shown.
    pub(super) goes_on: Option<MediaTime>,
    /// How long its frames last usually.
    pub(super) frame_duration: MediaTime,
    /// A frame before the one at this time is looked for, so far back.
    pub(super) stepping_back: Option<(MediaTime, MediaTime)>,
    /// The epoch began for another rendition: nobody wanted to go anywhere.
    pub(super) is_changing: bool,
    /// References of requests whose answer is still to come, in order.
    pub(super) pausing: Vec<Option<String>>,
    pub(super) resuming: Vec<Option<String>>,
    pub(super) seeking: Vec<Option<String>>,
    pub(super) stopping: Vec<Option<String>>,
    pub(super) subtitles: SubtitleParts,
    /// Which rendition, and how much of it.
    pub(super) steering: Steering,
    received: u64,
    consumed: u64,
    granted: u64,
    /// Of what was received and not consumed, the pictures.
    pictures_waiting: u64,
    /// What went to the player because of the hub since the player told anything, by [`input::Input::size`]. A seek does not
    /// take it back.
    untaken: u64,
    /// The hub broke the rules of media in this epoch: what it sends goes nowhere, and it is given no more credit.
    pub(super) is_broken: bool,
    parts: BytesMut,
    next_part: (u32, u16),
    pub(super) next_sound: u32,
    /// There is a device for it, and it was not asked for without sound.
    pub(super) is_audible: bool,
    /// The epoch has sound that is played.
    pub(super) has_sound: bool,
}

impl MemberPlay {
    /// `estimate` is what the link carried last, in bits a second.
    pub(super) fn new(
        id: String,
        request: PlayRequest,
        reference: Option<String>,
        estimate: Option<u64>,
        now: Instant,
    ) -> Self {
        Self {
            id,
            title: request.title.clone(),
            at: request.start.unwrap_or(MediaTime::ZERO),
            steering: Steering::new(request.mode, request.full_speed, estimate),
            request,
            reference,
            asked_at: now,
            stage: Stage::Choosing,
            choice: None,
            duration: MediaTime::ZERO,
            epoch: PlayEpoch::default(),
            is_paused: false,
            asked: None,
            goes_on: None,
            frame_duration: MediaTime::ZERO,
            stepping_back: None,
            is_changing: false,
            pausing: Vec::new(),
            resuming: Vec::new(),
            seeking: Vec::new(),
            stopping: Vec::new(),
            subtitles: SubtitleParts::default(),
            received: 0,
            consumed: 0,
            granted: 0,
            pictures_waiting: 0,
            untaken: 0,
            is_broken: false,
            parts: BytesMut::new(),
            next_part: (0, 0),
            next_sound: 0,
            is_audible: false,
            has_sound: false,
        }
    }

    /// Whether there is a player, which is asked from then on and answers.
    pub(super) fn has_begun(&self) -> bool {
        matches!(self.stage, Stage::Opening | Stage::Playing)
    }

    /// The player says where the picture is. Until the first frame behind a seek that is where it was before.
    pub(super) fn is_at(&mut self, at: MediaTime) {
        if self.steering.has_landed {
            self.at = at;
        }
    }

    /// Where it ends: what lies at or behind this is not shown. A rendition that the viewer chose may end before its title.
    pub(super) fn end(&self) -> MediaTime {
        let ends = [self.request.end, self.steering.end_of_held()];
        ends.into_iter().flatten().fold(self.duration, MediaTime::min)
    }

    /// The media of a new epoch starts from nothing.
    pub(super) fn begin_epoch(&mut self, epoch: PlayEpoch) {
        self.epoch = epoch;
        (self.received, self.consumed, self.granted, self.pictures_waiting) = (0, 0, 0, 0);
        self.is_broken = false;
        self.steering.begin_epoch();
        self.parts.clear();
        self.next_part = (0, 0);
        (self.next_sound, self.has_sound) = (0, false);
    }

    /// The offset to grant now, if it is worth a message: bounded by time, or at full speed by bytes alone.
    pub(super) fn next_credit(&mut self) -> Option<u64> {
        if self.is_broken {
            return None;
        }
        let most = self.consumed + CREDIT_WINDOW;
        let (offset, step) = if self.request.full_speed { (most, CREDIT_STEP) } else { self.timed_credit(most)? };
        if offset < self.granted + step.min(CREDIT_STEP) {
            return None;
        }
        self.granted = offset;
        Some(offset)
    }

    /// Bytes of this epoch that came.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Whether the player took every picture that came whole. Sound that waits for pictures says nothing of them.
    pub(super) fn has_taken_all(&self) -> bool {
        self.parts.len() as u64 >= self.pictures_waiting
    }

    /// The decoder took this much; of another epoch it no longer counts.
    pub(super) fn consume(&mut self, epoch: PlayEpoch, media: Media, bytes: u64) {
        if epoch != self.epoch {
            return;
        }
        self.consumed += bytes;
        if media == Media::Pictures {
            self.pictures_waiting = self.pictures_waiting.saturating_sub(bytes);
        }
    }

    /// The player told something: what was on its way to it has arrived.
    pub(super) fn has_taken(&mut self) {
        self.untaken = 0;
    }

    /// Something of the hub goes to the player.
    ///
    /// # Errors
    /// When that is too much for a player that takes nothing.
    pub(super) fn hand(&mut self, input: &input::Input) -> Result<(), BadMedia> {
        self.untaken = self.untaken.saturating_add(input.size());
        if self.untaken > MAX_UNTAKEN { Err(BadMedia::Untaken) } else { Ok(()) }
    }

    /// Counts what came, of pictures and sound alike; the link carries both.
    ///
    /// # Errors
    /// When it is more than was asked for.
    pub(super) fn receive(&mut self, media: Media, bytes: usize, now: Instant) -> Result<(), BadMedia> {
        self.received += bytes as u64;
        if media == Media::Pictures {
            self.pictures_waiting += bytes as u64;
        }
        if self.received > self.granted {
            return Err(BadMedia::BeyondCredit);
        }
        let left = self.granted - self.received;
        self.steering.part_came(now.saturating_duration_since(self.asked_at), bytes, left);
        Ok(())
    }

    /// Takes in a part; the packet when this was its last one.
    ///
    /// # Errors
    /// When the hub broke the rules of media; nothing it sends for this play can be used any more.
    pub(super) fn take_part(
        &mut self,
        part: &message::Packet,
        now: Instant,
    ) -> Result<Option<input::Packet>, BadMedia> {
        self.receive(Media::Pictures, part.data.len(), now)?;
        if (part.seq, part.part) != self.next_part {
            return Err(BadMedia::OutOfOrder);
        }
        if self.parts.len() + part.data.len() > MAX_PACKET {
            return Err(BadMedia::TooLarge);
        }
        self.parts.extend_from_slice(&part.data);
        if !part.last {
            self.next_part.1 = part.part.checked_add(1).ok_or(BadMedia::TooLarge)?;
            return Ok(None);
        }
        self.next_part = (part.seq.wrapping_add(1), 0);
        let packet = input::Packet {
            pts: part.pts,
            dts: part.dts,
            duration: part.duration,
            keyframe: part.flags & 1 != 0,
            data: self.parts.split().freeze(),
        };
        self.steering.packet_came(&packet);
        Ok(Some(packet))
    }
}
