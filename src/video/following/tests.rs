//! Folders whose files cannot be read for a while or take long, with a clock that is turned by hand.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use crate::video::{
    Compat, IndexError, ReadError, VideoSource as _,
    catalog::{LookupError, SkipReason},
    compat::{CompatError, Patience},
    indexes::Indexes,
};

use super::*;

/// What becomes of files, by name, and which were asked for, and for how long.
#[derive(Clone, Default)]
struct Reader(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    fails: Option<fn() -> SkipReason>,
    /// How long a child takes for each file that needs one.
    takes: Duration,
    asked: Vec<(u64, Option<Duration>)>,
    /// What takes long takes longer than it may.
    times_out: bool,
    /// What takes long goes on when this is closed.
    gate: Option<crossbeam_channel::Receiver<()>>,
    /// Is told the size of what is given up before that.
    ended: Option<crossbeam_channel::Sender<u64>>,
}

impl Reader {
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap());
    }

    /// The time that was given to each file since the last time, of the files that have a size.
    fn asked(&self) -> Vec<(u64, Option<Duration>)> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }

    fn open(&self, folder: &Path) -> (Arc<LiveFolder>, Following) {
        let state = Arc::clone(&self.0);
        let looks = sight(folder).unwrap();
        let make = move |file: &crate::video::folder::VideoFile, kind, waits: &Patience| {
            let patience = waits.limit();
            let mut state = state.lock().unwrap();
            state.asked.push((file.stamp.size, patience));
            if let Some(fails) = state.fails {
                return Err(fails());
            }
            if kind == crate::video::file_name::Kind::Indexed {
                return Compat::default().read(&file.file, file.stamp.size, kind, waits);
            }
            let gate = state.gate.clone().filter(|_| patience.is_none());
            let (takes, times_out) = (state.takes, state.times_out && patience.is_none());
            let ended = state.ended.clone();
            drop(state);
            if let Some(gate) = gate {
                match waits {
                    Patience::While(wanted) => crossbeam_channel::select! {
                        recv(gate) -> _ => {}
                        recv(wanted) -> _ => ended.unwrap().send(file.stamp.size).unwrap(),
                    },
                    _ => {
                        let _ = gate.recv();
                    }
                }
            }
            match patience {
                None if times_out => Err(CompatError::TimedOut(takes).into()),
                Some(patience) if patience.is_zero() => Err(CompatError::Waits { begun: false }.into()),
                Some(patience) if patience < takes => Err(CompatError::Waits { begun: true }.into()),
                // What it holds is an MP4 all the same.
                _ => Compat::default().read(&file.file, file.stamp.size, crate::video::file_name::Kind::Indexed, waits),
            }
        };
        let live = Arc::new(LiveFolder::with(folder, Indexes::made_by(Box::new(make), None)).unwrap());
        (Arc::clone(&live), Following::new(live, looks))
    }
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/wide.mp4")
}

fn titles(folder: &LiveFolder) -> Vec<String> {
    folder.catalog().titles().iter().map(|title| title.name.clone()).collect()
}

/// Looks whenever that is asked for until nothing is to be done; the times of looks at which the folder was read.
fn reads(following: &mut Following, start: Instant, end: Duration) -> Vec<Duration> {
    let (mut reads, mut now) = (Vec::new(), start);
    for _ in 0..1000 {
        let looked = following.look(now);
        if looked.read.is_some() {
            reads.push(now - start);
        }
        match looked.again {
            // As the thread that looks does: not more often than that.
            Some(at) if at <= start + end => now = at.max(now + Duration::from_millis(250)),
            _ => return reads,
        }
    }
    panic!("it looks without end: {reads:?}")
}

fn in_seconds(reads: &[Duration]) -> Vec<u64> {
    reads.iter().map(Duration::as_secs).collect()
}

const NO_DESCRIPTORS: fn() -> SkipReason = || IndexError::Io(io::Error::from_raw_os_error(24)).into();

