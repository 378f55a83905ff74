//! What keeps a program from starting or going on, on its way to whoever is told.

use crate::{client::event::Failure, types::Code};

/// A cause with the code that it is told under and what to do next.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: Code,
    pub(super) cause: anyhow::Error,
    pub(super) hint: &'static str,
}

impl Refusal {
    /// The cause with all that lies behind it.
    pub(super) fn message(&self) -> String {
        format!("{:#}", self.cause)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code, refusal.message(), refusal.hint)
    }
}

/// Gives an error its code and its hint.
pub(super) trait OrRefuse<T> {
    fn or_refuse(self, code: Code, hint: &'static str) -> Result<T, Refusal>;

    /// For what only a system that is short of something refuses.
    fn or_no_system(self) -> Result<T, Refusal>;
}

impl<T> OrRefuse<T> for anyhow::Result<T> {
    fn or_refuse(self, code: Code, hint: &'static str) -> Result<T, Refusal> {
        self.map_err(|cause| Refusal { code, cause, hint })
    }

    fn or_no_system(self) -> Result<T, Refusal> {
        self.or_refuse(Code::Internal, "see how many descriptors and threads a process may have (ulimit -a)")
    }
}
