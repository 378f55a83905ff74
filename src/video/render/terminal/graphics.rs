//! Which way of drawing a terminal understands.

use std::fmt;

use super::{super::NoTerminal, answers::Answers};

/// A way of drawing pictures in a terminal, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Graphics {
    /// [The graphics protocol of Kitty](https://sw.kovidgoyal.net/kitty/graphics-protocol/): pixels as PNG.
    Kitty,
    /// [Inline images of iTerm2](https://iterm2.com/documentation-images.html): pixels as JPEG.
    Iterm2,
    /// Sixel, of DEC's VT340 (STD 070): pixels in this many colours at a time.
    Sixel { colours: u16 },
    /// Characters of which the upper half has one colour and the lower half another.
    HalfBlocks(Depth),
}

/// How many colours characters may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// 24 bits.
    True,
    /// The 256 of xterm.
    Indexed,
}

impl fmt::Display for Graphics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kitty => "Kitty's protocol",
            Self::Iterm2 => "iTerm2's protocol",
            Self::Sixel { .. } => "Sixel",
            Self::HalfBlocks(Depth::True) => "half blocks",
            Self::HalfBlocks(Depth::Indexed) => "half blocks in 256 colours",
        })
    }
}

/// What the environment says of the terminal; empty variables count as unset.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    /// `TERM`.
    pub(super) term: Option<String>,
    /// `COLORTERM`.
    pub(super) colorterm: Option<String>,
    /// `TERM_PROGRAM`, or `LC_TERMINAL`, which travels over ssh.
    pub(super) program: Option<String>,
    /// Inside tmux or screen, which draw the terminal anew and pass nothing on that they do not know.
    pub(super) multiplexed: bool,
}

impl Environment {
    /// As `read` gives its variables.
    pub(super) fn new(read: impl Fn(&str) -> Option<String>) -> Self {
        let filled = |name| read(name).filter(|value| !value.is_empty());
        let term = filled("TERM");
        let is_multiplexer = |term: &String| term.starts_with("tmux") || term.starts_with("screen");
        Self {
            multiplexed: filled("TMUX").is_some()
                || filled("STY").is_some()
                || term.as_ref().is_some_and(is_multiplexer),
            colorterm: filled("COLORTERM"),
            program: filled("TERM_PROGRAM").or_else(|| filled("LC_TERMINAL")),
            term,
        }
    }
}

/// The best way of drawing, from what the terminal answered and else from what the environment says. Inside a
/// multiplexer only its own answers count: what is passed through it to the terminal is drawn at a place, and stays
/// there, of which the multiplexer knows nothing.
pub(super) fn best(environment: &Environment, answers: &Answers) -> Result<Graphics, NoTerminal> {
    let named = |name: &str| {
        let answered = answers.name.as_ref().is_some_and(|answered| answered.contains(name));
        answered || environment.program.as_ref().is_some_and(|program| program.contains(name))
    };
    if answers.kitty && !environment.multiplexed {
        return Ok(Graphics::Kitty);
    }
    if (named("iTerm") || named("WezTerm")) && !environment.multiplexed {
        return Ok(Graphics::Iterm2);
    }
    if answers.sixel {
        return Ok(Graphics::Sixel { colours: answers.registers.unwrap_or(256).clamp(2, 256) });
    }
    let Some(term) = &environment.term else { return Err(NoTerminal::Unnamed) };
    if is_monochrome(term) {
        return Err(NoTerminal::Term(term.clone()));
    }
    let has_all = environment.colorterm.as_ref().is_some_and(|value| value == "truecolor" || value == "24bit");
    let depth = if has_all || term.ends_with("-direct") { Depth::True } else { Depth::Indexed };
    Ok(Graphics::HalfBlocks(depth))
}

/// Whether a terminal of this name has no colours, as terminfo's entries have it.
fn is_monochrome(term: &str) -> bool {
    let is_dec = term.strip_prefix("vt").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    is_dec || ["dumb", "unknown", "emacs", "cons25"].contains(&term) || term.ends_with("-m") || term.ends_with("-mono")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::new(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    fn named(name: &str) -> Answers {
        Answers { name: Some(name.to_owned()), ..Answers::default() }
    }

    #[test]
    fn the_answers_choose_before_the_environment() {
        let xterm = environment(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]);
        let sixel = Answers { sixel: true, registers: Some(16), ..Answers::default() };
        let kitty = Answers { kitty: true, sixel: true, ..Answers::default() };
        assert_eq!(best(&xterm, &kitty), Ok(Graphics::Kitty));
        assert_eq!(best(&xterm, &sixel), Ok(Graphics::Sixel { colours: 16 }));
        assert_eq!(best(&xterm, &named("iTerm2 3.5.0")), Ok(Graphics::Iterm2));
        assert_eq!(best(&xterm, &named("XTerm(379)")), Ok(Graphics::HalfBlocks(Depth::True)));
        let over_ssh = environment(&[("TERM", "xterm-256color"), ("LC_TERMINAL", "iTerm2")]);
        assert_eq!(best(&over_ssh, &Answers::default()), Ok(Graphics::Iterm2));
    }

    #[test]
    fn nothing_is_passed_through_a_multiplexer() {
        for variables in
            [&[("TERM", "screen-256color"), ("LC_TERMINAL", "iTerm2")], &[("TERM", "xterm"), ("TMUX", "/t")]]
        {
            let kitty = Answers { kitty: true, ..Answers::default() };
            assert_eq!(best(&environment(variables), &kitty), Ok(Graphics::HalfBlocks(Depth::Indexed)));
        }
        let draws_itself = Answers { sixel: true, ..Answers::default() };
        let tmux = environment(&[("TERM", "tmux-256color")]);
        assert_eq!(best(&tmux, &draws_itself), Ok(Graphics::Sixel { colours: 256 }));
    }

    #[test]
    fn half_blocks_need_a_terminal_with_colours() {
        let on = |term| best(&environment(&[("TERM", term)]), &Answers::default());
        for term in ["dumb", "vt100", "vt220", "xterm-mono", "unknown"] {
            assert_eq!(on(term), Err(NoTerminal::Term(term.to_owned())));
        }
        for term in ["xterm", "linux", "vte-256color", "tmux-256color", "alacritty"] {
            assert_eq!(on(term), Ok(Graphics::HalfBlocks(Depth::Indexed)), "{term}");
        }
        assert_eq!(on("xterm-direct"), Ok(Graphics::HalfBlocks(Depth::True)));
        assert_eq!(on(""), Err(NoTerminal::Unnamed));
    }
}
