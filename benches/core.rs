//! What the parts cost by themselves, on one core and in memory. `docs/benchmarks.md` says how to read it.

#![allow(clippy::expect_used, clippy::cast_possible_truncation, reason = "a bench that cannot go on says so")]

use std::{hint::black_box, io::IoSlice, sync::Arc, time::Instant};

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rand::{SeedableRng as _, rngs::StdRng};
use securestream::{
    crypto::{
        Challenge, Draft, Identity, RsaProvider, open, seal,
        session::{SealedInSession, Sessions},
        testing::InsecureProvider,
        verify_registration,
    },
    directory::MemoryDirectory,
    proto::{
        Connection, Deframer, Message, encode,
        message::{Hello, Nonce, Packet, Post, Register, Relayed},
    },
    server::{Admission, Bindings, Command, Play, Relay, RelayOptions, Request, Step},
    transport::{
        Transport as _,
        memory::{self, MemoryTransport},
        tls::{HubCertificate, HubTls, HubTrust, KeyExchange, MemberTls, TlsTransport},
    },
    types::{
        DirectoryHead, LinkId, MediaTime, MessageId, PlayEpoch, PlayId, PlayMode, RelayMode, RenditionLabel, SealKind,
        limits::MAX_RECORD, wire,
    },
    video::{MemorySource, VideoSource},
};

const MEMBERS: u64 = 1000;

fn packet(size: usize) -> Message {
    Packet {
        play: PlayId(1),
        epoch: PlayEpoch(0),
        seq: 7,
        part: 0,
        last: true,
        rendition: RenditionLabel(720),
        pts: MediaTime(280_000),
        dts: MediaTime(240_000),
        duration: MediaTime(40_000),
        flags: 0,
        data: vec![7; size].into(),
    }
    .into()
}

fn record_codec(criterion: &mut Criterion) {
    let relayed: Message = Relayed { kind: SealKind::Seal, sealed: vec![7; 1500].into() }.into();
    let mut group = criterion.benchmark_group("record");
    for (name, message) in [("relayed 1.5 kB", relayed), ("packet 32 KiB", packet(32 * 1024))] {
        let record = encode(&message);
        group.throughput(Throughput::Bytes(record.len() as u64));
        group.bench_function(format!("encode {name}"), |bench| bench.iter(|| encode(black_box(&message))));
        group.bench_function(format!("deframe and decode {name}"), |bench| {
            let mut deframer = Deframer::new(MAX_RECORD);
            bench.iter(|| {
                deframer.extend(black_box(&record));
                let body = deframer.next_record().expect("valid").expect("whole");
                Message::decode(&body).expect("valid")
            });
        });
    }
    group.finish();
}

fn seal_and_open(criterion: &mut Criterion) {
    let provider = RsaProvider::default();
    let mut rng = StdRng::seed_from_u64(1);
    let mut member = |name: &str| {
        Identity::generate(&provider, &name.parse().expect("a name"), 0, &mut rng).expect("keys can be made")
    };
    let (alice, bob, carol) = (member("alice"), member("bob"), member("carol"));
    let draft =
        Draft { id: MessageId([1; 16]), sequence: 1, time: 0, stamp: DirectoryHead::FIRST, text: "meet at noon" };
    let sealed = seal(&provider, &alice, bob.verified_record(), &draft, &mut rng).expect("sealed");
    let mut group = criterion.benchmark_group("rsa 3072");
    group.sample_size(20);
    group.bench_function("seal", |bench| {
        bench.iter(|| seal(&provider, &alice, bob.verified_record(), &draft, &mut rng).expect("sealed"));
    });
    group.bench_function("open and verify", |bench| {
        bench.iter(|| {
            let opened = open(&provider, &bob, SealKind::Seal, &sealed.bytes, &mut rng).expect("for bob");
            opened.verify(&provider, alice.verified_record()).expect("of alice")
        });
    });
    group.bench_function("try to open another's", |bench| {
        bench.iter(|| open(&provider, &carol, SealKind::Seal, &sealed.bytes, &mut rng).is_none());
    });
    let challenge = Challenge { channel_binding: Vec::new(), nonce: [3; 32] };
    let proof = alice.prove(&challenge, &mut rng).expect("proven");
    group.bench_function("verify a registration", |bench| {
        bench.iter(|| verify_registration(&provider, alice.record().clone(), &challenge, &proof).expect("of alice"));
    });
    group.finish();
}

