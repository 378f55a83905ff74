//! One play: what is read from files and sent, as far as the player's credit reaches.
//!
//! ```text
//!   Plan ──▶ next_read ──▶ reader pool ──▶ take_read ──▶ ready packets ──▶ next_message ──▶ media lane
//! ```
//!
//! Nothing is read ahead but one batch, so a paused or slow player costs the hub one batch of memory and no work.

mod sound;
mod subtitles;
mod switch;

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;

use self::{sound::PlaySound, subtitles::SubtitleQueue};
use crate::{
    proto::{
        Message,
        message::{Packet, StreamEnd, StreamInfo},
    },
    types::{Codec, EndReason, MediaTime, PlayEpoch, PlayId, PlayMode, limits::PART},
    video::{self, PixelAspect, Plan, PlanError, ReadError, Rendition, Segment, Title, VideoSource, batches},
};

pub(super) use self::{
    sound::unheard,
    switch::{ladder, left_out},
};

/// Bit 0 of a packet's flags.
const KEY_FRAME: u8 = 1;

/// Packets that the reader pool is to read.
#[derive(Clone, Debug)]
pub struct Batch {
    pub epoch: PlayEpoch,
    pub rendition: Arc<Rendition>,
    pub packets: video::Batch,
    pub track: Track,
}

/// Which of a file's tracks packets are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    Pictures,
    Sound,
}

impl Batch {
    /// Reads it: each packet with its position. May block on a disk.
    ///
    /// # Errors
    /// When the file cannot be read, or is another one by now.
    pub fn read(&self, source: &dyn VideoSource) -> Result<Vec<(usize, Bytes)>, ReadError> {
        match self.track {
            Track::Pictures => source.read_batch(&self.rendition, &self.packets),
            Track::Sound => source.read_sound(&self.rendition, self.packets.packets.clone()),
        }
    }
}

/// What a play sends next.
#[derive(Debug)]
pub enum Step {
    /// A rendition begins: tell the player, and the operator.
    Rendition(Message, Arc<Rendition>),
    /// A part of a packet, or of subtitles.
    Media(Message),
    /// The last message of the epoch.
    End(Message),
}

/// A packet that was read, and how much of it has been sent.
#[derive(Debug)]
struct ReadPacket {
    index: usize,
    data: Bytes,
    sent: usize,
    part: u16,
}

/// One play of one title on one link.
#[derive(Debug)]
pub struct Play {
    id: PlayId,
    title: Arc<Title>,
    /// After a seek it goes on like this: the tour, or the rendition that it is in.
    mode: PlayMode,
    end: Option<MediaTime>,
    epoch: PlayEpoch,
    segments: VecDeque<Segment>,
    /// The last segment, once all of it was sent: it can still be cut.
    over: Option<Segment>,
    /// Told before anything else is sent.
    cut: Option<MediaTime>,
    /// The packet of the first segment that is read next; nothing before its `StreamInfo` was sent.
    next: Option<usize>,
    reading: bool,
    ready: VecDeque<ReadPacket>,
    seq: u32,
    sent: u64,
    credit: u64,
    ended: bool,
    /// Nothing for a silent play.
    sound: Option<PlaySound>,
    subtitles: SubtitleQueue,
}

/// What a member asks of a play.
#[derive(Clone, Debug)]
pub struct Request {
    pub id: PlayId,
    pub mode: PlayMode,
    pub start: MediaTime,
    pub end: Option<MediaTime>,
    pub max_height: Option<u32>,
    /// Whether frames are wanted as fast as they come.
    pub full_speed: bool,
    /// What the member decodes; empty when it does not say.
    pub decodes: Vec<Codec>,
}

impl Play {
    /// Plans a play; also says which renditions are left out.
    ///
    /// # Errors
    /// When the request does not fit the title or the member.
    pub fn new(title: Arc<Title>, request: &Request) -> Result<(Self, Plan), PlanError> {
        let title = switch::playable(title, request)?;
        let mode = switch::first_mode(&title, request);
        let planned = Plan::new(&title, mode, request.start, request.end)?;
        let subtitles = title.subtitles.clone();
        let play = Self {
            id: request.id,
            title,
            mode,
            end: request.end,
            epoch: PlayEpoch::default(),
            segments: planned.segments.clone().into(),
            over: None,
            cut: None,
            next: None,
            reading: false,
            ready: VecDeque::new(),
            seq: 0,
            sent: 0,
            credit: 0,
            ended: false,
            sound: None,
            subtitles: SubtitleQueue::new(&subtitles),
        };
        Ok((play, planned))
    }

    /// Sends the title's sound along, if it has any that the member decodes; `decodes` is empty when that is not known.
    #[must_use]
    pub fn with_sound(mut self, decodes: &[Codec]) -> Self {
        self.sound = PlaySound::of(&self.title, decodes);
        self.begin_sound();
        self
    }

    /// The title that is played, without what is higher than asked for or cannot be decoded.
    #[must_use]
    pub fn title(&self) -> &Arc<Title> {
        &self.title
    }