#[test]
fn what_could_not_be_read_is_tried_again_after_growing_pauses_until_it_can() {
    let (folder, reader) = (tempfile::tempdir().unwrap(), Reader::default());
    fs::copy(sample(), folder.path().join("film.mp4")).unwrap();
    reader.set(|state| state.fails = Some(NO_DESCRIPTORS));
    let (live, mut following) = reader.open(folder.path());
    let start = Instant::now();
    let tried = reads(&mut following, start, Duration::from_mins(3));
    assert_eq!(in_seconds(&tried), [5, 15, 35, 75, 156], "and no more often");
    assert_eq!(live.pending(), Pending::Failed);
    let hours = reads(&mut following, start + Duration::from_mins(3), Duration::from_hours(10));
    assert!((10..=17).contains(&hours.len()), "an hour is the longest pause: {hours:?}");
    reader.set(|state| state.fails = None);
    let start = start + Duration::from_hours(11);
    reads(&mut following, start, Duration::from_hours(2));
    assert_eq!((titles(&live), live.pending()), (vec!["film".to_owned()], Pending::Nothing));
    assert_eq!(following.look(start + Duration::from_hours(3)).again, None, "there is nothing more to do");
}

#[test]
fn a_title_that_is_open_stays_while_its_file_cannot_be_read() {
    let (folder, reader) = (tempfile::tempdir().unwrap(), Reader::default());
    let place = folder.path().join("film.mp4");
    fs::copy(sample(), &place).unwrap();
    let (live, mut following) = reader.open(folder.path());
    let old = Arc::clone(&live.catalog().titles()[0].renditions[0]);
    fs::copy(sample(), folder.path().join("new")).unwrap();
    fs::rename(folder.path().join("new"), &place).unwrap();
    for fails in [NO_DESCRIPTORS, || CompatError::NotRun(io::ErrorKind::WouldBlock.into()).into()] {
        reader.set(|state| state.fails = Some(fails));
        let catalog = live.reload(&BTreeSet::new(), Effort::Retry).unwrap();
        assert_eq!((titles(&live), catalog.skipped().len(), live.pending()), (vec!["film".into()], 0, Pending::Failed));
        let [remark] = catalog.remarks() else { panic!("{:?}", catalog.remarks()) };
        assert!(remark.text.contains("stays for now"), "{remark:?}");
        let offset = old.index.packets()[0].offset;
        assert!(live.read(&live.catalog().titles()[0].renditions[0], offset..offset + 1).is_ok());
    }
    reader.set(|state| state.fails = None);
    reads(&mut following, Instant::now(), Duration::from_mins(1));
    let new = Arc::clone(&live.catalog().titles()[0].renditions[0]);
    assert!(new.id != old.id && live.pending() == Pending::Nothing, "the new file is on offer");
}

#[test]
fn what_is_no_longer_as_it_was_does_not_stay() {
    let (folder, reader) = (tempfile::tempdir().unwrap(), Reader::default());
    let place = folder.path().join("film.mp4");
    fs::copy(sample(), &place).unwrap();
    let (live, _) = reader.open(folder.path());
    let old = Arc::clone(&live.catalog().titles()[0].renditions[0]);
    fs::write(&place, "written over").unwrap();
    reader.set(|state| state.fails = Some(NO_DESCRIPTORS));
    let catalog = live.reload(&BTreeSet::new(), Effort::Step).unwrap();
    assert_eq!((titles(&live).len(), catalog.skipped().len()), (0, 1));
    assert!(matches!(live.read(&old, 0..1), Err(ReadError::OutOfRange | ReadError::FileChanged)));
}

#[test]
fn a_folder_that_cannot_be_read_is_not_asked_without_end() {
    let (folder, reader) = (tempfile::tempdir().unwrap(), Reader::default());
    let videos = folder.path().join("videos");
    fs::create_dir(&videos).unwrap();
    let (live, mut following) = reader.open(&videos);
    let start = Instant::now();
    fs::rename(&videos, folder.path().join("elsewhere")).unwrap();
    assert!(following.look(start).is_gone);
    // As if it went away between a look and the read.
    assert!(following.read(start, &BTreeSet::new(), Effort::Step).read.unwrap().is_err());
    fs::rename(folder.path().join("elsewhere"), &videos).unwrap();
    assert_eq!(in_seconds(&reads(&mut following, start, Duration::from_mins(1))), [5]);
    assert_eq!(live.pending(), Pending::Nothing);
}