/// A member with its sessions, and the record that others have of it.
struct Talker {
    identity: Identity,
    sessions: Sessions,
}

impl Talker {
    fn new(provider: RsaProvider, name: &str, rng: &mut StdRng) -> Self {
        let identity = Identity::generate(&provider, &name.parse().expect("a name"), 0, rng).expect("keys can be made");
        let sessions = Sessions::new(identity.fingerprint(), 0).expect("keys can be made");
        let identity = identity.with_bundle(Some(sessions.bundle()), 0, rng).expect("a record can be signed");
        Self { identity, sessions }
    }

    fn seal(&self, provider: RsaProvider, to: &Self, rng: &mut StdRng) -> SealedInSession {
        let stamp = DirectoryHead::FIRST;
        let draft = Draft { id: MessageId([1; 16]), sequence: 1, time: 0, stamp, text: "meet at noon" };
        let to = (to.identity.verified_record(), None);
        self.sessions.seal(&provider, &self.identity, to, &draft, 0, rng).expect("sealed")
    }

    /// Sends and commits, and is told at once that it arrived.
    fn send(&mut self, provider: RsaProvider, to: &Self, rng: &mut StdRng) -> SealedInSession {
        let mut sealed = self.seal(provider, to, rng);
        self.sessions.commit(std::mem::take(&mut sealed.step));
        self.sessions.acknowledged(to.identity.fingerprint(), MessageId([1; 16]));
        sealed
    }
}

fn sessions(criterion: &mut Criterion) {
    let provider = RsaProvider::default();
    let mut rng = StdRng::seed_from_u64(2);
    let [mut alice, mut bob, carol] = ["alice", "bob", "carol"].map(|name| Talker::new(provider, name, &mut rng));
    let mut group = criterion.benchmark_group("session");
    group.sample_size(20);
    group.bench_function("hello", |bench| bench.iter(|| alice.seal(provider, &bob, &mut rng)));
    let hello = alice.send(provider, &bob, &mut rng);
    let open = |who: &Talker| who.sessions.open_hello(&provider, &who.identity, &hello.bytes);
    group.bench_function("open and join a hello", |bench| {
        bench.iter(|| {
            let opened = open(&bob).expect("for bob");
            bob.sessions.join(&provider, &opened, alice.identity.verified_record(), 0).expect("of alice")
        });
    });
    group.bench_function("try to open another's hello", |bench| bench.iter(|| open(&carol).is_none()));
    let opened = open(&bob).expect("for bob");
    let (_, step) = bob.sessions.join(&provider, &opened, alice.identity.verified_record(), 0).expect("of alice");
    bob.sessions.commit(step);
    group.sample_size(100);
    group.bench_function("send", |bench| {
        bench.iter_batched(
            || (),
            |()| {
                let sealed = alice.seal(provider, &bob, &mut rng);
                (sealed.step.entry(), sealed.bytes)
            },
            BatchSize::SmallInput,
        );
    });
    let tagged = alice.send(provider, &bob, &mut rng).bytes;
    let me = bob.identity.fingerprint();
    group.bench_function("receive", |bench| {
        bench.iter(|| {
            let received = bob.sessions.open_tagged(me, &tagged).expect("for bob");
            (received.step.entry(), received.letter)
        });
    });
    let mut others = tagged.clone();
    others[0] ^= 1;
    group.bench_function("miss of a tag", |bench| {
        bench.iter(|| bob.sessions.open_tagged(me, black_box(&others)).is_none());
    });
    group.finish();
}

/// A relay with its members' connections, as the hub's loop has them.
struct Crowd {
    relay: Relay,
    connections: Vec<Connection>,
    now: Instant,
}

impl Crowd {
    fn new() -> Self {
        let options = RelayOptions { mode: RelayMode::Broadcast, max_members: usize::MAX };
        let now = Instant::now();
        let relay = Relay::new(options, Box::new(MemoryDirectory::default()), Bindings::default());
        let mut crowd = Self { relay, connections: Vec::new(), now };
        for number in 0..MEMBERS {
            crowd.admit(number);
        }
        crowd
    }

