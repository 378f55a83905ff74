//! What is written to a terminal to draw a play in it: bytes only, nothing is written here.
//!
//! ```text
//!   rows 1 …        the picture
//!                   captions, when there are any
//!                   one line of status
//!   the others      a scrolling region (DECSTBM): the conversation and the line that is typed
//! ```
//!
//! Whoever prints or edits below knows nothing of this: the region keeps it in its place, and each frame saves the
//! cursor before (DECSC) and restores it after (DECRC).

use std::io::Write as _;

use super::{
    blocks::HalfBlocks,
    files::{self, Kitty},
    graphics::Graphics,
    layout::Layout,
    picture::Picture,
    sixel::Sixel,
};

/// The most pixels that are sent of a picture, by protocols that send pixels: beyond them a terminal that draws
/// 25 pictures a second is a rare one.
const MOST_PIXELS: u32 = 960 * 540;

const BEGIN_AT_ONCE: &[u8] = b"\x1b[?2026h";
const END_AT_ONCE: &[u8] = b"\x1b[?2026l";

/// A key pressed with Alt comes as an escape and the key, as on other terminals: xterm makes another letter of it unless
/// it is told to. What was set before is kept there meanwhile. Terminals that do not know it ignore it.
const BEGIN_ALT: &[u8] = b"\x1b[?1036s\x1b[?1036h";
const END_ALT: &[u8] = b"\x1b[?1036r";
const SAVE_CURSOR: &[u8] = b"\x1b7";
const RESTORE_CURSOR: &[u8] = b"\x1b8";

/// Draws by one way of drawing.
#[derive(Debug)]
enum Brush {
    HalfBlocks(HalfBlocks),
    Sixel(Sixel),
    Kitty(Kitty),
    Iterm2,
}

/// The screen of a terminal while a play is drawn in it.
#[derive(Debug)]
pub(super) struct Canvas {
    brush: Brush,
    /// The terminal shows what stands between two marks at once.
    synchronized: bool,
    /// Nothing while the screen is the conversation's alone.
    layout: Option<Layout>,
    /// What stands in the rows below the picture: captions, then the status.
    lines: Vec<String>,
    /// Something else was written over it.
    spoilt: bool,
}

impl Canvas {
    pub(super) fn new(graphics: Graphics, synchronized: bool) -> Self {
        let brush = match graphics {
            Graphics::Kitty => Brush::Kitty(Kitty::default()),
            Graphics::Iterm2 => Brush::Iterm2,
            Graphics::Sixel { colours } => Brush::Sixel(Sixel::new(colours)),
            Graphics::HalfBlocks(depth) => Brush::HalfBlocks(HalfBlocks::new(depth)),
        };
        Self { brush, synchronized, layout: None, lines: Vec::new(), spoilt: false }
    }

    /// How the screen is parted, if it is.
    pub(super) fn layout(&self) -> Option<&Layout> {
        self.layout.as_ref()
    }

    /// What is on the screen is not known any more: it is to be parted anew.
    pub(super) fn spoil(&mut self) {
        self.spoilt = true;
    }

    pub(super) fn is_spoilt(&self) -> bool {
        self.spoilt
    }

    /// The size in which a picture is to be drawn, in pixels. What terminals enlarge themselves is not sent larger
    /// than it is.
    pub(super) fn pixels(&self, layout: &Layout, picture: (u32, u32)) -> (u32, u32) {
        let area = layout.pixels();
        let bounded = |(width, height): (u32, u32)| {
            let most = f64::from(MOST_PIXELS);
            let shrink = (most / (f64::from(width) * f64::from(height))).sqrt().min(1.0);
            let side = |side: u32| rounded(f64::from(side) * shrink);
            (side(width), side(height))
        };
        match &self.brush {
            Brush::HalfBlocks(_) => HalfBlocks::pixels(layout),
            // A terminal draws Sixel pixel by pixel, so a smaller picture would not fill its area.
            Brush::Sixel(_) => area,
            Brush::Kitty(_) | Brush::Iterm2 if picture.0 < area.0 => bounded(picture),
            Brush::Kitty(_) | Brush::Iterm2 => bounded(area),
        }
    }

    /// Parts the screen anew, and leaves the cursor at the beginning of the last row. What stood on the screen is
    /// scrolled away when it is the first time, else it was ours; the last lines of the conversation are written
    /// again.
    pub(super) fn part(&mut self, layout: Layout, recent: &[String], out: &mut Vec<u8>) {
        out.extend_from_slice(BEGIN_AT_ONCE);
        out.extend_from_slice(b"\x1b[0m\x1b[r");
        let Layout { size, .. } = layout;
        // A vector takes every write, here and below.
        let _ = write!(out, "\x1b[{};1H", size.rows);
        if self.layout.is_none() {
            out.extend_from_slice(BEGIN_ALT);
            out.extend(std::iter::repeat_n(b'\n', usize::from(size.rows)));
        }
        self.clear_pictures(out);
        let _ = write!(out, "\x1b[2J\x1b[{};{}r\x1b[{};1H", layout.text(), size.rows, size.rows);
        let room = usize::from(size.rows - layout.text());
        for line in recent.iter().skip(recent.len().saturating_sub(room)) {
            let _ = write!(out, "{line}\r\n");
        }
        out.extend_from_slice(END_AT_ONCE);
        self.layout = Some(layout);
        self.spoilt = false;
        self.lines.clear();
        self.forget();
    }

