use super::*;

fn part(language: &str, size: usize, last: bool) -> message::Subtitles {
    message::Subtitles { play: PlayId(1), language: language.into(), last, data: vec![b'x'; size].into() }
}

fn parts(languages: &[&str]) -> SubtitleParts {
    let languages: Vec<Text> = languages.iter().map(|language| (*language).into()).collect();
    SubtitleParts::of(&languages)
}

#[test]
fn parts_become_a_file_and_each_language_comes_once() {
    let mut parts = parts(&["de", "en"]);
    assert_eq!(parts.take(&part("de", 10, false)), None);
    let (language, data) = parts.take(&part("de", 5, true)).unwrap();
    assert_eq!((language.as_str(), data.len()), ("de", 15));
    assert_eq!(parts.take(&part("de", 5, true)), None, "it has come");
    assert_eq!(parts.take(&part("en", 7, true)).unwrap().1.len(), 7);
}

#[test]
fn bad_input_63_subtitles_that_nobody_named_or_without_end_are_dropped() {
    let mut parts = parts(&["de", "en", "fr"]);
    assert_eq!(parts.take(&part("it", 5, true)), None);
    for _ in 0..MAX_SUBTITLES / 1000 {
        assert_eq!(parts.take(&part("de", 1000, false)), None);
        assert!(parts.data.len() <= MAX_SUBTITLES);
    }
    assert_eq!(parts.take(&part("de", 1000, true)), None, "too large, and given up");
    assert!(parts.data.is_empty());
    // Each interrupts the other for ever.
    for _ in 0..100 {
        assert_eq!(parts.take(&part("en", 20_000, false)), None);
        assert_eq!(parts.take(&part("fr", 20_000, false)), None);
        assert_eq!(parts.data.len(), 20_000);
    }
}

#[test]
fn bad_input_63_all_languages_together_have_a_bound() {
    let names: Vec<String> = (0..100).map(|number| format!("x{number}")).collect();
    let mut parts = parts(&names.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(parts.awaited.len(), MAX_LANGUAGES);
    let kept: usize =
        names.iter().filter_map(|name| parts.take(&part(name, MAX_SUBTITLES, true))).map(|(_, data)| data.len()).sum();
    assert_eq!(kept, MAX_SUBTITLES_OF_TITLE);
}

#[test]
fn bad_input_63_names_that_are_none_are_left_out() {
    let long = "x".repeat(17);
    let parts = parts(&["de", "DE", "", "\u{1b}[2J", "ü", &long, "pt-BR"]);
    assert_eq!(parts.awaited, ["de", "pt-BR"]);
}
