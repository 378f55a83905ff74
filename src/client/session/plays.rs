//! The plays of this member: from the request to the end.

use std::{collections::BTreeMap, time::Instant};

use super::{
    Output, Over,
    place::going_on,
    play::{BadMedia, MemberPlay, Stage},
    rendition::{since, unfollowed},
    steer::Shown as ShownRendition,
};
use crate::{
    client::{
        command::{Command, CommandName, PlayRequest},
        event::{DisplayKind as Shown, Event, Failure, PlayEnd},
        places::Places,
    },
    proto::{
        Message,
        message::{self, Credit, Packet, Play, Stop, StreamInfo},
    },
    types::{Code, EndReason, MediaTime, PlayEpoch, PlayId},
    video::{
        PixelAspect, Rotation,
        input::{About, Input, Segment},
        render::{Choice, DisplayKind, NoDisplay},
        report::{Report, Summary},
    },
};

/// What each call gives back to be done.
pub(super) type Outputs = Vec<Output>;

/// All plays of a session.
#[derive(Debug, Default)]
pub(super) struct MemberPlays {
    pub(super) plays: BTreeMap<PlayId, MemberPlay>,
    /// Where to go on in titles; guests keep no such thing.
    pub(super) places: Option<Places>,
    /// Changes of them that the worker was given and has not answered.
    pub(super) unkept: u32,
    next: u32,
    pub(super) told_silent: bool,
    /// What the link carried last, in bits a second.
    estimate: Option<u64>,
}

impl MemberPlays {
    pub(super) fn is_empty(&self) -> bool {
        self.plays.is_empty()
    }

    /// Something that was asked about plays.
    pub(super) fn request(&mut self, command: Command, reference: Option<String>, now: Instant) -> Outputs {
        let name = command.name();
        let result = match command {
            Command::Play(request) => self.start(request, reference.clone(), now),
            Command::Stop { play } => self.stop(play.as_deref(), reference.clone()),
            Command::Pause { play } => self.pause(play.as_deref(), reference.clone(), Input::Pause),
            Command::Resume { play } => self.pause(play.as_deref(), reference.clone(), Input::Resume),
            Command::Seek { target, play } => self.seek(target, play.as_deref(), reference.clone()),
            Command::Rendition { choice, play } => {
                self.choose_rendition(choice, play.as_deref(), reference.clone(), now)
            }
            _ => Err(Failure::new(Code::NotYet, format!("{name} comes with a later version"), meanwhile(name))),
        };
        result.unwrap_or_else(|failure| vec![Output::Event(Event::Error(failure.of(name)), reference)])
    }

    /// A display was found, or none.
    pub(super) fn display_chosen(&mut self, id: PlayId, chosen: Result<Choice, NoDisplay>) -> Outputs {
        let Some(play) = self.plays.get_mut(&id) else { return Vec::new() };
        let choice = match chosen {
            Ok(choice) => choice,
            Err(error) => {
                let text = format!("Cannot show \"{}\": {error}.", play.title);
                return self.failed(id, Failure::new(Code::DisplayUnavailable, text, error.hint()));
            }
        };
        play.stage = Stage::Asked;
        let kind = match choice.kind {
            DisplayKind::Window => Shown::Window,
            DisplayKind::Terminal => Shown::Terminal,
            DisplayKind::None => Shown::None,
        };
        let request = &play.request;
        let goes_on = going_on(self.places.as_ref(), request);
        play.goes_on = goes_on.as_ref().map(|(at, _)| *at);
        let asked = Play {
            play: id,
            title: request.title.as_str().into(),
            mode: request.mode,
            start: request.start.or(play.goes_on).unwrap_or(MediaTime::ZERO),
            end: request.end,
            max_height: request.max,
            sound: play.is_audible,
            full_speed: request.full_speed,
            decodes: crate::video::decodes().to_vec(),
        };
        play.at = asked.start;
        play.asked = Some(asked.clone());
        let why = choice.why.clone().unwrap_or_else(|| "as asked for".to_owned());
        play.choice = Some(choice);
        let event = Event::Display { id: play.id.clone(), kind, why };
        let notice = goes_on.map(|(_, notice)| Output::Event(notice, play.reference.clone()));
        let display = Output::Event(event, play.reference.clone());
        [Some(display), notice, Some(Output::Send(asked.into()))].into_iter().flatten().collect()
    }

