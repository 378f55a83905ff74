//! The words that every other module speaks: a leaf that imports nothing of ours.
//!
//! Each type makes a wrong state unsayable: a [`MemberName`] has passed the naming rules, a [`Fingerprint`]
//! has 32 bytes, a [`MediaTime`] is in microseconds whatever file it came from.

mod audience;
mod code;
mod codec;
mod directory_entry;
mod directory_head;
mod endpoint;
mod fingerprint;
mod hub_key;
mod id;
mod key_record;
pub mod limits;
mod media;
mod name;
mod peer;
mod printable;
pub mod wire;

pub use audience::{LeaveReason, RelayMode, SealKind};
pub use code::{Code, ExitCode};
pub use codec::{Codec, CodecNameError};
pub use directory_entry::DirectoryEntry;
pub use directory_head::{DirectoryHead, Head, StateHash};
pub use endpoint::{DEFAULT_PORT, Endpoint, EndpointError, ListenAddress, ListenHost, Scheme};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use hub_key::{HubKey, HubKeyError};
pub use id::{DirectorySequence, LinkId, MessageId, PlayEpoch, PlayId};
pub use key_record::{Bundle, CurveKey, KeyRecord, KeyRecordError, PublicKeys, Rotation};
pub use media::{EndReason, MediaTime, PlayMode, RenditionLabel};
pub use name::{MemberName, NameError};
pub use peer::{Peer, Source};
pub use printable::Printable;
