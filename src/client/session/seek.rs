//! Going on at another place of a title: every seek, whoever wants it, begins a new epoch.

use super::{
    Output,
    plays::{MemberPlays, Outputs},
    rendition::over,
};
use crate::{
    client::{command::SeekTarget, event::Failure},
    proto::message::{Seek, SwitchRendition},
    types::{Code, MediaTime, PlayId},
    video::input::Input,
};

impl MemberPlays {
    /// `seek`: answered when the frame is shown.
    pub(super) fn seek(
        &mut self,
        target: SeekTarget,
        id: Option<&str>,
        reference: Option<String>,
    ) -> Result<Outputs, Failure> {
        let (number, play) = self.find_begun(id)?;
        if play.steering.is_over {
            return Err(over(play));
        }
        let to = match target {
            SeekTarget::To(to) => to,
            SeekTarget::By(by) => (play.at + by).max(MediaTime::ZERO),
        };
        let end = play.end();
        if to < MediaTime::ZERO || to >= end {
            let message = format!("{} s is not within \"{}\"", to.as_seconds(), play.title);
            let is_short = end < play.duration && play.steering.end_of_held() == Some(end);
            let more = if is_short { " in this rendition; `rendition auto` goes on in the others" } else { "" };
            return Err(Failure::new(Code::OutOfRange, message, format!("it ends at {:.3} s{more}", end.as_seconds())));
        }
        play.seeking.push(reference);
        Ok(self.go_to(number, to))
    }

    /// Goes on at a place within the title, under a new epoch.
    pub(super) fn go_to(&mut self, number: PlayId, to: MediaTime) -> Outputs {
        let mut outputs = self.leave_for(number, to);
        outputs.extend(self.grant(number));
        outputs
    }

    /// Begins a new epoch at a place within the title. There is no credit in it yet.
    pub(super) fn leave_for(&mut self, number: PlayId, to: MediaTime) -> Outputs {
        let Some(play) = self.plays.get_mut(&number) else { return Vec::new() };
        let lasting = play.steering.lasting(to).map(|rendition| {
            play.steering.await_switch(rendition);
            let switch = SwitchRendition { play: number, epoch: play.epoch, rendition, from: None };
            Output::Send(switch.into())
        });
        let epoch = play.epoch.next();
        play.begin_epoch(epoch);
        (play.stepping_back, play.is_changing) = (None, false);
        play.at = to;
        let seek = Output::Send(Seek { play: number, epoch, to }.into());
        lasting.into_iter().chain([Output::Player(number, Input::Flush { epoch }), seek]).collect()
    }
}
