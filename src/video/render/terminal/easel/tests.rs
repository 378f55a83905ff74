//! An easel before a terminal that remembers what is written to it.

use std::{
    io,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use super::*;
use crate::video::{
    pixel_aspect::PixelAspect,
    render::terminal::{graphics::Depth, layout::Size},
    testing::frame,
};

/// A terminal of 80 × 20 characters.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Tty for Paper {
    fn size(&self) -> Option<(Size, Option<(u16, u16)>)> {
        Some((Size { columns: 80, rows: 20 }, None))
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().extend(bytes);
        Ok(())
    }
}

impl Paper {
    /// What was written since this was asked last.
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// How much that is.
    fn written(&self) -> usize {
        self.take().len()
    }
}

/// An easel with a play that has drawn its first frame, and the number of its display.
fn drawn() -> (Arc<Easel>, Paper, u64) {
    drawn_on(Answers::default(), false)
}

/// The same in a terminal that answered so.
fn drawn_on(answers: Answers, is_far: bool) -> (Arc<Easel>, Paper, u64) {
    let paper = Paper::default();
    let graphics = Graphics::HalfBlocks(Depth::True);
    let easel = Arc::new(Easel::new(Box::new(paper.clone()), graphics, answers, is_far));
    let display = easel.enter();
    easel.take(display, &Closer::new(crossbeam_channel::unbounded().0));
    easel.draw(display, &frame(90, 0), vec![String::new()]).unwrap();
    assert!(paper.written() > 300, "a screen of characters");
    (easel, paper, display)
}

fn is_parted(easel: &Easel) -> bool {
    easel.drawing().canvas.layout().is_some()
}

#[test]
fn no_frame_is_drawn_any_more_once_the_screen_was_given_back() {
    let (easel, paper, display) = drawn();
    assert!(is_parted(&easel));
    easel.leave(display);
    assert!(!is_parted(&easel) && paper.written() > 0);
    assert!(easel.draw(display, &frame(90, 1), vec![String::new()]).is_err());
    assert!(!is_parted(&easel));
    assert_eq!(paper.written(), 0);
}

#[test]
fn a_screen_that_is_given_back_while_it_is_drawn_on_is_not_parted_again() {
    let (easel, paper, _) = drawn();
    let drawing = easel.drawing();
    easel.redraw();
    // As at an exit, which does not wait.
    easel.give_back_now();
    drop(drawing);
    easel.draw_behind();
    assert_eq!(paper.written(), 0);
}

/// Presses keys while the terminal takes nothing. A thread of its own does, so that a key that waits fails the test.
fn press_while_drawing(easel: &Arc<Easel>) {
    let drawing = easel.drawing();
    let (sender, pressed) = mpsc::channel();
    let editor = thread::spawn({
        let easel = Arc::clone(easel);
        move || {
            let is_of_player = easel.press(Key::Char('f'));
            easel.redraw();
            sender.send(is_of_player).unwrap();
        }
    });
    assert_eq!(pressed.recv_timeout(Duration::from_secs(10)), Ok(true), "keys do not wait for the terminal");
    editor.join().unwrap();
    assert!(easel.viewer().behind.must_redraw);
    drop(drawing);
}

#[test]
fn keys_do_not_wait_for_the_terminal_and_the_screen_is_drawn_anew_without_a_frame() {
    let (easel, paper, _) = drawn();
    let small = easel.drawing().canvas.layout().copied();
    press_while_drawing(&easel);
    // By this thread, or the one that the key began: whichever is first.
    easel.draw_behind();
    assert!(!easel.viewer().behind.must_redraw && paper.written() > 300);
    assert_ne!(easel.drawing().canvas.layout().copied(), small, "it fills the screen");
    easel.draw_behind();
    assert_eq!(paper.written(), 0, "once is enough");
}

#[test]
fn the_next_frame_draws_the_screen_anew_as_well() {
    let (easel, paper, display) = drawn();
    easel.draw(display, &frame(90, 0), vec![String::new()]).unwrap();
    assert!(paper.written() < 100, "nothing has changed");
    easel.viewer().behind.must_redraw = true;
    easel.draw(display, &frame(90, 0), vec![String::new()]).unwrap();
    assert!(paper.written() > 300 && !easel.viewer().behind.must_redraw);
}

#[test]
fn pixels_that_are_not_square_take_the_room_that_they_are_seen_in() {
    let (easel, _, display) = drawn();
    let columns = |pixels| {
        let frame = frame(90, 1).stretched(pixels);
        easel.draw(display, &frame, vec![String::new()]).unwrap();
        easel.drawing().canvas.layout().map(|layout| (layout.columns, layout.rows)).unwrap()
    };
    let square = columns(PixelAspect::SQUARE);
    let narrow = columns(PixelAspect::new(1, 2).unwrap());
    assert_eq!((narrow.0 * 2).abs_diff(square.0), 0, "{narrow:?} of {square:?}");
    assert_eq!(narrow.1, square.1);
}

