//! What there is to play: titles, their renditions, and what was left out and why.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use unicode_normalization::UnicodeNormalization as _;

use crate::types::{Code, MediaTime, RenditionLabel, wire::Text};

use super::{
    compat::CompatError,
    file_name::{FileName, Kind},
    folder::VideoFile,
    index::Index,
    mp4::IndexError,
    subtitles::{SubtitleFile, Subtitles, attach},
};

/// Everything that a hub offers, as it was found at one time.
#[derive(Debug, Default)]
pub struct Catalog {
    titles: Vec<Arc<Title>>,
    /// Why, and whether that is only because it is not known yet what is in them.
    unplayable: BTreeMap<String, (String, bool)>,
    skipped: Vec<Skipped>,
    remarks: Vec<Remark>,
}

/// One film, in one or more resolutions.
#[derive(Debug)]
pub struct Title {
    pub name: String,
    /// At least one, the lowest label first, each label once.
    pub renditions: Vec<Arc<Rendition>>,
    /// Of the longest rendition.
    pub duration: MediaTime,
    /// Renditions that one would expect, the lowest first.
    pub missing: Vec<Missing>,
    /// In the order of their languages, each once.
    pub subtitles: Vec<Subtitles>,
}

/// One resolution of a title: one file.
#[derive(Debug)]
pub struct Rendition {
    pub label: RenditionLabel,
    /// The file's name within its folder.
    pub file: String,
    pub index: Arc<Index>,
    /// Whose bytes a source reads for it.
    pub(super) id: FileId,
    /// The file itself, where it comes from a folder: it is closed when nobody plays or offers it any more.
    pub(super) open: Option<Arc<VideoFile>>,
}

/// Which of a source's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FileId(pub(super) usize);

/// A rendition that a title lacks: other titles have this resolution, or its file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub label: RenditionLabel,
    /// Why its file cannot be used, when there is one.
    pub reason: Option<String>,
}

/// A file that was left out.
#[derive(Debug)]
pub struct Skipped {
    pub file: String,
    pub reason: SkipReason,
}

/// Something odd about a file that is used all the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    pub file: String,
    pub text: String,
    /// Whether somebody should do something about it.
    pub is_warning: bool,
}

impl Remark {
    /// Of something that may well be meant.
    pub(super) fn note(file: &str, text: String) -> Self {
        Self { file: file.to_owned(), text, is_warning: false }
    }

    /// Of something that nobody means.
    pub(super) fn warning(file: &str, text: String) -> Self {
        Self { file: file.to_owned(), text, is_warning: true }
    }
}

/// Why a file was left out, in words that go on "`<file>`: ".
#[derive(Debug, thiserror::Error)]
pub enum SkipReason {
    #[error(transparent)]
    Unusable(#[from] IndexError),
    #[error("it is still being written, by its name")]
    Unfinished,
    #[error("it is still being written")]
    Changing,
    /// As it was found before; the file has not changed since.
    #[error("{0}")]
    AsBefore(String),
    /// It could not be read before, which may pass, and was not tried again.
    #[error("{0}")]
    FailedBefore(String),
    /// Other containers take libavformat.
    #[error("its container is read only by builds with the feature player; MP4 and MOV are read by all")]
    Container,
    #[error(transparent)]
    NotTaken(CompatError),
    #[error("it is a link that leads out of the folder, or nowhere")]
    LeavesFolder,
    #[error("it is no regular file")]
    NotRegular,
    #[error("its name is not UTF-8")]
    Name,
    #[error("{other} is {label} of this title already")]
    Duplicate { label: RenditionLabel, other: String },
    #[error("{0} files are open already, and more are not kept open")]
    TooMany(usize),
}

impl SkipReason {
    /// Whether the same file may be used the next time: it is not the file that is at fault.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            // Those two stay until somebody changes something, which is seen.
            Self::Unusable(IndexError::Io(error)) => {
                !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
            }
            Self::NotTaken(error) => error.may_pass(),
            Self::FailedBefore(_) => true,
            _ => false,
        }
    }

    /// Whether it is only that it is not known yet what is in the file.
    fn is_waiting(&self) -> bool {
        self.may_pass() || matches!(self, Self::Changing)
    }

    /// Whether it says something of the file's content, to whoever reads it with the same program and libraries.
    pub(super) fn lasts(&self) -> bool {
        match self {
            Self::Unusable(error) => !matches!(error, IndexError::Io(_)),
            Self::NotTaken(error) => error.lasts(),
            _ => false,
        }
    }
}

/// Why there is no such title to play.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    #[error("there is no such title")]
    NoSuchTitle,
    /// Files of this title are there, and none can be used.
    #[error("{0}")]
    Unplayable(String),
    /// They are there, and it is not known yet whether they can be used.
    #[error("{0}")]
    NotYet(String),
}

