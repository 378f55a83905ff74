use rand::rngs::StdRng;

use super::*;
use crate::{
    crypto::{
        fixtures::{NOW, member, passphrase, rng, rsa_member, sign_record},
        identity_file::{EarlierRecord, Summary, blocks},
        policy::ModulusSize,
        provider::ExportedKeys,
        rsa_provider::RsaProvider,
        testing::InsecureProvider,
    },
    types::{CurveKey, wire},
};

const FAST: InsecureProvider = InsecureProvider;

fn read(file: &[u8]) -> Result<Identity, IdentityError> {
    Identity::from_pem(&FAST, file, None, NOW + 1, &mut rng(77))
}

fn unlock(file: &[u8], phrase: &str) -> Result<Identity, IdentityError> {
    Identity::from_pem(&FAST, file, Some(&passphrase(phrase)), NOW + 1, &mut rng(77))
}

/// Bob's file with the passphrase "correct horse".
fn protected() -> Zeroizing<String> {
    member("bob").protected(&FAST, Some(&passphrase("correct horse")), &mut rng(3)).unwrap().to_pem().unwrap()
}

fn labels(file: &str) -> Vec<&str> {
    let begins = file.lines().filter_map(|line| line.strip_prefix("-----BEGIN "));
    begins.map(|rest| rest.trim_end_matches('-')).collect()
}

#[test]
fn an_identity_survives_its_file() {
    let bob = member("Bob");
    let again = read(bob.to_pem().unwrap().as_bytes()).unwrap();
    assert_eq!(again.record(), bob.record());
    assert_eq!(again.name().as_str(), "Bob");

    let provider = RsaProvider::new(ModulusSize::Bits2048);
    let real = rsa_member(0);
    let file = real.to_pem().unwrap();
    assert_eq!(file.matches("-----BEGIN PRIVATE KEY-----").count(), 2);
    assert_eq!(Identity::from_pem(&provider, file.as_bytes(), None, NOW, &mut rng(0)).unwrap().record(), real.record());
    assert!(matches!(read(file.as_bytes()), Err(IdentityError::Key(_))), "the test provider takes no real keys");
    let insecure = bob.to_pem().unwrap();
    assert!(matches!(
        Identity::from_pem(&provider, insecure.as_bytes(), None, NOW, &mut rng(0)),
        Err(IdentityError::Key(_))
    ));
}

#[test]
fn bad_input_60_an_identity_cut_off_anywhere_is_refused() {
    let file = member("bob").to_pem().unwrap();
    assert_eq!(read(b"").unwrap_err(), IdentityError::Empty);
    for length in 1..file.len() {
        assert_eq!(read(&file.as_bytes()[..length]).unwrap_err(), IdentityError::Malformed, "{length} bytes");
    }
    assert_eq!(read(&[file.as_bytes(), b"x"].concat()).unwrap_err(), IdentityError::Malformed);
    assert_eq!(read(&[0xff; 100]).unwrap_err(), IdentityError::Malformed);
}

#[test]
fn bad_input_60_a_changed_byte_never_gives_another_identity() {
    let bob = member("bob");
    let file = bob.to_pem().unwrap();
    for at in 0..file.len() {
        let mut changed = file.as_bytes().to_vec();
        changed[at] ^= 1;
        if let Ok(read) = read(&changed) {
            assert_eq!(read.record(), bob.record(), "byte {at}");
        }
    }
}

#[test]
fn blocks_of_two_files_do_not_mix() {
    let (bob, carol) = (member("bob").to_pem().unwrap(), member("carol").to_pem().unwrap());
    let (bob, carol) = (blocks(&bob).unwrap(), blocks(&carol).unwrap());
    for (other, found) in [([0, 1, 1, 1], IdentityError::OtherKeys), ([0, 1, 0, 1], IdentityError::OtherKeys)] {
        let mixed: String = (0..4).map(|at| if other[at] == 0 { bob[at].text } else { carol[at].text }).collect();
        assert_eq!(read(mixed.as_bytes()).unwrap_err(), found);
    }
    for (first, second) in [(1, 0), (0, 2)] {
        let mut order = [0, 1, 2, 3];
        order.swap(first, second);
        let swapped: String = order.map(|at| bob[at].text).concat();
        assert_eq!(read(swapped.as_bytes()).unwrap_err(), IdentityError::Malformed);
    }
}

