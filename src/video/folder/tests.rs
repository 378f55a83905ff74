//! Folders with all that one finds in folders.

use std::{
    fs::FileTimes,
    os::unix::fs::symlink,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::{TempDir, tempdir};

use crate::{
    types::limits::MAX_SUBTITLES,
    video::{
        LookupError, batches,
        compat::{CompatError, Patience},
        file_name::Kind,
    },
};

use super::*;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// A new folder with a good video of the title `good` in it.
fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    fs::copy(sample("wide.mp4"), folder.path().join("good_272p.mp4")).unwrap();
    folder
}

fn skipped(source: &FolderSource) -> Vec<String> {
    source.catalog().skipped().iter().map(|skipped| format!("{}: {}", skipped.file, skipped.reason)).collect()
}

fn titles(source: &FolderSource) -> Vec<String> {
    source.catalog().titles().iter().map(|title| title.name.clone()).collect()
}

/// Reads all packets of `good`.
fn read_good(source: &FolderSource) -> Result<usize, ReadError> {
    let catalog = source.catalog();
    let rendition = &catalog.title("good").unwrap().renditions[0];
    let count = rendition.index.packets().len();
    batches(&rendition.index, 0..count).try_fold(0, |sum, batch| Ok(sum + source.read_batch(rendition, &batch)?.len()))
}

#[test]
fn a_video_is_listed_and_read_packet_for_packet() {
    let folder = folder();
    let source = FolderSource::open(folder.path()).unwrap();
    assert_eq!(titles(&source), ["good"]);
    assert_eq!(read_good(&source).unwrap(), 50);
    let catalog = source.catalog();
    let rendition = &catalog.title("good").unwrap().renditions[0];
    let file = fs::read(sample("wide.mp4")).unwrap();
    for packet in rendition.index.packets() {
        let range = packet.bytes();
        let expected = &file[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
        assert_eq!(source.read(rendition, range).unwrap(), expected);
    }
    assert!(matches!(source.read(rendition, 0..file.len() as u64 + 1), Err(ReadError::OutOfRange)));
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let error = FolderSource::open(&folder().path().join("none")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn other_files_are_passed_over_and_videos_that_are_not_used_are_told() {
    let folder = folder();
    for name in ["README.md", "make-samples", "good_272p.srt", ".hidden.mp4", ".good.mp4.x7Gd", "notes.part"] {
        fs::write(folder.path().join(name), "text").unwrap();
    }
    for name in ["copy_240p.mp4.part", "film.mkv", "page.mp4"] {
        fs::write(folder.path().join(name), "a text that is no video").unwrap();
    }
    fs::create_dir(folder.path().join("folder.mp4")).unwrap();
    fs::create_dir(folder.path().join("more")).unwrap();
    fs::copy(sample("wide.mp4"), folder.path().join("more/deep.mp4")).unwrap();
    let source = FolderSource::open(folder.path()).unwrap();
    assert_eq!(titles(&source), ["good"]);
    assert_eq!(
        skipped(&source),
        [
            "copy_240p.mp4.part: it is still being written, by its name",
            "film.mkv: its container is read only by builds with the feature player; MP4 and MOV are read by all",
            "folder.mp4: it is no regular file",
            "page.mp4: it is not an MP4 or MOV file, whatever its name says",
        ]
    );
    assert!(matches!(source.catalog().title("film"), Err(LookupError::Unplayable(_))));
}

#[test]
fn a_name_that_is_not_utf8_is_told() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = folder();
    fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"a\xff.mp4")), "text").unwrap();
    let source = FolderSource::open(folder.path()).unwrap();
    assert_eq!(skipped(&source), ["a\u{fffd}.mp4: its name is not UTF-8"]);
}

