//! A member with its keys, its link, its players and whoever drives it.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    net::IpAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::Instant,
};

use anyhow::Context as _;
use crossbeam_channel::{Sender, bounded, unbounded};
use rand::rngs::StdRng;

use super::{
    link::{Linked, link},
    passphrase::Unlocking,
    refusal::{OrRefuse as _, Refusal},
    stage::{Hearing, ProcessStage, screen, setting},
};
use crate::{
    cli::{ConnectOptions, Interaction, Keeping, ScriptSource, Sending, SoundChoice},
    client::{
        event::{ByeReason, Event, Failure},
        front::Front,
        keyring::{KeptOfHub, Keyring, Origin},
        lines::InputLine,
        script::{OnError, Script},
        scripted::{Form, Scripted, read_lines},
        session::Me,
        terminal::{Paint, SharedWords, Shell, Terminal},
        trust::{MemberTrust, OnEquivocation},
        work::{Worker, failure_of},
    },
    crypto::RsaProvider,
    driver::{
        DefaultSignals, ResizeWatch, clock,
        member::{Member, MemberParts},
    },
    proto::VERSIONS,
    transport::Notifier,
    types::{Code, Endpoint, ExitCode, HubKey, MemberName},
    video::render::{self, Screen, Windows},
};

/// Runs a member until it has left. The main thread belongs to the windows; the member runs beside it.
pub(super) fn connect(options: ConnectOptions) -> ExitCode {
    let (windows, host) = render::windows();
    let member = thread::Builder::new().name("member".to_owned()).spawn(move || drive(&options, windows));
    host.run();
    match member.map(thread::JoinHandle::join) {
        Ok(Ok(exit)) => exit,
        // The panic or the lack of threads has been reported.
        _ => ExitCode::CommandFailed,
    }
}

fn drive(options: &ConnectOptions, windows: Windows) -> ExitCode {
    let surroundings = Surroundings { start: clock::now(), windows, screen: screen(options) };
    match options.interaction.clone() {
        Interaction::Script { name, source, json, on_error } => {
            let form = if json { Form::Json } else { Form::Text };
            run_script(options, &name, &source, form, on_error, surroundings)
        }
        Interaction::Terminal { name, plain } => match run_terminal(options, name.as_ref(), plain, &surroundings) {
            Ok(exit) => exit,
            Err(error) => {
                log::error!("the terminal cannot be used: {error}; use --script - where there is none");
                ExitCode::CommandFailed
            }
        },
    }
}

/// What a member gets from its process.
#[derive(Clone)]
struct Surroundings {
    start: Instant,
    windows: Windows,
    screen: Screen,
}

fn run_script(
    options: &ConnectOptions,
    name: &MemberName,
    source: &ScriptSource,
    form: Form,
    on_error: OnError,
    surroundings: Surroundings,
) -> ExitCode {
    let (sender, lines) = bounded(1);
    let mut front = Scripted::new(Script::new(on_error), lines, Box::new(io::stdout()), form);
    let start = surroundings.start;
    front.handle_event(Event::hello(VERSIONS.last().copied().unwrap_or_default()), None, start.elapsed());
    let start_member = || -> Result<Member, Failure> {
        let source = open_source(source)?;
        let member = join(options, name, surroundings, &mut front)?;
        read_in_background(source, sender, member.notifier())?;
        Ok(member)
    };
    let member = start_member();
    finish(member, &mut front, start)
}