#[test]
fn a_storage_key_of_another_member_s_protected_file_does_not_fit() {
    let carol = member("carol").protected(&FAST, Some(&passphrase("correct horse")), &mut rng(3)).unwrap();
    let (bob, carol) = (protected(), carol.to_pem().unwrap());
    let (bob, carol) = (blocks(&bob).unwrap(), blocks(&carol).unwrap());
    let mixed = [bob[0].text, carol[1].text, bob[2].text, bob[3].text].concat();
    assert_eq!(unlock(mixed.as_bytes(), "correct horse").unwrap_err(), IdentityError::WrongPassphrase);
}

#[test]
fn the_storage_key_lasts() {
    let bob = member("bob");
    let again = read(bob.to_pem().unwrap().as_bytes()).unwrap();
    assert_eq!(again.storage_key(), bob.storage_key());
    assert_eq!(unlock(protected().as_bytes(), "correct horse").unwrap().storage_key(), bob.storage_key());
    assert_eq!(bob.rotate(&FAST, None, NOW, &mut rng(4)).unwrap().storage_key(), bob.storage_key());
    assert_ne!(member("carol").storage_key(), bob.storage_key());
}

#[test]
fn a_passphrase_protects_everything_but_the_record() {
    let (plain, file) = (member("bob").to_pem().unwrap(), protected());
    let expected = [
        "SECURESTREAM KEY RECORD",
        "SECURESTREAM WRAPPED STORAGE KEY",
        "ENCRYPTED PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
    ];
    assert_eq!(labels(&file), expected);
    let secrets: Vec<&str> = plain.lines().skip_while(|line| !line.contains("BEGIN SECURESTREAM STORAGE")).collect();
    let secrets = secrets.iter().filter(|line| !line.starts_with('-') && line.len() > 8);
    assert!(secrets.clone().count() > 3);
    secrets.for_each(|line| assert!(!file.contains(*line), "{line}"));

    let bob = unlock(file.as_bytes(), "correct horse").unwrap();
    assert!(bob.is_protected());
    assert_eq!(bob.record(), member("bob").record());
    assert_eq!(bob.to_pem().unwrap(), file, "written again as it is");
    assert_eq!(read(file.as_bytes()).unwrap_err(), IdentityError::PassphraseNeeded);
    assert_eq!(unlock(file.as_bytes(), "correct horsE").unwrap_err(), IdentityError::WrongPassphrase);
    assert_eq!(bob.protected(&FAST, None, &mut rng(0)).unwrap().to_pem().unwrap(), plain);
    let changed = bob.protected(&FAST, Some(&passphrase("battery")), &mut rng(5)).unwrap().to_pem().unwrap();
    assert_eq!(unlock(changed.as_bytes(), "correct horse").unwrap_err(), IdentityError::WrongPassphrase);
    assert_eq!(unlock(changed.as_bytes(), "battery").unwrap().storage_key(), bob.storage_key());
    // A passphrase that is not needed does no harm.
    assert!(!unlock(plain.as_bytes(), "battery").unwrap().is_protected());
}

#[test]
fn real_keys_are_protected_as_pkcs_8_says() {
    let provider = RsaProvider::new(ModulusSize::Bits2048);
    let phrase = passphrase("correct horse");
    let file = rsa_member(0).protected(&provider, Some(&phrase), &mut rng(1)).unwrap().to_pem().unwrap();
    let again = Identity::from_pem(&provider, file.as_bytes(), Some(&phrase), NOW, &mut rng(2)).unwrap();
    assert_eq!(again.record(), rsa_member(0).record());
    let encrypted = blocks(&file).unwrap()[2].text.to_owned();
    let key = <rsa::RsaPrivateKey as pkcs8::DecodePrivateKey>::from_pkcs8_encrypted_pem(&encrypted, "correct horse");
    let public = pkcs8::EncodePublicKey::to_public_key_der(&key.unwrap().to_public_key()).unwrap();
    assert_eq!(public.as_bytes(), &*rsa_member(0).record().keys.signing);
}

