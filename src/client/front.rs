//! What drives a member, as its network thread sees it.

use std::time::Duration;

use super::{
    command::Request,
    event::{Event, Failure},
};
use crate::types::{ExitCode, HubKey};

/// What a person says about the key of a hub that is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HubAnswer {
    /// It is right.
    Yes,
    /// It is not to be trusted.
    No,
    /// The key that the person has from the operator is another one.
    Otherwise(HubKey),
}

/// Who drives a member: a script or a person at a terminal. Times are since the member's start.
pub trait Front: Send {
    /// Something happened; `reference` is the `ref` of the request that caused it.
    fn handle_event(&mut self, event: Event, reference: Option<String>, now: Duration);

    /// What is wanted of the session now. Called after every event and every wake.
    fn poll_request(&mut self, now: Duration) -> Option<Request>;

    /// When [`Front::poll_request`] must be called at the latest.
    fn deadline(&self) -> Option<Duration>;

    /// SIGINT came; true when this is the front's own affair and ends nothing by itself.
    fn interrupted(&mut self, now: Duration) -> bool {
        let _ = now;
        false
    }

    /// A hub that is new here shows this key: whether to trust it. Asked before anything is sent; blocks. Whoever
    /// cannot be asked does not trust.
    fn trusts_hub(&mut self, hub: &str, key: HubKey) -> HubAnswer {
        let _ = (hub, key);
        HubAnswer::No
    }

    /// Why that exit status is not 0, if nobody was told yet.
    fn closing_failure(&self) -> Option<Failure> {
        None
    }

    /// The exit status if the member ends now by itself.
    fn exit_code(&self) -> ExitCode;
}
