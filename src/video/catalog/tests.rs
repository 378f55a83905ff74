//! Catalogues of files that are not there: only their names and heights matter.

use bytes::Bytes;

use crate::{
    types::Codec,
    video::index::{Packet, VideoFormat},
};

use super::*;

/// One picture that lasts so many seconds.
fn index(height: u32, seconds: i64) -> Index {
    let end = MediaTime(seconds * 1_000_000);
    let packet =
        Packet { offset: 0, size: 1, keyframe: true, pts: MediaTime::ZERO, dts: MediaTime::ZERO, duration: end };
    let format = VideoFormat { codec: Codec::H264, width: 16, height, extradata: Bytes::new() };
    Index::new(format, vec![packet], MediaTime::ZERO..end).unwrap()
}

fn usable(index: Index) -> Usable {
    Usable { id: FileId(0), index: index.into(), open: None }
}

/// A catalogue of files with these heights; those without one cannot be used.
fn catalog(files: &[(&str, Option<u32>)]) -> Catalog {
    let found = files.iter().map(|(file, height)| {
        let result = height.map(|height| usable(index(height, 12))).ok_or(SkipReason::Unfinished);
        ((*file).to_owned(), result)
    });
    Catalog::build(found.collect())
}

fn labels(catalog: &Catalog, title: &str) -> Vec<u32> {
    catalog.title(title).unwrap().labels().map(|label| label.0).collect()
}

#[test]
fn files_of_a_title_are_its_renditions_lowest_first() {
    let catalog = catalog(&[
        ("b_1080p.mp4", Some(1080)),
        ("b_240p.mp4", Some(240)),
        ("b_720.mov", Some(720)),
        ("holiday.mp4", Some(272)),
        ("a_240.mp4", Some(240)),
        ("trip_2019.mp4", Some(1080)),
    ]);
    let names: Vec<_> = catalog.titles().iter().map(|title| title.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "holiday", "trip_2019"]);
    assert_eq!(labels(&catalog, "b"), [240, 720, 1080]);
    assert_eq!(labels(&catalog, "holiday"), [272]);
    assert_eq!(catalog.title("b").unwrap().duration, MediaTime(12_000_000));
    assert_eq!(catalog.title("b").unwrap().rendition(RenditionLabel(720)).unwrap().file, "b_720.mov");
    assert!(catalog.skipped().is_empty() && catalog.remarks().is_empty());
}

#[test]
fn of_two_files_with_one_label_the_first_by_name_is_used() {
    let catalog = catalog(&[("a_240p.mp4", Some(240)), ("a_240.mp4", Some(240)), ("a.mp4", Some(240))]);
    assert_eq!(catalog.title("a").unwrap().renditions[0].file, "a.mp4");
    let skipped: Vec<_> =
        catalog.skipped().iter().map(|skipped| format!("{}: {}", skipped.file, skipped.reason)).collect();
    assert_eq!(
        skipped,
        ["a_240.mp4: a.mp4 is 240p of this title already", "a_240p.mp4: a.mp4 is 240p of this title already"]
    );
}

#[test]
fn a_file_that_cannot_be_used_leaves_its_label_to_the_next() {
    let catalog = catalog(&[("a_240.mp4", None), ("a_240p.mp4", Some(240))]);
    assert_eq!(labels(&catalog, "a"), [240]);
    assert_eq!(catalog.skipped().len(), 1);
    assert_eq!(catalog.title("a").unwrap().missing, []);
}

#[test]
fn a_name_that_says_another_height_is_believed_and_remarked() {
    let catalog = catalog(&[("a_1080p.mp4", Some(800))]);
    assert_eq!(labels(&catalog, "a"), [1080]);
    let [remark] = catalog.remarks() else { panic!("one remark: {:?}", catalog.remarks()) };
    assert_eq!(
        (remark.file.as_str(), remark.text.as_str()),
        ("a_1080p.mp4", "its name says 1080p, its pictures are 800 pixels high")
    );
}

#[test]
fn a_turned_rendition_is_nothing_odd_and_known_by_its_coded_height() {
    let turned = index(1080, 12).rotated(crate::video::Rotation::Right);
    let catalog = Catalog::build(vec![("phone.mp4".to_owned(), Ok(usable(turned)))]);
    assert_eq!((labels(&catalog, "phone"), catalog.remarks()), (vec![1080], &[][..]));
    let [title] = catalog.titles() else { panic!("one title") };
    assert_eq!(title.renditions[0].index.shown_size(), (1080, 16));
}