#[test]
fn bad_input_60_a_protected_identity_cut_off_anywhere_is_refused() {
    let file = protected();
    for length in 1..file.len() {
        let error = unlock(&file.as_bytes()[..length], "correct horse").unwrap_err();
        assert_eq!(error, IdentityError::Malformed, "{length} bytes");
    }
}

#[test]
fn bad_input_60_a_changed_byte_never_gives_another_protected_identity() {
    let (bob, file) = (member("bob"), protected());
    for at in 0..file.len() {
        let mut changed = file.as_bytes().to_vec();
        changed[at] ^= 1;
        if let Ok(read) = unlock(&changed, "correct horse") {
            assert_eq!((read.record(), read.storage_key()), (bob.record(), bob.storage_key()), "byte {at}");
        }
    }
}

#[test]
fn new_keys_are_protected_as_the_old_ones_were() {
    let bob = unlock(protected().as_bytes(), "correct horse").unwrap();
    assert_eq!(bob.rotate(&FAST, None, NOW, &mut rng(4)).unwrap_err(), IdentityError::PassphraseNeeded);
    let rotated = bob.rotate(&FAST, Some(&passphrase("correct horse")), NOW, &mut rng(4)).unwrap();
    assert_ne!(rotated.fingerprint(), bob.fingerprint());
    let again = unlock(rotated.to_pem().unwrap().as_bytes(), "correct horse").unwrap();
    assert_eq!((again.record(), again.is_protected()), (rotated.record(), true));
    let plain = member("bob").rotate(&FAST, Some(&passphrase("x")), NOW, &mut rng(4)).unwrap();
    assert!(!plain.is_protected());
}

#[test]
fn another_bundle_changes_the_record_alone() {
    let bundle = Bundle { identity: CurveKey([1; 32]), fallback: CurveKey([2; 32]), kem: vec![3; 1184].into() };
    let bob = unlock(protected().as_bytes(), "correct horse").unwrap();
    let with = bob.with_bundle(Some(bundle.clone()), NOW - 5, &mut rng(1)).unwrap();
    assert_eq!(with.record().sequence, bob.record().sequence + 1, "with a clock that was set back");
    assert_eq!((with.record().bundle.as_ref(), with.fingerprint()), (Some(&bundle), bob.fingerprint()));
    record::verify(&FAST, with.record().clone()).unwrap();
    assert_eq!(with.verified_record().record(), with.record());
    // No passphrase is needed to keep it.
    let again = unlock(with.to_pem().unwrap().as_bytes(), "correct horse").unwrap();
    assert_eq!(again.record(), with.record());
    let without = again.with_bundle(None, NOW + 9, &mut rng(1)).unwrap();
    assert_eq!((without.record().bundle.as_ref(), without.record().sequence), (None, NOW + 9));
}

/// The file of a member as version 0.1 wrote it.
fn earlier_file(identity: &Identity, change: impl FnOnce(&mut EarlierRecord)) -> String {
    let KeyRecord { name, keys, .. } = identity.record().clone();
    let mut signed = b"securestream/v1/key-record".to_vec();
    wire::write_to(&mut signed, &(&name, &keys, 1));
    let signature = identity.keys().sign(&signed, &mut rng(0)).unwrap().into();
    let mut record = EarlierRecord { name, keys, sequence: 1, signature };
    change(&mut record);
    let record = wire::to_bytes(&record);
    let record = pkcs8::der::pem::encode_string("SECURESTREAM KEY RECORD", pkcs8::LineEnding::LF, &record).unwrap();
    let ExportedKeys { signing, sealing } = identity.keys().export().unwrap();
    [record.as_str(), &signing, &sealing].concat()
}

