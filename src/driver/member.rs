//! The member's network thread: one loop over its link, its worker, its players and whoever drives it.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rand::Rng as _;

use super::{
    clock,
    event_loop::{EventLoop, Occurrence},
    players::Players,
    pool::Pool,
    signals::SignalInbox,
};
use crate::{
    client::{
        command::{Command, PlayRequest, Request},
        event::{ByeReason, Event, Failure},
        front::Front,
        places::Places,
        session::{Me, Output, Over, Session},
        trust::MemberTrust,
        work::{Done, Job, Worker},
    },
    crypto::Challenge,
    proto::{Connection, Event as LinkEvent},
    transport::{Notifier, Transport},
    types::{Code, ExitCode, LinkId, Peer, PlayId, limits::DRAIN_DEADLINE},
    video::{
        pace::Speed,
        render::{Choice, Display, DisplayKind, NoDisplay},
        sound::Sinks,
    },
};

/// Where plays are shown. Finding out may take seconds, so it happens on a thread of its own.
pub trait Stage: Send + Sync {
    /// The display for a play.
    ///
    /// # Errors
    /// When there is none of the kind that was asked for.
    fn choose(&self, request: &PlayRequest) -> Result<Choice, NoDisplay>;

    /// Opens the display that was chosen.
    fn open(&self, title: &str, kind: DisplayKind) -> Box<dyn Display>;

    /// Where the sound of a play goes that is shown there; nothing where it is not to be heard.
    fn sinks(&self, _: DisplayKind) -> Option<Box<dyn Sinks>> {
        None
    }
}

/// What a member is made of; the caller chooses the implementations.
pub struct MemberParts {
    pub me: Me,
    pub transport: Box<dyn Transport>,
    pub worker: Worker,
    /// What is known about the hub's members.
    pub trust: MemberTrust,
    pub stage: Arc<dyn Stage>,
    /// When the process began: events count from here.
    pub start: Instant,
}

/// What came of looking for a display.
type Chosen = (PlayId, Result<Choice, NoDisplay>);

/// A member on its link.
pub struct Member {
    event_loop: EventLoop,
    link: LinkId,
    session: Session,
    worker: Pool<Job, Done>,
    stage: Arc<dyn Stage>,
    displays: Pool<(PlayId, Box<PlayRequest>), Chosen>,
    players: Players,
    signals: Option<SignalInbox>,
    signalled: Option<ExitCode>,
    over: Option<Over>,
    /// The hub has taken this member in.
    welcomed: bool,
    start: Instant,
}

impl Member {
    /// Sets up a member on a link that stands.
    ///
    /// # Errors
    /// When the system gives no poll or threads.
    pub fn new(parts: MemberParts) -> io::Result<Self> {
        let now = clock::now();
        let mut event_loop = EventLoop::new()?;
        let agent = concat!("securestream/", env!("CARGO_PKG_VERSION"));
        let link = event_loop.add(parts.transport, Connection::member(agent, now))?;
        let notifier = event_loop.notifier();
        let worker = Mutex::new(parts.worker);
        let worker = Pool::new("crypto", 1, &notifier, move |job| {
            worker.lock().unwrap_or_else(PoisonError::into_inner).work(job)
        })?;
        let stage = Arc::clone(&parts.stage);
        let displays = Pool::new("display", 1, &notifier, move |(play, request): (PlayId, Box<PlayRequest>)| {
            (play, stage.choose(&request))
        })?;
        let mut seed = [0; 32];
        rand::rng().fill_bytes(&mut seed);
        Ok(Self {
            players: Players::new(notifier),
            session: Session::new(parts.me, seed).trusting(parts.trust),
            event_loop,
            link,
            worker,
            stage: parts.stage,
            displays,
            signals: None,
            signalled: None,
            over: None,
            welcomed: false,
            start: parts.start,
        })
    }

    /// Shows this code to the hub, which lets in those who are known or invited.
    pub fn bring_invite(&mut self, code: &str) {
        self.session.bring_invite(code);
    }

    /// Keeps where titles were left, beside these places.
    pub fn remember(&mut self, places: Places) {
        self.session.remember(places);
    }

    /// What wakes the loop, so that [`Front::poll_request`] is called.
    #[must_use]
    pub fn notifier(&self) -> Notifier {
        self.event_loop.notifier()
    }

    /// Lets SIGHUP, SIGINT and SIGTERM end this member.
    ///
    /// # Errors
    /// When the system does not let them be caught.
    pub fn obey_signals(&mut self) -> io::Result<()> {
        self.signals = Some(SignalInbox::new(self.event_loop.notifier())?);
        Ok(())
    }

    /// Runs until the member has left or cannot stay; the last event is `bye`. Returns the exit status.
    ///
    /// # Errors
    /// When the system's poll fails.
    pub fn run(mut self, front: &mut dyn Front) -> io::Result<ExitCode> {
        while self.over.is_none() {
            self.ask(front);
            if self.over.is_some() {
                break;
            }
            let occurrences = self.event_loop.turn(self.deadline(front), &mut nobody)?;
            let now = clock::now();
            self.take_signals(now, front);
            for occurrence in occurrences {
                self.occurred(occurrence, now);
                self.put_out(front);
            }
            self.take_answers(now, front);
            self.session.timeout(now);
            self.put_out(front);
            self.event_loop.flush();
        }
        self.end_players(front)?;
        Ok(self.say_bye(front))
    }

