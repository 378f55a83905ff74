//! What a member does, without socket, clock, thread or terminal.
//!
//! ```text
//!   hub's messages ──┐                  ┌──▶ messages to the hub
//!   requests ────────┤     Session      ├──▶ events, for a script or a terminal
//!   finished work ───┤                  ├──▶ work: RSA and disk, for a worker
//!   players' news ───┘                  └──▶ players: start, feed, stop
//! ```
//!
//! Hand in one thing, then take everything out of [`Session::poll_output`]. Call [`Session::timeout`] when
//! [`Session::deadline`] has come.

mod bundle;
mod directory;
mod ending;
mod equivocation;
mod gaps;
mod held;
mod incoming;
mod one_time;
mod outgoing;
mod pacing;
mod place;
mod play;
mod plays;
mod rendition;
mod seek;
mod sound;
mod steer;
mod subtitles;
mod trust;
mod videos;
mod viewer;

use std::{collections::VecDeque, time::Instant};

use rand::{SeedableRng as _, rngs::StdRng};

use self::{
    directory::DirectoryCopy, incoming::Incoming, one_time::WaitForKeys, outgoing::Outgoing, plays::MemberPlays,
    trust::Trust, videos::VideoLists,
};
use super::{
    command::{Command, CommandName, PlayRequest, Request, nearest},
    event::{Event, Failure, MemberEntry},
    places::Places,
    trust::MemberTrust,
    work::{Done, Job},
};
use crate::{
    crypto::Challenge,
    proto::{
        Message,
        message::{self, Register, Welcome},
    },
    types::{Code, DirectoryEntry, Fingerprint, MemberName, PlayId, RelayMode, wire::Text},
    video::{
        input::Input,
        render::{Choice, NoDisplay},
        report::Report,
    },
};

/// What comes out of a session.
#[derive(Debug)]
pub enum Output {
    /// For the hub.
    Send(Message),
    /// For whoever runs the member, with the `ref` of the request that caused it.
    Event(Event, Option<String>),
    /// For the worker.
    Work(Job),
    /// Find a display for a play and answer by [`Session::display_chosen`].
    ChooseDisplay(PlayId, Box<PlayRequest>),
    /// Start a player on the chosen display; its news come by [`Session::player_reported`].
    StartPlayer(PlayId, Box<PlayRequest>, Choice),
    /// For a running player.
    Player(PlayId, Input),
    /// The member leaves, or cannot stay: all is said.
    Over(Over),
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// The member quit.
    Quit,
    /// It could not stay, and this is why.
    Failed(Box<Failure>),
}

/// Who the member is.
#[derive(Clone, Debug)]
pub struct Me {
    pub name: MemberName,
    pub fingerprint: Fingerprint,
    pub guest: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not a member yet.
    Registering,
    /// A member; the pages of the directory are on their way.
    Entering,
    /// All is there.
    Here,
    /// Asked to quit, until posts are accepted or this time has come.
    Leaving(Instant),
    /// The hub has been told; its goodbye is awaited until this time.
    Left(Instant),
    Over,
}

/// The link is lost, and what came over it is still being read.
struct LastWords {
    /// How the session ends then.
    failure: Failure,
    /// When it ends in any case, once it is known what time it is.
    until: Option<Instant>,
}

/// A member's side of one visit to a hub.
pub struct Session {
    me: Me,
    phase: Phase,
    last_words: Option<LastWords>,
    relay: RelayMode,
    directory: DirectoryCopy,
    trust: Trust,
    outgoing: Outgoing,
    incoming: Incoming,
    plays: MemberPlays,
    /// In direct mode, what waits for keys of its receivers.
    keys_to_come: WaitForKeys,
    /// When to look whether the bundle is to be renewed.
    renewal: Option<Instant>,
    video_lists: VideoLists,
    /// What lets the member in where only those come in who are known or invited.
    invite: Option<Text>,
    /// Of all who asked to quit and were not answered.
    quit_references: Vec<Option<String>>,
    outputs: VecDeque<Output>,
}

