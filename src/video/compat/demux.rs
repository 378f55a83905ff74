//! From a file to an index, by libavformat. Only the child does this.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    sync::{Arc, Mutex, PoisonError},
};

use ffmpeg::{
    Dictionary, Error, Packet as AvPacket, Rational,
    codec::{Id, packet::side_data},
    format::{self, context, stream::Disposition},
    media,
};

use crate::{
    types::{Codec, MediaTime, limits::MAX_PACKET},
    video::{
        ffi,
        index::{Index, Packet, VideoFormat},
        index_wire::MAX_RUNS,
        mp4::{
            FileInput, Input,
            limits::{MAX_DIMENSION, MAX_EXTRADATA, MAX_PACKETS},
        },
        pieces::{Pieces, Run},
        pixel_aspect::PixelAspect,
        rotation::Rotation,
    },
};

use super::{
    locate::Locator,
    sound::Sound,
    times::{Clock, Said, moves, times},
};

/// The containers that are taken apart. Not playlists and such, which name other files.
const FORMATS: &str = "matroska,webm,mpegts,avi,mov,mp4,m4a,3gp,3g2,mj2,flv,ogg,mpeg,asf";

/// Damaged packets that are passed over before a file is given up.
const MAX_DAMAGE: usize = 10_000;

/// How much earlier than it says a file may end, in µs: writers count the last packets in different ways.
const TOLERANCE: i64 = 500_000;

/// Why there is no index, in words that go on "`<file>`: ".
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("it is none of MKV, WebM, TS, AVI, MOV, MP4, FLV, Ogg, MPEG and ASF, or it is damaged ({0})")]
    Unknown(Error),
    #[error("it has no video track")]
    NoVideo,
    #[error("its video codec is not known")]
    Codec,
    #[error("its video is not compressed")]
    Uncompressed,
    #[error("its pictures claim to be {0}x{1} pixels; up to {MAX_DIMENSION}x{MAX_DIMENSION} are played")]
    Dimensions(i32, i32),
    #[error("it changes its codec settings on the way")]
    SeveralFormats,
    #[error("it shows parts of its video and leaves out others: export it anew as one piece")]
    SeveralEdits,
    #[error("it has more than {MAX_PACKETS} pictures, or one of more than {MAX_PACKET} bytes")]
    TooMany,
    #[error("a packet of it does not stand in the file as it is decoded, from byte {0} on: compressed or encrypted?")]
    NotInFile(u64),
    #[error("its packets are cut into more than {MAX_RUNS} pieces")]
    TooScattered,
    #[error("its video track has no pictures to show")]
    NoPictures,
    #[error("it is no regular file")]
    NotRegular,
    #[error("its reader could not be confined: {0}")]
    Confined(io::Error),
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl Refused {
    /// Why it is not opened.
    fn unopened(error: Error) -> Self {
        match error {
            NO_MEMORY => Self::Io(io::ErrorKind::OutOfMemory.into()),
            error => Self::Unknown(error),
        }
    }
}

/// What libavformat says when it cannot have memory.
const NO_MEMORY: Error = Error::Other { errno: ffmpeg::error::ENOMEM };

/// Indexes the best tracks of pictures and of sound of a file of `size` bytes that is open twice.
pub(super) fn index(file: &File, again: impl FileExt + Send + 'static, size: u64) -> Result<Index, Refused> {
    ffmpeg::log::set_level(ffmpeg::log::Level::Quiet);
    let failure = Failure::default();
    let result = taken_apart(file, Reader { file: again, size, place: 0, failure: failure.clone() }, size);
    // libavformat may have taken it for the end of the file, or for damage.
    failure.take().map_or(result, |error| Err(error.into()))
}

