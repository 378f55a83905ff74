//! Codes that let one new member in.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::types::wire::fixed_bytes;

/// Crockford's [base 32](https://www.crockford.com/base32.html): no letter that is easily taken for another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

const BYTES: usize = 10;
const DIGITS: usize = BYTES * 8 / 5;
const GROUP: usize = 4;
const DOMAIN: &[u8] = b"securestream/v1/invite";

/// 80 random bits, written as four groups of four: `4q7x-0bmd-t9kc-2h5e`.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteCode([u8; BYTES]);

fixed_bytes! {
    /// What a hub keeps of a code: who reads its disk cannot come in by it.
    pub struct InviteHash(32);
}

impl InviteCode {
    /// Bytes to draw for one.
    pub const BYTES: usize = BYTES;

    /// A code from bytes that nobody else knows.
    #[must_use]
    pub fn new(random: [u8; BYTES]) -> Self {
        Self(random)
    }

    /// A code as somebody typed it: hyphens may be left out, small and capital letters are the same, and `o`, `i`, `l`
    /// stand for the digits they look like. Nothing when it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut bits = 0_u128;
        let mut digits = 0;
        for typed in text.bytes().filter(|byte| *byte != b'-') {
            let typed = match typed.to_ascii_lowercase() {
                b'o' => b'0',
                b'i' | b'l' => b'1',
                other => other,
            };
            let digit = ALPHABET.iter().position(|known| *known == typed)?;
            digits += 1;
            if digits > DIGITS {
                return None;
            }
            bits = bits << 5 | digit as u128;
        }
        if digits < DIGITS {
            return None;
        }
        let padded = bits.to_be_bytes();
        padded[padded.len() - BYTES..].try_into().map(Self).ok()
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> InviteHash {
        InviteHash(Sha256::new().chain_update(DOMAIN).chain_update(self.0).finalize().into())
    }

    /// The code in words to give to somebody.
    #[must_use]
    pub fn text(&self) -> String {
        let mut padded = [0; 16];
        padded[16 - BYTES..].copy_from_slice(&self.0);
        let bits = u128::from_be_bytes(padded);
        let mut text = String::new();
        for place in 0..DIGITS {
            if place > 0 && place % GROUP == 0 {
                text.push('-');
            }
            let digit = (bits >> (BYTES * 8 - 5 - 5 * place)) as usize & 31;
            text.push(char::from(ALPHABET[digit]));
        }
        text
    }
}

impl fmt::Debug for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteCode(…)")
    }
}

impl fmt::Display for InviteHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_written_and_as_people_type_it() {
        let code = InviteCode::new([0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xff]);
        assert_eq!(code.text(), "0123-4567-89ab-cdfz");
        for typed in ["0123-4567-89ab-cdfz", "0123456789ABCDFZ", "oI23-4567-89ab-cdFz", "ol23456789abcdfz"] {
            assert_eq!(InviteCode::read(typed), Some(code.clone()), "{typed}");
        }
        for none in
            ["", "0123", "0123-4567-89ab-cdfz0", "u123-4567-89ab-cdfz", "0123-4567-89ab-cdf ", "é123456789abcdf"]
        {
            assert_eq!(InviteCode::read(none), None, "{none}");
        }
        let last = InviteCode::new([0xff; 10]);
        assert_eq!((last.text().as_str(), InviteCode::read(&last.text())), ("zzzz-zzzz-zzzz-zzzz", Some(last.clone())));
    }

    #[test]
    fn neither_a_log_nor_a_disk_has_the_code() {
        let code = InviteCode::new([7; 10]);
        assert_eq!(format!("{code:?}"), "InviteCode(…)");
        assert_ne!(code.hash(), InviteCode::new([8; 10]).hash());
        assert!(!code.hash().0.windows(10).any(|bytes| bytes == [7; 10]));
    }
}
