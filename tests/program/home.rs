//! A home of its own for each test: nothing of the machine's is read, nothing of ours stays there.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// The folders that a process sees as its user's.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for folder in ["home", "data", "tmp", "here"] {
            fs::create_dir(home.path(folder)).unwrap();
        }
        home
    }

    /// A path in it.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.0.path().join(inside)
    }

    /// Where the keys of a member of that name lie.
    pub(crate) fn identity(&self, name: &str) -> PathBuf {
        self.path("data/securestream/members").join(name).join("identity.pem")
    }

    /// The program, with nothing in its environment but this home.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_securestream"));
        command.args(arguments);
        self.dress(&mut command);
        command
    }

    /// Gives a process this home, pipes, and nothing else.
    pub(crate) fn dress(&self, command: &mut Command) {
        command.env_clear().env("HOME", self.path("home")).env("XDG_DATA_HOME", self.path("data"));
        command.env("TMPDIR", self.path("tmp")).current_dir(self.path("here"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    }

    /// Everything in it: paths, and what is in the files.
    pub(crate) fn content(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut content = BTreeMap::new();
        collect(self.0.path(), &mut content);
        content
    }
}

fn collect(folder: &Path, content: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            content.insert(entry.path(), Vec::new());
            collect(&entry.path(), content);
        } else {
            content.insert(entry.path(), fs::read(entry.path()).unwrap_or_default());
        }
    }
}
