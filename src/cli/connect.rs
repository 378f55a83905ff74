//! What the options of `connect` mean.

use std::path::{Path, PathBuf};

use super::{
    CliError, ColorChoice, Surroundings,
    args::{ConnectArgs, TrustHub, TrustMembers},
};
use crate::{
    client::{
        command::{DisplayChoice, read_seconds},
        hub_address::{HubAddress, HubAddressError},
        script::OnError,
        trust::Policy,
    },
    types::{Code, ExitCode, MemberName, NameError},
};

/// Whether videos are heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundChoice {
    /// Where there is somebody to hear it.
    Auto,
    None,
}

/// How to join a hub.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectOptions {
    /// One that this version can go to.
    pub hub: HubAddress,
    /// Who says what it does.
    pub interaction: Interaction,
    /// Where its keys and pins lie.
    pub keeping: Keeping,
    /// Whose keys are taken for theirs unasked.
    pub trust_members: Policy,
    /// The file with the passphrase of the keys.
    pub passphrase_file: Option<PathBuf>,
    /// That folder is the usual one.
    pub is_usual_folder: bool,
    /// How messages to one member go.
    pub sending: Sending,
    /// What to do about a hub whose key is new.
    pub trust_hub: TrustHub,
    /// PEM of the authorities that vouch for the hub instead.
    pub authorities: Option<PathBuf>,
    /// Whether the hub needs X25519MLKEM768.
    pub require_pq: bool,
    /// Where plays are shown that do not say it.
    pub display: DisplayChoice,
    pub sound: SoundChoice,
    /// Whether to write escape sequences for colour.
    pub color: bool,
}

/// How messages to one member go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// In sessions with those that take part in such.
    InSessions,
    /// Each sealed by itself.
    Sealed,
}

/// Who drives the member.
#[derive(Clone, Debug, PartialEq)]
pub enum Interaction {
    /// A script, which needs a name and is never asked.
    Script { name: MemberName, source: ScriptSource, json: bool, on_error: OnError },
    /// A person; without a name, they are asked for one. `plain` is lines only, without editing.
    Terminal { name: Option<MemberName>, plain: bool },
}

/// Where a script comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptSource {
    /// Standard input, a line at a time.
    Stdin,
    /// A file, opened when the member starts.
    File(PathBuf),
}

/// Where the member's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// In a folder of the member's name below `members` in this folder.
    Folder(PathBuf),
    /// Nowhere: the member is a guest.
    Nothing,
}

pub(super) fn options(args: ConnectArgs, surroundings: &Surroundings) -> Result<ConnectOptions, CliError> {
    refuse_what_comes_later(&args)?;
    let hub = hub(&args.hub, args.insecure_plaintext)?;
    let interaction = interaction(&args, surroundings)?;
    if args.trust_hub == Some(TrustHub::Ask) && matches!(interaction, Interaction::Script { .. }) {
        return Err(CliError::usage(
            "a script is never asked, so --trust-hub ask cannot be",
            "use --trust-hub first-use",
        ));
    }
    let usual = match interaction {
        Interaction::Script { .. } => TrustHub::FirstUse,
        Interaction::Terminal { .. } => TrustHub::Ask,
    };
    Ok(ConnectOptions {
        hub,
        interaction,
        passphrase_file: args.passphrase_file,
        is_usual_folder: args.data_dir.is_none(),
        keeping: match args.data_dir {
            _ if args.ephemeral => Keeping::Nothing,
            Some(folder) => Keeping::Folder(folder),
            None => Keeping::Folder(surroundings.data_folder()?),
        },
        sending: if args.seal { Sending::Sealed } else { Sending::InSessions },
        trust_members: match args.trust_members {
            TrustMembers::FirstUse => Policy::FirstUse,
            TrustMembers::Known => Policy::Known,
        },
        trust_hub: args.trust_hub.unwrap_or(usual),
        authorities: args.ca,
        require_pq: args.require_pq,
        display: args.display,
        sound: if args.mute { SoundChoice::None } else { SoundChoice::Auto },
        color: match args.color {
            ColorChoice::Auto => {
                surroundings.stdout_is_terminal && !surroundings.no_color && !surroundings.dumb_terminal
            }
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        },
    })
}

fn refuse_what_comes_later(args: &ConnectArgs) -> Result<(), CliError> {
    let Ok(reconnect_for) = read_seconds(&args.reconnect_for) else {
        let message = format!("--reconnect-for {}: that is no time", args.reconnect_for);
        return Err(CliError::usage(message, "give seconds, such as 60"));
    };
    if !reconnect_for.is_zero() {
        return Err(CliError::not_yet(
            "connecting again",
            "leave --reconnect-for out, and start again when the link is lost",
        ));
    }
    Ok(())
}

fn hub(text: &str, plaintext: bool) -> Result<HubAddress, CliError> {
    // What follows may be an invite, which is a secret; so may be what only looks like one.
    let shown = if text.starts_with("unix:") { text } else { text.split(['?', '#']).next().unwrap_or_default() };
    let refused =
        |error: HubAddressError| CliError::new(error.code(), format!("the hub {shown}: {error}"), error.hint());
    let address: HubAddress = text.parse().map_err(refused)?;
    address.check(plaintext).map_err(refused)?;
    Ok(address)
}

fn interaction(args: &ConnectArgs, surroundings: &Surroundings) -> Result<Interaction, CliError> {
    let name = args.name.as_deref().map(member_name).transpose()?;
    let source = match &args.script {
        Some(file) if file == Path::new("-") => Some(ScriptSource::Stdin),
        Some(file) => Some(ScriptSource::File(file.clone())),
        None if args.json => Some(ScriptSource::Stdin),
        None => None,
    };
    match (source, name) {
        (Some(source), Some(name)) => {
            Ok(Interaction::Script { name, source, json: args.json, on_error: args.on_error })
        }
        (Some(_), None) => Err(CliError::usage("a script needs a name for its member", "add --name NAME")),
        (None, _) if !surroundings.stdin_is_terminal => Err(CliError::usage(
            "standard input is no terminal, so there is nobody to ask",
            "add --script - to read commands from it, or --json to be told everything as JSON too",
        )),
        (None, name) => {
            // Editing draws on standard output; where that goes elsewhere, lines are all there can be.
            let plain = args.plain || surroundings.dumb_terminal || !surroundings.stdout_is_terminal;
            Ok(Interaction::Terminal { name, plain })
        }
    }
}

pub(super) fn member_name(typed: &str) -> Result<MemberName, CliError> {
    typed.parse().map_err(|error: NameError| {
        let message = format!("\"{}\" cannot be your name: {error}", crate::types::Printable(typed));
        CliError {
            exit: ExitCode::Usage,
            ..CliError::new(Code::BadName, message, "choose another, such as --name alice")
        }
    })
}
