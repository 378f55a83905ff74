//! What the engine asks of a decoder, so that tests can stand in for one.

use super::{
    frame::Frame,
    input::{Packet, Segment},
};

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Undecodable(pub(crate) String);

/// Opens decoders.
pub(crate) trait Decoders: Send {
    /// A decoder for the packets of one segment.
    fn open(&mut self, segment: &Segment) -> Result<Box<dyn Decode>, Undecodable>;
}

/// Decodes one segment, on the thread that opened it. Pictures are pulled one at a time, so that no more of
/// them are held than asked for.
pub(crate) trait Decode {
    /// Takes a packet; to be called when [`Decode::next`] said [`Decoded::Hungry`].
    fn feed(&mut self, packet: &Packet) -> Result<(), Undecodable>;

    /// No packet follows: what is still inside comes out of [`Decode::next`].
    fn finish(&mut self);

    /// The next picture in the order of display. After an error there may be more.
    fn next(&mut self) -> Result<Decoded, Undecodable>;
}

/// What came out of a decoder.
#[derive(Clone, Debug)]
pub(crate) enum Decoded {
    /// A picture that the segment shows.
    Frame(Frame),
    /// A picture outside of what the segment shows.
    Hidden,
    /// The first picture, when it is hidden and what is shown comes long after it: see [`Segment::is_long_before`].
    Preview(Frame),
    /// Nothing without another packet.
    Hungry,
    /// Nothing any more.
    Finished,
}
