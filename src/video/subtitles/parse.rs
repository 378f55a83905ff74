//! SubRip and WebVTT (<https://www.w3.org/TR/webvtt1/>): cues between times, whatever else stands around them.
//!
//! Files are often written by hand, so one reader takes both formats with all that is usual: counters that are
//! missing or wrong, commas or points, cues out of order, over each other or without an end.

use super::{markup::plain, text::decode};
use crate::types::MediaTime;

/// Cues of one file: a film has some 2,000.
const MAX_CUES: usize = 20_000;

/// Lines of one cue, and characters in all of them: more is no subtitle, and would cover the picture.
const MAX_LINES: usize = 8;
const MAX_TEXT: usize = 600;

/// Bytes of a cue as it stands in the file, tags and all.
const MAX_SOURCE: usize = 8 * 1024;

/// What is shown from one time to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::video) struct Cue {
    pub(in crate::video) from: MediaTime,
    /// After `from`; not shown at this time any more.
    pub(in crate::video) until: MediaTime,
    /// In lines, without markup or control characters; not empty.
    pub(in crate::video) text: String,
}

/// A cue whose lines are still being read.
struct Open {
    from: MediaTime,
    until: MediaTime,
    source: Vec<String>,
    size: usize,
}

/// All cues of a file in a language. What cannot be read is left out; of a file that has none, nothing comes.
pub(in crate::video) fn parse(bytes: &[u8], language: &str) -> Vec<Cue> {
    let text = decode(bytes, language);
    let is_webvtt = text.trim_start_matches('\u{feff}').starts_with("WEBVTT");
    let mut cues = Vec::new();
    let mut open: Option<Open> = None;
    for line in lines(&text) {
        if cues.len() >= MAX_CUES {
            return cues;
        }
        if let Some((from, until)) = timing(line) {
            cues.extend(open.take().and_then(|open| open.finish(!is_webvtt)));
            open = Some(Open { from, until, source: Vec::new(), size: 0 });
        } else if line.contains("-->") {
            // Times that cannot be read: what is said then would stand under the cue before.
            cues.extend(open.take().and_then(|open| open.finish(!is_webvtt)));
        } else if is_webvtt && line.trim().is_empty() {
            // What follows may be a comment or a style.
            cues.extend(open.take().and_then(|open| open.finish(false)));
        } else if let Some(open) = &mut open {
            open.take(line);
        }
    }
    cues.extend(open.and_then(|open| open.finish(false)));
    cues
}

/// The lines of a text, whether they end in LF, CR LF or CR.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

impl Open {
    fn take(&mut self, line: &str) {
        let room = MAX_SOURCE.saturating_sub(self.size);
        if room > 0 {
            let line = line.get(..line.floor_char_boundary(room)).unwrap_or_default();
            self.size += line.len() + 1;
            self.source.push(line.to_owned());
        }
    }

    /// The cue, when it shows something. In SubRip an empty line does not end a cue, only the times of the next
    /// one do, and that one's counter stands before them.
    fn finish(mut self, is_followed: bool) -> Option<Cue> {
        if is_followed
            && let Some(last) = self.source.iter().rposition(|line| !line.trim().is_empty())
            && self.source.get(last).is_some_and(|line| line.trim().bytes().all(|b| b.is_ascii_digit()))
            // After an empty line, or as the only one: else it is a number that somebody says.
            && last.checked_sub(1).and_then(|before| self.source.get(before)).is_none_or(|line| line.trim().is_empty())
        {
            self.source.truncate(last);
        }
        let text: String = plain(&self.source.join("\n")).chars().take(MAX_TEXT).collect();
        let text = text.lines().take(MAX_LINES).collect::<Vec<_>>().join("\n");
        let Self { from, until, .. } = self;
        (from < until && !text.is_empty()).then_some(Cue { from, until, text })
    }
}

/// The times of a line that has them: `00:00:01,000 --> 00:00:02,500`, with settings after them or not.
fn timing(line: &str) -> Option<(MediaTime, MediaTime)> {
    let (from, rest) = line.split_once("-->")?;
    let until = rest.split_whitespace().next()?;
    Some((time(from.trim())?, time(until)?))
}

/// `[hours:]minutes:seconds[.fraction]`, with a comma or a point.
fn time(text: &str) -> Option<MediaTime> {
    let (whole, fraction) = text.split_once([',', '.']).unwrap_or((text, ""));
    let number = |text: &str| -> Option<i64> {
        let text = text.trim();
        let fits = (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| text.parse().ok())?
    };
    let mut parts = whole.rsplit(':');
    let (seconds, minutes) = (number(parts.next()?)?, number(parts.next()?)?);
    let hours = parts.next().map_or(Some(0), number)?;
    if parts.next().is_some() {
        return None;
    }
    let micros = match fraction.trim() {
        "" => 0,
        digits => {
            let length = u32::try_from(digits.len()).ok()?;
            number(digits)? * 10_i64.checked_pow(6_u32.checked_sub(length)?)?
        }
    };
    Some(MediaTime(((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros))
}
