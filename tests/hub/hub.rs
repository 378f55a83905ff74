//! A hub on a thread.

use std::{
    io,
    sync::{Arc, OnceLock, mpsc},
    thread::{self, JoinHandle},
};

use securestream::{
    crypto::testing::InsecureProvider,
    directory::MemoryDirectory,
    driver::{
        hub::{Entrance, Hub, HubParts, HubStopper, MediaMeter, OperatorParts},
        ledger::{Ledger, Remembered},
    },
    server::{Admission, RelayOptions, report::HubEvent},
    storage::{MemoryStorage, Storage},
    transport::{
        Listener, Transport,
        memory::{self, MemoryConnector},
        tcp,
        tls::{HubCertificate, HubTls, HubTrust, KeyExchange, MemberTls, TlsLinks},
        unix,
    },
    types::RelayMode,
    video::MemorySource,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{events::Events, schema::Schema};

/// What carries a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Memory,
    Tcp,
    Unix,
    /// TLS over TCP.
    Tls,
    TlsInMemory,
}

/// Makes five tests of a function that takes a [`Wire`]: one for each kind of link.
macro_rules! over_every_link {
    ($($test:ident),* $(,)?) => {
        $(mod $test {
            use $crate::hub::Wire;

            #[test]
            fn memory() {
                super::$test(Wire::Memory);
            }

            #[test]
            fn tcp() {
                super::$test(Wire::Tcp);
            }

            #[test]
            fn unix() {
                super::$test(Wire::Unix);
            }

            #[test]
            fn tls() {
                super::$test(Wire::Tls);
            }

            #[test]
            fn tls_in_memory() {
                super::$test(Wire::TlsInMemory);
            }
        })*
    };
}
pub(crate) use over_every_link;

/// A hub that runs until this is dropped, and that can be reached over every kind of link.
pub(crate) struct TestHub {
    pub(crate) events: Events,
    /// What it does for plays.
    pub(crate) meter: MediaMeter,
    memory: MemoryConnector,
    tls_memory: MemoryConnector,
    port: u16,
    tls_port: u16,
    folder: TempDir,
    stopper: HubStopper,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl TestHub {
    /// A hub without videos that relays by broadcast.
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// As [`TestHub::start`], but for what `change` changes.
    pub(crate) fn with(change: impl FnOnce(&mut HubParts)) -> Self {
        Self::remembering(MemoryStorage::default(), change)
    }

    /// As [`TestHub::with`], over what an earlier hub kept.
    pub(crate) fn remembering(storage: impl Storage + 'static, change: impl FnOnce(&mut HubParts)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (listener, memory) = memory::listen();
        let tcp = tcp::listen("127.0.0.1", 0).unwrap();
        let port = tcp.port().unwrap();
        let unix = unix::listen(&folder.path().join("hub")).unwrap();
        let tls_tcp = tcp::listen("127.0.0.1", 0).unwrap();
        let tls_port = tls_tcp.port().unwrap();
        let (tls_listener, tls_memory) = memory::listen();
        let tls = HubTls::new(certificate(), KeyExchange::default()).unwrap();
        let inside_tls = |listener: Box<dyn Listener>| Box::new(TlsLinks::new(listener, tls.clone()));
        let (ledger, Remembered { bindings, chain }) = Ledger::open(Box::new(storage)).unwrap();
        let listeners: [Box<dyn Listener>; 5] = [
            Box::new(listener),
            Box::new(tcp),
            Box::new(unix),
            inside_tls(Box::new(tls_tcp)),
            inside_tls(Box::new(tls_listener)),
        ];
        let mut parts = HubParts {
            options: RelayOptions { mode: RelayMode::Broadcast, max_members: 1000 },
            entrances: listeners.map(|listener| Entrance { listener, admission: Admission::Open }).into(),
            directory: Box::new(MemoryDirectory::resume(chain)),
            bindings,
            ledger,
            crypto: Arc::new(InsecureProvider),
            videos: Arc::new(MemorySource::new([])),
            limits_local: false,
            operator: OperatorParts::default(),
        };
        change(&mut parts);
        let (sender, receiver) = mpsc::channel();
        // Nobody listens any more only when the test is over.
        let hub = Hub::new(parts, move |event| drop(sender.send(as_json(&event)))).unwrap();
        let (stopper, meter) = (hub.stopper(), hub.media_meter());
        let thread = thread::spawn(|| hub.run());
        let events = Events::new("the hub", Schema::Hub, receiver);
        Self { events, meter, memory, tls_memory, port, tls_port, folder, stopper, thread: Some(thread) }
    }

    /// Where it takes TCP.
    #[cfg(feature = "player")]
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A new link to it.
    pub(crate) fn link(&self, wire: Wire) -> Box<dyn Transport> {
        match wire {
            Wire::Memory => Box::new(self.memory.connect()),
            Wire::Tcp => Box::new(tcp::connect("127.0.0.1", self.port).unwrap()),
            Wire::Unix => Box::new(unix::connect(&self.folder.path().join("hub")).unwrap()),
            Wire::Tls | Wire::TlsInMemory => {
                let trust = HubTrust::Key(certificate().key());
                let tls = MemberTls::new(trust, KeyExchange::default(), || 0).unwrap();
                Box::new(tls.wrap(self.below_tls(wire), "127.0.0.1").unwrap())
            }
        }
    }

    /// A new link to it on which nothing has been said: for TLS, what is below that.
    pub(crate) fn below_tls(&self, wire: Wire) -> Box<dyn Transport> {
        match wire {
            Wire::Tls => Box::new(tcp::connect("127.0.0.1", self.tls_port).unwrap()),
            Wire::TlsInMemory => Box::new(self.tls_memory.connect()),
            plain => self.link(plain),
        }
    }

    /// Asks it to say goodbye to everybody and end.
    pub(crate) fn stop(&self) {
        self.stopper.stop();
    }
}

impl Drop for TestHub {
    fn drop(&mut self) {
        self.stopper.stop();
        self.stopper.stop();
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.unwrap().unwrap().unwrap();
        }
    }
}

/// The certificate of every hub here.
pub(crate) fn certificate() -> &'static HubCertificate {
    static CERTIFICATE: OnceLock<HubCertificate> = OnceLock::new();
    CERTIFICATE.get_or_init(|| {
        let files = HubCertificate::make(&["localhost".to_owned()]).unwrap();
        HubCertificate::read(files.certificate.as_bytes(), files.key.as_bytes()).unwrap()
    })
}

fn as_json(event: &HubEvent) -> Value {
    let mut line = Vec::new();
    event.write_to(&mut line, true, 0).unwrap();
    serde_json::from_slice(&line).unwrap()
}