impl LookupError {
    /// What the one who asked is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NoSuchTitle => Code::NoSuchTitle,
            Self::Unplayable(_) => Code::Unplayable,
            Self::NotYet(_) => Code::TryLater,
        }
    }
}

/// A file that can be played.
#[derive(Clone, Debug)]
pub(super) struct Usable {
    pub(super) id: FileId,
    pub(super) index: Arc<Index>,
    /// Nothing for one in memory.
    pub(super) open: Option<Arc<VideoFile>>,
}

/// A file's name, and what is known of it or why it is not used.
pub(super) type Found = (String, Result<Usable, SkipReason>);

impl Catalog {
    /// From what was found of each file. Files are taken in the order of their names: the first that has a
    /// label of a title keeps it.
    pub(super) fn build(mut found: Vec<Found>) -> Self {
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut builder = Builder::default();
        for (file, result) in found {
            match result {
                Ok(usable) => builder.add(file, usable),
                Err(reason) => builder.skip(file, reason),
            }
        }
        builder.finish()
    }

    /// The same with these files of subtitles.
    pub(super) fn with_subtitles(mut self, files: Vec<SubtitleFile>) -> Self {
        self.remarks.extend(attach(&mut self.titles, files));
        self
    }

    /// The same with these remarks.
    pub(super) fn remarked(mut self, remarks: Vec<Remark>) -> Self {
        self.remarks.extend(remarks);
        self
    }

    /// All titles that can be played, sorted by name.
    #[must_use]
    pub fn titles(&self) -> &[Arc<Title>] {
        &self.titles
    }

    /// Titles none of whose files can be used, by name, each with its reason.
    pub fn unplayable(&self) -> impl Iterator<Item = (&str, &str)> {
        self.unplayable.iter().map(|(name, (reason, _))| (name.as_str(), reason.as_str()))
    }

    /// Files that look like videos and are not used, sorted by name.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// What is odd about files that are used.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// The title of a name, which is looked up and never taken for a path. Upper and lower case differ; accents
    /// count in whatever way they were typed.
    pub fn title(&self, name: &str) -> Result<&Arc<Title>, LookupError> {
        let name: String = name.nfc().collect();
        match self.titles.binary_search_by(|title| title.name.as_str().cmp(&name)) {
            Ok(position) => self.titles.get(position).ok_or(LookupError::NoSuchTitle),
            Err(_) => Err(match self.unplayable.get(&name) {
                Some((reason, true)) => LookupError::NotYet(reason.clone()),
                Some((reason, false)) => LookupError::Unplayable(reason.clone()),
                None => LookupError::NoSuchTitle,
            }),
        }
    }
}

impl Title {
    /// The rendition of a label.
    #[must_use]
    pub fn rendition(&self, label: RenditionLabel) -> Option<&Arc<Rendition>> {
        self.renditions.iter().find(|rendition| rendition.label == label)
    }

    /// The title as if it had nothing above a label; nothing when all is above.
    #[must_use]
    pub fn up_to(&self, max: RenditionLabel) -> Option<Self> {
        let below = self.with(|rendition| rendition.label <= max)?;
        let missing = self.missing.iter().filter(|missing| missing.label <= max).cloned().collect();
        Some(Self { missing, ..below })
    }

    /// The title as if it had only some of its renditions; nothing when none is left.
    #[must_use]
    pub fn with(&self, keep: impl Fn(&Rendition) -> bool) -> Option<Self> {
        let renditions: Vec<_> = self.renditions.iter().filter(|rendition| keep(rendition)).cloned().collect();
        let (name, missing, subtitles) = (self.name.clone(), self.missing.clone(), self.subtitles.clone());
        (!renditions.is_empty()).then(|| Self { name, renditions, duration: self.duration, missing, subtitles })
    }

    /// The languages of its subtitles, in order.
    #[must_use]
    pub fn languages(&self) -> Vec<Text> {
        self.subtitles.iter().map(|subtitles| subtitles.language.as_str().into()).collect()
    }

    /// The labels of its renditions, the lowest first.
    pub fn labels(&self) -> impl Iterator<Item = RenditionLabel> + '_ {
        self.renditions.iter().map(|rendition| rendition.label)
    }
}

/// A file that is not used.
struct Broken {
    title: String,
    /// Where the name gives one.
    label: Option<RenditionLabel>,
    reason: String,
    is_waiting: bool,
}

/// A catalogue in the making.
#[derive(Default)]
struct Builder {
    titles: BTreeMap<String, BTreeMap<RenditionLabel, Rendition>>,
    /// Labels that names give, and how many titles have them: the ladder that is usual in this folder.
    ladder: BTreeMap<RenditionLabel, usize>,
    /// Titles with a rendition that a name gives.
    named: BTreeSet<String>,
    broken: Vec<Broken>,
    skipped: Vec<Skipped>,
    remarks: Vec<Remark>,
}

