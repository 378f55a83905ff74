//! What commands are called.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! names {
    ($($variant:ident $text:literal),* $(,)?) => {
        /// The name of a command, as in scripts and in the `command` of events.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each is described by its syntax")]
        pub enum CommandName { $($variant),* }

        impl CommandName {
            /// All of them, in the order of the help.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As it is typed.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

names! {
    Send "send", All "all", Who "who", Directory "directory", Videos "videos", Whoami "whoami", Help "help", Quit "quit",
    Play "play", Pause "pause", Resume "resume", Stop "stop", Seek "seek", Rendition "rendition",
    Verify "verify", Trust "trust", Block "block", Unblock "unblock",
    Wait "wait", Sleep "sleep", ExpectError "expect-error",
}

impl CommandName {
    /// The command that is called `typed`.
    #[must_use]
    pub fn named(typed: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|name| name.as_str() == typed)
    }
}

impl fmt::Display for CommandName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for CommandName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
