use super::*;

const SEED: [u8; 32] = [7; 32];

/// A door in virtual time.
struct Street {
    door: Door,
    start: Instant,
    now: Instant,
    next_link: u64,
}

impl Street {
    fn new() -> Self {
        let now = Instant::now();
        Self { door: Door::new(false, SEED), start: now, now, next_link: 0 }
    }

    /// A link comes from an address; its number when it is taken.
    fn knock(&mut self, address: &str) -> Option<LinkId> {
        let link = LinkId(self.next_link);
        self.next_link += 1;
        let peer = Peer::remote(format!("{address}:4711").parse().unwrap());
        self.door.knock(link, &peer, self.now).then_some(link)
    }

    fn fail(&mut self, link: LinkId) {
        self.door.ended(link, &Ending::Closed(Code::BadProof), self.now);
    }

    fn register(&mut self, link: LinkId) {
        self.door.registered(link, self.now);
    }

    fn pass(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }

    fn elapsed(&self) -> Duration {
        self.now - self.start
    }
}

const ATTACKER: &str = "192.0.2.66";
const SCHOOL: &str = "198.51.100.1";
const HANDSHAKE: u64 = 5000;

#[test]
fn attack_10_who_only_fails_is_taken_ever_more_seldom() {
    let mut street = Street::new();
    let mut taken = Vec::new();
    for _ in 0..60 {
        let mut count = 0;
        for _ in 0..1000 {
            street.pass(1);
            if let Some(link) = street.knock(ATTACKER) {
                street.fail(link);
                count += 1;
            }
        }
        taken.push(count);
    }
    assert!(taken[0] > 16 && taken[0] < 60, "{taken:?}");
    assert!(taken[20..].iter().all(|count| *count <= 3), "every half second: {taken:?}");
    assert!(street.knock(SCHOOL).is_some(), "others are not concerned");
    street.pass(3_600_000);
    assert!((0..16).all(|_| street.knock(ATTACKER).is_some()), "it is forgotten");
}

/// When the first of 300 pupils comes; the attacker has been at it until then.
const FIRST_PUPIL: u64 = 60_000;

/// Pupils come one after the other, and who was refused tries again every second. How long until all are in, while
/// somebody at the same address opens a link every 20 ms that fails after so long.
fn time_for_three_hundred_pupils(attack_lasts: u64) -> Duration {
    let mut street = Street::new();
    let mut under_way: Vec<(Instant, LinkId, Option<usize>)> = Vec::new();
    let (mut outside, mut inside) = ([true; 300], 0);
    for millisecond in 0.. {
        street.pass(1);
        let now = street.now;
        for (_, link, pupil) in under_way.extract_if(.., |(until, ..)| *until <= now) {
            if pupil.is_some() {
                street.door.registered(link, now);
                inside += 1;
            } else {
                street.door.ended(link, &Ending::Closed(Code::BadProof), now);
            }
        }
        if inside == 300 || millisecond > 2 * FIRST_PUPIL {
            break;
        }
        if millisecond % 20 == 0
            && let Some(link) = street.knock(SCHOOL)
        {
            under_way.push((now + Duration::from_millis(attack_lasts), link, None));
        }
        let pupil = (millisecond % 1000 / 3) as usize;
        if millisecond >= FIRST_PUPIL
            && millisecond % 3 == 0
            && outside.get(pupil) == Some(&true)
            && let Some(link) = street.knock(SCHOOL)
        {
            under_way.push((now + Duration::from_millis(80), link, Some(pupil)));
            outside[pupil] = false;
        }
    }
    assert_eq!(inside, 300, "{attack_lasts}");
    street.elapsed().saturating_sub(Duration::from_millis(FIRST_PUPIL))
}

#[test]
fn three_hundred_pupils_behind_one_address_get_in_though_somebody_there_only_fails() {
    for (what, attack_lasts) in [("bad proofs", 1), ("silence", HANDSHAKE)] {
        let needed = time_for_three_hundred_pupils(attack_lasts);
        assert!(needed < Duration::from_secs(15), "{what}: {needed:?}");
    }
}

#[test]
fn three_hundred_pupils_alone_are_in_at_once() {
    let mut street = Street::new();
    let mut outside = 300;
    while outside > 0 {
        let links: Vec<_> = (0..outside).filter_map(|_| street.knock(SCHOOL)).collect();
        street.pass(100);
        outside -= links.len();
        for link in links {
            street.register(link);
        }
    }
    assert!(street.elapsed() < Duration::from_secs(1), "{:?}", street.elapsed());
}