fn taken_apart(file: &File, reader: Reader<impl FileExt + Send + 'static>, size: u64) -> Result<Index, Refused> {
    let options: Dictionary = [("format_whitelist", FORMATS), ("protocol_whitelist", "none")].into_iter().collect();
    let stream = context::StreamIo::from_read_seek(reader).map_err(Refused::unopened)?;
    let mut opened = format::input_from_stream(stream, None, Some(options)).map_err(Refused::unopened)?;
    let track = Track::of(&opened)?;
    let file = FileInput { file, size };
    let said = avi_duration(&file).or_else(|| ffi::said_duration(&opened));
    let mut sound = Sound::of(&opened, &file);
    let packets = track.packets(&mut opened, &file, sound.as_mut())?;
    let claimed = said.filter(|said| *said > packets.end.saturating_add(TOLERANCE)).map(MediaTime);
    let clock = if ffi::clock_may_jump(&opened) { Clock::Jumps } else { Clock::Steady };
    let moves = moves(&packets.said, clock);
    let (index, zero) = packets.index(track.format, track.rotation, clock, track.reorders)?;
    let index = index.stretched(track.pixels).cut_short(claimed);
    Ok(match sound {
        Some(sound) => index.with_sound(sound.track(zero, &moves)),
        None => index,
    })
}

/// How long an AVI file is by its header, in µs (`avih`): libavformat goes by
/// the size of a file that was cut.
fn avi_duration(input: &impl Input) -> Option<i64> {
    let mut head = [0; 52];
    input.read_at(0, &mut head).ok()?;
    let word = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let is_avi = head.starts_with(b"RIFF") && head.get(8..16)? == b"AVI LIST" && head.get(20..28)? == b"hdrlavih";
    is_avi.then_some(i64::from(word(32)?).saturating_mul(i64::from(word(48)?))).filter(|duration| *duration > 0)
}

/// The file, read at places of its own: whoever else has it open does not notice.
struct Reader<F> {
    file: F,
    size: u64,
    place: u64,
    failure: Failure,
}

/// What the system said when it did not read.
#[derive(Clone, Default)]
struct Failure(Arc<Mutex<Option<io::Error>>>);

impl Failure {
    fn keep(&self, error: io::Error) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<F: FileExt> Read for Reader<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.file.read_at(buffer, self.place) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                let kind = error.kind();
                self.failure.keep(error);
                return Err(kind.into());
            }
            result => result?,
        };
        self.place += count as u64;
        Ok(count)
    }
}

impl<F> Seek for Reader<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.place.checked_add_signed(by),
        };
        self.place = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.place)
    }
}

/// The track that is indexed.
struct Track {
    number: usize,
    id: Id,
    format: VideoFormat,
    rotation: Rotation,
    pixels: Option<PixelAspect>,
    /// Of a tick, in seconds.
    base: Rational,
    reorders: bool,
}

impl Track {
    fn of(input: &context::Input) -> Result<Self, Refused> {
        let stream = input.streams().best(media::Type::Video).ok_or(Refused::NoVideo)?;
        if stream.disposition().contains(Disposition::ATTACHED_PIC) {
            return Err(Refused::NoVideo);
        }
        let parameters = stream.parameters();
        let shape = ffi::shape(&parameters);
        let within = |pixels: i32| u32::try_from(pixels).ok().filter(|pixels| (1..=MAX_DIMENSION).contains(pixels));
        let (Some(width), Some(height)) = (within(shape.width), within(shape.height)) else {
            return Err(Refused::Dimensions(shape.width, shape.height));
        };
        let id = parameters.id();
        let codec: Codec = id.name().parse().map_err(|_| Refused::Codec)?;
        match id {
            Id::None => return Err(Refused::Codec),
            Id::RAWVIDEO => return Err(Refused::Uncompressed),
            _ => {}
        }
        let extradata = ffi::extradata(&parameters);
        if extradata.len() > MAX_EXTRADATA {
            return Err(Refused::Codec);
        }
        let mut rotation = Rotation::None;
        for data in stream.side_data() {
            if data.kind() == side_data::Type::DisplayMatrix {
                rotation = matrix(data.data()).map_or(rotation, Rotation::from_matrix);
            }
        }
        Ok(Self {
            number: stream.index(),
            id,
            format: VideoFormat { codec, width, height, extradata: extradata.into() },
            rotation,
            pixels: ffi::said_pixels(&stream),
            base: stream.time_base(),
            reorders: shape.delay > 0,
        })
    }

