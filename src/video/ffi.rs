//! The one place with unsafe code: what FFmpeg's Rust bindings and the standard library leave to it.
#![expect(
    unsafe_code,
    reason = "ffmpeg-next 9 has no safe setter of extradata and no search for a codec by name, std none of the environment"
)]

use std::{env, ffi::CString, fs};

use ffmpeg::{
    Error,
    codec::{Context, Id},
    ffi,
};

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

/// The decoder configuration that a demuxer found.
#[cfg(test)]
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
