//! The login by ManageSieve.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roost_kit::net::Stream;
use roost_kit::secret::Secret;

use super::lines::Lines;
use super::{Answer, Errand, NotJoined};

/// Logs in once the greeting has told whether XCLIENT is understood.
pub(super) async fn log_in(
    stream: &mut Stream,
    errand: &Errand<'_>,
    ticket: &Secret<String>,
) -> Result<Answer, NotJoined> {
    let mut lines = Lines::new(stream);
    let mut takes_xclient = false;
    let greeting = loop {
        let line = lines.next().await?;
        takes_xclient |= line.starts_with("\"XCLIENT\"");
        if !line.starts_with('"') {
            break line;
        }
    };
    if !greeting.starts_with("OK") {
        return Err(NotJoined::Busy(greeting));
    }
    if takes_xclient {
        lines
            .say(format!("XCLIENT {}\r\n", errand.xclient()).as_bytes())
            .await?;
        answer(&mut lines).await?;
    }
    let name = &errand.account.name;
    let plain = STANDARD.encode(format!("\0{name}\0{}", ticket.expose()));
    lines
        .say(format!("AUTHENTICATE \"PLAIN\" \"{plain}\"\r\n").as_bytes())
        .await?;
    let line = answer(&mut lines).await?;
    match line.split([' ', '(']).next() {
        Some("OK") => Ok(Answer {
            completion: line,
            rest: lines.rest(),
        }),
        Some("NO") if !line.contains("TRYLATER") => Err(NotJoined::Refused(line)),
        _ => Err(NotJoined::Busy(line)),
    }
}

/// The line that ends a response (RFC 5804 §1.2); capabilities may come before it.
async fn answer(lines: &mut Lines<'_>) -> Result<String, NotJoined> {
    loop {
        let line = lines.next().await?;
        if !line.starts_with('"') {
            return Ok(line);
        }
    }
}
