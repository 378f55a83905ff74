//! What stands over the picture, and for how long: decided here, drawn elsewhere.
//!
//! The position comes when something happens and fades by itself. Statistics and the list of keys stay until they are
//! asked away. All times are those of the clock, not of the title: a pause does not hold them up.

use std::time::Duration;

use super::{Status, status::bits};
use crate::{
    types::{MediaTime, Printable},
    video::viewer,
};

/// For how long the position stands.
const STAYS: Duration = Duration::from_secs(2);

/// How long it takes to fade, and in how many steps: each is a picture to be drawn, in a pause too.
const FADES: Duration = Duration::from_millis(320);
const STEPS: u8 = 8;

/// What is over the picture of one play.
#[derive(Debug)]
pub(super) struct Osd {
    title: String,
    status: Status,
    /// When something last happened.
    poked: Option<Duration>,
    is_statistics: bool,
    is_help: bool,
    subtitles: Option<String>,
}

/// What is to be drawn at a moment. Two that are equal look the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Look {
    /// The position, and how much of it can be seen.
    pub(super) position: Option<(Position, Opacity)>,
    /// Lines of figures.
    pub(super) statistics: Vec<String>,
    /// Keys and what they do.
    pub(super) help: Vec<(String, &'static str)>,
    /// What is said, as lines.
    pub(super) subtitles: Option<String>,
}

/// From nothing at 0 to all at [`Opacity::FULL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opacity(u8);

impl Opacity {
    const FULL: Self = Self(STEPS);

    /// Between 0 and 1.
    pub(super) fn share(self) -> f64 {
        f64::from(self.0) / f64::from(STEPS)
    }
}

/// Where the play is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Position {
    pub(super) title: String,
    /// Paused, muted, volume; may be empty.
    pub(super) state: String,
    pub(super) time: String,
    /// Rendition, buffer, throughput.
    pub(super) stream: String,
    /// Shares of the title that are shown and that are here, between 0 and 1; `None` while its length is not known.
    pub(super) bar: Option<(f64, f64)>,
}

impl Osd {
    pub(super) fn new(title: &str) -> Self {
        let title = Printable(title).to_string();
        Self { title, status: Status::default(), poked: None, is_statistics: false, is_help: false, subtitles: None }
    }

    /// Something happened: the position is shown for a while.
    pub(super) fn poke(&mut self, now: Duration) {
        self.poked = Some(now);
    }

    /// The play stands like this now.
    pub(super) fn inform(&mut self, status: Status, now: Duration) {
        let told = |status: &Status| (status.label, status.mode, status.paused, status.muted, status.volume);
        if told(&status) != told(&self.status) {
            self.poke(now);
        }
        self.status = status;
    }

    /// The subtitles from now on.
    pub(super) fn caption(&mut self, text: Option<String>) {
        self.subtitles = text;
    }

    pub(super) fn toggle_statistics(&mut self) {
        self.is_statistics ^= true;
    }

    pub(super) fn toggle_help(&mut self) {
        self.is_help ^= true;
    }

    /// What is to be seen at `now`.
    pub(super) fn look(&self, now: Duration) -> Look {
        Look {
            position: self.opacity(now).map(|opacity| (self.position(), opacity)),
            statistics: if self.is_statistics { self.statistics() } else { Vec::new() },
            help: if self.is_help { help() } else { Vec::new() },
            subtitles: self.subtitles.clone(),
        }
    }

    fn opacity(&self, now: Duration) -> Option<Opacity> {
        let fading = now.saturating_sub(self.poked?).saturating_sub(STAYS);
        if fading.is_zero() {
            return Some(Opacity::FULL);
        }
        let gone = fading.as_millis() * u128::from(STEPS) / FADES.as_millis();
        let left = STEPS.checked_sub(u8::try_from(gone).ok()?)?;
        (left > 0).then_some(Opacity(left))
    }

    fn position(&self) -> Position {
        let Status { position, duration, buffered, .. } = &self.status;
        let time = match duration {
            Some(duration) => format!("{} / {}", position.clock(), duration.clock()),
            None => position.clock(),
        };
        let bar = duration.filter(|duration| *duration > MediaTime::ZERO).map(|duration| {
            let share = |time: MediaTime| (time.as_seconds() / duration.as_seconds()).clamp(0.0, 1.0);
            (share(*position), share(*position + *buffered))
        });
        Position { title: self.title.clone(), state: self.state(), time, stream: self.stream(), bar }
    }

