//! A hub and members as processes, and what they tell, each line with the moment when it came.

use std::{
    fs,
    io::{BufRead, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

const GUARD: Duration = Duration::from_mins(5);

/// How much is measured.
pub(crate) struct Sizes {
    /// Members that play while first frames are measured.
    pub members: usize,
    /// First frames.
    pub firsts: usize,
    pub seeks: usize,
    /// Messages for each figure about chat.
    pub messages: usize,
    /// The priority of members that are only there for others to be measured beside them, as `nice` counts.
    pub nice: usize,
}

impl Sizes {
    /// The usual, but for what `name=number` says.
    pub(crate) fn from(words: &[String]) -> Self {
        let given = |name: &str, usual: usize| {
            let value = words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            value.map_or(usual, |value| value.parse().expect("a number"))
        };
        Self {
            members: given("members", 100),
            firsts: given("firsts", 200),
            seeks: given("seeks", 1000),
            messages: given("messages", 300),
            nice: given("nice", 0),
        }
    }
}

/// A hub over a folder of videos made for this.
pub(crate) struct Hub {
    process: Child,
    pub url: String,
    lines: Receiver<(Instant, Value)>,
    /// Gone with the hub.
    folder: TempDir,
}

impl Hub {
    /// Over the project's sample, and what `prepare` puts beside it.
    pub(crate) fn start(prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let videos = folder.path().join("videos");
        fs::create_dir(&videos).expect("a folder");
        for entry in fs::read_dir(samples()).expect("the sample").flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "mp4") {
                fs::copy(entry.path(), videos.join(entry.file_name())).expect("a copy");
            }
        }
        prepare(&videos);
        let mut process = Command::new(env!("CARGO_BIN_EXE_securestream"))
            .args(["serve", "--listen", "tls://127.0.0.1:0", "--json", "--log", "error", "--videos"])
            .arg(&videos)
            .arg("--data-dir")
            .arg(folder.path().join("hub"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the hub starts");
        let lines = events(process.stdout.take().expect("piped"));
        let url = loop {
            let (_, line) = lines.recv_timeout(GUARD).expect("the hub listens");
            if line["event"] == "listening" {
                break line["url"].as_str().expect("a url").to_owned();
            }
        };
        Self { process, url, lines, folder }
    }

    /// A file of the folder that the titles are in.
    pub(crate) fn video(&self, name: &str) -> PathBuf {
        self.folder.path().join("videos").join(name)
    }

    /// All that it told until now.
    pub(crate) fn told(&self) -> Vec<(Instant, Value)> {
        self.lines.try_iter().collect()
    }

    /// User and system time so far, in ticks of 10 ms.
    pub(crate) fn cpu_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("the hub runs");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
        fields[11].parse::<u64>().expect("utime") + fields[12].parse::<u64>().expect("stime")
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a process tells, each line with the moment when it came.
fn events(output: ChildStdout) -> Receiver<(Instant, Value)> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = sender.send((Instant::now(), serde_json::from_str(&line).expect("JSON")));
        }
    });
    lines
}

/// Where the project's sample is.
pub(crate) fn samples() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/videos"))
}

/// A member that is a process.
pub(crate) struct Member {
    process: Child,
    input: ChildStdin,
    lines: Receiver<(Instant, Value)>,
}

impl Member {
    /// Starts one; see [`Member::is_in`].
    fn start(mut command: Command, url: &str, name: &str) -> Self {
        let mut process = command
            .args(["connect", url, "--name", name, "--ephemeral", "--json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a member starts");
        let lines = events(process.stdout.take().expect("piped"));
        let input = process.stdin.take().expect("piped");
        Self { process, input, lines }
    }

    pub(crate) fn join(url: &str, name: &str) -> Self {
        let member = Self::start(Command::new(env!("CARGO_BIN_EXE_securestream")), url, name);
        member.is_in();
        member
    }

    /// Waits until it is in.
    pub(crate) fn is_in(&self) {
        self.wait("directory");
    }

    /// Gives it a command; when that was.
    pub(crate) fn say(&mut self, command: &str) -> Instant {
        let now = Instant::now();
        writeln!(self.input, "{command}").expect("the member reads");
        now
    }

    /// The next event of this kind.
    pub(crate) fn wait(&self, event: &str) -> (Instant, Value) {
        self.wait_for(event, |_| true)
    }

    /// The next event of this kind that is as it should be; others are passed over.
    pub(crate) fn wait_for(&self, event: &str, is_it: impl Fn(&Value) -> bool) -> (Instant, Value) {
        let end = Instant::now() + GUARD;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let (at, line) = self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("no {event}"));
            assert!(event == "error" || line["event"] != "error", "{line}");
            if line["event"] == event && is_it(&line) {
                return (at, line);
            }
        }
    }

    /// All that it told until now.
    pub(crate) fn told(&self) -> Vec<(Instant, Value)> {
        self.lines.try_iter().collect()
    }

    /// Sends it a signal: STOP, CONT.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args(["-s", signal, &self.process.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Members with names that begin like this; a few at a time, since they make keys. They stand for people with machines
/// of their own, so what they do with their pictures may be given a low priority on this one.
pub(crate) fn join_many(url: &str, stem: &str, count: usize, priority: usize) -> Vec<Member> {
    let mut members = Vec::new();
    while members.len() < count {
        let some = 4.min(count - members.len());
        let started: Vec<_> = (0..some)
            .map(|number| Member::start(nice(priority), url, &format!("{stem}{}", members.len() + number)))
            .collect();
        started.iter().for_each(Member::is_in);
        members.extend(started);
    }
    members
}

fn nice(priority: usize) -> Command {
    let mut command = Command::new("nice");
    command.args(["-n", &priority.to_string(), env!("CARGO_BIN_EXE_securestream")]);
    command
}

/// Durations, to be told in percentiles.
pub(crate) struct Figures(Vec<Duration>);

impl Figures {
    pub(crate) fn new(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        Self(durations)
    }

    /// In milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let place = (self.0.len() * percent).div_ceil(100).clamp(1, self.0.len());
        self.0[place - 1].as_secs_f64() * 1000.0
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [half, most, nearly] = [50, 95, 99].map(|percent| self.percentile(percent));
        write!(f, "p50 {half:.1} ms, p95 {most:.1} ms, p99 {nearly:.1} ms ({} times)", self.0.len())
    }
}

/// Runs ffmpeg; false when there is none.
pub(crate) fn ffmpeg(arguments: &[&str]) -> bool {
    let run = Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-y"]).args(arguments).status();
    run.is_ok_and(|status| status.success())
}

/// Puts the sample's lowest rendition, many times over, beside it: minutes of `long` at 240p.
pub(crate) fn make_long(videos: &Path) {
    let (from, to) = (samples().join("mandelbrot_240p.mp4"), videos.join("long_240p.mp4"));
    let (from, to) = (from.to_str().expect("text"), to.to_str().expect("text"));
    assert!(ffmpeg(&["-stream_loop", "49", "-i", from, "-c", "copy", to]), "ffmpeg is needed for a long sample");
}

/// Messages from one to another, each after the one before came; how long each took.
pub(crate) fn chat(from: &mut Member, to: &Member, to_name: &str, count: usize) -> Figures {
    let mut took = Vec::new();
    for number in 0..count {
        let begin = from.say(&format!("send {to_name} message {number}"));
        let text = format!("message {number}");
        let (end, _) = to.wait_for("message", |line| line["text"] == text.as_str());
        took.push(end - begin);
    }
    Figures::new(took)
}
