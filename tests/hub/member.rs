//! Members as users run them, but for whoever drives them.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use securestream::{
    client::{
        command::{Instruction, PlayRequest, Request, read_line},
        event::{Event, Stamped},
        front::Front,
        keyring::{KeptOfHub, Keyring},
        session::Me,
        trust::{MemberTrust, OnEquivocation, Policy},
        work::Worker,
    },
    crypto::{CryptoProvider, testing::InsecureProvider},
    driver::member::{Member, MemberParts, Stage},
    transport::{Notifier, Transport},
    types::{ExitCode, MemberName},
    video::render::{Choice, Display, DisplayKind, NoDisplay, NullDisplay},
};
use serde_json::{Value, json};

use crate::{
    hub::{TestHub, Wire},
    raw::rng,
    support::{events::Events, schema::Schema},
};

/// A member on a thread, driven by a test. It is told to quit when it is dropped.
pub(crate) struct TestMember {
    pub(crate) name: String,
    pub(crate) events: Events,
    requests: mpsc::Sender<Request>,
    notifier: Notifier,
    thread: Option<JoinHandle<ExitCode>>,
}

impl TestMember {
    /// Joins a hub as a guest with test keys and waits until it is in.
    pub(crate) fn join(hub: &TestHub, wire: Wire, name: &str) -> Self {
        Self::join_over(hub.link(wire), name)
    }

    /// As [`TestMember::join`], over a link that is made already.
    pub(crate) fn join_over(link: Box<dyn Transport>, name: &str) -> Self {
        let member = Self::start_with_keys(link, name, name);
        member.wait(json!({"event": "directory"}));
        member
    }

    /// Starts a member with test keys that are drawn by `seed`.
    pub(crate) fn start_with_keys(link: Box<dyn Transport>, name: &str, seed: &str) -> Self {
        Self::start(link, name, seed, Arc::new(InsecureProvider))
    }

    /// Starts a member with keys of `provider` that are drawn by `seed`.
    pub(crate) fn start(link: Box<dyn Transport>, name: &str, seed: &str, provider: Arc<dyn CryptoProvider>) -> Self {
        Self::start_as(link, Role { provider, ..Role::guest(name, seed) })
    }

    /// Starts a member.
    pub(crate) fn start_as(link: Box<dyn Transport>, role: Role) -> Self {
        let Role { name, seed, provider, folder, policy, on_equivocation, stage } = role;
        let typed: MemberName = name.parse().unwrap();
        let mut rng = rng(&seed);
        let guest = folder.is_none();
        let mut keyring = match folder {
            Some(folder) => Keyring::open(&*provider, &folder, &typed, NOW, &mut rng).unwrap().0,
            None => Keyring::ephemeral(&*provider, &typed, NOW, &mut rng).unwrap(),
        };
        let KeptOfHub { pins, head } = keyring.open_hub(HUB, None).unwrap();
        let trust = MemberTrust { pins, policy, on_equivocation, last_seen: head };
        let me = Me { name: typed, fingerprint: keyring.identity().fingerprint(), guest };
        let worker = Worker::new(provider, keyring, Box::new(rng), || NOW);
        let parts = MemberParts { me, transport: link, worker, trust, stage, start: Instant::now() };
        let member = Member::new(parts).unwrap();
        let (requests, asked) = mpsc::channel();
        let (told, events) = mpsc::channel();
        let notifier = member.notifier();
        let mut front = TestFront { asked, told };
        let thread = thread::spawn(move || member.run(&mut front).unwrap());
        let events = Events::new(name.as_str(), Schema::Member, events);
        Self { name, events, requests, notifier, thread: Some(thread) }
    }

    /// Gives it a command as a script would.
    pub(crate) fn ask(&self, line: &str) {
        let line = read_line(line).unwrap();
        let Ok(Instruction::Session(command)) = line.instruction else { panic!("{line:?}") };
        self.request(Request { command, reference: line.reference });
    }

    /// Gives it a command that no script could.
    pub(crate) fn request(&self, request: Request) {
        // It may have ended by itself.
        let _ = self.requests.send(request);
        self.notifier.wake();
    }