impl Builder {
    fn add(&mut self, file: String, Usable { id, index, open }: Usable) {
        let coded = RenditionLabel(index.format().height);
        let name = FileName::parse(&file);
        let (title, named) = name.resolve(Some(coded.0));
        let label = named.unwrap_or(coded);
        let renditions = self.titles.entry(title.to_owned()).or_default();
        if let Some(first) = renditions.get(&label) {
            let reason = SkipReason::Duplicate { label, other: first.file.clone() };
            self.skipped.push(Skipped { file, reason });
            return;
        }
        if label != coded {
            let text = format!("its name says {label}, its pictures are {} pixels high", coded.0);
            self.remarks.push(Remark::note(&file, text));
        }
        if let Some(reason) = index.no_sound() {
            self.remarks.push(Remark::note(&file, format!("its sound is left out: {reason}")));
        }
        if let Some(claimed) = index.claimed() {
            let (plays, claims) = (index.duration().as_seconds(), claimed.as_seconds());
            let text = format!("it ends early: {plays:.1} s of {claims:.1} s play: damaged, or not copied whole?");
            self.remarks.push(Remark::warning(&file, text));
        }
        if named.is_some() {
            *self.ladder.entry(label).or_default() += 1;
            self.named.insert(title.to_owned());
        }
        renditions.insert(label, Rendition { label, file, index, id, open });
    }

    fn skip(&mut self, file: String, reason: SkipReason) {
        let name = FileName::parse(&file);
        if name.kind != Kind::Other {
            let (title, label) = name.resolve(None);
            let (title, is_waiting) = (title.to_owned(), reason.is_waiting());
            self.broken.push(Broken { title, label, reason: reason.to_string(), is_waiting });
        }
        self.skipped.push(Skipped { file, reason });
    }

    fn finish(mut self) -> Catalog {
        let titles = std::mem::take(&mut self.titles);
        let titles: Vec<Arc<Title>> =
            titles.into_iter().map(|(name, renditions)| Arc::new(self.title(name, renditions))).collect();
        let mut unplayable = BTreeMap::new();
        for Broken { title, reason, is_waiting, .. } in self.broken {
            if titles.binary_search_by(|other| other.name.cmp(&title)).is_ok() {
                continue;
            }
            let (told, waits) = unplayable.entry(title).or_insert_with(|| (reason.clone(), is_waiting));
            if is_waiting && !*waits {
                (*told, *waits) = (reason, true);
            }
        }
        self.skipped.sort_by(|one, other| one.file.cmp(&other.file));
        Catalog { titles, unplayable, skipped: self.skipped, remarks: self.remarks }
    }

    fn title(&mut self, name: String, renditions: BTreeMap<RenditionLabel, Rendition>) -> Title {
        let missing = self.missing(&name, &renditions);
        let renditions: Vec<_> = renditions.into_values().map(Arc::new).collect();
        let ends = || renditions.iter().map(|rendition| rendition.index.duration());
        let duration = ends().max().unwrap_or_default();
        for rendition in &renditions {
            // Encoders differ by a picture or two at the end; half a second is something else.
            if duration - rendition.index.duration() > MediaTime(500_000) {
                let (ends, lasts) = (rendition.index.duration().as_seconds(), duration.as_seconds());
                let text = format!("it ends at {ends:.1} s, its title lasts {lasts:.1} s");
                self.remarks.push(Remark::note(&rendition.file, text));
            }
        }
        Title { name, renditions, duration, missing, subtitles: Vec::new() }
    }

    /// A title whose names give heights is expected to have what at least half of the others have; one file with a name
    /// of its own is complete.
    fn missing(&self, title: &str, have: &BTreeMap<RenditionLabel, Rendition>) -> Vec<Missing> {
        let broken: BTreeMap<RenditionLabel, &String> = self
            .broken
            .iter()
            .filter(|broken| broken.title == title)
            .filter_map(|broken| Some((broken.label?, &broken.reason)))
            .collect();
        let others = self.named.len().saturating_sub(1);
        let is_usual = |titles: usize| self.named.contains(title) && titles * 2 >= others;
        let ladder = self.ladder.iter().filter(|&(_, titles)| is_usual(*titles)).map(|(label, _)| label);
        let expected: BTreeSet<_> = ladder.chain(broken.keys()).copied().collect();
        let missing = expected.into_iter().filter(|label| !have.contains_key(label));
        missing.map(|label| Missing { label, reason: broken.get(&label).copied().cloned() }).collect()
    }
}

#[cfg(test)]
mod tests;