    /// All of its packets, and where they stand. Those of the sound are taken along.
    fn packets(
        &self,
        input: &mut context::Input,
        file: &FileInput<'_>,
        mut sound: Option<&mut Sound<'_>>,
    ) -> Result<Packets, Refused> {
        let mut locator = Locator::new(file);
        let mut packets = Packets::default();
        let mut parser = None;
        let mut damage = 0;
        let bases: Vec<Rational> = input.streams().map(|stream| stream.time_base()).collect();
        loop {
            let mut packet = AvPacket::empty();
            match packet.read(input) {
                Ok(()) => {}
                Err(Error::InvalidData | Error::Other { errno: ffmpeg::error::EAGAIN }) if damage < MAX_DAMAGE => {
                    damage += 1;
                    continue;
                }
                Err(NO_MEMORY) => return Err(Refused::Io(io::ErrorKind::OutOfMemory.into())),
                // The end, or the demuxer makes no sense of what comes: what came before it is played. What the
                // system did not read is looked at by whoever gave the reader.
                Err(_) => return Ok(packets),
            }
            packets.reaches(&packet, &bases);
            if let Some(sound) = sound.as_mut()
                && sound.number == packet.stream()
            {
                sound.take(&packet)?;
            }
            let Some(data) = packet.data().filter(|data| packet.stream() == self.number && !data.is_empty()) else {
                continue;
            };
            if !packet.is_key() && packets.places.is_empty() {
                // Nothing can be decoded before the first keyframe.
                continue;
            }
            if self.changes_settings(&packet) {
                return Err(Refused::SeveralFormats);
            }
            if data.len() > MAX_PACKET || packets.places.len() == MAX_PACKETS {
                return Err(Refused::TooMany);
            }
            let hint = u64::try_from(packet.position()).ok();
            let runs = locator.locate(hint, data)?.ok_or(Refused::NotInFile(hint.unwrap_or_default()))?;
            let mut said = self.said(&packet);
            if said.pts.is_none() && matches!(self.id, Id::H264 | Id::HEVC) {
                let parser = match &mut parser {
                    Some(parser) => parser,
                    none => none.insert(ffi::Parser::new(self.id, &self.format.extradata).ok_or(Refused::Codec)?),
                };
                said.order = Some(parser.order(&packet));
            }
            packets.push(said, &runs, ffi::is_discarded(&packet))?;
        }
    }

    /// Whether a decoder would need to be told more than the packet to decode it.
    fn changes_settings(&self, packet: &AvPacket) -> bool {
        packet.side_data().any(|data| match data.kind() {
            side_data::Type::NewExtraData => data.data() != &self.format.extradata[..],
            side_data::Type::Palette => true,
            _ => false,
        })
    }

    fn said(&self, packet: &AvPacket) -> Said {
        let micros = |ticks| micros(ticks, self.base);
        Said {
            pts: packet.pts().and_then(micros),
            dts: packet.dts().and_then(micros),
            duration: micros(packet.duration()).unwrap_or_default(),
            keyframe: packet.is_key(),
            order: None,
        }
    }
}

/// Ticks of `base` seconds, rounded to the nearest microsecond.
pub(super) fn micros(ticks: i64, base: Rational) -> Option<i64> {
    let (numerator, denominator) = (i128::from(base.numerator()), i128::from(base.denominator()));
    let rounded = (i128::from(ticks) * numerator * 1_000_000 + denominator / 2).checked_div_euclid(denominator)?;
    i64::try_from(rounded).ok()
}

