//! Lines only: nothing on the screen is ever changed, so every terminal and every screen reader can follow.

use std::{
    io::{self, Write as _},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crossbeam_channel::Receiver;

use super::{ToPrint, print_all, spawn};
use crate::client::{
    lines::{InputLine, MAX_LINE, read_bounded},
    terminal::{Prompt, Typed},
};

/// Reads a line for each prompt and prints texts, each in a thread. While a prompt stands, it is shown again
/// after what is printed.
pub(super) fn start(
    asked: Receiver<Prompt>,
    to_print: Receiver<ToPrint>,
    asking: Arc<AtomicBool>,
    on_typed: impl Fn(Typed) + Send + 'static,
) -> io::Result<()> {
    let standing = Arc::new(Mutex::new(String::new()));
    let shown = standing.clone();
    spawn("printer", move || {
        print_all(&to_print, |text| {
            let prompt = shown.lock().unwrap_or_else(PoisonError::into_inner);
            let stands = asking.load(Ordering::SeqCst) && !prompt.is_empty();
            // When nobody can read it, reading ends too, and with it the member.
            let _ = write(&if stands { format!("\n{text}{prompt}") } else { text });
        });
    })?;
    spawn("reader", move || {
        for prompt in asked {
            let written = {
                let mut standing = standing.lock().unwrap_or_else(PoisonError::into_inner);
                standing.clone_from(&prompt.text);
                write(&standing)
            };
            let typed = if written.is_ok() { read() } else { Typed::End };
            standing.lock().unwrap_or_else(PoisonError::into_inner).clear();
            on_typed(typed);
        }
    })
}

fn read() -> Typed {
    match read_bounded(&mut io::stdin().lock(), MAX_LINE) {
        Ok(InputLine::Text(line)) => Typed::Line(line.trim_end_matches('\r').to_owned()),
        Ok(InputLine::Refused(error)) => {
            let _ = write(&format!("! {error}\n"));
            Typed::Line(String::new())
        }
        Ok(InputLine::End) | Err(_) => Typed::End,
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
