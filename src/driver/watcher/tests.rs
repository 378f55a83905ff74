//! Folders that are heard of, and folders that are not.

use std::{
    fs,
    sync::{Mutex, atomic::AtomicUsize},
};

use super::*;

/// Longer than any step takes on a machine that is busy elsewhere.
const GUARD: Duration = Duration::from_mins(1);

/// A follower whose looks are counted and answered by `answer`, and which hears what `listen` lets it.
fn follower(answer: impl FnMut(Instant) -> Followed + Send + 'static, listen: Box<Listen>) -> (Follower, Told) {
    let (signals, told) = signals();
    let watch = Watch { folder: PathBuf::from("videos"), follow: Box::new(answer) };
    (Follower::new(watch, signals, listen), told)
}

fn hears() -> Box<Listen> {
    Box::new(|_, _| Ok(Box::new(())))
}

#[test]
fn a_folder_that_is_heard_of_is_looked_at_once_and_then_when_something_is_heard() {
    let (mut follower, _told) = follower(|_| Followed::default(), hears());
    let start = clock::now();
    assert_eq!(follower.times.next_look(start), Some(start), "at once");
    follower.look(start);
    assert_eq!(follower.times.next_look(start), None, "until something is heard");
    for _ in 0..1000 {
        follower.take(Signal::Heard).unwrap();
    }
    assert_eq!(follower.times.next_look(start), Some(start + LOOK_INTERVAL), "however much");
    follower.look(start + LOOK_INTERVAL);
    assert_eq!(follower.times.next_look(start), None);
    assert!(follower.take(Signal::End).is_none());
}

#[test]
fn a_look_that_is_asked_for_comes_without_a_sound_and_never_in_a_rush() {
    let start = clock::now();
    let wanted = Arc::new(Mutex::new(Some(start + GUARD)));
    let answers = Arc::clone(&wanted);
    let (mut follower, _told) =
        follower(move |_| Followed { again: *answers.lock().unwrap(), ..Followed::default() }, hears());
    follower.look(start);
    assert_eq!(follower.times.next_look(start), Some(start + GUARD));
    *wanted.lock().unwrap() = Some(start);
    follower.look(start);
    assert_eq!(follower.times.next_look(start), Some(start + LOOK_INTERVAL));
}

#[test]
fn a_folder_that_is_not_heard_of_is_looked_at_now_and_then_until_it_is() {
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let listen = move |_: &Path, _: &Signals| -> Result<Ears, String> {
        match counted.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Err("all watches are in use".to_owned()),
            _ => Ok(Box::new(())),
        }
    };
    let (mut follower, _told) = follower(|_| Followed::default(), Box::new(listen));
    let start = clock::now();
    for round in 0..2 {
        let now = start + DEAF_INTERVAL * round;
        follower.look(now);
        assert!(follower.is_deafness_told);
        assert_eq!(follower.times.next_look(start), Some(now + DEAF_INTERVAL));
    }
    follower.look(start + DEAF_INTERVAL * 2);
    assert_eq!((follower.times.next_look(start), tries.load(Ordering::Relaxed)), (None, 3), "watches became free");
}

#[test]
fn a_folder_that_went_away_is_waited_for() {
    let is_gone = Arc::new(Mutex::new(true));
    let answers = Arc::clone(&is_gone);
    let (mut follower, _told) =
        follower(move |_| Followed { is_gone: *answers.lock().unwrap(), ..Followed::default() }, hears());
    let start = clock::now();
    follower.look(start);
    assert_eq!(follower.times.next_look(start), Some(start + DEAF_INTERVAL));
    *is_gone.lock().unwrap() = false;
    follower.look(start + DEAF_INTERVAL);
    assert_eq!(follower.times.next_look(start), None);
    follower.take(Signal::Lost).unwrap();
    assert!(follower.ears.is_none(), "what is heard now would be of the folder that was moved away");
}

#[test]
fn what_is_done_in_a_folder_is_heard_and_looking_at_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let videos = folder.path().join("videos");
    fs::create_dir(&videos).unwrap();
    fs::write(videos.join("old.mp4"), "old").unwrap();
    let listened = || {
        let (sender, told) = unbounded();
        let Ok(ears) = hear(&videos, move |signal| sender.send(signal).unwrap_or_default()) else {
            panic!("a local folder can be heard of")
        };
        (ears, told)
    };
    let (ears, told) = listened();
    fs::write(videos.join("new.mp4"), "new").unwrap();
    assert_eq!(told.recv_timeout(GUARD), Ok(Signal::Heard));
    drop(ears);
    let (_ears, told) = listened();
    fs::read(videos.join("old.mp4")).unwrap();
    fs::read_dir(&videos).unwrap().for_each(drop);
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&videos, &elsewhere).unwrap();
    assert_eq!(told.recv_timeout(GUARD), Ok(Signal::Lost), "this is the first that is heard");
}

