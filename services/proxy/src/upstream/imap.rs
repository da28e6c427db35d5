//! The login by IMAP.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roost_kit::net::{Peer, Stream};
use roost_kit::secret::Secret;

use super::lines::Lines;
use super::{Answer, Errand, NotJoined};

/// Logs in under the client's own tag, so that the store's answer is the client's.
pub(super) async fn log_in(
    stream: &mut Stream,
    errand: &Errand<'_>,
    ticket: &Secret<String>,
) -> Result<Answer, NotJoined> {
    let mut lines = Lines::begin(stream, &question(errand, ticket), "* OK").await?;
    // The first tagged response is ID's, whatever tag the client's login has.
    let mut identified = false;
    loop {
        let line = lines.next().await?;
        if line.starts_with("* BYE") {
            return Err(NotJoined::Busy(line));
        }
        if line.starts_with("* ") {
            continue;
        }
        if !identified {
            identified = true;
            continue;
        }
        let status = line.strip_prefix(errand.tag).map(str::trim_start);
        return match status {
            Some(text) if text.starts_with("OK") => Ok(Answer {
                completion: line,
                rest: lines.rest(),
            }),
            Some(text) if text.contains("[UNAVAILABLE]") || text.contains("[INUSE]") => {
                Err(NotJoined::Busy(text.to_owned()))
            }
            Some(text) => Err(NotJoined::Refused(text.to_owned())),
            None => Err(NotJoined::Busy(line)),
        };
    }
}

/// All that is said, in one flight: nothing of it depends on an answer.
fn question(errand: &Errand<'_>, ticket: &Secret<String>) -> String {
    let name = &errand.account.name;
    let plain = STANDARD.encode(format!("\0{name}\0{}", ticket.expose()));
    let client = match errand.peer {
        Peer::Remote(address) => format!(
            "(\"x-originating-ip\" \"{}\" \"x-originating-port\" \"{}\" \"x-session-id\" \"{}\")",
            address.ip(),
            address.port(),
            errand.session
        ),
        Peer::Local => format!("(\"x-session-id\" \"{}\")", errand.session),
    };
    let tag = errand.tag;
    format!("proxy ID {client}\r\n{tag} AUTHENTICATE PLAIN {plain}\r\n")
}