#[test]
fn a_terminal_far_away_is_asked_behind_each_picture_and_gets_two_before_it_answers() {
    let answers = Answers { finds_cursor: true, ..Answers::default() };
    let (easel, paper, display) = drawn_on(answers.clone(), true);
    assert!(easel.takes());
    easel.draw(display, &frame(90, 0), vec![String::new()]).unwrap();
    assert!(paper.take().ends_with(backlog::QUESTION));
    assert!(!easel.takes());
    easel.answered();
    assert!(easel.takes() && easel.unanswered() == 1);
    // Its status alone is small.
    easel.tell(display, vec!["paused".into()]).unwrap();
    assert!(!paper.take().ends_with(backlog::QUESTION));
    for (answers, is_far) in [(answers, false), (Answers::default(), true)] {
        let (easel, paper, display) = drawn_on(answers, is_far);
        easel.draw(display, &frame(90, 0), vec![String::new()]).unwrap();
        assert!(easel.takes() && !paper.take().ends_with(backlog::QUESTION));
    }
}

/// A terminal far away that has been sent two pictures, and answers nothing.
fn behind() -> (Arc<Easel>, Paper, u64) {
    let answers = Answers { finds_cursor: true, ..Answers::default() };
    let (easel, paper, display) = drawn_on(answers, true);
    assert!(easel.draw(display, &frame(90, 0), vec![String::new()]).unwrap().is_some());
    paper.take();
    (easel, paper, display)
}

/// By this thread, or the one that was begun: whichever is first.
fn catch_up(easel: &Easel) {
    easel.draw_behind();
    assert!(easel.viewer().behind.late.is_none() && !easel.viewer().behind.must_redraw);
}

#[test]
fn of_the_frames_that_a_terminal_far_away_has_no_room_for_the_newest_is_drawn_when_it_answers() {
    let (easel, paper, display) = behind();
    for number in 0..60 {
        let drawn = easel.draw(display, &frame(90, number), vec![format!("step {number}")]).unwrap();
        assert!(drawn.is_none(), "step {number}");
    }
    assert_eq!((paper.written(), easel.unanswered()), (0, 2), "however often the viewer steps on");
    easel.answered();
    catch_up(&easel);
    let came = paper.take();
    assert!(came.ends_with(backlog::QUESTION) && easel.unanswered() == 2);
    let words = String::from_utf8_lossy(&came);
    assert!(words.contains("step 59") && !words.contains("step 58"), "{words}");
    easel.answered();
    easel.draw_behind();
    assert_eq!(paper.written(), 0, "once");
}

#[test]
fn a_screen_that_is_drawn_anew_is_a_picture_on_its_way_as_any_other() {
    let (easel, paper, _) = behind();
    for _ in 0..3 {
        easel.redraw();
        easel.draw_behind();
    }
    assert_eq!((paper.written(), easel.unanswered()), (0, 2), "there is no room for it");
    easel.answered();
    catch_up(&easel);
    assert!(paper.take().ends_with(backlog::QUESTION) && easel.unanswered() == 2);
}

#[test]
fn while_the_screen_is_somebody_elses_nothing_is_drawn_and_then_everything() {
    let (easel, paper, display) = behind();
    easel.suspend();
    assert!(!is_parted(&easel) && paper.written() > 0);
    assert!(easel.draw(display, &frame(90, 7), vec!["frame 7".into()]).unwrap().is_none());
    easel.tell(display, vec!["a pause".into()]).unwrap();
    easel.answered();
    easel.redraw();
    easel.draw_behind();
    assert_eq!(paper.written(), 0);
    easel.resume();
    catch_up(&easel);
    let came = paper.take();
    assert!(is_parted(&easel) && came.len() > 300 && String::from_utf8_lossy(&came).contains("a pause"));
    assert_eq!(easel.unanswered(), 1, "what was on its way is forgotten");
}

#[test]
fn a_frame_that_waits_for_a_terminal_goes_with_its_play() {
    let (easel, paper, display) = behind();
    assert!(easel.draw(display, &frame(90, 1), vec![String::new()]).unwrap().is_none());
    easel.leave(display);
    assert!(easel.viewer().behind.late.is_none() && paper.written() > 0);
    easel.answered();
    easel.draw_behind();
    assert_eq!(paper.written(), 0);
}

#[test]
fn statistics_come_without_a_frame_because_the_play_is_asked_for_its_status() {
    let (easel, _, display) = drawn();
    let (events, asked) = crossbeam_channel::unbounded();
    easel.take(display, &Closer::new(events));
    asked.try_iter().for_each(drop);
    assert!(easel.press(Key::Char('i')) && easel.has_statistics());
    let asked: Vec<_> = asked.try_iter().collect();
    assert!(matches!(asked[..], [crate::video::clock::Event::Asked(ViewerAction::ToggleStatistics)]), "{asked:?}");
}
