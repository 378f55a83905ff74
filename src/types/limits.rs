//! Every size and time that a peer could otherwise choose, each with its reason.

use std::time::Duration;

/// Largest record accepted before registration, in bytes without the length prefix. A registration with two
/// RSA-3072 keys needs about 1.5 kB; a stranger gets no more memory than that calls for.
pub const MAX_RECORD_BEFORE_REGISTRATION: usize = 16 * 1024;

/// Largest record accepted once registered, in bytes without the length prefix. Fits a text of
/// [`MAX_TEXT`] with its seal, and bounds what one member can make the hub hold.
pub const MAX_RECORD: usize = 1024 * 1024;

/// Longest text of one message in bytes. Leaves 48 kB of a record for padding, signature and envelope.
pub const MAX_TEXT: usize = 1_000_000;

/// Longest member name in bytes of UTF-8, as typed.
pub const MAX_NAME: usize = 64;

/// Deepest nesting a decoder follows: message, list, entry, list, entry, field, and two to spare.
pub const MAX_DEPTH: usize = 8;

/// Bytes of chat and control waiting for one slow reader before it is let go. Four full records.
pub const CHAT_LANE: usize = 4 * 1024 * 1024;

/// Bytes of media waiting in a lane above which a play reads no further from its file.
pub const MEDIA_LANE: usize = 128 * 1024;

/// Largest part of a media packet in one record.
pub const MAX_PART: usize = 32 * 1024;

/// The part of a media packet that a hub puts in one record: a chat record waits behind the rest of one at most, which are
/// 3 ms on a link of 20 Mb/s.
pub const PART: usize = 8 * 1024;

/// Largest compressed packet that is indexed, in bytes. An 8K key frame stays below it; a claim above it is
/// taken for a damaged index.
pub const MAX_PACKET: usize = 8 * 1024 * 1024;

/// Bytes by which a player raises its credit at least: fewer would be messages for nothing.
pub const CREDIT_STEP: u64 = 512 * 1024;

/// Bytes of media that a player lets the hub send ahead of what it has decoded. More than one [`MAX_PACKET`] by
/// what a raise may lag behind, or a packet that large could never arrive whole.
pub const CREDIT_WINDOW: u64 = MAX_PACKET as u64 + CREDIT_STEP;

/// What may be on its way to a player that takes nothing, of all that a hub can cause: bytes, and [`PIECE_OVERHEAD`] for each
/// piece. Credit bounds the bytes of packets, but not how many there are, nor what else is told about a play. Half of it is
/// what [`CREDIT_WINDOW`] comes to in packets of 40 bytes, as a still picture has them.
pub const MAX_UNTAKEN: u64 = 8 * CREDIT_WINDOW;

/// What a piece of a play takes besides its bytes.
pub const PIECE_OVERHEAD: u64 = 128;

/// Largest file of subtitles in bytes: ten times what a long film with much talk has.
pub const MAX_SUBTITLES: usize = 1024 * 1024;

/// Subtitles of one title in bytes, all languages together.
pub const MAX_SUBTITLES_OF_TITLE: usize = 4 * MAX_SUBTITLES;

/// Languages of subtitles that a title may have.
pub const MAX_LANGUAGES: usize = 32;

/// Longest name of a language of subtitles, in bytes.
pub const MAX_LANGUAGE: usize = 16;

/// Plays that one member may run at the same time.
pub const MAX_PLAYS: usize = 16;

/// Codecs that a member may say it decodes, for each play: twice as many as FFmpeg has.
pub const MAX_DECODES: usize = 1024;

/// Members in one page of the directory. 200 names of 64 bytes with their fingerprints stay below 32 KiB.
pub const DIRECTORY_PAGE: usize = 200;

/// Titles in one page of the list of videos.
pub const VIDEOS_PAGE: usize = 100;

/// Largest encoded key record in bytes: one with four rotations and a bundle has some 8 kB.
pub const MAX_KEY_RECORD: usize = 12 * 1024;

/// Changes of keys that a key record tells of. Whoever missed more takes the member for a new one.
pub const MAX_ROTATIONS: usize = 4;

/// One-time keys that a hub keeps for a member, in direct mode: two of the batches that a member makes.
pub const MAX_ONE_TIME_KEYS: usize = 100;

/// One-time keys of one member that another gets until that publishes more: a session begins once a day. Whoever asks for more
/// would drain what others need.
pub const MAX_ONE_TIME_FETCHES_OF_ONE: usize = 8;

/// One-time keys of all members that one gets over one link.
pub const MAX_ONE_TIME_FETCHES: usize = 1024;

/// Key records in one request and its answer: as many as fit a record at their largest.
pub const MAX_FETCH: usize = 64;

/// Changes of the directory whose states the hub keeps for members who come back: 640 kB.
pub const MAX_HEADS: usize = 16_384;

/// Questions for those states over one link that are answered in full: a client asks once, and an answer has up to
/// 720 kB.
pub const MAX_HEADS_FETCHES: u32 = 4;

/// Names that a hub keeps bound to keys, whether their members are here or not: far above what a group needs, and
/// with bans and invites a file of 15 MB at most.
pub const MAX_BINDINGS: usize = 60_000;

/// Bans that a hub keeps.
pub const MAX_BANS: usize = 10_000;

/// Invites that were given out and not used.
pub const MAX_INVITES: usize = 10_000;

/// Numbers that a hub leaves out when it starts again: those of changes that members may have seen and its disk has
/// not.
pub const EPOCH_GAP: u64 = 65_536;

/// From accepting a link to a registration that holds, TLS included, else the link is dropped. Some ten times what a
/// slow link needs, and short enough that strangers hold few descriptors.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);

/// Without a byte from the peer for this long, a ping is sent; after as long again the peer is lost.
pub const PING_INTERVAL: Duration = Duration::from_secs(15);

/// How long a member whose link broke stays in the directory, so that it can come back unnoticed.
pub const LOST_GRACE: Duration = Duration::from_secs(10);

/// How long a closing link may take to send what it still holds.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(2);

/// Refused registrations on one link before it is closed: enough to correct a name, too few to guess.
pub const MAX_REGISTRATIONS: u32 = 5;

/// Newer key records over one link: a client makes one a week, and each is told to everybody.
pub const MAX_UPDATES: u32 = 32;

/// Requests of a registered link that are served in one turn of the hub's loop. A client asks for one page after
/// the other, fetches records by hundreds and runs 16 plays; in one read of 256 KiB fit some 40,000 requests, each
/// answered by a page of the directory or a plan, while everybody else waits.
pub const MAX_REQUESTS: usize = 64;
