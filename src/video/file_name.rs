//! What a file's name says: which title it belongs to, and which rendition of it it is.

use unicode_normalization::UnicodeNormalization as _;

use crate::types::RenditionLabel;

/// Heights that a bare number at the end of a name is taken for. Any other number is part of the title, unless
/// it is the file's own height.
const USUAL_HEIGHTS: [u32; 10] = [144, 240, 360, 480, 540, 720, 1080, 1440, 2160, 4320];

/// What is asked of a file by its extension, in lower case.
const INDEXED: [&str; 3] = ["mp4", "m4v", "mov"];
const OTHER_VIDEO: [&str; 13] =
    ["mkv", "webm", "avi", "ts", "m2ts", "mts", "mpg", "mpeg", "flv", "wmv", "ogv", "3gp", "asf"];
const UNFINISHED: [&str; 6] = ["part", "partial", "tmp", "crdownload", "download", "filepart"];

/// What a file's extension says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A container that can be indexed.
    Indexed,
    /// A video in a container that cannot be indexed.
    OtherVideo,
    /// A video that something is still writing.
    Unfinished,
    /// No video.
    Other,
}

/// A file's name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileName {
    pub(crate) kind: Kind,
    stem: String,
    ending: Option<Ending>,
}

/// `_720p` or `_720` at the end of a stem.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ending {
    /// The stem in front of it, not empty.
    title: String,
    height: u32,
    has_p: bool,
}

impl FileName {
    /// Takes a name apart; in NFC, so that a title is found however its accents were typed.
    pub(crate) fn parse(name: &str) -> Self {
        let name: String = name.nfc().collect();
        let (stem, kind) = kind(&name);
        Self { kind, stem: stem.to_owned(), ending: Ending::parse(stem) }
    }

    /// The title, and the label when the name gives one. `coded_height` is in pixels, and `None` when the file
    /// could not be read.
    ///
    /// `<title>_<height>p.<ext>` names a rendition; so does `<title>_<height>.<ext>` where the number is a
    /// usual height or the file's own. Every other stem is a title of its own.
    pub(crate) fn resolve(&self, coded_height: Option<u32>) -> (&str, Option<RenditionLabel>) {
        match &self.ending {
            Some(Ending { title, height, has_p })
                if *has_p || USUAL_HEIGHTS.contains(height) || Some(*height) == coded_height =>
            {
                (title, Some(RenditionLabel(*height)))
            }
            _ => (&self.stem, None),
        }
    }
}

impl Ending {
    fn parse(stem: &str) -> Option<Self> {
        let (title, number) = stem.rsplit_once('_')?;
        let digits = number.strip_suffix(['p', 'P']).unwrap_or(number);
        let is_height = !title.is_empty()
            && (1..=5).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        let height = digits.parse().ok().filter(|_| is_height)?;
        Some(Self { title: title.to_owned(), height, has_p: digits.len() != number.len() })
    }
}

/// The stem of a name and what its extension says.
fn kind(name: &str) -> (&str, Kind) {
    let Some((stem, extension)) = name.rsplit_once('.') else { return (name, Kind::Other) };
    let extension = extension.to_ascii_lowercase();
    if UNFINISHED.contains(&extension.as_str()) {
        return match kind(stem) {
            (inner, Kind::Indexed | Kind::OtherVideo) => (inner, Kind::Unfinished),
            _ => (stem, Kind::Other),
        };
    }
    if INDEXED.contains(&extension.as_str()) {
        (stem, Kind::Indexed)
    } else if OTHER_VIDEO.contains(&extension.as_str()) {
        (stem, Kind::OtherVideo)
    } else {
        (stem, Kind::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(name: &str, coded_height: u32) -> (String, Option<u32>) {
        let name = FileName::parse(name);
        let (title, label) = name.resolve(Some(coded_height));
        (title.to_owned(), label.map(|label| label.0))
    }

    #[test]
    fn a_height_with_p_is_the_label_whatever_the_file_has() {
        assert_eq!(resolved("mandelbrot_240p.mp4", 240), ("mandelbrot".into(), Some(240)));
        assert_eq!(resolved("mandelbrot_240P.MP4", 272), ("mandelbrot".into(), Some(240)));
        assert_eq!(resolved("a_b_90p.mov", 90), ("a_b".into(), Some(90)));
    }

    #[test]
    fn a_bare_number_is_a_label_when_it_is_a_usual_height_or_the_files_own() {
        assert_eq!(resolved("video_1_240.mp4", 240), ("video_1".into(), Some(240)));
        assert_eq!(resolved("video_1_720.mp4", 700), ("video_1".into(), Some(720)));
        assert_eq!(resolved("film_272.mp4", 272), ("film".into(), Some(272)));
        assert_eq!(resolved("trip_2019.mp4", 1080), ("trip_2019".into(), None));
        assert_eq!(resolved("video_1.mp4", 240), ("video_1".into(), None));
    }

    #[test]
    fn other_names_are_titles_of_their_own() {
        for stem in ["holiday", "_240p", "x_0240p", "x_240pp", "x_p", "x_+240p", "x_999999p", "x_", "x_٢٤٠p", "a.b"]
        {
            assert_eq!(resolved(&format!("{stem}.mp4"), 144), (stem.to_owned(), None), "{stem}");
        }
    }

    #[test]
    fn without_the_files_height_only_the_usual_ones_count() {
        assert_eq!(FileName::parse("film_272.mp4").resolve(None), ("film_272", None));
        assert_eq!(FileName::parse("film_480.mp4").resolve(None), ("film", Some(RenditionLabel(480))));
    }

    #[test]
    fn the_extension_tells_videos_from_the_rest() {
        for (name, expected) in [
            ("a.mp4", Kind::Indexed),
            ("a.M4V", Kind::Indexed),
            ("a.mkv", Kind::OtherVideo),
            ("a_240p.mp4.part", Kind::Unfinished),
            ("a.webm.crdownload", Kind::Unfinished),
            ("a.part", Kind::Other),
            ("README.md", Kind::Other),
            ("make-samples", Kind::Other),
            ("a.mp4.srt", Kind::Other),
        ] {
            assert_eq!(FileName::parse(name).kind, expected, "{name}");
        }
        assert_eq!(resolved("a_240p.mp4.part", 0), ("a".into(), Some(240)));
    }

    #[test]
    fn accents_are_compared_in_one_form() {
        assert_eq!(resolved("Zoe\u{308}_240p.mp4", 240).0, "Zo\u{eb}");
    }
}