#[test]
fn bad_input_40_ten_thousand_idle_links_of_one_address_take_few_places() {
    let mut street = Street::new();
    let taken = (0..10_000).filter(|_| street.knock(ATTACKER).is_some()).count();
    assert_eq!(street.door.waiting(), MAX_UNREGISTERED_OF_SOURCE);
    assert_eq!(street.door.take_evicted().len(), taken - MAX_UNREGISTERED_OF_SOURCE);
    assert_eq!(street.door.refused(), 10_000 - taken as u64);
    assert!(taken < 100, "{taken}");
    for _ in 0..300 {
        let link = street.knock(SCHOOL).expect("another address");
        street.pass(50);
        street.register(link);
    }
}

#[test]
fn bad_input_40_ten_thousand_addresses_leave_room_for_who_has_merit_and_some_for_strangers() {
    let mut street = Street::new();
    let link = street.knock(SCHOOL).unwrap();
    street.register(link);
    let mut strangers = 0;
    for number in 0..10_000_u32 {
        let [.., high, low] = number.to_be_bytes();
        street.knock(&format!("203.0.{high}.{low}"));
        assert!(street.door.waiting() <= MAX_UNREGISTERED);
        if street.door.waiting() > CROWDED + 100 && number % 100 == 0 {
            let address = format!("[2001:db8:{number:x}::1]");
            strangers += usize::from(street.knock(&address).is_some());
        }
    }
    let link = street.knock(SCHOOL).expect("it has registered before");
    street.register(link);
    assert!(strangers > 0);
}

#[test]
fn bad_input_24_a_flood_of_registrations_of_one_address_is_slowed() {
    let mut street = Street::new();
    let mut registered = 0;
    for _ in 0..100_000 {
        street.pass(1);
        if let Some(link) = street.knock(ATTACKER) {
            street.register(link);
            registered += 1;
        }
    }
    assert!((1000..1400).contains(&registered), "512 at once and 8 a second: {registered}");
}

#[test]
fn what_is_remembered_is_bounded_and_forgotten() {
    let mut street = Street::new();
    for number in 0..10_000_u32 {
        street.pass(5);
        let [a, b, c, d] = number.to_be_bytes();
        if let Some(link) = street.knock(&format!("[2001:db8:{a:x}{b:02x}:{c:x}{d:02x}::1]")) {
            street.fail(link);
        }
        assert!(street.door.sources.len() <= MAX_SOURCES);
    }
    assert_eq!(street.door.sources.len(), MAX_SOURCES);
    street.pass(600_000);
    assert!(street.knock(ATTACKER).is_some());
    assert_eq!(street.door.sources.len(), 1);
}

#[test]
fn local_links_are_counted_only_when_that_is_asked_for() {
    for limits_local in [false, true] {
        let mut door = Door::new(limits_local, SEED);
        let now = Instant::now();
        for peer in [Peer::local("unix"), Peer::remote("[::1]:1".parse().unwrap())] {
            let taken = (0..1000).filter(|number| door.knock(LinkId(*number), &peer, now)).count();
            assert!(if limits_local { taken < 100 } else { taken == 1000 }, "{taken}");
        }
    }
}

#[test]
fn a_flood_is_reported_once_a_second() {
    let mut street = Street::new();
    let mut reports = Vec::new();
    for _ in 0..10_000 {
        street.pass(1);
        street.knock(ATTACKER);
        reports.extend(street.door.take_report(street.now));
    }
    assert!(reports.len() <= 11, "{}", reports.len());
    street.pass(1000);
    assert_eq!(
        street.door.deadline().is_some_and(|at| at <= street.now),
        street.door.take_report(street.now).is_some()
    );
    let told: u64 = reports.iter().map(|report| report.links).sum();
    assert!(told > 0 && told <= street.door.refused());
    assert_eq!(street.door.take_report(street.now), None);
}

#[test]
fn a_hub_that_is_full_is_no_fault_of_who_comes() {
    let mut street = Street::new();
    for _ in 0..100 {
        let link = street.knock(SCHOOL).unwrap();
        street.door.ended(link, &Ending::Closed(Code::HubFull), street.now);
    }
    assert!(street.knock(SCHOOL).is_some());
}