    /// A message about a play. However little of it has to do with credit: what goes to a player is bounded.
    pub(super) fn message(&mut self, message: Message, now: Instant) -> Outputs {
        let mut outputs = self.take_in(message, now);
        let overfed = outputs.iter().find_map(|output| match output {
            Output::Player(id, input) => Some((*id, self.plays.get_mut(id)?.hand(input).err()?)),
            _ => None,
        });
        if let Some((id, error)) = overfed.filter(|(id, _)| self.plays.get(id).is_some_and(|play| !play.is_broken)) {
            outputs.extend(self.broken(id, error));
        }
        outputs
    }

    fn take_in(&mut self, message: Message, now: Instant) -> Outputs {
        match message {
            Message::PlayStarted(started) => self.started(started),
            Message::PlayRefused(refused) => self.refused(refused, now),
            Message::PlayNotice(notice) => {
                let Some(play) = self.plays.get(&notice.play) else { return Vec::new() };
                let event = Event::Notice { code: notice.code, text: notice.text.0 };
                vec![Output::Event(event, play.reference.clone())]
            }
            Message::Subtitles(part) => self.subtitles(&part),
            Message::StreamInfo(info) => self.segment(info),
            Message::SoundInfo(info) => self.sound_info(info),
            Message::Sound(sound) => self.sound(sound, now),
            Message::Packet(packet) => self.packet(&packet, now),
            Message::StreamCut(cut) if self.is_of(cut.play, cut.epoch) => self.cut(cut.play, cut.show_until),
            Message::StreamEnd(end) if self.is_of(end.play, end.epoch) => self.all_came(end.play, end.reason),
            _ => Vec::new(),
        }
    }

    /// A player has news.
    pub(super) fn reported(&mut self, id: PlayId, report: Report, now: Instant) -> Outputs {
        let Some(play) = self.plays.get_mut(&id) else { return Vec::new() };
        play.has_taken();
        let event = |event| Output::Event(event, play.reference.clone());
        let viewer_id = play.id.clone();
        match report {
            Report::FirstFrame => {
                let mut outputs = self.first_frame(id, now);
                outputs.extend(self.place_used(id));
                outputs
            }
            Report::Rendition { epoch, label, width, height, from } => {
                if epoch == play.epoch {
                    play.at = from;
                    play.steering.has_landed = true;
                }
                let mut outputs = self.rendition_shown(id, ShownRendition { label, width, height }, from);
                outputs.extend(self.steer(id, now));
                outputs
            }
            Report::Consumed { epoch, media, bytes, at } => {
                if epoch == play.epoch {
                    play.is_at(at);
                }
                play.consume(epoch, media, bytes);
                let mut outputs = self.grant(id);
                outputs.extend(self.steer(id, now));
                outputs
            }
            Report::Stalled { lasted } => {
                let ms = lasted.as_millis().try_into().unwrap_or(u64::MAX);
                vec![event(Event::Stalled { id: viewer_id, ms })]
            }
            Report::Paused { at } => {
                play.is_at(at);
                play.is_paused = true;
                answer_first(&mut play.pausing, &Event::PlayPaused { id: viewer_id, at }, CommandName::Pause)
            }
            Report::Resumed { at } => {
                play.is_at(at);
                play.is_paused = false;
                answer_first(&mut play.resuming, &Event::PlayResumed { id: viewer_id, at }, CommandName::Resume)
            }
            Report::Seeked { epoch, at, preview } if epoch == play.epoch => {
                play.at = at;
                play.steering.has_landed = true;
                if let Some(outputs) = self.landed(id, at) {
                    return outputs;
                }
                let Some(play) = self.plays.get_mut(&id) else { return Vec::new() };
                if std::mem::take(&mut play.is_changing) && play.seeking.is_empty() {
                    return Vec::new();
                }
                let preview_ms = preview.map(|after| after.as_millis().try_into().unwrap_or(u64::MAX));
                let event = Event::PlaySeeked { id: viewer_id, at, preview_ms };
                answer_all(&mut play.seeking, &event, CommandName::Seek)
            }
            Report::Seeked { .. } | Report::Closed => Vec::new(),
            Report::Silent { text } => self.silent(id, &text),
            Report::Asked(action) => self.asked(id, action, now),
            Report::Unplayable { text } => {
                let notice = Event::Notice { code: Code::Unplayable, text };
                vec![event(notice)]
            }
            Report::Ended(summary) => self.ended(id, summary, now),
        }
    }

