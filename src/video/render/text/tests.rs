use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};

use super::*;

/// A grey picture on which something was drawn.
struct Drawn {
    pixels: Vec<u8>,
    width: usize,
}

const GREY: u8 = 100;

fn draw_with(
    painter: &mut TextPainter,
    (width, height): (usize, usize),
    lines: &[&str],
    size: f32,
    anchor: Anchor,
) -> Drawn {
    let mut pixels = vec![GREY; width * height * 3];
    painter.draw(&mut Canvas::new(&mut pixels, width, height).unwrap(), lines, size, anchor);
    Drawn { pixels, width }
}

fn draw(size: (usize, usize), lines: &[&str], height: f32, anchor: Anchor) -> Drawn {
    draw_with(&mut TextPainter::embedded(), size, lines, height, anchor)
}

impl Drawn {
    /// The columns and rows that were touched: first and last of each.
    fn bounds(&self) -> Option<[usize; 4]> {
        let touched = self.pixels.chunks_exact(3).enumerate().filter(|(_, pixel)| pixel[0] != GREY);
        touched.map(|(place, _)| (place % self.width, place / self.width)).fold(None, |bounds, (x, y)| {
            let [left, right, top, bottom] = bounds.unwrap_or([x, x, y, y]);
            Some([left.min(x), right.max(x), top.min(y), bottom.max(y)])
        })
    }

    fn count(&self, value: u8) -> usize {
        self.pixels.chunks_exact(3).filter(|pixel| pixel == &[value; 3]).count()
    }
}

#[test]
fn a_caption_stands_centred_at_the_bottom_white_with_a_black_edge() {
    let drawn = draw((640, 360), &["Hello", "there, you"], 24.0, Anchor::Bottom);
    let [left, right, top, bottom] = drawn.bounds().unwrap();
    assert!(left.abs_diff(640 - right) <= 8, "{left} to {right}");
    assert!(left > 200 && top > 280 && bottom < 355, "{left} {top} {bottom}");
    assert!(drawn.count(255) > 100 && drawn.count(0) > 200, "{} {}", drawn.count(255), drawn.count(0));
}

#[test]
fn what_is_white_is_surrounded_by_what_is_not_brighter_than_before() {
    let drawn = draw((200, 60), &["lj.;"], 30.0, Anchor::Centre);
    let value = |x: usize, y: usize| drawn.pixels[(y * 200 + x) * 3];
    let [left, right, top, bottom] = drawn.bounds().unwrap();
    for x in left..=right {
        assert!(value(x, top) <= GREY && value(x, bottom) <= GREY, "column {x}");
    }
    for y in top..=bottom {
        assert!(value(left, y) <= GREY && value(right, y) <= GREY, "row {y}");
    }
}

#[test]
fn each_anchor_is_where_it_says() {
    let bounds = |anchor| draw((400, 300), &["word"], 20.0, anchor).bounds().unwrap();
    let cases = [
        (Anchor::TopLeft, true, true),
        (Anchor::TopRight, false, true),
        (Anchor::BottomLeft, true, false),
        (Anchor::BottomRight, false, false),
        (Anchor::At { x: 3, y: 5 }, true, true),
    ];
    for (anchor, is_left, is_top) in cases {
        let [left, right, top, bottom] = bounds(anchor);
        assert_eq!((right < 100, left > 300), (is_left, !is_left), "{anchor:?}");
        assert_eq!((bottom < 50, top > 250), (is_top, !is_top), "{anchor:?}");
    }
    let [left, _, top, bottom] = bounds(Anchor::Top);
    assert!(left > 150 && bottom < 50, "{left} {bottom} {top}");
}

#[test]
fn a_line_that_is_too_wide_is_broken_and_stays_inside() {
    let text = "a caption that is very much longer than the picture is wide, and then some";
    let drawn = draw((200, 200), &[text], 20.0, Anchor::Bottom);
    let [left, right, top, _] = drawn.bounds().unwrap();
    assert!(left > 0 && right < 199 && top < 120, "{left} {right} {top}");
    let one_word = "w".repeat(60);
    let [left, right, ..] = draw((200, 200), &[&one_word], 20.0, Anchor::Bottom).bounds().unwrap();
    assert!(left > 0 && right < 199, "{left} {right}");
}

#[test]
fn the_extent_is_what_is_drawn() {
    let mut painter = TextPainter::embedded();
    let canvas = Extent { width: 400, height: 300 };
    let extent = painter.measure(canvas, &["some words", "more"], 20.0, Anchor::TopLeft);
    assert_eq!(extent.height, 48, "two lines of 24");
    let [left, right, ..] = draw((400, 300), &["some words", "more"], 20.0, Anchor::TopLeft).bounds().unwrap();
    assert!((right - left).abs_diff(extent.width) <= 5, "{left} {right} {extent:?}");
}

