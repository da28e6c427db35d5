//! The grammar of what the logger can be asked.

use clap::Args;

use crate::moment::Moment;

/// `roostctl logs`
#[derive(Debug, Clone, Args)]
pub(crate) struct Logs {
    /// Only lines with this in their text or fields
    #[arg(value_name = "TEXT")]
    pub(crate) text: Option<String>,
    /// Of this host
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,
    /// Of this program, such as roost-mta
    #[arg(long, value_name = "NAME")]
    pub(crate) daemon: Option<String>,
    /// So urgent or more: err, warning, notice, info, debug
    #[arg(long, value_name = "NAME")]
    pub(crate) severity: Option<String>,
    /// Since when: a time (`2026-11-24 16:00`, `16:00`), `today`, `yesterday`, or how long ago (`2h`)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Moment>,
    /// Until when
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Moment>,
    /// How many lines, the last ones
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    pub(crate) lines: usize,
    /// Go on with new lines as they come
    #[arg(short, long, conflicts_with = "until")]
    pub(crate) follow: bool,
}

/// `roostctl trace`
#[derive(Debug, Clone, Args)]
pub(crate) struct Trace {
    /// From this sender
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) from: Option<String>,
    /// To this recipient, before or after aliases
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: Option<String>,
    /// With this Message-ID
    #[arg(long, value_name = "ID")]
    pub(crate) message_id: Option<String>,
    /// With this subject, as it stands in the header
    #[arg(long, value_name = "TEXT", conflicts_with = "subject_hash")]
    pub(crate) subject: Option<String>,
    /// Whose subject has this digest
    #[arg(long, value_name = "DIGEST")]
    pub(crate) subject_hash: Option<String>,
    /// With this name in a queue, as replies and reports say it
    #[arg(long, value_name = "ID")]
    pub(crate) queue_id: Option<String>,
    /// From this client, by address or name
    #[arg(long, value_name = "HOST")]
    pub(crate) client: Option<String>,
    /// Since when: a time (`2026-11-24 16:00`, `16:00`), `today`, `yesterday`, or how long ago (`2h`)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Moment>,
    /// Until when
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Moment>,
    /// With a recipient in this state: queued, sent, deferred, bounced, refused, expanded
    #[arg(long, value_name = "STATE")]
    pub(crate) status: Option<String>,
    /// At most so many messages, the newest ones
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
    /// Tell the whole story of each, not only of a single one
    #[arg(long)]
    pub(crate) full: bool,
    /// Write as zmmsgtrace does
    #[arg(long, conflicts_with = "json")]
    pub(crate) zimbra: bool,
}
