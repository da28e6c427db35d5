//! The parts of a line (RFC 5424, RFC 3164 and what comes near them).

use std::borrow::Cow;
use std::ops::Range;

use super::time::Stamp;

/// The most elements of structured data, and parameters of one, that are looked at.
const PARAMETERS_MAX: usize = 256;
/// How long a tag may be (RFC 3164 §4.1.3 says 32; senders do not care).
const TAG_MAX: usize = 128;

/// How urgent a line is (RFC 5424 §6.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The system is unusable.
    Emergency,
    /// Action must be taken at once.
    Alert,
    /// Critical conditions.
    Critical,
    /// Error conditions.
    Error,
    /// Warnings.
    Warning,
    /// Normal but significant.
    Notice,
    /// Informational.
    Info,
    /// For developers.
    Debug,
}

impl Severity {
    /// All, the most urgent first.
    pub const ALL: [Self; 8] = [
        Self::Emergency,
        Self::Alert,
        Self::Critical,
        Self::Error,
        Self::Warning,
        Self::Notice,
        Self::Info,
        Self::Debug,
    ];

    /// As syslog and `journalctl -p` call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emergency => "emerg",
            Self::Alert => "alert",
            Self::Critical => "crit",
            Self::Error => "err",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    /// By its name, or a usual other one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let other = match name.as_str() {
            "emergency" | "panic" => "emerg",
            "critical" => "crit",
            "error" => "err",
            "warn" => "warning",
            "information" | "informational" => "info",
            other => other,
        };
        Self::ALL.into_iter().find(|one| one.name() == other)
    }
}

/// Facility and severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Priority {
    /// 0 to 23.
    pub facility: u8,
    /// How urgent.
    pub severity: Severity,
}

impl Priority {
    /// What a line without one has (RFC 3164 §4.3.3): `user.notice`.
    pub const MISSING: Self = Self {
        facility: 1,
        severity: Severity::Notice,
    };

    /// The name of the facility.
    #[must_use]
    pub fn facility_name(self) -> &'static str {
        const NAMES: [&str; 24] = [
            "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
            "authpriv", "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2",
            "local3", "local4", "local5", "local6", "local7",
        ];
        NAMES.get(usize::from(self.facility)).copied().unwrap_or("")
    }

    /// The priority at the beginning of a line, and how many octets it takes.
    #[must_use]
    pub fn read(line: &[u8]) -> Option<(Self, usize)> {
        let rest = line.strip_prefix(b"<")?;
        let digits = rest.iter().take(4).position(|octet| *octet == b'>')?;
        let number = rest.get(..digits).filter(|digits| !digits.is_empty())?;
        let value = number.iter().try_fold(0_u16, |value, digit| {
            digit
                .is_ascii_digit()
                .then(|| value * 10 + u16::from(digit - b'0'))
        })?;
        let severity = Severity::ALL.get(usize::from(value % 8)).copied()?;
        let facility = u8::try_from(value / 8).ok().filter(|value| *value < 24)?;
        Some((Self { facility, severity }, digits + 2))
    }
}

/// A line and where its parts are.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    line: &'a [u8],
    /// Facility and severity; [`Priority::MISSING`] where the line has none.
    pub priority: Priority,
    /// When the sender says that it was written.
    pub time: Option<Stamp>,
    /// Where in the line that stands; an empty range where there is none.
    pub time_at: usize,
    host: Range<usize>,
    app: Range<usize>,
    process: Range<usize>,
    id: Range<usize>,
    /// Where what differs from line to line begins: structured data, or the text.
    pub body_at: usize,
    text_at: usize,
}

impl<'a> Message<'a> {
    /// Finds the parts. Never fails: what is no syslog is all text.
    #[must_use]
    pub fn read(line: &'a [u8]) -> Self {
        let (priority, after) = Priority::read(line).unwrap_or((Priority::MISSING, 0));
        let mut message = Self {
            line,
            priority,
            time: None,
            time_at: after,
            host: 0..0,
            app: 0..0,
            process: 0..0,
            id: 0..0,
            body_at: after,
            text_at: after,
        };
        if after == 0 {
            return message;
        }
        match line.get(after..after + 2) {
            Some(b"1 ") => message.rfc5424(after + 2),
            _ => message.rfc3164(after),
        }
        message
    }

