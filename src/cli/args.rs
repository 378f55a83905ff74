//! The options as clap reads them. What they mean together is settled in `serve` and `connect`.
#![expect(clippy::doc_markdown, reason = "these docs are the help, which a terminal shows as it stands")]
#![expect(clippy::struct_excessive_bools, reason = "a flag of the command line is a bool")]

use std::path::PathBuf;

use clap::{
    Args, CommandFactory as _, Parser, Subcommand, ValueEnum,
    builder::{FalseyValueParser, RangedU64ValueParser},
};

mod keys;

pub(super) use keys::{CarryArgs, KeysArgs, KeysVerb, WhoArgs};

use crate::client::{command::DisplayChoice, script::OnError};

/// The program with its version and options.
pub(super) fn command() -> clap::Command {
    Cli::command()
}

/// A private hub in one binary: sealed messages and videos for a small group.
///
/// One of you runs `securestream serve` over a folder of videos. The others run `securestream connect`, write to
/// each other through the hub, which cannot read what they write, and watch its videos.
#[derive(Debug, Parser)]
#[command(name = "securestream", bin_name = "securestream", version, arg_required_else_help = true, after_long_help = EXAMPLES)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Run a hub over a folder of videos
    #[command(after_long_help = SERVE_EXAMPLES)]
    Serve(Box<ServeArgs>),
    /// Join a hub: write to its members, watch its videos
    #[command(after_long_help = CONNECT_EXAMPLES)]
    Connect(Box<ConnectArgs>),
    /// Look after a running hub: who is here, remove a member, read the videos again
    #[command(after_long_help = HUB_EXAMPLES)]
    Hub(HubArgs),
    /// Look after your keys and those of hubs
    #[command(after_long_help = KEYS_EXAMPLES)]
    Keys(KeysArgs),
    #[command(hide = true)]
    ProbeWindow,
    #[command(hide = true)]
    IndexVideo,
}

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Where to listen: tls://HOST:PORT, tcp://HOST:PORT or unix:/path, more than once for several
    ///
    /// Port 0 picks a free one, * as host means every address of this machine. Plain tcp:// is for this machine
    /// only unless --insecure-plaintext is given.
    #[arg(
        long,
        value_name = "URL",
        env = "SECURESTREAM_LISTEN",
        value_delimiter = ',',
        default_value = "tls://127.0.0.1:9999"
    )]
    pub(super) listen: Vec<String>,
    /// The folder of videos [default: videos, if it is there]
    ///
    /// Files are named TITLE_HEIGHTp.mp4, one for each rendition of a title.
    #[arg(long, value_name = "DIR", env = "SECURESTREAM_VIDEOS", conflicts_with = "no_videos")]
    pub(super) videos: Option<PathBuf>,
    /// Run without videos
    #[arg(long, env = "SECURESTREAM_NO_VIDEOS", value_parser = FalseyValueParser::new())]
    pub(super) no_videos: bool,
    /// Where the hub keeps what must last [default: $XDG_DATA_HOME/securestream/hub]
    #[arg(long, value_name = "DIR", env = "SECURESTREAM_DATA_DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Show this certificate (PEM) instead of the hub's own
    ///
    /// Without it the hub makes one at its first start and keeps it. Members pin its key, so a certificate that is
    /// renewed with the same key changes nothing for them.
    #[arg(long, value_name = "FILE", env = "SECURESTREAM_CERT", requires = "key")]
    pub(super) cert: Option<PathBuf>,
    /// The private key of --cert (PEM)
    #[arg(long, value_name = "FILE", env = "SECURESTREAM_KEY", requires = "cert")]
    pub(super) key: Option<PathBuf>,
    /// Refuse members that cannot exchange keys by X25519MLKEM768
    #[arg(long, env = "SECURESTREAM_REQUIRE_PQ", value_parser = FalseyValueParser::new())]
    pub(super) require_pq: bool,
    /// How many members may be here at the same time
    #[arg(long, value_name = "N", env = "SECURESTREAM_MAX_MEMBERS", default_value_t = 1000,
          value_parser = RangedU64ValueParser::<u32>::new().range(1..))]
    pub(super) max_members: u32,
    /// Whom posts go to: everyone, so that they do not say for whom they are, or the receiver alone
    #[arg(long, value_enum, env = "SECURESTREAM_RELAY", default_value = "broadcast")]
    pub(super) relay: RelayChoice,
    /// Who may join [default: open on this machine alone, else invite]
    #[arg(long, value_enum, env = "SECURESTREAM_ADMIT")]
    pub(super) admit: Option<Admit>,
    /// The URL to give to members, where it is not the one listened on; with * as host it never is
    #[arg(long, value_name = "URL", env = "SECURESTREAM_PUBLIC_URL")]
    pub(super) public_url: Option<String>,
    /// Limit links and posts of this machine as well; they are not, so that scripts can do as they like
    #[arg(long, env = "SECURESTREAM_LIMIT_LOOPBACK", value_parser = FalseyValueParser::new())]
    pub(super) limit_loopback: bool,
    /// Report on standard output, one JSON object a line
    #[arg(long, env = "SECURESTREAM_JSON", value_parser = FalseyValueParser::new())]
    pub(super) json: bool,
    /// How much to log on standard error: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", env = "SECURESTREAM_LOG", default_value = "info")]
    pub(super) log: log::LevelFilter,
    /// Allow plain tcp:// beyond this machine: the network sees who writes when and who watches what
    #[arg(long, env = "SECURESTREAM_INSECURE_PLAINTEXT", value_parser = FalseyValueParser::new())]
    pub(super) insecure_plaintext: bool,
}

