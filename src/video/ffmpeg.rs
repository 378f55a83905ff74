//! Decoding with FFmpeg's libavcodec, from memory.

use std::{sync::Once, thread};

use ffmpeg::{
    Dictionary, Error, Packet as AvPacket, Rational,
    codec::{Compliance, Context, Id, decoder, packet, threading},
    color,
    format::Pixel,
    frame::Video as Picture,
    software::scaling,
};

use crate::types::{Codec, MediaTime, limits::MAX_PACKET};

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
        let id = codec_id(name).ok_or_else(|| Undecodable("a codec that this version does not know".into()))?;
        let codec = decoder::find(id).ok_or_else(|| Undecodable(format!("this FFmpeg has no decoder for {name}")))?;
        let mut context = Context::new_with_codec(codec);
        ffi::set_extradata(&mut context, &segment.extradata).map_err(unopened)?;
        configure(&mut context, id);
        let mut unopened_decoder = context.decoder();
        unopened_decoder.set_packet_time_base(Rational(1, 1_000_000));
        let options: Dictionary = [("max_pixels", MAX_PIXELS.to_string().as_str())].into_iter().collect();
        let opened = unopened_decoder.open_as_with(codec, options).and_then(decoder::Opened::video);
        Ok(Box::new(Decoder {
            video: opened.map_err(unopened)?,
            picture: Picture::empty(),
            scaler: None,
            segment: segment.clone(),
        }))
    }
}

fn codec_id(codec: Codec) -> Option<Id> {
    match codec {
        Codec::H264 => Some(Id::H264),
        Codec::Hevc => Some(Id::HEVC),
        Codec::Vp9 => Some(Id::VP9),
        Codec::Av1 => Some(Id::AV1),
        Codec::Other(_) => None,
    }
}

fn configure(context: &mut Context, id: Id) {
    let count = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    context.set_threading(threading::Config { count, ..threading::Config::kind(threading::Type::Frame) });
    context.set_time_base(Rational(1, 1_000_000));
    if id == Id::H264 {
        // A stream need not say how far it reorders. Players with the whole file look ahead; strictly, the
        // level's limit holds, which delays frames but puts each in its place.
        context.compliance(Compliance::Strict);
    }
}

struct Decoder {
    video: decoder::Video,
    picture: Picture,
    scaler: Option<scaling::Context>,
    segment: Segment,
}

impl Decode for Decoder {
    fn feed(&mut self, packet: &Packet) -> Result<(), Undecodable> {
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
        if let Err(error) = self.video.send_eof() {
            log::debug!("a decoder would not end: {error}");
        }
    }

    fn next(&mut self) -> Result<Decoded, Undecodable> {
        match self.video.receive_frame(&mut self.picture) {
            Ok(()) => self.take(),
            Err(Error::Other { errno: ffmpeg::error::EAGAIN }) => Ok(Decoded::Hungry),
            Err(Error::Eof) => Ok(Decoded::Finished),
            Err(error) => Err(undecodable(error)),
        }
    }
}

impl Decoder {
    fn take(&mut self) -> Result<Decoded, Undecodable> {
        let time = self.picture.pts().or_else(|| self.picture.timestamp()).map(MediaTime);
        let pts = time.ok_or_else(|| Undecodable("a picture without a time".into()))?;
        if !self.segment.shows(pts) {
            return Ok(Decoded::Hidden);
        }
        let colour = colour(&self.picture);
        let data = match self.picture.format() {
            Pixel::YUV420P => pack(&self.picture),
            _ => pack(&self.convert().map_err(undecodable)?),
        };
        let size = (self.picture.width(), self.picture.height());
        Frame::new(self.segment.label, pts, size, colour, data)
            .map(Decoded::Frame)
            .ok_or_else(|| Undecodable("a picture with planes of the wrong size".into()))
    }

    /// To yuv420p, as FFmpeg does it where it has to convert by itself.
    fn convert(&mut self) -> Result<Picture, Error> {
        let (format, width, height) = (self.picture.format(), self.picture.width(), self.picture.height());
        let wanted = scaling::context::Definition { format, width, height };
        let scaler = match self.scaler.take().filter(|scaler| *scaler.input() == wanted) {
            Some(scaler) => scaler,
            None => {
                let (target, flags) = (Pixel::YUV420P, scaling::Flags::BICUBIC);
                scaling::Context::get(format, width, height, target, width, height, flags)?
            }
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
