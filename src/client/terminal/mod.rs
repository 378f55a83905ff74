//! The member at a terminal: a numbered menu, conversations, and commands that begin with `/`.
//!
//! ```text
//!   keys ─ shell (own thread) ─ Typed ──► menu ── Request ──► session
//!   screen ◄─ shell ◄─ Print, Ask ─────── menu ◄── Event ──── session
//! ```
//!
//! The menu decides everything and does no input or output; the shell edits lines and prints.

mod front;
mod hub;
mod joins;
mod menu;
mod name;
mod paint;
mod people;
mod shell;
mod text;
mod words;

pub use front::Terminal;
pub use hub::HubQuestion;
pub use menu::{Menu, MenuOutput, Prompt, PromptKind, Typed};
pub use name::{NameAnswer, NameQuestion};
pub use paint::Paint;
pub use shell::{Shell, ask_name};
pub use text::describe;
pub use words::{SharedWords, Words};
