//! What stands for a hub's key.

use std::fmt;

use super::wire::fixed_bytes;

fixed_bytes! {
    /// SHA-256 of a hub's public key (the `SubjectPublicKeyInfo` of its certificate, RFC 5280 §4.1). Shown as 64
    /// lower-case hexadecimal digits.
    pub struct HubKey(32);
}

impl HubKey {
    /// Its digits in groups of four, so that people can compare them.
    #[must_use]
    pub fn grouped(&self) -> String {
        let digits = self.to_string();
        let groups: Vec<&str> = (0..digits.len()).step_by(4).map(|at| &digits[at..at + 4]).collect();
        groups.join(" ")
    }
}

impl fmt::Display for HubKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Text that is no key of a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key of a hub has 64 hexadecimal digits")]
pub struct HubKeyError;

impl std::str::FromStr for HubKey {
    type Err = HubKeyError;

    /// Reads the digits in the forms that people copy: with or without `sha256:`, with blanks between groups.
    fn from_str(text: &str) -> Result<Self, HubKeyError> {
        let text = text.trim();
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        let digits: String = digits.chars().filter(|c| !c.is_whitespace()).collect();
        let fingerprint: super::Fingerprint = digits.parse().map_err(|_| HubKeyError)?;
        Ok(Self(fingerprint.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_in_every_form_that_is_shown() {
        let key = HubKey([0x3f; 32]);
        assert!(key.grouped().starts_with("3f3f 3f3f "));
        for text in [key.to_string(), key.grouped(), format!("sha256:{key}"), format!(" sha256:{} \n", key.grouped())] {
            assert_eq!(text.parse(), Ok(key), "{text}");
        }
        for text in ["", "3f3f", "sha256:", &"é".repeat(32), &format!("md5:{key}"), &format!("{key}00")] {
            assert_eq!(text.parse::<HubKey>(), Err(HubKeyError), "{text}");
        }
    }
}
