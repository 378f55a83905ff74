//! Words over the picture, in any script, white with a black edge so that they can be read on anything.
//!
//! ```text
//!   lines ──▶ layout: shaped, both directions, broken at the width ──▶ glyphs, each with its edge ──▶ canvas
//!             (kept while the same lines are drawn)                    (kept for as long as they fit)
//! ```
//!
//! The font that is built in has Latin, Greek, Cyrillic, Arabic, Hebrew and more; what it lacks comes from the
//! fonts of the system, where they are.

mod canvas;
mod fonts;
mod glyph;

use std::collections::HashMap;

use cosmic_text::{Align, Attrs, Buffer, CacheKey, Family, FontSystem, Metrics, Shaping, SwashCache, Wrap};

pub use self::canvas::Canvas;
use self::glyph::Glyph;

/// Heights of text that can be drawn, in pixels.
const SIZES: (f32, f32) = (6.0, 300.0);

/// Height of a line by that of its text.
const LINE_HEIGHT: f32 = 1.2;

/// Between text and the edges of the canvas, by the height of the text.
const MARGIN: f32 = 0.5;

/// Characters that are drawn at once, far more than can be read: the rest is left out.
const MAX_TEXT: usize = 2000;

/// Layouts that are kept: what an overlay and a caption show changes seldom.
const MAX_LAYOUTS: usize = 64;

/// Bytes of glyphs that are kept: a thousand at 1080p.
const MAX_GLYPHS: usize = 16 << 20;

/// Where text stands on a canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// Centred, the last line at the bottom: where subtitles stand.
    Bottom,
    /// At the bottom left.
    BottomLeft,
    /// At the bottom right, lines flush right.
    BottomRight,
    /// Centred, the first line at the top.
    Top,
    /// At the top left.
    TopLeft,
    /// At the top right, lines flush right.
    TopRight,
    /// In the middle.
    Centre,
    /// The upper left corner of the first line here, in pixels from that of the canvas.
    At { x: i32, y: i32 },
}

/// What text covers, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    pub width: usize,
    pub height: usize,
}

/// What a layout depends on.
#[derive(PartialEq, Eq, Hash)]
struct LayoutKey {
    text: String,
    size: u32,
    width: usize,
    height: usize,
    align: u32,
}

/// Where the glyphs of a text stand, from its upper left corner.
struct Layout {
    glyphs: Vec<(CacheKey, i32, i32)>,
    extent: Extent,
}

/// Draws text. Keeps what it has drawn, so that the same text on the next picture costs a copy of its pixels.
pub struct TextPainter {
    fonts: FontSystem,
    has_system_fonts: bool,
    raster: SwashCache,
    layouts: HashMap<LayoutKey, Layout>,
    glyphs: HashMap<CacheKey, Glyph>,
    /// Bytes of `glyphs`.
    kept: usize,
}

impl std::fmt::Debug for TextPainter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TextPainter({} glyphs)", self.glyphs.len())
    }
}

impl TextPainter {
    /// A painter that starts with the font that is built in, and uses those of the system as soon as they have
    /// been looked through on a thread of their own.
    #[must_use]
    pub fn new() -> Self {
        fonts::look_for_system_fonts();
        Self { has_system_fonts: false, ..Self::embedded() }
    }

    /// A painter with the font that is built in and no other.
    #[must_use]
    pub fn embedded() -> Self {
        Self {
            fonts: fonts::embedded(),
            has_system_fonts: true,
            raster: SwashCache::new(),
            layouts: HashMap::new(),
            glyphs: HashMap::new(),
            kept: 0,
        }
    }

