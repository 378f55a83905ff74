//! Lines only: nothing on the screen is ever changed, so every terminal and every screen reader can follow.

use std::{
    io::{self, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Wires;
use crate::client::{
    lines::{InputLine, MAX_LINE, read_bounded},
    terminal::{Prompt, Typed},
};

/// Reads a line for each prompt and prints texts. While a prompt stands, it is shown again after what is printed.
pub(super) fn start(wires: Wires, on_typed: impl Fn(Typed) + Send + 'static) -> io::Result<()> {
    let standing = Arc::new(Mutex::new(None::<String>));
    let shown = standing.clone();
    let print = move |text: String| {
        let standing = lock(&shown);
        let written = match &*standing {
            Some(prompt) => write(&format!("\n{text}{prompt}")),
            None => write(&text),
        };
        // When nobody can read it, asking fails too, and with it the member ends.
        drop(written);
    };
    let read = move |prompt: &Prompt| {
        let written = {
            let mut standing = lock(&standing);
            *standing = Some(prompt.text.clone());
            write(&prompt.text)
        };
        let typed = if written.is_ok() { read() } else { Typed::End };
        *lock(&standing) = None;
        typed
    };
    wires.run(print, read, on_typed)
}

fn lock(standing: &Mutex<Option<String>>) -> MutexGuard<'_, Option<String>> {
    standing.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read() -> Typed {
    match read_bounded(&mut io::stdin().lock(), MAX_LINE) {
        Ok(InputLine::Text(line)) => Typed::Line(line.trim_end_matches('\r').to_owned()),
        Ok(InputLine::Refused(error)) => {
            let _ = write(&format!("! {error}\n"));
            Typed::Line(String::new())
        }
        Ok(InputLine::End | InputLine::Broken(_)) | Err(_) => Typed::End,
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
