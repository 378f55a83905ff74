//! Who may look into this process.

/// Closes its memory to other processes of the same user, but root, and keeps it out of core files: keys are in it, and
/// the child that takes videos apart must not reach them when a file has taken it over.
#[cfg(target_os = "linux")]
pub(super) fn close() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};

    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        log::warn!("other processes of this user can read the memory of this one: {error}");
    }
}

/// Other systems have their own rules.
#[cfg(not(target_os = "linux"))]
pub(super) fn close() {}