#[derive(Debug, Args)]
pub(super) struct ConnectArgs {
    /// The hub: HOST, HOST:PORT, [V6]:PORT, unix:/path or the URL that its operator gave you
    ///
    /// A HOST means tls://HOST:9999. A URL that ends with #sha256: and digits carries the hub's key, and no other is
    /// accepted.
    #[arg(
        value_name = "HUB",
        env = "SECURESTREAM_HUB",
        hide_env_values = true,
        default_value = "tls://127.0.0.1:9999"
    )]
    pub(super) hub: String,
    /// What you are called; asked for when left out at a terminal
    #[arg(long, env = "SECURESTREAM_NAME")]
    pub(super) name: Option<String>,
    /// Run commands from a file, or from standard input with -
    #[arg(long, value_name = "FILE|-", env = "SECURESTREAM_SCRIPT")]
    pub(super) script: Option<PathBuf>,
    /// Tell everything as JSON, one object a line; alone it means --script -
    #[arg(long, env = "SECURESTREAM_JSON", value_parser = FalseyValueParser::new())]
    pub(super) json: bool,
    /// Where your keys lie [default: $XDG_DATA_HOME/securestream]
    #[arg(long, value_name = "DIR", env = "SECURESTREAM_DATA_DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Read the passphrase of your keys from the first line of this file
    ///
    /// Without it, SECURESTREAM_PASSPHRASE is used, else you are asked; a script is never asked. Keys without a passphrase
    /// need none; securestream keys passphrase sets one.
    #[arg(long, value_name = "FILE", env = "SECURESTREAM_PASSPHRASE_FILE")]
    pub(super) passphrase_file: Option<PathBuf>,
    /// Be a guest: fresh keys for this visit, nothing kept
    #[arg(long, env = "SECURESTREAM_EPHEMERAL", value_parser = FalseyValueParser::new())]
    pub(super) ephemeral: bool,
    /// What a failing command does to a script
    #[arg(long, value_enum, env = "SECURESTREAM_ON_ERROR", default_value = "stop")]
    pub(super) on_error: OnError,
    /// Where videos are shown; auto is none when standard output is no terminal
    #[arg(long, value_enum, env = "SECURESTREAM_DISPLAY", default_value = "auto")]
    pub(super) display: DisplayChoice,
    /// What to do about a hub's key that is new to you [default: ask at a terminal, else first-use]
    ///
    /// A key that is not the one you knew is refused in any case.
    #[arg(long, value_enum, env = "SECURESTREAM_TRUST_HUB")]
    pub(super) trust_hub: Option<TrustHub>,
    /// Validate the hub's certificate by these authorities (PEM) instead of knowing its key
    #[arg(long, value_name = "FILE", env = "SECURESTREAM_CA")]
    pub(super) ca: Option<PathBuf>,
    /// Refuse a hub that cannot exchange keys by X25519MLKEM768
    #[arg(long, env = "SECURESTREAM_REQUIRE_PQ", value_parser = FalseyValueParser::new())]
    pub(super) require_pq: bool,
    /// What to do about a member's key that is new to you
    #[arg(long, value_enum, env = "SECURESTREAM_TRUST_MEMBERS", default_value = "first-use")]
    pub(super) trust_members: TrustMembers,
    /// How long to try again after the link is lost; for now 0, not at all
    #[arg(long, value_name = "SECONDS", env = "SECURESTREAM_RECONNECT_FOR", default_value = "0")]
    pub(super) reconnect_for: String,
    /// Play videos without sound: none is sent then
    #[arg(long, env = "SECURESTREAM_MUTE", value_parser = FalseyValueParser::new())]
    pub(super) mute: bool,

    /// Write lines only, for screen readers and plain terminals
    #[arg(long, env = "SECURESTREAM_PLAIN", value_parser = FalseyValueParser::new())]
    pub(super) plain: bool,
    /// Seal each message by itself instead of in sessions: no forward secrecy
    #[arg(long, env = "SECURESTREAM_SEAL", value_parser = FalseyValueParser::new())]
    pub(super) seal: bool,
    /// Whether to use colours
    #[arg(long, value_enum, env = "SECURESTREAM_COLOR", default_value = "auto")]
    pub(super) color: ColorChoice,
    /// Allow plain tcp:// beyond this machine: the network sees who writes when and who watches what
    #[arg(long, env = "SECURESTREAM_INSECURE_PLAINTEXT", value_parser = FalseyValueParser::new())]
    pub(super) insecure_plaintext: bool,
}