    /// A play that fails: its command does, and its player ends. The hub is told too, or the play would count there
    /// for as long as the link lasts.
    pub(super) fn failed(&mut self, id: PlayId, failure: Failure) -> Outputs {
        let Some(play) = self.plays.remove(&id) else { return Vec::new() };
        let error = Output::Event(Event::Error(failure.of(CommandName::Play)), play.reference);
        let mut outputs = vec![error, Output::Player(id, Input::Stop)];
        if play.stage != Stage::Choosing {
            outputs.push(Output::Send(Stop { play: id }.into()));
        }
        outputs
    }

    /// Stops all players, because the member quits.
    pub(super) fn stop_all(&mut self) -> Outputs {
        let mut outputs = self.fail_those_not_begun(Code::NoSuchPlay, "the member left before it began");
        outputs.extend(self.plays.keys().map(|id| Output::Player(*id, Input::Stop)));
        outputs
    }

    /// Ends all plays, because the session is over.
    pub(super) fn lose_all(&mut self, over: &Over) -> Outputs {
        let reason = match over {
            Over::Quit => EndReason::Stopped,
            Over::Failed(failure) if failure.code == Code::HubClosing => EndReason::HubClosing,
            Over::Failed(_) => EndReason::Lost,
        };
        let end_now = |(id, play): (&PlayId, &MemberPlay)| {
            // The end comes in order, so what waits before it is dropped first.
            let flush = Input::Flush { epoch: play.epoch.next() };
            [Output::Player(*id, flush), Output::Player(*id, Input::End { reason })]
        };
        let mut outputs = self.fail_those_not_begun(Code::Disconnected, "the link to the hub ended before it began");
        outputs.extend(self.plays.iter().flat_map(end_now));
        outputs
    }

    fn fail_those_not_begun(&mut self, code: Code, text: &str) -> Outputs {
        let ids: Vec<_> = self.plays.iter().filter(|(_, play)| !play.has_begun()).map(|(id, _)| *id).collect();
        ids.into_iter().flat_map(|id| self.failed(id, failure(code, text))).collect()
    }

    fn start(&mut self, request: PlayRequest, reference: Option<String>, now: Instant) -> Result<Outputs, Failure> {
        let number = PlayId(self.next + 1);
        let id = request.id.clone().unwrap_or_else(|| number.to_string());
        if self.plays.values().any(|play| play.id == id) {
            let message = format!("a play \"{id}\" runs already");
            return Err(Failure::new(Code::Usage, message, "give it another id, or none"));
        }
        self.next += 1;
        let choose = Output::ChooseDisplay(number, Box::new(request.clone()));
        self.plays.insert(number, MemberPlay::new(id, request, reference, self.estimate, now));
        Ok(vec![choose])
    }

    fn stop(&mut self, id: Option<&str>, reference: Option<String>) -> Result<Outputs, Failure> {
        let number = self.find(id)?;
        match self.plays.get_mut(&number) {
            // Answered when it has ended.
            Some(play) if play.has_begun() => {
                play.stopping.push(reference);
                Ok(vec![Output::Player(number, Input::Stop)])
            }
            _ => {
                let mut outputs = self.failed(number, failure(Code::NoSuchPlay, "it was stopped before it began"));
                outputs.push(Output::Event(Event::Ok { command: CommandName::Stop }, reference));
                Ok(outputs)
            }
        }
    }

    fn pause(&mut self, id: Option<&str>, reference: Option<String>, input: Input) -> Result<Outputs, Failure> {
        let (number, play) = self.find_begun(id)?;
        let waiting = if matches!(input, Input::Pause) { &mut play.pausing } else { &mut play.resuming };
        waiting.push(reference);
        Ok(vec![Output::Player(number, input)])
    }

