//! The one place with unsafe code: what FFmpeg's Rust bindings, highgui and the standard library leave to it.
#![expect(
    unsafe_code,
    reason = "ffmpeg-next 9 has no safe setter of extradata and no search for a codec by name, std none of the environment, highgui no answer about focus and shift"
)]

pub(super) mod qt;

use std::{
    env,
    ffi::{CStr, CString},
    fs,
};

use ffmpeg::{
    Error,
    codec::{Context, Id},
    ffi,
};

use super::pixel_aspect::PixelAspect;

/// Longest extradata that is taken, in bytes. Parameter sets come to some hundred.
const MAX_EXTRADATA: usize = 1 << 20;

/// Gives a context that was not opened yet its decoder configuration, as a demuxer would.
///
/// # Errors
/// When `extradata` is longer than 1 MiB or memory is short; the context is unchanged then.
pub(super) fn set_extradata(context: &mut Context, extradata: &[u8]) -> Result<(), Error> {
    if extradata.len() > MAX_EXTRADATA {
        return Err(Error::InvalidData);
    }
    let Ok(size) = i32::try_from(extradata.len()) else { return Err(Error::InvalidData) };
    let padding = ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize;
    // SAFETY: plain allocation; zeroed, as the padding has to be.
    let copy = unsafe { ffi::av_mallocz(extradata.len() + padding) }.cast::<u8>();
    if copy.is_null() {
        return Err(Error::Other { errno: ffmpeg::error::ENOMEM });
    }
    // SAFETY: `copy` has room for all of `extradata`, is new, and so does not overlap with it. The context's
    // pointer is valid for as long as `context` is borrowed, and nothing else uses it meanwhile. What it
    // had before came from the same allocator or is null; from here on the context owns `copy` and frees it.
    unsafe {
        std::ptr::copy_nonoverlapping(extradata.as_ptr(), copy, extradata.len());
        let raw = context.as_mut_ptr();
        ffi::av_freep((&raw mut (*raw).extradata).cast());
        (*raw).extradata = copy;
        (*raw).extradata_size = size;
    }
    Ok(())
}

/// Tells a context that was not opened yet what the container says of its sound; some codecs do not say it themselves.
pub(super) fn set_sound_format(context: &mut Context, sample_rate: u32, channels: u16) {
    let Ok(rate) = i32::try_from(sample_rate) else { return };
    // SAFETY: the context's pointer is valid for as long as `context` is borrowed, and nothing else uses it meanwhile.
    // The layout belongs to the context and holds no memory of its own before or after.
    unsafe {
        let raw = context.as_mut_ptr();
        (*raw).sample_rate = rate;
        ffi::av_channel_layout_default(&raw mut (*raw).ch_layout, i32::from(channels));
    }
}

/// Gives a context that was not opened yet the size of its pictures, in pixels: some codecs leave it to the container.
pub(super) fn set_size(context: &mut Context, width: u32, height: u32) {
    let (Ok(width), Ok(height)) = (i32::try_from(width), i32::try_from(height)) else { return };
    // SAFETY: the context's pointer is valid for as long as `context` is borrowed, and nothing else uses it meanwhile.
    unsafe {
        let raw = context.as_mut_ptr();
        ((*raw).width, (*raw).height) = (width, height);
        ((*raw).coded_width, (*raw).coded_height) = (width, height);
    }
}

/// What FFmpeg knows by this name of a codec (not of one of its decoders).
pub(super) fn codec_named(name: &str) -> Option<Id> {
    let name = CString::new(name).ok()?;
    // SAFETY: `name` ends with a zero and outlives the call; what comes back is null or points into a static table.
    unsafe { ffi::avcodec_descriptor_get_by_name(name.as_ptr()).as_ref() }.map(|found| found.id.into())
}

/// Sets an environment variable for libraries that read it later, unless the user set it or other threads run
/// already. Whether it is set now.
pub(super) fn set_variable_while_alone(name: &str, value: &str) -> bool {
    if env::var_os(name).is_some() {
        return true;
    }
    let threads = fs::read_dir("/proc/self/task").map_or(usize::MAX, Iterator::count);
    if threads != 1 {
        return false;
    }
    // SAFETY: changing the environment is unsound only while another thread may read it. There is this thread
    // alone, so nobody reads it and nobody can start one that does.
    unsafe { env::set_var(name, value) };
    true
}

