//! A hub and 200 members, all of them processes of the binary, 20 of them watching: every message arrives once,
//! and what the hub's process spends is measured. Not a micro-benchmark: it takes some minutes and prints one
//! report.
//!
//!     cargo bench --bench crowd

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "a report to read"
)]

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

const MEMBERS: usize = 200;
const WATCHING: usize = 20;
/// Members that write to all, one message each.
const TO_ALL: usize = 5;
/// Members that write to the next one, one message each.
const TO_ONE: usize = 50;
/// Members that make their keys at the same time.
const AT_ONCE: usize = 8;
const GUARD: Duration = Duration::from_mins(10);

/// One line of one member.
type Line = (usize, Value);

struct Member {
    process: Child,
    input: ChildStdin,
}

struct Crowd {
    hub: Child,
    /// What the hub keeps.
    _data: tempfile::TempDir,
    url: String,
    members: Vec<Member>,
    lines: (Sender<Line>, Receiver<Line>),
    /// Messages by receiver and id.
    messages: BTreeMap<(usize, String), u32>,
    ended: usize,
    frames: u64,
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for process in self.members.iter_mut().map(|member| &mut member.process).chain([&mut self.hub]) {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Crowd {
    fn start() -> Self {
        let videos = concat!(env!("CARGO_MANIFEST_DIR"), "/videos");
        let data = tempfile::tempdir().expect("a folder");
        let mut hub = Command::new(env!("CARGO_BIN_EXE_securestream"))
            .args(["serve", "--listen", "tls://127.0.0.1:0", "--videos", videos, "--json", "--log", "error"])
            .arg("--data-dir")
            .arg(data.path().join("hub"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the hub starts");
        let mut lines = BufReader::new(hub.stdout.take().expect("piped")).lines();
        let url = loop {
            let line: Value = serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON");
            if line["event"] == "listening" {
                break line["url"].as_str().expect("a url").to_owned();
            }
        };
        thread::spawn(move || lines.for_each(drop));
        Self {
            hub,
            _data: data,
            url,
            members: Vec::new(),
            lines: mpsc::channel(),
            messages: BTreeMap::new(),
            ended: 0,
            frames: 0,
        }
    }

    fn join(&mut self) {
        let number = self.members.len();
        let mut process = Command::new(env!("CARGO_BIN_EXE_securestream"))
            .args(["connect", &self.url, "--name", &format!("member{number}"), "--ephemeral", "--json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a member starts");
        let (lines, output) = (self.lines.0.clone(), process.stdout.take().expect("piped"));
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = lines.send((number, serde_json::from_str(&line).expect("JSON")));
            }
        });
        let input = process.stdin.take().expect("piped");
        self.members.push(Member { process, input });
    }

    fn tell(&mut self, member: usize, command: &str) {
        writeln!(self.members[member].input, "{command}").expect("the member reads");
    }

    /// Takes lines until `done` says so.
    fn until(&mut self, what: &str, mut done: impl FnMut(&Self, &Line) -> bool) {
        let end = Instant::now() + GUARD;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.1.recv_timeout(left).unwrap_or_else(|_| panic!("no end of: {what}"));
            self.take(&line);
            if done(self, &line) {
                return;
            }
        }
    }

    fn take(&mut self, (member, line): &Line) {
        match line["event"].as_str().unwrap_or_default() {
            "message" => {
                let id = line["id"].as_str().expect("an id").to_owned();
                *self.messages.entry((*member, id)).or_default() += 1;
            }
            "play_ended" => {
                assert_eq!(line["reason"], "finished", "{line}");
                self.ended += 1;
                self.frames += line["frames"].as_u64().expect("a number");
            }
            "error" | "failed" => panic!("member{member}: {line}"),
            _ => {}
        }
    }

    /// User and system time of the hub so far, in seconds.
    fn hub_cpu(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.hub.id())).expect("the hub runs");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>().expect("utime") + fields[12].parse::<f64>().expect("stime");
        ticks / 100.0
    }

    fn hub_memory(&self) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.hub.id())).expect("the hub runs");
        let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("a line");
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    }
}

fn main() {
    // `cargo test --benches` only wants to know that this builds.
    if env::args().any(|word| word == "--test") {
        return;
    }
    let mut crowd = Crowd::start();
    let begin = Instant::now();
    while crowd.members.len() < MEMBERS {
        let count = AT_ONCE.min(MEMBERS - crowd.members.len());
        (0..count).for_each(|_| crowd.join());
        let mut here = 0;
        crowd.until("joining", |_, (_, line)| {
            here += usize::from(line["event"] == "directory");
            here == count
        });
    }
    println!(
        "{MEMBERS} members joined in {:.1} s; hub: {:.2} s of CPU",
        begin.elapsed().as_secs_f64(),
        crowd.hub_cpu()
    );

    let (cpu, begin) = (crowd.hub_cpu(), Instant::now());
    for member in 0..WATCHING {
        crowd.tell(member, "play mandelbrot mode=240 display=none");
    }
    crowd.until("playing", |crowd, _| crowd.ended == WATCHING);
    let (spent, took) = (crowd.hub_cpu() - cpu, begin.elapsed().as_secs_f64());
    println!(
        "{WATCHING} watched 12 s of 240p in {took:.1} s: {} frames; hub: {spent:.2} s of CPU, {:.2} ms a second for each",
        crowd.frames,
        spent * 1000.0 / took / WATCHING as f64
    );

    let (cpu, begin, expected) = (crowd.hub_cpu(), Instant::now(), TO_ALL * (MEMBERS - 1) + TO_ONE);
    crowd.ended = 0;
    for member in 0..WATCHING {
        crowd.tell(member, "play mandelbrot mode=tour display=none speed=max");
    }
    for member in 0..TO_ALL {
        crowd.tell(MEMBERS - 1 - member, &format!("all hello from {member}"));
    }
    for member in 0..TO_ONE {
        crowd.tell(member, &format!("send member{} hello next", member + 1));
    }
    crowd.until("messages", |crowd, _| crowd.messages.len() == expected && crowd.ended == WATCHING);
    println!(
        "{expected} messages arrived in {:.1} s beside {WATCHING} tours at full speed; hub: {:.2} s of CPU",
        begin.elapsed().as_secs_f64(),
        crowd.hub_cpu() - cpu
    );
    for member in 0..MEMBERS {
        crowd.tell(member, "quit");
    }
    let mut gone = 0;
    crowd.until("leaving", |_, (_, line)| {
        gone += usize::from(line["event"] == "bye");
        gone == MEMBERS
    });
    assert!(crowd.messages.values().all(|count| *count == 1), "a message came twice");
    println!("each message arrived exactly once; the hub's memory peaked at {}", crowd.hub_memory());
}
