//! Windows and terminals as a display shows them: a virtual one (Xvfb), whose every pixel is in a file. With `SECURESTREAM_PICTURES` set to
//! a folder, what was seen is kept there for a person to look at.

use std::{
    fs,
    io::BufRead as _,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use ffmpeg::{codec, format, format::Pixel, frame, media, software::scaling};
use opencv::{
    core::{Size, Vector},
    imgcodecs, imgproc,
    prelude::*,
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    home::Home,
    process::{Bare, Process, hub, samples},
    screen::{Seat, has},
    support::schema::Schema,
};

const SCREEN: (usize, usize) = (1400, 900);

/// How large the window of a picture of 426 × 240 is at first, in pixels.
const WINDOW: (u32, u32) = (958, 540);

/// The pointer's pixels, three parts each, are always there.
const POINTER: usize = 1000;

/// Columns and rows of the terminal.
const CHARACTERS: (usize, usize) = (120, 40);

/// How many of 1000 halves of characters may have another colour than the frame has there.
const MOST_OTHER: usize = 5;

/// How long a picture may take to be drawn.
const GUARD: Duration = Duration::from_mins(1);

/// A display without a screen.
struct Xvfb {
    name: String,
    _server: Bare,
    folder: TempDir,
}

impl Xvfb {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (width, height) = SCREEN;
        let mut command = Command::new("Xvfb");
        command.args([
            "-displayfd",
            "1",
            "-nolisten",
            "tcp",
            "-screen",
            "0",
            &format!("{width}x{height}x24"),
            "-fbdir",
        ]);
        command.arg(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (server, mut output) = Bare::start(command);
        let mut number = String::new();
        output.read_line(&mut number).unwrap();
        Self { name: format!(":{}", number.trim()), _server: server, folder }
    }

    /// What is on the screen.
    fn look(&self) -> Picture {
        let file = fs::read(self.folder.path().join("Xvfb_screen0")).unwrap();
        // The format of xwd, version 7: a header of 32-bit words, colours of 12 bytes, then the pixels.
        let word = |place: usize| {
            let bytes = file[place * 4..place * 4 + 4].try_into().unwrap();
            usize::try_from(u32::from_be_bytes(bytes)).unwrap()
        };
        let (header, version, depth, width, height) = (word(0), word(1), word(11), word(4), word(5));
        assert_eq!((version, depth, (width, height)), (7, 32, SCREEN));
        let (line, colours) = (word(12), word(19));
        let pixels = &file[header + colours * 12..];
        let rows = pixels.chunks(line).take(height);
        let bgr = rows.flat_map(|row| row.chunks(4).take(width).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]));
        Picture { width, height, bgr: bgr.collect() }
    }

    /// What is on the screen once it is as wanted. What is drawn is told to nobody, so this looks again and again.
    fn see(&self, what: &str, is_there: impl Fn(&Picture) -> bool) -> Picture {
        let end = Instant::now() + GUARD;
        loop {
            let picture = self.look();
            if is_there(&picture) {
                picture.keep(what);
                return picture;
            }
            if Instant::now() > end {
                picture.keep("unexpected");
                panic!("{what} is not on the screen");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Blue, green and red of each pixel, row by row.
struct Picture {
    width: usize,
    height: usize,
    bgr: Vec<u8>,
}

impl Picture {
    /// The sample's frame of this number, as ffmpeg has it, of this size.
    fn of_sample(number: usize, size: (u32, u32)) -> Self {
        let mut input = format::input(&Path::new(&samples()).join("mandelbrot_240p.mp4")).unwrap();
        let stream = input.streams().best(media::Type::Video).unwrap();
        let (index, context) = (stream.index(), codec::Context::from_parameters(stream.parameters()).unwrap());
        let mut decoder = context.decoder().video().unwrap();
        let (mut picture, mut frames) = (frame::Video::empty(), 0..);
        for (stream, packet) in input.packets() {
            if stream.index() != index {
                continue;
            }
            decoder.send_packet(&packet).unwrap();
            while decoder.receive_frame(&mut picture).is_ok() {
                if frames.next() == Some(number) {
                    return Self::of(&picture, size);
                }
            }
        }
        panic!("there is no frame {number}")
    }

    fn of(decoded: &frame::Video, (width, height): (u32, u32)) -> Self {
        let from = (decoded.width(), decoded.height());
        let (format, flags) = (decoded.format(), scaling::Flags::AREA);
        let mut scaler = scaling::Context::get(format, from.0, from.1, Pixel::BGR24, width, height, flags).unwrap();
        let mut frame = frame::Video::empty();
        scaler.run(decoded, &mut frame).unwrap();
        let (width, height) = (width as usize, height as usize);
        let rows = frame.data(0).chunks(frame.stride(0)).take(height);
        Self { width, height, bgr: rows.flat_map(|row| &row[..width * 3]).copied().collect() }
    }

    fn keep(&self, name: &str) {
        let Some(folder) = std::env::var_os("SECURESTREAM_PICTURES") else { return };
        let image = Mat::from_slice(&self.bgr).unwrap();
        let image = image.reshape(3, i32::try_from(self.height).unwrap()).unwrap();
        let file = Path::new(&folder).join(format!("{name}.png"));
        assert!(imgcodecs::imwrite(file.to_str().unwrap(), &image, &Vector::new()).unwrap());
    }

    fn pixel(&self, x: usize, y: usize) -> &[u8] {
        &self.bgr[(y * self.width + x) * 3..][..3]
    }

    /// The mean of a square of 16 × 16 pixels, by colour.
    fn mean(&self, left: usize, top: usize) -> [usize; 3] {
        let pixels = || (top..top + 16).flat_map(move |y| (left..left + 16).map(move |x| self.pixel(x, y)));
        [0, 1, 2].map(|colour| pixels().map(|pixel| usize::from(pixel[colour])).sum::<usize>() / 256)
    }

    /// Width and height of a character, when nothing but a terminal is on the screen, at its upper left, on a ground that is
    /// not black.
    fn cell(&self) -> (usize, usize) {
        let is_lit = |x, y| self.pixel(x, y).iter().any(|part| *part > 0);
        let width = (0..self.width).rev().find(|x| (0..self.height).any(|y| is_lit(*x, y)));
        let height = (0..self.height).rev().find(|y| (0..self.width).any(|x| is_lit(x, *y)));
        let side = |last: Option<usize>, count: usize| last.map_or(1, |last| (last + 1) / count).max(1);
        (side(width, CHARACTERS.0), side(height, CHARACTERS.1))
    }

    /// What a terminal shows in half blocks, from this character on: one pixel for each half, from its midst.
    fn halves(&self, (left, top): (usize, usize), (columns, rows): (usize, usize)) -> Self {
        let (width, height) = self.cell();
        let lines = (0..rows * 2).map(|half| (top * 2 + half) * height / 2 + height / 4);
        let pixels = lines.flat_map(|y| (left..left + columns).flat_map(move |x| self.pixel(x * width + width / 2, y)));
        Self { width: columns, height: rows * 2, bgr: pixels.copied().collect() }
    }

    /// Smaller: each pixel is the mean of those that it stands for.
    fn averaged(&self, (width, height): (usize, usize)) -> Self {
        let side = |pixels: usize| i32::try_from(pixels).unwrap();
        let large = Mat::from_slice(&self.bgr).unwrap();
        let (large, mut small) = (large.reshape(3, side(self.height)).unwrap(), Mat::default());
        imgproc::resize(&large, &mut small, Size::new(side(width), side(height)), 0.0, 0.0, imgproc::INTER_AREA)
            .unwrap();
        Self { width, height, bgr: small.data_bytes().unwrap().to_vec() }
    }

    /// How many of 1000 pixels have another colour than those of another picture of this size, which was scaled by other
    /// means.
    fn differs(&self, other: &Self) -> usize {
        assert_eq!((self.width, self.height), (other.width, other.height));
        let pairs = || self.bgr.chunks(3).zip(other.bgr.chunks(3));
        let is_other = |(here, there): &(&[u8], &[u8])| here.iter().zip(*there).any(|(a, b)| a.abs_diff(*b) > 16);
        pairs().filter(is_other).count() * 1000 / pairs().count()
    }

    /// Whether this shows the whole of another picture at its upper left, but for words at its upper and lower edge.
    /// It was made larger by other means, so colours may differ a little.
    fn shows(&self, picture: &Self) -> bool {
        let (rows, columns) = ((picture.height / 4)..(picture.height * 3 / 4), 0..picture.width - 16);
        rows.step_by(16).all(|y| {
            columns.clone().step_by(16).all(|x| {
                let (here, there) = (self.mean(x, y), picture.mean(x, y));
                here.iter().zip(there).all(|(here, there)| here.abs_diff(there) <= 12)
            })
        })
    }
}

#[test]
fn a_window_shows_the_frames_that_the_file_has() {
    let screen = Xvfb::start();
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--videos", &samples()]);
    let mut command = home.command(&["connect", &url, "--name", "alice", "--ephemeral", "--json"]);
    command.env("DISPLAY", &screen.name).env_remove("WAYLAND_DISPLAY").env_remove("QT_QPA_PLATFORM");
    let mut alice = Process::start(command, "alice", Schema::Member);
    alice.say("play mandelbrot mode=240 display=window");
    alice.wait(json!({"event": "display", "kind": "window"}));
    alice.wait(json!({"event": "play_started"}));
    alice.say("pause");
    alice.wait(json!({"event": "play_paused"}));
    for (seconds, number) in [(2, 50), (10, 250)] {
        alice.say(&format!("seek {seconds}"));
        alice.wait(json!({"event": "play_seeked", "at": f64::from(seconds)}));
        let wanted = Picture::of_sample(number, WINDOW);
        screen.see(&format!("window, frame {number}"), |seen| seen.shows(&wanted));
    }
    alice.say("stop");
    alice.wait(json!({"event": "play_ended", "reason": "stopped"}));
    screen.see("window, closed", |seen| seen.bgr.iter().filter(|part| **part > 0).count() < POINTER);
    alice.finished().with(0, "");
}

/// What a terminal is sent for a paused frame, shown by a real one.
#[test]
fn xterm_shows_the_frames_that_the_file_has() {
    let home = Home::new();
    let (_hub, url) = hub(&home, &["--videos", &samples()]);
    let mut alice = Seat::start(&home, &url, 40, 120, &[]);
    alice.see("the menu", |screen| has(screen, "/help lists them"));
    alice.press("/play mandelbrot mode=240 display=terminal\r");
    alice.see("a picture", |screen| has(screen, "mandelbrot  0:0"));
    alice.press("/pause\r");
    alice.see("a pause", |screen| has(screen, "paused"));
    alice.press("/seek 10\r");
    alice.see("another place", |screen| has(screen, "is at 0:10") && has(screen, "0:10 / 0:12"));
    let came = home.path("came");
    fs::write(&came, alice.came()).unwrap();

    let screen = Xvfb::start();
    let mut command = Command::new("xterm");
    command.args([
        "-geometry",
        &format!("{}x{}+0+0", CHARACTERS.0, CHARACTERS.1),
        "-b",
        "0",
        "-bw",
        "0",
        // Where it shows nothing it is still told from the screen.
        "-bg",
        "#000040",
        "-fg",
        "white",
        // The font that an X server has by itself has no half blocks.
        "-fa",
        "monospace",
        "-fs",
        "8",
        // Whatever the locale is here: half blocks are no ASCII.
        "-u8",
        "-e",
    ]);
    command
        .args(["sh", "-c", "stty raw -echo; cat \"$0\"; exec sleep 600"])
        .arg(&came)
        .env("DISPLAY", &screen.name)
        .env("LC_ALL", "C.UTF-8");
    let (_xterm, _) = Bare::start({
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    });
    let (rows, columns) = alice.picture();
    let (place, size) = ((columns.start, rows.start), (columns.len(), rows.len()));
    let wanted = Picture::of_sample(250, (426, 240)).averaged((size.0, size.1 * 2));
    screen.see("terminal, frame 250", |seen| seen.halves(place, size).differs(&wanted) < MOST_OTHER);
}
