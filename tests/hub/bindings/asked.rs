//! How much one member may ask of a hub that remembers for others.

use super::BROADCAST;
use crate::{bench::Bench, raw::identity};
use securestream::{
    proto::Message,
    proto::message::{FetchHeads, FetchOneTime, PublishOneTime},
    server::Command,
    types::{CurveKey, DirectorySequence, RelayMode},
};

#[test]
fn attack_14_a_new_link_gets_no_more_one_time_keys_than_the_one_it_takes_over() {
    let mut bench = Bench::new(RelayMode::Direct);
    let bob = identity("bob");
    bench.register(1, &bob, true);
    let publish = |first: u8| PublishOneTime { keys: (first..first + 50).map(|key| CurveKey([key; 32])).collect() };
    bench.say(1, publish(0));
    let drain = |bench: &mut Bench, link: u64| {
        bench.register(link, &identity("mallory"), true);
        let got = |commands: Vec<Command>| matches!(&commands[..], [Command::Send(_, Message::OneTime(it))] if it.key.is_some());
        (0..20).filter(|_| got(bench.say(link, FetchOneTime { fingerprint: bob.fingerprint() }))).count()
    };
    assert_eq!([2, 3, 4].map(|link| drain(&mut bench, link)), [8, 0, 0]);
    bench.say(1, publish(50));
    assert_eq!(drain(&mut bench, 5), 8, "of those that came since");
}

#[test]
fn attack_10_the_past_of_the_directory_is_told_four_times_over_one_link() {
    let mut bench = Bench::new(BROADCAST);
    bench.register(1, &identity("alice"), true);
    bench.register(2, &identity("bob"), true);
    let mut ask = |link| match &bench.say(link, FetchHeads { after: DirectorySequence(1) })[..] {
        [Command::Send(_, Message::Heads(heads))] => (heads.links.len(), heads.complete),
        other => panic!("{other:?}"),
    };
    for _ in 0..4 {
        assert_eq!(ask(1), (1, true));
    }
    assert_eq!(ask(1), (0, false), "answered all the same");
    assert_eq!(ask(2), (1, true), "others are not concerned");
}