    /// RFC 5424 §6: `VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID SP DATA [SP MSG]`.
    fn rfc5424(&mut self, at: usize) {
        let mut words = Words {
            line: self.line,
            at,
        };
        let parts = (|| {
            let time = words.next()?;
            let host = words.next()?;
            let app = words.next()?;
            let process = words.next()?;
            Some((time, host, app, process, words.next()?))
        })();
        let Some((time, host, app, process, id)) = parts else {
            return;
        };
        self.time_at = time.start;
        let stamp = Stamp::read(self.part(&time));
        self.time = stamp.filter(|stamp| stamp.length == time.len());
        self.host = host;
        self.app = app;
        self.process = process;
        self.id = id;
        self.body_at = words.at;
        self.text_at = after_data(self.line, words.at);
    }

    /// RFC 3164 §4.1: `[TIMESTAMP SP] [HOSTNAME SP] TAG[PID]: MSG`, all of it by rule of thumb.
    fn rfc3164(&mut self, at: usize) {
        let rest = self.line.get(at..).unwrap_or_default();
        let Some(stamp) = Stamp::read(rest) else {
            self.tag(at);
            return;
        };
        let mut after = at + stamp.length;
        if self.line.get(after) != Some(&b' ') {
            self.tag(at);
            return;
        }
        self.time = Some(stamp);
        self.time_at = at;
        after += 1;
        let mut words = Words {
            line: self.line,
            at: after,
        };
        // Local senders leave out the host: then the tag comes first.
        if let Some(word) = words.next()
            && !self.part(&word).contains(&b'[')
            && !self.part(&word).ends_with(b":")
        {
            self.host = word;
            after = words.at;
        }
        self.body_at = after;
        self.text_at = after;
        self.tag(after);
    }

    fn tag(&mut self, at: usize) {
        let rest = self.line.get(at..).unwrap_or_default();
        let is_name = |octet: &u8| octet.is_ascii_alphanumeric() || b"-_./%@+".contains(octet);
        let length = rest
            .iter()
            .take(TAG_MAX)
            .take_while(|octet| is_name(octet))
            .count();
        if length == 0 {
            return;
        }
        let mut end = at + length;
        let mut process = 0..0;
        if self.line.get(end) == Some(&b'[') {
            let inside = self.line.get(end + 1..).unwrap_or_default();
            let Some(close) = inside.iter().take(TAG_MAX).position(|octet| *octet == b']') else {
                return;
            };
            process = end + 1..end + 1 + close;
            end += close + 2;
        }
        if self.line.get(end) != Some(&b':') {
            return;
        }
        end += 1;
        if self.line.get(end) == Some(&b' ') {
            end += 1;
        }
        self.app = at..at + length;
        self.process = process;
        self.body_at = end;
        self.text_at = end;
    }

    fn part(&self, range: &Range<usize>) -> &'a [u8] {
        match self.line.get(range.clone()) {
            // RFC 5424 §6: the nil value.
            None | Some(b"-") => &[],
            Some(part) => part,
        }
    }

    /// The host that the sender names; empty where it names none.
    #[must_use]
    pub fn host(&self) -> &'a [u8] {
        self.part(&self.host)
    }

    /// The program.
    #[must_use]
    pub fn app(&self) -> &'a [u8] {
        self.part(&self.app)
    }

    /// Its process number, or what the sender gives for it.
    #[must_use]
    pub fn process(&self) -> &'a [u8] {
        self.part(&self.process)
    }

    /// The type of the message (RFC 5424 §6.2.7).
    #[must_use]
    pub fn id(&self) -> &'a [u8] {
        self.part(&self.id)
    }

    /// The text, without the mark that it is UTF-8 (RFC 5424 §6.4).
    #[must_use]
    pub fn text(&self) -> &'a [u8] {
        let text = self.line.get(self.text_at..).unwrap_or_default();
        text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
    }

    /// The structured data as it stands; empty where there is none.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        let data = self
            .line
            .get(self.body_at..self.text_at)
            .unwrap_or_default();
        match data.trim_ascii_end() {
            b"-" => &[],
            data => data,
        }
    }

    /// The parameters of the element `name` of the structured data.
    #[must_use]
    pub fn fields(&self, name: &str) -> Fields<'a> {
        let mut rest = self.data();
        for _ in 0..PARAMETERS_MAX {
            let Some(inside) = rest.strip_prefix(b"[") else {
                break;
            };
            let end = inside.iter().position(|octet| matches!(octet, b' ' | b']'));
            let Some(end) = end else {
                break;
            };
            if inside.get(..end) == Some(name.as_bytes()) {
                return Fields {
                    rest: inside.get(end..).unwrap_or_default(),
                };
            }
            match element_end(rest) {
                Some(end) => rest = rest.get(end..).unwrap_or_default(),
                None => break,
            }
        }
        Fields { rest: &[] }
    }
}