fn run_terminal(
    options: &ConnectOptions,
    name: Option<&MemberName>,
    plain: bool,
    surroundings: &Surroundings,
) -> io::Result<ExitCode> {
    let (sender, typed) = unbounded();
    let words = SharedWords::default();
    let notifier: Arc<Mutex<Option<Notifier>>> = Arc::default();
    let screen = &surroundings.screen;
    let shell = Shell::start(Arc::clone(&words), plain, screen, {
        let notifier = Arc::clone(&notifier);
        move |line| {
            // Whoever types after the end types for nobody.
            let _ = sender.send(line);
            held(&notifier).as_ref().map(Notifier::wake);
        }
    })?;
    let _resizes = ResizeWatch::new({
        let screen = screen.clone();
        move || screen.redraw()
    })?;
    let mut front = Terminal::new(Paint { enabled: options.color && !plain }, words, shell, typed);
    let start = surroundings.start;
    let mut exit = ExitCode::Fine;
    while let Some(called) = name.cloned().or_else(|| ask_name(&mut front)) {
        let member = join(options, &called, surroundings.clone(), &mut front);
        *held(&notifier) = member.as_ref().ok().map(Member::notifier);
        exit = finish(member, &mut front, start);
        // A name from the command line is not the person's to change here.
        if name.is_some() || !front.is_name_refused() {
            break;
        }
    }
    screen.give_back();
    front.finish();
    Ok(exit)
}

/// Asks at the terminal; a signal meanwhile ends the process, whatever an earlier member did with signals.
fn ask_name(front: &mut Terminal) -> Option<MemberName> {
    let _signals = DefaultSignals::new();
    front.ask_name()
}

/// The notifier of the member that runs, if one does.
fn held(notifier: &Mutex<Option<Notifier>>) -> MutexGuard<'_, Option<Notifier>> {
    notifier.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the member, or tells why there is none.
fn finish(member: Result<Member, Failure>, front: &mut dyn Front, start: Instant) -> ExitCode {
    let ran = member.and_then(|member| Ok(member.run(front).context("the event loop fails").or_no_system()?));
    let failure = match ran {
        Ok(exit) => return exit,
        Err(failure) => failure,
    };
    let exit = failure.code.exit();
    front.handle_event(Event::Error(failure), None, start.elapsed());
    front.handle_event(Event::Bye { reason: ByeReason::of(exit), exit }, None, start.elapsed());
    exit
}

/// Makes or loads the keys, then connects.
fn join(
    options: &ConnectOptions,
    name: &MemberName,
    surroundings: Surroundings,
    front: &mut dyn Front,
) -> Result<Member, Failure> {
    let Surroundings { start, windows, screen } = surroundings;
    let provider = Arc::new(RsaProvider::default());
    let mut rng: StdRng = rand::make_rng();
    let (mut keyring, guest) = open_keyring(options, name, *provider, &mut rng)?;
    let me = Me { name: name.clone(), fingerprint: keyring.identity().fingerprint(), guest };
    let Linked { transport, key } = link(options, front)?;
    let trust = trust(options, &mut keyring, key)?;
    let places = keyring.places();
    front.handle_event(Event::Connected { hub: options.hub.to_string() }, None, start.elapsed());
    let stage = ProcessStage {
        default: options.display,
        setting: setting(options, &screen),
        windows,
        screen,
        probed: OnceLock::new(),
        hearing: hearing(options),
    };
    let mut worker = Worker::new(provider, keyring, Box::new(rng), clock::unix_millis);
    if options.sending == Sending::Sealed {
        worker = worker.sealing_only();
    }
    let parts = MemberParts { me, transport, worker, trust, stage: Arc::new(stage), start };
    let mut member = Member::new(parts).context("no member can be set up").or_no_system()?;
    if let Some(places) = places {
        member.remember(places);
    }
    if let Some(invite) = &options.hub.invite {
        member.bring_invite(invite);
    }
    member.obey_signals().context("signals cannot be caught").or_no_system()?;
    Ok(member)
}

/// A script that shows no picture plays no sound either; a person may want to listen.
fn hearing(options: &ConnectOptions) -> Hearing {
    match options.interaction {
        _ if options.sound == SoundChoice::None => Hearing::Nothing,
        Interaction::Script { .. } => Hearing::Shown,
        Interaction::Terminal { .. } => Hearing::All,
    }
}