    fn admit(&mut self, number: u64) {
        let link = LinkId(number);
        let mut connection = Connection::hub(Nonce([0; 32]), self.now);
        connection.receive(&encode(&Hello { versions: vec![1], agent: "bench".into() }.into()), self.now);
        self.connections.push(connection);
        self.relay.accepted(link, "bench".to_owned(), Admission::Open);
        let mut rng = StdRng::seed_from_u64(number);
        let name = format!("member{number}").parse().expect("a name");
        let identity = Identity::generate(&InsecureProvider, &name, 0, &mut rng).expect("keys can be made");
        let challenge = Challenge { channel_binding: Vec::new(), nonce: [0; 32] };
        let proof = identity.prove(&challenge, &mut rng).expect("proven").into();
        let record = wire::to_bytes(identity.record()).into();
        self.relay.message(link, Register { record, guest: true, proof, invite: None }.into());
        for command in self.relay.take_commands() {
            if let Command::Verify { link, record, proof } = command {
                self.relay.verified(link, verify_registration(&InsecureProvider, record, &challenge, &proof));
            }
        }
        self.carry_out();
    }

    /// Does what the relay decided and takes everything out of the outboxes, as a write to a socket would.
    fn carry_out(&mut self) -> usize {
        for command in self.relay.take_commands() {
            match command {
                Command::Broadcast { record, to } => {
                    for link in to {
                        self.connections[link.0 as usize].send_record(record.clone(), self.now);
                    }
                }
                Command::Send(link, message) => self.connections[link.0 as usize].send(&message, self.now),
                Command::Establish(link) => self.connections[link.0 as usize].establish(self.now),
                _ => {}
            }
        }
        self.connections.iter_mut().map(take_all).sum()
    }
}

fn take_all(connection: &mut Connection) -> usize {
    let mut total = 0;
    while !connection.outbox().is_empty() {
        let mut slices = [IoSlice::new(&[]); 64];
        let filled = connection.outbox().fill(&mut slices);
        let bytes: usize = slices[..filled].iter().map(|slice| slice.len()).sum();
        connection.advance(bytes);
        total += bytes;
    }
    total
}

fn fan_out(criterion: &mut Criterion) {
    let mut crowd = Crowd::new();
    let post = Post { mid: MessageId([1; 16]), audience: None, kind: SealKind::Seal, sealed: vec![7; 1500].into() };
    let mut group = criterion.benchmark_group("relay");
    group.throughput(Throughput::Elements(MEMBERS - 1));
    group.bench_function("a post of 1.5 kB to 1,000 members", |bench| {
        bench.iter(|| {
            crowd.relay.message(LinkId(0), post.clone().into());
            crowd.carry_out()
        });
    });
    group.finish();
}

/// Two ends of TLS in memory that have not met yet.
struct Ends {
    hub: HubTls,
    member: MemberTls,
}

impl Ends {
    fn new() -> Self {
        let files = HubCertificate::make(&["localhost".to_owned()]).expect("a certificate");
        let certificate =
            HubCertificate::read(files.certificate.as_bytes(), files.key.as_bytes()).expect("the same again");
        let trust = HubTrust::Key(certificate.key());
        Self {
            hub: HubTls::new(&certificate, KeyExchange::default()).expect("a usable key"),
            member: MemberTls::new(trust, KeyExchange::default(), || 0).expect("a usable provider"),
        }
    }

    /// A link after its handshake, with the TCP between them left out.
    fn link(&self) -> [TlsTransport<MemoryTransport>; 2] {
        let (near, far) = memory::pair();
        let mut hub = self.hub.wrap(near).expect("a new link");
        let mut member = self.member.wrap(far, "localhost").expect("a new link");
        let mut buffer = [0; 16];
        for _ in 0..2 {
            let (at_member, at_hub) = (member.read(&mut buffer), hub.read(&mut buffer));
            assert!(at_member.is_err() && at_hub.is_err(), "nothing is sent");
        }
        assert_eq!(hub.channel_binding().len(), 32, "the handshake is done");
        [hub, member]
    }
}

