//! As much of an IMAP client as an import needs.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use roost_kit::config::ListenSpec;
use roost_kit::net::{NetError, Stream};
use roost_kit::secret::Secret;
use rustls::ClientConfig;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// How long the server may be silent: an APPEND waits for its disk.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(120);
/// The longest answer line that is read.
const LINE_MAX: usize = 1 << 20;

/// Where the store listens, and how the connection is secured.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) at: ListenSpec,
    /// TLS from the first octet: whom to trust, and the name to ask for.
    pub(crate) tls: Option<(Arc<ClientConfig>, String)>,
}

/// Who signs in, and for whom.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    /// The account whose mailbox is filled.
    pub(crate) account: String,
    /// The administrator.
    pub(crate) administrator: String,
    pub(crate) password: Secret<String>,
}

/// Why the server could not be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ImapError {
    #[error(transparent)]
    Connect(#[from] NetError),
    #[error("the connection to the store was lost")]
    Lost(#[source] io::Error),
    #[error("the store does not let us in: {0}")]
    Login(String),
    #[error("the store refused {command}: {text}")]
    Refused { command: String, text: String },
    #[error("the store said what cannot be understood: {0}")]
    Protocol(String),
}

/// One message to append.
pub(super) struct Append<'a> {
    pub(super) folder: &'a str,
    pub(super) flags: &'a [String],
    pub(super) date: Option<Timestamp>,
    pub(super) octets: &'a [u8],
}

/// A connection that is signed in.
pub(super) struct Connection {
    stream: BufReader<Stream>,
    tag: u32,
    literal_plus: bool,
}

/// One answer: whatever the line held, literals replaced by their octets.
enum Answer {
    Untagged(Vec<u8>),
    Continue,
    Tagged { tag: u32, ok: bool, text: String },
}

impl Connection {
    /// Connects and signs in.
    pub(super) async fn open(place: &Place, login: &Login) -> Result<Self, ImapError> {
        let mut stream = Stream::connect(&place.at, CONNECT_TIME_MAX).await?;
        if let Some((config, name)) = &place.tls {
            stream = stream.secure(Arc::clone(config), name).await?;
        }
        let mut connection = Self {
            stream: BufReader::with_capacity(64 << 10, stream),
            tag: 0,
            literal_plus: false,
        };
        connection.answer().await?;
        connection.sign_in(login).await?;
        let capabilities = connection.command("CAPABILITY").await?;
        connection.literal_plus = capabilities
            .iter()
            .any(|line| words(line).any(|word| word.eq_ignore_ascii_case("LITERAL+")));
        Ok(connection)
    }

    /// RFC 4616: the administrator signs in, and acts for the account.
    async fn sign_in(&mut self, login: &Login) -> Result<(), ImapError> {
        let message = format!(
            "{}\0{}\0{}",
            login.account,
            login.administrator,
            login.password.expose()
        );
        let tag = self.send("AUTHENTICATE PLAIN").await?;
        loop {
            match self.answer().await? {
                Answer::Continue => {
                    let line = format!("{}\r\n", BASE64.encode(&message));
                    self.write(line.as_bytes()).await?;
                }
                Answer::Untagged(_) => {}
                Answer::Tagged {
                    ok: true,
                    tag: answered,
                    ..
                } if answered == tag => return Ok(()),
                Answer::Tagged { text, .. } => return Err(ImapError::Login(text)),
            }
        }
    }

    /// What separates the parts of a folder's name.
    pub(super) async fn delimiter(&mut self) -> Result<char, ImapError> {
        let lines = self.command("LIST \"\" \"\"").await?;
        let found = lines.iter().find_map(|line| {
            let line = String::from_utf8_lossy(line).into_owned();
            let after = line.split_once(") \"").map(|(_, after)| after.to_owned())?;
            after.chars().next().filter(|delimiter| *delimiter != '\\')
        });
        Ok(found.unwrap_or('/'))
    }

    /// Whether a folder exists.
    pub(super) async fn exists(&mut self, folder: &str) -> Result<bool, ImapError> {
        let lines = self
            .command(&format!("LIST \"\" {}", quoted(folder)))
            .await?;
        Ok(lines.iter().any(|line| line.starts_with(b"* LIST")))
    }

    /// Makes a folder unless it exists.
    pub(super) async fn ensure(&mut self, folder: &str) -> Result<(), ImapError> {
        if folder.eq_ignore_ascii_case("INBOX") || self.exists(folder).await? {
            return Ok(());
        }
        self.command(&format!("CREATE {}", quoted(folder))).await?;
        self.command(&format!("SUBSCRIBE {}", quoted(folder)))
            .await?;
        Ok(())
    }