    /// Whether all of it has been sent.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.ended
    }

    /// Raises the credit of an epoch; what is meant for another epoch is late and changes nothing.
    pub fn raise_credit(&mut self, epoch: PlayEpoch, offset: u64) {
        if epoch == self.epoch {
            self.credit = self.credit.max(offset);
        }
    }

    /// Goes on at another place, under a new epoch.
    ///
    /// # Errors
    /// When the place is outside of the title; the play goes on as before.
    pub fn seek(&mut self, epoch: PlayEpoch, to: MediaTime) -> Result<(), PlanError> {
        let planned = Plan::sought(&self.title, self.mode, to, self.end)?;
        self.segments = planned.segments.into();
        self.epoch = epoch;
        // A read that is under way stays the only one: seeks without end must not pile up reads.
        (self.next, self.ended) = (None, false);
        (self.over, self.cut) = (None, None);
        self.ready.clear();
        (self.seq, self.sent, self.credit) = (0, 0, 0);
        self.begin_sound();
        Ok(())
    }

    /// What is to be read now, if anything is. The answer comes by [`Play::take_read`].
    pub fn next_read(&mut self) -> Option<Batch> {
        self.next_sound_read().or_else(|| self.next_picture_read())
    }

    fn next_picture_read(&mut self) -> Option<Batch> {
        if self.reading || !self.ready.is_empty() || self.sent >= self.credit {
            return None;
        }
        let segment = self.segments.front()?;
        let from = self.next?;
        let packets = batches(&segment.rendition.index, from..segment.packets.end).next()?;
        self.reading = true;
        Some(Batch { epoch: self.epoch, rendition: Arc::clone(&segment.rendition), packets, track: Track::Pictures })
    }

    /// Whether a batch is of the current epoch, and comes next.
    #[must_use]
    pub fn wants(&self, batch: &Batch) -> bool {
        if batch.track == Track::Sound {
            return batch.epoch == self.epoch;
        }
        let is_next = self.next == Some(batch.packets.packets.start);
        let front = self.segments.front();
        batch.epoch == self.epoch
            && is_next
            && front.is_some_and(|front| Arc::ptr_eq(&front.rendition, &batch.rendition))
    }

    /// Takes in what was read, each packet with its position. An answer for another epoch or for a segment that was
    /// cut meanwhile is late and dropped.
    pub fn take_read(&mut self, batch: &Batch, packets: Vec<(usize, Bytes)>) {
        let wanted = self.wants(batch);
        if batch.track == Track::Sound {
            return self.take_sound_read(wanted, packets);
        }
        self.reading = false;
        if !wanted {
            return;
        }
        let end = self.segments.front().map_or(0, |front| front.packets.end);
        self.next = Some(batch.packets.packets.end.min(end));
        let read = packets.into_iter().filter(|(index, _)| *index < end);
        self.ready.extend(read.map(|(index, data)| ReadPacket { index, data, sent: 0, part: 0 }));
    }

    /// The next message, as far as credit and what was read reach.
    pub fn next_step(&mut self) -> Option<Step> {
        if self.ended {
            return None;
        }
        if let Some(part) = self.next_subtitles() {
            return Some(Step::Media(part));
        }
        if let Some(cut) = self.next_cut() {
            return Some(Step::Media(cut));
        }
        if let Some(sound) = self.next_sound() {
            return Some(sound);
        }
        let Some(segment) = self.segments.front() else {
            if !self.has_sent_sound() {
                return None;
            }
            self.ended = true;
            let end = StreamEnd { play: self.id, epoch: self.epoch, reason: EndReason::Finished };
            return Some(Step::End(end.into()));
        };
        match self.next {
            None => {
                let step = Step::Rendition(self.stream_info(segment), Arc::clone(&segment.rendition));
                self.next = Some(segment.packets.start);
                Some(step)
            }
            Some(next) if self.ready.is_empty() && next >= segment.packets.end => {
                self.over = self.segments.pop_front();
                self.next = None;
                self.next_step()
            }
            Some(_) => self.next_part().map(Step::Media),
        }
    }

    fn stream_info(&self, segment: &Segment) -> Message {
        let index = &segment.rendition.index;
        let format = index.format();
        let (pixel_width, pixel_height) = index.pixels().map_or((0, 0), PixelAspect::ratio);
        StreamInfo {
            play: self.id,
            epoch: self.epoch,
            rendition: segment.rendition.label,
            width: format.width,
            height: format.height,
            codec: format.codec,
            extradata: format.extradata.clone().into(),
            show_from: segment.show.start,
            show_until: Some(segment.show.end),
            frame_duration: index.frame_duration(),
            rotation: index.rotation().degrees(),
            pixel_width,
            pixel_height,
        }
        .into()
    }

    fn next_part(&mut self) -> Option<Message> {
        let room = self.credit.saturating_sub(self.sent);
        let segment = self.segments.front()?;
        let front = self.ready.front_mut()?;
        if front.sent == 0 && self.sound.as_ref().is_some_and(PlaySound::is_behind) {
            return None;
        }
        let is_last = self.segments.len() == 1 && front.index + 1 >= segment.packets.end;
        let left = front.data.len() - front.sent;
        // Parts are not cut where the credit ends: a packet never has more of them than can be counted.
        let size = left.min(PART);
        if size as u64 > room {
            return None;
        }
        let entry = segment.rendition.index.packets().get(front.index)?;
        let data = front.data.slice(front.sent..front.sent + size);
        let last = size == left;
        let packet = Packet {
            play: self.id,
            epoch: self.epoch,
            seq: self.seq,
            part: front.part,
            last,
            rendition: segment.rendition.label,
            pts: entry.pts,
            dts: entry.dts,
            duration: entry.duration,
            flags: if entry.keyframe { KEY_FRAME } else { 0 } | if is_last { Packet::LAST_PICTURE } else { 0 },
            data: data.into(),
        };
        front.sent += size;
        front.part += 1;
        self.sent += size as u64;
        if last {
            self.ready.pop_front();
            self.seq += 1;
            self.sound.iter_mut().for_each(|sound| sound.follow(entry.dts + entry.duration));
        }
        Some(packet.into())
    }
}

#[cfg(test)]
mod reading_tests;
#[cfg(test)]
mod sound_tests;
#[cfg(test)]
mod tests;
