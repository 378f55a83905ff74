//! Speaks to a running hub over its socket.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use crate::{
    cli::HubOptions,
    client::command::nearest,
    server::admin::{ADMIN_SOCKET, AdminAnswer, AdminError, AdminRequest},
    types::{Code, ExitCode},
};

mod text;

/// How long a hub may take: longer than it takes for anything that it does not give up itself.
const ANSWER_TIME: Duration = Duration::from_secs(70);

/// Longest answer in bytes: a list of a hundred thousand members is shorter.
const MAX_ANSWER: u64 = 32 * 1024 * 1024;

/// Asks, prints the answer, and says how that went.
pub(super) fn hub(options: &HubOptions) -> ExitCode {
    let answer = ask(options, &options.request).map_or_else(AdminAnswer::from, |answer| suggest(options, answer));
    let printed = print(options, &answer);
    match answer {
        AdminAnswer::Error(error) => error.known_code().exit(),
        _ if printed.is_err() => ExitCode::CommandFailed,
        _ => ExitCode::Fine,
    }
}

fn ask(options: &HubOptions, request: &AdminRequest) -> Result<AdminAnswer, AdminError> {
    let link =
        UnixStream::connect(options.data_dir.join(ADMIN_SOCKET)).map_err(|error| no_link(&options.data_dir, &error))?;
    let answer = exchange(&link, request).map_err(|error| {
        let message = format!("the hub does not answer: {error}");
        AdminError::new(Code::TryLater, message, "see what its log says, and try again")
    })?;
    serde_json::from_slice(&answer).map_err(|_| {
        let (message, hint) = if answer.is_empty() {
            ("the hub hung up without an answer", "it may be closing, or busy with others who ask: try again")
        } else {
            ("the hub's answer is not one that this program knows", "use the same version of securestream as the hub's")
        };
        AdminError::new(Code::TryLater, message, hint)
    })
}

fn exchange(mut hub: &UnixStream, request: &AdminRequest) -> io::Result<Vec<u8>> {
    hub.set_read_timeout(Some(ANSWER_TIME))?;
    hub.set_write_timeout(Some(ANSWER_TIME))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    hub.write_all(&line)?;
    let mut answer = Vec::new();
    BufReader::new(hub).take(MAX_ANSWER).read_until(b'\n', &mut answer)?;
    Ok(answer)
}

fn no_link(folder: &Path, error: &io::Error) -> AdminError {
    let folder = folder.display();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AdminError::new(
            Code::ConnectFailed,
            format!("no hub runs with the data folder {folder}"),
            "start one with: securestream serve; or name the folder of the one that runs with --data-dir DIR",
        ),
        io::ErrorKind::PermissionDenied => AdminError::new(
            Code::DataUnusable,
            format!("the data folder {folder} is not yours"),
            "run this as the user that runs the hub, or as root",
        ),
        _ => AdminError::new(
            Code::ConnectFailed,
            format!("the hub of {folder} cannot be reached: {error}"),
            "name another folder with --data-dir DIR, when starting the hub as well",
        ),
    }
}

/// Adds the nearest names to an answer that nobody has a name.
fn suggest(options: &HubOptions, answer: AdminAnswer) -> AdminAnswer {
    let AdminRequest::Kick { name } = &options.request else { return answer };
    let AdminAnswer::Error(error) = &answer else { return answer };
    if error.known_code() != Code::NoSuchMember {
        return answer;
    }
    let Ok(AdminAnswer::Who { members }) = ask(options, &AdminRequest::Who) else { return answer };
    let near = nearest(name, members.iter().map(|member| &*member.name));
    if near.is_empty() {
        return answer;
    }
    let hint = format!("did you mean {}? See who is here with: securestream hub who", near.join(" or "));
    AdminError { hint, ..error.clone() }.into()
}

fn print(options: &HubOptions, answer: &AdminAnswer) -> io::Result<()> {
    let mut out = io::stdout();
    match answer {
        AdminAnswer::Error(error) => {
            io::stderr().write_all(text::error(error).as_bytes())?;
            if options.json {
                out.write_all(&crate::server::admin::answer_line(answer))?;
            }
        }
        _ if options.json => out.write_all(&crate::server::admin::answer_line(answer))?,
        _ => out.write_all(text::answer(answer).as_bytes())?,
    }
    out.flush()
}
