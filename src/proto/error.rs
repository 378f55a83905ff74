//! What a peer did wrong, by whose fault it is, and the one map to what the peer is told.

use crate::types::{Code, wire::DecodeError};

/// Why a connection cannot go on because of what its peer sent.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// Bytes that are no record or no message.
    #[error("invalid message: {0}")]
    InvalidMessage(#[from] InvalidMessage),
    /// A valid message that has no place here.
    #[error("peer misbehaved: {0}")]
    PeerMisbehaved(PeerMisbehaved),
    /// A peer that speaks no version that we speak.
    #[error("peer incompatible: no version in common, it speaks {0:?}")]
    PeerIncompatible(Vec<u16>),
}

/// What is wrong with bytes.
#[derive(Debug, thiserror::Error)]
pub enum InvalidMessage {
    /// A record holds at least one byte.
    #[error("a record of length 0")]
    Empty,
    /// A record is larger than this state of the connection allows; said before anything is allocated.
    #[error("a record of {length} bytes, at most {limit} are allowed here")]
    TooLarge { length: u32, limit: usize },
    /// A TLS record (RFC 8446 §5.1): its first bytes, taken for a length, are above every limit.
    #[error("TLS, where none is spoken")]
    Tls,
    /// The record is not one message.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// What a peer did that it may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerMisbehaved {
    #[error("a message out of turn")]
    OutOfTurn,
    #[error("an unknown message before registration")]
    UnknownTag,
    #[error("a version that was not offered")]
    VersionNotOffered,
    #[error("greeting and registration took too long")]
    HandshakeTooSlow,
    #[error("what came is not what this kind of link asks for")]
    Link,
}

/// How a connection is ended towards its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// With an error that says why.
    Told(Code),
    /// Without a word: whoever does not speak the protocol gets nothing to learn from.
    Silent,
}

impl ProtocolError {
    /// What it is called in events, whether or not the peer is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::InvalidMessage(_) => Code::InvalidRecord,
            Self::PeerMisbehaved(_) => Code::ProtocolViolation,
            Self::PeerIncompatible(_) => Code::UnsupportedVersion,
        }
    }

    /// What the peer is told; `greeted` when it has sent a valid Hello, `registered` when it is a member.
    #[must_use]
    pub fn closing(&self, greeted: bool, registered: bool) -> Closing {
        let told = match self {
            Self::InvalidMessage(_) => greeted,
            Self::PeerMisbehaved(_) => registered,
            Self::PeerIncompatible(_) => true,
        };
        if told { Closing::Told(self.code()) } else { Closing::Silent }
    }
}
