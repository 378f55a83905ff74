//! The options of `keys`.

use std::path::PathBuf;

use clap::{Args, Subcommand, builder::FalseyValueParser};

#[derive(Debug, Args)]
pub(in crate::cli) struct KeysArgs {
    /// Where your keys lie [default: $XDG_DATA_HOME/securestream]
    #[arg(long, global = true, value_name = "DIR", env = "SECURESTREAM_DATA_DIR")]
    pub(in crate::cli) data_dir: Option<PathBuf>,
    /// Answer in JSON, one object a line
    #[arg(long, global = true, env = "SECURESTREAM_JSON", value_parser = FalseyValueParser::new())]
    pub(in crate::cli) json: bool,
    #[command(subcommand)]
    pub(in crate::cli) verb: KeysVerb,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeysVerb {
    /// Show your keys: fingerprints, and whether a passphrase protects them
    Show {
        /// Whose keys [default: all that are here]
        #[arg(long, env = "SECURESTREAM_NAME")]
        name: Option<String>,
    },
    /// Take new keys, for which the old ones vouch
    ///
    /// For when somebody may have had a look at your keys. Members who trusted the old keys, and hubs that keep your name
    /// for them, accept the new ones, and you stay verified. Make a new backup afterwards: the old one is of no use.
    Rotate(WhoArgs),
    /// Set, change or remove the passphrase of your keys
    ///
    /// Without one, whoever can read your files has your keys. A passphrase that is forgotten cannot be found out.
    Passphrase {
        #[command(flatten)]
        who: WhoArgs,
        /// Keep the keys without a passphrase
        #[arg(long, conflicts_with = "new_passphrase_file")]
        remove: bool,
        #[command(flatten)]
        new: NewPassphraseArgs,
    },
    /// Write your keys alone to a file, under a passphrase
    Export(CarryArgs),
    /// Write your keys, the keys of others that you trust, and what you have read to a file, under a passphrase
    ///
    /// Running conversations are left out: bringing back an old state of theirs would make them readable for others.
    Backup(CarryArgs),
    /// Bring back what export or backup wrote
    Import {
        /// What export or backup wrote; - is standard input
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
        /// Whose keys these have to be
        #[arg(long, env = "SECURESTREAM_NAME")]
        name: Option<String>,
        /// Replace keys that are here already; they stay beside the new ones, under a name with today's date
        #[arg(long)]
        replace: bool,
        /// Read the passphrase from the first line of this file
        #[arg(long, value_name = "FILE", env = "SECURESTREAM_PASSPHRASE_FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Trust this key of a hub from now on, whatever was known before
    ///
    /// Get the key from the hub's operator by another way than the network: they run
    /// `securestream hub fingerprint`, or read it from the URL that the hub printed.
    TrustHub {
        /// The hub: HOST, HOST:PORT, [V6]:PORT or tls://HOST:PORT
        #[arg(value_name = "HUB")]
        hub: String,
        /// 64 hexadecimal digits, with or without blanks between them
        #[arg(value_name = "KEY", required = true, num_args = 1..)]
        key: Vec<String>,
    },
}

/// Whose keys, and how to get at them.
#[derive(Debug, Args)]
pub(in crate::cli) struct WhoArgs {
    /// Whose keys; may be left out where there is one member only
    #[arg(long, env = "SECURESTREAM_NAME")]
    pub(in crate::cli) name: Option<String>,
    /// Read the passphrase from the first line of this file
    ///
    /// Without it, SECURESTREAM_PASSPHRASE is used, else you are asked.
    #[arg(long, value_name = "FILE", env = "SECURESTREAM_PASSPHRASE_FILE")]
    pub(in crate::cli) passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct NewPassphraseArgs {
    /// Read the new passphrase from the first line of this file
    ///
    /// Without it, SECURESTREAM_NEW_PASSPHRASE is used, else you are asked.
    #[arg(long, value_name = "FILE", env = "SECURESTREAM_NEW_PASSPHRASE_FILE")]
    pub(in crate::cli) new_passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CarryArgs {
    /// A file that is not there yet; - is standard output
    #[arg(value_name = "FILE|-")]
    pub(in crate::cli) file: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) who: WhoArgs,
    /// Write it without a passphrase: whoever reads the file has your keys
    #[arg(long, conflicts_with = "new_passphrase_file")]
    pub(in crate::cli) plain: bool,
    #[command(flatten)]
    pub(in crate::cli) new: NewPassphraseArgs,
}
