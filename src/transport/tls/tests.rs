//! Two ends of TLS in memory, driven by hand.

use std::io::{self, IoSlice};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ClientConfig, ClientConnection, Connection, NamedGroup, ProtocolVersion, ServerConfig,
    crypto::aws_lc_rs::{default_provider, kx_group::X25519, sign::any_supported_type},
    sign::{CertifiedKey, SingleCertAndKey},
    version::TLS13,
};

use super::{
    verifier::{HubVerifier, Shown, Wanted},
    *,
};
use crate::{
    transport::{
        Transport,
        memory::{self, MemoryTransport},
    },
    types::HubKey,
};

type End = TlsTransport<MemoryTransport>;

/// 2026-11-21, in milliseconds.
const NOW: u64 = 1_795_219_200_000;
const TEN_YEARS: u64 = 3653 * 24 * 3600 * 1000;

fn certificate() -> HubCertificate {
    let files = HubCertificate::make(&["localhost".to_owned()]).unwrap();
    HubCertificate::read(files.certificate.as_bytes(), files.key.as_bytes()).unwrap()
}

fn hub_tls(certificate: &HubCertificate) -> HubTls {
    HubTls::new(certificate, KeyExchange::default()).unwrap()
}

fn member_tls(trust: HubTrust) -> MemberTls {
    MemberTls::new(trust, KeyExchange::default(), || NOW).unwrap()
}

fn pair(hub: &HubTls, member: &MemberTls) -> (End, End) {
    let (one, other) = memory::pair();
    (hub.wrap(one).unwrap(), member.wrap(other, "localhost").unwrap())
}

/// Reads what is there; the end of the bytes is an error here.
fn read(end: &mut dyn Transport) -> io::Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), [0; 1000]);
    loop {
        match end.read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::NotConnected.into()),
            Ok(count) => all.extend(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(all),
            Err(error) => return Err(error),
        }
    }
}

fn write(end: &mut dyn Transport, bytes: &[u8]) -> io::Result<usize> {
    end.write_vectored(&[IoSlice::new(bytes)])
}

/// Lets both ends say what they have to say: what came of it at the first and at the second.
fn shake(one: &mut dyn Transport, other: &mut dyn Transport) -> [io::Result<()>; 2] {
    let mut came = [Ok(()), Ok(())];
    for _ in 0..4 {
        if came[0].is_ok() {
            came[0] = read(one).map(drop);
        }
        if came[1].is_ok() {
            came[1] = read(other).map(drop);
        }
    }
    came
}

fn linked() -> (End, End) {
    let certificate = certificate();
    let (mut hub, mut member) = pair(&hub_tls(&certificate), &member_tls(HubTrust::Key(certificate.key())));
    for came in shake(&mut hub, &mut member) {
        came.unwrap();
    }
    (hub, member)
}

fn kinds(came: [io::Result<()>; 2]) -> [io::ErrorKind; 2] {
    came.map(|came| came.unwrap_err().kind())
}

