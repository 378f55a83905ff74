//! The file of pins: entries of one size, so that an end that a crash tore is told from damage.
//!
//! ```text
//!   ┌─────────────────────────┬───────────┬─────────┬──────────────────────────────┬─────────────────────┐
//!   │ "securestream pins 1\n" │ count u32 │ check 4 │ `count` entries of 160 bytes │ entries added later │
//!   └─────────────────────────┴───────────┴─────────┴──────────────────────────────┴─────────────────────┘
//!   entry: length u16 ‖ pin (MessagePack) ‖ zeros ‖ check 4 B
//! ```
//!
//! A check is the start of the SHA-256 of all before it in the header, or in the entry. A later entry stands in place
//! of an earlier one of the same name. An end that was torn is dropped; damage anywhere else is told, because
//! forgetting a pin would take a changed key for a first one.

use sha2::{Digest as _, Sha256};

use super::{Pin, Pins};
use crate::types::wire;

const MAGIC: &[u8] = b"securestream pins 1\n";
const CHECK: usize = 4;
const HEADER: usize = MAGIC.len() + 4 + CHECK;

/// Bytes of an entry: a name that came over a link has at most 64, the rest some 60.
const ENTRY: usize = 160;

/// The file was damaged by something other than a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pins of other members' keys are damaged")]
pub struct PinsFileError;

/// What to append to the file for one pin.
#[must_use]
pub fn encode_pin(pin: &Pin) -> Vec<u8> {
    let content = wire::to_bytes(pin);
    let mut entry = Vec::with_capacity(ENTRY);
    entry.extend_from_slice(&u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes());
    entry.extend_from_slice(&content);
    entry.resize(ENTRY - CHECK, 0);
    with_check(entry)
}

/// A whole file with nothing added yet.
#[must_use]
pub fn encode_pins(pins: &Pins) -> Vec<u8> {
    let count = u32::try_from(pins.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut file = with_check([MAGIC, &count].concat());
    pins.iter().for_each(|pin| file.extend(encode_pin(pin)));
    file
}

/// Reads a file.
///
/// # Errors
/// When anything but its end is damaged.
pub fn decode_pins(file: &[u8]) -> Result<Pins, PinsFileError> {
    let (header, entries) = file.split_at_checked(HEADER).ok_or(PinsFileError)?;
    let count = checked(header).and_then(|header| header.strip_prefix(MAGIC)).ok_or(PinsFileError)?;
    let count: [u8; 4] = count.try_into().map_err(|_| PinsFileError)?;
    let count = usize::try_from(u32::from_be_bytes(count)).map_err(|_| PinsFileError)?;
    let parsed: Vec<Option<Pin>> = entries.chunks(ENTRY).map(decode_pin).collect();
    let whole = parsed.iter().take_while(|pin| pin.is_some()).count();
    // Each append is on the disk before the next: behind a torn one there is nothing good.
    if whole < count || parsed[whole..].iter().any(Option::is_some) {
        return Err(PinsFileError);
    }
    let mut pins = Pins::default();
    parsed.into_iter().flatten().for_each(|pin| pins.put(pin));
    Ok(pins)
}

fn decode_pin(entry: &[u8]) -> Option<Pin> {
    let (length, rest) = checked(entry).filter(|_| entry.len() == ENTRY)?.split_first_chunk()?;
    wire::from_bytes(rest.get(..usize::from(u16::from_be_bytes(*length)))?).ok()
}

fn with_check(mut bytes: Vec<u8>) -> Vec<u8> {
    let hash = Sha256::digest(&bytes);
    bytes.extend_from_slice(&hash[..CHECK]);
    bytes
}

fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (content, check) = bytes.split_last_chunk::<CHECK>()?;
    (Sha256::digest(content)[..CHECK] == *check).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::{super::pins::tests::pin, *};

    fn pins() -> Pins {
        let mut pins = Pins::default();
        pins.put(Pin { verified: true, ..pin("bob", 1) });
        pins.put(Pin { known: false, blocked: true, ..pin("carol", 2) });
        pins
    }

    #[test]
    fn pins_survive_their_file_and_later_ones_win() {
        let mut file = encode_pins(&pins());
        assert_eq!(decode_pins(&file).unwrap(), pins());
        file.extend(encode_pin(&pin("BOB", 9)));
        let again = decode_pins(&file).unwrap();
        assert_eq!(again.find(&"bob".parse().unwrap()), Some(&pin("BOB", 9)));
        assert_eq!(decode_pins(&encode_pins(&Pins::default())).unwrap(), Pins::default());
    }

    #[test]
    fn the_longest_name_fits() {
        let longest = Pin { sequence: u64::MAX, since: u64::MAX, ..pin(&"n".repeat(64), 1) };
        assert_eq!(encode_pin(&longest).len(), ENTRY);
        assert_eq!(decode_pin(&encode_pin(&longest)), Some(longest));
    }

    #[test]
    fn a_torn_end_is_dropped_wherever_the_crash_was() {
        let good = encode_pins(&pins());
        let mut file = good.clone();
        file.extend(encode_pin(&pin("dave", 4)));
        for length in good.len()..file.len() {
            assert_eq!(decode_pins(&file[..length]).unwrap(), pins(), "{length}");
        }
        // After a power cut the end may be zeros instead.
        file[good.len()..].fill(0);
        assert_eq!(decode_pins(&file).unwrap(), pins());
    }

    #[test]
    fn damage_elsewhere_is_told() {
        let mut file = encode_pins(&pins());
        let snapshot = file.len();
        file.extend(encode_pin(&pin("dave", 4)));
        file.extend(encode_pin(&pin("erin", 5)));
        for at in 0..snapshot + ENTRY {
            let mut damaged = file.clone();
            damaged[at] ^= 0x10;
            assert_eq!(decode_pins(&damaged), Err(PinsFileError), "byte {at}");
        }
        for length in 0..snapshot {
            assert_eq!(decode_pins(&file[..length]), Err(PinsFileError), "{length} bytes");
        }
    }
}
