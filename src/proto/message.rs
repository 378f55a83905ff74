//! Every message, as `docs/protocol.md` describes it: one MessagePack array of a numeric tag and the fields in order.
//!
//! Tags below 32 come from members, from 32 on from the hub; Ping and Pong go both ways. A tag is never used again
//! for anything else. An unknown tag decodes to [`Message::Unknown`]; surplus elements are skipped.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
    ser::SerializeTuple as _,
};

use crate::types::{
    Code, Codec, CurveKey, DirectoryEntry, DirectorySequence, EndReason, Fingerprint, Head, LeaveReason, MediaTime,
    MemberName, MessageId, PlayEpoch, PlayId, PlayMode, RelayMode, RenditionLabel, SealKind, StateHash,
    wire::{Blob, DecodeError, Text, field, fixed_bytes, from_bytes, skip_surplus, wire_struct},
};

macro_rules! messages {
    ($($(#[$meta:meta])* $tag:literal => $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $name { $($(#[$field_meta])* pub $field: $type),* }

            impl From<$name> for Message {
                fn from(message: $name) -> Self {
                    Self::$name(message)
                }
            }
        )*

        /// A decoded record.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Message {
            $(#[doc = concat!("Tag ", stringify!($tag), ".")] $name($name),)*
            /// A tag of a newer version.
            Unknown(u64),
        }

        impl Message {
            /// The number that stands first in the record.
            #[must_use]
            pub fn tag(&self) -> u64 {
                match self {
                    $(Self::$name(_) => $tag,)*
                    Self::Unknown(tag) => *tag,
                }
            }
        }

        impl Serialize for Message {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$name(_message) => {
                        const FIELDS: &[&str] = &[$(stringify!($field)),*];
                        let mut array = serializer.serialize_tuple(1 + FIELDS.len())?;
                        array.serialize_element::<u64>(&$tag)?;
                        $(array.serialize_element(&_message.$field)?;)*
                        array.end()
                    })*
                    Self::Unknown(tag) => [*tag].serialize(serializer),
                }
            }
        }

        impl<'de> Deserialize<'de> for Message {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct MessageVisitor;
                impl<'de> Visitor<'de> for MessageVisitor {
                    type Value = Message;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an array of a tag and fields")
                    }

                    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Message, A::Error> {
                        let message = match field::<u64, _>(&mut seq, "tag")? {
                            $($tag => $name { $($field: field(&mut seq, stringify!($field))?),* }.into(),)*
                            tag => Message::Unknown(tag),
                        };
                        skip_surplus(&mut seq)?;
                        Ok(message)
                    }
                }
                deserializer.deserialize_any(MessageVisitor)
            }
        }
    };
}

impl Message {
    /// Whether a hub sends this message; Ping and Pong go both ways and count as a member's.
    #[must_use]
    pub fn is_of_hub(&self) -> bool {
        self.tag() >= 32
    }

    /// Decodes the body of one record.
    ///
    /// # Errors
    /// When `body` is not exactly one array that begins with a tag and holds the fields of that message.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        from_bytes(body)
    }
}