    /// The EMAILID of every message in a folder (RFC 8474 §5.1).
    pub(super) async fn email_ids(&mut self, folder: &str) -> Result<Vec<String>, ImapError> {
        self.command(&format!("EXAMINE {}", quoted(folder))).await?;
        let lines = self.command("UID FETCH 1:* (EMAILID)").await?;
        // RFC 3501 §6.4.2: leaves the folder without expunging anything.
        self.command("CLOSE").await?;
        Ok(lines.iter().filter_map(|line| email_id(line)).collect())
    }

    /// Appends messages, all under way at once; one answer for each.
    pub(super) async fn append_all(
        &mut self,
        appends: &[Append<'_>],
    ) -> Result<Vec<Result<(), String>>, ImapError> {
        let mut answers: Vec<Option<Result<(), String>>> = vec![None; appends.len()];
        let first = self.tag + 1;
        for (index, append) in appends.iter().enumerate() {
            // Without LITERAL+ (RFC 7888) every message waits for its go-ahead.
            match self.start_append(append).await? {
                None => {}
                Some(refusal) => {
                    if let Some(slot) = answers.get_mut(index) {
                        *slot = Some(Err(refusal));
                    }
                }
            }
        }
        while answers.iter().any(Option::is_none) {
            if let Answer::Tagged { tag, ok, text } = self.answer().await? {
                let index = tag.checked_sub(first).map(|index| index as usize);
                let slot = index.and_then(|index| answers.get_mut(index));
                let slot = slot.ok_or_else(|| ImapError::Protocol(text.clone()))?;
                *slot = Some(if ok { Ok(()) } else { Err(text) });
            }
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// Sends one APPEND; what the server says instead of a go-ahead.
    async fn start_append(&mut self, append: &Append<'_>) -> Result<Option<String>, ImapError> {
        let mut command = format!("APPEND {}", quoted(append.folder));
        if !append.flags.is_empty() {
            command.push_str(&format!(" ({})", append.flags.join(" ")));
        }
        if let Some(date) = append.date {
            command.push_str(&format!(
                " \"{}\"",
                date.strftime("%d-%b-%Y %H:%M:%S +0000")
            ));
        }
        let plus = if self.literal_plus { "+" } else { "" };
        let tag = self
            .send(&format!("{command} {{{}{plus}}}", append.octets.len()))
            .await?;
        while !self.literal_plus {
            match self.answer().await? {
                Answer::Continue => break,
                Answer::Tagged {
                    tag: answered,
                    text,
                    ..
                } if answered == tag => {
                    return Ok(Some(text));
                }
                Answer::Tagged { text, .. } => return Err(ImapError::Protocol(text)),
                Answer::Untagged(_) => {}
            }
        }
        self.write(append.octets).await?;
        self.write(b"\r\n").await?;
        Ok(None)
    }

    /// Says good-bye; the server's answer does not matter any more.
    pub(super) async fn close(mut self) {
        if let Err(error) = self.command("LOGOUT").await {
            tracing::debug!(%error, "no good-bye");
        }
    }

    /// Sends a command and reads up to its end; the untagged lines.
    async fn command(&mut self, command: &str) -> Result<Vec<Vec<u8>>, ImapError> {
        let tag = self.send(command).await?;
        let mut lines = Vec::new();
        loop {
            match self.answer().await? {
                Answer::Untagged(line) => lines.push(line),
                Answer::Continue => {}
                Answer::Tagged {
                    tag: answered,
                    ok: true,
                    ..
                } if answered == tag => {
                    return Ok(lines);
                }
                Answer::Tagged { text, .. } => {
                    return Err(ImapError::Refused {
                        command: command.to_owned(),
                        text,
                    });
                }
            }
        }
    }

    async fn send(&mut self, command: &str) -> Result<u32, ImapError> {
        self.tag += 1;
        let line = format!("{} {command}\r\n", self.tag);
        self.write(line.as_bytes()).await?;
        Ok(self.tag)
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), ImapError> {
        let writing = self.stream.get_mut().write_all(octets);
        in_time(writing).await
    }

    async fn answer(&mut self) -> Result<Answer, ImapError> {
        in_time(self.stream.get_mut().flush()).await?;
        let line = self.line().await?;
        if line.starts_with(b"+") {
            return Ok(Answer::Continue);
        }
        if line.starts_with(b"* BYE") && self.tag > 0 {
            let text = String::from_utf8_lossy(&line).into_owned();
            tracing::debug!(text, "the server ends");
        }
        if line.starts_with(b"*") {
            return Ok(Answer::Untagged(line));
        }
        let text = String::from_utf8_lossy(&line).into_owned();
        let mut parts = text.splitn(3, ' ');
        let tag = parts.next().and_then(|tag| tag.parse().ok());
        let status = parts.next().unwrap_or_default();
        let rest = parts.next().unwrap_or_default().to_owned();
        match (tag, status) {
            (Some(tag), "OK" | "NO" | "BAD") => Ok(Answer::Tagged {
                tag,
                ok: status == "OK",
                text: rest,
            }),
            _ => Err(ImapError::Protocol(text)),
        }
    }

    /// One line with the literals in it.
    async fn line(&mut self) -> Result<Vec<u8>, ImapError> {
        let mut line = Vec::new();
        loop {
            let room = (LINE_MAX.saturating_sub(line.len())) as u64;
            let mut limited = (&mut self.stream).take(room);
            let read = in_time(limited.read_until(b'\n', &mut line)).await?;
            if read == 0 || !line.ends_with(b"\n") {
                return Err(ImapError::Lost(io::ErrorKind::UnexpectedEof.into()));
            }
            line.truncate(line.len() - 1);
            if line.ends_with(b"\r") {
                line.truncate(line.len() - 1);
            }
            let Some(length) = literal(&line).filter(|length| *length <= LINE_MAX) else {
                return Ok(line);
            };
            let start = line.len();
            line.resize(start + length, 0);
            let octets = line.get_mut(start..).unwrap_or_default();
            in_time(self.stream.read_exact(octets)).await?;
        }
    }
}

async fn in_time<T>(work: impl Future<Output = io::Result<T>>) -> Result<T, ImapError> {
    tokio::time::timeout(ANSWER_TIME_MAX, work)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(ImapError::Lost)
}

/// The length of the literal that a line announces at its end.
fn literal(line: &[u8]) -> Option<usize> {
    let inside = line.strip_suffix(b"}")?;
    let open = inside.iter().rposition(|byte| *byte == b'{')?;
    std::str::from_utf8(inside.get(open + 1..)?)
        .ok()?
        .parse()
        .ok()
}

/// A quoted string; folder names are modified UTF-7, and so printable ASCII.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn words(line: &[u8]) -> impl Iterator<Item = &str> {
    line.split(|byte| *byte == b' ')
        .filter_map(|word| std::str::from_utf8(word).ok())
}

/// `* 3 FETCH (UID 7 EMAILID (M6d99…))` → `M6d99…`
fn email_id(line: &[u8]) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?;
    let (_, after) = line.split_once("EMAILID (")?;
    let (id, _) = after.split_once(')')?;
    Some(id.to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;

    #[test]
    fn parts_of_answers_are_found() {
        assert_eq!(literal(b"* LIST () \"/\" {5}"), Some(5));
        assert_eq!(literal(b"a1 OK {x}"), None);
        assert_eq!(
            email_id(b"* 3 FETCH (UID 7 EMAILID (M6d99))").as_deref(),
            Some("M6d99")
        );
        assert_eq!(quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
    }

    /// A server that says what the test wrote, whatever it is asked; it hands back what it heard.
    async fn scripted(script: &'static str) -> (Place, JoinSet<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = ListenSpec::Address(listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(script.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut heard = Vec::new();
            stream.read_to_end(&mut heard).await.unwrap();
            heard
        });
        (Place { at, tls: None }, server)
    }

    fn login() -> Login {
        Login {
            account: "alice@example.test".to_owned(),
            administrator: "admin@example.test".to_owned(),
            password: Secret::new("oak".to_owned()),
        }
    }

    #[tokio::test]
    async fn messages_are_appended_in_one_go_and_each_is_answered() {
        let (place, mut server) = scripted(
            "* OK ready\r\n+ \r\n1 OK in\r\n* CAPABILITY IMAP4rev1 LITERAL+\r\n2 OK\r\n\
             3 OK [APPENDUID 1 1] done\r\n4 NO [OVERQUOTA] full\r\n",
        )
        .await;
        let mut connection = Connection::open(&place, &login()).await.unwrap();
        let append = |octets| Append {
            folder: "Archive",
            flags: &[],
            date: Some(Timestamp::UNIX_EPOCH),
            octets,
        };
        let answers = connection
            .append_all(&[append(b"one"), append(b"two")])
            .await
            .unwrap();
        assert_eq!(answers, [Ok(()), Err("[OVERQUOTA] full".to_owned())]);
        drop(connection);
        let heard = String::from_utf8(server.join_next().await.unwrap().unwrap()).unwrap();
        let plain = BASE64.encode("alice@example.test\0admin@example.test\0oak");
        assert_eq!(
            heard,
            format!(
                "1 AUTHENTICATE PLAIN\r\n{plain}\r\n2 CAPABILITY\r\n\
                 3 APPEND \"Archive\" \"01-Jan-1970 00:00:00 +0000\" {{3+}}\r\none\r\n\
                 4 APPEND \"Archive\" \"01-Jan-1970 00:00:00 +0000\" {{3+}}\r\ntwo\r\n"
            )
        );
    }

    #[tokio::test]
    async fn a_refused_login_says_so() {
        let (place, _server) =
            scripted("* OK ready\r\n+ \r\n1 NO [AUTHENTICATIONFAILED] no\r\n").await;
        let error = Connection::open(&place, &login()).await.err().unwrap();
        assert!(matches!(error, ImapError::Login(_)), "{error}");
    }
}
