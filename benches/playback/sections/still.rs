//! What a member that stands still costs the hub and the others: figures without and with it, in one run.

use std::{thread, time::Duration};

use crate::rig::{Figures, Hub, Member, Sizes, chat, join_many, make_long};

const PAUSED: usize = 20;
const WATCHED: Duration = Duration::from_secs(10);

pub(crate) fn report(sizes: &Sizes) {
    let hub = Hub::start(make_long);
    let (mut alice, bob) = (Member::join(&hub.url, "alice"), Member::join(&hub.url, "bob"));
    let mut viewer = Member::join(&hub.url, "viewer");
    let mut others = join_many(&hub.url, "other", PAUSED, sizes.nice);
    chat(&mut alice, &bob, "bob", 3);
    let idle = spent(&hub);
    for other in &mut others {
        other.say("play long mode=240 display=none");
        other.wait("play_started");
        other.say("pause");
        other.wait("play_paused");
    }
    println!(
        "the hub in {WATCHED:?}: {idle} ms of CPU with nothing to do, {} ms with {PAUSED} paused plays",
        spent(&hub)
    );

    for round in 1..=2 {
        for other in &others {
            other.signal("CONT");
        }
        let (messages, frames) = disturbed(&mut alice, &bob, &mut viewer, sizes.messages);
        println!("round {round}, nobody is stopped: messages {messages}; first frames {frames}");
        // One that plays, and those that are paused.
        others[0].say("resume");
        others[0].wait("play_resumed");
        for other in &others {
            other.signal("STOP");
        }
        let (messages, frames) = disturbed(&mut alice, &bob, &mut viewer, sizes.messages);
        println!("round {round}, {PAUSED} are stopped:  messages {messages}; first frames {frames}");
        others[0].signal("CONT");
        others[0].say("pause");
        others[0].wait("play_paused");
    }
}

/// CPU of the hub while nothing is asked of it, in ms.
fn spent(hub: &Hub) -> u64 {
    let before = hub.cpu_ticks();
    thread::sleep(WATCHED);
    (hub.cpu_ticks() - before) * 10
}

fn disturbed(alice: &mut Member, bob: &Member, viewer: &mut Member, count: usize) -> (Figures, Figures) {
    let messages = chat(alice, bob, "bob", count);
    let frames = (0..count.min(100)).map(|_| {
        let begin = viewer.say("play mandelbrot mode=240 display=none");
        let (end, _) = viewer.wait("play_started");
        viewer.say("stop");
        viewer.wait("play_ended");
        end - begin
    });
    (messages, Figures::new(frames.collect()))
}
