//! The hub: what it decides and what it reports.

pub mod report;
