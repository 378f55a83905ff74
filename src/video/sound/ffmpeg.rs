//! Decoding sound with FFmpeg's libavcodec, and bringing it to a device's format with libswresample.

use std::sync::Once;

use ffmpeg::{
    ChannelLayout, Error, Packet as AvPacket, Rational,
    codec::{Context, decoder},
    format::{Sample, sample::Type},
    frame::Audio as AvSound,
    software::resampling,
};

use super::{DecodeSound, Samples, SinkFormat, SoundDecoders, Unheard};
use crate::{
    types::{MediaTime, limits::MAX_PART},
    video::{
        ffi,
        input::SoundPiece,
        sound_track::{MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, SoundFormat},
    },
};

/// Most samples of one packet on one channel: FLAC, which has the largest, comes to 65,535.
const MOST_SAMPLES: usize = 1 << 17;

/// Most samples that one packet is turned into, of all channels together: 32 MB, for 43 s of stereo at 96 kHz. A packet
/// can give several frames, and a device can have a high rate and many channels.
const MOST_CONVERTED: usize = 1 << 23;

/// Frames that a conversion may give beyond what the rates come to: what waits within the filter.
const SPARE: usize = 256;

const PACKED: Sample = Sample::F32(Type::Packed);

/// Opens decoders of libavcodec.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LibavcodecSound;

impl SoundDecoders for LibavcodecSound {
    fn open(&mut self, format: &SoundFormat, wanted: SinkFormat) -> Result<Box<dyn DecodeSound>, Unheard> {
        static QUIET: Once = Once::new();
        // It writes to standard error, which is the terminal's.
        QUIET.call_once(|| ffmpeg::log::set_level(ffmpeg::log::Level::Quiet));
        format.check().map_err(|error| Unheard(error.to_string()))?;
        let name = format.codec;
        let unopened = |error: Error| Unheard(format!("its {name} decoder does not start: {error}"));
        let known = ffi::codec_named(name.as_str()).and_then(decoder::find);
        let codec = known.ok_or_else(|| Unheard(format!("this FFmpeg has no decoder for {name}")))?;
        let mut context = Context::new_with_codec(codec);
        ffi::set_extradata(&mut context, &format.extradata).map_err(unopened)?;
        ffi::set_sound_format(&mut context, format.sample_rate, format.channels);
        let mut unopened_decoder = context.decoder();
        unopened_decoder.set_packet_time_base(Rational(1, 1_000_000));
        let sound = unopened_decoder.open_as(codec).and_then(decoder::Opened::audio).map_err(unopened)?;
        Ok(Box::new(Decoder { sound, frame: AvSound::empty(), resampler: None, wanted }))
    }
}

/// A decoder from one place of one track on.
struct Decoder {
    sound: decoder::Audio,
    /// What came out last; its memory is the decoder's.
    frame: AvSound,
    /// Made when the format calls for it, kept while that stays.
    resampler: Option<resampling::Context>,
    wanted: SinkFormat,
}

impl DecodeSound for Decoder {
    fn decode(&mut self, piece: &SoundPiece, out: &mut Vec<Samples>) -> Result<(), Unheard> {
        // An empty packet would mean the end of the stream.
        if piece.data.is_empty() || piece.data.len() > MAX_PART {
            return Err(Unheard(format!("a packet of {} bytes", piece.data.len())));
        }
        let mut compressed = AvPacket::copy(&piece.data);
        compressed.set_pts(Some(piece.pts.0));
        compressed.set_dts(Some(piece.pts.0));
        compressed.set_duration(piece.duration.0);
        self.sound.send_packet(&compressed).map_err(unheard)?;
        let mut left = MOST_CONVERTED;
        loop {
            match self.sound.receive_frame(&mut self.frame) {
                Ok(()) => {
                    let samples = self.take(left)?;
                    left -= samples.data.len();
                    out.push(samples);
                }
                Err(Error::Other { errno: ffmpeg::error::EAGAIN } | Error::Eof) => return Ok(()),
                Err(error) => return Err(unheard(error)),
            }
        }
    }
}

impl Decoder {
    /// Brings what just came out to the format that is wanted, when that is at most so many samples.
    fn take(&mut self, left: usize) -> Result<Samples, Unheard> {
        let (rate, channels, samples) = (self.frame.rate(), self.frame.channels(), self.frame.samples());
        let is_sane = (MIN_SAMPLE_RATE..=MAX_SAMPLE_RATE).contains(&rate) && (1..=MAX_CHANNELS).contains(&channels);
        if !is_sane || samples > MOST_SAMPLES {
            return Err(Unheard(format!("{samples} samples of {channels} channels, {rate} a second")));
        }
        let time = self.frame.pts().or_else(|| self.frame.timestamp());
        let pts = time.map(MediaTime).ok_or_else(|| Unheard("sound without a time".into()))?;
        if self.most_frames().saturating_mul(self.wanted.channels.into()) > left {
            return Err(Unheard(format!("a packet makes more than {MOST_CONVERTED} samples")));
        }
        let data = self.convert().map_err(unheard)?;
        Ok(Samples { pts, data })
    }

    /// Frames that the conversion of what just came out can give.
    fn most_frames(&self) -> usize {
        let (samples, from) = (self.frame.samples() as u64, u64::from(self.frame.rate().max(1)));
        usize::try_from(samples * u64::from(self.wanted.rate) / from).map_or(usize::MAX, |frames| frames + SPARE)
    }

    fn convert(&mut self) -> Result<Vec<f32>, Error> {
        let most = self.most_frames();
        if self.frame.channel_layout().is_empty() {
            self.frame.set_channel_layout(ChannelLayout::default(i32::from(self.frame.channels())));
        }
        let (format, layout, rate) = (self.frame.format(), self.frame.channel_layout(), self.frame.rate());
        let wanted_layout = ChannelLayout::default(i32::from(self.wanted.channels));
        let input = resampling::context::Definition { format, channel_layout: layout, rate };
        let kept = self.resampler.take().filter(|resampler| *resampler.input() == input);
        let resampler = match kept {
            Some(resampler) => resampler,
            None => resampling::Context::get(format, layout, rate, PACKED, wanted_layout, self.wanted.rate)?,
        };
        let resampler = self.resampler.insert(resampler);
        let mut converted = AvSound::new(PACKED, most, wanted_layout);
        resampler.run(&self.frame, &mut converted)?;
        let length = converted.samples() * usize::from(self.wanted.channels);
        if converted.planes() == 0 || length == 0 {
            return Ok(Vec::new());
        }
        let (words, _) = converted.data(0).as_chunks::<4>();
        Ok(words.iter().take(length).map(|word| f32::from_ne_bytes(*word)).map(within).collect())
    }
}

/// A damaged packet can give numbers that no device should be handed.
fn within(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
}

fn unheard(error: Error) -> Unheard {
    Unheard(error.to_string())
}

#[cfg(test)]
mod tests;
