//! What a person sees when the suite serves.

use super::description::Description;
use super::state::State;
use crate::failure::Failure;
use crate::output::print;

/// Prints addresses, credentials and three commands to try.
pub(super) fn print_all(description: &Description, state: &State) -> Result<(), Failure> {
    print(&text(description, state))
}

fn text(description: &Description, state: &State) -> String {
    let port = |name: &str| description.ports.get(name).copied().unwrap_or_default();
    let services = [
        ("SMTP", port("smtp"), "STARTTLS", None),
        (
            "submission",
            port("submission"),
            "STARTTLS",
            Some(port("submissions")),
        ),
        ("IMAP", port("imap"), "STARTTLS", Some(port("imaps"))),
        ("POP3", port("pop3"), "STLS", Some(port("pop3s"))),
        ("HTTP", port("http"), "to HTTPS", Some(port("https"))),
        ("LMTP", port("lmtp"), "", None),
        ("LDAP", port("ldap"), "StartTLS", Some(port("ldaps"))),
        ("syslog", port("syslog"), "", Some(port("syslog_tls"))),
    ];
    let mut text = String::from("\nRoost runs.\n\n");
    for (name, clear, upgrade, tls) in services {
        line(&mut text, &service_line(name, clear, upgrade, tls));
    }
    line(&mut text, "");
    for account in &description.accounts {
        line(
            &mut text,
            &format!("  {:22} {}", account.address, account.password),
        );
    }
    line(&mut text, "");
    let ca = state.ca().display().to_string();
    let [alice, bob] = ["alice", "bob"].map(|name| {
        let found = description
            .accounts
            .iter()
            .find(|account| account.address.starts_with(name));
        found.map_or_else(String::new, |account| {
            format!("{}:{}", account.address, account.password)
        })
    });
    line(&mut text, &format!("  CA certificate         {ca}"));
    line(&mut text, "\nTry:\n");
    line(
        &mut text,
        &format!(
            "  curl --cacert {ca} -u {bob} 'imaps://localhost:{}/INBOX?ALL'",
            port("imaps")
        ),
    );
    line(
        &mut text,
        &format!(
            "  printf 'Subject: Hello\\r\\n\\r\\nHello Bob.\\r\\n' | curl --cacert {ca} -u {alice} \
             --mail-from alice@example.test --mail-rcpt bob@example.test -T - smtps://localhost:{}",
            port("submissions")
        ),
    );
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "roostctl".to_owned());
    line(
        &mut text,
        &format!("  {program} --config {} status", state.config().display()),
    );
    line(
        &mut text,
        "\nCtrl-C stops everything; the next start keeps the mail. The daemons' logs:",
    );
    text
}

fn service_line(name: &str, clear: u16, upgrade: &str, tls: Option<u16>) -> String {
    let mut line = format!("  {name:11} localhost:{clear}");
    if !upgrade.is_empty() {
        line.push_str(&format!(" ({upgrade})"));
    }
    if let Some(tls) = tls {
        line.push_str(&format!(", localhost:{tls} (TLS)"));
    }
    line
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