messages! {
    /// The first message of a link: what the member speaks.
    1 => Hello {
        versions: Vec<u16>,
        /// Program and version, for the operator's log only.
        agent: Text,
    }
    /// Asks to become a member.
    2 => Register {
        /// The encoded [`KeyRecord`](crate::types::KeyRecord).
        record: Blob,
        /// A guest's name is bound to no key and free when it leaves.
        guest: bool,
        /// Signature over the hub's nonce, see `docs/protocol.md`.
        proof: Blob,
        /// What a hub that takes nobody else gave to somebody it wants.
        invite: Option<Text>,
    }
    /// Asks for the key records of these fingerprints.
    3 => FetchRecords { fingerprints: Vec<Fingerprint> }
    /// Asks for the next page of the directory.
    4 => NextPage {}
    /// Sends sealed bytes on their way.
    5 => Post {
        mid: MessageId,
        /// Nobody in broadcast mode; the receiver in direct mode, or nobody for all.
        audience: Option<Fingerprint>,
        kind: SealKind,
        sealed: Blob,
    }
    /// Asks for the list of videos.
    6 => ListVideos {}
    /// Starts a play.
    7 => Play {
        play: PlayId,
        title: Text,
        mode: PlayMode,
        start: MediaTime,
        end: Option<MediaTime>,
        /// No rendition above this height is shown.
        max_height: Option<u32>,
        /// Whether its sound is to come along.
        sound: bool,
        /// Whether frames are wanted as fast as they come, not at their times: `auto` is the best rendition then.
        full_speed: bool,
        /// What the member can decode; empty when it does not say.
        decodes: Vec<Codec>,
    }
    /// The hub may send the media of this epoch up to this many bytes from its start.
    8 => Credit { play: PlayId, epoch: PlayEpoch, offset: u64 }
    /// Goes on in another rendition, from its first keyframe at or after `from`, or sooner where that is less to send;
    /// with none, as soon as nothing that was sent is sent again.
    9 => SwitchRendition { play: PlayId, epoch: PlayEpoch, rendition: RenditionLabel, from: Option<MediaTime> }
    /// Goes on at another place, under a new epoch; the credit of the new epoch starts at 0.
    10 => Seek { play: PlayId, epoch: PlayEpoch, to: MediaTime }
    /// Ends a play.
    11 => Stop { play: PlayId }
    /// Asks for a Pong with the same token.
    12 => Ping { token: u64 }
    /// Answers a Ping.
    13 => Pong { token: u64 }
    /// Leaves.
    14 => Quit {}
    /// Asks how the directory came from the state after this change to where it is.
    15 => FetchHeads { after: DirectorySequence }
    /// Replaces the sender's key record by a newer one of the same keys.
    16 => Update {
        /// The encoded [`KeyRecord`](crate::types::KeyRecord).
        record: Blob,
    }
    /// Leaves keys with the hub, each for one session; in direct mode.
    17 => PublishOneTime { keys: Vec<CurveKey> }
    /// Asks for one of a member's one-time keys, in direct mode.
    18 => FetchOneTime { fingerprint: Fingerprint }

    /// Answers Hello.
    32 => HelloAck {
        version: u16,
        /// What a registration over this link has to sign.
        nonce: Nonce,
        limits: Limits,
    }
    /// Answers Register: the sender is a member now. Changes after `sequence` follow as Joined and Left; who was
    /// here before is in the pages.
    33 => Welcome {
        name: MemberName,
        guest: bool,
        relay: RelayMode,
        sequence: DirectorySequence,
        members: u32,
    }
    /// Answers `NextPage`: members as they are after change `sequence`, in the order of their folded names.
    34 => DirectoryPage {
        sequence: DirectorySequence,
        entries: Vec<DirectoryEntry>,
        last: bool,
        /// The end of the hash chain before change `sequence`.
        previous: Head,
    }
    /// Somebody is here now.
    35 => Joined { sequence: DirectorySequence, entry: DirectoryEntry }
    /// Somebody is no longer here.
    36 => Left { sequence: DirectorySequence, name: MemberName, reason: LeaveReason }
    /// Answers `FetchRecords`: what the hub has of it, in any order.
    37 => Records { records: Vec<Blob>, missing: Vec<Fingerprint> }
    /// Somebody's sealed bytes.
    38 => Relayed { kind: SealKind, sealed: Blob }
    /// The post is on the outbox of every receiver.
    39 => Accepted { mid: MessageId }
    /// The post went nowhere.
    40 => Refused { mid: MessageId, code: Code }
    /// Answers `ListVideos`, in one or more pages.
    41 => Videos { titles: Vec<VideoTitle>, last: bool }
    /// A rendition begins: packets up to the next `StreamInfo` are of it.
    42 => StreamInfo {
        play: PlayId,
        epoch: PlayEpoch,
        rendition: RenditionLabel,
        /// Coded size in pixels.
        width: u32,
        height: u32,
        codec: Codec,
        /// The codec's configuration record as it stands in the file (avcC, hvcC, av1C, vpcC without its box header).
        extradata: Blob,
        /// Frames with these presentation times are shown; packets around them only help to decode.
        show_from: MediaTime,
        show_until: Option<MediaTime>,
        /// The usual time from one frame to the next.
        frame_duration: MediaTime,
        /// By how many degrees its pictures are turned clockwise to be shown; what is not 90, 180 or 270 is none.
        rotation: u16,
        /// The shape of a pixel before that, width to height, as the file has it beside the stream; 0 where it does not say.
        pixel_width: u32,
        pixel_height: u32,
    }
    /// A part of a compressed packet.
    43 => Packet {
        play: PlayId,
        epoch: PlayEpoch,
        /// Counts the packets of the epoch from 0.
        seq: u32,
        /// Counts the parts of the packet from 0.
        part: u16,
        /// Whether this part is the packet's last.
        last: bool,
        rendition: RenditionLabel,
        pts: MediaTime,
        dts: MediaTime,
        duration: MediaTime,
        /// Bit 0: a key frame.
        flags: u8,
        data: Blob,
    }
    /// No packet of the play follows.
    44 => StreamEnd { play: PlayId, epoch: PlayEpoch, reason: EndReason }
    /// Something that the member asked for failed, or why the link is about to close.
    45 => Error { code: Code, text: Text }
    /// The hub closes the link.
    46 => Goodbye { code: Code }
    /// Answers Play when it starts.
    47 => PlayStarted {
        play: PlayId,
        title: Text,
        duration: MediaTime,
        /// What there is to switch between, the lowest first.
        ladder: Vec<Rung>,
        /// Languages of its subtitles.
        languages: Vec<Text>,
    }
    /// Answers Play, Seek or `SwitchRendition` when it is refused.
    48 => PlayRefused { play: PlayId, code: Code, text: Text }
    /// Something about a play that its viewer should know.
    49 => PlayNotice { play: PlayId, code: Code, text: Text }
    /// Answers `FetchHeads`: the states after each change since, oldest first.
    50 => Heads {
        links: Vec<HeadLink>,
        /// Whether the hub still knows the state that was asked about.
        complete: bool,
    }
    /// Somebody has a newer key record for the same keys.
    51 => RecordChanged {
        fingerprint: Fingerprint,
        /// Of the record.
        sequence: u64,
    }
    /// Answers `FetchOneTime`; with no key when there is none left, or not for this asker.
    52 => OneTime { fingerprint: Fingerprint, key: Option<CurveKey> }
    /// The segment that was sent last is shown up to here only: another rendition goes on from there.
    53 => StreamCut { play: PlayId, epoch: PlayEpoch, show_until: MediaTime }
    /// The sound of an epoch begins.
    54 => SoundInfo {
        play: PlayId,
        epoch: PlayEpoch,
        codec: Codec,
        /// In samples a second.
        sample_rate: u32,
        channels: u16,
        /// The decoder's configuration; for AAC the `AudioSpecificConfig` (ISO/IEC 14496-3).
        extradata: Blob,
        /// Samples between these times are heard; what is around them only helps to decode.
        hear_from: MediaTime,
        hear_until: MediaTime,
    }
    /// A compressed packet of sound, whole.
    55 => Sound {
        play: PlayId,
        epoch: PlayEpoch,
        /// Counts the packets of sound of the epoch from 0.
        seq: u32,
        pts: MediaTime,
        duration: MediaTime,
        data: Blob,
    }
    /// A part of a file of subtitles.
    56 => Subtitles {
        play: PlayId,
        /// As the file's name has it; one of those in `PlayStarted`.
        language: Text,
        /// Whether this part is the file's last.
        last: bool,
        data: Blob,
    }
    /// The list of videos is another one than before.
    57 => VideosChanged {}
}