/// What is known about the hub's members, and what to do about what is not.
fn trust(options: &ConnectOptions, keyring: &mut Keyring, key: Option<HubKey>) -> Result<MemberTrust, Failure> {
    let KeptOfHub { pins, head } =
        keyring.open_hub(&kept_under(&options.hub.endpoint), key).map_err(|error| failure_of(&error))?;
    let on_equivocation = match options.interaction {
        Interaction::Script { .. } => OnEquivocation::End,
        Interaction::Terminal { .. } => OnEquivocation::Warn,
    };
    Ok(MemberTrust { pins, policy: options.trust_members, on_equivocation, last_seen: head })
}

/// What stands for a hub where a member keeps what it knows of it: the same however its address is typed.
fn kept_under(endpoint: &Endpoint) -> String {
    let canonical = |host: &str| match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => host.to_lowercase(),
    };
    match endpoint {
        Endpoint::Tls { host, port } => Endpoint::Tls { host: canonical(host), port: *port },
        Endpoint::Tcp { host, port } => Endpoint::Tcp { host: canonical(host), port: *port },
        Endpoint::Unix(path) => Endpoint::Unix(path.clone()),
    }
    .to_string()
}

/// The member's keys, and whether it is a guest. A person is asked for the passphrase where keys have one.
fn open_keyring(
    options: &ConnectOptions,
    name: &MemberName,
    provider: RsaProvider,
    rng: &mut StdRng,
) -> Result<(Keyring, bool), Failure> {
    let now = clock::unix_millis();
    let Keeping::Folder(folder) = &options.keeping else {
        let keyring = Keyring::ephemeral(&provider, name, now, rng).map_err(|error| failure_of(&error))?;
        return Ok((keyring, true));
    };
    let members = folder.join("members");
    let may_ask = matches!(options.interaction, Interaction::Terminal { .. });
    let unlocking = Unlocking { file: options.passphrase_file.as_deref(), may_ask };
    let ((keyring, origin), _) = unlocking.open(name.as_str(), |passphrase| match passphrase {
        None => Keyring::open(&provider, &members, name, now, rng),
        Some(passphrase) => Keyring::unlock(&provider, &members, name, passphrase, now, rng),
    })?;
    if origin == Origin::Created {
        log::info!("made keys for {name} in {}", folder.display());
    }
    Ok((keyring, false))
}

type Source = Box<dyn BufRead + Send>;

fn open_source(source: &ScriptSource) -> Result<Source, Refusal> {
    match source {
        ScriptSource::Stdin => Ok(Box::new(BufReader::new(io::stdin()))),
        ScriptSource::File(path) => {
            let file = open_file(path).with_context(|| format!("the script {} cannot be read", path.display()));
            let file = file.or_refuse(Code::Usage, "name a file that is there, or - for standard input")?;
            Ok(Box::new(BufReader::new(file)))
        }
    }
}

/// A folder can be opened as well, and says only later that it cannot be read.
fn open_file(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
}

/// Standard input cannot be polled like a socket when it is a file, so a thread reads it. It is not waited for:
/// it may stand in a read for ever.
fn read_in_background(mut source: Source, lines: Sender<InputLine>, notifier: Notifier) -> Result<(), Refusal> {
    let read = move || {
        read_lines(&mut source, &lines, || notifier.wake());
        drop(lines);
        notifier.wake();
    };
    thread::Builder::new()
        .name("input".to_owned())
        .spawn(read)
        .map(drop)
        .context("no thread to read the script")
        .or_no_system()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::hub_address::HubAddress;

    #[test]
    fn a_hub_is_known_again_however_its_address_is_typed() {
        let kept = |text: &str| kept_under(&text.parse::<HubAddress>().unwrap().endpoint);
        assert_eq!(kept("tls://Hub.Example.org:9999"), "tls://hub.example.org:9999");
        assert_eq!(kept("hub.example.ORG"), kept("tls://hub.example.org:9999"));
        assert_eq!(kept("[::0:1]:7"), kept("tls://[0:0::1]:7"));
        assert_eq!(kept("tls://[::ffff:192.0.2.1]"), kept("tls://192.0.2.1"));
        assert_ne!(kept("tcp://localhost"), kept("tls://localhost"));
        assert_ne!(kept("unix:/A"), kept("unix:/a"));
    }
}
