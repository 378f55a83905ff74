//! The index of one file: where each packet of its video track is, and when it is decoded and shown.

use std::{fmt, ops::Range, sync::Arc};

use bytes::Bytes;

use crate::types::{Codec, MediaTime};

use super::{
    ladder::Gops,
    pieces::{Pieces, Run},
    pixel_aspect::PixelAspect,
    rotation::Rotation,
    sound_track::{NoSound, SoundTrack},
};

/// What a decoder must know before the first packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoFormat {
    pub codec: Codec,
    /// Coded width in pixels.
    pub width: u32,
    /// Coded height in pixels.
    pub height: u32,
    /// The codec's configuration as FFmpeg takes it for `extradata`: the contents of avcC (H.264), hvcC (HEVC)
    /// or av1C (AV1); empty for VP9, which needs none.
    pub extradata: Bytes,
}

/// One compressed packet, which decodes to one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// From the start of the file, in bytes; where its first piece begins if it is scattered.
    pub offset: u64,
    /// In bytes, at least 1.
    pub size: u32,
    /// Whether decoding can begin here.
    pub keyframe: bool,
    /// When its picture is shown, after the edit list.
    pub pts: MediaTime,
    /// When it is decoded, on the same clock; negative at the start of a file with B-frames.
    pub dts: MediaTime,
    /// Until the next packet in decode order.
    pub duration: MediaTime,
}

impl Packet {
    /// Where it lies in the file, in bytes, if it lies in one piece; [`Index::span`] knows.
    #[must_use]
    pub fn bytes(&self) -> Range<u64> {
        self.offset..self.offset + u64::from(self.size)
    }
}

/// The packets of one file's video track, in decode order, and what can be said of them together.
#[derive(Clone)]
pub struct Index {
    format: VideoFormat,
    packets: Vec<Packet>,
    shown: Range<MediaTime>,
    entry_points: Vec<usize>,
    /// For each entry point the earliest pts that is shown from there on in decode order.
    earliest: Vec<MediaTime>,
    frames: usize,
    frame_duration: MediaTime,
    bitrate: u64,
    gops: Gops,
    pieces: Pieces,
    rotation: Rotation,
    pixels: Option<PixelAspect>,
    compat: bool,
    /// How long the file says it is, when it ends before that.
    claimed: Option<MediaTime>,
    /// Nothing for a file without sound.
    sound: Option<Result<Arc<SoundTrack>, NoSound>>,
}

impl Index {
    /// From packets in decode order; those with pts outside `shown` are decoded and never shown. `None` when no
    /// packet is shown.
    #[must_use]
    pub fn new(format: VideoFormat, packets: Vec<Packet>, shown: Range<MediaTime>) -> Option<Self> {
        let mut times: Vec<MediaTime> =
            packets.iter().map(|packet| packet.pts).filter(|pts| shown.contains(pts)).collect();
        if times.is_empty() {
            return None;
        }
        times.sort_unstable();
        let frame_duration = typical_gap(&times).unwrap_or(shown.end - shown.start);
        let entry_points = entry_points(&packets);
        let earliest = earliest(&packets, &entry_points, &shown);
        let bitrate = bitrate(&packets, &shown);
        let gops = Gops::of(&packets, &entry_points, &shown);
        let (pieces, rotation, pixels, compat) = (Pieces::default(), Rotation::None, None, false);
        let (frames, claimed, sound) = (times.len(), None, None);
        Some(Self {
            format,
            packets,
            shown,
            entry_points,
            earliest,
            frames,
            frame_duration,
            bitrate,
            gops,
            pieces,
            rotation,
            pixels,
            compat,
            claimed,
            sound,
        })
    }

    /// With the sound of the same file, or why that is left out.
    #[must_use]
    pub fn with_sound(self, sound: Result<SoundTrack, NoSound>) -> Self {
        Self { sound: Some(sound.map(Arc::new)), ..self }
    }

    /// The sound of the file, if it has any that is passed on.
    #[must_use]
    pub fn sound(&self) -> Option<&Arc<SoundTrack>> {
        self.sound.as_ref().and_then(|sound| sound.as_ref().ok())
    }

    /// Why the sound of the file is left out.
    #[must_use]
    pub fn no_sound(&self) -> Option<&NoSound> {
        self.sound.as_ref().and_then(|sound| sound.as_ref().err())
    }

    /// The same for pictures that are to be turned.
    #[must_use]
    pub fn rotated(self, rotation: Rotation) -> Self {
        Self { rotation, ..self }
    }

    /// The same for pictures whose pixels have this shape, as the file says beside the stream.
    #[must_use]
    pub fn stretched(self, pixels: Option<PixelAspect>) -> Self {
        Self { pixels, ..self }
    }