impl Session {
    /// A session for a link that is about to be greeted. `seed` must come from a random source: ids and the
    /// delays of receipts are drawn from it.
    #[must_use]
    pub fn new(me: Me, seed: [u8; 32]) -> Self {
        let mut rng = StdRng::from_seed(seed);
        Self {
            phase: Phase::Registering,
            last_words: None,
            relay: RelayMode::Broadcast,
            directory: DirectoryCopy::new(me.fingerprint, StdRng::from_rng(&mut rng)),
            trust: Trust::new(MemberTrust::default()),
            outgoing: Outgoing::new(StdRng::from_rng(&mut rng)),
            incoming: Incoming::new(rng),
            plays: MemberPlays::default(),
            keys_to_come: WaitForKeys::default(),
            renewal: None,
            video_lists: VideoLists::default(),
            invite: None,
            quit_references: Vec::new(),
            outputs: VecDeque::new(),
            me,
        }
    }

    /// The same with what is known about the hub's members; without it, nobody is.
    #[must_use]
    pub fn trusting(self, trust: MemberTrust) -> Self {
        Self { trust: Trust::new(trust), ..self }
    }

    /// Shows this code to the hub when the member registers.
    pub fn bring_invite(&mut self, code: &str) {
        self.invite = Some(code.into());
    }

    /// Keeps where the member leaves titles, beside these places; without this call nothing of it is kept.
    pub fn remember(&mut self, places: Places) {
        self.plays.remember(places);
    }