    /// Draws lines, each `size` pixels high. A line that is too wide is broken; what finds no room is left out.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, lines: &[&str], size: f32, anchor: Anchor) {
        let size = drawable(size);
        let key = key(lines, size, anchor, canvas.extent());
        self.lay_out(&key, size, anchor);
        let Some(layout) = self.layouts.get(&key) else { return };
        let (x, y) = place(anchor, canvas.extent(), layout.extent, pixels(size * MARGIN));
        let placed = || layout.glyphs.iter().filter_map(|(key, dx, dy)| Some((self.glyphs.get(key)?, x + dx, y + dy)));
        // All edges first: none may cover the neighbour's face.
        placed().for_each(|(glyph, x, y)| glyph.draw_edge(canvas, x, y));
        placed().for_each(|(glyph, x, y)| glyph.draw_face(canvas, x, y));
    }

    /// What lines cover when they are drawn on a canvas of this size, without the margin around them.
    pub fn measure(&mut self, canvas: Extent, lines: &[&str], size: f32, anchor: Anchor) -> Extent {
        let size = drawable(size);
        let key = key(lines, size, anchor, canvas);
        self.lay_out(&key, size, anchor);
        self.layouts.get(&key).map_or_else(Extent::default, |layout| layout.extent)
    }

    /// Sees to it that a layout and all its glyphs are there.
    fn lay_out(&mut self, key: &LayoutKey, size: f32, anchor: Anchor) {
        self.take_system_fonts();
        if self.layouts.contains_key(key) {
            return;
        }
        if self.layouts.len() >= MAX_LAYOUTS || self.kept >= MAX_GLYPHS {
            self.forget();
        }
        let layout = self.shape(key, size, anchor);
        let edge = glyph::edge_of(size);
        for (key, ..) in &layout.glyphs {
            if !self.glyphs.contains_key(key) && self.kept < MAX_GLYPHS {
                let image = self.raster.get_image_uncached(&mut self.fonts, *key);
                let glyph = image.map(|image| Glyph::new(&image, edge)).unwrap_or_default();
                self.kept += glyph.bytes();
                self.glyphs.insert(*key, glyph);
            }
        }
        let key = LayoutKey { text: key.text.clone(), ..*key };
        self.layouts.insert(key, layout);
    }

    fn shape(&mut self, key: &LayoutKey, size: f32, anchor: Anchor) -> Layout {
        let mut buffer = Buffer::new_empty(Metrics::new(size, size * LINE_HEIGHT));
        buffer.set_wrap(Wrap::WordOrGlyph);
        buffer.set_size(Some(float(key.width)), Some(float(key.height)));
        let attributes = Attrs::new().family(Family::Name(fonts::FAMILY));
        buffer.set_text(&key.text, &attributes, Shaping::Advanced, Some(Align::Left));
        buffer.shape_until_scroll(&mut self.fonts, false);
        let width = buffer.layout_runs().map(|run| run.line_w).fold(0.0, f32::max).min(float(key.width));
        let mut layout = Layout { glyphs: Vec::new(), extent: Extent { width: length(width), height: 0 } };
        for run in buffer.layout_runs() {
            // Aligned here, to the widest line: the buffer's own alignment is to the whole canvas, and flush right
            // for what runs from right to left.
            let first = run.glyphs.iter().map(|glyph| glyph.x).fold(f32::INFINITY, f32::min);
            let first = if first.is_finite() { first } else { 0.0 };
            let shift = (width - run.line_w).max(0.0) * anchor.alignment() - first;
            for glyph in run.glyphs {
                let glyph = glyph.physical((shift, run.line_y), 1.0);
                layout.glyphs.push((glyph.cache_key, glyph.x, glyph.y));
            }
            layout.extent.height = length(run.line_top + run.line_height);
        }
        layout
    }

    fn forget(&mut self) {
        self.layouts.clear();
        self.glyphs.clear();
        self.kept = 0;
        self.raster = SwashCache::new();
    }

    fn take_system_fonts(&mut self) {
        if !self.has_system_fonts
            && let Some(fonts) = fonts::with_system()
        {
            self.fonts = fonts;
            self.has_system_fonts = true;
            self.forget();
        }
    }
}

impl Default for TextPainter {
    fn default() -> Self {
        Self::new()
    }
}

impl Anchor {
    /// Which part of the room that is left in a line lies before it.
    fn alignment(self) -> f32 {
        match self {
            Self::TopLeft | Self::BottomLeft | Self::At { .. } => 0.0,
            Self::Bottom | Self::Top | Self::Centre => 0.5,
            Self::TopRight | Self::BottomRight => 1.0,
        }
    }
}

fn key(lines: &[&str], size: f32, anchor: Anchor, canvas: Extent) -> LayoutKey {
    let text: String = lines.join("\n").chars().filter(|c| *c == '\n' || !c.is_control()).take(MAX_TEXT).collect();
    let margin = length(size * MARGIN);
    let (x, y) = match anchor {
        Anchor::At { x, y } => (usize::try_from(x).unwrap_or(0), usize::try_from(y).unwrap_or(0)),
        _ => (margin, margin),
    };
    LayoutKey {
        text,
        size: size.to_bits(),
        // At least one character to a line, and one line, however small the canvas.
        width: canvas.width.saturating_sub(x + margin).max(length(size)),
        height: canvas.height.saturating_sub(y).max(length(size * LINE_HEIGHT)),
        align: anchor.alignment().to_bits(),
    }
}

/// A height within what can be drawn.
fn drawable(size: f32) -> f32 {
    if size.is_nan() { SIZES.0 } else { size.clamp(SIZES.0, SIZES.1) }
}

/// Where the upper left corner of a text comes.
fn place(anchor: Anchor, canvas: Extent, text: Extent, margin: i32) -> (i32, i32) {
    let signed = |size: usize| i32::try_from(size).unwrap_or(i32::MAX);
    let (width, height) = (signed(canvas.width) - signed(text.width), signed(canvas.height) - signed(text.height));
    match anchor {
        Anchor::Bottom => (width / 2, height - margin),
        Anchor::BottomLeft => (margin, height - margin),
        Anchor::BottomRight => (width - margin, height - margin),
        Anchor::Top => (width / 2, margin),
        Anchor::TopLeft => (margin, margin),
        Anchor::TopRight => (width - margin, margin),
        Anchor::Centre => (width / 2, height / 2),
        Anchor::At { x, y } => (x, y),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a float to integer cast saturates")]
fn pixels(size: f32) -> i32 {
    size.round() as i32
}

fn length(size: f32) -> usize {
    usize::try_from(pixels(size.ceil())).unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "sizes of pictures are small")]
fn float(pixels: usize) -> f32 {
    pixels as f32
}

#[cfg(test)]
mod tests;
