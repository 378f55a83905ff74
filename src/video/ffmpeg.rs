//! Decoding with FFmpeg's libavcodec, from memory.

use std::{sync::Once, thread};

use ffmpeg::{
    Dictionary, Error, Packet as AvPacket, Rational,
    codec::{Compliance, Context, Flags, Id, decoder, packet, threading},
    color,
    format::Pixel,
    frame::Video as Picture,
    software::scaling,
};

use crate::types::{MediaTime, limits::MAX_PACKET};

use super::{
    decode::{Decode, Decoded, Decoders, Undecodable},
    ffi,
    frame::{Colour, Frame, Matrix, Range, plane_sizes},
    input::{Packet, Segment},
};

/// Largest picture that is decoded, in pixels: 8192 × 4608, somewhat more than 8K television. Takes 57 MB as
/// yuv420p; a decoder holds up to 16 of them.
const MAX_PIXELS: u64 = 8192 * 4608;

/// Threads of one decoder. Each holds a picture more, and several plays may run at once.
const MAX_THREADS: usize = 4;

/// Up to so many pixels, those of 480p, a picture takes one thread about as long as it takes to wake another.
const SMALL_PICTURE: u32 = 864 * 480;

/// Opens decoders of libavcodec.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Libavcodec;

impl Decoders for Libavcodec {
    fn open(&mut self, segment: &Segment) -> Result<Box<dyn Decode>, Undecodable> {
        static QUIET: Once = Once::new();
        // It writes to standard error, which is the terminal's.
        QUIET.call_once(|| ffmpeg::log::set_level(ffmpeg::log::Level::Quiet));
        let (width, height) = (segment.width, segment.height);
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(Undecodable(format!("{width}×{height} pixels are more than this player takes")));
        }
        let name = segment.codec;
        let unopened = |error: Error| Undecodable(format!("its {name} decoder does not start: {error}"));
        let known = ffi::codec_named(name.as_str()).and_then(|id| Some((id, decoder::find(id)?)));
        let (id, codec) = known.ok_or_else(|| Undecodable(format!("this FFmpeg has no decoder for {name}")))?;
        let mut context = Context::new_with_codec(codec);
        ffi::set_extradata(&mut context, &segment.extradata).map_err(unopened)?;
        if !matches!(id, Id::H264 | Id::HEVC | Id::VP9 | Id::AV1) {
            ffi::set_size(&mut context, width, height);
        }
        configure(&mut context, id, width * height);
        let mut unopened_decoder = context.decoder();
        unopened_decoder.set_packet_time_base(Rational(1, 1_000_000));
        let options: Dictionary = [("max_pixels", MAX_PIXELS.to_string().as_str())].into_iter().collect();
        let opened = unopened_decoder.open_as_with(codec, options).and_then(decoder::Opened::video);
        Ok(Box::new(Decoder {
            video: opened.map_err(unopened)?,
            picture: Picture::empty(),
            scaler: None,
            segment: segment.clone(),
            entry: None,
            has_begun: false,
            is_drained: false,
        }))
    }
}

/// Settings of a context that is to be opened, for pictures of so many pixels.
fn configure(context: &mut Context, id: Id, pixels: u32) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let count = if pixels <= SMALL_PICTURE { 1 } else { cores.min(MAX_THREADS) };
    context.set_threading(threading::Config { count, ..threading::Config::kind(threading::Type::Frame) });
    context.set_time_base(Rational(1, 1_000_000));
    if id == Id::H264 {
        // A stream need not say how far it reorders. Players with the whole file look ahead; strictly, the
        // level's limit holds, which delays frames but puts each in its place.
        context.compliance(Compliance::Strict);
        // Behind the keyframe of an open GOP it takes all pictures for broken until that keyframe came out. Those that
        // it holds at the end of the packets it would throw away, whole or not: the decoder here sorts them out.
        context.set_flags(Flags::OUTPUT_CORRUPT);
    }
}

/// A decoder of one segment.
struct Decoder {
    video: decoder::Video,
    /// The picture that came out last; its memory is the decoder's.
    picture: Picture,
    /// Made when the pixel format calls for it, kept while that stays.
    scaler: Option<scaling::Context>,
    segment: Segment,
    /// Where decoding began.
    entry: Option<Entry>,
    /// A picture came out.
    has_begun: bool,
    /// No packet follows.
    is_drained: bool,
}

/// The first packet that a decoder was given.
struct Entry {
    pts: MediaTime,
    keyframe: bool,
}

