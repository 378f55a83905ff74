//! Decoding a little ahead of what is shown.

use std::ops::Range;

use super::{End, Engine, Ready};
use crate::{
    types::{EndReason, MediaTime},
    video::{
        decode::{Decode, Decoded, Undecodable},
        feed::Entry,
        input::{Packet, Segment},
        report::{Media, Report},
    },
};

/// Decoded pictures held: one to show, one to tell whether that one may be left out, and two against jitter
/// in decoding. At 4K each takes 12 MB.
pub(super) const MOST_READY: usize = 4;

/// Packets after which a stream that has given no picture is taken for unplayable: some seconds of it.
pub(super) const HOPELESS_AFTER: u64 = 150;

/// Errors in a row without a packet in between after which a decoder is given up: more than it can hold.
const MOST_ERRORS_IN_A_ROW: u32 = 64;

/// The decoder of the segment that has its turn.
pub(super) struct Stage {
    decoder: Box<dyn Decode>,
    segment: u64,
    frame_duration: MediaTime,
    /// Where it begins to be shown.
    from: MediaTime,
    /// What of it is shown, as far as the decoder does not know: a cut came later, or others were quicker.
    shows: Range<MediaTime>,
    hungry: bool,
    errors: u32,
}

/// What came of trying to decode.
#[derive(PartialEq, Eq)]
pub(super) enum Progress {
    Moved,
    Full,
    Dry,
}

impl Engine {
    /// Decodes a little, when there is room and something to decode.
    pub(super) fn advance(&mut self) -> Result<Progress, End> {
        if self.ready.len() >= MOST_READY {
            return Ok(Progress::Full);
        }
        match &mut self.stage {
            Some(stage) if !stage.hungry => self.pull(),
            _ => self.feed_on(),
        }
    }

    /// Takes what the decoder has.
    fn pull(&mut self) -> Result<Progress, End> {
        let Some(stage) = &mut self.stage else { return Ok(Progress::Moved) };
        let decoded = stage.decoder.next();
        stage.errors = if decoded.is_err() { stage.errors + 1 } else { 0 };
        match decoded {
            Ok(Decoded::Frame(frame)) if !stage.shows.contains(&frame.pts) => self.parts.tally.decoded(),
            Ok(Decoded::Frame(frame)) if frame.pts < self.last_decoded => {
                // Damage can make a decoder give a picture after its time: the ones after it were taken already.
                self.parts.tally.corrupt(Undecodable("a picture out of order".into()));
            }
            Ok(Decoded::Frame(frame)) => {
                (self.last_decoded, self.last_length) = (frame.pts, stage.frame_duration);
                self.ready.push_back(Ready { frame, segment: stage.segment, duration: stage.frame_duration });
                self.parts.tally.decoded();
            }
            Ok(Decoded::Hidden) => self.parts.tally.decoded(),
            Ok(Decoded::Preview(frame)) => {
                self.parts.tally.decoded();
                let wanted = stage.from;
                self.preview(frame, wanted)?;
            }
            Ok(Decoded::Hungry) => stage.hungry = true,
            Ok(Decoded::Finished) => self.stage = None,
            Err(error) => {
                if stage.errors > MOST_ERRORS_IN_A_ROW {
                    self.stage = None;
                }
                self.parts.tally.corrupt(error);
                self.give_up_after(HOPELESS_AFTER)?;
            }
        }
        Ok(Progress::Moved)
    }

    /// Gives the decoder what has its turn.
    fn feed_on(&mut self) -> Result<Progress, End> {
        let Some(entry) = self.feed.front() else { return Ok(Progress::Dry) };
        if let (Entry::Segment(_) | Entry::LastPicture | Entry::End(_), Some(stage)) = (entry, &mut self.stage) {
            // What is inside comes out before anything of the next segment.
            stage.decoder.finish();
            stage.hungry = false;
            return Ok(Progress::Moved);
        }
        match self.feed.pop() {
            Some(Entry::Segment(segment)) => self.open(&segment)?,
            Some(Entry::Packet(packet)) => self.decode(&packet)?,
            Some(Entry::End(reason)) => {
                if reason == EndReason::Finished {
                    self.give_up_after(1)?;
                }
                self.ended = Some(reason);
            }
            Some(Entry::LastPicture) | None => {}
        }
        Ok(Progress::Moved)
    }

    /// Gives a packet to the decoder; one that it does not take is skipped and counted.
    fn decode(&mut self, packet: &Packet) -> Result<(), End> {
        let fed = match &mut self.stage {
            Some(stage) => {
                stage.hungry = false;
                stage.decoder.feed(packet)
            }
            None => Err(Undecodable("a packet before any rendition".into())),
        };
        match fed {
            Ok(()) => self.parts.tally.fed(),
            Err(error) => self.parts.tally.corrupt(error),
        }
        let (bytes, at) = (packet.data.len() as u64, self.position());
        (self.parts.reports)(Report::Consumed { epoch: self.epoch, media: Media::Pictures, bytes, at });
        self.give_up_after(HOPELESS_AFTER)
    }

    /// Begins a segment. The one before is through.
    fn open(&mut self, segment: &Segment) -> Result<(), End> {
        let decoder = self.parts.decoders.open(segment).map_err(|error| End::Unplayable(error.0))?;
        self.segments += 1;
        self.knowledge.opened(segment);
        self.stage = Some(Stage {
            decoder,
            segment: self.segments,
            frame_duration: segment.frame_duration,
            from: segment.from,
            shows: self.not_shown_before(segment)..MediaTime(i64::MAX),
            hungry: true,
            errors: 0,
        });
        Ok(())
    }

    /// The stage's segment is shown up to here only.
    pub(super) fn cut_stage(&mut self, until: MediaTime) {
        if let Some(stage) = &mut self.stage {
            stage.shows.end = stage.shows.end.min(until);
        }
    }

    /// Ends the play when this many packets have given no picture at all.
    fn give_up_after(&self, packets: u64) -> Result<(), End> {
        self.parts.tally.hopeless(packets).map_or(Ok(()), |text| Err(End::Unplayable(text)))
    }
}