    /// Appends a frame, with the lines below it.
    pub(super) fn draw(&mut self, picture: &Picture, lines: &[String], out: &mut Vec<u8>) {
        let Some(layout) = self.layout else { return };
        self.begin(out);
        let _ = write!(out, "\x1b[1;{}H", layout.left);
        match &mut self.brush {
            Brush::HalfBlocks(blocks) => blocks.draw(picture, &layout, out),
            Brush::Sixel(sixel) => sixel.draw(picture, out),
            // A picture that cannot be packed is left out; it never came to that.
            Brush::Kitty(kitty) => {
                if let Ok(png) = picture.file(".png") {
                    kitty.draw(&png, &layout, out);
                }
            }
            Brush::Iterm2 => {
                if let Ok(jpeg) = picture.file(".jpg") {
                    files::draw_inline(&jpeg, &layout, out);
                }
            }
        }
        self.write_lines(&layout, lines, out);
        self.end(out);
    }

    /// Appends the lines below the picture alone.
    pub(super) fn tell(&mut self, lines: &[String], out: &mut Vec<u8>) {
        let Some(layout) = self.layout else { return };
        self.begin(out);
        self.write_lines(&layout, lines, out);
        self.end(out);
    }

    /// Gives the whole screen back to the conversation; nothing of the picture remains.
    pub(super) fn give_back(&mut self, out: &mut Vec<u8>) {
        let Some(layout) = self.layout.take() else { return };
        self.begin(out);
        self.clear_pictures(out);
        out.extend_from_slice(END_ALT);
        out.extend_from_slice(b"\x1b[0m\x1b[r");
        for row in 1..=layout.status() {
            let _ = write!(out, "\x1b[{row};1H\x1b[2K");
        }
        self.end(out);
        self.lines.clear();
        self.forget();
    }

    /// Captions above, the status last; only those that changed.
    fn write_lines(&mut self, layout: &Layout, lines: &[String], out: &mut Vec<u8>) {
        self.lines.resize(lines.len(), String::new());
        for ((row, line), shown) in (layout.rows + 1..=layout.status()).zip(lines).zip(&mut self.lines) {
            if line != shown {
                let width = u16::try_from(line.chars().count()).unwrap_or(u16::MAX);
                let is_status = row == layout.status();
                let column = if is_status { 1 } else { layout.size.columns.saturating_sub(width) / 2 + 1 };
                let _ = write!(out, "\x1b[{row};{column}H\x1b[2K\x1b[?7l{line}\x1b[0m\x1b[?7h");
                line.clone_into(shown);
            }
        }
    }

    fn begin(&self, out: &mut Vec<u8>) {
        if self.synchronized {
            out.extend_from_slice(BEGIN_AT_ONCE);
        }
        out.extend_from_slice(SAVE_CURSOR);
        if !self.synchronized {
            // Else the cursor is seen flying over the picture.
            out.extend_from_slice(b"\x1b[?25l");
        }
    }

    fn end(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(RESTORE_CURSOR);
        out.extend_from_slice(if self.synchronized { END_AT_ONCE } else { b"\x1b[?25h" });
    }

    fn clear_pictures(&self, out: &mut Vec<u8>) {
        if matches!(self.brush, Brush::Kitty(_)) {
            Kitty::clear(out);
        }
    }

