//! Fonts: one that is built in, and those of the system.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use cosmic_text::{
    FontSystem,
    fontdb::{Database, Source},
};

/// The family of the font that is built in.
pub(super) const FAMILY: &str = "DejaVu Sans";

/// Decides between the forms that Han characters have; no other script depends on it.
const LOCALE: &str = "en-US";

/// The font that is built in and all of the system's, once they have been looked through.
static WITH_SYSTEM: OnceLock<Database> = OnceLock::new();

/// The font that is built in, alone.
pub(super) fn embedded() -> FontSystem {
    FontSystem::new_with_locale_and_db(LOCALE.to_owned(), built_in())
}

/// All fonts, once they are known.
pub(super) fn with_system() -> Option<FontSystem> {
    let fonts = WITH_SYSTEM.get()?.clone();
    Some(FontSystem::new_with_locale_and_db(LOCALE.to_owned(), fonts))
}

/// Looks through the fonts of the system, once in the life of the process. On a thread of its own: there may be
/// thousands, and a picture is due.
pub(super) fn look_for_system_fonts() {
    static BEGUN: AtomicBool = AtomicBool::new(false);
    if BEGUN.swap(true, Ordering::Relaxed) {
        return;
    }
    let look = || {
        let mut fonts = built_in();
        fonts.load_system_fonts();
        log::debug!("{} fonts", fonts.len());
        // Nobody else sets it.
        let _ = WITH_SYSTEM.set(fonts);
    };
    if let Err(error) = thread::Builder::new().name("fonts".to_owned()).spawn(look) {
        log::warn!("text is drawn with one font: no thread to look for others: {error}");
    }
}

fn built_in() -> Database {
    let mut fonts = Database::new();
    fonts.load_font_source(Source::Binary(Arc::new(dejavu::sans::regular())));
    fonts.set_sans_serif_family(FAMILY);
    fonts
}
