//! The link to a hub, and whether the key that it shows is trusted. Nothing is sent before that is settled.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::refusal::{OrRefuse as _, Refusal};
use crate::{
    cli::{ConnectOptions, Keeping, TrustHub},
    client::{
        event::Failure,
        front::{Front, HubAnswer},
        hub_address::HubAddress,
        known_hubs::{Day, KnownHub, KnownHubs, KnownHubsError},
    },
    driver::{DefaultSignals, clock},
    storage::DiskStorage,
    transport::{
        Transport, tcp,
        tls::{self, DialError, HubTrust, KeyExchange, MemberTls, Patience},
        unix,
    },
    types::{Code, Endpoint, HubKey, limits::HANDSHAKE_DEADLINE},
};

const NO_CONNECTION: &str = "check that the hub runs (securestream serve) and that its address is right";

/// A link to a hub.
pub(super) struct Linked {
    pub(super) transport: Box<dyn Transport>,
    /// By which the hub is known; nothing without TLS, and where authorities vouch for whatever key it has today.
    pub(super) key: Option<HubKey>,
}

/// Connects to the hub; `front` is asked about a key that is new, where that is wanted.
pub(super) fn link(options: &ConnectOptions, front: &mut dyn Front) -> Result<Linked, Failure> {
    let link: io::Result<Box<dyn Transport>> = match &options.hub.endpoint {
        Endpoint::Tls { host, port } => return Dial::new(options, host, *port).link(front),
        Endpoint::Tcp { host, port } => tcp::connect(host, *port).map(|link| Box::new(link) as _),
        Endpoint::Unix(path) => unix::connect(path).map(|link| Box::new(link) as _),
    };
    let link = link.with_context(|| format!("cannot connect to {}", options.hub));
    Ok(Linked { transport: link.or_refuse(Code::ConnectFailed, NO_CONNECTION)?, key: None })
}

/// The key that a hub has to show, and why.
#[derive(Clone, Copy)]
enum Expected {
    /// It did before.
    Known(KnownHub),
    /// Somebody says so: the URL, or whoever was asked.
    Given(HubKey),
}

impl Expected {
    fn key(self) -> HubKey {
        match self {
            Self::Known(known) => known.key,
            Self::Given(key) => key,
        }
    }
}

/// A hub that is about to be dialled.
struct Dial<'a> {
    options: &'a ConnectOptions,
    host: &'a str,
    port: u16,
    /// `host:port`, as the hub stands among the known ones.
    known_as: String,
    /// Where the known ones are; a guest knows none.
    folder: Option<PathBuf>,
}

impl<'a> Dial<'a> {
    fn new(options: &'a ConnectOptions, host: &'a str, port: u16) -> Self {
        let known_as = options.hub.known_as().unwrap_or_default();
        let folder = match &options.keeping {
            Keeping::Folder(folder) => Some(folder.clone()),
            Keeping::Nothing => None,
        };
        Self { options, host, port, known_as, folder }
    }

    fn link(&self, front: &mut dyn Front) -> Result<Linked, Failure> {
        if let Some(file) = &self.options.authorities {
            let trust = HubTrust::Authorities { roots: authorities(file)?, key: self.options.hub.pin };
            let (transport, _) = self.dial(trust).map_err(|error| self.failure(&error, None))?;
            return Ok(Linked { transport, key: None });
        }
        let known = self.known()?;
        match (self.options.hub.pin, known) {
            // A URL may come from anybody; what is known was trusted before.
            (Some(key), Some(known)) if key != known.key => Err(self.not_as_known(known, key)),
            (_, Some(known)) => self.dial_for(Expected::Known(known)),
            (Some(key), None) => {
                let link = self.dial_for(Expected::Given(key))?;
                self.remember(key)?;
                Ok(link)
            }
            (None, None) => self.meet(front),
        }
    }

