//! A hub with its listeners, its folder of videos and its reports.

use std::{
    io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use super::{
    descriptors,
    printer::{self, Printer},
    refusal::{OrRefuse as _, Refusal},
};
use crate::{
    cli::{ServeOptions, VideosFolder},
    crypto::RsaProvider,
    directory::MemoryDirectory,
    driver::{
        clock,
        hub::{Hub, HubParts},
    },
    proto::VERSIONS,
    server::{
        RelayOptions,
        report::{HubEvent, SkippedFile, member_url},
    },
    transport::{Listener, tcp, unix},
    types::{Code, ExitCode, ListenAddress, ListenHost, Printable},
    video::{FolderSource, MemorySource, VideoSource},
};

/// Where videos are looked for when no folder is named.
const DEFAULT_VIDEOS: &str = "videos";

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
    let videos = open_videos(&options.videos)?;
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
        videos: Arc::clone(&videos),
        limits_local: options.limit_loopback,
    };
    let hub_reporter = reporter.clone();
    let mut hub =
        Hub::new(parts, move |event| hub_reporter.report(&event)).context("no hub can be set up").or_no_system()?;
    hub.obey_signals().context("signals cannot be caught").or_no_system()?;
    report_catalog(&*videos, reporter);
    for url in urls {
        reporter.report(&HubEvent::Listening { url, fingerprint: None });
    }
    hub.run().context("the event loop fails").or_no_system()
}

fn open_videos(folder: &VideosFolder) -> Result<Arc<dyn VideoSource>, Refusal> {
    let path = match folder {
        VideosFolder::Named(path) => path,
        VideosFolder::Default if Path::new(DEFAULT_VIDEOS).is_dir() => Path::new(DEFAULT_VIDEOS),
        VideosFolder::Default => {
            log::info!("no folder \"{DEFAULT_VIDEOS}\" here: running without videos; name one with --videos DIR");
            return Ok(Arc::new(MemorySource::new([])));
        }
        VideosFolder::None => return Ok(Arc::new(MemorySource::new([]))),
    };
    let source = FolderSource::open(path)
        .with_context(|| format!("the videos folder {} cannot be read", path.display()))
        .or_refuse(Code::DataUnusable, "name a folder that is there with --videos DIR, or run with --no-videos")?;
    Ok(Arc::new(source))
}

fn report_catalog(videos: &dyn VideoSource, reporter: &Reporter) {
    let catalog = videos.catalog();
    for remark in catalog.remarks() {
        log::info!("{}: {}", Printable(&remark.file), Printable(&remark.text));
    }
    let skipped = catalog.skipped().iter();
    let skipped = skipped.map(|skipped| SkippedFile { file: skipped.file.clone(), reason: skipped.reason.to_string() });
    reporter.report(&HubEvent::Catalog { titles: catalog.titles().len(), skipped: skipped.collect() });
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
