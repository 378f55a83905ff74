//! All plays of one link: what the member asks for, what goes into its media lane.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    play::{Batch, Play, Request, Step, ladder, left_out, unheard},
    report::HubEvent,
};
use crate::{
    proto::{
        Message,
        message::{self, PlayNotice, PlayRefused, PlayStarted, StreamEnd},
    },
    types::{
        Code, EndReason, MemberName, PlayId, PlayMode, Printable, RenditionLabel,
        limits::{MAX_DECODES, MAX_PLAYS},
    },
    video::{Catalog, Plan, ReadError, Rendition, Title},
};

/// Something to read for a play.
#[derive(Debug)]
pub struct ReadJob {
    pub play: PlayId,
    pub batch: Batch,
}

/// What was read.
#[derive(Debug)]
pub struct ReadResult {
    pub play: PlayId,
    pub batch: Batch,
    /// Each packet of the batch with its position.
    pub data: Result<Vec<(usize, bytes::Bytes)>, ReadError>,
}

/// What the driver has to do for a play.
#[derive(Debug)]
pub enum PlayOutput {
    /// Queue on the chat lane: answers overtake media.
    Control(Message),
    /// Queue on the media lane.
    Media(Message),
    /// Tell the operator.
    Report(HubEvent),
}

/// The plays of one member.
#[derive(Debug)]
pub struct Plays {
    member: MemberName,
    running: BTreeMap<PlayId, Play>,
    /// What the operator was told last that a play sends.
    told: BTreeMap<PlayId, RenditionLabel>,
    /// What a play has announced to its member, and sent nothing of: that costs a member no credit, and the operator is
    /// not told of it.
    announced: BTreeMap<PlayId, Arc<Rendition>>,
    /// The highest number that a play had.
    newest: Option<PlayId>,
    /// Whose turn it is: plays share the lane part by part.
    turn: Option<PlayId>,
}

impl Plays {
    /// No plays yet.
    #[must_use]
    pub fn new(member: MemberName) -> Self {
        let (running, told, announced) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { member, running, told, announced, newest: None, turn: None }
    }

    /// Whether nothing is played.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// How many are played.
    #[must_use]
    pub fn len(&self) -> usize {
        self.running.len()
    }

    /// Takes a message about video.
    pub fn message(&mut self, message: Message, catalog: &Catalog) -> Vec<PlayOutput> {
        match message {
            Message::Play(play) => self.start(&play, catalog),
            Message::Stop(stop) => self.stop(stop.play),
            Message::Credit(credit) => {
                if let Some(play) = self.running.get_mut(&credit.play) {
                    play.raise_credit(credit.epoch, credit.offset);
                }
                Vec::new()
            }
            Message::Seek(seek) => self.seek(&seek),
            Message::SwitchRendition(switch) => self.switch(&switch),
            _ => Vec::new(),
        }
    }

