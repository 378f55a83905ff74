//! What is asked of a running hub.

use std::path::PathBuf;

use super::{
    CliError, Surroundings,
    args::{HubArgs, HubVerb},
};
use crate::server::admin::AdminRequest;

/// What to ask of a running hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubOptions {
    /// The hub's data folder, where its socket is.
    pub data_dir: PathBuf,
    /// Whether the answer is printed as it came.
    pub json: bool,
    pub request: AdminRequest,
}

pub(super) fn options(args: HubArgs, surroundings: &Surroundings) -> Result<HubOptions, CliError> {
    let data_dir = match args.data_dir {
        Some(folder) => folder,
        None => surroundings.data_folder()?.join("hub"),
    };
    let request = match args.verb {
        HubVerb::Who => AdminRequest::Who,
        HubVerb::Status => AdminRequest::Status,
        HubVerb::Kick { name } => AdminRequest::Kick { name },
        HubVerb::Ban { name } => AdminRequest::Ban { name },
        HubVerb::Unban { name } => AdminRequest::Unban { name },
        HubVerb::Release { name } => AdminRequest::Release { name },
        HubVerb::Invite { name } => AdminRequest::Invite { name },
        HubVerb::Fingerprint => AdminRequest::Fingerprint,
        HubVerb::Reload => AdminRequest::Reload,
    };
    Ok(HubOptions { data_dir, json: args.json || surroundings.json, request })
}
