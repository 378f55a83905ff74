//! Changing the rendition of a running play: `rendition`, the viewer's key, and the selector's choice.

use std::time::{Duration, Instant};

use super::{
    Output,
    play::MemberPlay,
    plays::{MemberPlays, Outputs},
    steer::{Helm, Refused, Shown},
};
use crate::{
    client::{
        command::{CommandName, RenditionChoice},
        event::{Event, Failure},
    },
    proto::message::{PlayRefused, SwitchRendition},
    types::{Code, MediaTime, PlayId, RenditionLabel},
};

impl MemberPlays {
    /// `rendition`: answered when the rendition is shown; in a pause, and for `auto`, at once.
    pub(super) fn choose_rendition(
        &mut self,
        choice: RenditionChoice,
        id: Option<&str>,
        reference: Option<String>,
        now: Instant,
    ) -> Result<Outputs, Failure> {
        let (number, play) = self.find_begun(id)?;
        let mut outputs = Outputs::new();
        match choice {
            RenditionChoice::Auto => {
                outputs.extend(leave_to_auto(play));
                outputs.extend(answer(play, reference));
            }
            RenditionChoice::Fixed(label) => {
                if !play.steering.ladder.iter().any(|rung| rung.label == label) {
                    return Err(no_such(play, label));
                }
                let is_shown = play.steering.shown.is_some_and(|shown| shown.label == label);
                let is_there = is_shown && !play.steering.is_leaving(label);
                if play.steering.is_over && !is_there {
                    return Err(over(play));
                }
                play.steering.hold(label);
                if play.is_paused || is_there {
                    outputs.extend(answer(play, reference));
                } else {
                    play.steering.asking.push(reference);
                }
            }
        }
        outputs.extend(self.steer(number, now));
        Ok(outputs)
    }

    /// The viewer's key: the next one up; after the highest, `auto`.
    pub(super) fn next_rendition(&mut self, id: PlayId, now: Instant) -> Outputs {
        let Some(play) = self.plays.get_mut(&id) else { return Vec::new() };
        if play.steering.is_over {
            return told_over(play);
        }
        let here = play.steering.wanted.or(play.steering.shown.map(|shown| shown.label));
        let labels = || play.steering.ladder.iter().map(|rung| rung.label);
        let next = match (play.steering.helm, here) {
            (Helm::Held, Some(here)) => labels().find(|label| *label > here),
            _ => labels().next(),
        };
        match next {
            Some(label) => {
                play.steering.hold(label);
                self.steer(id, now)
            }
            None => {
                let mut outputs = leave_to_auto(play);
                outputs.extend(self.steer(id, now));
                outputs
            }
        }
    }

    /// Asks the hub for what the viewer or the selector wants now.
    pub(super) fn steer(&mut self, id: PlayId, now: Instant) -> Outputs {
        let Some(play) = self.plays.get_mut(&id).filter(|play| play.has_begun()) else { return Vec::new() };
        if let Some(label) = play.steering.take_far(play.at) {
            return self.go_on_here(id, label);
        }
        let at = since(play, now);
        let switch = play.next_switch(at);
        let news = play.steering.news(at).map(|news| Output::Player(id, news));
        let epoch = play.epoch;
        let message = switch.map(|switch| SwitchRendition { play: id, epoch, rendition: switch.to, from: switch.from });
        message.into_iter().map(|message| Output::Send(message.into())).chain(news).collect()
    }

    /// Goes on in another rendition where the picture is, as after a seek; what was received for later is forgotten.
    fn go_on_here(&mut self, id: PlayId, label: RenditionLabel) -> Outputs {
        let Some(play) = self.plays.get(&id) else { return Vec::new() };
        let mut outputs = self.leave_for(id, play.at);
        let Some(play) = self.plays.get_mut(&id) else { return outputs };
        play.is_changing = true;
        play.steering.await_switch(label);
        // Before there is credit, so that nothing of another rendition is sent.
        outputs
            .push(Output::Send(SwitchRendition { play: id, epoch: play.epoch, rendition: label, from: None }.into()));
        outputs.extend(self.grant(id));
        outputs
    }

