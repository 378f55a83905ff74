//! Folders with all that one finds in folders.

use std::{
    fs::FileTimes,
    os::unix::fs::symlink,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::{TempDir, tempdir};

use crate::video::{LookupError, batches};

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
