//! Going on in a title where it was left by `Q`.

use super::{
    Output,
    play::{MemberPlay, Stage},
    plays::{MemberPlays, Outputs},
};
use crate::{
    client::{
        command::PlayRequest,
        event::{Event, Failure},
        places::Places,
        work::Job,
    },
    proto::message::Play,
    types::{Code, EndReason, MediaTime, PlayId},
    video::{input::Input, report::Summary},
};

impl MemberPlays {
    /// Keeps places in titles from now on; these were kept before.
    pub(super) fn remember(&mut self, places: Places) {
        self.places = Some(places);
    }

    /// Whether what was to be kept is on the disk, or the disk has refused it.
    pub(super) fn has_kept_places(&self) -> bool {
        self.unkept == 0
    }

    /// The worker has done with one change of them.
    pub(super) fn places_kept(&mut self) {
        self.unkept = self.unkept.saturating_sub(1);
    }

    /// Has the places as they are now on the disk.
    fn keep_places(&mut self) -> Option<Output> {
        let places = self.places.clone()?;
        self.unkept += 1;
        Some(Output::Work(Job::KeepPlaces(places)))
    }

    /// Ends a play, and keeps where it was.
    pub(super) fn stop_and_remember(&mut self, id: PlayId) -> Outputs {
        let Some(play) = self.plays.get(&id) else { return Vec::new() };
        let (title, at) = (play.title.clone(), play.at);
        let stop = Output::Player(id, Input::Stop);
        let Some(places) = &mut self.places else {
            let text = format!("a guest keeps nothing: where you were in \"{title}\", at {}, is forgotten", at.clock());
            return vec![notice(text), stop];
        };
        let is_place = places.put(&title, at);
        let text = format!("\"{title}\" goes on at {} when you play it again", at.clock());
        [self.keep_places(), is_place.then(|| notice(text)), Some(stop)].into_iter().flatten().collect()
    }

    /// A play that goes on where it was left has begun: the place is used up. One that ran to its end needs none.
    fn forget_place(&mut self, title: &str) -> Outputs {
        let had_one = self.places.as_mut().is_some_and(|places| places.remove(title));
        if had_one { self.keep_places().into_iter().collect() } else { Vec::new() }
    }

    /// The first frame of a play is shown.
    pub(super) fn place_used(&mut self, id: PlayId) -> Outputs {
        let used = self.plays.get_mut(&id).and_then(|play| Some((play.goes_on.take()?, play.title.clone())));
        let Some((_, title)) = used else { return Vec::new() };
        self.forget_place(&title)
    }

    /// A play is over.
    pub(super) fn place_passed(&mut self, play: &MemberPlay, summary: &Summary) -> Outputs {
        if summary.reason != EndReason::Finished || play.request.end.is_some() || !is_watched(&play.request) {
            return Vec::new();
        }
        self.forget_place(&play.title)
    }

    /// The hub says that a title ends before the place that was kept: the file is another one now. The play is asked for
    /// again from its start.
    pub(super) fn begin_anew(&mut self, id: PlayId) -> Option<Outputs> {
        let play = self.plays.get_mut(&id).filter(|play| play.stage == Stage::Asked)?;
        play.goes_on.take()?;
        play.at = MediaTime::ZERO;
        let asked = Play { start: MediaTime::ZERO, ..play.asked.clone()? };
        let title = play.request.title.clone();
        let mut outputs = self.forget_place(&title);
        outputs.push(Output::Send(asked.into()));
        Some(outputs)
    }
}

/// Where a play goes on for which nobody said where it starts, and what is said about it.
pub(super) fn going_on(places: Option<&Places>, request: &PlayRequest) -> Option<(MediaTime, Event)> {
    if request.start.is_some() || !is_watched(request) {
        return None;
    }
    let at = places?.find(&request.title)?;
    if request.end.is_some_and(|end| end <= at) {
        return None;
    }
    let text = format!("\"{}\" goes on at {}; start=0 begins at the start", request.title, at.clock());
    Some((at, Event::Notice { code: Code::Place, text }))
}

/// Whether somebody watches: what is measured begins where the title does.
fn is_watched(request: &PlayRequest) -> bool {
    !request.full_speed && !request.checksum
}

/// Places could not be written.
pub(super) fn not_kept(failure: &Failure) -> Event {
    Event::Notice { code: failure.code, text: format!("the place is not kept: {}", failure.message) }
}

fn notice(text: String) -> Output {
    Output::Event(Event::Notice { code: Code::Place, text }, None)
}

#[cfg(test)]
mod tests;
