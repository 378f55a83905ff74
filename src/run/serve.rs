//! A hub with its listeners, its folder of videos and its reports.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use super::{
    descriptors,
    printer::{self, Printer},
    refusal::{OrRefuse as _, Refusal},
    videos::{Videos, catalog_event},
};
use crate::{
    cli::ServeOptions,
    crypto::RsaProvider,
    directory::MemoryDirectory,
    driver::{
        admin::AdminSocket,
        clock,
        hub::{Hub, HubParts, OperatorParts},
    },
    proto::VERSIONS,
    server::{
        RelayOptions,
        admin::ADMIN_SOCKET,
        report::{HubEvent, member_url},
    },
    storage::{DiskStorage, StorageError},
    transport::{Listener, tcp, unix},
    types::{Code, ExitCode, ListenAddress, ListenHost},
};

/// Runs a hub until it is stopped.
pub(super) fn serve(options: &ServeOptions) -> ExitCode {
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
    let folder = open_folder(options)?;
    let videos = Videos::open(&options.videos)?;
    let mut listeners: Vec<Box<dyn Listener>> = Vec::new();
    let mut urls = Vec::new();
    for address in &options.listen {
        let listener = listen(address)?;
        if options.public_url.is_none() && is_everywhere(address) {
            log::warn!("{address} is no URL to connect to: name the one that members reach with --public-url");
        }
        urls.push(member_url(address, listener.port().unwrap_or_default(), options.public_url.as_deref()));
        listeners.push(listener);
    }
    let parts = HubParts {
        options: RelayOptions {
            mode: options.relay,
            max_members: usize::try_from(options.max_members).unwrap_or(usize::MAX),
        },
        listeners,
        directory: Box::new(MemoryDirectory::default()),
        crypto: Arc::new(RsaProvider::default()),
        videos: videos.source(),
        limits_local: options.limit_loopback,
        operator: OperatorParts {
            socket: folder.as_ref().and_then(admin_socket),
            reload: Some(videos.reload()),
            listening: urls.clone(),
            fingerprint: None,
        },
    };
    let hub_reporter = reporter.clone();
    let mut hub =
        Hub::new(parts, move |event| hub_reporter.report(&event)).context("no hub can be set up").or_no_system()?;
    hub.obey_signals().context("signals cannot be caught").or_no_system()?;
    reporter.report(&catalog_event(&videos.source().catalog()));
    for url in urls {
        reporter.report(&HubEvent::Listening { url, fingerprint: None });
    }
    hub.run().context("the event loop fails").or_no_system()
}

/// The folder of what must last, held by this hub alone. None is known without a home.
fn open_folder(options: &ServeOptions) -> Result<Option<DiskStorage>, Refusal> {
    let Some(path) = &options.data_dir else {
        log::info!("there is no place for the hub's data: securestream hub cannot reach it; name one with --data-dir");
        return Ok(None);
    };
    match DiskStorage::open(path) {
        Ok(folder) => Ok(Some(folder)),
        Err(error @ StorageError::InUse { .. }) => {
            Err(anyhow::Error::new(error).context("another hub runs with this data folder"))
                .or_refuse(Code::DataUnusable, "stop it, or give this one a folder of its own with --data-dir DIR")
        }
        Err(error) => Err(anyhow::Error::new(error).context("the hub's data folder cannot be used"))
            .or_refuse(Code::DataUnusable, "name another with --data-dir DIR"),
    }
}

/// Where the operator's requests come in. A hub goes on without: what it is for does not depend on it.
fn admin_socket(folder: &DiskStorage) -> Option<AdminSocket> {
    let path = folder.folder().join(ADMIN_SOCKET);
    AdminSocket::bind(&path)
        .inspect_err(|error| log::warn!("securestream hub cannot reach this hub: {}: {error}", path.display()))
        .ok()
}

fn listen(address: &ListenAddress) -> Result<Box<dyn Listener>, Refusal> {
    let listener: io::Result<Box<dyn Listener>> = match address {
        ListenAddress::Tcp { host: ListenHost::Any, port } => tcp::listen_everywhere(*port).map(boxed),
        ListenAddress::Tcp { host: ListenHost::Named(host), port } => tcp::listen(host, *port).map(boxed),
        ListenAddress::Unix(path) => unix::listen(path).map(boxed),
        ListenAddress::Tls { .. } => Err(io::Error::new(io::ErrorKind::Unsupported, "TLS comes with a later version")),
    };
    let (code, hint) = match listener.as_ref().map_err(io::Error::kind) {
        Err(io::ErrorKind::Unsupported) => (Code::NotYet, "use tcp:// on this machine, or unix:"),
        Err(io::ErrorKind::AddrInUse) => {
            (Code::ListenFailed, "stop the other hub, or choose another --listen; port 0 picks a free one")
        }
        Err(io::ErrorKind::PermissionDenied) => {
            (Code::ListenFailed, "choose a port from 1024 on, or a folder that you may write")
        }
        _ => (Code::ListenFailed, "choose another --listen"),
    };
    listener.with_context(|| format!("cannot listen on {address}")).or_refuse(code, hint)
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