#[test]
fn bad_input_45_links_out_of_the_folder_and_what_is_no_file_are_skipped_without_waiting() {
    let (folder, outside) = (folder(), folder());
    let path = folder.path();
    symlink(outside.path().join("good_272p.mp4"), path.join("out.mp4")).unwrap();
    symlink("../../../../../../etc/passwd", path.join("passwd.mp4")).unwrap();
    symlink("/dev/zero", path.join("zero.mp4")).unwrap();
    symlink("nowhere", path.join("nowhere.mp4")).unwrap();
    symlink("circle.mp4", path.join("circle.mp4")).unwrap();
    symlink("good_272p.mp4", path.join("inside_272p.mp4")).unwrap();
    // Opening it for reading would block: nobody writes to it.
    mknodat(CWD, path.join("fifo.mp4"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    symlink("fifo.mp4", path.join("to_fifo.mp4")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(path.join("socket.mp4")).unwrap();
    let source = FolderSource::open(path).unwrap();
    assert_eq!(titles(&source), ["good", "inside"], "a link within the folder is fine");
    let leaves = "it is a link that leads out of the folder, or nowhere";
    let irregular = "it is no regular file";
    let expected = [
        ("circle", leaves),
        ("fifo", irregular),
        ("nowhere", leaves),
        ("out", leaves),
        ("passwd", leaves),
        ("socket", irregular),
        ("to_fifo", irregular),
        ("zero", leaves),
    ];
    assert_eq!(skipped(&source), expected.map(|(name, reason)| format!("{name}.mp4: {reason}")));
}

#[test]
fn a_folder_that_is_a_link_itself_is_followed() {
    let (folder, other) = (folder(), tempdir().unwrap());
    symlink(folder.path(), other.path().join("videos")).unwrap();
    let source = FolderSource::open(&other.path().join("videos")).unwrap();
    assert_eq!(titles(&source), ["good"]);
}

#[test]
fn bad_input_48_an_empty_file_is_told_and_its_title_is_unplayable() {
    let folder = folder();
    fs::write(folder.path().join("empty_240p.mp4"), "").unwrap();
    let source = FolderSource::open(folder.path()).unwrap();
    assert_eq!(skipped(&source), ["empty_240p.mp4: it is empty: still being copied?"]);
    let reason = "it is empty: still being copied?".to_owned();
    assert_eq!(source.catalog().title("empty").unwrap_err(), LookupError::Unplayable(reason));
}

#[test]
fn a_copy_under_way_is_told_by_how_much_is_there() {
    let folder = folder();
    let whole = fs::read(sample("wide.mp4")).unwrap();
    fs::write(folder.path().join("half.mp4"), &whole[..whole.len() / 2]).unwrap();
    let source = FolderSource::open(folder.path()).unwrap();
    let [reason] = &skipped(&source)[..] else { panic!("one is skipped") };
    assert!(reason.contains("still being copied?"), "{reason}");
}

#[test]
fn bad_input_49_a_file_that_is_cut_or_rewritten_ends_its_plays_and_a_replaced_one_plays_on() {
    let folder = folder();
    let path = folder.path().join("good_272p.mp4");
    let open = || FolderSource::open(folder.path()).unwrap();
    let source = open();
    // Another file under the same name: what is open is the old one.
    fs::copy(sample("wide.mp4"), folder.path().join("new")).unwrap();
    fs::rename(folder.path().join("new"), &path).unwrap();
    assert_eq!(read_good(&source).unwrap(), 50);

    let source = open();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1))).unwrap();
    assert!(matches!(read_good(&source), Err(ReadError::FileChanged)), "rewritten");

    let source = open();
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    assert!(matches!(read_good(&source), Err(ReadError::FileChanged)), "a byte is gone");
    file.set_len(100).unwrap();
    assert!(matches!(read_good(&source), Err(ReadError::FileChanged)), "cut");
}

/// What the log is told, of files that are used or not.
fn remarks(source: &FolderSource) -> Vec<String> {
    source.catalog().remarks().iter().map(|remark| format!("{}: {}", remark.file, remark.text)).collect()
}

fn languages(source: &FolderSource, title: &str) -> Vec<String> {
    let catalog = source.catalog();
    catalog.title(title).unwrap().languages().into_iter().map(|language| language.0).collect()
}

#[test]
fn subtitles_beside_a_title_are_found_with_their_languages() {
    let folder = folder();
    let place = |name: &str| folder.path().join(name);
    fs::copy(sample("wide.mp4"), place("Zoe\u{308}.mp4")).unwrap();
    for name in ["good.de.srt", "good.pt-BR.VTT", "good.srt", "Zo\u{eb}.en.srt", ".good.fr.srt", "good.it.srt.part"] {
        fs::write(place(name), name).unwrap();
    }
    let source = FolderSource::open(folder.path()).unwrap();
    assert_eq!(titles(&source), ["Zo\u{eb}", "good"]);
    assert_eq!(languages(&source, "good"), ["de", "pt-BR", "und"]);
    assert_eq!(languages(&source, "Zo\u{eb}"), ["en"], "however its accents were typed");
    let catalog = source.catalog();
    assert_eq!(catalog.title("good").unwrap().subtitles[0].data, "good.de.srt");
    assert_eq!((skipped(&source), remarks(&source)), (vec![], vec![]));
}

#[test]
fn subtitles_that_are_still_written_are_left_until_they_rest() {
    let folder = folder();
    for name in ["good.de.srt", "good.en.srt"] {
        fs::write(folder.path().join(name), "half of").unwrap();
    }
    let mut reader = FolderReader::new(folder.path(), Indexes::new(Compat::default(), None));
    let (source, _) = reader.read(&["good.de.srt".to_owned()].into(), Effort::Step).unwrap();
    assert_eq!(languages(&source, "good"), ["en"]);
    assert_eq!(remarks(&source), ["good.de.srt: not used: it is still being written"]);
    fs::write(folder.path().join("good.de.srt"), "half of it and the rest").unwrap();
    let (source, _) = reader.read(&BTreeSet::new(), Effort::Step).unwrap();
    assert_eq!(languages(&source, "good"), ["de", "en"]);
    assert_eq!(source.catalog().title("good").unwrap().subtitles[0].data, "half of it and the rest");
}

