//! Whether windows can be opened here, found out where it can do no harm.
//!
//! Without a window system that answers, the first window ends the whole process: Qt calls `abort`. So the
//! program runs itself as a child that opens a window and closes it.

use std::{
    env, io,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use crate::video::clock::{Clock as _, SystemClock};

/// The hidden subcommand that is to call [`probe_main`].
pub const PROBE_COMMAND: &str = "probe-window";

/// How long the child may take: a program with highgui needs 0.2 s, more over a network.
const LIMIT: Duration = Duration::from_secs(5);

/// How often the child is looked after.
const TICK: Duration = Duration::from_millis(10);

/// Why no window can be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWindows {
    /// The build cannot.
    #[error("this build has no player")]
    Unbuilt,
    /// Nothing says where the window system is.
    #[error("no window system (DISPLAY and WAYLAND_DISPLAY unset)")]
    Unset,
    /// The window system does not answer or does not want us.
    #[error("no window could be opened ({0})")]
    Refused(String),
    /// It took longer than 5 s.
    #[error("the window system did not answer in time ({0})")]
    TimedOut(String),
}

/// Tries whether windows can be opened, by running `program` with [`PROBE_COMMAND`]. Takes up to 5 s.
///
/// # Errors
/// When they cannot, and why.
pub fn probe(program: &Path) -> Result<(), NoWindows> {
    if !cfg!(feature = "player") {
        return Err(NoWindows::Unbuilt);
    }
    let settings = settings(|name| env::var(name).ok());
    let needs_settings = cfg!(all(unix, not(target_os = "macos")));
    if settings.is_empty() && needs_settings {
        return Err(NoWindows::Unset);
    }
    let mut command = Command::new(program);
    command.arg(PROBE_COMMAND);
    try_run(command, LIMIT, &settings)
}

/// What says where windows are to go, for a person to read. Qt's own choice of a platform counts.
fn settings(read: impl Fn(&str) -> Option<String>) -> String {
    let set = ["DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"].into_iter().filter_map(|name| {
        let value = read(name).filter(|value| !value.is_empty())?;
        Some(format!("{name}={value}"))
    });
    set.collect::<Vec<_>>().join(", ")
}

fn try_run(mut command: Command, limit: Duration, settings: &str) -> Result<(), NoWindows> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let ended = command.spawn().and_then(|child| wait(child, limit));
    match ended {
        Ok(Some(true)) => Ok(()),
        Ok(Some(false)) => Err(NoWindows::Refused(settings.to_owned())),
        Ok(None) => Err(NoWindows::TimedOut(settings.to_owned())),
        Err(error) => Err(NoWindows::Refused(error.to_string())),
    }
}

/// Whether the child succeeded; `None` when it had to be killed.
fn wait(mut child: Child, limit: Duration) -> io::Result<Option<bool>> {
    let clock = SystemClock::start();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if clock.now() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(TICK);
    }
}

/// The child's part: opens a small window and closes it.
#[cfg(feature = "player")]
#[must_use]
pub fn probe_main() -> ExitCode {
    use opencv::highgui;

    let opened = highgui::named_window(PROBE_COMMAND, highgui::WINDOW_GUI_NORMAL)
        .and_then(|()| highgui::resize_window(PROBE_COMMAND, 1, 1))
        .and_then(|()| highgui::wait_key(1))
        .and_then(|_| highgui::destroy_window(PROBE_COMMAND));
    if opened.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The child's part in a build that has no windows.
#[cfg(not(feature = "player"))]
#[must_use]
pub fn probe_main() -> ExitCode {
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn try_shell(script: &str, limit: Duration) -> Result<(), NoWindows> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        try_run(command, limit, "DISPLAY=:7")
    }

    #[test]
    fn the_child_decides() {
        assert_eq!(try_shell("exit 0", LIMIT), Ok(()));
        let refused = try_shell("echo noise >&2; kill -ABRT $$", LIMIT).unwrap_err();
        assert_eq!(refused.to_string(), "no window could be opened (DISPLAY=:7)");
    }

    #[test]
    fn a_child_that_hangs_is_killed() {
        let slow = try_shell("exec sleep 600", Duration::ZERO).unwrap_err();
        assert_eq!(slow.to_string(), "the window system did not answer in time (DISPLAY=:7)");
    }

    #[test]
    fn a_program_that_is_not_there_opens_no_window() {
        let missing = try_run(Command::new("/nonexistent/securestream"), LIMIT, "");
        assert!(matches!(missing, Err(NoWindows::Refused(_))), "{missing:?}");
    }

    #[test]
    fn empty_variables_count_as_unset() {
        assert_eq!(settings(|_| Some(String::new())), "");
        assert_eq!(settings(|_| None), "");
        let one = settings(|name| (name == "DISPLAY").then(|| ":0".to_owned()));
        assert_eq!(one, "DISPLAY=:0");
    }
}