    /// Everything that the front wants, one after the other.
    fn ask(&mut self, front: &mut dyn Front) {
        // Once a signal came, nothing more is wanted.
        while self.signalled.is_none()
            && let Some(request) = front.poll_request(self.elapsed())
        {
            self.session.request(request, clock::now());
            self.put_out(front);
        }
        self.event_loop.flush();
    }

    fn occurred(&mut self, occurrence: Occurrence, now: Instant) {
        match occurrence {
            Occurrence::Event(link, LinkEvent::Greeted(nonce)) => {
                let channel_binding = self.event_loop.channel_binding(link);
                self.session.greeted(Challenge { channel_binding, nonce: nonce.0 });
            }
            Occurrence::Event(_, LinkEvent::Message(message)) => self.session.message(message, now),
            Occurrence::Event(_, LinkEvent::Ended(ending)) => self.session.ended(&ending),
            Occurrence::Accepted(..) => {}
        }
    }

    fn take_answers(&mut self, now: Instant, front: &mut dyn Front) {
        let done: Vec<_> = self.worker.answers().collect();
        for done in done {
            self.session.done(done, now);
            self.put_out(front);
        }
        let chosen: Vec<_> = self.displays.answers().collect();
        for (play, chosen) in chosen {
            let sinks = chosen.as_ref().ok().and_then(|choice| self.stage.sinks(choice.kind));
            self.session.can_be_heard(play, sinks.is_some());
            self.session.display_chosen(play, chosen);
        }
        for (play, report) in self.players.take_reports() {
            self.session.player_reported(play, report, now);
        }
        self.put_out(front);
    }

    fn take_signals(&mut self, now: Instant, front: &mut dyn Front) {
        let came: Vec<_> = self.signals.iter().flat_map(SignalInbox::take).collect();
        for signal in came {
            self.signal(signal, now, front);
        }
    }

    fn signal(&mut self, signal: i32, now: Instant, front: &mut dyn Front) {
        if signal == signal_hook::consts::SIGINT && front.interrupted(self.elapsed()) {
            return;
        }
        let exit = match signal {
            signal_hook::consts::SIGHUP => ExitCode::Hangup,
            signal_hook::consts::SIGINT => ExitCode::Interrupted,
            _ => ExitCode::Terminated,
        };
        // A second signal does not wait for anything.
        if self.signalled.replace(exit).is_some() {
            self.over = Some(Over::Quit);
        } else {
            self.session.request(Request { command: Command::Quit, reference: None }, now);
        }
    }

    /// Does what the session wants done.
    fn put_out(&mut self, front: &mut dyn Front) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Send(message) => {
                    let now = clock::now();
                    if let Some(connection) = self.event_loop.connection(self.link) {
                        connection.send(&message, now);
                    }
                }
                Output::Event(event, reference) => {
                    self.welcomed |= matches!(event, Event::Welcome { .. });
                    front.handle_event(event, reference, self.elapsed());
                }
                Output::Work(job) => self.worker.submit(job),
                Output::ChooseDisplay(play, request) => self.displays.submit((play, request)),
                Output::StartPlayer(play, request, choice) => self.start_player(play, &request, &choice),
                Output::Player(play, input) => self.players.send(play, input),
                Output::Over(over) => self.over = Some(over),
            }
        }
    }

    fn start_player(&mut self, play: PlayId, request: &PlayRequest, choice: &Choice) {
        let speed = if request.full_speed { Speed::Max } else { Speed::Normal };
        let display = self.stage.open(&request.title, choice.kind);
        let sinks = self.stage.sinks(choice.kind).filter(|_| request.sound);
        if let Err(error) = self.players.start(play, speed, request.checksum, display, sinks) {
            self.session.player_failed(play, &error.to_string());
        }
    }

    /// Gives players a moment to say how they ended.
    fn end_players(&mut self, front: &mut dyn Front) -> io::Result<()> {
        let until = clock::now() + DRAIN_DEADLINE;
        while !self.players.is_empty() && clock::now() < until {
            self.event_loop.turn(Some(until), &mut nobody)?;
            self.take_answers(clock::now(), front);
        }
        Ok(())
    }

    fn say_bye(&mut self, front: &mut dyn Front) -> ExitCode {
        let (reason, exit, failure) = match (self.over.take(), self.signalled) {
            (Some(Over::Failed(failure)), None) => {
                let exit = if self.welcomed { failure.code.exit() } else { failure.code.exit_when_refused() };
                let reason = if failure.code == Code::HubClosing { ByeReason::HubClosing } else { ByeReason::of(exit) };
                (reason, exit, Some(*failure))
            }
            (_, Some(exit)) => (ByeReason::Signal, exit, Some(interrupted())),
            _ => (ByeReason::of(front.exit_code()), front.exit_code(), front.closing_failure()),
        };
        if let Some(failure) = failure {
            front.handle_event(Event::Error(failure), None, self.elapsed());
        }
        front.handle_event(Event::Bye { reason, exit }, None, self.elapsed());
        exit
    }

    fn deadline(&self, front: &dyn Front) -> Option<Instant> {
        // Once a signal came the front is not asked any more, so its deadlines would only pass.
        let front = if self.signalled.is_none() { front.deadline() } else { None };
        [self.session.deadline(), front.map(|due| self.start + due)].into_iter().flatten().min()
    }

    fn elapsed(&self) -> Duration {
        clock::now().saturating_duration_since(self.start)
    }
}

/// Nobody connects to a member.
fn nobody(_: LinkId, _: &Peer, _: Instant) -> Option<Connection> {
    None
}

fn interrupted() -> Failure {
    Failure::new(Code::Interrupted, "ended by a signal", "start it again to go on")
}