#[test]
fn a_file_of_version_0_1_becomes_one_of_this_version() {
    let bob = member("Bob");
    let file = earlier_file(&bob, |_| {});
    assert_eq!(labels(&file), ["SECURESTREAM KEY RECORD", "PRIVATE KEY", "PRIVATE KEY"]);
    let read_as = |rng: &mut StdRng| Identity::from_pem(&FAST, file.as_bytes(), None, NOW + 1, rng).unwrap();
    let upgraded = read_as(&mut rng(1));
    assert_eq!((upgraded.fingerprint(), upgraded.name()), (bob.fingerprint(), bob.name()));
    assert_eq!(upgraded.record().sequence, NOW + 1);
    assert_ne!(upgraded.storage_key(), read_as(&mut rng(2)).storage_key(), "drawn, not derived");
    let again = read(upgraded.to_pem().unwrap().as_bytes()).unwrap();
    assert_eq!((again.record(), again.storage_key()), (upgraded.record(), upgraded.storage_key()));

    // Three blocks with a record of this version, as between the two.
    let text = bob.to_pem().unwrap();
    let blocks = blocks(&text).unwrap();
    let three = [blocks[0].text, blocks[2].text, blocks[3].text].concat();
    let upgraded = read(three.as_bytes()).unwrap();
    assert_eq!(upgraded.record(), bob.record());
    assert_ne!(upgraded.to_pem().unwrap().as_str(), three);
}

#[test]
fn an_earlier_record_that_was_changed_is_refused() {
    let renamed = earlier_file(&member("bob"), |record| record.name = "mallory".into());
    assert_eq!(read(renamed.as_bytes()).unwrap_err(), IdentityError::Record(RecordError::Signature));
}

#[test]
fn a_file_with_rotations_that_did_not_happen_is_refused() {
    let bob = member("bob").rotate(&FAST, None, NOW, &mut rng(1)).unwrap();
    let mut record = bob.record().clone();
    record.rotations[0].keys = member("mallory").record().keys.clone();
    sign_record(&bob, &mut record);
    let forged = Identity { record: bob.record.renewed(record), ..bob.copy() };
    let error = read(forged.to_pem().unwrap().as_bytes()).unwrap_err();
    assert_eq!(error, IdentityError::Record(RecordError::Rotation(rotation::RotationError::Signature)));
}

#[test]
fn debug_shows_name_and_fingerprint_only() {
    let bob = rsa_member(0);
    assert_eq!(format!("{bob:?}"), format!("Identity(member0 {})", bob.fingerprint()));
}

#[test]
fn two_identities_differ() {
    let one = Identity::generate(&InsecureProvider, &"bob".parse().unwrap(), NOW, &mut rng(1)).unwrap();
    let two = Identity::generate(&InsecureProvider, &"bob".parse().unwrap(), NOW, &mut rng(2)).unwrap();
    assert_ne!(one.fingerprint(), two.fingerprint());
}

#[test]
fn identities_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Identity>();
}

#[test]
fn what_a_file_is_can_be_told_without_its_passphrase() {
    let bob = unlock(protected().as_bytes(), "correct horse").unwrap();
    let rotated = bob.rotate(&FAST, Some(&passphrase("correct horse")), NOW + 5, &mut rng(4)).unwrap();
    let mut expected = Summary {
        name: "bob".parse().unwrap(),
        fingerprint: rotated.fingerprint(),
        sequence: NOW + 5,
        earlier: vec![bob.fingerprint()],
        has_bundle: false,
        is_protected: true,
    };
    assert_eq!(Summary::read(rotated.to_pem().unwrap().as_bytes()).unwrap(), expected);
    assert_eq!(Summary::read(rotated.to_backup(Vec::new(), &mut rng(1)).unwrap().as_bytes()).unwrap(), expected);
    let plain = rotated.protected(&FAST, None, &mut rng(1)).unwrap().to_pem().unwrap();
    expected.is_protected = false;
    assert_eq!(Summary::read(plain.as_bytes()).unwrap(), expected);
    let earlier = Summary::read(earlier_file(&member("bob"), |_| {}).as_bytes()).unwrap();
    assert_eq!((earlier.fingerprint, earlier.sequence), (member("bob").fingerprint(), 1));
    for length in 0..plain.len() {
        assert!(Summary::read(&plain.as_bytes()[..length]).is_err(), "{length}");
    }
}