/// The nine numbers of a display matrix, as FFmpeg keeps them.
fn matrix(bytes: &[u8]) -> Option<[i32; 9]> {
    let mut matrix = [0; 9];
    for (value, bytes) in matrix.iter_mut().zip(bytes.chunks_exact(4)) {
        *value = i32::from_ne_bytes(bytes.try_into().ok()?);
    }
    (bytes.len() == 36).then_some(matrix)
}

/// Packets in order of decoding.
#[derive(Default)]
struct Packets {
    said: Vec<Said>,
    /// Offset and size.
    places: Vec<(u64, u32)>,
    pieces: Pieces,
    /// Positions of packets that are decoded and not shown.
    hidden: Vec<usize>,
    /// Where the last packet of any track ends, in µs.
    end: i64,
}

impl Packets {
    /// Notes how far the file reaches with a packet of any track, whose ticks are these of its stream.
    fn reaches(&mut self, packet: &AvPacket, bases: &[Rational]) {
        let Some(base) = bases.get(packet.stream()) else { return };
        let end = packet.pts().max(packet.dts()).map(|begin| begin.saturating_add(packet.duration()));
        self.end = self.end.max(end.and_then(|end| micros(end, *base)).unwrap_or_default());
    }

    fn push(&mut self, said: Said, runs: &[Run], is_hidden: bool) -> Result<(), Refused> {
        let Some(first) = runs.first() else { return Ok(()) };
        let position = self.places.len();
        let size = runs.iter().filter_map(Run::size).sum();
        if let [_] = runs
            && first.count == 1
        {
            self.places.push((first.offset, size));
        } else {
            self.pieces.push(position, runs);
            self.places.push((first.offset, size));
        }
        if is_hidden {
            self.hidden.push(position);
        }
        self.said.push(said);
        if self.pieces.len() > MAX_RUNS { Err(Refused::TooScattered) } else { Ok(()) }
    }

