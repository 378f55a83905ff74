//! What shows that a hub told two members different things, as a file that others can check.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::types::{DirectoryHead, Fingerprint, Head, MemberName, wire::Blob};

/// Two heads for one epoch.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What this member was told is not the directory of that epoch.
    pub theirs: DirectoryHead,
    /// The head that this member has there; nothing when it was shown no such epoch.
    pub ours: Option<Head>,
    pub witness: Witness,
}

/// Who said otherwise.
#[derive(Clone, Debug)]
pub enum Witness {
    /// The hub itself: at an earlier visit it had shown this, and its directory does not come from it.
    Hub { stored: DirectoryHead },
    /// A member in a letter; with what others need to check that it did, where the letter was signed.
    Member { name: MemberName, fingerprint: Fingerprint, proof: Option<Box<Proof>> },
}

/// A letter's signature and all that it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Domain and fields, each behind its length; the text is among them.
    pub signed: Vec<u8>,
    pub signature: Blob,
    /// The signing key: an RSA `SubjectPublicKeyInfo` in DER.
    pub key: Blob,
}

impl Evidence {
    /// The name of its file, where `hub` marks whose directory it is about; the first of `number` 1 and up that is free.
    #[must_use]
    pub fn file_name(&self, hub: &str, number: usize) -> String {
        let epoch = self.theirs.epoch.0;
        match number {
            0 | 1 => format!("equivocation-{hub}-{epoch}.json"),
            _ => format!("equivocation-{hub}-{epoch}-{number}.json"),
        }
    }

    /// The content of its file. `now` is in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn to_json(&self, hub: &str, me: (&MemberName, Fingerprint), now: u64) -> Vec<u8> {
        let mut value = json!({
            "what": "two heads of a hub's directory for one epoch",
            "hub": hub,
            "time": now,
            "epoch": self.theirs.epoch.0,
            "here": {
                "name": me.0.as_str(),
                "fingerprint": me.1.to_string(),
                "head": self.ours.map(|head| head.to_string()),
            },
        });
        let theirs = self.theirs.head.to_string();
        match &self.witness {
            Witness::Hub { stored } => {
                value["hub_before"] = json!({
                    "head": theirs,
                    "shown_epoch": stored.epoch.0,
                    "shown_head": stored.head.to_string(),
                });
            }
            Witness::Member { name, fingerprint, proof } => {
                value["there"] = json!({
                    "name": name.as_str(),
                    "fingerprint": fingerprint.to_string(),
                    "head": theirs,
                    "signed": proof.as_ref().map(|proof| proof.to_json()),
                });
            }
        }
        // Values of strings and numbers only are always written.
        let mut file = serde_json::to_vec_pretty(&value).unwrap_or_default();
        file.push(b'\n');
        file
    }
}

impl Proof {
    fn to_json(&self) -> Value {
        json!({
            "scheme": "RSASSA-PSS, SHA-256, MGF1 with SHA-256, salt of 32 bytes",
            "key": hex(&self.key),
            "bytes": hex(&self.signed),
            "signature": hex(&self.signature),
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // A String takes every write.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::DirectorySequence;

    fn evidence(witness: Witness) -> Value {
        let theirs = DirectoryHead { epoch: DirectorySequence(17), head: Head([7; 32]) };
        let evidence = Evidence { theirs, ours: Some(Head([1; 32])), witness };
        assert_eq!(evidence.file_name("0a", 1), "equivocation-0a-17.json");
        assert_eq!(evidence.file_name("0a", 2), "equivocation-0a-17-2.json");
        let me = "alice".parse().unwrap();
        serde_json::from_slice(&evidence.to_json("tls://hub:9999", (&me, Fingerprint([1; 32])), 5)).unwrap()
    }

    #[test]
    fn a_letter_is_there_with_all_that_its_signature_needs() {
        let proof = Proof { signed: vec![1, 2], signature: vec![3].into(), key: vec![0xff].into() };
        let (name, fingerprint) = ("bob".parse().unwrap(), Fingerprint([2; 32]));
        let file = evidence(Witness::Member { name, fingerprint, proof: Some(Box::new(proof)) });
        assert_eq!((&file["hub"], &file["time"], &file["epoch"]), (&json!("tls://hub:9999"), &json!(5), &json!(17)));
        assert_eq!(file["here"]["head"], "01".repeat(32));
        assert_eq!((&file["there"]["name"], &file["there"]["head"]), (&json!("bob"), &json!("07".repeat(32))));
        assert_eq!(file["there"]["signed"]["bytes"], "0102");
        assert_eq!(
            (&file["there"]["signed"]["signature"], &file["there"]["signed"]["key"]),
            (&json!("03"), &json!("ff"))
        );
    }

    #[test]
    fn the_hub_is_quoted_with_what_it_showed_before() {
        let stored = DirectoryHead { epoch: DirectorySequence(12), head: Head([5; 32]) };
        let file = evidence(Witness::Hub { stored });
        assert_eq!(
            (&file["hub_before"]["shown_epoch"], &file["hub_before"]["shown_head"]),
            (&json!(12), &json!("05".repeat(32)))
        );
        assert_eq!(file.get("there"), None);
    }
}