    /// What can be read now.
    pub fn reads(&mut self) -> impl Iterator<Item = ReadJob> + '_ {
        let of_one = |(id, play): (&PlayId, _)| {
            let (id, play): (PlayId, &mut Play) = (*id, play);
            // Pictures and sound.
            std::iter::from_fn(move || Some(ReadJob { play: id, batch: play.next_read()? }))
        };
        self.running.iter_mut().flat_map(of_one)
    }

    /// Takes in what was read.
    pub fn take_read(&mut self, result: ReadResult) -> Vec<PlayOutput> {
        let Some(play) = self.running.get_mut(&result.play) else { return Vec::new() };
        match result.data {
            Ok(data) => {
                play.take_read(&result.batch, data);
                Vec::new()
            }
            // After a seek it is read anew; an end of the epoch before would mean nothing to the member.
            Err(_) if !play.wants(&result.batch) => {
                play.take_read(&result.batch, Vec::new());
                Vec::new()
            }
            Err(error) => {
                log::warn!("{}: {error}", Printable(&result.batch.rendition.file));
                let reason = error.end_reason();
                let end = StreamEnd { play: result.play, epoch: result.batch.epoch, reason };
                let mut outputs = vec![PlayOutput::Media(end.into())];
                outputs.extend(self.over(result.play, reason));
                outputs
            }
        }
    }

    /// The next part of the play whose turn it is.
    pub fn next_outputs(&mut self) -> Vec<PlayOutput> {
        let after = self.turn.map_or(0, |PlayId(id)| id.wrapping_add(1));
        let order: Vec<PlayId> =
            self.running.range(PlayId(after)..).chain(self.running.range(..PlayId(after))).map(|(id, _)| *id).collect();
        for id in order {
            if let Some(step) = self.running.get_mut(&id).and_then(Play::next_step) {
                self.turn = Some(id);
                return self.outputs_of(id, step);
            }
        }
        Vec::new()
    }

    /// Ends all plays because the link or the hub goes.
    pub fn end_all(&mut self, reason: EndReason) -> Vec<PlayOutput> {
        let ids: Vec<_> = self.running.keys().copied().collect();
        ids.into_iter().filter_map(|id| self.over(id, reason)).collect()
    }

    fn outputs_of(&mut self, id: PlayId, step: Step) -> Vec<PlayOutput> {
        match step {
            Step::Media(message @ Message::Packet(_)) => {
                let begun = self.announced.remove(&id).and_then(|rendition| self.begun(id, &rendition));
                begun.into_iter().chain([PlayOutput::Media(message)]).collect()
            }
            // After the end the member may still seek back: the play is over when it says so.
            Step::Media(message) | Step::End(message) => vec![PlayOutput::Media(message)],
            Step::Rendition(message, rendition) => {
                self.announced.insert(id, rendition);
                vec![PlayOutput::Media(message)]
            }
        }
    }

    /// A play begins to send a rendition: what the operator is told. A seek within it begins nothing that it does not
    /// know.
    fn begun(&mut self, id: PlayId, rendition: &Rendition) -> Option<PlayOutput> {
        if self.told.insert(id, rendition.label) == Some(rendition.label) {
            return None;
        }
        let title = self.running.get(&id).map(|play| play.title().name.clone()).unwrap_or_default();
        let (width, height) = rendition.index.shown_size();
        Some(PlayOutput::Report(HubEvent::Rendition { name: self.member.clone(), play: id, title, width, height }))
    }

    fn over(&mut self, id: PlayId, reason: EndReason) -> Option<PlayOutput> {
        let play = self.running.remove(&id)?;
        self.told.remove(&id);
        self.announced.remove(&id);
        let title = play.title().name.clone();
        Some(PlayOutput::Report(HubEvent::PlayEnded { name: self.member.clone(), play: id, title, reason }))
    }

    fn start(&mut self, asked: &message::Play, catalog: &Catalog) -> Vec<PlayOutput> {
        // A read that is under way for a play that ended must not be taken for one of this play's.
        if self.newest.is_some_and(|newest| asked.play <= newest) {
            return vec![refused(asked.play, Code::ProtocolViolation, "numbers of plays ascend")];
        }
        if self.running.len() >= MAX_PLAYS {
            let text = format!("{MAX_PLAYS} plays at the same time are the most; stop one first");
            return vec![refused(asked.play, Code::TooManyPlays, &text)];
        }
        if asked.decodes.len() > MAX_DECODES {
            let text = format!("a member names {MAX_DECODES} codecs at most");
            return vec![refused(asked.play, Code::ProtocolViolation, &text)];
        }
        let title = match catalog.title(&asked.title) {
            Ok(title) => Arc::clone(title),
            Err(error) => return vec![refused(asked.play, error.code(), &error.to_string())],
        };
        let request = Request {
            id: asked.play,
            mode: asked.mode,
            start: asked.start,
            end: asked.end,
            max_height: asked.max_height,
            full_speed: asked.full_speed,
            decodes: asked.decodes.clone(),
        };
        match Play::new(Arc::clone(&title), &request) {
            Err(error) => vec![refused(asked.play, error.code(), &error.to_string())],
            Ok((started, plan)) => {
                let started = if asked.sound { started.with_sound(&asked.decodes) } else { started };
                let whole = title;
                let title = Arc::clone(started.title());
                self.running.insert(asked.play, started);
                self.newest = Some(asked.play);
                let answer = PlayStarted {
                    play: asked.play,
                    title: title.name.as_str().into(),
                    duration: title.duration,
                    ladder: ladder(&title),
                    languages: title.languages(),
                };
                let mut outputs = vec![PlayOutput::Control(answer.into())];
                outputs.extend(notices(asked, &title, &plan));
                let left_out = left_out(&whole, &title, &request).into_iter();
                outputs.extend(left_out.map(|text| notice(asked.play, Code::RenditionLeftOut, text)));
                let unheard = if asked.sound { unheard(&title, &asked.decodes) } else { None };
                outputs.extend(unheard.map(|text| notice(asked.play, Code::NoSound, text)));
                outputs
            }
        }
    }

    fn stop(&mut self, id: PlayId) -> Vec<PlayOutput> {
        let all_sent = self.running.get(&id).is_some_and(Play::is_finished);
        let reason = if all_sent { EndReason::Finished } else { EndReason::Stopped };
        // It may have ended while the request was under way: nothing is wrong then.
        self.over(id, reason).into_iter().collect()
    }

    fn seek(&mut self, seek: &message::Seek) -> Vec<PlayOutput> {
        let Some(play) = self.running.get_mut(&seek.play) else {
            return vec![refused(seek.play, Code::NoSuchPlay, "no such play")];
        };
        match play.seek(seek.epoch, seek.to) {
            Ok(()) => Vec::new(),
            Err(error) => vec![refused(seek.play, error.code(), &error.to_string())],
        }
    }

    fn switch(&mut self, switch: &message::SwitchRendition) -> Vec<PlayOutput> {
        let Some(play) = self.running.get_mut(&switch.play) else {
            return vec![refused(switch.play, Code::NoSuchPlay, "no such play")];
        };
        match play.switch(switch.epoch, switch.rendition, switch.from) {
            Ok(()) => Vec::new(),
            Err(error) => vec![refused(switch.play, error.code(), &error.to_string())],
        }
    }
}

/// What the viewer should know about what a tour does not show.
fn notices(asked: &message::Play, title: &Title, plan: &Plan) -> Vec<PlayOutput> {
    if asked.mode != PlayMode::Tour {
        return Vec::new();
    }
    let missing = title.missing.iter().map(|missing| {
        let why = missing.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        let text = format!("\"{}\" has no {}{why}", title.name, missing.label);
        notice(asked.play, Code::RenditionMissing, text)
    });
    let left_out = plan.left_out.iter().map(|left_out| {
        let text = format!("{} of \"{}\" is left out: {}", left_out.label, title.name, left_out.reason);
        notice(asked.play, Code::RenditionLeftOut, text)
    });
    missing.chain(left_out).collect()
}

fn refused(play: PlayId, code: Code, text: &str) -> PlayOutput {
    PlayOutput::Control(PlayRefused { play, code, text: text.into() }.into())
}

fn notice(play: PlayId, code: Code, text: String) -> PlayOutput {
    PlayOutput::Control(PlayNotice { play, code, text: text.into() }.into())
}

#[cfg(test)]
mod tests;
