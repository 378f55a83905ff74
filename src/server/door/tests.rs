use super::*;

const SEED: [u8; 32] = [7; 32];

/// A door in virtual time.
struct Street {
    door: Door,
    now: Instant,
    next_link: u64,
}

impl Street {
    fn new() -> Self {
        let now = Instant::now();
        Self { door: Door::new(false, SEED), now, next_link: 0 }
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

/// A link on its way: of a pupil, or of somebody who fails.
struct UnderWay {
    link: LinkId,
    pupil: Option<usize>,
    greets: Option<Instant>,
    until: Instant,
}

/// A school whose links take a while to register, and somebody in it who only fails.
struct School {
    street: Street,
    under_way: Vec<UnderWay>,
    /// When each pupil tries, unless it is inside or on its way.
    tries: Vec<Option<Instant>>,
    inside: usize,
}

impl School {
    /// 300 pupils who come within `spread` milliseconds.
    fn new(spread: u64, first: u64) -> Self {
        let street = Street::new();
        let tries = (0..300).map(|pupil| Some(street.now + Duration::from_millis(first + pupil * spread / 300)));
        Self { tries: tries.collect(), street, under_way: Vec::new(), inside: 0 }
    }

    /// One millisecond; the next link of a pupil takes 300 to 600 ms, and says hello half way.
    fn tick(&mut self) {
        self.street.pass(1);
        let now = self.street.now;
        for link in self.under_way.iter().filter(|link| link.greets.is_some_and(|at| at <= now)) {
            self.street.door.greeted(link.link);
        }
        for done in self.under_way.extract_if(.., |link| link.until <= now) {
            if done.pupil.is_some() {
                self.street.door.registered(done.link, now);
                self.inside += 1;
            } else {
                self.street.door.ended(done.link, &Ending::Closed(Code::BadProof), now);
            }
        }
        for pupil in 0..self.tries.len() {
            if self.tries[pupil].is_some_and(|at| at <= now) {
                let takes = 300 + pupil as u64 % 4 * 100;
                let is_taken = self.come(Some(pupil), Some(takes / 2), takes);
                self.tries[pupil] = if is_taken { None } else { Some(now + Duration::from_secs(1)) };
            }
        }
        let evicted = self.street.door.take_evicted();
        for gone in self.under_way.extract_if(.., |link| evicted.contains(&link.link)) {
            self.street.door.ended(gone.link, &Ending::Closed(Code::RateLimited), now);
            if let Some(pupil) = gone.pupil {
                self.tries[pupil] = Some(now + Duration::from_secs(1));
            }
        }
    }

    fn come(&mut self, pupil: Option<usize>, greets: Option<u64>, takes: u64) -> bool {
        let now = self.street.now;
        let at = |milliseconds| now + Duration::from_millis(milliseconds);
        let Some(link) = self.street.knock(SCHOOL) else { return false };
        self.under_way.push(UnderWay { link, pupil, greets: greets.map(at), until: at(takes) });
        true
    }
}

#[test]
fn three_hundred_pupils_behind_one_address_get_in_though_somebody_there_only_fails() {
    for (what, greets, attack_lasts) in
        [("bad proofs", Some(1), 1), ("silence", None, HANDSHAKE), ("stalls after hello", Some(100), HANDSHAKE)]
    {
        let mut school = School::new(1000, FIRST_PUPIL);
        let mut millisecond = 0;
        while school.inside < 300 {
            school.tick();
            if millisecond % 20 == 0 {
                school.come(None, greets, attack_lasts);
            }
            millisecond += 1;
            assert!(millisecond < FIRST_PUPIL + 15_000, "{what}: {} are in", school.inside);
        }
    }
}

#[test]
fn three_hundred_pupils_alone_are_all_in_at_once() {
    for spread in [1, 1000, 2000] {
        let mut school = School::new(spread, 1);
        (0..spread + 700).for_each(|_| school.tick());
        assert_eq!((school.inside, school.street.door.refused()), (300, 0), "within {spread} ms");
    }
}

#[test]
fn who_is_about_to_register_makes_no_place_and_who_does_is_not_blamed() {
    let mut street = Street::new();
    let links: Vec<_> = (0..MAX_UNREGISTERED_OF_SOURCE).map(|_| street.knock(SCHOOL).unwrap()).collect();
    links[2..].iter().for_each(|link| street.door.greeted(*link));
    for oldest in &links[..2] {
        let newer = street.knock(SCHOOL).unwrap();
        street.door.greeted(newer);
        assert_eq!(street.door.take_evicted(), [*oldest]);
        street.door.ended(*oldest, &Ending::Closed(Code::RateLimited), street.now);
    }
    assert!(street.knock(SCHOOL).is_none(), "nobody is left to make place");
    assert_eq!(street.door.take_evicted(), []);
    assert!(street.door.sources.values().all(|record| record.failures == 0));
}

#[test]
fn attack_10_one_host_with_very_many_addresses_leaves_strangers_their_share() {
    for networks in [256_u32, 65_536] {
        let (mut street, mut tried, mut taken) = (Street::new(), 0, 0);
        for millisecond in 0..120_000_u32 {
            street.pass(1);
            if let Some(link) = street.knock(&format!("[2001:db8:0:{:x}::1]", millisecond % networks)) {
                street.fail(link);
            }
            if millisecond % 97 == 0 {
                let [.., high, low] = millisecond.to_be_bytes();
                tried += 1;
                if let Some(link) = street.knock(&format!("198.51.{high}.{low}")) {
                    street.register(link);
                    taken += 1;
                }
            }
        }
        assert_eq!(taken, tried, "{networks}");
        assert!(street.door.networks.len() <= MAX_SOURCES);
    }
}

#[test]
fn merit_lasts_for_minutes() {
    let mut street = Street::new();
    let link = street.knock(SCHOOL).unwrap();
    street.register(link);
    for (minutes, failures) in [(3, -2), (2, 0)] {
        street.pass(minutes * 60_000);
        let mut record = *street.door.sources.values().next().unwrap();
        record.forget(street.now);
        assert_eq!(record.failures, failures);
    }
}

#[test]
fn bad_input_40_ten_thousand_idle_links_of_one_address_take_few_places() {
    let mut street = Street::new();
    let taken = (0..10_000).filter(|_| street.knock(ATTACKER).is_some()).count();
    assert_eq!(street.door.waiting(), MAX_UNREGISTERED_OF_SOURCE);
    assert_eq!(street.door.take_evicted().len(), taken - MAX_UNREGISTERED_OF_SOURCE);
    assert_eq!(street.door.refused(), 10_000 - taken as u64);
    assert!(taken <= 768, "{taken}");
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
    assert!((1500..1600).contains(&registered), "768 at once and 8 a second: {registered}");
}

#[test]
fn what_is_remembered_is_bounded_and_forgotten() {
    let mut street = Street::new();
    for number in 0..10_000_u32 {
        street.pass(5);
        let [a, b, c, d] = number.to_be_bytes();
        if let Some(link) = street.knock(&format!("[2001:db8:{c:x}{d:02x}:{a:x}{b:02x}::1]")) {
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
            assert!(if limits_local { taken <= 768 } else { taken == 1000 }, "{taken}");
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
