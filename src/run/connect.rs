//! A member with its keys, its link, its players and whoever drives it.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal as _},
    sync::{Arc, OnceLock},
    thread,
    time::Instant,
};

use crossbeam_channel::{Sender, bounded, unbounded};
use rand::rngs::StdRng;

use super::stage::ProcessStage;
use crate::{
    cli::{ConnectOptions, Interaction, Keeping, ScriptSource},
    client::{
        event::{ByeReason, Event, Failure},
        front::Front,
        keyring::{Keyring, Origin},
        lines::InputLine,
        script::{OnError, Script},
        scripted::{Form, Scripted, read_lines},
        session::Me,
        terminal::{Menu, Paint, SharedWords, Shell, Terminal, ask_name},
        work::{Worker, failure_of},
    },
    crypto::RsaProvider,
    driver::{
        clock,
        member::{Member, MemberParts},
    },
    proto::VERSIONS,
    transport::{Notifier, Transport, tcp, unix},
    types::{Code, Endpoint, ExitCode, MemberName},
    video::render::{self, Windows},
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
    let surroundings = Surroundings { start: clock::now(), windows };
    match options.interaction.clone() {
        Interaction::Script { name, source, json, on_error } => {
            let form = if json { Form::Json } else { Form::Text };
            run_script(options, &name, &source, form, on_error, surroundings)
        }
        Interaction::Terminal { name, plain } => match run_terminal(options, name, plain, surroundings) {
            Ok(exit) => exit,
            Err(error) => {
                log::error!("the terminal cannot be used: {error}; use --script - where there is none");
                ExitCode::CommandFailed
            }
        },
    }
}

/// What a member gets from its process.
struct Surroundings {
    start: Instant,
    windows: Windows,
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
    let visit = open_source(source).and_then(|source| {
        let member = join(options, name, surroundings, &mut front)?;
        read_in_background(source, sender, member.notifier())?;
        Ok(member)
    });
    finish(visit, &mut front, start)
}

fn run_terminal(
    options: &ConnectOptions,
    name: Option<MemberName>,
    plain: bool,
    surroundings: Surroundings,
) -> io::Result<ExitCode> {
    let (sender, typed) = unbounded();
    let words = SharedWords::default();
    let notifier: Arc<OnceLock<Notifier>> = Arc::default();
    let mut shell = Shell::start(Arc::clone(&words), plain, {
        let notifier = Arc::clone(&notifier);
        move |line| {
            // Whoever types after the end types for nobody.
            let _ = sender.send(line);
            notifier.get().map(Notifier::wake);
        }
    })?;
    let Some(name) = name.or_else(|| ask_name(&mut shell, || typed.recv().ok())) else {
        shell.finish();
        return Ok(ExitCode::Fine);
    };
    let mut front = Terminal::new(Menu::new(Paint { enabled: options.color }, words), shell, typed);
    let start = surroundings.start;
    let member = join(options, &name, surroundings, &mut front);
    if let Ok(member) = &member {
        // Set once, here.
        let _ = notifier.set(member.notifier());
    }
    let exit = finish(member, &mut front, start);
    front.finish();
    Ok(exit)
}

/// Runs the member, or tells why there is none.
fn finish(member: Result<Member, Failure>, front: &mut dyn Front, start: Instant) -> ExitCode {
    let failure = match member.map(|member| member.run(front)) {
        Ok(Ok(exit)) => return exit,
        Ok(Err(error)) => no_system(&error),
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
    let Surroundings { start, windows } = surroundings;
    let provider = Arc::new(RsaProvider::default());
    let mut rng: StdRng = rand::make_rng();
    let (keyring, guest) = match &options.keeping {
        Keeping::Nothing => (Keyring::ephemeral(&*provider, name, clock::unix_millis(), &mut rng), true),
        Keeping::Folder(folder) => {
            let opened = Keyring::open(&*provider, &folder.join("members"), name, clock::unix_millis(), &mut rng);
            let keyring = opened.map(|(keyring, origin)| {
                if origin == Origin::Created {
                    log::info!("made keys for {name} in {}", folder.display());
                }
                keyring
            });
            (keyring, false)
        }
    };
    let keyring = keyring.map_err(|error| failure_of(&error))?;
    let me = Me { name: name.clone(), fingerprint: keyring.identity().fingerprint(), guest };
    let transport = link(&options.hub.endpoint)?;
    front.handle_event(Event::Connected { hub: options.hub.to_string() }, None, start.elapsed());
    let stage = ProcessStage {
        default: options.display,
        stdout_is_terminal: io::stdout().is_terminal(),
        windows,
        probed: OnceLock::new(),
    };
    let worker = Worker::new(provider, keyring, Box::new(rng), clock::unix_millis);
    let parts = MemberParts { me, transport, worker, stage: Arc::new(stage), start };
    let mut member = Member::new(parts).map_err(|error| no_system(&error))?;
    member.obey_signals().map_err(|error| no_system(&error))?;
    Ok(member)
}

fn link(endpoint: &Endpoint) -> Result<Box<dyn Transport>, Failure> {
    let link: io::Result<Box<dyn Transport>> = match endpoint {
        Endpoint::Tcp { host, port } => tcp::connect(host, *port).map(|link| Box::new(link) as _),
        Endpoint::Unix(path) => unix::connect(path).map(|link| Box::new(link) as _),
        Endpoint::Tls { .. } => Err(io::Error::new(io::ErrorKind::Unsupported, "TLS comes with a later version")),
    };
    link.map_err(|error| {
        let code = if error.kind() == io::ErrorKind::Unsupported { Code::NotYet } else { Code::ConnectFailed };
        let hint = "check that the hub runs (securestream serve) and that its address is right";
        Failure::new(code, format!("cannot connect to {endpoint}: {error}"), hint)
    })
}

type Source = Box<dyn BufRead + Send>;

fn open_source(source: &ScriptSource) -> Result<Source, Failure> {
    match source {
        ScriptSource::Stdin => Ok(Box::new(BufReader::new(io::stdin()))),
        ScriptSource::File(path) => match File::open(path) {
            Ok(file) => Ok(Box::new(BufReader::new(file))),
            Err(error) => {
                let message = format!("the script {} cannot be read: {error}", path.display());
                Err(Failure::new(Code::Usage, message, "name a file that is there, or - for standard input"))
            }
        },
    }
}

/// Standard input cannot be polled like a socket when it is a file, so a thread reads it. It is not waited for:
/// it may stand in a read for ever.
fn read_in_background(mut source: Source, lines: Sender<InputLine>, notifier: Notifier) -> Result<(), Failure> {
    let read = move || {
        if let Err(error) = read_lines(&mut source, &lines, || notifier.wake()) {
            log::warn!("the script cannot be read any further: {error}");
        }
        drop(lines);
        notifier.wake();
    };
    thread::Builder::new().name("input".to_owned()).spawn(read).map(drop).map_err(|error| no_system(&error))
}

fn no_system(error: &io::Error) -> Failure {
    let hint = "see how many descriptors and threads a process may have (ulimit -a)";
    Failure::new(Code::Internal, format!("the system refuses what a member needs: {error}"), hint)
}