    /// The same with packets that do not lie in one piece.
    pub(super) fn scattered(self, pieces: Pieces) -> Self {
        Self { pieces, ..self }
    }

    /// The same, of a file that libavformat took apart.
    pub(super) fn compat(self) -> Self {
        Self { compat: true, ..self }
    }

    /// The same, of a file that ends before it says it does.
    pub(super) fn cut_short(self, claimed: Option<MediaTime>) -> Self {
        Self { claimed, ..self }
    }

    /// How long the file says it is, when it ends before that: it is damaged, or was not copied whole.
    #[must_use]
    pub fn claimed(&self) -> Option<MediaTime> {
        self.claimed
    }

    /// How its pictures are to be turned.
    #[must_use]
    pub fn rotation(&self) -> Rotation {
        self.rotation
    }

    /// The shape of its pixels, where the file says it beside the stream.
    #[must_use]
    pub fn pixels(&self) -> Option<PixelAspect> {
        self.pixels
    }

    /// Width and height in square pixels of what a viewer sees, turned upright, as far as the file says it beside the stream.
    #[must_use]
    pub fn shown_size(&self) -> (u32, u32) {
        self.rotation.of_size(self.pixels.unwrap_or_default().of_size((self.format.width, self.format.height)))
    }

    /// Whether libavformat took the file apart, not this program's own reader.
    #[must_use]
    pub fn is_compat(&self) -> bool {
        self.compat
    }

    /// The pieces of the packet at a position; none when it lies in one.
    pub(super) fn pieces(&self, position: usize) -> &[Run] {
        self.pieces.of(position)
    }

    /// From the first to the last byte of the packet at a position, which may have others in between.
    #[must_use]
    pub fn span(&self, position: usize) -> Option<Range<u64>> {
        let packet = self.packets.get(position)?;
        self.pieces.span(position, packet.bytes())
    }

    /// How the packets are coded.
    #[must_use]
    pub fn format(&self) -> &VideoFormat {
        &self.format
    }

    /// All packets in decode order.
    #[must_use]
    pub fn packets(&self) -> &[Packet] {
        &self.packets
    }

    /// What of the title this file shows: from its first picture to the end of its last.
    #[must_use]
    pub fn shown(&self) -> Range<MediaTime> {
        self.shown.clone()
    }

    /// Where the last picture ends.
    #[must_use]
    pub fn duration(&self) -> MediaTime {
        self.shown.end
    }

    /// Pictures that are shown, each once.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// How long a picture is shown, typically: the median. At least a microsecond.
    #[must_use]
    pub fn frame_duration(&self) -> MediaTime {
        self.frame_duration
    }

    /// Positions of packets at which decoding can begin so that every picture shown from the packet's pts on is
    /// decoded, in rising order of position and of pts. The first packet is always one: there is nothing before.
    #[must_use]
    pub fn entry_points(&self) -> &[usize] {
        &self.entry_points
    }

    /// Average over the packets, in bits a second.
    #[must_use]
    pub fn bitrate(&self) -> u64 {
        self.bitrate
    }

    /// What its keyframes say about it.
    pub(super) fn gops(&self) -> Gops {
        self.gops
    }

    /// The position of the last entry point with pts ≤ `at`, else the first packet.
    pub(super) fn entry_before(&self, at: MediaTime) -> usize {
        let after = self.entry_points.partition_point(|&position| self.pts(position) <= at);
        after.checked_sub(1).and_then(|last| self.entry_points.get(last)).copied().unwrap_or(0)
    }

    /// The pts of the first entry point at or after `at` that is shown.
    pub(super) fn entry_from(&self, at: MediaTime) -> Option<MediaTime> {
        let at = at.max(self.shown.start);
        let next = self.entry_points.partition_point(|&position| self.pts(position) < at);
        self.entry_points.get(next).map(|&position| self.pts(position)).filter(|pts| self.shown.contains(pts))
    }

    /// The pts of the first picture at or after `at` that is shown.
    pub(super) fn picture_from(&self, at: MediaTime) -> Option<MediaTime> {
        let at = at.max(self.shown.start);
        let keyframe = self.entry_from(at);
        let near = self.entry_before(at)..self.all_decoded(keyframe.unwrap_or(self.shown.end));
        let pictures = self.packets.get(near).unwrap_or_default().iter().map(|packet| packet.pts).chain(keyframe);
        pictures.filter(|pts| *pts >= at && self.shown.contains(pts)).min()
    }

