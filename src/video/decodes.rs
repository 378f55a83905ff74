//! What this program decodes.

use std::sync::OnceLock;

use crate::types::Codec;

/// The codecs of pictures and sound that FFmpeg decodes here, sorted by name; none in a build without it.
pub fn decodes() -> &'static [Codec] {
    static DECODES: OnceLock<Vec<Codec>> = OnceLock::new();
    DECODES.get_or_init(listed)
}

#[cfg(feature = "player")]
fn listed() -> Vec<Codec> {
    super::ffi::decoded_names().into_iter().filter_map(|name| name.parse().ok()).collect()
}

#[cfg(not(feature = "player"))]
fn listed() -> Vec<Codec> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::limits::MAX_DECODES;

    #[test]
    fn the_list_has_each_codec_once_and_those_that_everyone_uses() {
        let list = decodes();
        assert!(list.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(list.len() <= MAX_DECODES, "no hub would play anything: {}", list.len());
        for codec in [Codec::H264, Codec::HEVC, Codec::VP9, Codec::AAC] {
            assert_eq!(list.contains(&codec), cfg!(feature = "player"), "{codec}");
        }
        assert!(!list.contains(&"nonesuch".parse().unwrap()));
    }
}
