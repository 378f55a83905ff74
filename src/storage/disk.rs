//! Files in a folder of their own on the disk, which no one else may read and one process at a time holds.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::{MAX_FILE, Storage, StorageError, check_name};

/// Mode bits that let anyone but the owner in.
const OTHERS: u32 = 0o077;
/// Those that let anyone but the owner change what is in a folder.
const OTHERS_WRITE: u32 = 0o022;
const PRIVATE_FOLDER: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

/// The file whose lock says that the folder is held. A leading dot keeps it out of the names of the trait.
const LOCK: &str = ".lock";
/// The same for a folder that processes hold in turn, so that one who holds it for good does not stop them.
const TURN: &str = ".turn";

/// A folder with mode 0700 whose files have mode 0600. While this value lives, no other process (nor another
/// value in this one) can open the folder; the lock goes with the process, however it ends.
#[derive(Debug)]
pub struct DiskStorage {
    folder: PathBuf,
    /// Held for its lock.
    _lock: File,
}

impl DiskStorage {
    /// Opens `folder`, making it and what leads to it if needed.
    ///
    /// # Errors
    /// [`StorageError::InUse`] when it is held, and whatever makes it unfit: a symbolic link, others let in, a
    /// disk that cannot be written.
    pub fn open(folder: &Path) -> Result<Self, StorageError> {
        check_folder(folder, &make_or_look(folder)?, OTHERS)?;
        let (path, file) = lock_file(folder, LOCK)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _lock: file }),
            Err(TryLockError::WouldBlock) => Err(StorageError::InUse { folder: folder.to_owned() }),
            Err(TryLockError::Error(error)) => Err(StorageError::io("lock", path)(error)),
        }
    }

    /// Opens `folder` for what several processes read and write in turn, making it if needed; waits for the turn.
    /// Let go of it at once. Others may look into the folder, but not change it.
    ///
    /// # Errors
    /// Whatever makes it unfit, as in [`DiskStorage::open`].
    pub fn open_in_turn(folder: &Path) -> Result<Self, StorageError> {
        check_folder(folder, &make_or_look(folder)?, OTHERS_WRITE)?;
        let (path, file) = lock_file(folder, TURN)?;
        file.lock().map_err(StorageError::io("lock", path))?;
        Ok(Self { folder: folder.to_owned(), _lock: file })
    }

    /// Reads one file of a folder that another process may hold: files are replaced whole, so what is read is
    /// what was there at some moment. `None` when there is no such file or folder.
    ///
    /// # Errors
    /// As those of [`DiskStorage::open`] and [`Storage::read`], except that nothing is made.
    pub fn peek(folder: &Path, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        match fs::symlink_metadata(folder) {
            Ok(found) => check_folder(folder, &found, OTHERS)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StorageError::io("look at", folder)(error)),
        }
        read_private(folder, name)
    }

    /// The folder that is held.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the disk remember names, not only contents.
    fn sync_folder(&self) -> Result<(), StorageError> {
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(StorageError::io("sync", &self.folder))
    }
}

impl Storage for DiskStorage {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        read_private(&self.folder, name)
    }

    fn replace(&mut self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        check_name(name)?;
        let path = self.folder.join(name);
        look(&path)?;
        let temporary = self.folder.join(format!(".{name}.new"));
        write_beside(&temporary, &path, content).map_err(|error| {
            let _ = fs::remove_file(&temporary);
            StorageError::io("write", &path)(error)
        })?;
        self.sync_folder()
    }

    fn append(&mut self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        check_name(name)?;
        let path = self.folder.join(name);
        let Some(mut file) = open_private(&path, OpenOptions::new().append(true))? else {
            return self.replace(name, content);
        };
        let before = file.metadata().map_err(StorageError::io("look at", &path))?.len();
        file.write_all(content).and_then(|()| file.sync_data()).map_err(|error| {
            // A disk that is full still takes this; a broken one leaves a torn end.
            let _ = file.set_len(before);
            StorageError::io("add to", &path)(error)
        })
    }

    fn names(&self) -> Result<Vec<String>, StorageError> {
        let refused = || StorageError::io("look into", &self.folder);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(refused())? {
            let name = entry.map_err(refused())?.file_name().into_string();
            names.extend(name.ok().filter(|name| check_name(name).is_ok()));
        }
        names.sort();
        Ok(names)
    }

    fn remove(&mut self, name: &str) -> Result<(), StorageError> {
        check_name(name)?;
        let path = self.folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StorageError::io("remove", path)(error)),
            _ => self.sync_folder(),
        }
    }
}

