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

    /// Ends a play, and keeps where it was.
    pub(super) fn stop_and_remember(&mut self, id: PlayId) -> Outputs {
        let Some(play) = self.plays.get(&id) else { return Vec::new() };
        let (title, at) = (play.title.clone(), play.at);
        let stop = Output::Player(id, Input::Stop);
        let Some(places) = &mut self.places else {
            let text = format!("a guest keeps nothing: where you were in \"{title}\", at {}, is forgotten", at.clock());
            return vec![notice(text), stop];
        };
        if !places.put(&title, at) {
            return vec![Output::Work(Job::KeepPlaces(places.clone())), stop];
        }
        let text = format!("\"{title}\" goes on at {} when you play it again", at.clock());
        vec![Output::Work(Job::KeepPlaces(places.clone())), notice(text), stop]
    }

    /// A play that goes on where it was left has begun: the place is used up. One that ran to its end needs none.
    fn forget_place(&mut self, title: &str) -> Outputs {
        let Some(places) = &mut self.places else { return Vec::new() };
        if places.remove(title) { vec![Output::Work(Job::KeepPlaces(places.clone()))] } else { Vec::new() }
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