#[test]
fn other_scripts_differ_from_each_other_and_from_the_sign_for_what_is_missing() {
    let of = |text: &str| draw((300, 60), &[text], 30.0, Anchor::Centre).pixels;
    let missing = of("\u{10ffff}");
    let scripts = ["Füße", "Привет", "שלום", "سلام", "Ωμέγα"].map(of);
    for (place, one) in scripts.iter().enumerate() {
        assert_ne!(one, &missing);
        assert!(!scripts[..place].contains(one), "script {place}");
    }
    assert_ne!(of("שלום"), of("םולש"), "reading from right to left");
}

#[test]
fn letters_that_join_are_joined() {
    let width = |text: &str| {
        let [left, right, ..] = draw((400, 80), &[text], 40.0, Anchor::Centre).bounds().unwrap();
        right - left
    };
    assert!(width("سسسس") < width("س\u{200c}س\u{200c}س\u{200c}س"), "Arabic has forms for the middle of a word");
}

#[test]
fn the_same_text_again_is_the_same_picture_and_is_not_shaped_anew() {
    let mut painter = TextPainter::embedded();
    let first = draw_with(&mut painter, (320, 180), &["once"], 20.0, Anchor::Bottom);
    let glyphs = painter.glyphs.len();
    let second = draw_with(&mut painter, (320, 180), &["once"], 20.0, Anchor::Bottom);
    assert!(first.pixels == second.pixels);
    assert_eq!((painter.layouts.len(), painter.glyphs.len()), (1, glyphs));
}

#[test]
fn what_is_kept_has_an_end() {
    let mut painter = TextPainter::embedded();
    painter.kept = MAX_GLYPHS - 5000;
    for number in 0..150_u8 {
        let text = char::from_u32(0x400 + u32::from(number)).unwrap().to_string();
        draw_with(&mut painter, (64, 32), &[&text], 8.0 + f32::from(number % 30), Anchor::Bottom);
        assert!(painter.layouts.len() <= MAX_LAYOUTS);
        assert!(painter.kept < MAX_GLYPHS + 5000, "{}", painter.kept);
    }
    assert!(painter.kept < MAX_GLYPHS / 2, "it began anew: {}", painter.kept);
}

#[test]
fn fonts_of_the_system_are_taken_once_they_are_known() {
    let mut painter = TextPainter::new();
    while fonts::with_system().is_none() {
        std::thread::yield_now();
    }
    let before = draw_with(&mut painter, (320, 180), &["Hello 你好 مرحبا"], 20.0, Anchor::Bottom);
    assert!(painter.has_system_fonts && before.bounds().is_some());
}

/// Some of everything that Unicode has: letters of all scripts, marks, formats, private use, nothing at all.
fn random_text(rng: &mut StdRng) -> String {
    const INTERESTING: [char; 12] =
        ['\u{202e}', '\u{2066}', '\u{200d}', '\u{0301}', '\u{1b}', '\0', '👩', '\u{1f3fd}', '你', 'ส', 'क', '\u{feff}'];
    let length = rng.random_range(0..40);
    (0..length)
        .filter_map(|_| match rng.random_range(0..4) {
            0 => Some(INTERESTING[rng.random_range(0..INTERESTING.len())]),
            1 => Some(' '),
            2 => char::from_u32(rng.random_range(0..0x3000)),
            _ => char::from_u32(rng.next_u32() % 0x11_0000),
        })
        .collect()
}

#[test]
fn any_text_and_size_can_be_drawn() {
    let mut rng = StdRng::seed_from_u64(49);
    let mut painter = TextPainter::embedded();
    let sizes = [(1, 1), (2, 90), (90, 2), (0, 0), (160, 90), (3, 3)];
    let anchors = [Anchor::Bottom, Anchor::TopRight, Anchor::At { x: -40, y: 1000 }, Anchor::At { x: 150, y: -5 }];
    for round in 0..100 {
        let (one, other) = (random_text(&mut rng), random_text(&mut rng));
        let height = if round == 7 { 1e9 } else { [0.0, 7.0, 20.0, f32::NAN][round % 4] };
        draw_with(&mut painter, sizes[round % 6], &[&one, &other], height, anchors[round % 4]);
    }
}

#[test]
fn a_canvas_has_as_many_bytes_as_its_size_says() {
    assert!(Canvas::new(&mut [0; 17], 2, 3).is_none());
    assert!(Canvas::new(&mut [0; 18], 2, 3).is_some());
    assert!(Canvas::new(&mut [], usize::MAX, usize::MAX).is_none());
}
