//! From the bytes of a file to text: most are UTF-8, many are older than that.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

/// The text of a file: by its byte order mark; as UTF-8 when it is; else by the encoding that it looks like most,
/// of those that are usual for its language (a tag of BCP 47, or anything). What is no text in that encoding becomes U+FFFD.
pub(super) fn decode<'a>(bytes: &'a [u8], language: &str) -> Cow<'a, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default());
        return text;
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let domain = domain_of(language);
    detector.guess(domain.as_deref().map(str::as_bytes), Utf8Detection::Deny).decode_without_bom_handling(bytes).0
}

/// The top-level domain where a language is at home, which the detector asks for: most have the same letters.
fn domain_of(language: &str) -> Option<String> {
    let language = language.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let domain = match language.as_str() {
        "ar" => "eg",
        "be" => "by",
        "cs" => "cz",
        "el" => "gr",
        "en" => "uk",
        "fa" => "ir",
        "he" => "il",
        "ja" => "jp",
        "ko" => "kr",
        "sr" => "rs",
        "sv" => "se",
        "uk" => "ua",
        "vi" => "vn",
        "zh" => "cn",
        other => other,
    };
    // Three letters are a language without a country, or `und`.
    (domain.len() == 2 && domain.bytes().all(|byte| byte.is_ascii_lowercase())).then(|| domain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_tells() {
        assert_eq!(decode(b"\xef\xbb\xbfa\xc3\xbc", "und"), "aü");
        assert_eq!(decode(b"\xff\xfea\0\xfc\0", "und"), "aü");
        assert_eq!(decode(b"\xfe\xff\0a\0\xfc", "und"), "aü");
    }

    #[test]
    fn what_is_utf8_is_taken_as_that() {
        assert_eq!(decode("Zoë sagt: 你好".as_bytes(), "zh"), "Zoë sagt: 你好");
    }

    #[test]
    fn what_is_older_is_guessed() {
        let german = "Die Straße führt über die Brücke, und dann müssen wir schön langsam fahren.";
        assert_eq!(decode(&encoding_rs::WINDOWS_1252.encode(german).0, "und"), german);
        let russian = "Мы должны идти домой, пока не стало совсем темно.";
        assert_eq!(decode(&encoding_rs::WINDOWS_1251.encode(russian).0, "ru"), russian);
        let japanese = "私たちは暗くなる前に家に帰らなければなりません。";
        assert_eq!(decode(&encoding_rs::SHIFT_JIS.encode(japanese).0, "ja"), japanese);
    }

    #[test]
    fn any_bytes_give_some_text() {
        for bytes in [&[0xff][..], &[0xff, 0xfe, 0x00], &[0xc3], &[0x80; 100], &[]] {
            for language in ["und", "ja", "", "é-é", "de-AT"] {
                let text = decode(bytes, language);
                assert!(text.len() <= 3 * bytes.len().max(1));
            }
        }
    }
}
