//! What a hub keeps: one folder, held by one hub at a time.
//!
//! ```text
//!   <data folder>/certificate.pem    made at the first start, then only read
//!                 key.pem            its private key
//!                 bindings           whose name is whose, who is banned, who is invited
//!                 chain              the states of the directory so far
//!                 indexes/           what is known of the videos, see [`super::index_shelf`]
//! ```

use std::{fs, path::Path};

use anyhow::Context as _;
use zeroize::Zeroizing;

use super::refusal::{OrRefuse as _, Refusal};
use crate::{
    cli::GivenCertificate,
    directory::Chain,
    driver::ledger::{Ledger, Remembered},
    storage::{DiskStorage, MemoryStorage, Storage, StorageError},
    transport::tls::HubCertificate,
    types::{Code, DirectoryHead, DirectorySequence},
};

const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";

/// Opens the hub's folder and holds it.
pub(super) fn open(folder: &Path) -> Result<DiskStorage, Refusal> {
    let opened = DiskStorage::open(folder);
    let hint = match &opened {
        Err(StorageError::InUse { .. }) => "stop the other hub, or give this one a folder of its own by --data-dir DIR",
        _ => "see to the folder, or choose another by --data-dir DIR",
    };
    opened.context("the hub's data cannot be used").or_refuse(Code::DataUnusable, hint)
}

/// The hub's own certificate; made for these hosts when there is none.
pub(super) fn certificate(storage: &mut dyn Storage, hosts: &[String]) -> Result<HubCertificate, Refusal> {
    let context = "the hub's certificate cannot be used";
    let hint = "restore certificate.pem and key.pem in the data folder from a backup; or remove both to make new \
                ones, which no member will trust by itself";
    let read = |storage: &dyn Storage| -> Result<_, StorageError> {
        Ok((storage.read(CERTIFICATE)?, storage.read(KEY)?.map(Zeroizing::new)))
    };
    let files = match read(storage).context(context).or_refuse(Code::DataUnusable, hint)? {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, None) => {
            make(storage, hosts).context(context).or_refuse(Code::DataUnusable, "see to the data folder")?
        }
        // Members may have pinned this key.
        (None, Some(key)) => make_again(storage, hosts, key).context(context).or_refuse(Code::DataUnusable, hint)?,
        (Some(_), None) => {
            return Err(anyhow::anyhow!("{KEY} is missing")).context(context).or_refuse(Code::DataUnusable, hint);
        }
    };
    HubCertificate::read(&files.0, &files.1).context(context).or_refuse(Code::DataUnusable, hint)
}

fn make(storage: &mut dyn Storage, hosts: &[String]) -> anyhow::Result<(Vec<u8>, Zeroizing<Vec<u8>>)> {
    let made = HubCertificate::make(hosts)?;
    storage.replace(KEY, made.key.as_bytes())?;
    storage.replace(CERTIFICATE, made.certificate.as_bytes())?;
    log::info!("made a key and a certificate for this hub");
    Ok((made.certificate.into_bytes(), Zeroizing::new(made.key.as_bytes().to_vec())))
}

fn make_again(
    storage: &mut dyn Storage,
    hosts: &[String],
    key: Zeroizing<Vec<u8>>,
) -> anyhow::Result<(Vec<u8>, Zeroizing<Vec<u8>>)> {
    let made = HubCertificate::make_again(hosts, &key).with_context(|| format!("{CERTIFICATE} is missing"))?;
    storage.replace(CERTIFICATE, made.certificate.as_bytes())?;
    log::warn!("{CERTIFICATE} was missing: made another for the key of this hub, which members know");
    Ok((made.certificate.into_bytes(), key))
}

/// What the hub remembers. Without a folder it does so until it ends. `now` is in milliseconds since 1970.
pub(super) fn ledger(storage: Option<DiskStorage>, now: u64) -> Result<(Ledger, Remembered), Refusal> {
    let storage: Box<dyn Storage> = match storage {
        Some(storage) => Box::new(storage),
        None => {
            log::warn!("there is no data folder: whose name is whose is forgotten when this hub ends (see --data-dir)");
            Box::new(MemoryStorage::default())
        }
    };
    let hint = "restore that file in the data folder from a backup, or move it away: without \"bindings\" every name \
                is free for whoever comes first; without \"chain\" members are told that the directory is unproven";
    let opened = Ledger::open(storage);
    let (ledger, remembered) =
        opened.context("what the hub remembers cannot be used").or_refuse(Code::DataUnusable, hint)?;
    Ok((ledger, Remembered { chain: begun(remembered.chain, now), ..remembered }))
}

/// A chain that has no links yet begins at the time. Whoever was at this hub before its chain was lost saw a smaller
/// epoch: it is told that nothing is proven, not that the hub went back.
fn begun(chain: Chain, now: u64) -> Chain {
    match chain.end() {
        DirectoryHead::FIRST => Chain::from(DirectoryHead { epoch: DirectorySequence(now), ..DirectoryHead::FIRST }),
        _ => chain,
    }
}

