//! What the options of `serve` mean.

use std::path::PathBuf;

use super::{
    Admit, CliError, Surroundings,
    args::{RelayChoice, ServeArgs},
};
use crate::{
    client::hub_address::HubAddress,
    types::{EndpointError, ListenAddress, RelayMode},
};

/// How to run a hub.
#[derive(Clone, Debug, PartialEq)]
pub struct ServeOptions {
    /// At least one.
    pub listen: Vec<ListenAddress>,
    pub videos: VideosFolder,
    /// Where the hub keeps what must last; none is known without a home.
    pub data_dir: Option<PathBuf>,
    /// The certificate to show instead of the hub's own.
    pub certificate: Option<GivenCertificate>,
    /// Whether members need X25519MLKEM768.
    pub require_pq: bool,
    /// Members here at the same time; one more is told `hub_full`.
    pub max_members: u32,
    /// Whom posts go to.
    pub relay: RelayMode,
    /// Who may join; what is usual depends on the listener, see [`ServeOptions::admit_at`].
    pub admit: Option<Admit>,
    /// The URL to give to members instead of that of the listener.
    pub public_url: Option<String>,
    /// Whether links and posts of this machine are limited like those of others.
    pub limit_loopback: bool,
    /// Whether standard output has events instead of URLs.
    pub json: bool,
    /// What goes to standard error.
    pub log: log::LevelFilter,
}

impl ServeOptions {
    /// Who may join by this listener: whoever can reach it from this machine, from elsewhere who is invited.
    #[must_use]
    pub fn admit_at(&self, address: &ListenAddress) -> Admit {
        let usual = if address.is_local() { Admit::Open } else { Admit::Invite };
        self.admit.unwrap_or(usual)
    }
}

/// A certificate that somebody else looks after: PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenCertificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Where a hub's videos are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VideosFolder {
    /// `videos`, and none when that is not there.
    Default,
    /// This folder; it must be there.
    Named(PathBuf),
    /// There are none.
    None,
}

pub(super) fn options(args: ServeArgs, surroundings: &Surroundings) -> Result<ServeOptions, CliError> {
    let listen = args.listen.iter().map(|url| listener(url, args.insecure_plaintext)).collect::<Result<Vec<_>, _>>()?;
    let public_url = args.public_url.as_deref().map(public_url).transpose()?;
    Ok(ServeOptions {
        listen,
        videos: match args.videos {
            Some(folder) => VideosFolder::Named(folder),
            None if args.no_videos => VideosFolder::None,
            None => VideosFolder::Default,
        },
        data_dir: args.data_dir.or_else(|| Some(surroundings.data_folder().ok()?.join("hub"))),
        certificate: args.cert.zip(args.key).map(|(certificate, key)| GivenCertificate { certificate, key }),
        require_pq: args.require_pq,
        max_members: args.max_members,
        relay: match args.relay {
            RelayChoice::Broadcast => RelayMode::Broadcast,
            RelayChoice::Direct => RelayMode::Direct,
        },
        admit: args.admit,
        public_url,
        limit_loopback: args.limit_loopback,
        json: args.json,
        log: args.log,
    })
}

fn listener(url: &str, plaintext: bool) -> Result<ListenAddress, CliError> {
    let address: ListenAddress = url
        .parse()
        .map_err(|error: EndpointError| CliError::usage(format!("--listen {url}: {error}"), error.hint()))?;
    match &address {
        ListenAddress::Tcp { .. } if !address.is_local() && !plaintext => Err(CliError::usage(
            format!(
                "{address} can be reached from beyond this machine, and plain TCP hides neither who writes nor what is watched"
            ),
            "listen on tls:// instead, or add --insecure-plaintext if you trust the whole network",
        )),
        _ => Ok(address),
    }
}

/// The URL as members are given it: with its scheme, and without what only an invite adds.
fn public_url(url: &str) -> Result<String, CliError> {
    match url.parse::<HubAddress>() {
        Ok(address) => Ok(address.to_string()),
        Err(error) => Err(CliError::usage(format!("--public-url {url}: {error}"), error.hint())),
    }
}