/// The content of a private file, `None` when there is none.
fn read_private(folder: &Path, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
    check_name(name)?;
    let path = folder.join(name);
    let Some(file) = open_private(&path, OpenOptions::new().read(true))? else { return Ok(None) };
    let bytes = file.metadata().map_err(StorageError::io("look at", &path))?.len();
    if bytes > MAX_FILE {
        return Err(StorageError::TooLarge { path, bytes });
    }
    // One allocation of the right size: a growing one would leave copies of keys behind.
    let mut content = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0) + 1);
    file.take(MAX_FILE).read_to_end(&mut content).map_err(StorageError::io("read", &path))?;
    Ok(Some(content))
}

/// Writes a temporary file beside `path`, then gives it that name.
fn write_beside(temporary: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    // What an earlier crash left; no one else writes here while the lock is held.
    match fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(temporary, path)
}

/// Makes the folder with what leads to it, unless something is there; then what that is.
fn make_or_look(folder: &Path) -> Result<Metadata, StorageError> {
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => DirBuilder::new()
            .recursive(true)
            .mode(PRIVATE_FOLDER)
            .create(folder)
            .map_err(StorageError::io("make the folder", folder))?,
        Err(error) => return Err(StorageError::io("look at", folder)(error)),
        Ok(_) => {}
    }
    fs::symlink_metadata(folder).map_err(StorageError::io("look at", folder))
}

/// Whether what was found is a folder in which others have none of the `forbidden` rights.
fn check_folder(folder: &Path, found: &Metadata, forbidden: u32) -> Result<(), StorageError> {
    let path = folder.to_owned();
    if found.is_symlink() {
        return Err(StorageError::SymbolicLink { path });
    }
    if !found.is_dir() {
        return Err(StorageError::WrongKind { path, wanted: "folder" });
    }
    check_mode(path, found, forbidden, PRIVATE_FOLDER)
}

/// Whether others have none of the `forbidden` rights; `wanted` is the mode to give it otherwise.
fn check_mode(path: PathBuf, found: &Metadata, forbidden: u32, wanted: u32) -> Result<(), StorageError> {
    let mode = found.permissions().mode() & 0o7777;
    if mode & forbidden == 0 { Ok(()) } else { Err(StorageError::NotPrivate { path, mode, wanted }) }
}

/// Opens the file whose lock is the folder's.
fn lock_file(folder: &Path, name: &str) -> Result<(PathBuf, File), StorageError> {
    let path = folder.join(name);
    look(&path)?;
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(PRIVATE_FILE)
        .open(&path)
        .map_err(StorageError::io("write", &path))?;
    Ok((path, file))
}

/// What stands at `path`, checked without opening it: opening a FIFO would wait for ever.
fn look(path: &Path) -> Result<Option<Metadata>, StorageError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StorageError::io("look at", path)(error)),
    };
    if found.is_symlink() {
        return Err(StorageError::SymbolicLink { path: path.to_owned() });
    }
    if !found.is_file() {
        return Err(StorageError::WrongKind { path: path.to_owned(), wanted: "file" });
    }
    check_mode(path.to_owned(), &found, OTHERS, PRIVATE_FILE)?;
    Ok(Some(found))
}

