//! A hub with its listeners, its folder of videos and its reports.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use super::{
    descriptors, hub_data,
    hub_tls::Tls,
    own_memory,
    printer::{self, Printer},
    refusal::{OrRefuse as _, Refusal},
    videos::Videos,
};
use crate::{
    cli::{Admit, ServeOptions},
    crypto::RsaProvider,
    directory::MemoryDirectory,
    driver::{
        admin::AdminSocket,
        clock,
        hub::{Entrance, Hub, HubParts, OperatorParts, Reload},
        ledger::Remembered,
    },
    proto::VERSIONS,
    server::{
        Admission, RelayOptions,
        admin::{ADMIN_SOCKET, Reloaded},
        report::{HubEvent, member_url},
    },
    storage::DiskStorage,
    transport::{Listener, tcp, unix},
    types::{Code, ExitCode, ListenAddress, ListenHost},
};

/// Runs a hub until it is stopped.
pub(super) fn serve(options: &ServeOptions) -> ExitCode {
    own_memory::close();
    let printer = match Printer::start(io::stdout(), printer::WAITING) {
        Ok(printer) => printer,
        Err(error) => {
            log::error!("no thread to write standard output: {error}");
            return Code::Internal.exit();
        }
    };
    let reporter = Reporter { json: options.json, start: clock::now(), printer };
    reporter.report(&HubEvent::hello(VERSIONS.last().copied().unwrap_or_default()));
    let exit = match run_hub(options, &reporter) {
        Ok(()) => ExitCode::Fine,
        Err(refusal) => {
            let exit = refusal.code.exit();
            reporter.report(&HubEvent::error(refusal.code, refusal.message(), refusal.hint));
            exit
        }
    };
    reporter.finish(&HubEvent::bye(exit));
    exit
}

fn run_hub(options: &ServeOptions, reporter: &Reporter) -> Result<(), Refusal> {
    descriptors::raise_limit();
    let mut data = options.data_dir.as_deref().map(hub_data::open).transpose()?;
    if data.is_none() {
        log::info!("there is no place for data: securestream hub cannot reach this hub; say where with --data-dir DIR");
    }
    let tls = Tls::of(options, data.as_mut())?;
    let socket = data.as_ref().and_then(admin_socket);
    let (ledger, Remembered { bindings, chain }) = hub_data::ledger(data, clock::unix_millis())?;
    let videos = Videos::open(&options.videos, options.data_dir.as_deref())?;
    let mut entrances = Vec::new();
    let (mut ready, mut urls) = (Vec::new(), Vec::new());
    for address in &options.listen {
        let listener = listen(address, tls.as_ref())?;
        if options.public_url.is_none() && is_everywhere(address) {
            log::warn!("{address} is no URL to connect to: name the one that members reach with --public-url");
        }
        let url = member_url(address, listener.port().unwrap_or_default(), options.public_url.as_deref());
        let is_tls = matches!(address, ListenAddress::Tls { .. });
        let fingerprint = tls.as_ref().filter(|_| is_tls).map(Tls::key);
        urls.push(url.clone());
        ready.push(HubEvent::Listening { url, fingerprint });
        entrances.push(Entrance { listener, admission: admission(options, address) });
    }
    let parts = HubParts {
        options: RelayOptions {
            mode: options.relay,
            max_members: usize::try_from(options.max_members).unwrap_or(usize::MAX),
        },
        entrances,
        directory: Box::new(MemoryDirectory::resume(chain)),
        bindings,
        ledger,
        crypto: Arc::new(RsaProvider::default()),
        videos: videos.source(),
        limits_local: options.limit_loopback,
        operator: OperatorParts {
            socket,
            reload: Some(reload(videos.clone(), tls.clone())),
            watch: videos.watch(),
            listening: urls,
            fingerprint: tls.as_ref().map(|tls| tls.key().to_string()),
        },
    };
    let hub_reporter = reporter.clone();
    let mut hub =
        Hub::new(parts, move |event| hub_reporter.report(&event)).context("no hub can be set up").or_no_system()?;
    hub.obey_signals().context("signals cannot be caught").or_no_system()?;
    reporter.report(&videos.catalog_event());
    for listening in ready {
        reporter.report(&listening);
    }
    hub.run().context("the event loop fails").or_no_system()
}