    fn started(&mut self, started: message::PlayStarted) -> Outputs {
        let Some(play) = self.plays.get_mut(&started.play).filter(|play| play.stage == Stage::Asked) else {
            return Vec::new();
        };
        play.stage = Stage::Opening;
        play.duration = started.duration;
        play.steering.take_ladder(&started.ladder);
        play.title = started.title.0;
        let Some(choice) = play.choice.take() else { return Vec::new() };
        let mut outputs = vec![Output::StartPlayer(started.play, Box::new(play.request.clone()), choice)];
        outputs.extend(self.offered(started.play, &started.languages));
        let about = About { duration: Some(started.duration), ..About::default() };
        outputs.push(Output::Player(started.play, Input::About(about)));
        outputs.extend(self.grant(started.play));
        outputs
    }

    /// The hub refuses a play, a change of its rendition, or a seek in one that runs: then it does not know where to go
    /// on. That it has no such play refuses a change while nowhere was sought: what came of the play is still to be shown.
    fn refused(&mut self, refused: message::PlayRefused, now: Instant) -> Outputs {
        if refused.code == Code::OutOfRange
            && let Some(outputs) = self.begin_anew(refused.play)
        {
            return outputs;
        }
        let is_of_switch = |play: &MemberPlay| match refused.code {
            Code::NoSuchRendition | Code::NotYet | Code::TryLater => true,
            Code::NoSuchPlay => !play.steering.is_sought,
            _ => false,
        };
        if self.plays.get(&refused.play).is_some_and(|play| play.has_begun() && is_of_switch(play)) {
            return self.switch_refused(&refused, now);
        }
        let Some(play) = self.plays.get_mut(&refused.play).filter(|play| play.has_begun()) else {
            return self.failed(refused.play, failure(refused.code, &refused.text));
        };
        let failure = Failure::new(refused.code, refused.text.0, hint_for(refused.code)).of(CommandName::Seek);
        let fail = |reference| Output::Event(Event::Error(failure.clone()), reference);
        let mut outputs: Outputs = std::mem::take(&mut play.seeking).into_iter().map(fail).collect();
        outputs.push(Output::Player(refused.play, Input::Stop));
        outputs
    }

    fn segment(&mut self, info: StreamInfo) -> Outputs {
        if !self.is_of(info.play, info.epoch) {
            return Vec::new();
        }
        self.frames_last(info.play, info.frame_duration);
        let segment = Segment {
            label: info.rendition,
            width: info.width,
            height: info.height,
            codec: info.codec,
            extradata: info.extradata.0,
            from: info.show_from,
            until: info.show_until,
            frame_duration: info.frame_duration,
            rotation: Rotation::from_degrees(info.rotation).unwrap_or_default(),
            pixels: PixelAspect::new(info.pixel_width, info.pixel_height),
        };
        if let Some(play) = self.plays.get_mut(&info.play) {
            play.steering.begin_segment(&segment);
        }
        let mut outputs = vec![Output::Player(info.play, Input::Segment(segment))];
        outputs.extend(self.grant(info.play));
        outputs
    }

    fn cut(&mut self, id: PlayId, until: MediaTime) -> Outputs {
        if let Some(play) = self.plays.get_mut(&id) {
            play.steering.cut(until);
        }
        vec![Output::Player(id, Input::Cut { until })]
    }

    fn all_came(&mut self, id: PlayId, reason: EndReason) -> Outputs {
        let Some(play) = self.plays.get_mut(&id) else { return Vec::new() };
        play.steering.all_came(reason);
        let unfollowed = if play.steering.is_over { unfollowed(play) } else { Vec::new() };
        unfollowed.into_iter().chain([Output::Player(id, Input::End { reason })]).collect()
    }