/// Opens a private file; `None` when there is none.
fn open_private(path: &Path, options: &OpenOptions) -> Result<Option<File>, StorageError> {
    let Some(seen) = look(path)? else { return Ok(None) };
    let file = options.open(path).map_err(StorageError::io("open", path))?;
    let opened = file.metadata().map_err(StorageError::io("look at", path))?;
    // A link put in between the two would have led elsewhere.
    if (opened.dev(), opened.ino()) != (seen.dev(), seen.ino()) {
        return Err(StorageError::SymbolicLink { path: path.to_owned() });
    }
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Fixture {
        _base: tempfile::TempDir,
        folder: PathBuf,
    }

    fn fixture() -> Fixture {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("data/member");
        Fixture { _base: base, folder }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn folder_and_files_are_private() {
        let at = fixture();
        let mut storage = DiskStorage::open(&at.folder).unwrap();
        storage.replace("keys", b"k").unwrap();
        storage.append("log", b"l").unwrap();
        storage.append("log", b"m").unwrap();
        assert_eq!(mode(&at.folder), 0o700);
        for file in ["keys", "log", LOCK] {
            assert_eq!(mode(&at.folder.join(file)), 0o600, "{file}");
        }
        let mut left: Vec<_> = fs::read_dir(&at.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [LOCK, "keys", "log"], "no temporary file stays");
    }

    #[test]
    fn bad_input_61_a_second_opener_is_told() {
        let at = fixture();
        let first = DiskStorage::open(&at.folder).unwrap();
        let error = DiskStorage::open(&at.folder).unwrap_err();
        assert!(matches!(&error, StorageError::InUse { folder } if *folder == at.folder), "{error}");
        drop(first);
        DiskStorage::open(&at.folder).unwrap();
    }

    #[test]
    fn a_folder_is_shared_in_turn_whoever_holds_it_for_good() {
        let at = fixture();
        let held = DiskStorage::open(&at.folder).unwrap();
        let first = DiskStorage::open_in_turn(&at.folder).unwrap();
        let folder = at.folder.clone();
        let second = std::thread::spawn(move || DiskStorage::open_in_turn(&folder).unwrap().read("f").unwrap());
        let mut first = first;
        first.replace("f", b"written before the turn was over").unwrap();
        drop(first);
        assert_eq!(second.join().unwrap().unwrap(), b"written before the turn was over");
        drop(held);
        fs::set_permissions(&at.folder, fs::Permissions::from_mode(0o755)).unwrap();
        DiskStorage::open_in_turn(&at.folder).unwrap();
        for mode in [0o775, 0o757] {
            fs::set_permissions(&at.folder, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(DiskStorage::open_in_turn(&at.folder), Err(StorageError::NotPrivate { .. })));
        }
    }

    #[test]
    fn bad_input_60_files_that_others_can_read_are_refused() {
        let at = fixture();
        let mut storage = DiskStorage::open(&at.folder).unwrap();
        storage.replace("keys", b"k").unwrap();
        let path = at.folder.join("keys");
        for mode in [0o644, 0o640, 0o660, 0o604, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let text = storage.read("keys").unwrap_err().to_string();
            assert!(text.contains(&format!("chmod 600 '{}'", path.display())), "{text}");
            assert!(storage.append("keys", b"x").is_err());
            assert!(storage.replace("keys", b"x").is_err());
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(storage.read("keys").unwrap().unwrap(), b"k");
    }

    #[test]
    fn bad_input_60_links_folders_and_giants_are_refused() {
        let at = fixture();
        let mut storage = DiskStorage::open(&at.folder).unwrap();
        let elsewhere = at.folder.join("target");
        fs::write(&elsewhere, b"secret").unwrap();
        symlink(&elsewhere, at.folder.join("keys")).unwrap();
        assert!(matches!(storage.read("keys"), Err(StorageError::SymbolicLink { .. })));
        assert!(matches!(storage.append("keys", b"x"), Err(StorageError::SymbolicLink { .. })));
        assert!(matches!(storage.replace("keys", b"x"), Err(StorageError::SymbolicLink { .. })));
        assert_eq!(fs::read(&elsewhere).unwrap(), b"secret");

        fs::create_dir(at.folder.join("dir")).unwrap();
        assert!(matches!(storage.read("dir"), Err(StorageError::WrongKind { .. })));

        storage.replace("giant", b"").unwrap();
        let giant = OpenOptions::new().write(true).open(at.folder.join("giant")).unwrap();
        giant.set_len(MAX_FILE + 1).unwrap();
        assert!(matches!(storage.read("giant"), Err(StorageError::TooLarge { .. })));
    }

    #[test]
    fn bad_input_60_a_folder_that_is_a_link_a_file_or_open_to_others_is_refused() {
        let at = fixture();
        drop(DiskStorage::open(&at.folder).unwrap());
        let link = at.folder.with_file_name("link");
        symlink(&at.folder, &link).unwrap();
        assert!(matches!(DiskStorage::open(&link), Err(StorageError::SymbolicLink { .. })));
        let file = at.folder.with_file_name("file");
        fs::write(&file, b"").unwrap();
        assert!(matches!(DiskStorage::open(&file), Err(StorageError::WrongKind { .. })));
        fs::set_permissions(&at.folder, fs::Permissions::from_mode(0o755)).unwrap();
        let text = DiskStorage::open(&at.folder).unwrap_err().to_string();
        assert!(text.contains("chmod 700"), "{text}");
    }

    #[test]
    fn bad_input_59_a_write_that_fails_leaves_the_old_file() {
        let at = fixture();
        let mut storage = DiskStorage::open(&at.folder).unwrap();
        storage.replace("keys", b"old").unwrap();
        // A folder in the way of the temporary file: the disk refuses even to root.
        fs::create_dir(at.folder.join(".keys.new")).unwrap();
        let error = storage.replace("keys", b"new").unwrap_err();
        assert!(matches!(error, StorageError::Io { .. }), "{error}");
        assert_eq!(storage.read("keys").unwrap().unwrap(), b"old");
    }

    #[test]
    fn what_a_crash_left_half_written_is_no_hindrance() {
        let at = fixture();
        let mut storage = DiskStorage::open(&at.folder).unwrap();
        fs::write(at.folder.join(".keys.new"), b"hal").unwrap();
        storage.replace("keys", b"whole").unwrap();
        assert_eq!(storage.read("keys").unwrap().unwrap(), b"whole");
        assert!(!at.folder.join(".keys.new").exists());
    }

    #[test]
    fn bad_input_60_a_socket_or_device_in_a_file_s_place_is_refused_unopened() {
        let at = fixture();
        let mut storage = DiskStorage::open(&at.folder).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at.folder.join("keys")).unwrap();
        for result in [storage.read("keys").map(drop), storage.append("keys", b"x"), storage.replace("keys", b"x")] {
            let text = result.unwrap_err().to_string();
            assert!(text.ends_with("keys is not a file; move it away"), "{text}");
        }
    }

    #[test]
    fn bad_input_59_a_folder_that_goes_away_is_told() {
        let at = fixture();
        let mut storage = DiskStorage::open(&at.folder).unwrap();
        storage.replace("keys", b"k").unwrap();
        fs::remove_dir_all(&at.folder).unwrap();
        assert_eq!(storage.read("keys").unwrap(), None);
        let text = storage.replace("keys", b"k").unwrap_err().to_string();
        assert!(text.starts_with("cannot write ") && text.contains("No such file"), "{text}");
        assert!(storage.append("log", b"l").is_err());
    }

    #[test]
    fn a_file_can_be_looked_at_while_the_folder_is_held() {
        let at = fixture();
        assert_eq!(DiskStorage::peek(&at.folder, "keys").unwrap(), None);
        assert!(!at.folder.exists(), "looking makes nothing");
        let mut storage = DiskStorage::open(&at.folder).unwrap();
        storage.replace("keys", b"k").unwrap();
        assert_eq!(DiskStorage::peek(&at.folder, "keys").unwrap().unwrap(), b"k");
        assert_eq!(DiskStorage::peek(&at.folder, "marks").unwrap(), None);
        fs::set_permissions(at.folder.join("keys"), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(DiskStorage::peek(&at.folder, "keys"), Err(StorageError::NotPrivate { .. })));
        fs::set_permissions(&at.folder, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(DiskStorage::peek(&at.folder, "marks"), Err(StorageError::NotPrivate { .. })));
    }

    #[test]
    fn two_members_do_not_hinder_one_another() {
        let at = fixture();
        let mut bob = DiskStorage::open(&at.folder).unwrap();
        let mut carol = DiskStorage::open(&at.folder.with_file_name("carol")).unwrap();
        bob.replace("keys", b"bob").unwrap();
        carol.replace("keys", b"carol").unwrap();
        assert_eq!(bob.read("keys").unwrap().unwrap(), b"bob");
        assert_ne!(bob.folder(), carol.folder());
    }
}