fn tls(criterion: &mut Criterion) {
    let ends = Ends::new();
    let mut group = criterion.benchmark_group("tls");
    group.throughput(Throughput::Elements(1));
    group.bench_function("handshake, both ends", |bench| bench.iter(|| ends.link()));

    let [mut hub, mut member] = ends.link();
    let part = encode(&packet(32 * 1024));
    let mut buffer = vec![0; 64 * 1024];
    group.throughput(Throughput::Bytes(part.len() as u64));
    group.bench_function("a packet of 32 KiB through both ends", |bench| {
        bench.iter(|| {
            assert_eq!(hub.write_vectored(&[IoSlice::new(&part)]).expect("room"), part.len());
            let mut received = 0;
            while received < part.len() {
                received += member.read(&mut buffer).expect("it was sent");
            }
        });
    });

    let relayed = encode(&Relayed { kind: SealKind::Seal, sealed: vec![7; 1500].into() }.into());
    let slices: Vec<IoSlice<'_>> = (0..16).map(|_| IoSlice::new(&relayed)).collect();
    group.throughput(Throughput::Elements(16));
    group.bench_function("16 records of 1.5 kB in one write", |bench| {
        bench.iter(|| {
            assert_eq!(hub.write_vectored(&slices).expect("room"), relayed.len() * 16);
            let mut received = 0;
            while received < relayed.len() * 16 {
                received += member.read(&mut buffer).expect("it was sent");
            }
        });
    });
    group.finish();
}

fn sample() -> MemorySource {
    let files = ["240p", "720p", "1080p"].map(|label| {
        let name = format!("mandelbrot_{label}.mp4");
        let path = format!("{}/videos/{name}", env!("CARGO_MANIFEST_DIR"));
        (name, Bytes::from(std::fs::read(path).expect("the sample is in videos/")))
    });
    MemorySource::new(files)
}

/// Sends a whole play, from the index to encoded records; how many packets and bytes it took.
fn send_all(source: &dyn VideoSource, mode: PlayMode) -> (u64, usize) {
    let title = Arc::clone(source.catalog().title("mandelbrot").expect("the sample"));
    let request = Request {
        id: PlayId(1),
        mode,
        start: MediaTime::ZERO,
        end: None,
        max_height: None,
        full_speed: false,
        decodes: Vec::new(),
    };
    let (mut play, _) = Play::new(title, &request).expect("playable");
    play.raise_credit(PlayEpoch(0), u64::MAX);
    let (mut packets, mut bytes) = (0, 0);
    loop {
        match play.next_step() {
            Some(Step::Media(message) | Step::Rendition(message, _)) => {
                packets += u64::from(matches!(&message, Message::Packet(packet) if packet.last));
                bytes += encode(&message).len();
            }
            Some(Step::End(_)) => return (packets, bytes),
            None => {
                let batch = play.next_read().expect("credit is endless");
                let data = source.read_batch(&batch.rendition, &batch.packets).expect("in memory");
                play.take_read(&batch, data);
            }
        }
    }
}

fn index_to_records(criterion: &mut Criterion) {
    let source = sample();
    let mut group = criterion.benchmark_group("video");
    for (name, mode) in
        [("240p", PlayMode::Fixed(RenditionLabel(240))), ("1080p", PlayMode::Fixed(RenditionLabel(1080)))]
    {
        let (packets, _) = send_all(&source, mode);
        group.throughput(Throughput::Elements(packets));
        group.bench_function(format!("packets of {name} from index to records"), |bench| {
            bench.iter_batched(|| (), |()| send_all(&source, mode), BatchSize::SmallInput);
        });
    }
    group.finish();
}

/// Subtitles on a picture of 1080p: drawn on every one while they are shown.
#[cfg(feature = "player")]
fn words(criterion: &mut Criterion) {
    use securestream::video::render::{Anchor, Canvas, TextPainter};
    let (width, height) = (1920, 1080);
    let mut pixels = vec![90; width * height * 3];
    let mut painter = TextPainter::embedded();
    let lines = ["Where the road ends, the sea begins.", "– And what is behind the sea?"];
    criterion.bench_function("words/two lines of subtitles on 1080p", |bench| {
        bench.iter(|| {
            let mut canvas = Canvas::new(&mut pixels, width, height).expect("as large as it says");
            painter.draw(&mut canvas, &lines, 54.0, Anchor::Bottom);
        });
    });
}

#[cfg(not(feature = "player"))]
fn words(_: &mut Criterion) {}

criterion_group!(benches, record_codec, seal_and_open, sessions, tls, fan_out, index_to_records, words);
criterion_main!(benches);
