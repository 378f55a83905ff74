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
use opencv::{core::Vector, imgcodecs, prelude::*};
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

/// The font that every X server has, in pixels.
const CELL: (usize, usize) = (6, 13);

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

    fn part(&self, (left, top): (usize, usize), (width, height): (usize, usize)) -> Self {
        let rows = (top..top + height).flat_map(|y| (left..left + width).flat_map(move |x| self.pixel(x, y)));
        Self { width, height, bgr: rows.copied().collect() }
    }

    /// Whether squares of 16 × 16 pixels have about the colours of another picture of this size: it was drawn with few and
    /// large pixels, and in few colours.
    fn is_about(&self, other: &Self) -> bool {
        let places = || (0..self.height / 16).flat_map(|y| (0..self.width / 16).map(move |x| (x * 16, y * 16)));
        let differs = |(x, y): (usize, usize)| {
            let (here, there) = (self.mean(x, y), other.mean(x, y));
            here.iter().zip(there).any(|(here, there)| here.abs_diff(there) > 48)
        };
        places().filter(|place| differs(*place)).count() * 20 < places().count()
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
        "120x40+0+0",
        "-b",
        "0",
        "-bw",
        "0",
        "-bg",
        "black",
        "-fg",
        "white",
        "-fn",
        "fixed",
        "-e",
    ]);
    command.args(["sh", "-c", "stty raw -echo; cat \"$0\"; exec sleep 600"]).arg(&came).env("DISPLAY", &screen.name);
    let (_xterm, _) = Bare::start({
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    });
    let (rows, columns) = alice.picture();
    let place = (columns.start * CELL.0, rows.start * CELL.1);
    let size = (columns.len() * CELL.0, rows.len() * CELL.1);
    let wanted = Picture::of_sample(250, (size.0.try_into().unwrap(), size.1.try_into().unwrap()));
    screen.see("terminal, frame 250", |seen| seen.part(place, size).is_about(&wanted));
}