/// Where the operator's requests come in. A hub goes on without: what it is for does not depend on it.
fn admin_socket(folder: &DiskStorage) -> Option<AdminSocket> {
    let path = folder.folder().join(ADMIN_SOCKET);
    AdminSocket::bind(&path)
        .inspect_err(|error| log::warn!("securestream hub cannot reach this hub: {}: {error}", path.display()))
        .ok()
}

/// Whom a listener lets in; a hint for the operator where that is nobody yet.
fn admission(options: &ServeOptions, address: &ListenAddress) -> Admission {
    match options.admit_at(address) {
        Admit::Open => Admission::Open,
        Admit::Invite => {
            log::info!(
                "{address} takes new members by invite only; for each of them run: securestream hub invite NAME \
                 (or start with --admit open)"
            );
            Admission::Invite
        }
    }
}

/// Reads again what may have changed: the videos and the certificate that the operator gave. The certificate is last:
/// once members see another key, nothing may fail before the operator is told which.
fn reload(videos: Videos, tls: Option<Tls>) -> Reload {
    Arc::new(move || {
        let reloaded = videos.reload()?;
        let key = tls.as_ref().map(Tls::reload).transpose()?;
        Ok(Reloaded { fingerprint: key.map(|key| key.to_string()), ..reloaded })
    })
}

/// Listens at `address`; with TLS when it says so, which is when there is a certificate.
fn listen(address: &ListenAddress, tls: Option<&Tls>) -> Result<Box<dyn Listener>, Refusal> {
    let listener: io::Result<Box<dyn Listener>> = match address {
        ListenAddress::Tcp { host, port } | ListenAddress::Tls { host, port } => match host {
            ListenHost::Any => tcp::listen_everywhere(*port).map(boxed),
            ListenHost::Named(host) => tcp::listen(host, *port).map(boxed),
        },
        ListenAddress::Unix(path) => unix::listen(path).map(boxed),
    };
    let (code, hint) = match listener.as_ref().map_err(io::Error::kind) {
        Err(io::ErrorKind::AddrInUse) => {
            (Code::ListenFailed, "stop the other hub, or choose another --listen; port 0 picks a free one")
        }
        Err(io::ErrorKind::PermissionDenied) => {
            (Code::ListenFailed, "choose a port from 1024 on, or a folder that you may write")
        }
        _ => (Code::ListenFailed, "choose another --listen"),
    };
    let listener = listener.with_context(|| format!("cannot listen on {address}")).or_refuse(code, hint)?;
    Ok(match (address, tls) {
        (ListenAddress::Tls { .. }, Some(tls)) => Box::new(tls.over(listener)),
        _ => listener,
    })
}

fn is_everywhere(address: &ListenAddress) -> bool {
    matches!(
        address,
        ListenAddress::Tcp { host: ListenHost::Any, .. } | ListenAddress::Tls { host: ListenHost::Any, .. }
    )
}

fn boxed(listener: impl Listener + 'static) -> Box<dyn Listener> {
    Box::new(listener)
}

/// Writes what an operator is told: events or URLs on standard output, words in the log.
#[derive(Clone)]
struct Reporter {
    json: bool,
    start: Instant,
    printer: Printer,
}

impl Reporter {
    fn report(&self, event: &HubEvent) {
        let line = self.line(event);
        if !line.is_empty() {
            self.printer.print(line);
        }
    }

    fn finish(self, event: &HubEvent) {
        let line = self.line(event);
        self.printer.finish(line);
    }

    fn line(&self, event: &HubEvent) -> Vec<u8> {
        log::log!(event.level(), "{}", event.text());
        let t: Duration = clock::now().saturating_duration_since(self.start);
        let t = t.as_millis().try_into().unwrap_or(u64::MAX);
        let mut line = Vec::new();
        let written = event.write_to(&mut line, self.json, t);
        debug_assert!(written.is_ok(), "a Vec takes every write: {written:?}");
        line
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    use crate::{
        cli::{Invocation, Surroundings, parse},
        types::ExitCode,
    };

    use super::serve;

    #[test]
    fn attack_the_memory_of_a_hub_is_closed_to_its_own_user() {
        let line = "securestream serve --listen tcp://127.0.0.1:0 --videos /nonexistent/videos";
        let surroundings = Surroundings::default();
        let Ok(Invocation::Serve(options)) = parse(line.split(' ').map(Into::into).collect(), &surroundings) else {
            panic!("{line}")
        };
        assert_ne!(serve(&options), ExitCode::Fine, "there is no such folder");
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