    fn state(&self) -> String {
        let Status { seeking, paused, volume, muted, .. } = self.status;
        let volume = match volume {
            _ if muted => Some("muted".to_owned()),
            Some(volume) => Some(format!("volume {volume} %")),
            None => None,
        };
        let seeking = seeking.then(|| "seeking".to_owned());
        let paused = paused.then(|| "paused".to_owned());
        [seeking, paused, volume].into_iter().flatten().collect::<Vec<_>>().join("  ·  ")
    }

    fn stream(&self) -> String {
        let Status { label, buffered, throughput, .. } = &self.status;
        let rendition = self.status.rendition();
        let buffered = label.is_some().then(|| format!("{:.0} s buffered", buffered.as_seconds()));
        let throughput = throughput.map(bits);
        [rendition, buffered, throughput].into_iter().flatten().collect::<Vec<_>>().join("  ·  ")
    }

    fn statistics(&self) -> Vec<String> {
        let Status { label, size, codec, frame_duration, buffered, throughput, .. } = &self.status;
        let rendition = label.map_or_else(String::new, |label| format!("{label}, "));
        let codec = codec.as_ref().map_or_else(String::new, |codec| format!(", {codec}"));
        let rate = if *frame_duration > MediaTime::ZERO {
            format!("{:.2} frames/s", 1.0 / frame_duration.as_seconds())
        } else {
            "frames".to_owned()
        };
        let Status { shown, dropped, stalls, .. } = self.status;
        let mut lines = vec![
            format!("{rendition}{} × {}{codec}", size.0, size.1),
            format!("{rate}: {shown} shown, {dropped} dropped"),
            format!("{:.1} s buffered, {stalls} stalls", buffered.as_seconds()),
        ];
        lines.extend(throughput.map(|throughput| format!("the link carries {}", bits(throughput))));
        lines
    }
}