impl Decode for Decoder {
    fn feed(&mut self, packet: &Packet) -> Result<(), Undecodable> {
        self.entry.get_or_insert(Entry { pts: packet.pts, keyframe: packet.keyframe });
        // An empty packet would mean the end of the stream.
        if packet.data.is_empty() || packet.data.len() > MAX_PACKET {
            return Err(Undecodable(format!("a packet of {} bytes", packet.data.len())));
        }
        let mut compressed = AvPacket::copy(&packet.data);
        compressed.set_pts(Some(packet.pts.0));
        compressed.set_dts(Some(packet.dts.0));
        compressed.set_duration(packet.duration.0);
        if packet.keyframe {
            compressed.set_flags(packet::Flags::KEY);
        }
        self.video.send_packet(&compressed).map_err(undecodable)
    }

    fn finish(&mut self) {
        self.is_drained = true;
        if let Err(error) = self.video.send_eof() {
            log::debug!("a decoder would not end: {error}");
        }
    }

    fn next(&mut self) -> Result<Decoded, Undecodable> {
        let mut received = self.video.receive_frame(&mut self.picture);
        while received.is_ok() && self.is_broken() {
            received = self.video.receive_frame(&mut self.picture);
        }
        match received {
            Ok(()) => self.take(),
            Err(Error::Other { errno: ffmpeg::error::EAGAIN }) => Ok(Decoded::Hungry),
            Err(Error::Eof) => Ok(Decoded::Finished),
            Err(error) => Err(undecodable(error)),
        }
    }
}

impl Decoder {
    /// Whether the picture that just came out refers to some that were never decoded.
    fn is_broken(&self) -> bool {
        // Drained pictures bear no mark. None that is shown before a keyframe of H.264 and follows it in the order of
        // decoding can do without what came before that keyframe.
        let leads = |entry: &Entry| entry.keyframe && self.time().is_some_and(|pts| pts < entry.pts);
        let is_unmarked = self.is_drained && self.entry.as_ref().is_some_and(leads);
        self.video.id() == Id::H264 && (self.picture.is_corrupt() || is_unmarked)
    }

    /// When the picture that just came out is shown.
    fn time(&self) -> Option<MediaTime> {
        self.picture.pts().or_else(|| self.picture.timestamp()).map(MediaTime)
    }

    /// Makes a frame of the picture that just came out, if it is to be seen.
    fn take(&mut self) -> Result<Decoded, Undecodable> {
        let pts = self.time().ok_or_else(|| Undecodable("a picture without a time".into()))?;
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let is_preview = is_first && self.segment.is_long_before(pts);
        if !is_preview && !self.segment.shows(pts) {
            return Ok(Decoded::Hidden);
        }
        let colour = colour(&self.picture);
        let data = match self.picture.format() {
            Pixel::YUV420P => pack(&self.picture),
            _ => pack(&self.convert().map_err(undecodable)?),
        };
        let size = (self.picture.width(), self.picture.height());
        let pixels = self.segment.pixels.or_else(|| ffi::pixels(self.picture.aspect_ratio())).unwrap_or_default();
        Frame::new(self.segment.label, pts, size, colour, data)
            .map(|frame| frame.turned(self.segment.rotation).stretched(pixels))
            .map(if is_preview { Decoded::Preview } else { Decoded::Frame })
            .ok_or_else(|| Undecodable("a picture with planes of the wrong size".into()))
    }

    /// To yuv420p, as FFmpeg does it where it has to convert by itself.
    fn convert(&mut self) -> Result<Picture, Error> {
        let (format, width, height) = (self.picture.format(), self.picture.width(), self.picture.height());
        let wanted = scaling::context::Definition { format, width, height };
        let scaler = if let Some(scaler) = self.scaler.take().filter(|scaler| *scaler.input() == wanted) {
            scaler
        } else {
            let (target, flags) = (Pixel::YUV420P, scaling::Flags::BICUBIC);
            scaling::Context::get(format, width, height, target, width, height, flags)?
        };
        let mut converted = Picture::empty();
        self.scaler.insert(scaler).run(&self.picture, &mut converted)?;
        Ok(converted)
    }
}

fn undecodable(error: Error) -> Undecodable {
    Undecodable(error.to_string())
}

/// The samples without what stands between the rows.
fn pack(picture: &Picture) -> Vec<u8> {
    let sizes = plane_sizes(picture.width(), picture.height());
    let mut packed = Vec::with_capacity(sizes.iter().map(|(width, rows)| width * rows).sum());
    for (plane, (width, rows)) in sizes.into_iter().enumerate().take(picture.planes()) {
        let lines = picture.data(plane).chunks(picture.stride(plane)).take(rows);
        lines.for_each(|line| packed.extend_from_slice(&line[..width.min(line.len())]));
    }
    packed
}