#[test]
fn both_ends_agree_on_the_best_and_on_nothing_that_could_be_resumed() {
    let (hub, member) = linked();
    for end in [&hub, &member] {
        assert_eq!(end.tls().protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(end.tls().negotiated_key_exchange_group().unwrap().name(), NamedGroup::X25519MLKEM768);
        assert_eq!(end.tls().alpn_protocol(), Some(ALPN));
    }
    let Connection::Client(member) = member.tls() else { panic!("it is the client") };
    assert_eq!(member.tls13_tickets_received(), 0);
}

#[test]
fn a_channel_binding_is_that_of_one_link() {
    let (hub, member) = linked();
    assert_eq!(hub.channel_binding(), member.channel_binding());
    assert_eq!(hub.channel_binding().len(), 32);
    assert_ne!(hub.channel_binding(), linked().0.channel_binding());
    let certificate = certificate();
    let (_, begun) = pair(&hub_tls(&certificate), &member_tls(HubTrust::Any));
    assert!(begun.channel_binding().is_empty(), "nothing is agreed upon yet");
}

#[test]
fn nothing_is_taken_before_the_handshake_is_done() {
    let certificate = certificate();
    let (mut hub, mut member) = pair(&hub_tls(&certificate), &member_tls(HubTrust::Key(certificate.key())));
    assert_eq!(write(&mut member, b"early").unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert_eq!(write(&mut hub, b"early").unwrap_err().kind(), io::ErrorKind::WouldBlock);
    // Writing alone brings the handshake on.
    assert_eq!(write(&mut member, b"in time").unwrap(), 7);
    assert_eq!(read(&mut hub).unwrap(), b"in time");
}

#[test]
fn what_is_taken_arrives_in_order_however_slowly_it_is_read() {
    let (mut hub, mut member) = linked();
    let sent: Vec<u8> = (0..1_000_000_u32).map(|number| number.to_be_bytes()[3] ^ number.to_be_bytes()[2]).collect();
    let (mut taken, mut received) = (0, Vec::<u8>::new());
    while received.len() < sent.len() {
        // More slices than are encrypted together, and cut at odd places.
        let slices: Vec<_> = sent[taken..].chunks(1777).take(40).map(IoSlice::new).collect();
        match hub.write_vectored(&slices) {
            Ok(count) => taken += count,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
        let mut buffer = vec![0; 30_000];
        match member.read(&mut buffer) {
            Ok(count) => received.extend(&buffer[..count]),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
        if taken == sent.len() {
            // What is held goes out although nothing more is written.
            let _ = hub.flush();
        }
    }
    assert_eq!(received, sent);
    hub.flush().unwrap();
}

#[test]
fn a_link_that_takes_no_more_holds_little_and_says_so() {
    let (mut hub, mut member) = linked();
    let (record, mut taken) = (vec![7; 10_000], 0);
    let blocked = loop {
        match write(&mut hub, &record) {
            Ok(count) => taken += count,
            Err(error) => break error,
        }
    };
    assert_eq!(blocked.kind(), io::ErrorKind::WouldBlock);
    assert!(taken < 160_000, "{taken} bytes for a link that takes 64 KiB");
    assert_eq!(hub.flush().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    // An edge: whoever drives the link reads, and that alone lets it go on.
    let mut received = read(&mut member).unwrap().len();
    assert!(received < taken);
    assert!(read(&mut hub).unwrap().is_empty());
    received += read(&mut member).unwrap().len();
    assert_eq!(received, taken);
}

#[test]
fn an_end_in_order_is_told_from_one_that_was_cut() {
    let (hub, mut member) = linked();
    drop(hub);
    assert_eq!(member.read(&mut [0; 10]).unwrap(), 0);

    let certificate = certificate();
    let (one, other) = memory::pair();
    let mut hub = hub_tls(&certificate).wrap(one).unwrap();
    let cut = Arc::new(std::sync::Mutex::new(Some(other)));
    let mut member = member_tls(HubTrust::Any).wrap(Cut(cut.clone()), "").unwrap();
    for came in shake(&mut hub, &mut member) {
        came.unwrap();
    }
    drop(cut.lock().unwrap().take());
    assert_eq!(hub.read(&mut [0; 10]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

/// A link that somebody in between can cut.
struct Cut(Arc<std::sync::Mutex<Option<MemoryTransport>>>);

impl Transport for Cut {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().unwrap().as_mut().map_or(Ok(0), |link| link.read(buffer))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut link = self.0.lock().unwrap();
        link.as_mut().map_or(Err(io::ErrorKind::BrokenPipe.into()), |link| link.write_vectored(slices))
    }

    fn register(&mut self, _: crate::transport::Readiness<'_>) -> io::Result<()> {
        Ok(())
    }

    fn channel_binding(&self) -> Vec<u8> {
        Vec::new()
    }

    fn peer(&self) -> crate::types::Peer {
        crate::types::Peer::local("cut")
    }
}

#[test]
fn attack_04_another_key_ends_the_handshake_before_anything_is_said() {
    let certificate = certificate();
    for trust in [HubTrust::Key(HubKey([1; 32])), HubTrust::Nothing] {
        let tls = member_tls(trust);
        let (mut hub, mut member) = pair(&hub_tls(&certificate), &tls);
        let came = kinds(shake(&mut hub, &mut member));
        assert_eq!(came, [io::ErrorKind::ConnectionAborted, io::ErrorKind::InvalidData]);
        assert_eq!(tls.shown(), Some(certificate.key()), "it can be compared");
        assert!(write(&mut member, b"hello?").is_err());
    }
}

#[test]
fn attack_04_a_certificate_that_was_copied_without_its_key_is_refused() {
    let (copied, own) = (certificate(), certificate());
    let signer = any_supported_type(&own.private_key()).unwrap();
    let shown = CertifiedKey::new(copied.chain().to_vec(), signer);
    let config = ServerConfig::builder_with_provider(provider(KeyExchange::default()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
    for trust in [HubTrust::Key(copied.key()), HubTrust::Any] {
        let tls = member_tls(trust);
        let (mut hub, mut member) =
            pair(&HubTls::with(HubTls::configured(config.clone()), KeyExchange::default()), &tls);
        assert_eq!(kinds(shake(&mut hub, &mut member))[1], io::ErrorKind::InvalidData);
        assert_eq!(tls.shown(), Some(copied.key()), "the certificate was taken for what it is");
    }
}

#[test]
fn attack_16_an_end_that_requires_the_post_quantum_exchange_refuses_all_others() {
    let certificate = certificate();
    let mut classical = default_provider();
    classical.kx_groups = vec![X25519];
    let old = MemberTls::with_provider(HubTrust::Any, Arc::new(classical), || NOW).unwrap();
    let strict = HubTls::new(&certificate, KeyExchange::RequirePostQuantum).unwrap();
    let (mut hub_end, mut member_end) = pair(&strict, &old);
    assert_eq!(
        kinds(shake(&mut hub_end, &mut member_end)),
        [io::ErrorKind::InvalidData, io::ErrorKind::ConnectionAborted]
    );

    let (mut hub_end, mut member_end) = pair(&hub_tls(&certificate), &old);
    assert!(shake(&mut hub_end, &mut member_end).iter().all(Result::is_ok), "others are a second choice");
    let strict_member = MemberTls::new(HubTrust::Any, KeyExchange::RequirePostQuantum, || NOW).unwrap();
    let (mut hub_end, mut member_end) = pair(&strict, &strict_member);
    assert!(shake(&mut hub_end, &mut member_end).iter().all(Result::is_ok));
}

/// A `ClientHello` as an end of TLS 1.2 sends it: no `supported_versions`, and ciphers of that version.
fn hello_of_tls_1_2() -> Vec<u8> {
    let extensions = [
        &[0, 10, 0, 4, 0, 2, 0, 29][..],
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 6, 0, 4, 4, 3, 8, 4],
        &[0, 23, 0, 0],
        &[0xff, 1, 0, 1, 0],
    ]
    .concat();
    let length = |bytes: usize| u16::try_from(bytes).unwrap().to_be_bytes();
    let hello =
        [&[3, 3][..], &[7; 32], &[0, 0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0], &length(extensions.len()), &extensions];
    let hello = hello.concat();
    [&[0x16, 3, 1][..], &length(hello.len() + 4), &[1, 0], &length(hello.len()), &hello].concat()
}

#[test]
fn bad_input_41_attack_16_tls_1_2_and_junk_get_an_alert_and_nothing_else() {
    let certificate = certificate();
    let tls_1_2 = hello_of_tls_1_2();
    let of_another_version = [&[0x16, 3, 0, 0, 4, 1][..], &[0; 3]].concat();
    for (what, bytes, alert) in [
        ("TLS 1.2", &tls_1_2[..], 70),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n", 50),
        ("a record of this protocol", &[0, 0, 0, 5, 0x93, 1, 0x91, 1, 0xa0], 50),
        ("random", &[0xd9, 0x7c, 0x00, 0x41, 0x9e, 0xff, 0x13], 50),
        ("a ClientHello without content", &of_another_version, 50),
    ] {
        let (one, mut stranger) = memory::pair();
        let mut hub = hub_tls(&certificate).wrap(one).unwrap();
        write(&mut stranger, bytes).unwrap();
        assert_eq!(read(&mut hub).expect_err(what).kind(), io::ErrorKind::InvalidData, "{what}");
        assert_eq!(read(&mut hub).unwrap_err().kind(), io::ErrorKind::InvalidData, "{what}: and it stays so");
        drop(hub);
        let mut answer = [0; 100];
        assert_eq!(stranger.read(&mut answer).unwrap(), 7, "{what}");
        assert_eq!((answer[0], &answer[5..7]), (0x15, &[2, alert][..]), "{what}: a fatal alert");
        assert_eq!(stranger.read(&mut answer).unwrap(), 0);
    }
}

#[test]
fn bad_input_41_a_renegotiation_is_refused() {
    // TLS 1.3 has none; what would begin one is a record in the clear, behind the end of all such.
    let (mut hub, mut member) = linked();
    let mut hello = hello_of_tls_1_2();
    write(&mut member, b"before").unwrap();
    assert_eq!(read(&mut hub).unwrap(), b"before");
    hello[2] = 3;
    write(member.below(), &hello).unwrap();
    assert_eq!(read(&mut hub).unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
fn both_ends_insist_on_the_protocol_inside() {
    let certificate = certificate();
    let provider = provider(KeyExchange::default());
    for offered in [None, Some(b"h2".to_vec())] {
        let verifier = HubVerifier { wanted: Wanted::Any, provider: provider.clone(), shown: Shown::default() };
        let mut config = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols.extend(offered);
        let browser = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        let (one, other) = memory::pair();
        let mut hub = hub_tls(&certificate).wrap(one).unwrap();
        let mut browser = TlsTransport::new(other, Connection::Client(browser));
        let [at_the_hub, _] = shake(&mut hub, &mut browser);
        assert_eq!(at_the_hub.unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(read(&mut hub).unwrap_err().kind(), io::ErrorKind::InvalidData, "and it stays so");
        assert!(hub.channel_binding().is_empty());
    }
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificate.chain().to_vec(), certificate.private_key())
        .unwrap();
    let website = rustls::ServerConnection::new(Arc::new(config)).unwrap();
    let (one, other) = memory::pair();
    let mut website = TlsTransport::new(one, Connection::Server(website));
    let mut member = member_tls(HubTrust::Any).wrap(other, "localhost").unwrap();
    let [_, at_the_member] = shake(&mut website, &mut member);
    assert_eq!(at_the_member.unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
fn attack_12_a_hub_that_never_answers_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let patience = Patience { until: std::time::Instant::now(), now: std::time::Instant::now };
    let port = listener.local_addr().unwrap().port();
    let dialled = member_tls(HubTrust::Any).connect("127.0.0.1", port, patience);
    assert!(matches!(dialled, Err(DialError::Silent)), "{dialled:?}");
}

/// An authority, and a certificate for `localhost` that it vouches for in the years 2025 to 2028.
fn vouched() -> (Authority, HubCertificate) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(params, authority_key);
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2025, 1, 1), date_time_ymd(2028, 1, 1));
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let read = HubCertificate::read(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    (authorities(authority.pem().as_bytes()).unwrap().remove(0), read)
}

/// What a member says to a hub that shows `certificate`, by this clock.
fn judged(certificate: &HubCertificate, trust: HubTrust, host: &str, clock: fn() -> u64) -> Result<(), String> {
    let tls = MemberTls::new(trust, KeyExchange::default(), clock).unwrap();
    let (one, other) = memory::pair();
    let mut hub = hub_tls(certificate).wrap(one).unwrap();
    let mut member = tls.wrap(other, host).unwrap();
    let [_, at_the_member] = shake(&mut hub, &mut member);
    at_the_member.map_err(|error| error.to_string())
}

#[test]
fn bad_input_58_a_wrong_clock_matters_to_authorities_only_and_is_told() {
    let (authority, certificate) = vouched();
    let vouched = HubTrust::Authorities { roots: vec![authority], key: None };
    let pinned = HubTrust::Key(certificate.key());
    let clocks: [fn() -> u64; 3] = [|| NOW, || NOW - TEN_YEARS, || NOW + TEN_YEARS];
    for (clock, problem) in clocks.into_iter().zip(["", "not valid yet", "expired"]) {
        assert_eq!(judged(&certificate, pinned.clone(), "localhost", clock), Ok(()));
        match judged(&certificate, vouched.clone(), "localhost", clock) {
            Ok(()) => assert_eq!(problem, ""),
            Err(error) => assert!(!problem.is_empty() && error.contains(problem), "{error}"),
        }
    }
}

#[test]
fn authorities_look_at_the_name_the_issuer_and_the_key_if_one_is_given() {
    let (authority, certificate) = vouched();
    let trust = |authority: &Authority, key| HubTrust::Authorities { roots: vec![authority.clone()], key };
    let judged = |trust, host| judged(&certificate, trust, host, || NOW);
    assert_eq!(judged(trust(&authority, None), "localhost"), Ok(()));
    assert_eq!(judged(trust(&authority, Some(certificate.key())), "localhost"), Ok(()));
    assert!(judged(trust(&authority, Some(HubKey([1; 32]))), "localhost").is_err());
    assert!(judged(trust(&authority, None), "example.org").unwrap_err().contains("example.org"));
    assert!(judged(trust(&vouched().0, None), "localhost").is_err());
}

#[test]
fn files_that_are_no_certificate_or_do_not_belong_together_are_refused() {
    let files = HubCertificate::make(&["localhost".to_owned()]).unwrap();
    let other = HubCertificate::make(&["localhost".to_owned()]).unwrap();
    let (certificate, key) = (files.certificate.as_bytes(), files.key.as_bytes());
    assert!(matches!(HubCertificate::read(certificate, other.key.as_bytes()), Err(CertificateProblem::Mismatch)));
    assert!(matches!(HubCertificate::read(key, key), Err(CertificateProblem::Certificate(_))));
    assert!(matches!(HubCertificate::read(certificate, certificate), Err(CertificateProblem::Key(_))));
    assert!(matches!(HubCertificate::read(b"", key), Err(CertificateProblem::Certificate(_))));
    let read = HubCertificate::read(certificate, key).unwrap();
    assert_eq!(format!("{read:?}"), format!("HubCertificate({})", read.key()), "no word of its private key");
}