/// Keys that do the same share a line.
fn help() -> Vec<(String, &'static str)> {
    let mut lines: Vec<(String, &'static str)> = Vec::new();
    for (key, about) in viewer::bindings() {
        match lines.last_mut() {
            Some((keys, last)) if *last == about => {
                keys.push(' ');
                keys.push_str(&key.to_string());
            }
            _ => lines.push((key.to_string(), about)),
        }
    }
    lines
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::types::{Codec, PlayMode, RenditionLabel};

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// The middle of a play that has everything.
    pub(in crate::video::render) fn status() -> Status {
        Status {
            position: MediaTime(65_500_000),
            duration: Some(MediaTime(3_723_000_000)),
            label: Some(RenditionLabel(720)),
            mode: None,
            seeking: false,
            size: (1280, 720),
            codec: Some(Codec::H264),
            frame_duration: MediaTime(40_000),
            paused: true,
            buffered: MediaTime(8_400_000),
            throughput: Some(3_140_000),
            volume: Some(80),
            muted: false,
            shown: 1_637,
            dropped: 2,
            stalls: 1,
        }
    }

    #[test]
    fn the_position_stands_for_two_seconds_of_the_clock_and_fades() {
        let mut osd = Osd::new("t");
        assert_eq!(osd.look(ms(0)), Look::default(), "nothing has happened");
        osd.poke(ms(1_000));
        let share = |osd: &Osd, at| osd.look(ms(at)).position.map_or(0.0, |(_, opacity)| opacity.share());
        assert!([1_000, 2_999, 3_000].iter().all(|at| share(&osd, *at) >= 1.0));
        let fading: Vec<f64> = (0..=10).map(|step| share(&osd, 3_000 + step * 40)).collect();
        assert!(fading.windows(2).all(|pair| pair[1] <= pair[0]), "{fading:?}");
        assert!(fading[4] > 0.4 && fading[4] < 0.6 && fading[8] <= 0.0, "{fading:?}");
        osd.poke(ms(3_200));
        assert!(share(&osd, 5_200) >= 1.0, "it is there again for as long");
    }

    #[test]
    fn what_changes_with_every_frame_does_not_bring_it_back_and_the_rest_does() {
        let mut osd = Osd::new("t");
        osd.inform(status(), ms(0));
        assert!(osd.look(ms(0)).position.is_some(), "the first rendition is a change");
        let seen = |osd: &Osd| osd.look(ms(10_000)).position.is_some();
        let next = Status { position: MediaTime(66_000_000), shown: 1_650, throughput: None, ..status() };
        osd.inform(next.clone(), ms(10_000));
        assert!(!seen(&osd));
        for changed in [
            Status { label: Some(RenditionLabel(240)), ..next.clone() },
            Status { paused: false, ..next.clone() },
            Status { mode: Some(PlayMode::Fixed(RenditionLabel(240))), ..next.clone() },
            Status { muted: true, ..next.clone() },
            Status { volume: Some(82), ..next.clone() },
        ] {
            let mut osd = Osd::new("t");
            osd.inform(next.clone(), ms(0));
            osd.inform(changed, ms(10_000));
            assert!(seen(&osd));
        }
    }

    #[test]
    fn it_says_where_the_play_is_and_how_it_comes_here() {
        let mut osd = Osd::new("Füße\u{1b}[2J");
        osd.inform(status(), ms(0));
        let (position, _) = osd.look(ms(0)).position.unwrap();
        assert_eq!(position.title, "Füße\\u{1b}[2J");
        assert_eq!((position.time.as_str(), position.state.as_str()), ("1:05 / 1:02:03", "paused  ·  volume 80 %"));
        assert_eq!(position.stream, "720p  ·  8 s buffered  ·  3.1 Mb/s");
        let (shown, here) = position.bar.unwrap();
        assert!((shown - 0.01759).abs() < 1e-4 && (here - 0.01985).abs() < 1e-4, "{shown} {here}");
        osd.inform(Status { muted: true, paused: false, duration: None, ..status() }, ms(0));
        let (position, _) = osd.look(ms(0)).position.unwrap();
        assert_eq!((position.time.as_str(), position.state.as_str(), position.bar), ("1:05", "muted", None));
        let stream = |mode| {
            let status = Status { mode: Some(mode), throughput: None, seeking: true, ..status() };
            let mut osd = Osd::new("t");
            osd.inform(status, ms(0));
            let (position, _) = osd.look(ms(0)).position.unwrap();
            assert_eq!(position.state, "seeking  ·  paused  ·  volume 80 %");
            position.stream
        };
        assert_eq!(stream(PlayMode::Fixed(RenditionLabel(240))), "720p → 240p  ·  8 s buffered", "not shown yet");
        assert_eq!(stream(PlayMode::Fixed(RenditionLabel(720))), "720p  ·  8 s buffered");
        assert_eq!(stream(PlayMode::Auto), "720p auto  ·  8 s buffered");
    }

    #[test]
    fn statistics_and_keys_stay_until_they_are_asked_away() {
        let mut osd = Osd::new("t");
        osd.inform(status(), ms(0));
        osd.toggle_statistics();
        osd.toggle_help();
        let later = osd.look(ms(3_600_000));
        assert_eq!(later.position, None);
        assert_eq!(
            later.statistics,
            [
                "720p, 1280 × 720, h264",
                "25.00 frames/s: 1637 shown, 2 dropped",
                "8.4 s buffered, 1 stalls",
                "the link carries 3.1 Mb/s",
            ]
        );
        assert_eq!(later.help[0], ("space p".to_owned(), "pause"));
        assert!(later.help.iter().any(|(keys, about)| keys == "Q" && about.contains("remember")));
        osd.toggle_statistics();
        osd.toggle_help();
        assert_eq!(osd.look(ms(3_600_000)), Look::default());
    }

    #[test]
    fn figures_out_of_order_are_shown_within_the_bar() {
        let mut osd = Osd::new("");
        let odd = Status { position: MediaTime(i64::MAX), duration: Some(MediaTime(1)), ..status() };
        osd.inform(odd, ms(0));
        assert_eq!(osd.look(ms(0)).position.unwrap().0.bar, Some((1.0, 1.0)));
        assert_eq!([bits(0), bits(999_000), bits(1_000_000)], ["0 kb/s", "999 kb/s", "1.0 Mb/s"]);
    }
}
