//! The codes of everything that can go wrong: one table for the wire, the events and the exit status.

use super::wire::numbered;

numbered! {
    /// What went wrong, by its name in events and scripts. A number that this version does not know
    /// keeps its number.
    pub enum Code {
        1 => NameTaken "name_taken",
        2 => NameReserved "name_reserved",
        3 => BadName "bad_name",
        4 => NoSuchMember "no_such_member",
        5 => ToSelf "to_self",
        6 => MessageTooLarge "message_too_large",
        7 => NoSuchTitle "no_such_title",
        8 => NoSuchRendition "no_such_rendition",
        9 => Unplayable "unplayable",
        10 => OutOfRange "out_of_range",
        11 => NoSuchPlay "no_such_play",
        12 => TooManyPlays "too_many_plays",
        13 => HubFull "hub_full",
        14 => RateLimited "rate_limited",
        15 => SlowConsumer "slow_consumer",
        16 => WeakKey "weak_key",
        17 => BadProof "bad_proof",
        18 => KeyChanged "key_changed",
        19 => HubKeyChanged "hub_key_changed",
        20 => Equivocation "equivocation",
        21 => NumberMismatch "number_mismatch",
        22 => NotInvited "not_invited",
        23 => Banned "banned",
        24 => TakenOver "taken_over",
        25 => ConnectFailed "connect_failed",
        26 => NotAHub "not_a_hub",
        27 => UnsupportedVersion "unsupported_version",
        28 => Disconnected "disconnected",
        29 => Expired "expired",
        30 => UnknownCommand "unknown_command",
        31 => Usage "usage",
        32 => Timeout "timeout",
        33 => TryLater "try_later",
        34 => DisplayUnavailable "display_unavailable",
        35 => IdentityInUse "identity_in_use",
        36 => DataUnusable "data_unusable",
        37 => PassphraseNeeded "passphrase_needed",
        38 => NotYet "not_yet",
        // Beyond the contract's list: what only the wire has to say.
        64 => InvalidRecord "invalid_record",
        65 => ProtocolViolation "protocol_violation",
        66 => HubClosing "hub_closing",
        67 => ListenFailed "listen_failed",
        68 => RenditionLeftOut "rendition_left_out",
        69 => RenditionMismatch "rendition_mismatch",
        70 => Internal "internal",
        71 => RenditionMissing "rendition_missing",
        72 => UnexpectedSuccess "unexpected_success",
        73 => Interrupted "interrupted",
        74 => DirectoryUnproven "directory_unproven",
        75 => Kicked "kicked",
        76 => KeyRotated "key_rotated",
        77 => HubUntrusted "hub_untrusted",
        78 => Blocked "blocked",
        79 => NotTrusted "not_trusted",
        80 => SubtitlesMissing "subtitles_missing",
        81 => NoSound "no_sound",
        84 => Place "place",
    }
}

/// The exit status of the process: one table for the whole binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// All was done.
    Fine = 0,
    /// A command failed.
    CommandFailed = 1,
    /// The command line or a command could not be understood.
    Usage = 2,
    /// Cannot connect, cannot listen, lost for good.
    Network = 3,
    /// The hub refused.
    Refused = 4,
    /// A key of the hub or of a member is not what it was.
    Trust = 5,
    /// A wait timed out.
    WaitTimedOut = 6,
    /// Keys, data or videos are unusable.
    Data = 7,
    /// Ended by SIGHUP.
    Hangup = 129,
    /// Ended by SIGINT.
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

impl Code {
    /// The exit status of a process that ends because of this code.
    #[must_use]
    pub fn exit(self) -> ExitCode {
        match self {
            Self::Usage | Self::UnknownCommand => ExitCode::Usage,
            Self::ConnectFailed
            | Self::ListenFailed
            | Self::NotAHub
            | Self::UnsupportedVersion
            | Self::Disconnected
            | Self::HubClosing
            | Self::InvalidRecord
            | Self::ProtocolViolation => ExitCode::Network,
            Self::NameTaken
            | Self::NameReserved
            | Self::HubFull
            | Self::WeakKey
            | Self::BadProof
            | Self::NotInvited
            | Self::Banned
            | Self::Kicked
            | Self::TakenOver
            | Self::SlowConsumer => ExitCode::Refused,
            Self::KeyChanged | Self::HubKeyChanged | Self::HubUntrusted | Self::Equivocation | Self::NotTrusted => {
                ExitCode::Trust
            }
            Self::Timeout => ExitCode::WaitTimedOut,
            Self::Interrupted => ExitCode::Interrupted,
            Self::IdentityInUse | Self::DataUnusable | Self::PassphraseNeeded => ExitCode::Data,
            _ => ExitCode::CommandFailed,
        }
    }

    /// The exit status of a member that a hub did not take in because of this code. Some codes mean less after that,
    /// or when this machine says them.
    #[must_use]
    pub fn exit_when_refused(self) -> ExitCode {
        match self {
            Self::BadName | Self::RateLimited | Self::IdentityInUse => ExitCode::Refused,
            code => code.exit(),
        }
    }

    /// Whether the same attempt may succeed later without a change of its own.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::NameTaken
                | Self::HubFull
                | Self::RateLimited
                | Self::SlowConsumer
                | Self::TryLater
                | Self::ConnectFailed
                | Self::Disconnected
                | Self::HubClosing
                | Self::IdentityInUse
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hub_refuses_at_the_door_is_refused_by_the_hub() {
        for code in [Code::BadName, Code::RateLimited] {
            assert_eq!((code.exit(), code.exit_when_refused()), (ExitCode::CommandFailed, ExitCode::Refused));
        }
        assert_eq!(
            (Code::IdentityInUse.exit(), Code::IdentityInUse.exit_when_refused()),
            (ExitCode::Data, ExitCode::Refused)
        );
        assert_eq!(Code::NotAHub.exit_when_refused(), ExitCode::Network);
        assert_eq!(Code::NameTaken.exit_when_refused(), ExitCode::Refused);
    }
}