    /// The bytes of these packets, up to the last that is shown before `end`.
    pub(super) fn bytes(&self, packets: Range<usize>, end: MediaTime) -> u64 {
        let until = self.decoded_until(packets.start, end).min(packets.end);
        let packets = self.packets.get(packets.start..until).unwrap_or_default();
        packets.iter().map(|packet| u64::from(packet.size)).sum()
    }

    /// The latest pts before `end` of these packets. Looks at the last GOPs of them that count, not at all of them.
    pub(super) fn last_within(&self, packets: Range<usize>, end: MediaTime) -> Option<MediaTime> {
        // Before an entry point nothing is decoded that is shown later than it.
        let within = self.entry_points.partition_point(|&position| position < packets.end);
        let entry = within.checked_sub(1).and_then(|last| self.entry_points.get(last)).copied().unwrap_or(0);
        let from = entry.min(self.entry_before(MediaTime(end.0.saturating_sub(1)))).max(packets.start);
        let near = self.packets.get(from..packets.end.min(self.all_decoded(end))).unwrap_or_default();
        near.iter().map(|packet| packet.pts).filter(|pts| *pts < end).max()
    }

    /// One past the last packet from `from` on that is shown before `end`: with it all that it refers to is in. Looks at
    /// one GOP, from its end on, not at all packets from `from` on.
    pub(super) fn decoded_until(&self, from: usize, end: MediaTime) -> usize {
        let shown = self.shown.start..end.min(self.shown.end);
        let rest = self.packets.get(from..self.all_decoded(end)).unwrap_or_default();
        from + rest.iter().rposition(|packet| shown.contains(&packet.pts)).map_or(0, |last| last + 1)
    }

    /// The pts of the last picture that is shown before `end`.
    pub(super) fn last_before(&self, end: MediaTime) -> Option<MediaTime> {
        let end = end.min(self.shown.end);
        // What is decoded before an entry point is shown before it.
        let entry = self.entry_before(MediaTime(end.0.saturating_sub(1)));
        let near = self.packets.get(entry..self.all_decoded(end)).unwrap_or_default();
        near.iter().map(|packet| packet.pts).filter(|pts| (self.shown.start..end).contains(pts)).max()
    }

    /// The first entry point from which on nothing is decoded that is shown before `end`: mostly the second one at
    /// or after `end`, as open GOPs begin with pictures from before their keyframe. Without one, behind all packets.
    pub(super) fn all_decoded(&self, end: MediaTime) -> usize {
        let place = self.earliest.partition_point(|pts| *pts < end);
        self.entry_points.get(place).copied().unwrap_or(self.packets.len())
    }

    fn pts(&self, position: usize) -> MediaTime {
        self.packets.get(position).map_or(MediaTime(i64::MAX), |packet| packet.pts)
    }
}

/// Without the packets, of which there can be millions.
impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, packets, shown, entry_points, frames, .. } = self;
        write!(f, "Index({}, {}x{}, ", format.codec, format.width, format.height)?;
        write!(f, "{} packets, {frames} shown in {shown:?}, {} entry points)", packets.len(), entry_points.len())
    }
}

/// Keyframes behind which, in decode order, nothing is shown that was decoded before them.
fn entry_points(packets: &[Packet]) -> Vec<usize> {
    let mut latest = MediaTime(i64::MIN);
    let mut found = Vec::new();
    for (position, packet) in packets.iter().enumerate() {
        if position == 0 || packet.keyframe && packet.pts > latest {
            found.push(position);
        }
        latest = latest.max(packet.pts);
    }
    found
}

/// For each entry point the earliest pts within `shown` from there on: these rise.
fn earliest(packets: &[Packet], entry_points: &[usize], shown: &Range<MediaTime>) -> Vec<MediaTime> {
    let (mut earliest, mut until) = (MediaTime(i64::MAX), packets.len());
    let mut found: Vec<MediaTime> = Vec::with_capacity(entry_points.len());
    for &position in entry_points.iter().rev() {
        let gop = packets.get(position..until).unwrap_or_default();
        let times = gop.iter().map(|packet| packet.pts).filter(|pts| shown.contains(pts));
        earliest = times.min().map_or(earliest, |first| first.min(earliest));
        until = position;
        found.push(earliest);
    }
    found.reverse();
    found
}

fn bitrate(packets: &[Packet], shown: &Range<MediaTime>) -> u64 {
    let bytes: u64 = packets.iter().map(|packet| u64::from(packet.size)).sum();
    let micros = u128::from((shown.end - shown.start).0.unsigned_abs().max(1));
    u64::try_from(u128::from(bytes) * 8_000_000 / micros).unwrap_or(u64::MAX)
}