#[test]
fn a_hub_begins_without_files_that_take_long_and_they_come_by_themselves() {
    let (folder, reader) = (tempfile::tempdir().unwrap(), Reader::default());
    for name in ["a_long.mkv", "b_long.ts", "film.mp4"] {
        fs::copy(sample(), folder.path().join(name)).unwrap();
    }
    reader.set(|state| state.takes = Duration::from_hours(1));
    let (live, mut following) = reader.open(folder.path());
    assert_eq!((titles(&live), live.pending()), (vec!["film".to_owned()], Pending::Waiting));
    for title in ["a_long", "b_long"] {
        assert!(matches!(live.catalog().title(title), Err(LookupError::NotYet(_))), "{title}");
    }
    let asked = reader.asked();
    let is_short = |time: &Option<Duration>| time.is_some_and(|time| time <= Duration::from_secs(1));
    assert!(asked.len() == 3 && asked.iter().all(|(_, time)| is_short(time)), "none may take longer: {asked:?}");
    let start = Instant::now();
    let looked = following.look(start);
    assert_eq!((looked.read.unwrap().unwrap().titles().len(), looked.again), (1, Some(start)), "it is begun");
    for there in [2, 3] {
        live.wait_for_long();
        let asked = reader.asked();
        assert!(matches!(asked[..], [(_, None)]), "one at a time, as long as it takes: {asked:?}");
        let looked = following.look(start);
        assert_eq!(looked.read.unwrap().unwrap().titles().len(), there, "each is told when it is there");
    }
    assert_eq!((live.pending(), live.long()), (Pending::Nothing, None));
    let looked = following.look(start);
    assert!(looked.read.is_none() && looked.again.is_none(), "{looked:?}");
}

#[test]
fn while_a_file_takes_long_the_folder_is_followed() {
    let (folder, reader) = (tempfile::tempdir().unwrap(), Reader::default());
    fs::copy(sample(), folder.path().join("a_long.mkv")).unwrap();
    let (hold, gate) = crossbeam_channel::bounded::<()>(0);
    reader.set(|state| (state.takes, state.gate) = (Duration::from_hours(1), Some(gate)));
    let (live, mut following) = reader.open(folder.path());
    let start = Instant::now();
    following.look(start);
    assert_eq!(live.long(), Some(false));
    fs::copy(sample(), folder.path().join("new.mp4")).unwrap();
    let seen = reads(&mut following, start, Duration::from_mins(10));
    assert_eq!((titles(&live), in_seconds(&seen)), (vec!["new".to_owned()], vec![2]), "and nothing is done again");
    assert!(following.look(start + Duration::from_hours(1)).again.is_some(), "it is looked after");
    drop(hold);
    live.wait_for_long();
    following.look(start + Duration::from_hours(1));
    assert_eq!(titles(&live), ["a_long", "new"]);
}

#[test]
fn what_takes_longer_than_it_may_is_tried_again_after_growing_pauses() {
    let (folder, reader) = (tempfile::tempdir().unwrap(), Reader::default());
    fs::copy(sample(), folder.path().join("a_long.mkv")).unwrap();
    reader.set(|state| (state.takes, state.times_out) = (Duration::from_hours(1), true));
    let (live, mut following) = reader.open(folder.path());
    let (mut now, mut pauses) = (Instant::now(), Vec::new());
    for _ in 0..4 {
        while live.pending() != Pending::Failed {
            following.look(now);
            if live.long().is_some() {
                live.wait_for_long();
            }
        }
        let again = following.look(now).again.unwrap();
        pauses.push(again - now);
        now = again;
        following.look(now);
    }
    assert_eq!(in_seconds(&pauses), [5, 10, 20, 40]);
}

#[test]
fn what_takes_long_and_goes_makes_room_for_the_next() {
    let (folder, reader) = (tempfile::tempdir().unwrap(), Reader::default());
    for name in ["a_long.mkv", "b_long.mkv"] {
        fs::copy(sample(), folder.path().join(name)).unwrap();
    }
    reader.set(|state| state.takes = Duration::from_hours(1));
    let (live, mut following) = reader.open(folder.path());
    let start = Instant::now();
    following.look(start);
    fs::remove_file(folder.path().join("a_long.mkv")).unwrap();
    live.wait_for_long();
    following.look(start);
    assert_eq!((titles(&live).len(), live.pending()), (0, Pending::Nothing));
    live.wait_for_long();
    following.look(start);
    assert_eq!((titles(&live), live.long()), (vec!["b_long".to_owned()], None));
}

