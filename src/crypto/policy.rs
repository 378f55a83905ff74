//! Which RSA public keys are taken: the crate that computes with them accepts weak ones.
//!
//! What is checked: strict DER with nothing after it, `rsaEncryption`, e = 65537, a modulus of exactly the size
//! agreed on, odd, without prime factors up to 53, and not a square. What is not: whether the modulus is a
//! product of two primes. A member who makes a key that is weak in other ways gives away only itself.

use rsa::{
    BoxedUint,
    pkcs1::RsaPublicKeyRef,
    pkcs8::{
        SubjectPublicKeyInfoRef,
        der::{Decode as _, asn1::AnyRef},
    },
};

use super::provider::WeakKey;

/// Size of the modulus. All members of a hub have the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModulusSize {
    /// The least that is taken; for tests, which make many keys.
    Bits2048,
    /// About 128 bits of strength ([NIST SP 800-57](https://doi.org/10.6028/NIST.SP.800-57pt1r5), table 2).
    #[default]
    Bits3072,
    Bits4096,
}

impl ModulusSize {
    /// The size in bits.
    #[must_use]
    pub fn bits(self) -> usize {
        match self {
            Self::Bits2048 => 2048,
            Self::Bits3072 => 3072,
            Self::Bits4096 => 4096,
        }
    }

    /// The size in bytes, which is also that of a signature and of an encrypted key.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.bits() / 8
    }
}

/// Checks `spki` without any arithmetic on large numbers until its sizes are known to be right.
pub(super) fn check(spki: &[u8], size: ModulusSize) -> Result<(), WeakKey> {
    let key = parse(spki).ok_or(WeakKey::Malformed)?;
    // Without leading zeros, both: that is what strict DER leaves.
    let (modulus, exponent) = (key.modulus.as_bytes(), key.public_exponent.as_bytes());
    let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
    if bits != size.bits() {
        return Err(WeakKey::ModulusSize { bits, wanted: size.bits() });
    }
    if exponent != [1, 0, 1] {
        return Err(WeakKey::Exponent);
    }
    check_modulus(modulus)
}

/// Reads the two numbers in place.
fn parse(spki: &[u8]) -> Option<RsaPublicKeyRef<'_>> {
    let info = SubjectPublicKeyInfoRef::from_der(spki).ok()?;
    if info.algorithm.oid != rsa::pkcs1::ALGORITHM_OID || info.algorithm.parameters != Some(AnyRef::NULL) {
        return None;
    }
    RsaPublicKeyRef::from_der(info.subject_public_key.as_bytes()?).ok()
}

fn check_modulus(modulus: &[u8]) -> Result<(), WeakKey> {
    if modulus.last().is_none_or(|low| low % 2 == 0) {
        return Err(WeakKey::EvenModulus);
    }
    // Squares first: the square of a small prime's multiple is better called a square.
    if is_square(modulus) {
        return Err(WeakKey::SquareModulus);
    }
    if shares_a_small_factor(modulus) { Err(WeakKey::SmallFactor) } else { Ok(()) }
}

/// Product of the odd primes up to 53, the largest such product in 64 bits: one division stands for fifteen.
const SMALL_PRIMES: u64 = 16_294_579_238_595_022_365;

fn shares_a_small_factor(modulus: &[u8]) -> bool {
    let (mut a, mut b) = (SMALL_PRIMES, remainder(modulus, SMALL_PRIMES));
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a != 1
}

/// `number`, big-endian, modulo `divisor`.
fn remainder(number: &[u8], divisor: u64) -> u64 {
    let divisor = u128::from(divisor);
    let rest = number.iter().fold(0, |rest: u128, byte| (rest << 8 | u128::from(*byte)) % divisor);
    u64::try_from(rest).unwrap_or(u64::MAX)
}