    /// See [`Events::wait`].
    pub(crate) fn wait(&self, pattern: Value) -> Value {
        self.events.wait(pattern)
    }

    /// Quits and gives everything that it ever told.
    pub(crate) fn leave(mut self) -> Vec<Value> {
        self.ask("quit");
        let told = self.events.to_the_end();
        assert_eq!(self.thread.take().unwrap().join().unwrap(), ExitCode::Fine);
        told
    }

    /// Waits until it ended by itself, and gives its exit status.
    pub(crate) fn ended(mut self) -> ExitCode {
        self.events.to_the_end();
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for TestMember {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.ask("quit");
        let ended = thread.join();
        if !thread::panicking() {
            ended.unwrap();
        }
    }
}

/// The address under which a member keeps what it knows of the hub.
pub(crate) const HUB: &str = "memory://hub";

/// Who a member is, and how it trusts.
#[derive(Clone)]
pub(crate) struct Role {
    pub(crate) name: String,
    /// Its keys are drawn by this.
    pub(crate) seed: String,
    pub(crate) provider: Arc<dyn CryptoProvider>,
    /// Where it keeps what it keeps; without one it is a guest.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) policy: Policy,
    pub(crate) on_equivocation: OnEquivocation,
    /// Where its plays are shown.
    pub(crate) stage: Arc<dyn Stage>,
}

impl Role {
    pub(crate) fn guest(name: &str, seed: &str) -> Self {
        Self {
            name: name.to_owned(),
            seed: seed.to_owned(),
            provider: Arc::new(InsecureProvider),
            folder: None,
            policy: Policy::FirstUse,
            on_equivocation: OnEquivocation::End,
            stage: Arc::new(NoStage),
        }
    }

    /// A member that keeps what it knows in `folder`.
    pub(crate) fn kept(name: &str, folder: &Path) -> Self {
        Self { folder: Some(folder.to_owned()), ..Self::guest(name, name) }
    }
}

/// Tells one exchange from another.
static EXCHANGES: AtomicU32 = AtomicU32::new(0);

/// Two members write to each other and read it: nobody disturbs them.
pub(crate) fn exchange(one: &TestMember, other: &TestMember) {
    for (from, to) in [(one, other), (other, one)] {
        let reference = format!("exchange {}", EXCHANGES.fetch_add(1, Ordering::Relaxed));
        let text = format!("are you there, {}?", to.name);
        from.ask(&json!({"cmd": "send", "to": to.name, "text": text, "ref": reference}).to_string());
        let id = from.wait(json!({"event": "queued", "ref": reference}))["id"].clone();
        to.wait(json!({"event": "message", "from": from.name, "id": id}));
        from.wait(json!({"event": "delivered", "id": id}));
    }
}

/// A clock that stands still: nothing here depends on the time of day.
pub(crate) const NOW: u64 = 1_790_000_000_000;

struct TestFront {
    asked: mpsc::Receiver<Request>,
    told: mpsc::Sender<Value>,
}

impl Front for TestFront {
    fn handle_event(&mut self, event: Event, reference: Option<String>, now: Duration) {
        let t = u64::try_from(now.as_millis()).unwrap();
        let mut line = Vec::new();
        Stamped { t, event, reference }.write_line(&mut line).unwrap();
        // Nobody listens any more only when the test is over.
        let _ = self.told.send(serde_json::from_slice(&line).unwrap());
    }

    fn poll_request(&mut self, _: Duration) -> Option<Request> {
        self.asked.try_recv().ok()
    }

    fn deadline(&self) -> Option<Duration> {
        None
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::Fine
    }
}

/// Nothing is shown.
struct NoStage;

impl Stage for NoStage {
    fn choose(&self, _: &PlayRequest) -> Result<Choice, NoDisplay> {
        Ok(Choice { kind: DisplayKind::None, why: None })
    }

    fn open(&self, _: &str, _: DisplayKind) -> Box<dyn Display> {
        Box::new(NullDisplay)
    }
}