#[test]
fn a_folder_that_is_named_by_way_of_another_is_reached_by_no_link() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path().canonicalize().unwrap();
    for folder in ["videos", "beside", "far/away"] {
        fs::create_dir_all(place.join(folder)).unwrap();
    }
    std::os::unix::fs::symlink("far/away", place.join("link")).unwrap();
    fs::create_dir(place.join("far/videos")).unwrap();
    let is_by_link = |folder: &str| {
        let (mut follower, _told) = follower(|_| Followed::default(), hears());
        follower.watch.folder = place.join(folder);
        let start = clock::now();
        follower.look(start);
        follower.times.next_look(start) == Some(start + DEAF_INTERVAL)
    };
    assert!(!is_by_link("videos") && !is_by_link("beside/../videos") && !is_by_link("beside/.././videos"));
    assert!(is_by_link("link/../videos") && is_by_link("link"));
}

#[test]
fn a_link_that_leads_to_another_folder_now_is_noticed_and_that_one_is_heard() {
    let place = tempfile::tempdir().unwrap();
    // Also one that leads to a folder in which the other is.
    for (link, folder) in [("videos", "videos"), ("release", "release/videos")] {
        for target in ["one", "two"] {
            fs::create_dir_all(place.path().join(link.to_owned() + target).join("videos")).unwrap();
        }
        let lead_to = |target: &str| {
            std::os::unix::fs::symlink(link.to_owned() + target, place.path().join("new")).unwrap();
            fs::rename(place.path().join("new"), place.path().join(link)).unwrap();
        };
        lead_to("one");
        let folder = place.path().join(folder);
        let (signals, told) = signals();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (places, path) = (Arc::clone(&seen), folder.clone());
        let follow = move |_| {
            places.lock().unwrap().push(path.canonicalize().unwrap());
            Followed::default()
        };
        let watch = Watch { folder: folder.clone(), follow: Box::new(follow) };
        let mut follower = Follower::new(watch, signals, Box::new(listen));
        let start = clock::now();
        follower.look(start);
        assert_eq!(follower.times.next_look(start), Some(start + DEAF_INTERVAL), "it is looked at without a sound");
        lead_to("two");
        follower.look(start + DEAF_INTERVAL);
        let seen = seen.lock().unwrap().clone();
        assert!(matches!(&seen[..], [one, two] if one != two), "{seen:?}");
        // What was heard so far can be of the folder before.
        while told.next(Some(Instant::now())).is_ok() {}
        fs::write(folder.join("new.mp4"), "new").unwrap();
        assert_eq!(told.next(Some(Instant::now() + GUARD)), Ok(Signal::Heard), "{folder:?}");
    }
}

#[test]
fn what_is_told_while_the_thread_reads_is_noted_once_and_not_lost() {
    let (signals, told) = signals();
    for _ in 0..1000 {
        signals.send(Signal::Heard);
    }
    assert_eq!((told.next(None), told.bell.len()), (Ok(Signal::Heard), 0), "one note for all of them");
    signals.send(Signal::Heard);
    signals.send(Signal::Lost);
    signals.send(Signal::Heard);
    assert_eq!((told.next(None), told.bell.len()), (Ok(Signal::Lost), 0));
    signals.send(Signal::Heard);
    assert_eq!(told.next(None), Ok(Signal::Heard), "it was lost once");
    signals.send(Signal::Heard);
    signals.send(Signal::End);
    assert_eq!(told.next(None), Ok(Signal::End));
}

#[test]
fn looking_at_files_alone_is_not_heard() {
    let opened = notify::Event::new(EventKind::Access(AccessKind::Open(AccessMode::Any))).add_path("videos/a".into());
    assert_eq!(meaning(&opened, Path::new("videos")), None);
    let written = notify::Event::new(EventKind::Access(AccessKind::Close(AccessMode::Write)));
    assert_eq!(meaning(&written, Path::new("videos")), Some(Signal::Heard));
}

#[test]
fn a_thread_reads_when_it_is_told_to_and_ends_with_its_handle() {
    let folder = tempfile::tempdir().unwrap();
    let system = mio::Poll::new().unwrap();
    let notifier = Notifier::new(system.registry(), mio::Token(0)).unwrap();
    let (dropped, alive) = bounded::<()>(0);
    let follow = move |_: Instant| {
        let _lives_as_long_as_the_thread = &dropped;
        Followed { read: Some(Ok(Reloaded { titles: 7, ..Reloaded::default() })), ..Followed::default() }
    };
    let watch = Watch { folder: folder.path().to_owned(), follow: Box::new(follow) };
    let watcher = Watcher::start(watch, notifier).unwrap();
    assert_eq!(watcher.answers.recv_timeout(GUARD).unwrap().unwrap().titles, 7);
    drop(watcher);
    assert_eq!(alive.recv_timeout(GUARD), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn a_temporary_folder_is_of_this_machine_and_numbers_are_known() {
    assert_eq!(remote_kind(&std::env::temp_dir()), None);
    assert!(REMOTE.iter().all(|(number, name)| *number > 0 && !name.is_empty()));
}