/// Whether libavformat says that a packet is decoded and not shown.
pub(super) fn is_discarded(packet: &ffmpeg::Packet) -> bool {
    use ffmpeg::codec::packet::Ref as _;
    // SAFETY: the pointer is valid as long as `packet` is.
    unsafe { (*packet.as_ptr()).flags & ffi::AV_PKT_FLAG_DISCARD != 0 }
}

/// What a demuxer found out about pictures.
pub(super) struct Shape {
    /// In pixels.
    pub(super) width: i32,
    /// In pixels.
    pub(super) height: i32,
    /// How many pictures may overtake another.
    pub(super) delay: i32,
}

/// What a demuxer found out about a track.
pub(super) fn shape(parameters: &ffmpeg::codec::Parameters) -> Shape {
    // SAFETY: the pointer is valid as long as `parameters` is.
    let raw = unsafe { &*parameters.as_ptr() };
    Shape { width: raw.width, height: raw.height, delay: raw.video_delay }
}

/// The shape of pixels as FFmpeg has it, where it says one that can be meant.
pub(super) fn pixels(ratio: ffmpeg::Rational) -> Option<PixelAspect> {
    let part = |number: i32| u32::try_from(number).ok();
    PixelAspect::new(part(ratio.numerator())?, part(ratio.denominator())?)
}

/// The shape of pixels as a container says it, else as the stream in it does.
pub(super) fn said_pixels(stream: &ffmpeg::format::stream::Stream<'_>) -> Option<PixelAspect> {
    // SAFETY: the pointer is valid as long as `stream` is, and a stream has parameters as long as it lives.
    let (outer, inner) = unsafe {
        let raw = &*stream.as_ptr();
        (raw.sample_aspect_ratio, (*raw.codecpar).sample_aspect_ratio)
    };
    pixels(outer.into()).or_else(|| pixels(inner.into()))
}

/// Samples a second and channels of a track of sound, as a demuxer found them.
pub(super) fn sound_shape(parameters: &ffmpeg::codec::Parameters) -> (i32, i32) {
    // SAFETY: the pointer is valid as long as `parameters` is.
    let raw = unsafe { &*parameters.as_ptr() };
    (raw.sample_rate, raw.ch_layout.nb_channels)
}

/// The names of all codecs of pictures and sound that FFmpeg decodes, each once.
pub(super) fn decoded_names() -> std::collections::BTreeSet<&'static str> {
    let mut names = std::collections::BTreeSet::new();
    let mut place = std::ptr::null_mut();
    loop {
        // SAFETY: `place` is what the function keeps its place in, null at first. What it gives is null at the end, else
        // points to a codec of a static table; the other function takes any such pointer.
        let found = unsafe {
            match ffi::av_codec_iterate(&raw mut place).as_ref() {
                Some(codec) => (ffi::av_codec_is_decoder(codec) != 0).then_some((codec.id, codec.type_)),
                None => return names,
            }
        };
        if let Some((id, ffi::AVMediaType::AVMEDIA_TYPE_VIDEO | ffi::AVMediaType::AVMEDIA_TYPE_AUDIO)) = found {
            names.insert(Id::from(id).name());
        }
    }
}

/// Reads the headers of pictures.
pub(super) struct Parser {
    context: Context,
    parser: std::ptr::NonNull<ffi::AVCodecParserContext>,
}

impl Parser {
    /// `None` when FFmpeg has none for the codec.
    pub(super) fn new(id: Id, extradata: &[u8]) -> Option<Self> {
        let mut context = Context::new();
        set_extradata(&mut context, extradata).ok()?;
        let id: ffi::AVCodecID = id.into();
        // SAFETY: it takes any number and gives a new parser or null; who made it owns it.
        let parser = std::ptr::NonNull::new(unsafe { ffi::av_parser_init(id as i32) })?;
        // SAFETY: just made, and nobody else has it.
        unsafe { (*parser.as_ptr()).flags |= ffi::PARSER_FLAG_COMPLETE_FRAMES };
        Some(Self { context, parser })
    }