    /// What is to be done next, oldest first.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Session::timeout`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let leaving = match self.phase {
            Phase::Leaving(until) | Phase::Left(until) => Some(until),
            _ => None,
        };
        let renewal = self.renewal.filter(|_| self.phase == Phase::Here);
        let keys = self.keys_to_come.deadline();
        let reading = self.last_words.as_ref().and_then(|words| words.until);
        let deadlines = [reading, leaving, renewal, keys, self.incoming.deadline(), self.outgoing.deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// The members that are here, this one included, by name.
    pub fn members(&self) -> impl Iterator<Item = &DirectoryEntry> {
        self.directory.members()
    }

    /// The hub has greeted: the member registers by answering this challenge.
    pub fn greeted(&mut self, challenge: Challenge) {
        self.work(Job::Prove { challenge });
    }

    /// A message of the hub.
    pub fn message(&mut self, message: Message, now: Instant) {
        match message {
            Message::Welcome(welcome) => self.welcome(&welcome),
            Message::DirectoryPage(page) if self.phase == Phase::Entering => {
                let complete = self.directory.take_page(page);
                self.entered(complete);
            }
            Message::Joined(joined) => self.joined(joined),
            Message::Left(left) => self.left(&left),
            // What is not good in the answer, or not in it, is missing; what was not asked for is not looked at.
            Message::Records(records) if self.directory.take_answer() => {
                self.work(Job::Check { records: records.records });
            }
            Message::OneTime(answer) => self.one_time_key_came(&answer),
            Message::RecordChanged(changed) => self.record_changed(&changed),
            Message::Heads(heads) => self.heads_came(&heads),
            Message::Relayed(relayed) => self.relayed(relayed),
            Message::Accepted(accepted) => self.accepted(accepted.mid),
            Message::Refused(refused) => self.post_refused(refused.mid, refused.code),
            Message::Videos(videos) => self.videos(videos),
            Message::VideosChanged(_) => self.event(Event::VideosChanged {}, None),
            Message::Error(error) => self.hub_error(error),
            Message::Goodbye(goodbye) => self.goodbye(goodbye.code),
            media => self.media(media, now),
        }
    }

    /// Something that was asked of this member.
    pub fn request(&mut self, request: Request, now: Instant) {
        let Request { command, reference } = request;
        let name = command.name();
        if let Some(LastWords { failure, .. }) = &self.last_words {
            return match command {
                Command::Quit => self.event(Event::Ok { command: name }, reference),
                _ => self.fail(failure.clone(), name, reference),
            };
        }
        if self.phase != Phase::Here && command != Command::Quit {
            let (text, hint) = match self.phase {
                Phase::Registering | Phase::Entering => ("not in yet", "wait for the directory"),
                _ => ("on the way out", "connect again"),
            };
            return self.fail(Failure::new(Code::TryLater, text, hint), name, reference);
        }
        match command {
            Command::Send { to, text } => self.send(&to, text, reference),
            Command::All { text } => self.send_all(text, reference),
            Command::Who => {
                let members = self.member_entries();
                self.answer(Event::Who { members }, name, reference);
            }
            Command::Directory => {
                let event = self.directory_event();
                self.answer(event, name, reference);
            }
            Command::Whoami => {
                let Me { name: me, fingerprint, guest } = self.me.clone();
                self.answer(Event::Whoami(MemberEntry { name: me, fingerprint, guest }), name, reference);
            }
            Command::Videos => self.list_videos(reference),
            Command::Quit => self.quit(reference, now),
            Command::Verify { name, answer } => self.verify(&name, answer, reference),
            Command::Trust { name, fingerprint } => self.trust(&name, fingerprint, reference),
            Command::Block { name } => self.block(&name, true, reference),
            Command::Unblock { name } => self.block(&name, false, reference),
            play => self.play_request(play, reference, now),
        }
    }

    /// Work is done.
    pub fn done(&mut self, done: Done, now: Instant) {
        match done {
            Done::Proved { record, proof } => {
                let (guest, invite) = (self.me.guest, self.invite.take());
                self.tell_hub(Register { record, guest, proof, invite });
            }
            Done::Checked(good) => {
                let good = self.refuse_older(good);
                let missing = self.directory.take_records(good);
                self.meet_unproven();
                self.hold_back();
                self.give_up_on(&missing);
                self.seal_what_can_be();
                self.judge_what_can_be();
                self.fetch_records();
            }
            Done::Sealed { id, result } => self.sealed(id, result),
            Done::Opened { opened, position } => self.opened(opened, position, now),
            Done::Renewed { record } => self.tell_hub(message::Update { record }),
            Done::WantsOneTimeKey(unsealed) => self.fetch_one_time_key(unsealed, now),
            Done::OneTimeKeys(keys) => self.publish_one_time_keys(keys),
            Done::Noted => {}
            Done::PlacesKept => self.plays.places_kept(),
            Done::PlacesNotKept(failure) => {
                self.plays.places_kept();
                self.event(place::not_kept(&failure), None);
            }
            Done::Judged(result) => self.judged(result, now),
            Done::Kept(file) => self.kept(file.as_deref()),
            Done::Failed(failure) => self.over(*failure),
        }
        self.leave_when_settled(now);
    }

    /// Time has passed.
    pub fn timeout(&mut self, now: Instant) {
        self.post_receipts(now);
        self.tell_gaps(now);
        self.renew_bundle(now);
        self.do_without_keys(now);
        self.post_again(now);
        self.leave_when_settled(now);
    }

    /// A display was found for a play, or none.
    pub fn display_chosen(&mut self, play: PlayId, chosen: Result<Choice, NoDisplay>) {
        let outputs = self.plays.display_chosen(play, chosen);
        self.outputs.extend(outputs);
    }

    /// Whether the sound of a play can be heard here; to be said before its display is chosen.
    pub fn can_be_heard(&mut self, play: PlayId, can: bool) {
        self.plays.can_be_heard(play, can);
    }

    /// A player has news.
    pub fn player_reported(&mut self, play: PlayId, report: Report, now: Instant) {
        let outputs = self.plays.reported(play, report, now);
        self.outputs.extend(outputs);
    }

    /// A player could not start.
    pub fn player_failed(&mut self, play: PlayId, why: &str) {
        let failure = Failure::new(Code::DisplayUnavailable, why, "use a build with the feature `player`");
        let outputs = self.plays.failed(play, failure);
        self.outputs.extend(outputs);
    }

    /// Whether a play runs or is starting.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        !self.plays.is_empty()
    }

    fn media(&mut self, message: Message, now: Instant) {
        let outputs = self.plays.message(message, now);
        self.outputs.extend(outputs);
    }

    fn play_request(&mut self, command: Command, reference: Option<String>, now: Instant) {
        let outputs = self.plays.request(command, reference, now);
        self.outputs.extend(outputs);
    }

    fn welcome(&mut self, welcome: &Welcome) {
        self.relay = welcome.relay;
        self.phase = Phase::Entering;
        self.directory.begin(welcome.sequence);
        let Me { name, fingerprint, guest } = self.me.clone();
        let event = Event::Welcome { name, fingerprint, guest, members: welcome.members.into(), relay: self.relay };
        self.event(event, None);
        self.tell_hub(message::NextPage {});
    }

    fn entered(&mut self, complete: bool) {
        if !complete {
            return self.tell_hub(message::NextPage {});
        }
        if self.phase == Phase::Entering {
            self.phase = Phase::Here;
            self.begin_one_time_keys();
            let event = self.directory_event();
            self.event(event, None);
            self.meet_everybody();
            self.watch_from_here();
            self.fetch_records();
        }
    }

    fn joined(&mut self, joined: message::Joined) {
        let entry = joined.entry.clone();
        if self.directory.apply_join(joined) && self.phase != Phase::Entering {
            let DirectoryEntry { name, fingerprint, guest } = entry.clone();
            self.event(Event::Joined(MemberEntry { name, fingerprint, guest }), None);
            self.meet(&entry);
        }
        self.directory_changed();
        self.fetch_records();
    }

    fn left(&mut self, left: &message::Left) {
        let (name, reason) = (left.name.clone(), left.reason);
        let gone = self.directory.apply_leave(left);
        self.directory_changed();
        let Some(entry) = gone else { return };
        if self.phase != Phase::Entering {
            self.event(Event::Left { name, reason }, None);
        }
        self.receiver_left(&entry);
    }

    fn directory_changed(&mut self) {
        if self.phase != Phase::Entering {
            self.watch_change();
        }
    }

    fn fetch_records(&mut self) {
        if self.phase != Phase::Entering
            && let Some(fetch) = self.directory.next_fetch()
        {
            self.tell_hub(fetch);
        }
    }

    fn member_entries(&self) -> Vec<MemberEntry> {
        let entry = |entry: &DirectoryEntry| MemberEntry {
            name: entry.name.clone(),
            fingerprint: entry.fingerprint,
            guest: entry.guest,
        };
        self.directory.members().map(entry).collect()
    }

    fn directory_event(&self) -> Event {
        Event::Directory { epoch: self.directory.sequence().0, members: self.member_entries() }
    }

    /// A member by its name, or why not.
    fn find(&self, name: &MemberName) -> Result<DirectoryEntry, Failure> {
        if *name == self.me.name {
            let text = "a message to yourself goes nowhere; nothing sent";
            return Err(Failure::new(Code::ToSelf, text, "name somebody else; `who` lists who is here"));
        }
        self.directory.find(name).cloned().ok_or_else(|| {
            let near = nearest(name.as_str(), self.directory.members().map(|entry| entry.name.as_str()));
            let hint = match near.as_slice() {
                [] => "`who` lists who is here".to_owned(),
                near => format!("did you mean {}?", near.join(" or ")),
            };
            Failure::new(Code::NoSuchMember, format!("nobody called \"{name}\" here; nothing sent"), hint)
        })
    }

    fn tell_hub(&mut self, message: impl Into<Message>) {
        self.outputs.push_back(Output::Send(message.into()));
    }

    fn work(&mut self, job: Job) {
        self.outputs.push_back(Output::Work(job));
    }

    fn event(&mut self, event: Event, reference: Option<String>) {
        self.outputs.push_back(Output::Event(event, reference));
    }

    fn answer(&mut self, event: Event, command: CommandName, reference: Option<String>) {
        self.event(event, reference.clone());
        self.event(Event::Ok { command }, reference);
    }

    fn fail(&mut self, failure: Failure, command: CommandName, reference: Option<String>) {
        self.event(Event::Error(failure.of(command)), reference);
    }
}