/// Writes the sample, and more at its end that says nothing: a `free` box of so many bytes.
fn longer_sample(place: &Path, by: u32) {
    let mut bytes = fs::read(sample()).unwrap();
    bytes.extend_from_slice(&by.to_be_bytes());
    bytes.extend_from_slice(b"free");
    bytes.resize(bytes.len() + by as usize - 8, 0);
    fs::write(place, bytes).unwrap();
}

#[test]
fn attack_the_smallest_of_those_that_take_long_is_first() {
    let (folder, reader) = (tempfile::tempdir().unwrap(), Reader::default());
    for (name, more) in [("a.mkv", 3000), ("b.webm", 1000), ("c.ts", 2000)] {
        longer_sample(&folder.path().join(name), more);
    }
    reader.set(|state| state.takes = Duration::from_hours(1));
    let (live, mut following) = reader.open(folder.path());
    let start = Instant::now();
    let mut there = Vec::new();
    following.look(start);
    for _ in 0..3 {
        live.wait_for_long();
        following.look(start);
        there.push(titles(&live).join(" "));
    }
    assert_eq!(there, ["b", "b c", "a b c"]);
}

/// Puts another file in place of one, at once.
fn replace(place: &Path) {
    let new = place.with_extension("new");
    fs::copy(sample(), &new).unwrap();
    fs::rename(new, place).unwrap();
}

#[test]
fn a_title_whose_file_is_not_at_rest_stays_when_the_folder_is_read_for_another() {
    let (folder, reader) = (tempfile::tempdir().unwrap(), Reader::default());
    for name in ["a_long.mkv", "film.mp4"] {
        fs::copy(sample(), folder.path().join(name)).unwrap();
    }
    reader.set(|state| state.takes = Duration::from_hours(1));
    let (live, mut following) = reader.open(folder.path());
    let old = Arc::clone(&live.catalog().titles()[0].renditions[0]);
    replace(&folder.path().join("film.mp4"));
    let start = Instant::now();
    let looked = following.look(start);
    assert!(looked.read.is_some(), "it is read for the one that waits");
    assert_eq!((titles(&live), live.pending()), (vec!["film".to_owned()], Pending::Nothing));
    live.wait_for_long();
    following.look(start);
    assert_eq!(titles(&live), ["a_long", "film"]);
    reads(&mut following, start, Duration::from_secs(30));
    let catalog = live.catalog();
    let new = &catalog.title("film").unwrap().renditions[0];
    assert!(new.id != old.id && catalog.remarks().is_empty(), "the new one is on offer once it rests");
}

#[test]
fn what_is_back_as_it_was_after_the_folder_was_read_for_another_is_on_offer_again() {
    let (folder, reader) = (tempfile::tempdir().unwrap(), Reader::default());
    fs::copy(sample(), folder.path().join("film")).unwrap();
    fs::copy(sample(), folder.path().join("a_long.mkv")).unwrap();
    let link = folder.path().join("film.mp4");
    let appear = || std::os::unix::fs::symlink("film", &link).unwrap();
    appear();
    reader.set(|state| state.takes = Duration::from_hours(1));
    let (live, mut following) = reader.open(folder.path());
    let start = Instant::now();
    following.look(start);
    live.wait_for_long();
    fs::remove_file(&link).unwrap();
    following.look(start + Duration::from_millis(200));
    assert_eq!(titles(&live), ["a_long"]);
    appear();
    reads(&mut following, start + Duration::from_millis(500), Duration::from_secs(30));
    assert_eq!(titles(&live), ["a_long", "film"]);
}