/// Words between single spaces.
struct Words<'a> {
    line: &'a [u8],
    at: usize,
}

impl Words<'_> {
    /// The next word that a space ends.
    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.line.get(self.at..)?;
        let length = memchr::memchr(b' ', rest)?;
        let word = self.at..self.at + length;
        self.at = word.end + 1;
        Some(word)
    }
}

/// Where the text begins behind structured data that begins at `at`. What is no such data is text.
fn after_data(line: &[u8], at: usize) -> usize {
    let mut end = at;
    if line.get(at) == Some(&b'-') {
        end += 1;
    } else {
        while line.get(end) == Some(&b'[') {
            match element_end(line.get(end..).unwrap_or_default()) {
                Some(length) => end += length,
                None => return at,
            }
        }
    }
    match line.get(end) {
        Some(b' ') if end > at => end + 1,
        None if end > at => end,
        _ => at,
    }
}

/// How long an element is that begins at `[`, by RFC 5424 §6.3: `]` ends it, but inside quotes, where
/// a backslash protects what follows.
fn element_end(element: &[u8]) -> Option<usize> {
    let mut is_quoted = false;
    let mut at = 1;
    while let Some(octet) = element.get(at) {
        match octet {
            b'\\' if is_quoted => at += 1,
            b'"' => is_quoted = !is_quoted,
            b']' if !is_quoted => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Names and values of one element.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Names and values, with where the value stands in what is left (as it stands, in quotes).
    fn step(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let rest = self.rest.strip_prefix(b" ")?;
        let equals = memchr::memchr(b'=', rest)?;
        let name = rest.get(..equals)?;
        let value = rest.get(equals + 1..)?.strip_prefix(b"\"")?;
        let mut end = 0;
        loop {
            match value.get(end)? {
                b'"' => break,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        self.rest = value.get(end + 1..)?;
        Some((name, value.get(..end)?))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, Cow<'a, [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_none() {
            self.rest = &[];
        }
        let (name, value) = step?;
        let name = std::str::from_utf8(name).unwrap_or("");
        Some((name, plain(value)))
    }
}

/// A value without its backslashes (RFC 5424 §6.3.3: they protect `"`, `\` and `]`; before anything
/// else they stand for themselves).
fn plain(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'\\') {
        return Cow::Borrowed(value);
    }
    let mut plain = Vec::with_capacity(value.len());
    let mut octets = value.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        match (octet, octets.peek()) {
            (b'\\', Some(b'"' | b'\\' | b']')) => plain.extend(octets.next()),
            (octet, _) => plain.push(octet),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The parts as one text.
    fn parts(line: &str) -> String {
        let message = Message::read(line.as_bytes());
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let time = message.time.map(|time| {
            line.get(message.time_at..message.time_at + time.length)
                .unwrap()
        });
        format!(
            "{}.{}|{}|{}|{}|{}|{}|{}|{}",
            message.priority.facility_name(),
            message.priority.severity.name(),
            time.unwrap_or(""),
            text(message.host()),
            text(message.app()),
            text(message.process()),
            text(message.id()),
            text(message.data()),
            text(message.text())
        )
    }

    #[test]
    fn lines_of_many_senders() {
        for (line, expected) in [
            // RFC 5424 §6.5
            (
                "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed",
                "auth.crit|2003-10-11T22:14:15.003Z|mymachine.example.com|su||ID47||'su root' failed",
            ),
            (
                "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time.",
                "local4.notice|2003-08-24T05:14:15.000003-07:00|192.0.2.1|myproc|8710|||%% It's time.",
            ),
            (
                "<165>1 2003-10-11T22:14:15.003Z h evntslog - ID47 [a@1 x=\"\\]\"][b@1 y=\"2\"]",
                "local4.notice|2003-10-11T22:14:15.003Z|h|evntslog||ID47|[a@1 x=\"\\]\"][b@1 y=\"2\"]|",
            ),
            ("<14>1 - - - - - - no time", "user.info|||||||no time"),
            (
                "<14>1 - h a - - [broken data",
                "user.info||h|a||||[broken data",
            ),
            ("<14>1 too short", "user.info|||||||1 too short"),
            // RFC 3164 §5.4, and what is sent instead of it
            (
                "<34>Oct 11 22:14:15 mymachine su: 'su root' failed on /dev/pts/8",
                "auth.crit|Oct 11 22:14:15|mymachine|su||||'su root' failed on /dev/pts/8",
            ),
            (
                "<22>Nov  4 09:05:01 mx postfix/smtp[123]: ABC: to=<a@b>",
                "mail.info|Nov  4 09:05:01|mx|postfix/smtp|123|||ABC: to=<a@b>",
            ),
            (
                "<13>Nov 24 16:11:19 root: local",
                "user.notice|Nov 24 16:11:19||root||||local",
            ),
            (
                "<13>2026-11-24T16:11:19.123456+00:00 host app[7]: rsyslog",
                "user.notice|2026-11-24T16:11:19.123456+00:00|host|app|7|||rsyslog",
            ),
            (
                "<38>2026-11-24T17:45:29 localhost prg[1234]: seq: 1",
                "auth.info|2026-11-24T17:45:29|localhost|prg|1234|||seq: 1",
            ),
            (
                "<189>%SYS-5-CONFIG_I: Configured",
                "local7.notice|||%SYS-5-CONFIG_I||||Configured",
            ),
            ("<13>no tag here", "user.notice|||||||no tag here"),
            ("no priority", "user.notice|||||||no priority"),
            ("<999>x", "user.notice|||||||<999>x"),
            ("<>x", "user.notice|||||||<>x"),
            ("", "user.notice|||||||"),
        ] {
            assert_eq!(parts(line), expected, "{line}");
        }
    }

    #[test]
    fn fields_are_read_as_they_were_meant() {
        let line =
            br#"<14>1 - - - - - [x@1 a="0"][roost@32473 from="a\"b\\c\]d\e" to="" x=broken] t"#;
        let fields: Vec<_> = Message::read(line)
            .fields("roost@32473")
            .map(|(name, value)| (name, String::from_utf8(value.into_owned()).unwrap()))
            .collect();
        let expected = [("from", r#"a"b\c]d\e"#.to_owned()), ("to", String::new())];
        assert_eq!(fields, expected);
        assert_eq!(Message::read(line).fields("y").count(), 0);
    }

    #[test]
    fn severities_have_names() {
        assert_eq!(Severity::named("ERROR"), Some(Severity::Error));
        assert_eq!(Severity::named("warn"), Some(Severity::Warning));
        assert_eq!(Severity::named("loud"), None);
    }

    proptest! {
        #[test]
        fn any_octets_are_a_message(
            line in prop::collection::vec(
                prop_oneof![any::<u8>(), Just(b'['), Just(b'"'), Just(b'\\'), Just(b' ')], 0..80),
            version in prop::bool::ANY,
        ) {
            let mut whole = match version {
                true => b"<14>1 - - - - - [a".to_vec(),
                false => b"<14>".to_vec(),
            };
            whole.extend_from_slice(&line);
            let message = Message::read(&whole);
            prop_assert!(message.body_at <= whole.len());
            message.fields("a").count();
        }
    }
}
