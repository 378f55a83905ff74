//! The member at a terminal.