#[derive(Debug, Args)]
pub(super) struct HubArgs {
    /// The data folder of the hub [default: $XDG_DATA_HOME/securestream/hub]
    #[arg(long, global = true, value_name = "DIR", env = "SECURESTREAM_DATA_DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Print the answer as one JSON object
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) verb: HubVerb,
}

#[derive(Debug, Subcommand)]
pub(super) enum HubVerb {
    /// Tell who is here, with which keys and from where
    Who,
    /// Tell how the hub is: since when it runs, where it listens, how many are here
    Status,
    /// Remove a member; it may come again
    Kick { name: String },
    /// Remove a member for good
    Ban { name: String },
    /// Let a banned member in again
    Unban { name: String },
    /// Free a name for another key, for a member that lost its own
    Release { name: String },
    /// Make an invite, for that name only if one is given
    Invite { name: Option<String> },
    /// Show the hub's key, for members to compare
    Fingerprint,
    /// Read the videos folder again, as SIGHUP does; plays that run go on
    Reload,
}

/// Whom posts go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RelayChoice {
    Broadcast,
    Direct,
}

/// Who may join a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Admit {
    /// Whoever can reach it.
    Open,
    /// Whoever has an invite.
    Invite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TrustHub {
    /// Ask whether to trust it
    Ask,
    /// Trust it and remember it
    FirstUse,
    /// Refuse it
    Known,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TrustMembers {
    /// Trust it and remember it
    FirstUse,
    /// Write nothing to them until you trust it
    Known,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// At a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

const EXAMPLES: &str = "\
Try it on this machine, in three terminals:
  securestream serve --videos videos
  securestream connect --name alice
  securestream connect --name bob

Exit codes: 0 fine, 1 a command failed, 2 usage, 3 network, 4 refused by the hub,
5 a key is not what it should be, 6 a wait timed out, 7 keys, data or videos unusable.";

const SERVE_EXAMPLES: &str = "\
Examples:
  securestream serve
      a hub for this machine at tls://127.0.0.1:9999, with the videos in ./videos if there are any
  securestream serve --videos ~/films --listen tls://127.0.0.1:0 --listen unix:/tmp/hub.sock
      a free port and a socket; the URLs to give to members are printed once they are ready
  securestream serve --no-videos --json
      messages only, reporting in JSON

Ctrl-C says goodbye to the members and ends it; a second one ends it at once.";

const HUB_EXAMPLES: &str = "\
Examples:
  securestream hub who
  securestream hub kick mallory
  securestream hub status --json
  securestream hub reload --data-dir /srv/hub
      when the hub was started with --data-dir /srv/hub

It works on the machine of the hub, for the user that runs it and for root. The answers are in docs/scripting.md.";

const CONNECT_EXAMPLES: &str = "\
Examples:
  securestream connect
      asks for your name and connects to the hub on this machine
  securestream connect tls://127.0.0.1:9999 --name alice
  printf '%s\\n' 'wait joined name=bob' 'send bob hi' |
      securestream connect --name alice --ephemeral --json
      runs a script as a guest; commands, events, codes and exit codes are in docs/scripting.md
  securestream connect --name alice --script evening.txt

At the terminal type a number of the menu, or /help.";

const KEYS_EXAMPLES: &str = "\
Examples:
  securestream keys show
  securestream keys passphrase --name alice
  securestream keys backup alice.backup
      asks for a passphrase to protect the file; keep it on another machine
  securestream keys import alice.backup
      on a new machine: alice is alice again
  securestream keys rotate
      new keys, for which the old ones vouch

Passphrases are asked for, or come from SECURESTREAM_PASSPHRASE or --passphrase-file, never from the command line.";