    /// The index, and when its first picture is shown on the container's clock, in µs.
    fn index(
        self,
        format: VideoFormat,
        rotation: Rotation,
        clock: Clock,
        reorders: bool,
    ) -> Result<(Index, i64), Refused> {
        let times = times(&self.said, clock, reorders);
        let is_hidden = |position: usize| self.hidden.binary_search(&position).is_ok();
        let shown = || times.iter().enumerate().filter(|(position, _)| !is_hidden(*position)).map(|(_, times)| times);
        let zero = shown().map(|times| times.pts).min().ok_or(Refused::NoPictures)?;
        let end = shown().map(|times| times.pts.saturating_add(times.duration)).max().unwrap_or(zero);
        if self.hidden.iter().any(|position| times.get(*position).is_some_and(|times| (zero..end).contains(&times.pts)))
        {
            return Err(Refused::SeveralEdits);
        }
        let time = |micros: i64| MediaTime(micros.saturating_sub(zero));
        let packets = times.iter().zip(&self.places).zip(&self.said).map(|((times, place), said)| Packet {
            offset: place.0,
            size: place.1,
            keyframe: said.keyframe,
            pts: time(times.pts),
            dts: time(times.dts),
            duration: MediaTime(times.duration),
        });
        let index = Index::new(format, packets.collect(), MediaTime::ZERO..time(end)).ok_or(Refused::NoPictures)?;
        Ok((index.scattered(self.pieces).rotated(rotation).compat(), zero))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of which the system reads bytes up to a place only.
    struct Failing {
        file: File,
        readable: u64,
    }

    impl FileExt for Failing {
        fn read_at(&self, buffer: &mut [u8], place: u64) -> io::Result<usize> {
            let left = usize::try_from(self.readable.saturating_sub(place)).unwrap();
            match left.min(buffer.len()) {
                0 => Err(io::Error::from_raw_os_error(ffmpeg::error::EIO)),
                count => self.file.read_at(&mut buffer[..count], place),
            }
        }

        fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }

    /// How long a file of the tests says it is, and what of it plays, when only so many percent of it are there.
    fn claimed(name: &str, percent: u64) -> (Option<MediaTime>, MediaTime) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
        let whole = std::fs::read(path).unwrap();
        let size = whole.len() as u64 * percent / 100;
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, &whole[..usize::try_from(size).unwrap()]).unwrap();
        let index = index(&file, file.try_clone().unwrap(), size).unwrap();
        (index.claimed(), index.duration())
    }

    #[test]
    fn bad_input_47_a_file_that_ends_before_it_says_so_tells_how_much_of_it_plays() {
        for (name, seconds) in
            [("matroska.mkv", 2.0), ("webm.webm", 1.0), ("flash.flv", 2.0), ("h264.avi", 2.0), ("mpeg4.avi", 1.0)]
        {
            assert_eq!(claimed(name, 100).0, None, "{name}");
            let (claims, plays) = claimed(name, 45);
            let claims = claims.unwrap_or_else(|| panic!("{name} plays to {plays:?}")).as_seconds();
            assert!(
                (claims - seconds).abs() < 0.2 && plays.as_seconds() < claims - 0.5,
                "{name}: {plays:?} of {claims}"
            );
        }
        for name in ["transport.ts", "bluray.m2ts", "theora.ogv", "program.mpg", "windows.wmv", "other_codec.mp4"] {
            assert_eq!(claimed(name, 100).0, None, "{name}");
        }
    }

    #[test]
    fn pixels_that_only_the_container_knows_are_not_square_are_stretched() {
        for (name, size) in [("widened.mkv", (128, 72)), ("stretched.mp4", (128, 72)), ("webm.webm", (160, 120))] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
            let (file, size_of_file) = (File::open(&path).unwrap(), path.metadata().unwrap().len());
            let index = index(&file, file.try_clone().unwrap(), size_of_file).unwrap();
            assert_eq!(index.shown_size(), size, "{name}");
            let again = Index::from_bytes(&index.to_bytes(), size_of_file).unwrap();
            assert_eq!(again.shown_size(), size, "{name}");
        }
    }

    #[test]
    fn a_picture_that_stands_still_is_no_clock_that_jumps() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/still.mkv");
        let (file, size) = (File::open(&path).unwrap(), path.metadata().unwrap().len());
        let index = index(&file, file.try_clone().unwrap(), size).unwrap();
        let shown: Vec<_> = index.packets().iter().map(|packet| packet.pts.0 / 1000).collect();
        assert_eq!(shown, [0, 1000, 2000, 15_000, 16_000, 17_000]);
        let sound = index.sound().unwrap();
        assert!(sound.heard().end.as_seconds() > 17.0, "{:?}", sound.heard());
    }

    #[test]
    fn a_broadcast_that_was_joined_goes_on_where_its_clock_begins_anew() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/transport.ts");
        let twice = std::fs::read(path).unwrap().repeat(2);
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, &twice).unwrap();
        let index = index(&file, file.try_clone().unwrap(), twice.len() as u64).unwrap();
        assert!((index.duration().as_seconds() - 4.0).abs() < 0.1, "{:?}", index.duration());
    }

    #[test]
    fn a_file_that_the_system_does_not_read_to_its_end_is_no_shorter_video() {
        for name in ["matroska.mkv", "transport.ts", "h264.avi", "flash.flv", "program.mpg", "windows.wmv"] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
            let (file, size) = (File::open(&path).unwrap(), path.metadata().unwrap().len());
            assert!(index(&file, file.try_clone().unwrap(), size).is_ok(), "{name}");
            for readable in [0, size / 2, size - 1000] {
                let failing = Failing { file: file.try_clone().unwrap(), readable };
                let refused = index(&file, failing, size).unwrap_err();
                assert!(matches!(refused, Refused::Io(_)), "{name} to byte {readable}: {refused}");
                assert!(refused.to_string().contains("os error 5"), "{refused}");
            }
        }
    }
}
