//! The login by POP3.

use roost_kit::net::Stream;
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
    let mut lines = Lines::begin(stream, &question(errand, ticket), "+OK").await?;
    // What it thinks of XCLIENT and USER shows in what it says to PASS.
    for _ in 0..2 {
        lines.next().await?;
    }
    let line = lines.next().await?;
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
    let (client, name) = (errand.xclient(), &errand.account.name);
    let ticket = ticket.expose();
    format!("XCLIENT {client}\r\nUSER {name}\r\nPASS {ticket}\r\n")
}