/// A certificate that somebody else looks after.
pub(super) fn given_certificate(given: &GivenCertificate) -> Result<HubCertificate, Refusal> {
    let read = || -> anyhow::Result<HubCertificate> {
        let file = |path: &Path| fs::read(path).with_context(|| format!("{} cannot be read", path.display()));
        let (certificate, key) = (file(&given.certificate)?, Zeroizing::new(file(&given.key)?));
        HubCertificate::read(&certificate, &key)
            .with_context(|| format!("{} and {}", given.certificate.display(), given.key.display()))
    };
    let hint = "name a certificate with its chain by --cert and its private key by --key, both PEM; or leave both out";
    read().context("the certificate cannot be used").or_refuse(Code::DataUnusable, hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        directory::{Directory as _, MemoryDirectory},
        storage::{FailingStorage, Fault, MemoryStorage},
        types::{DirectoryEntry, Fingerprint, MemberName, StateHash},
    };

    #[test]
    fn a_certificate_is_made_once() {
        let mut storage = MemoryStorage::default();
        let first = certificate(&mut storage, &["localhost".into()]).unwrap();
        assert_eq!(certificate(&mut storage, &["elsewhere".into()]).unwrap().key(), first.key());
    }

    #[test]
    fn bad_input_60_a_certificate_that_is_lost_is_made_again_for_the_same_key() {
        let mut storage = MemoryStorage::default();
        let first = certificate(&mut storage, &["localhost".into()]).unwrap();
        let key = storage.read(KEY).unwrap();
        storage.remove(CERTIFICATE).unwrap();
        assert_eq!(certificate(&mut storage, &["localhost".into()]).unwrap().key(), first.key());
        assert_eq!(storage.read(KEY).unwrap(), key);
        storage.remove(CERTIFICATE).unwrap();
        for damaged in [&b"\xff"[..], b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            storage.replace(KEY, damaged).unwrap();
            let refusal = certificate(&mut storage, &[]).unwrap_err();
            assert!(refusal.hint.contains("backup"), "{}", refusal.message());
            assert_eq!(storage.read(KEY).unwrap().unwrap(), damaged, "it is left alone");
        }
    }

    #[test]
    fn without_a_chain_epochs_begin_above_all_that_were_told_before() {
        let now = 1_700_000_000_000;
        let (_, nothing) = ledger(None, now).unwrap();
        assert_eq!(nothing.chain.end().epoch, DirectorySequence(now));
        let mut chain = Chain::default();
        chain.push(DirectorySequence(7), StateHash([1; 32]));
        assert_eq!(begun(chain.clone(), now).end(), chain.end(), "one that is there goes on");
        // A member that saw an epoch of the first hub asks the second for all since.
        let directory = |now| {
            let mut directory = MemoryDirectory::resume(begun(Chain::default(), now));
            let name: MemberName = "alice".parse().unwrap();
            let entry = DirectoryEntry { name, fingerprint: Fingerprint([1; 32]), guest: true };
            (directory.claim(entry, vec![].into()).unwrap(), directory)
        };
        let ((seen, _), (begins, second)) = (directory(now), directory(now + 1000));
        assert!(begins > seen, "{begins:?} {seen:?}");
        assert!(second.links_after(seen).is_none());
    }

    #[test]
    fn bad_input_59_a_disk_that_is_full_leaves_nothing_half_made() {
        for writes in 0..2 {
            let mut storage = FailingStorage::new(MemoryStorage::default(), writes, Fault::NoSpace);
            let refusal = certificate(&mut storage, &[]).unwrap_err();
            assert_eq!(refusal.code, Code::DataUnusable);
            storage.allow(2);
            certificate(&mut storage, &[]).unwrap();
        }
    }

    #[test]
    fn bad_input_60_files_that_are_damaged_or_do_not_belong_together_are_kept_and_refused() {
        let (mut one, mut other) = (MemoryStorage::default(), MemoryStorage::default());
        certificate(&mut one, &[]).unwrap();
        certificate(&mut other, &[]).unwrap();
        let good = one.read(KEY).unwrap().unwrap();
        for (file, content) in [
            (KEY, other.read(KEY).unwrap().unwrap()),
            (KEY, good[..good.len() / 2].to_vec()),
            (KEY, Vec::new()),
            (CERTIFICATE, Vec::new()),
            (CERTIFICATE, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec()),
        ] {
            let mut storage = MemoryStorage::default();
            certificate(&mut storage, &[]).unwrap();
            storage.replace(file, &content).unwrap();
            let refusal = certificate(&mut storage, &[]).unwrap_err();
            assert!(refusal.hint.contains("backup"), "{}", refusal.message());
            assert_eq!(storage.read(file).unwrap().unwrap(), content);
        }
        other.remove(KEY).unwrap();
        assert!(certificate(&mut other, &[]).unwrap_err().message().contains("key.pem is missing"));
    }
}