    /// A hub whose key is not known here.
    fn meet(&self, front: &mut dyn Front) -> Result<Linked, Failure> {
        if self.options.trust_hub == TrustHub::FirstUse {
            let (transport, shown) = self.dial(HubTrust::Any).map_err(|error| self.failure(&error, None))?;
            self.remember(shown)?;
            return Ok(Linked { transport, key: Some(shown) });
        }
        // The link ends before anything is said, and while somebody thinks the hub waits for nobody.
        let shown = match self.dial(HubTrust::Nothing) {
            Err(DialError::Key { shown }) => shown,
            Err(error) => return Err(self.failure(&error, None)),
            Ok(_) => return Err(self.failure(&DialError::NotAHub, None)),
        };
        let answer = if self.options.trust_hub == TrustHub::Ask {
            // Whatever an earlier member did with signals: now they end the process.
            let _signals = DefaultSignals::new();
            front.trusts_hub(&self.known_as, shown)
        } else {
            HubAnswer::No
        };
        match answer {
            HubAnswer::Yes => {
                let link = self.dial_for(Expected::Given(shown))?;
                self.remember(shown)?;
                Ok(link)
            }
            HubAnswer::No => Err(self.not_trusted(shown)),
            HubAnswer::Otherwise(expected) => Err(self.other_key(Expected::Given(expected), shown)),
        }
    }

    /// A link to a hub that shows this key.
    fn dial_for(&self, expected: Expected) -> Result<Linked, Failure> {
        match self.dial(HubTrust::Key(expected.key())) {
            Ok((transport, shown)) => Ok(Linked { transport, key: Some(shown) }),
            Err(error) => Err(self.failure(&error, Some(expected))),
        }
    }

    fn dial(&self, trust: HubTrust) -> Result<(Box<dyn Transport>, HubKey), DialError> {
        let key_exchange = key_exchange(self.options.require_pq);
        let tls = MemberTls::new(trust, key_exchange, clock::unix_millis)
            .map_err(|error| DialError::Handshake(io::Error::other(error)))?;
        let patience = Patience { until: clock::now() + HANDSHAKE_DEADLINE, now: clock::now };
        let link = tls.connect(self.host, self.port, patience)?;
        let shown = tls.shown().ok_or(DialError::NotAHub)?;
        Ok((Box::new(link), shown))
    }

