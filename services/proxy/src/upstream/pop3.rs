//! The login by POP3.

use roost_kit::net::{Peer, Stream};
use roost_kit::secret::Secret;

use super::lines::Lines;
use super::{Answer, Errand, NotJoined};

/// Logs in by USER and PASS: the line of AUTH is too short for an initial response of some length
/// (RFC 5034 §4), and waiting for a challenge would cost a round trip.
pub(super) async fn log_in(
    stream: &mut Stream,
    errand: &Errand<'_>,
    ticket: &Secret<String>,
) -> Result<Answer, NotJoined> {
    let mut lines = Lines::new(stream);
    let said = question(errand, ticket);
    lines
        .say(said.as_bytes())
        .await
        .map_err(NotJoined::Dialogue)?;
    let greeting = lines.next().await.map_err(NotJoined::Dialogue)?;
    if !greeting.starts_with("+OK") {
        return Err(NotJoined::Busy(greeting));
    }
    // What it thinks of XCLIENT and USER shows in what it says to PASS.
    for _ in 0..2 {
        lines.next().await.map_err(NotJoined::Dialogue)?;
    }
    let line = lines.next().await.map_err(NotJoined::Dialogue)?;
    match line.strip_prefix("-ERR") {
        None => Ok(Answer {
            completion: line,
            rest: lines.rest(),
        }),
        // RFC 3206 §4, RFC 2449 §8.1.1
        Some(text) if text.contains("[SYS/TEMP]") || text.contains("[IN-USE]") => {
            Err(NotJoined::Busy(text.trim().to_owned()))
        }
        Some(text) => Err(NotJoined::Refused(text.trim().to_owned())),
    }
}

fn question(errand: &Errand<'_>, ticket: &Secret<String>) -> String {
    let client = match errand.peer {
        Peer::Remote(address) => format!("ADDR={} PORT={} ", address.ip(), address.port()),
        Peer::Local => String::new(),
    };
    let (session, name) = (errand.session, &errand.account.name);
    let ticket = ticket.expose();
    format!("XCLIENT {client}SESSION={session}\r\nUSER {name}\r\nPASS {ticket}\r\n")
}