    fn packet(&mut self, packet: &Packet, now: Instant) -> Outputs {
        let (id, epoch) = (packet.play, packet.epoch);
        let Some(play) = self.receiving(id, epoch) else { return Vec::new() };
        match play.take_part(packet, now) {
            Ok(whole) => {
                let is_last = whole.is_some() && packet.flags & Packet::LAST_PICTURE != 0;
                if is_last {
                    play.steering.last_picture_came();
                }
                let inputs = whole.map(Input::Packet).into_iter().chain(is_last.then_some(Input::LastPicture));
                let inputs: Outputs = inputs.map(|input| Output::Player(id, input)).collect();
                inputs.into_iter().chain(self.grant(id)).chain(self.steer(id, now)).collect()
            }
            Err(error) => self.broken(id, error),
        }
    }

    /// The hub broke the rules of media: told once, and the play ends.
    pub(super) fn broken(&mut self, id: PlayId, error: BadMedia) -> Outputs {
        let Some(play) = self.plays.get_mut(&id) else { return Vec::new() };
        play.is_broken = true;
        let notice = Event::Notice { code: Code::Unplayable, text: error.to_string() };
        let stop = Output::Player(id, Input::End { reason: EndReason::Unplayable });
        vec![Output::Event(notice, play.reference.clone()), stop]
    }

    /// The play that takes in media of that epoch.
    pub(super) fn receiving(&mut self, id: PlayId, epoch: PlayEpoch) -> Option<&mut MemberPlay> {
        self.plays.get_mut(&id).filter(|play| play.epoch == epoch && !play.is_broken)
    }

    fn first_frame(&mut self, id: PlayId, now: Instant) -> Outputs {
        let Some(play) = self.plays.get_mut(&id).filter(|play| play.stage == Stage::Opening) else {
            return Vec::new();
        };
        play.stage = Stage::Playing;
        let waited = now.saturating_duration_since(play.asked_at);
        let event = Event::PlayStarted {
            id: play.id.clone(),
            title: play.title.clone(),
            first_frame_ms: waited.as_millis().try_into().unwrap_or(u64::MAX),
        };
        let reference = play.reference.clone();
        let ok = Event::Ok { command: CommandName::Play };
        vec![Output::Event(event, reference.clone()), Output::Event(ok, reference)]
    }

    pub(super) fn grant(&mut self, id: PlayId) -> Outputs {
        let Some(play) = self.plays.get_mut(&id) else { return Vec::new() };
        let credit = play.next_credit().map(|offset| Credit { play: id, epoch: play.epoch, offset });
        credit.into_iter().map(|credit| Output::Send(credit.into())).collect()
    }

    fn ended(&mut self, id: PlayId, summary: Summary, now: Instant) -> Outputs {
        let Some(mut play) = self.plays.remove(&id) else { return Vec::new() };
        self.estimate = play.steering.throughput(since(&play, now)).or(self.estimate);
        let choosing = std::mem::take(&mut play.steering.asking);
        let mut outputs = vec![Output::Send(Stop { play: id }.into())];
        outputs.extend(self.place_passed(&play, &summary));
        if play.stage != Stage::Playing {
            let code = if summary.reason == EndReason::Stopped { Code::NoSuchPlay } else { Code::Unplayable };
            let message = format!("\"{}\" ended before anything was shown: {}", play.title, summary.reason);
            let failure = Failure::new(code, message, hint_for(code)).of(CommandName::Play);
            outputs.push(Output::Event(Event::Error(failure), play.reference));
            outputs.extend(stopped(play.stopping));
            outputs.extend(unanswered(play.pausing, CommandName::Pause));
            outputs.extend(unanswered(play.resuming, CommandName::Resume));
            outputs.extend(unanswered(play.seeking, CommandName::Seek));
            outputs.extend(unanswered(choosing, CommandName::Rendition));
            return outputs;
        }
        let end = PlayEnd {
            id: play.id.clone(),
            title: play.title.clone(),
            reason: summary.reason,
            frames: summary.frames,
            shown: summary.shown,
            dropped: summary.dropped,
            stalls: summary.stalls,
            frames_by_height: summary.frames_by_height,
            sha256: summary.sha256,
        };
        if summary.corrupt > 0 {
            let text = format!("{} packets of \"{}\" are damaged and were left out", summary.corrupt, play.title);
            outputs.push(Output::Event(Event::Notice { code: Code::Unplayable, text }, play.reference.clone()));
        }
        outputs.push(Output::Event(Event::PlayEnded(end), play.reference));
        outputs.extend(stopped(play.stopping));
        outputs.extend(unanswered(play.pausing, CommandName::Pause));
        outputs.extend(unanswered(play.resuming, CommandName::Resume));
        outputs.extend(unanswered(play.seeking, CommandName::Seek));
        outputs.extend(unanswered(choosing, CommandName::Rendition));
        outputs
    }

