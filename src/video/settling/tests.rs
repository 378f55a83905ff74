//! Folders that change while a clock is turned by hand.

use super::*;

const TICK: Duration = Duration::from_millis(250);

fn stamp(size: u64) -> Stamp {
    Stamp { size, modified: 0, modified_ns: 0, changed: 0, changed_ns: 0, device: 1, inode: 7 }
}

fn seen(files: &[(&str, u64)]) -> Sight {
    files.iter().map(|(name, size)| ((*name).to_owned(), stamp(*size))).collect()
}

fn read(changing: &[&str]) -> Look {
    Look::Read { changing: changing.iter().map(|name| (*name).to_owned()).collect() }
}

/// Looks every quarter of a second, as if each change were heard of, until `end`; when it was to be read, and how.
fn watch(
    settling: &mut Settling,
    from: Instant,
    end: Duration,
    at: impl Fn(Duration) -> Sight,
) -> Vec<(Duration, Look)> {
    let mut reads = Vec::new();
    let mut after = Duration::ZERO;
    while after <= end {
        let look = settling.look(from + after, at(after));
        if matches!(look, Look::Read { .. }) {
            reads.push((after, look));
        }
        after += TICK;
    }
    reads
}

#[test]
fn a_folder_that_stays_is_never_read() {
    let mut settling = Settling::new(seen(&[("a.mp4", 1)]));
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(settling.look(start, seen(&[("a.mp4", 1)])), Look::Same);
    }
}

#[test]
fn a_copy_is_read_once_when_it_rests() {
    let mut settling = Settling::new(seen(&[("a.mp4", 1)]));
    let grows_for = Duration::from_mins(1);
    let folder = |after: Duration| {
        let size = after.min(grows_for).as_millis().try_into().unwrap();
        seen(&[("a.mp4", 1), ("b.mp4", size)])
    };
    let reads = watch(&mut settling, Instant::now(), Duration::from_mins(2), folder);
    assert_eq!(reads, [(grows_for + REST, read(&[]))]);
}

#[test]
fn it_says_when_to_look_again_so_that_nothing_has_to_be_heard() {
    let mut settling = Settling::new(seen(&[]));
    let start = Instant::now();
    assert_eq!(settling.look(start, seen(&[("a.mp4", 5)])), Look::Again(start + REST));
    let early = start + Duration::from_millis(1999);
    assert_eq!(settling.look(early, seen(&[("a.mp4", 5)])), Look::Again(start + REST));
    assert_eq!(settling.look(start + REST, seen(&[("a.mp4", 5)])), read(&[]));
    assert_eq!(settling.look(start + REST, seen(&[("a.mp4", 5)])), Look::Same);
}

#[test]
fn a_removal_and_a_file_of_another_name_are_changes() {
    let mut settling = Settling::new(seen(&[("a.mp4", 1), ("b.mp4", 2)]));
    let reads = watch(&mut settling, Instant::now(), Duration::from_secs(10), |_| seen(&[("a.mp4", 1)]));
    assert_eq!(reads, [(REST, read(&[]))]);
    let reads = watch(&mut settling, Instant::now(), Duration::from_secs(10), |_| seen(&[("c.mp4", 1)]));
    assert_eq!(reads, [(REST, read(&[]))]);
}

#[test]
fn many_files_one_after_the_other_are_few_changes() {
    // A file each half second for a minute.
    let names: Vec<String> = (0..120).map(|number| format!("film{number:03}.mp4")).collect();
    let folder = |after: Duration| {
        let count = usize::try_from(after.as_millis() / 500).unwrap().min(names.len());
        names[..count].iter().map(|name| (name.clone(), stamp(9))).collect()
    };
    let mut settling = Settling::new(seen(&[]));
    let reads = watch(&mut settling, Instant::now(), Duration::from_secs(90), folder);
    assert!((4..=5).contains(&reads.len()), "{reads:?}");
    let Some((_, Look::Read { changing })) = reads.first() else { panic!("{reads:?}") };
    assert!(!changing.is_empty(), "what came last was still being written, perhaps");
    let Some((_, Look::Read { changing })) = reads.last() else { panic!("{reads:?}") };
    assert!(changing.is_empty(), "in the end all of them are read");
}

#[test]
fn a_file_that_never_rests_does_not_keep_others_waiting() {
    let folder = |after: Duration| {
        let size = after.as_millis().try_into().unwrap();
        seen(&[("recording.mp4", size), ("film.mp4", 1)])
    };
    let mut settling = Settling::new(seen(&[]));
    let reads = watch(&mut settling, Instant::now(), Duration::from_hours(1), folder);
    let [(after, look)] = &reads[..] else { panic!("one is enough: {reads:?}") };
    assert_eq!(*look, read(&["recording.mp4"]));
    assert!(*after <= REST + PATIENCE, "{after:?}");
}

#[test]
fn a_video_that_is_written_over_is_left_out_until_it_rests() {
    let written = Duration::from_secs(30);
    let folder = |after: Duration| {
        let size = 100 + u64::try_from(after.min(written).as_millis()).unwrap();
        seen(&[("film.mp4", size)])
    };
    let mut settling = Settling::new(seen(&[("film.mp4", 7)]));
    let reads = watch(&mut settling, Instant::now(), Duration::from_mins(1), folder);
    assert_eq!(reads, [(PATIENCE, read(&["film.mp4"])), (written + REST, read(&[]))]);
}

#[test]
fn what_is_read_for_another_reason_is_not_read_again_and_what_was_missing_then_is() {
    let mut settling = Settling::new(seen(&[("a.mp4", 1)]));
    let start = Instant::now();
    settling.look(start, seen(&[("b.mp4", 1)]));
    assert_eq!(settling.take(start), ["b.mp4".to_owned()].into(), "it is still being written, and a.mp4 is not there");
    let later = start + Duration::from_millis(500);
    let back = || seen(&[("a.mp4", 1), ("b.mp4", 1)]);
    settling.look(later, back());
    assert_eq!(settling.take(start + REST), ["a.mp4".to_owned()].into(), "b.mp4 is read");
    assert_eq!(settling.look(later + REST, back()), read(&[]), "as it was, and missing when the folder was read");
    assert_eq!(settling.look(later + REST, back()), Look::Same);
    settling.look(later + REST, seen(&[("a.mp4", 1)]));
    settling.take(later + REST);
    assert_eq!(settling.look(later + REST * 2, seen(&[("a.mp4", 1)])), Look::Same, "that is known by now");
}

#[test]
fn only_names_that_matter_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.mp4", "b.mkv", "a.en.srt", "a.de.Vtt", "notes.txt", ".hidden.mp4", "c.mp4.part", "log"] {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    std::os::unix::fs::symlink("nowhere", folder.path().join("d.mp4")).unwrap();
    let names: Vec<String> = sight(folder.path()).unwrap().into_keys().collect();
    assert_eq!(names, ["a.de.Vtt", "a.en.srt", "a.mp4", "b.mkv"]);
    assert!(sight(&folder.path().join("none")).is_err());
}
