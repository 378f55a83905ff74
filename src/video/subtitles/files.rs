//! Files of subtitles in a folder: which title and language each is of, and what is in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use unicode_normalization::UnicodeNormalization as _;

use super::Subtitles;
use crate::{
    types::limits::{MAX_LANGUAGE, MAX_LANGUAGES, MAX_SUBTITLES, MAX_SUBTITLES_OF_TITLE},
    video::{
        catalog::{Remark, SkipReason, Title},
        folder::open_file,
    },
};

/// Bytes of subtitles that are kept for a folder: they stay in memory, so that a play never waits for them.
const MAX_IN_ALL: usize = 16 * MAX_SUBTITLES;

/// Extensions of files that are read, in lower case.
const EXTENSIONS: [&str; 2] = ["srt", "vtt"];

/// The language of a file whose name has none: undetermined, in ISO 639-2.
const UNDETERMINED: &str = "und";

/// A file by its name, and what is in it or why it is not used.
pub(in crate::video) type SubtitleFile = (String, Result<Bytes, SubtitleError>);

/// Why a file of subtitles is not used, in words that go on "`<file>`: ".
#[derive(Debug, thiserror::Error)]
pub(in crate::video) enum SubtitleError {
    #[error("{0}")]
    Unusable(#[from] SkipReason),
    #[error("its name is not UTF-8")]
    Name,
    #[error("subtitles of more than {MAX_SUBTITLES} bytes are not read")]
    TooLarge,
    #[error("subtitles of more than {MAX_IN_ALL} bytes in all are not kept")]
    TooMany,
    #[error("it is empty")]
    Empty,
    #[error("there is no title \"{0}\" that can be played")]
    NoTitle(String),
    #[error("{0} has the subtitles of this title in this language already")]
    Duplicate(String),
    #[error("a title has subtitles in {MAX_LANGUAGES} languages and {MAX_SUBTITLES_OF_TITLE} bytes at most")]
    Full,
}

impl SubtitleError {
    /// Whether the same file may be read the next time.
    pub(in crate::video) fn may_pass(&self) -> bool {
        matches!(self, Self::Unusable(reason) if reason.may_pass())
    }
}

/// Whether a file is of subtitles, by its extension.
pub(in crate::video) fn is_subtitles(name: &str) -> bool {
    !name.starts_with('.') && stem(name).is_some()
}

/// Reads all files of subtitles among those of a folder, whose path is canonical; in the order of the names. Those that
/// are still being written are left alone.
pub(in crate::video) fn read_all(folder: &Path, names: &[OsString], changing: &BTreeSet<String>) -> Vec<SubtitleFile> {
    let (mut files, mut kept) = (Vec::new(), 0);
    for name in names {
        let text = name.to_string_lossy();
        if !is_subtitles(&text) {
            continue;
        }
        let read = match name.to_str() {
            Some(name) if changing.contains(name) => Err(SkipReason::Changing.into()),
            Some(name) => read(folder, name, MAX_IN_ALL - kept),
            None => Err(SubtitleError::Name),
        };
        kept += read.as_ref().map_or(0, Bytes::len);
        files.push((text.into_owned(), read));
    }
    files
}

fn read(folder: &Path, name: &str, room: usize) -> Result<Bytes, SubtitleError> {
    use std::io::Read as _;
    let (file, metadata) = open_file(folder, name)?;
    if metadata.len() > MAX_SUBTITLES as u64 {
        return Err(SubtitleError::TooLarge);
    }
    let mut data = Vec::new();
    // It may have grown since.
    let most = MAX_SUBTITLES as u64 + 1;
    file.take(most).read_to_end(&mut data).map_err(|error| SkipReason::from(crate::video::IndexError::from(error)))?;
    match data.len() {
        0 => Err(SubtitleError::Empty),
        size if size > MAX_SUBTITLES => Err(SubtitleError::TooLarge),
        size if size > room => Err(SubtitleError::TooMany),
        _ => Ok(data.into()),
    }
}

/// Gives each title its subtitles, its languages in order; what is wrong with a file becomes a remark.
pub(in crate::video) fn attach(titles: &mut [Arc<Title>], files: Vec<SubtitleFile>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    // By title and language, which has no upper and lower case.
    let mut found: BTreeMap<(usize, String), (String, Subtitles)> = BTreeMap::new();
    for (file, read) in files {
        let taken = read.and_then(|data| {
            let (place, language) = resolve(titles, &file)?;
            let key = (place, language.to_ascii_lowercase());
            if let Some((first, _)) = found.get(&key) {
                return Err(SubtitleError::Duplicate(first.clone()));
            }
            let of_title = || found.range((place, String::new())..(place + 1, String::new()));
            let bytes: usize = of_title().map(|(_, (_, subtitles))| subtitles.data.len()).sum();
            if of_title().count() == MAX_LANGUAGES || bytes + data.len() > MAX_SUBTITLES_OF_TITLE {
                return Err(SubtitleError::Full);
            }
            found.insert(key, (file.clone(), Subtitles { language, data }));
            Ok(())
        });
        if let Err(error) = taken {
            remarks.push(Remark::note(&file, format!("not used: {error}")));
        }
    }
    for ((place, _), (_, subtitles)) in found {
        // Nobody else has a title of a catalogue in the making.
        if let Some(title) = titles.get_mut(place).and_then(Arc::get_mut) {
            title.subtitles.push(subtitles);
        }
    }
    remarks
}

/// The title that a file is of, by its place, and its language. The longer title wins: `a.de.srt` is of a title `a.de`
/// if there is one.
fn resolve(titles: &[Arc<Title>], file: &str) -> Result<(usize, String), SubtitleError> {
    let name: String = file.nfc().collect();
    let stem = stem(&name).unwrap_or_default();
    let place = |name: &str| titles.binary_search_by(|title| title.name.as_str().cmp(name)).ok();
    if let Some(place) = place(stem) {
        return Ok((place, UNDETERMINED.to_owned()));
    }
    let (title, language) = stem.rsplit_once('.').filter(|(_, language)| is_language(language)).unwrap_or((stem, ""));
    match place(title) {
        Some(place) => Ok((place, language.to_owned())),
        None => Err(SubtitleError::NoTitle(title.to_owned())),
    }
}

/// A name without its extension, when that is one of subtitles.
fn stem(name: &str) -> Option<&str> {
    let (stem, extension) = name.rsplit_once('.')?;
    EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)).then_some(stem)
}

/// Whether a word can be the tag of a language: 1 to 16 letters, digits and hyphens, of ASCII.
#[must_use]
pub fn is_language(word: &str) -> bool {
    (1..=MAX_LANGUAGE).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