fn is_square(modulus: &[u8]) -> bool {
    // An odd square is 1 modulo 8, so the root of three keys in four need not be tried.
    if modulus.last().is_none_or(|low| low % 8 != 1) {
        return false;
    }
    let bits = u32::try_from(modulus.len() * 8).unwrap_or(u32::MAX);
    BoxedUint::from_be_slice(modulus, bits).is_ok_and(|number| number.checked_sqrt_vartime().is_some())
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};
    use rsa::{RsaPrivateKey, pkcs8::EncodePublicKey as _, traits::PublicKeyParts as _};

    use super::*;

    const SIZE: ModulusSize = ModulusSize::Bits2048;

    /// A good modulus of 2048 bits, made once for all tests here.
    fn modulus() -> &'static [u8] {
        static KEY: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
            RsaPrivateKey::new(&mut StdRng::seed_from_u64(1), 2048).unwrap().n_bytes().to_vec()
        });
        &KEY
    }

    fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let mut out = vec![tag];
        match content.len() {
            n @ 0..128 => out.push(u8::try_from(n).unwrap()),
            n @ 128..256 => out.extend([0x81, u8::try_from(n).unwrap()]),
            n => {
                out.push(0x82);
                out.extend(u16::try_from(n).unwrap().to_be_bytes());
            }
        }
        out.extend(content);
        out
    }

    fn integer(number: &[u8]) -> Vec<u8> {
        let zero: &[u8] = if number.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
        tlv(2, &[zero, number])
    }

    fn spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
        let algorithm = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
        let key = tlv(0x30, &[&integer(modulus), &integer(exponent)]);
        tlv(0x30, &[&algorithm, &tlv(3, &[&[0], &key])])
    }

    fn refused(modulus: &[u8], exponent: &[u8]) -> WeakKey {
        check(&spki(modulus, exponent), SIZE).unwrap_err()
    }

    #[test]
    fn a_good_key_of_the_right_size_is_taken() {
        let key = RsaPrivateKey::new(&mut StdRng::seed_from_u64(1), 2048).unwrap().to_public_key();
        let der = key.to_public_key_der().unwrap();
        assert_eq!(der.as_bytes(), spki(modulus(), &[1, 0, 1]), "the tests build what the crate builds");
        check(der.as_bytes(), SIZE).unwrap();
        assert_eq!(
            check(der.as_bytes(), ModulusSize::Bits3072),
            Err(WeakKey::ModulusSize { bits: 2048, wanted: 3072 })
        );
    }

    #[test]
    fn bad_input_25_moduli_of_other_sizes() {
        for bits in [512, 1024, 2040, 2056, 3072, 4096, 16384] {
            let mut other = modulus().iter().copied().cycle().take(bits / 8).collect::<Vec<_>>();
            other[0] |= 0x80;
            assert_eq!(refused(&other, &[1, 0, 1]), WeakKey::ModulusSize { bits, wanted: 2048 });
        }
        let mut short = modulus().to_vec();
        short[0] = 0x7f;
        assert_eq!(refused(&short, &[1, 0, 1]), WeakKey::ModulusSize { bits: 2047, wanted: 2048 });
    }

    #[test]
    fn bad_input_26_exponents_other_than_65537() {
        let huge = [0x7f; 255];
        for exponent in [&[1][..], &[2], &[3], &[17], &[1, 0, 0], &[1, 0, 2], &[1, 0, 0, 0, 1], &huge, modulus()] {
            assert_eq!(refused(modulus(), exponent), WeakKey::Exponent, "{exponent:?}");
        }
        assert_eq!(check(&spki(modulus(), &[0]), SIZE), Err(WeakKey::Exponent));
    }

    #[test]
    fn bad_input_27_even_and_square_moduli_and_small_factors() {
        let mut even = modulus().to_vec();
        *even.last_mut().unwrap() &= 0xfe;
        assert_eq!(refused(&even, &[1, 0, 1]), WeakKey::EvenModulus);

        let root = BoxedUint::from_be_slice(&[0xf1; 128], 2048).unwrap();
        let square = root.wrapping_mul(&root).to_be_bytes();
        assert_eq!(refused(&square, &[1, 0, 1]), WeakKey::SquareModulus);

        // Of three odd numbers in a row, one is a multiple of three.
        let thrice = (0..3u8).find_map(|step| {
            let mut near = modulus().to_vec();
            *near.last_mut().unwrap() = near.last().unwrap() & 0xf0 | (1 + 2 * step);
            (remainder(&near, 3) == 0).then_some(near)
        });
        assert_eq!(refused(&thrice.unwrap(), &[1, 0, 1]), WeakKey::SmallFactor);
    }

    #[test]
    fn bad_input_27_der_that_is_not_strict() {
        let good = spki(modulus(), &[1, 0, 1]);
        let mut trailing = good.clone();
        trailing.push(0);
        let mut padded_integer = vec![0, 0];
        padded_integer.extend(modulus());
        let mut pss = good.clone();
        pss[16] = 10;
        let mut unused_bits = good.clone();
        assert_eq!(unused_bits[19..24], [3, 0x82, 1, 0x0f, 0]);
        unused_bits[23] = 1;
        let mut long_length = good.clone();
        long_length.splice(1..4, [0x83, 0, good[2], good[3]]);
        let inner = tlv(0x30, &[&integer(modulus()), &integer(&[1, 0, 1]), &[5, 0]]);
        let surplus = tlv(0x30, &[&good[4..19], &tlv(3, &[&[0], &inner])]);
        for (what, der) in [
            ("nothing", vec![]),
            ("trailing", trailing),
            ("truncated", good[..good.len() - 1].to_vec()),
            ("leading zeros", spki(&padded_integer, &[1, 0, 1])),
            ("zeros before the exponent", spki(modulus(), &[0, 1, 0, 1])),
            ("RSASSA-PSS key", pss),
            ("unused bits", unused_bits),
            ("a length in more bytes than it needs", long_length),
            ("surplus in the key", surplus),
            ("PKCS#1 alone", tlv(0x30, &[&integer(modulus()), &integer(&[1, 0, 1])])),
            ("zeros", vec![0; 16384]),
        ] {
            assert_eq!(check(&der, SIZE), Err(WeakKey::Malformed), "{what}");
        }
    }

    #[test]
    fn small_arithmetic_is_right() {
        assert_eq!(remainder(&[1, 0], 7), 256 % 7);
        assert_eq!([3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53].iter().product::<u64>(), SMALL_PRIMES);
        assert!(shares_a_small_factor(&[0, 53]));
        assert!(!shares_a_small_factor(&[59]));
    }
}