wire_struct! {
    /// A rendition that a play may show.
    pub struct Rung {
        pub label: RenditionLabel,
        /// Average bits per second.
        pub bitrate: u64,
        /// Most bits per second over a second or more, from keyframe to keyframe.
        pub peak: u64,
        /// Where its last picture ends.
        pub end: MediaTime,
        /// Whether it has keyframes often enough to be entered and left.
        pub adaptive: bool,
    }
}

wire_struct! {
    /// A link of the directory's hash chain.
    pub struct HeadLink {
        pub sequence: DirectorySequence,
        /// Of the directory after that change.
        pub state: StateHash,
    }
}

fixed_bytes! {
    /// 32 bytes that the hub draws for each link.
    pub struct Nonce(32);
}

impl Packet {
    /// Bit 1 of `flags`: no picture follows in the epoch, unless the play is switched.
    pub const LAST_PICTURE: u8 = 2;
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

wire_struct! {
    /// What the hub allows.
    pub struct Limits {
        /// Bytes of a record once registered.
        pub max_record: u32,
        /// Bytes of a part of a media packet.
        pub max_part: u32,
        /// Plays at the same time.
        pub max_plays: u32,
    }
}

wire_struct! {
    /// A title on the hub.
    pub struct VideoTitle {
        pub title: Text,
        pub duration: MediaTime,
        /// Whether it is passed through by the compatibility path.
        pub compat: bool,
        /// Lowest first. Empty when the title cannot be played.
        pub renditions: Vec<VideoRendition>,
        /// Renditions that other titles have and this one lacks.
        pub missing: Vec<RenditionLabel>,
        /// Why the title cannot be played, else empty.
        pub unplayable: Text,
        /// Of its subtitles.
        pub languages: Vec<Text>,
    }
}

wire_struct! {
    /// A rendition of a title.
    pub struct VideoRendition {
        pub label: RenditionLabel,
        /// Size in pixels as it is shown.
        pub width: u32,
        pub height: u32,
        /// Average bits per second.
        pub bitrate: u64,
        pub codec: Codec,
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