    /// Where a packet's picture is in the order of display of its coded sequence, and whether one begins with it.
    /// The packets of a track are to be given one after the other.
    pub(super) fn order(&mut self, packet: &ffmpeg::Packet) -> (i32, bool) {
        use ffmpeg::codec::packet::Ref as _;
        let (mut out, mut out_size) = (std::ptr::null_mut(), 0);
        // SAFETY: parser and context are this value's own. FFmpeg's packets are followed by the padding that parsers
        // read into, and outlive the call; `out` then points into the packet or the parser and is not used.
        unsafe {
            let (raw, parser) = (packet.as_ptr(), self.parser.as_ptr());
            let none = ffi::AV_NOPTS_VALUE;
            let (data, size) = ((*raw).data, (*raw).size);
            let context = self.context.as_mut_ptr();
            ffi::av_parser_parse2(parser, context, &raw mut out, &raw mut out_size, data, size, none, none, -1);
            ((*parser).output_picture_number, (*parser).key_frame == 1)
        }
    }
}

impl Drop for Parser {
    fn drop(&mut self) {
        // SAFETY: made by `av_parser_init`, and closed once.
        unsafe { ffi::av_parser_close(self.parser.as_ptr()) };
    }
}

/// Which FFmpeg this is, in the words of who built it: also what a distribution has mended in it.
pub(super) fn version_info() -> String {
    // SAFETY: takes nothing; what comes back is a static string that ends with a zero.
    unsafe { CStr::from_ptr(ffi::av_version_info()) }.to_string_lossy().into_owned()
}

/// Whether the clock of such a container may begin anew on the way, as that of a broadcast does.
pub(super) fn clock_may_jump(input: &ffmpeg::format::context::Input) -> bool {
    // SAFETY: an open input has a format, which is static; both pointers are valid while `input` is borrowed.
    let flags = unsafe { (*input.as_ptr()).iformat.as_ref() }.map_or(0, |format| format.flags);
    flags & ffi::AVFMT_TS_DISCONT != 0
}

/// How long a file lasts, in µs, where it says so itself: not what libavformat makes of its size.
pub(super) fn said_duration(input: &ffmpeg::format::context::Input) -> Option<i64> {
    // SAFETY: the pointer is valid as long as `input` is.
    let raw = unsafe { &*input.as_ptr() };
    let is_said = raw.duration_estimation_method == ffi::AVDurationEstimationMethod::AVFMT_DURATION_FROM_STREAM;
    (is_said && raw.duration > 0).then_some(raw.duration)
}

/// The decoder configuration that a demuxer found.
pub(super) fn extradata(parameters: &ffmpeg::codec::Parameters) -> Vec<u8> {
    // SAFETY: the pointer is valid as long as `parameters` is, and FFmpeg keeps pointer and size in step.
    unsafe {
        let raw = parameters.as_ptr();
        match usize::try_from((*raw).extradata_size) {
            Ok(size) if size > 0 => std::slice::from_raw_parts((*raw).extradata, size).to_vec(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffmpeg::codec::Parameters;

    #[test]
    fn codecs_are_found_by_their_names() {
        for (name, id) in [("h264", Id::H264), ("av1", Id::AV1), ("aac", Id::AAC), ("mpeg4", Id::MPEG4)] {
            assert_eq!(codec_named(name), Some(id));
        }
        assert_eq!((codec_named("h264\0"), codec_named("libx264"), codec_named("")), (None, None, None));
    }

    #[test]
    fn extradata_is_copied_and_can_be_replaced() {
        let mut context = Context::new();
        for bytes in [vec![1, 2, 3], vec![7; 4096], Vec::new(), vec![9]] {
            set_extradata(&mut context, &bytes).unwrap();
            assert_eq!(extradata(&Parameters::from(&Wrapper(&context))), bytes);
        }
    }

    #[test]
    fn bad_input_50_extradata_of_any_size_is_not_taken() {
        let mut context = Context::new();
        assert_eq!(set_extradata(&mut context, &vec![0; MAX_EXTRADATA + 1]), Err(Error::InvalidData));
        assert!(extradata(&Parameters::from(&Wrapper(&context))).is_empty());
    }

    #[test]
    fn the_environment_is_left_alone_while_other_threads_run() {
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(!set_variable_while_alone("SECURESTREAM_TEST_UNSET", "1")));
        });
        assert!(env::var_os("SECURESTREAM_TEST_UNSET").is_none());
        let set = env::vars().next().expect("cargo sets some").0;
        assert!(set_variable_while_alone(&set, "other"));
    }

    struct Wrapper<'a>(&'a Context);

    impl AsRef<Context> for &Wrapper<'_> {
        fn as_ref(&self) -> &Context {
            self.0
        }
    }
}