#[test]
fn subtitles_that_are_not_used_are_told_and_are_no_broken_videos() {
    let folder = folder();
    let place = |name: &str| folder.path().join(name);
    let (too_large, fits) = (vec![b'x'; MAX_SUBTITLES + 1], vec![b'x'; MAX_SUBTITLES]);
    let files: [(&str, &[u8]); 8] = [
        ("good.DE.vtt", b"first by name"),
        ("good.de.srt", b"the same language"),
        ("good.empty.srt", b""),
        ("good.much.too-long-a-language.srt", b"x"),
        ("other.de.srt", b"x"),
        ("good_272p.de.srt", b"x"),
        ("good.large.srt", &too_large),
        ("good.fits.srt", &fits),
    ];
    for (name, content) in files {
        fs::write(place(name), content).unwrap();
    }
    let source = FolderSource::open(folder.path()).unwrap();
    assert_eq!(languages(&source, "good"), ["DE", "fits"]);
    assert!(skipped(&source).is_empty() && source.catalog().unplayable().next().is_none());
    assert_eq!(
        remarks(&source),
        [
            "good.de.srt: not used: good.DE.vtt has the subtitles of this title in this language already",
            "good.empty.srt: not used: it is empty",
            "good.large.srt: not used: subtitles of more than 1048576 bytes are not read",
            "good.much.too-long-a-language.srt: not used: there is no title \"good.much.too-long-a-language\" that can be played",
            "good_272p.de.srt: not used: there is no title \"good_272p\" that can be played",
            "other.de.srt: not used: there is no title \"other\" that can be played",
        ]
    );
}

#[test]
fn bad_input_45_subtitles_out_of_the_folder_and_what_is_no_file_are_not_read() {
    let (folder, outside) = (folder(), tempdir().unwrap());
    let path = folder.path();
    fs::write(outside.path().join("secret"), "x").unwrap();
    symlink(outside.path().join("secret"), path.join("good.aa.srt")).unwrap();
    symlink("/dev/zero", path.join("good.bb.srt")).unwrap();
    mknodat(CWD, path.join("good.cc.srt"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    fs::create_dir(path.join("good.dd.srt")).unwrap();
    fs::write(path.join("good.ee.srt"), "x").unwrap();
    symlink("good.ee.srt", path.join("good.ff.vtt")).unwrap();
    let source = FolderSource::open(path).unwrap();
    assert_eq!(languages(&source, "good"), ["ee", "ff"], "a link within the folder is fine");
    assert_eq!(remarks(&source).len(), 4);
}

#[test]
fn subtitles_of_a_title_and_of_a_folder_have_bounds() {
    let folder = folder();
    let place = |name: &str| folder.path().join(name);
    for number in 0..40 {
        fs::write(place(&format!("good.l{number:02}.srt")), "x").unwrap();
    }
    let source = FolderSource::open(folder.path()).unwrap();
    assert_eq!((languages(&source, "good").len(), remarks(&source).len()), (32, 8));
    // Each 1 MiB: four are of one title, and sixteen of the folder.
    for number in 0..40 {
        let title = char::from(b'a' + number / 4);
        fs::copy(sample("wide.mp4"), place(&format!("{title}.mp4"))).unwrap();
        let size = MAX_SUBTITLES - usize::from(number % 4 == 3);
        fs::write(place(&format!("{title}.l{number:02}.srt")), vec![b'x'; size]).unwrap();
    }
    fs::write(place("a.z.srt"), "xx").unwrap();
    let source = FolderSource::open(folder.path()).unwrap();
    let catalog = source.catalog();
    let kept: Vec<_> = catalog.titles().iter().flat_map(|title| &title.subtitles).map(|file| file.data.len()).collect();
    assert!(kept.iter().sum::<usize>() <= 16 * MAX_SUBTITLES, "{kept:?}");
    assert_eq!(languages(&source, "a").len(), 4, "the fifth is above 4 MiB");
    assert_eq!((languages(&source, "d").len(), languages(&source, "f").len()), (4, 0));
    assert!(remarks(&source).iter().any(|remark| remark.contains("16777216 bytes in all")), "{:?}", remarks(&source));
}

#[test]
fn a_file_whose_reader_could_not_be_run_or_could_not_read_is_tried_again() {
    let folder = tempdir().unwrap();
    fs::copy(sample("single.mp4"), folder.path().join("a.mkv")).unwrap();
    let errors = std::sync::Mutex::new(vec![
        CompatError::Refused("it has no video track".into()),
        CompatError::Unread("it cannot be read".into()),
        CompatError::NotRun(io::ErrorKind::WouldBlock.into()),
    ]);
    let next =
        move |_: &VideoFile, _: Kind, _: &Patience| Err(SkipReason::NotTaken(errors.lock().unwrap().pop().unwrap()));
    let mut reader = FolderReader::new(folder.path(), Indexes::made_by(Box::new(next), None));
    // The last is remembered: there is nothing more to be had from the reader.
    for reason in ["cannot be run", "cannot be read", "no video track", "no video track"] {
        let (source, _) = reader.read(&BTreeSet::new(), Effort::Retry).unwrap();
        assert!(skipped(&source).iter().any(|skipped| skipped.contains(reason)), "{reason}: {:?}", skipped(&source));
    }
}
