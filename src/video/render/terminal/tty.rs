//! The terminal as the system knows it: how large it is, and how it is written to.

use std::io;

use super::layout::Size;

/// Where an easel draws.
pub(super) trait Tty: Send + Sync {
    /// The size now, and that of a character in pixels where the terminal says so; fonts change as well. Nothing when
    /// there is no terminal.
    fn size(&self) -> Option<(Size, Option<(u16, u16)>)>;

    /// Writes all, and waits until the terminal has taken it.
    fn write(&self, bytes: &[u8]) -> io::Result<()>;
}

/// Standard output.
pub(super) struct StandardOutput;

impl Tty for StandardOutput {
    fn size(&self) -> Option<(Size, Option<(u16, u16)>)> {
        let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
        let of_one = |pixels: u16, cells: u16| pixels.checked_div(cells).filter(|pixels| *pixels > 0);
        let cell = of_one(size.ws_xpixel, size.ws_col).zip(of_one(size.ws_ypixel, size.ws_row));
        Some((Size { columns: size.ws_col, rows: size.ws_row }, cell))
    }

    /// By as few calls as the system allows: what one call writes stands together, whoever else writes.
    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(rustix::stdio::stdout(), bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes = &bytes[count..],
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
