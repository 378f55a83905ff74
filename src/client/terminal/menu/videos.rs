//! The hub's videos at the prompt: which one, and how.

use std::{mem, time::Duration};

use super::{Menu, MenuOutput, Place, update};
use crate::{
    client::{
        command::{Command, PlayRequest, Request, nearest},
        event::{Event, TitleEntry},
    },
    types::{PlayMode, Printable, RenditionLabel},
};

/// The reference of a list that is asked for to keep the words of the Tab key, not to be read.
pub(super) const QUIET: &str = "quiet";

/// Where that list is. One at a time: an operator who adds many videos changes the list with each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum QuietList {
    #[default]
    Here,
    UnderWay,
    /// Under way, but the videos have changed since it was asked for.
    Outdated,
}

impl Menu {
    /// Asks for the list of videos, which the Tab key completes, without telling of it.
    pub(super) fn list_quietly(&mut self) {
        if self.quiet_list != QuietList::Here {
            self.quiet_list = QuietList::Outdated;
            return;
        }
        self.quiet_list = QuietList::UnderWay;
        let request = Request { command: Command::Videos, reference: Some(QUIET.to_owned()) };
        self.outputs.push_back(MenuOutput::Request(request));
    }

    /// Whatever comes of a list that nobody reads is no answer to what was typed meanwhile.
    pub(super) fn take_quiet_answer(&mut self, event: &Event) {
        match event {
            Event::Videos { titles } => self.take_titles(titles),
            Event::Ok { .. } if mem::take(&mut self.quiet_list) == QuietList::Outdated => self.list_quietly(),
            Event::Error(_) => self.quiet_list = QuietList::Here,
            _ => {}
        }
    }

    fn take_titles(&mut self, titles: &[TitleEntry]) {
        self.titles = titles.to_vec();
        let names = titles.iter().map(|title| title.title.clone()).collect();
        update(&self.words, |words| words.titles = names);
    }

    pub(super) fn take_printed_list(&mut self, titles: &[TitleEntry]) {
        self.take_titles(titles);
        self.printed_titles = titles.iter().map(|title| title.title.clone()).collect();
        if titles.is_empty() && self.place == Place::Title {
            self.place = Place::Menu;
        }
    }

    /// A title by its number in the printed list or by its name.
    pub(super) fn choose_title(&mut self, typed: &str) {
        let wanted = self.printed(typed).unwrap_or(typed).to_owned();
        let Some(title) = self.titles.iter().find(|title| title.title == wanted) else {
            let text = if wanted == typed {
                let meant = self.meant(typed).map(|meant| format!(" {meant}")).unwrap_or_default();
                format!("There is no such video.{meant} Type its number or name; an empty line goes back.")
            } else {
                format!("{wanted} is gone from the hub. Type another number or name; an empty line goes back.")
            };
            return self.error(&text);
        };
        if let Some(why) = &title.unplayable {
            let text = format!("{wanted} cannot be played: {why}.");
            return self.error(&text);
        }
        let heights: Vec<String> = title.renditions.iter().map(|rendition| rendition.label.to_string()).collect();
        self.print(&format!(
            "{}: Enter plays what the link carries, tour shows each resolution in turn, or choose one: {}",
            Printable(&wanted),
            heights.join(", ")
        ));
        self.place = Place::Mode(wanted);
    }

    /// The title with that number in the list that the viewer saw, whatever changed since; a title of that list that is a
    /// number wins.
    fn printed(&self, typed: &str) -> Option<&str> {
        let number = typed.parse::<usize>().ok()?;
        let is_title = self.printed_titles.iter().any(|title| title == typed);
        let title = if is_title { None } else { self.printed_titles.get(number.checked_sub(1)?) };
        title.map(String::as_str)
    }

    pub(super) fn choose_mode(&mut self, title: String, typed: &str, now: Duration) {
        let mode = match typed {
            "auto" | "mode=auto" => Some(PlayMode::Auto),
            "tour" | "mode=tour" => Some(PlayMode::Tour),
            label => label.trim_start_matches("mode=").parse().ok().map(PlayMode::Fixed),
        };
        match mode {
            Some(PlayMode::Fixed(label)) if let Some(have) = self.lacks(&title, label) => {
                self.error(&format!("There is no {label}; there is {have}. Type one of them, tour, or just Enter."));
            }
            Some(mode) => self.play(title, mode, now),
            None => self.error("Type tour, a height such as 720p, or just Enter."),
        }
    }

    /// What a title has instead, when it is known not to have this.
    fn lacks(&self, title: &str, label: RenditionLabel) -> Option<String> {
        let entry = self.titles.iter().find(|entry| entry.title == title)?;
        let labels: Vec<_> = entry.renditions.iter().map(|rendition| rendition.label).collect();
        let listed = || labels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        (!labels.contains(&label)).then(listed)
    }

    pub(super) fn play(&mut self, title: String, mode: PlayMode, now: Duration) {
        self.place = Place::Menu;
        self.request(Command::Play(PlayRequest { mode, ..PlayRequest::of(title) }), now);
    }

    /// Which titles were perhaps meant.
    pub(super) fn meant(&self, typed: &str) -> Option<String> {
        let near = nearest(typed, self.titles.iter().map(|title| title.title.as_str()));
        (!near.is_empty()).then(|| format!("Did you mean {}?", near.join(" or ")))
    }
}