#[test]
fn what_is_back_as_it_was_after_an_operator_had_the_folder_read_is_on_offer_again() {
    let (folder, reader) = (tempfile::tempdir().unwrap(), Reader::default());
    fs::copy(sample(), folder.path().join("film")).unwrap();
    let link = folder.path().join("film.mp4");
    let appear = || std::os::unix::fs::symlink("film", &link).unwrap();
    appear();
    let (live, mut following) = reader.open(folder.path());
    let start = Instant::now();
    assert!(reads(&mut following, start, Duration::from_hours(1)).is_empty());
    fs::remove_file(&link).unwrap();
    live.reload(&BTreeSet::new(), Effort::Retry).unwrap();
    appear();
    assert_eq!(titles(&live), [""; 0]);
    let start = start + Duration::from_hours(1);
    assert_eq!(in_seconds(&reads(&mut following, start, Duration::from_hours(1))), [0], "once");
    assert_eq!(titles(&live), ["film"]);
}

#[test]
fn who_asks_for_what_may_be_there_soon_is_told_so() {
    let causes: [fn() -> SkipReason; 4] = [
        NO_DESCRIPTORS,
        || CompatError::NotRun(io::ErrorKind::WouldBlock.into()).into(),
        || CompatError::TimedOut(Duration::from_mins(1)).into(),
        || CompatError::Ended("signal: 9".into()).into(),
    ];
    for cause in causes {
        let (folder, reader) = (tempfile::tempdir().unwrap(), Reader::default());
        fs::copy(sample(), folder.path().join("film.mp4")).unwrap();
        reader.set(|state| state.fails = Some(cause));
        let (live, _) = reader.open(folder.path());
        let told = || live.catalog().title("film").unwrap_err();
        let words = cause().to_string();
        assert_eq!(told(), LookupError::NotYet(words.clone()));
        live.reload(&BTreeSet::new(), Effort::Step).unwrap();
        assert_eq!(told(), LookupError::NotYet(words), "and when it was not tried again");
        assert_eq!(live.pending(), Pending::Failed);
        live.reload(&["film.mp4".to_owned()].into(), Effort::Step).unwrap();
        assert_eq!(told(), LookupError::NotYet("it is still being written".into()));
    }
}

#[test]
fn a_file_that_comes_is_tried_again_soon_however_long_another_fails() {
    let (folder, reader) = (tempfile::tempdir().unwrap(), Reader::default());
    fs::copy(sample(), folder.path().join("bad.mp4")).unwrap();
    reader.set(|state| state.fails = Some(NO_DESCRIPTORS));
    let (live, mut following) = reader.open(folder.path());
    let start = Instant::now();
    reads(&mut following, start, Duration::from_hours(10));
    let start = start + Duration::from_hours(10);
    fs::copy(sample(), folder.path().join("film.mp4")).unwrap();
    reads(&mut following, start, Duration::from_secs(3));
    assert_eq!(live.catalog().skipped().len(), 2, "it came, and could not be read");
    reader.set(|state| state.fails = None);
    reads(&mut following, start + Duration::from_secs(3), Duration::from_secs(10));
    assert_eq!(titles(&live), ["bad", "film"]);
}

#[test]
fn attack_what_takes_long_and_goes_is_ended_and_keeps_no_other_waiting() {
    let (folder, reader) = (tempfile::tempdir().unwrap(), Reader::default());
    let (a, b) = (folder.path().join("a_long.mkv"), folder.path().join("b_long.mkv"));
    fs::copy(sample(), &a).unwrap();
    longer_sample(&b, 1000);
    let (hold, gate) = crossbeam_channel::bounded::<()>(0);
    let (ended, is_ended) = crossbeam_channel::unbounded();
    reader.set(|state| (state.takes, state.gate, state.ended) = (Duration::from_hours(1), Some(gate), Some(ended)));
    let (live, mut following) = reader.open(folder.path());
    let start = Instant::now();
    following.look(start);
    assert_eq!(live.long(), Some(false));
    replace(&a);
    longer_sample(&a, 2000);
    let size = fs::metadata(sample()).unwrap().len();
    reads(&mut following, start, Duration::from_secs(10));
    assert_eq!(is_ended.recv_timeout(Duration::from_mins(1)), Ok(size), "the one that was replaced");
    fs::remove_file(&b).unwrap();
    reads(&mut following, start + Duration::from_secs(10), Duration::from_secs(10));
    assert_eq!(is_ended.recv_timeout(Duration::from_mins(1)), Ok(size + 1000), "the next one, which is gone");
    drop(hold);
    live.wait_for_long();
    following.look(start + Duration::from_secs(20));
    assert_eq!(titles(&live), ["a_long"], "as it is now");
}