#[test]
fn a_rendition_that_is_much_shorter_is_remarked() {
    let found =
        [("a_240p.mp4", 12), ("a_720p.mp4", 5)].map(|(file, seconds)| (file.to_owned(), Ok(usable(index(0, seconds)))));
    let catalog = Catalog::build(found.into());
    assert_eq!(catalog.title("a").unwrap().duration, MediaTime(12_000_000));
    assert!(catalog.remarks().iter().any(|remark| remark.text == "it ends at 5.0 s, its title lasts 12.0 s"));
}

#[test]
fn bad_input_47_a_file_that_ends_early_is_warned_of() {
    let cut = index(240, 5).cut_short(Some(MediaTime(12_000_000)));
    let catalog = Catalog::build(vec![("a.mkv".to_owned(), Ok(usable(cut)))]);
    let expected = Remark {
        file: "a.mkv".to_owned(),
        text: "it ends early: 5.0 s of 12.0 s play: damaged, or not copied whole?".to_owned(),
        is_warning: true,
    };
    assert_eq!((catalog.titles().len(), catalog.remarks()), (1, &[expected][..]));
}

#[test]
fn bad_input_44_a_title_is_looked_up_and_is_no_path() {
    let catalog = catalog(&[("a_240p.mp4", Some(240)), ("Zoe\u{308}.mp4", Some(240)), ("x_240p.mp4", None)]);
    for name in [
        "../a",
        "/a",
        "./a",
        "a\0",
        "%2e%2e/a",
        "%61",
        "..\\a",
        "a_240p",
        "a_240p.mp4",
        "a.mp4",
        "A",
        "",
        ".",
        "..",
        "*",
        "a/../a",
        "a ",
        "Zoe",
    ] {
        assert_eq!(catalog.title(name).unwrap_err(), LookupError::NoSuchTitle, "{name:?}");
    }
    assert_eq!(catalog.title("Zo\u{eb}").unwrap().name, "Zo\u{eb}");
    assert_eq!(catalog.title("Zoe\u{308}").unwrap().name, "Zo\u{eb}");
}

#[test]
fn bad_input_46_what_a_title_lacks_is_known() {
    let catalog = catalog(&[
        ("a_240p.mp4", Some(240)),
        ("a_720p.mp4", Some(720)),
        ("b_240p.mp4", Some(240)),
        ("b_1080p.mp4", None),
        ("holiday.mp4", Some(360)),
    ]);
    let missing = |title: &str| catalog.title(title).unwrap().missing.clone();
    assert_eq!(missing("a"), []);
    let unfinished = Some("it is still being written, by its name".to_owned());
    let expected = [
        Missing { label: RenditionLabel(720), reason: None },
        Missing { label: RenditionLabel(1080), reason: unfinished },
    ];
    assert_eq!(missing("b"), expected);
    assert_eq!(missing("holiday"), [], "a file with a name of its own is complete");
}

#[test]
fn what_one_title_of_many_has_the_others_do_not_lack() {
    let catalog = catalog(&[
        ("a_240p.mp4", Some(240)),
        ("a_720p.mp4", Some(720)),
        ("b_240p.mp4", Some(240)),
        ("b_720p.mp4", Some(720)),
        ("c_240p.mp4", Some(240)),
        ("d_180p.mp4", Some(180)),
    ]);
    let missing = |title: &str| -> Vec<u32> {
        catalog.title(title).unwrap().missing.iter().map(|missing| missing.label.0).collect()
    };
    assert_eq!((missing("a"), missing("b")), (vec![], vec![]), "180p is the way of one");
    assert_eq!((missing("c"), missing("d")), (vec![720], vec![240, 720]));
}

#[test]
fn bad_input_47_a_title_of_which_no_file_can_be_used_is_unplayable_and_known() {
    let catalog = catalog(&[("a_240p.mp4", None), ("a_720p.mp4", None), ("b.mp4", Some(240))]);
    let reason = "it is still being written, by its name".to_owned();
    assert_eq!(catalog.title("a").unwrap_err(), LookupError::Unplayable(reason));
    assert_eq!(catalog.titles().len(), 1);
    assert_eq!(catalog.skipped().len(), 2);
}
