//! Pictures that travel as files, in base64: Kitty's protocol and iTerm2's.

use std::io::Write as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::layout::Layout;

/// Bytes of base64 that one command of Kitty's may carry.
const CHUNK: usize = 4096;

/// Numbers of the two pictures that take turns: while one is drawn the other is still shown, so nothing flickers.
/// Large, because the user's other programs may count from 1.
const NUMBERS: [u32; 2] = [0x5EC0_0001, 0x5EC0_0002];

/// Draws pictures by Kitty's protocol.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kitty {
    /// Which of the two numbers comes next.
    turn: usize,
}

impl Kitty {
    /// Appends a PNG file, to be drawn over the area of the layout from where the cursor stands; then the picture
    /// before it is deleted.
    pub(super) fn draw(&mut self, png: &[u8], layout: &Layout, out: &mut Vec<u8>) {
        let number = NUMBERS[self.turn];
        self.turn = 1 - self.turn;
        let data = BASE64_STANDARD.encode(png);
        let mut chunks = data.as_bytes().chunks(CHUNK).peekable();
        // a=T: draw; f=100: PNG; C=1: the cursor stays; q=2: no answer, the line editor would read it.
        let mut control = format!("a=T,f=100,i={number},p=1,c={},r={},C=1,q=2,", layout.columns, layout.rows);
        while let Some(chunk) = chunks.next() {
            let more = u8::from(chunks.peek().is_some());
            // A vector takes every write.
            let _ = write!(out, "\x1b_G{control}m={more};");
            out.extend_from_slice(chunk);
            out.extend_from_slice(b"\x1b\\");
            "q=2,".clone_into(&mut control);
        }
        delete(NUMBERS[self.turn], out);
    }

    /// Appends what takes the pictures away, with their memory.
    pub(super) fn clear(out: &mut Vec<u8>) {
        for number in NUMBERS {
            delete(number, out);
        }
    }
}

fn delete(number: u32, out: &mut Vec<u8>) {
    let _ = write!(out, "\x1b_Ga=d,d=I,i={number},q=2\x1b\\");
}

/// Appends a file, to be drawn by iTerm2's protocol over the area of the layout from where the cursor stands.
pub(super) fn draw_inline(file: &[u8], layout: &Layout, out: &mut Vec<u8>) {
    let (size, columns, rows) = (file.len(), layout.columns, layout.rows);
    let _ = write!(
        out,
        "\x1b]1337;File=inline=1;size={size};width={columns};height={rows};preserveAspectRatio=0;doNotMoveCursor=1:"
    );
    out.extend_from_slice(BASE64_STANDARD.encode(file).as_bytes());
    out.push(0x07);
}

#[cfg(test)]
mod tests {
    use super::{
        super::layout::{Size, USUAL_CELL, Wanted},
        *,
    };

    fn layout() -> Layout {
        let wanted = Wanted { picture: (16, 9), captions: 0, is_full: false };
        Layout::new(Size { columns: 80, rows: 24 }, USUAL_CELL, wanted).unwrap()
    }

    #[test]
    fn a_file_is_whole_in_chunks_and_the_picture_before_goes_after_it() {
        let png: Vec<u8> = (0..10_000u32).map(|number| number.to_le_bytes()[0]).collect();
        let mut kitty = Kitty::default();
        for (now, before) in [(0, 1), (1, 0), (0, 1)] {
            let mut out = Vec::new();
            kitty.draw(&png, &layout(), &mut out);
            let text = String::from_utf8(out).unwrap();
            let commands: Vec<&str> = text.split_terminator("\x1b\\").map(|command| &command[3..]).collect();
            let first = format!("a=T,f=100,i={},p=1,c=53,r=15,C=1,q=2,m=1", NUMBERS[now]);
            assert!(commands[0].starts_with(&first), "{}", commands[0]);
            let [parts @ .., last] = &commands[..] else { panic!("nothing") };
            assert_eq!(*last, format!("a=d,d=I,i={},q=2", NUMBERS[before]));
            assert!(parts.iter().all(|part| part.len() < CHUNK + 100));
            let ends: Vec<bool> = parts.iter().map(|part| part.contains("m=0;")).collect();
            assert_eq!(ends, [false, false, false, true]);
            let data: String = parts.iter().filter_map(|part| part.split_once(';')).map(|(_, data)| data).collect();
            assert_eq!(BASE64_STANDARD.decode(data).unwrap(), png);
        }
    }

    #[test]
    fn an_inline_image_says_how_long_it_is_and_what_it_covers() {
        let mut out = Vec::new();
        draw_inline(b"jpeg", &layout(), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("\x1b]1337;File=inline=1;size=4;width=53;height=15;"), "{text:?}");
        assert!(text.ends_with(":anBlZw==\x07"), "{text:?}");
    }
}
