//! A hub with its listeners, its folder of videos and its reports.

use std::{
    collections::BTreeSet,
    io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use super::{
    hub_data,
    link::key_exchange,
    printer::{self, Printer},
    refusal::{OrRefuse as _, Refusal},
};
use crate::{
    cli::{Admit, ServeOptions, VideosFolder},
    client::hub_address::HubAddress,
    crypto::RsaProvider,
    directory::MemoryDirectory,
    driver::{
        clock,
        hub::{Entrance, Hub, HubParts},
        ledger::Remembered,
    },
    proto::VERSIONS,
    server::{
        Admission, RelayOptions,
        report::{HubEvent, SkippedFile, member_url},
    },
    storage::DiskStorage,
    transport::{
        Listener, tcp,
        tls::{HubCertificate, HubTls, TlsLinks},
        unix,
    },
    types::{Code, Endpoint, ExitCode, ListenAddress, ListenHost, Printable},
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
    let videos = open_videos(&options.videos)?;
    let mut data = options.data_dir.as_deref().map(hub_data::open).transpose()?;
    let certificate = certificate(options, data.as_mut())?;
    let (ledger, Remembered { bindings, chain }) = hub_data::ledger(data)?;
    let mut entrances = Vec::new();
    let mut ready = Vec::new();
    for address in &options.listen {
        let listener = listen(address, certificate.as_ref(), options.require_pq)?;
        if options.public_url.is_none() && is_everywhere(address) {
            log::warn!("{address} is no URL to connect to: name the one that members reach with --public-url");
        }
        let url = member_url(address, listener.port().unwrap_or_default(), options.public_url.as_deref());
        let is_tls = matches!(address, ListenAddress::Tls { .. });
        let fingerprint = certificate.as_ref().filter(|_| is_tls).map(HubCertificate::key);
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
        videos: Arc::clone(&videos),
    };
    let hub_reporter = reporter.clone();
    let mut hub =
        Hub::new(parts, move |event| hub_reporter.report(&event)).context("no hub can be set up").or_no_system()?;
    hub.obey_signals().context("signals cannot be caught").or_no_system()?;
    report_catalog(&*videos, reporter);
    for listening in ready {
        reporter.report(&listening);
    }
    hub.run().context("the event loop fails").or_no_system()
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

/// What the listeners with TLS show; nothing when there are none.
fn certificate(options: &ServeOptions, data: Option<&mut DiskStorage>) -> Result<Option<HubCertificate>, Refusal> {
    let hosts: Vec<&str> = options.listen.iter().filter_map(tls_host).collect();
    if hosts.is_empty() {
        return Ok(None);
    }
    if let Some(given) = &options.certificate {
        return hub_data::given_certificate(given).map(Some);
    }
    let Some(data) = data else {
        let cause = anyhow::anyhow!("there is no place for the hub's key: neither XDG_DATA_HOME nor HOME is set");
        return Err(cause).or_refuse(Code::DataUnusable, "say where with --data-dir DIR, or give --cert and --key");
    };
    hub_data::certificate(data, &names(&hosts, options.public_url.as_deref())).map(Some)
}

fn tls_host(address: &ListenAddress) -> Option<&str> {
    match address {
        ListenAddress::Tls { host: ListenHost::Named(host), .. } => Some(host),
        ListenAddress::Tls { host: ListenHost::Any, .. } => Some("localhost"),
        ListenAddress::Tcp { .. } | ListenAddress::Unix(_) => None,
    }
}

/// What a hub that is reached there may be called in its certificate.
fn names(hosts: &[&str], public_url: Option<&str>) -> Vec<String> {
    let public = public_url.and_then(|url| url.parse().ok()).map(|url: HubAddress| url.endpoint);
    let public = match &public {
        Some(Endpoint::Tls { host, .. } | Endpoint::Tcp { host, .. }) => Some(host.as_str()),
        _ => None,
    };
    let all = hosts.iter().copied().chain(public).chain(["localhost", "127.0.0.1", "::1"]);
    // Other letters would need another spelling, and members do not look at names anyway.
    let names: BTreeSet<&str> = all.filter(|name| name.is_ascii()).collect();
    names.into_iter().map(str::to_owned).collect()
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

/// Listens at `address`; with TLS when it says so, which is when there is a certificate.
fn listen(
    address: &ListenAddress,
    certificate: Option<&HubCertificate>,
    require_pq: bool,
) -> Result<Box<dyn Listener>, Refusal> {
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
    match (address, certificate) {
        (ListenAddress::Tls { .. }, Some(certificate)) => {
            let tls = HubTls::new(certificate, key_exchange(require_pq));
            let tls = tls.context("TLS cannot use the certificate").or_refuse(
                Code::DataUnusable,
                "use a certificate with an ECDSA, Ed25519 or RSA key, or leave --cert and --key out",
            )?;
            Ok(Box::new(TlsLinks::new(listener, tls)))
        }
        _ => Ok(listener),
    }
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