/// The median of the gaps between rising times that are not 0.
fn typical_gap(times: &[MediaTime]) -> Option<MediaTime> {
    let mut gaps: Vec<MediaTime> =
        times.windows(2).filter_map(|pair| Some(*pair.get(1)? - *pair.first()?)).filter(|gap| gap.0 > 0).collect();
    let middle = gaps.len() / 2;
    (!gaps.is_empty()).then(|| *gaps.select_nth_unstable(middle).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets in decode order with these pts in frames of 40 ms; the marked are keyframes.
    fn index(order: &[(i64, bool)], shown: Range<i64>) -> Option<Index> {
        let time = |frames: i64| MediaTime(frames * 40_000);
        let packets = order.iter().zip(0..).map(|(&(pts, keyframe), number)| Packet {
            offset: 0,
            size: 1000,
            keyframe,
            pts: time(pts),
            dts: time(number - 1),
            duration: time(1),
        });
        let format = VideoFormat { codec: Codec::H264, width: 16, height: 16, extradata: Bytes::new() };
        Index::new(format, packets.collect(), time(shown.start)..time(shown.end))
    }

    #[test]
    fn only_pictures_within_what_is_shown_count() {
        let order = [(-1, true), (2, false), (0, false), (1, false), (3, true), (4, false)];
        let index = index(&order, 0..4).unwrap();
        assert_eq!(
            (index.frames(), index.duration(), index.frame_duration()),
            (4, MediaTime(160_000), MediaTime(40_000))
        );
        assert_eq!(index.bitrate(), 6 * 8000 * 1000 / 160);
        assert_eq!(index.decoded_until(0, MediaTime(i64::MAX)), 5, "the last packet is not shown");
        assert_eq!(index.decoded_until(0, MediaTime(40_000)), 3, "what frame 0 refers to is in");
        assert_eq!(index.entry_from(MediaTime(i64::MIN)), Some(MediaTime(120_000)), "one that is shown");
    }

    #[test]
    fn the_bitrate_is_known_without_a_look_at_the_packets() {
        let mut index = index(&[(0, true), (1, false)], 0..2).unwrap();
        index.packets.clear();
        assert_eq!(index.bitrate(), 200_000);
    }

    #[test]
    fn without_a_picture_to_show_there_is_no_index() {
        assert!(index(&[], 0..9).is_none());
        assert!(index(&[(9, true)], 0..9).is_none());
    }

    #[test]
    fn decoding_begins_only_where_nothing_decoded_before_is_shown_later() {
        // The keyframe at 4 is decoded after the picture at 6: from it on, that one would be missing.
        let order = [(0, true), (2, false), (6, false), (4, true), (5, false), (8, true), (7, false), (9, true)];
        let index = index(&order, 0..10).unwrap();
        assert_eq!(index.entry_points(), [0, 5, 7]);
        assert_eq!(index.entry_before(MediaTime(5 * 40_000)), 0);
        assert_eq!(index.entry_before(MediaTime(8 * 40_000)), 5);
        assert_eq!(index.entry_from(MediaTime(40_000)), Some(MediaTime(8 * 40_000)));
        assert_eq!(index.entry_from(MediaTime(9 * 40_000 + 1)), None);
    }

    #[test]
    fn the_last_picture_of_some_packets_is_the_same_without_a_look_at_all_of_them() {
        // Open GOPs: 4 and 9 are decoded before 3 and 8; the first packet is never shown.
        let order = [-1, 1, 0, 2, 4, 3, 6, 5, 7, 9, 8, 10].map(|pts| (pts, [-1, 4, 9].contains(&pts)));
        let index = index(&order, 0..11).unwrap();
        assert_eq!(index.entry_points(), [0, 4, 9]);
        let mut found = 0;
        for (start, until, end) in (0..12)
            .flat_map(|start| (start..=12).map(move |until| (start, until)))
            .flat_map(|(start, until)| (0..13).map(move |end| (start, until, MediaTime(end * 40_000))))
        {
            let all = index.packets()[start..until].iter().map(|packet| packet.pts).filter(|pts| *pts < end).max();
            let last = index.last_within(start..until, end);
            let shown = |pts: Option<MediaTime>| pts.filter(|pts| pts.0 >= 0);
            assert_eq!(shown(last), shown(all), "{start}..{until} before {end:?}");
            found += usize::from(last.is_some());
        }
        assert!(found > 300, "{found}");
    }

    #[test]
    fn the_first_packet_is_a_place_to_begin_even_when_it_is_no_keyframe() {
        let index = index(&[(0, false), (1, false), (2, true)], 0..3).unwrap();
        assert_eq!(index.entry_points(), [0, 2]);
    }
}