    /// The play of that id, or the newest.
    fn find(&self, id: Option<&str>) -> Result<PlayId, Failure> {
        let found = match id {
            Some(id) => self.plays.iter().find(|(_, play)| play.id == id),
            None => self.plays.last_key_value(),
        };
        found.map(|(number, _)| *number).ok_or_else(|| {
            let running: Vec<_> = self.plays.values().map(|play| play.id.as_str()).collect();
            let hint = match running.as_slice() {
                [] => "nothing is playing".to_owned(),
                ids => format!("running: {}", ids.join(", ")),
            };
            Failure::new(Code::NoSuchPlay, "there is no such play", hint)
        })
    }

    /// As [`Self::find`], of a play that has a player.
    pub(super) fn find_begun(&mut self, id: Option<&str>) -> Result<(PlayId, &mut MemberPlay), Failure> {
        let number = self.find(id)?;
        let begun = self.plays.get_mut(&number).filter(|play| play.has_begun());
        begun
            .map(|play| (number, play))
            .ok_or_else(|| Failure::new(Code::TryLater, "the play has not begun yet", "wait for play_started"))
    }

    fn is_of(&self, id: PlayId, epoch: PlayEpoch) -> bool {
        self.plays.get(&id).is_some_and(|play| play.epoch == epoch && !play.is_broken)
    }
}

/// Answers who asked first; without anybody, what has happened is told all the same.
fn answer_first(asked: &mut Vec<Option<String>>, event: &Event, command: CommandName) -> Outputs {
    let mut first = asked.drain(..asked.len().min(1)).collect();
    answer_all(&mut first, event, command)
}

/// Answers everybody who asked for what has happened now: of several seeks only the last is carried out.
fn answer_all(asked: &mut Vec<Option<String>>, event: &Event, command: CommandName) -> Outputs {
    if asked.is_empty() {
        return vec![Output::Event(event.clone(), None)];
    }
    let both = |reference: Option<String>| {
        [Output::Event(event.clone(), reference.clone()), Output::Event(Event::Ok { command }, reference)]
    };
    asked.drain(..).flat_map(both).collect()
}

/// Answers those who stopped a play, now that it has ended.
fn stopped(asked: Vec<Option<String>>) -> impl Iterator<Item = Output> {
    asked.into_iter().map(|reference| Output::Event(Event::Ok { command: CommandName::Stop }, reference))
}

/// Tells those whose request the end of the play overtook.
fn unanswered(asked: Vec<Option<String>>, command: CommandName) -> impl Iterator<Item = Output> {
    asked.into_iter().map(move |reference| {
        let failure = Failure::new(Code::NoSuchPlay, "the play ended before that", "play it again").of(command);
        Output::Event(Event::Error(failure), reference)
    })
}

/// A failure with what to do about it.
fn failure(code: Code, text: &str) -> Failure {
    Failure::new(code, text, hint_for(code))
}

fn hint_for(code: Code) -> &'static str {
    match code {
        Code::NoSuchTitle => "`videos` lists what there is",
        Code::NoSuchRendition => "`videos` lists the renditions of each title; mode=auto takes what the link carries",
        Code::TooManyPlays => "stop a play first",
        Code::OutOfRange => "`videos` says how long each title is",
        Code::DisplayUnavailable => "display=none plays without a picture",
        Code::Unplayable => "the hub's operator sees the reason in its log",
        Code::TryLater => "`videos_changed` tells when it is there",
        _ => "",
    }
}

#[cfg(test)]
mod sound_tests;
#[cfg(test)]
pub(super) mod tests;

/// What to do until a command is there.
fn meanwhile(command: CommandName) -> &'static str {
    match command {
        CommandName::Verify | CommandName::Trust => "`directory` shows keys; compare them with their owners elsewhere",
        _ => "see `help`",
    }
}
