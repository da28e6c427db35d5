//! The grammar of what the directory holds.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use roost_kit::config::ByteSize;

/// Settings on the command line: `ATTRIBUTE=VALUE`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Settings {
    /// `ATTRIBUTE=VALUE` sets, `ATTRIBUTE+=VALUE` adds a value, `ATTRIBUTE-=VALUE` removes one,
    /// `ATTRIBUTE=` unsets (the inherited value holds again)
    #[arg(value_name = "SETTING", required = true)]
    pub(crate) settings: Vec<String>,
}

/// Where a new password comes from; without it one is made and shown once.
#[derive(Debug, Clone, Args)]
pub(crate) struct Password {
    /// Read the password from a file, `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

/// `roostctl domain`
#[derive(Debug, Subcommand)]
pub(crate) enum DomainVerb {
    /// Begin to receive mail for a domain
    Create {
        /// The domain
        name: String,
        /// `ATTRIBUTE=VALUE`
        settings: Vec<String>,
    },
    /// Show a domain with its settings
    Show {
        /// The domain
        name: String,
    },
    /// List all domains
    List,
    /// Change settings of a domain
    Set {
        /// The domain
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Delete a domain that has no accounts and lists any more
    Delete {
        /// The domain
        name: String,
    },
}

/// `roostctl account`
#[derive(Debug, Subcommand)]
pub(crate) enum AccountVerb {
    /// Create an account; its mailbox is there at once
    Create {
        /// The address
        address: String,
        #[command(flatten)]
        password: Password,
        /// The name that correspondents see
        #[arg(long, value_name = "NAME")]
        display_name: Option<String>,
        /// The class of service
        #[arg(long, value_name = "NAME")]
        cos: Option<String>,
        /// How much mail it may hold, such as "5 GB"
        #[arg(long, value_name = "SIZE")]
        quota: Option<ByteSize>,
        /// May administer everything
        #[arg(long)]
        admin: bool,
        /// `ATTRIBUTE=VALUE`
        settings: Vec<String>,
    },
    /// Show an account with its settings
    Show {
        /// The address
        address: String,
        /// Only this setting, and whom it is inherited from
        #[arg(long, value_name = "ATTRIBUTE", conflicts_with = "effective")]
        origin: Option<String>,
        /// Every setting as it holds, and whom it is inherited from
        #[arg(long)]
        effective: bool,
    },
    /// List accounts
    List {
        /// Only those of a domain
        #[arg(long, value_name = "NAME")]
        domain: Option<String>,
    },
    /// Change settings of an account
    Set {
        /// The address
        address: String,
        /// The class of service
        #[arg(long, value_name = "NAME")]
        cos: Option<String>,
        /// `ATTRIBUTE=VALUE` sets, `ATTRIBUTE+=VALUE` adds a value, `ATTRIBUTE-=VALUE` removes one,
        /// `ATTRIBUTE=` unsets (the inherited value holds again)
        #[arg(value_name = "SETTING", required_unless_present = "cos")]
        settings: Vec<String>,
    },
    /// Change the password of an account
    SetPassword {
        /// The address
        address: String,
        #[command(flatten)]
        password: Password,
    },
    /// Give an account another address; its aliases stay
    Rename {
        /// The address
        address: String,
        /// The new address
        new: String,
    },
    /// Delete an account
    Delete {
        /// The address
        address: String,
    },
}

/// `roostctl alias`
#[derive(Debug, Subcommand)]
pub(crate) enum AliasVerb {
    /// Give an account or list a further address
    Create {
        /// The new address
        alias: String,
        /// The account or list
        target: String,
    },
    /// Show whom an address belongs to
    Show {
        /// The address
        alias: String,
    },
    /// List further addresses
    List {
        /// Only those of an account or list
        target: Option<String>,
    },
    /// Take a further address away
    Delete {
        /// The address
        alias: String,
    },
}

/// `roostctl list`
#[derive(Debug, Subcommand)]
pub(crate) enum ListVerb {
    /// Create a list
    Create {
        /// The address
        address: String,
        /// The first members
        #[arg(long = "member", value_name = "ADDRESS")]
        members: Vec<String>,
    },
    /// Show a list with its members
    Show {
        /// The address
        address: String,
    },
    /// List all lists
    List {
        /// Only those of a domain
        #[arg(long, value_name = "NAME")]
        domain: Option<String>,
    },
    /// Change settings of a list
    Set {
        /// The address
        address: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Add members
    Add {
        /// The list
        address: String,
        /// The members
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Remove members
    Remove {
        /// The list
        address: String,
        /// The members
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Give a list another address
    Rename {
        /// The address
        address: String,
        /// The new address
        new: String,
    },
    /// Delete a list
    Delete {
        /// The address
        address: String,
    },
}

/// `roostctl cos`
#[derive(Debug, Subcommand)]
pub(crate) enum CosVerb {
    /// Create a class of service
    Create {
        /// The name
        name: String,
        /// `ATTRIBUTE=VALUE`
        settings: Vec<String>,
    },
    /// Show a class of service with its settings
    Show {
        /// The name
        name: String,
    },
    /// List all classes of service
    List,
    /// Change settings
    Set {
        /// The name
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Give a class of service another name
    Rename {
        /// The name
        name: String,
        /// The new name
        new: String,
    },
    /// Delete a class of service
    Delete {
        /// The name
        name: String,
    },
}

/// `roostctl server`
#[derive(Debug, Subcommand)]
pub(crate) enum ServerVerb {
    /// Make a machine known
    Create {
        /// The host name
        name: String,
        /// `ATTRIBUTE=VALUE`
        settings: Vec<String>,
    },
    /// Show a machine with its settings
    Show {
        /// The host name
        name: String,
    },
    /// List all machines
    List,
    /// Change settings
    Set {
        /// The host name
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Forget a machine
    Delete {
        /// The host name
        name: String,
    },
}

/// `roostctl config`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Show the settings of the whole installation
    #[command(alias = "list")]
    Show {
        /// Only these
        attributes: Vec<String>,
    },
    /// Change settings
    Set {
        #[command(flatten)]
        settings: Settings,
    },
}