    fn forget(&mut self) {
        if let Brush::HalfBlocks(blocks) = &mut self.brush {
            blocks.forget();
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float to integer cast saturates")]
fn rounded(pixels: f64) -> u32 {
    (pixels.round() as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            graphics::Depth,
            layout::{Size, USUAL_CELL, Wanted},
        },
        *,
    };

    const COLUMNS: u16 = 60;
    const ROWS: u16 = 20;

    fn layout(captions: u16) -> Layout {
        let wanted = Wanted { picture: (16, 9), captions, is_full: false };
        Layout::new(Size { columns: COLUMNS, rows: ROWS }, USUAL_CELL, wanted).unwrap()
    }

    fn canvas() -> Canvas {
        Canvas::new(Graphics::HalfBlocks(Depth::True), true)
    }

    fn red(canvas: &Canvas, layout: &Layout) -> Picture {
        let (width, height) = canvas.pixels(layout, (16, 9));
        let (width, height) = (width as usize, height as usize);
        Picture { width, height, data: [255, 0, 0].repeat(width * height) }
    }

    /// A screen full of lines, with a prompt in its last row.
    fn conversation() -> vt100::Parser {
        let mut screen = vt100::Parser::new(ROWS.try_into().unwrap(), COLUMNS.try_into().unwrap(), 100);
        (1..=30).for_each(|number| screen.process(format!("line {number}\r\n").as_bytes()));
        screen.process(b"to bob> half a");
        screen
    }

    fn texts(screen: &vt100::Parser) -> Vec<String> {
        screen.screen().rows(0, COLUMNS).map(|row| row.trim_end().to_owned()).collect()
    }

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_picture_stands_above_and_what_is_printed_scrolls_below() {
        let (mut screen, mut canvas) = (conversation(), canvas());
        let (layout, mut out) = (layout(0), Vec::new());
        canvas.part(layout, &lines(&["<bob> one", "<bob> two"]), &mut out);
        canvas.draw(&red(&canvas, &layout), &lines(&["the status"]), &mut out);
        screen.process(&out);
        screen.process(b"to bob> half a");
        for number in 0..30 {
            screen.process(format!("\r\x1b[K<bob> more {number}\r\nto bob> half a").as_bytes());
            let mut out = Vec::new();
            canvas.draw(&red(&canvas, &layout), &lines(&["the status"]), &mut out);
            screen.process(&out);
            assert_eq!(screen.screen().cursor_position(), (ROWS - 1, 14));
        }
        let middle = screen.screen().cell(layout.rows / 2, COLUMNS / 2).unwrap();
        assert_eq!(middle.bgcolor(), vt100::Color::Rgb(255, 0, 0));
        let texts = texts(&screen);
        assert_eq!(texts[usize::from(layout.status()) - 1], "the status");
        assert_eq!(texts[usize::from(layout.text()) - 1..][..2], ["<bob> more 25", "<bob> more 26"]);
        assert_eq!(texts[usize::from(ROWS) - 1], "to bob> half a");
    }

    #[test]
    fn the_conversation_before_is_written_again_and_the_screen_is_kept_above() {
        let (mut screen, mut canvas, mut out) = (conversation(), canvas(), Vec::new());
        canvas.part(layout(0), &lines(&["<bob> one", "<bob> two"]), &mut out);
        screen.process(&out);
        let shown = texts(&screen);
        assert_eq!(shown[usize::from(ROWS) - 3..], ["<bob> one", "<bob> two", ""]);
        assert_eq!(screen.screen().cursor_position(), (ROWS - 1, 0));
        screen.screen_mut().set_scrollback(usize::from(ROWS));
        assert_eq!(texts(&screen)[usize::from(ROWS) - 1], "to bob> half a");
    }

    #[test]
    fn nothing_of_the_picture_remains_when_the_play_ends() {
        let (mut screen, mut canvas, mut out) = (conversation(), canvas(), Vec::new());
        canvas.part(layout(1), &lines(&["<bob> one"]), &mut out);
        canvas.draw(&red(&canvas, &layout(1)), &lines(&["a caption", "the status"]), &mut out);
        out.extend_from_slice(b"> typed");
        canvas.give_back(&mut out);
        screen.process(&out);
        let shown = texts(&screen);
        assert!(shown[..usize::from(ROWS) - 2].iter().all(String::is_empty), "{shown:?}");
        assert_eq!(shown[usize::from(ROWS) - 2..], ["<bob> one", "> typed"]);
        let is_plain = |row, column| screen.screen().cell(row, column).unwrap().bgcolor() == vt100::Color::Default;
        assert!((0..ROWS).all(|row| (0..COLUMNS).all(|column| is_plain(row, column))));
        assert_eq!(screen.screen().cursor_position(), (ROWS - 1, 7));
        // The whole screen scrolls again.
        screen.process("\r\nx".repeat(usize::from(ROWS)).as_bytes());
        assert!(texts(&screen).iter().all(|row| row == "x"), "{:?}", texts(&screen));
        let mut again = Vec::new();
        canvas.give_back(&mut again);
        assert!(again.is_empty());
    }

    #[test]
    fn lines_are_written_when_they_change() {
        let (mut canvas, mut out) = (canvas(), Vec::new());
        canvas.part(layout(0), &[], &mut out);
        let picture = red(&canvas, &layout(0));
        let mut drawn = |line: &str| {
            let mut out = Vec::new();
            canvas.draw(&picture, &lines(&[line]), &mut out);
            String::from_utf8(out).unwrap().matches(line).count()
        };
        assert_eq!([drawn("0:01"), drawn("0:01"), drawn("0:02")], [1, 0, 1]);
    }

    #[test]
    fn pixels_are_bounded_and_never_more_than_the_picture_has_where_the_terminal_enlarges() {
        let large = Layout::new(
            Size { columns: 400, rows: 120 },
            (10, 20),
            Wanted { picture: (1920, 1080), captions: 0, is_full: true },
        )
        .unwrap();
        let of = |graphics, picture| Canvas::new(graphics, true).pixels(&large, picture);
        assert_eq!(of(Graphics::Kitty, (426, 240)), (426, 240));
        let (width, height) = of(Graphics::Kitty, (7680, 4320));
        assert!(width * height <= MOST_PIXELS + 2000 && (width * 9).abs_diff(height * 16) < 100, "{width}×{height}");
        assert_eq!(of(Graphics::Sixel { colours: 256 }, (426, 240)), large.pixels());
    }
}