    /// The hub cannot go on in the rendition that it was asked for; the play goes on as it was.
    pub(super) fn switch_refused(&mut self, refused: &PlayRefused, now: Instant) -> Outputs {
        let Some(play) = self.plays.get_mut(&refused.play) else { return Vec::new() };
        play.steering.is_over |= refused.code == Code::NoSuchPlay;
        let failure = match refused.code {
            _ if play.steering.is_over => over(play),
            Code::TryLater => {
                let hint = "wait until it shows another rendition, and change it then";
                Failure::new(Code::TryLater, refused.text.as_str(), hint)
            }
            _ => {
                let hint = "`seek` back a little, and change it then";
                Failure::new(Code::NoSuchRendition, refused.text.as_str(), hint)
            }
        };
        let mut outputs = match play.steering.refused(since(play, now)) {
            Refused::Choice if play.steering.is_over => unfollowed(play),
            Refused::Choice => Vec::new(),
            Refused::Needless(asking) => asking.into_iter().flat_map(|reference| answer(play, reference)).collect(),
            Refused::Wish(asking) => fail(play, failure, asking),
        };
        outputs.extend(self.steer(refused.play, now));
        outputs
    }

    /// The first frame of a rendition is shown: everybody is told, and who asked for it has it.
    pub(super) fn rendition_shown(&mut self, id: PlayId, shown: Shown, from: MediaTime) -> Outputs {
        let Some(play) = self.plays.get_mut(&id) else { return Vec::new() };
        play.steering.shown = Some(shown);
        let event = event(play, shown, from);
        if play.steering.wanted != Some(shown.label) {
            return vec![Output::Event(event, play.reference.clone())];
        }
        play.steering.wanted = None;
        let asking = std::mem::take(&mut play.steering.asking);
        let told = vec![Output::Event(event, asking.first().cloned().unwrap_or_else(|| play.reference.clone()))];
        told.into_iter().chain(asking.into_iter().map(done)).collect()
    }
}

/// Time since the play was asked for.
pub(super) fn since(play: &MemberPlay, now: Instant) -> Duration {
    now.saturating_duration_since(play.asked_at)
}

/// The selector decides again; who waited for a rendition is answered, since nobody holds it any more.
fn leave_to_auto(play: &mut MemberPlay) -> Outputs {
    play.steering.helm = Helm::Auto;
    play.steering.wanted = None;
    std::mem::take(&mut play.steering.asking).into_iter().map(done).collect()
}

/// Answers at once, with the rendition that is shown.
fn answer(play: &MemberPlay, reference: Option<String>) -> Outputs {
    let told = play.steering.shown.map(|shown| Output::Event(event(play, shown, play.at), reference.clone()));
    told.into_iter().chain([done(reference)]).collect()
}

fn event(play: &MemberPlay, shown: Shown, from: MediaTime) -> Event {
    let Shown { label, width, height } = shown;
    Event::Rendition { id: play.id.clone(), label, width, height, from }
}

fn done(reference: Option<String>) -> Output {
    Output::Event(Event::Ok { command: CommandName::Rendition }, reference)
}

fn no_such(play: &MemberPlay, label: RenditionLabel) -> Failure {
    let have: Vec<_> = play.steering.ladder.iter().map(|rung| rung.label.to_string()).collect();
    let message = format!("this play of \"{}\" has no {label}", play.title);
    let hint =
        if have.is_empty() { "this hub switches none".to_owned() } else { format!("it has {}", have.join(", ")) };
    Failure::new(Code::NoSuchRendition, message, hint)
}

/// The hub has ended a play before its end.
pub(super) fn over(play: &MemberPlay) -> Failure {
    let message = format!("the hub has ended \"{}\"; what came of it is still shown", play.title);
    Failure::new(Code::NoSuchPlay, message, "play it again to go elsewhere in it, or on in another rendition")
}

/// The hub has ended the play: what was asked for and has not come does not come.
pub(super) fn unfollowed(play: &mut MemberPlay) -> Outputs {
    let asking = play.steering.give_up();
    asking.map_or_else(Vec::new, |asking| fail(play, over(play), asking))
}

/// Tells whoever asked for a rendition that it does not come; nobody waits for the answer of a key.
fn fail(play: &MemberPlay, failure: Failure, asking: Vec<Option<String>>) -> Outputs {
    if asking.is_empty() {
        return vec![notice(play, failure)];
    }
    let failure = failure.of(CommandName::Rendition);
    asking.into_iter().map(|reference| Output::Event(Event::Error(failure.clone()), reference)).collect()
}

/// Says so to a viewer whose key cannot be followed.
pub(super) fn told_over(play: &MemberPlay) -> Outputs {
    vec![notice(play, over(play))]
}

fn notice(play: &MemberPlay, Failure { code, message: text, .. }: Failure) -> Output {
    Output::Event(Event::Notice { code, text }, play.reference.clone())
}

#[cfg(test)]
mod tests;
