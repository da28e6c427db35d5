//! The grammar of what moves and holds mail.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use roost_kit::config::ByteSize;

use crate::import::Quoting;

/// Which messages of the queue.
#[derive(Debug, Clone, Args)]
pub(crate) struct Messages {
    /// Names of messages, as `queue list` shows them
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub(crate) ids: Vec<String>,
    /// All messages
    #[arg(long, conflicts_with = "ids")]
    pub(crate) all: bool,
}

/// `roostctl queue flush`
#[derive(Debug, Clone, Args)]
pub(crate) struct Flush {
    /// Only with a recipient in this domain
    #[arg(long, value_name = "NAME")]
    pub(crate) domain: Option<String>,
    /// Only from this address, `<>` for notices
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) sender: Option<String>,
}

/// `roostctl queue`
#[derive(Debug, Subcommand)]
pub(crate) enum QueueVerb {
    /// List what waits
    List,
    /// Show one message: recipients, attempts, reasons
    Show {
        /// The name of the message
        id: String,
    },
    /// Try again now
    Retry(Messages),
    /// Try all that waits again now, or only what goes to a domain or comes from a sender
    Flush(Flush),
    /// Keep from being tried
    Hold(Messages),
    /// End the hold
    Release(Messages),
    /// Delete without a bounce
    Delete(Messages),
}

/// `roostctl mailbox`
#[derive(Debug, Subcommand)]
pub(crate) enum MailboxVerb {
    /// Import mail; what is there already is not imported again
    Import(Import),
}

/// `roostctl mailbox import`
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The account
    pub(crate) account: String,
    /// A Maildir, an mbox file, an .eml file, or a folder with any of them
    pub(crate) source: PathBuf,
    /// The folder to import into, sub-folders of the source below it [default: INBOX, sub-folders
    /// beside it]
    #[arg(long, value_name = "NAME")]
    pub(crate) folder: Option<String>,
    /// How mbox files quote lines that begin with "From "
    #[arg(long, value_name = "HOW", default_value = "mboxrd")]
    pub(crate) mbox_quoting: Quoting,
    /// How many connections to use; with 1 messages keep their order exactly
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    pub(crate) connections: u16,
    /// The store, as HOST:PORT with TLS [default: this node's]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) server: Option<String>,
    /// The administrator to sign in as [default: the directory's own]
    #[arg(long = "as", value_name = "ADDRESS", requires = "password_file")]
    pub(crate) administrator: Option<String>,
    /// The administrator's password, `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

/// `roostctl store`
#[derive(Debug, Subcommand)]
pub(crate) enum StoreVerb {
    /// Figures of the store: journal, checkpoints, mailboxes in memory
    Show,
    /// Check messages, references, counters and journal while the store serves
    Verify(Verify),
}

/// `roostctl store verify`
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Repair what can be; nothing is deleted, what nobody refers to goes to lost+found/
    #[arg(long)]
    pub(crate) repair: bool,
    /// Only the mailbox of this account: its address or its zimbraId
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) mailbox: Option<String>,
    /// How fast messages are read, a second; 0 is as fast as it goes
    #[arg(long, value_name = "SIZE", default_value = "50 MB")]
    pub(crate) rate: ByteSize,
    /// Stop the verification that runs
    #[arg(long, conflicts_with_all = ["repair", "mailbox"])]
    pub(crate) stop: bool,
}