    fn known(&self) -> Result<Option<KnownHub>, Failure> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let load = || KnownHubs::load(&DiskStorage::open_in_turn(folder)?);
        Ok(unusable(load())?.find(&self.known_as).copied())
    }

    /// Remembers a key that was accepted. Another that somebody else accepted meanwhile is kept.
    fn remember(&self, key: HubKey) -> Result<(), Failure> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let remember = || -> Result<Option<KnownHub>, KnownHubsError> {
            let mut storage = DiskStorage::open_in_turn(folder)?;
            let mut hubs = KnownHubs::load(&storage)?;
            match hubs.find(&self.known_as) {
                Some(known) if known.key == key => Ok(None),
                Some(known) => Ok(Some(*known)),
                None => {
                    hubs.trust(&self.known_as, key, Day::of_unix_millis(clock::unix_millis()));
                    hubs.save(&mut storage)?;
                    Ok(None)
                }
            }
        };
        match unusable(remember())? {
            Some(known) => Err(self.other_key(Expected::Known(known), key)),
            None => Ok(()),
        }
    }

    fn failure(&self, error: &DialError, expected: Option<Expected>) -> Failure {
        let (code, hint) = match error {
            DialError::Key { shown } => {
                let in_the_url = self.options.hub.pin.unwrap_or(*shown);
                return self.other_key(expected.unwrap_or(Expected::Given(in_the_url)), *shown);
            }
            DialError::Tcp(_) => (Code::ConnectFailed, NO_CONNECTION.to_owned()),
            DialError::NotTls => (Code::NotAHub, format!("check address and port; {}", self.without_tls())),
            DialError::HungUp => (
                Code::ConnectFailed,
                format!("it may be busy or refuse you: try again in a moment; {}", self.without_tls()),
            ),
            DialError::Silent | DialError::NotAHub | DialError::Handshake(_) => {
                (Code::NotAHub, "check address and port, and that both ends have the same version".to_owned())
            }
            DialError::NothingInCommon => (
                Code::UnsupportedVersion,
                "one end asks for X25519MLKEM768 (--require-pq) and the other cannot do it".to_owned(),
            ),
            DialError::Certificate(_) => (
                Code::HubUntrusted,
                "check the clock, the host's name and the file given by --ca; or leave --ca out and compare the hub's \
                 key instead"
                    .to_owned(),
            ),
            DialError::Name(_) => (Code::Usage, "leave --ca out, or use the name in the certificate".to_owned()),
        };
        Failure::new(code, format!("cannot connect to {}: {error}", HubAddress::to_string(&self.options.hub)), hint)
    }

    /// What to do if the hub listens without TLS. Beyond this machine nobody is sent there: who is in between can
    /// hang up too.
    fn without_tls(&self) -> String {
        if self.options.hub.endpoint.is_local() {
            format!("if it is a hub that listens without TLS, connect to tcp://{}", self.known_as)
        } else {
            "if that does not help, ask the operator whether a hub with TLS is at this address".to_owned()
        }
    }

    fn not_trusted(&self, shown: HubKey) -> Failure {
        let hub = &self.known_as;
        let text = format!("{hub} is not known here. Not connected, nothing sent.\nIts key is  {}", shown.grouped());
        let hint = match self.folder {
            Some(_) => format!("get its key from the operator, then: {}", self.command()),
            None => "a guest knows no hubs: connect with the URL that carries the key, from the operator".to_owned(),
        };
        Failure::new(Code::HubUntrusted, text, hint)
    }

    /// The URL has another key than the one that is known.
    fn not_as_known(&self, known: KnownHub, given: HubKey) -> Failure {
        let text = format!(
            "STOP. The URL has another key for {} than the one that you know. Not connected, nothing sent.\n\
             known since {}  {}\n\
             in the URL              {}\n\
             The hub was reinstalled, or the URL is not from its operator.",
            self.known_as,
            known.since,
            known.key.grouped(),
            given.grouped(),
        );
        let hint = format!("ask the operator by another way than the URL came, then: {}", self.command());
        Failure::new(Code::HubKeyChanged, text, hint)
    }

    fn other_key(&self, expected: Expected, shown: HubKey) -> Failure {
        let hub = &self.known_as;
        let (whose, hint) = match expected {
            Expected::Known(known) => (
                format!("known since {}", known.since),
                format!("get its key from the operator another way, then: {}", self.command()),
            ),
            Expected::Given(_) => (
                "the key you were given".to_owned(),
                "ask the operator again, by another way than the network, and connect with the URL that carries the key"
                    .to_owned(),
            ),
        };
        let width = whose.len().max("shown now".len());
        let text = format!(
            "STOP. {hub} shows a different key. Not connected, nothing sent.\n\
             {whose:width$}  {}\n\
             {:width$}  {}\n\
             {}",
            expected.key().grouped(),
            "shown now",
            shown.grouped(),
            match expected {
                Expected::Known(_) => "The hub was reinstalled, or someone is between you and it.",
                Expected::Given(_) => {
                    "The key you were given was copied wrongly, the hub was reinstalled, or someone is between you and it."
                }
            },
        );
        Failure::new(Code::HubKeyChanged, text, hint)
    }

    /// What accepts a key, in the folder that this member uses.
    fn command(&self) -> String {
        let folder = match (&self.folder, self.options.is_usual_folder) {
            (Some(folder), false) => format!(" --data-dir '{}'", folder.display()),
            _ => String::new(),
        };
        format!("securestream keys trust-hub{folder} {} KEY", self.known_as)
    }
}

pub(super) fn key_exchange(require_pq: bool) -> KeyExchange {
    if require_pq { KeyExchange::RequirePostQuantum } else { KeyExchange::PreferPostQuantum }
}

fn unusable<T>(result: Result<T, KnownHubsError>) -> Result<T, Failure> {
    result.map_err(|error| Failure::new(Code::DataUnusable, error.to_string(), error.hint()))
}

fn authorities(file: &Path) -> Result<Vec<tls::Authority>, Refusal> {
    let read = || -> anyhow::Result<_> { Ok(tls::authorities(&fs::read(file)?)?) };
    let hint = "name a PEM file with the certificates of the authorities by --ca";
    read().with_context(|| format!("{} cannot be used", file.display())).or_refuse(Code::DataUnusable, hint)
}
