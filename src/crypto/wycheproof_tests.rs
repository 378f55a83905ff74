//! The vectors of [Wycheproof](https://github.com/C2SP/wycheproof) for what is used here: RSAES-OAEP and
//! RSASSA-PSS with SHA-256 for both hash and MGF1, and XChaCha20-Poly1305.
//!
//! Sets are chosen by what their groups say, over all sets of the crate, and what ran is counted, so that a renamed
//! set or a changed label cannot make a test pass by running nothing.

use rsa::{
    RsaPrivateKey, RsaPublicKey,
    pkcs8::{DecodePrivateKey as _, DecodePublicKey as _},
};
use wycheproof::{HashFunction::Sha2_256, TestResult, aead, rsa_oaep, rsa_pss_verify};

use super::{
    aead::{decrypt, encrypt},
    fixtures::rng,
    rsa_provider::{oaep_decrypt, pss_verify},
    secret::Secret,
};

#[test]
fn rsa_oaep_sha256() {
    let (mut valid, mut invalid, mut sizes) = (0, 0, Vec::new());
    for name in rsa_oaep::TestName::all() {
        for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
            if (group.hash, group.mgf_hash) != (Sha2_256, Sha2_256) {
                continue;
            }
            let key = RsaPrivateKey::from_pkcs8_der(&group.pkcs8).unwrap();
            sizes.push(group.key_size);
            for test in group.tests {
                let message = oaep_decrypt(&key, &test.label, &test.ct, &mut rng(1));
                let message = message.as_ref().map(|message| &message[..]);
                let right = message == Some(&test.pt[..]);
                match test.result {
                    TestResult::Valid => assert!(right, "{name:?} {}: {}", test.tc_id, test.comment),
                    TestResult::Invalid => assert_eq!(message, None, "{name:?} {}: {}", test.tc_id, test.comment),
                    TestResult::Acceptable => assert!(right || message.is_none(), "{name:?} {}", test.tc_id),
                }
                *(if test.result == TestResult::Invalid { &mut invalid } else { &mut valid }) += 1;
            }
        }
    }
    sizes.sort_unstable();
    sizes.dedup();
    assert_eq!(sizes, [1024, 1536, 2048, 2688, 3072, 4032, 4096, 8192]);
    assert_eq!((valid, invalid), (3 * 18 + 34, 3 * 19));
}

#[test]
fn rsa_pss_sha256() {
    let (mut valid, mut invalid, mut other_salts) = (0, 0, 0);
    for name in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            if (group.hash, group.mgf_hash) != (Sha2_256, Some(Sha2_256)) {
                continue;
            }
            let Some(key) = public_key(&group.asn_key, &group.der) else { panic!("{name:?}: no key") };
            for test in group.tests {
                let verified = pss_verify(&key, &test.msg, &test.sig);
                match (group.salt_size, test.result) {
                    (32, TestResult::Valid) => valid += 1,
                    (32, _) => invalid += 1,
                    // Valid for those who take salts of another length, never here.
                    (_, TestResult::Valid) => other_salts += 1,
                    // Among these is one whose only fault is a salt of 32 bytes.
                    _ => continue,
                }
                let expected = test.result == TestResult::Valid && group.salt_size == 32;
                assert_eq!(verified, expected, "{name:?} {}: {}", test.tc_id, test.comment);
            }
        }
    }
    assert_eq!((valid, invalid, other_salts), (5 * 63 + 2, 5 * 45, 2 * 61 + 2 * 5));
}

/// Groups give their key as PKCS#1, as `SubjectPublicKeyInfo`, or as an RSASSA-PSS key whose parameters the crate
/// does not read; then the PKCS#1 form is inside.
fn public_key(pkcs1: &[u8], spki: &[u8]) -> Option<RsaPublicKey> {
    use rsa::pkcs1::DecodeRsaPublicKey as _;
    RsaPublicKey::from_pkcs1_der(pkcs1).or_else(|_| RsaPublicKey::from_public_key_der(spki)).ok()
}

#[test]
fn xchacha20_poly1305() {
    let (mut valid, mut invalid, mut other_nonces) = (0, 0, 0);
    for group in aead::TestSet::load(aead::TestName::XChaCha20Poly1305).unwrap().test_groups {
        for test in group.tests {
            let Ok(nonce) = <[u8; 24]>::try_from(&test.nonce[..]) else {
                // No call can be written with a nonce of another length.
                assert_eq!(test.result, TestResult::Invalid);
                other_nonces += 1;
                continue;
            };
            let key = Secret(<[u8; 32]>::try_from(&test.key[..]).unwrap());
            let sealed = [&test.ct[..], &test.tag].concat();
            let opened = decrypt(&key, nonce, &test.aad, &sealed);
            let opened = opened.as_ref().map(|text| &text[..]);
            if test.result == TestResult::Valid {
                assert_eq!(opened, Some(&test.pt[..]), "{}: {}", test.tc_id, test.comment);
                let mut text = test.pt.to_vec();
                encrypt(&key, nonce, &test.aad, &mut text);
                assert_eq!(text, sealed, "{}: {}", test.tc_id, test.comment);
                valid += 1;
            } else {
                assert_eq!(opened, None, "{}: {}", test.tc_id, test.comment);
                invalid += 1;
            }
        }
    }
    assert_eq!(valid + invalid + other_nonces, 315);
    assert_eq!((valid, invalid, other_nonces), (246, 60, 9));
}