/// What the stream says about its samples, or what is usual for its size.
fn colour(picture: &Picture) -> Colour {
    let matrix = match picture.color_space() {
        color::Space::BT709 => Matrix::Bt709,
        color::Space::BT2020NCL | color::Space::BT2020CL => Matrix::Bt2020,
        color::Space::BT470BG | color::Space::SMPTE170M | color::Space::SMPTE240M | color::Space::FCC => Matrix::Bt601,
        _ => Matrix::usual_for(picture.height()),
    };
    // The formats that imply the full range are brought to the limited one on conversion.
    let is_full = picture.format() == Pixel::YUV420P && picture.color_range() == color::Range::JPEG;
    Colour { matrix, range: if is_full { Range::Full } else { Range::Limited } }
}

#[cfg(test)]
mod open_gop_tests;
#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        types::{EndReason, PlayEpoch},
        video::{
            fixture::{Played, play, read, read_title},
            input::Input,
            pixel_aspect::PixelAspect,
            report::Report,
            testing::pts,
        },
    };

    fn is_in_order(played: &Played) -> bool {
        played.frames.windows(2).all(|pair| pair[0].pts < pair[1].pts)
    }

    /// Sums are those that the ffmpeg program gives, see tests/data/player/README.md.
    #[test]
    fn every_frame_comes_out_once_and_as_ffmpeg_has_it() {
        for (name, frames, size, sum) in [
            ("low", 75, (64, 36), "926a4e202010dc6225007df686c863911ea9df95bca640ab405a41404c19abdc"),
            ("high", 75, (98, 54), "443957850223308cf0543925ae14c2aebac31a12b5950ccd69c85eaf899e0680"),
            ("hevc", 25, (64, 36), "90cd9d9eef540dc57842c067eb49cb54a5da685c2b5cf8448c8169a56147fce9"),
            ("vp9", 25, (65, 37), "d0e17dd8dee5a540545aa179199d19501c7556fe9527a8cb741e8870713238a8"),
            ("av1", 10, (64, 36), "e6549fb597bae4906b0b1087d5cf4b12e373b3f40357dfa85c932e0238b28435"),
        ] {
            let played = play(read(name).inputs());
            assert_eq!((played.summary.frames, played.summary.corrupt), (frames, 0), "{name}");
            assert_eq!(played.summary.sha256.as_deref(), Some(sum), "{name}");
            assert!(is_in_order(&played), "{name}");
            assert!(played.frames.iter().all(|frame| (frame.width(), frame.height()) == size), "{name}");
        }
    }

    #[test]
    fn pixels_that_are_not_square_are_so_by_the_stream_unless_the_file_says_otherwise() {
        let file = read_title("stretched");
        let seen = |pixels| {
            let mut inputs = file.inputs();
            let [Input::Segment(segment), ..] = &mut inputs[..] else { panic!("it begins") };
            segment.pixels = pixels;
            let played = play(inputs);
            assert!(played.frames.iter().all(|frame| (frame.width(), frame.height()) == (90, 72)));
            played.frames[0].shown_size()
        };
        assert_eq!(seen(None), (128, 72));
        assert_eq!(seen(PixelAspect::new(4, 3)), (120, 72));
    }

    #[test]
    fn other_pixel_formats_are_converted() {
        let luma = |played: &Played| {
            let [plane, ..] = played.frames[0].planes();
            plane.data.iter().map(|sample| u64::from(*sample)).sum::<u64>() / plane.data.len() as u64
        };
        let expected = luma(&play(read("low").inputs()));
        for (name, size) in [("deep", (64, 36)), ("full", (64, 36)), ("odd444", (65, 37))] {
            let played = play(read(name).inputs());
            assert_eq!((played.summary.frames, played.summary.corrupt), (25, 0), "{name}");
            assert!(is_in_order(&played) && luma(&played).abs_diff(expected) <= 2, "{name}");
            assert!(played.frames.iter().all(|frame| (frame.width(), frame.height()) == size), "{name}");
            assert!(played.frames.iter().all(|frame| frame.colour.range == Range::Limited), "{name}");
        }
    }

    #[test]
    fn a_change_of_rendition_off_the_keyframes_shows_every_frame_once() {
        let (low, high) = (read("low"), read("high"));
        // The second keyframe of the high rendition, in the middle of a group of the low one.
        let switch = pts(27);
        let parts = [low.part(pts(0), Some(switch)), high.part(switch, None)].concat();
        let (played, low, high) = (play(parts), play(low.inputs()), play(high.inputs()));
        assert_eq!(played.frames.len(), 75);
        for (number, frame) in played.frames.iter().enumerate() {
            let whole = if number < 27 { &low } else { &high };
            assert!(frame.yuv420p() == whole.frames[number].yuv420p(), "frame {number}");
        }
        assert_eq!(played.summary.frames_by_height, [(36, 27), (54, 48)].into());
        let renditions: Vec<_> = played.reports.iter().filter(|r| matches!(r, Report::Rendition { .. })).collect();
        assert_eq!(renditions.len(), 2, "{renditions:?}");
    }

    #[test]
    fn what_comes_before_the_start_is_decoded_and_hidden() {
        let low = read("low");
        let (part, whole) = (play(low.part(pts(33), Some(pts(37)))), play(low.inputs()));
        let shown: Vec<_> = part.frames.iter().map(|frame| frame.pts).collect();
        assert_eq!(shown, [33, 34, 35, 36].map(pts));
        assert!(part.frames.iter().zip(&whole.frames[33..]).all(|(a, b)| a.yuv420p() == b.yuv420p()));
    }

    #[test]
    fn the_first_picture_is_a_preview_when_what_is_shown_comes_long_after_it() {
        let low = read("low");
        let (mut inputs, whole) = (low.inputs(), play(low.inputs()));
        for input in &mut inputs {
            if let Input::Segment(segment) = input {
                segment.from = pts(60);
            }
        }
        inputs.insert(0, Input::Flush { epoch: PlayEpoch(1) });
        let played = play(inputs);
        let numbers: Vec<_> = std::iter::once(0).chain(60..75).collect();
        assert_eq!(played.frames.len(), numbers.len());
        assert!(
            played.frames.iter().zip(numbers).all(|(frame, number)| frame.yuv420p() == whole.frames[number].yuv420p())
        );
        assert_eq!(played.summary.frames, 15);
        let landed = |report: &Report| matches!(report, Report::Seeked { at, preview: Some(_), .. } if *at == pts(60));
        assert!(played.reports.iter().any(landed), "{:?}", played.reports);
    }

    #[test]
    fn bad_input_47_damaged_packets_are_skipped() {
        let whole = read("low").inputs();
        for seed in 0..40_u32 {
            let mut inputs = whole.clone();
            for (number, input) in (0_u32..).zip(&mut inputs) {
                let Input::Packet(packet) = input else { continue };
                let dice = (seed * 1_000 + number).wrapping_mul(0x9e37_79b9);
                let mut bytes = packet.data.to_vec();
                match dice >> 28 {
                    0 => bytes.truncate((dice & 0xff) as usize),
                    1 => bytes.iter_mut().for_each(|byte| *byte = dice.to_le_bytes()[1]),
                    2..=4 => {
                        let place = dice as usize % bytes.len();
                        bytes[place] ^= 0x55;
                    }
                    _ => {}
                }
                packet.data = bytes.into();
            }
            let played = play(inputs);
            assert_eq!(played.summary.reason, EndReason::Finished, "seed {seed}: {:?}", played.reports);
            assert!(played.summary.frames <= 75 && is_in_order(&played), "seed {seed}");
        }
    }

    #[test]
    fn bad_input_47_what_cannot_be_decoded_at_all_is_unplayable() {
        let noise = |input: Input| match input {
            Input::Packet(packet) => Input::Packet(Packet { data: vec![0x5a; packet.data.len()].into(), ..packet }),
            other => other,
        };
        let without_configuration = |input: Input| match input {
            Input::Segment(segment) => Input::Segment(Segment { extradata: vec![0xff; 40].into(), ..segment }),
            other => other,
        };
        for name in ["low", "hevc", "vp9", "av1"] {
            assert_unplayable(name, read(name).inputs().into_iter().map(noise).collect());
        }
        assert_unplayable("extradata", read("hevc").inputs().into_iter().map(without_configuration).collect());
        assert_unplayable("nothing inside", vec![read("low").inputs()[0].clone(), empty_packet()]);
    }

    #[test]
    fn bad_input_50_a_picture_of_65k_by_65k_is_refused_before_decoding() {
        let segment = Segment { width: 65_535, height: 65_535, ..read("low").segment };
        let refused = assert_unplayable("huge", vec![Input::Segment(segment)]);
        assert_eq!(refused, "65535×65535 pixels are more than this player takes");
        let segment = Segment { width: u32::MAX, height: u32::MAX, ..read("low").segment };
        assert_unplayable("as large as can be said", vec![Input::Segment(segment)]);
    }

    #[test]
    fn an_unknown_codec_is_unplayable() {
        let segment = Segment { codec: "nonesuch".parse().unwrap(), ..read("low").segment };
        assert_unplayable("codec", vec![Input::Segment(segment)]);
    }

    fn empty_packet() -> Input {
        Input::Packet(Packet { data: Vec::new().into(), ..crate::video::testing::packet(0) })
    }

    fn assert_unplayable(what: &str, inputs: Vec<Input>) -> String {
        let played = play(inputs);
        assert_eq!((played.summary.reason, played.summary.frames), (EndReason::Unplayable, 0), "{what}");
        match played.reports.last() {
            Some(Report::Unplayable { text }) => text.clone(),
            other => panic!("{what}: {other:?}"),
        }
    }
}
