//! What can go wrong, by whose fault it is.

use std::path::PathBuf;
use std::sync::Arc;

use roost_journal::{AppendError, OpenError};

use crate::id::{BlobDigest, FolderId, ItemId, Uid};

/// Why something was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The folder is not there.
    #[error("there is no folder {0}")]
    NoSuchFolder(FolderId),
    /// The item is not there, or not any more.
    #[error("there is no item {0}")]
    NoSuchItem(ItemId),
    /// The message is not in the folder, or not any more.
    #[error("there is no item with UID {0} in the folder")]
    NoSuchUid(Uid),
    /// The mailbox has been deleted.
    #[error("the mailbox does not exist")]
    NoSuchMailbox,
    /// The name is taken.
    #[error("a folder or tag of that name exists")]
    AlreadyExists,
    /// The name cannot be one.
    #[error("the name {0:?} cannot be used")]
    InvalidName(String),
    /// System folders stay where they are.
    #[error("folder {0} cannot be changed so")]
    Immutable(FolderId),
    /// Other folders lie below.
    #[error("folder {0} has folders below it")]
    HasChildren(FolderId),
    /// Items lie in it.
    #[error("folder {0} is not empty")]
    NotEmpty(FolderId),
    /// The folder holds no items of its own, or not of this kind; or a folder would come to lie
    /// below itself.
    #[error("folder {0} cannot contain that")]
    CannotContain(FolderId),
    /// The mailbox would hold more than its owner may have.
    #[error("over quota: {used} of {limit} bytes are used")]
    OverQuota {
        /// What it holds.
        used: u64,
        /// What it may hold.
        limit: u64,
    },
    /// A limit of the engine; the text says which.
    #[error("too many or too much: {0}")]
    Limit(&'static str),
    /// The disk is full, or nearly: nothing new is taken, reading goes on, and it heals.
    #[error("too little space is left for new mail: it is put off until there is room")]
    NoSpace,
    /// Ours, and passes: the metadata or the journal cannot be reached, or the store is closing.
    #[error("the store cannot do that now: {what}")]
    Unavailable {
        /// What failed.
        what: &'static str,
        /// Why.
        source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    },
    /// A stored message cannot be read back as it was written.
    #[error("the content {digest} is damaged or missing ({})", path.display())]
    Corrupt {
        /// Which content.
        digest: BlobDigest,
        /// Its file.
        path: PathBuf,
    },
    /// The store cannot be opened.
    #[error("cannot open the store: {what}")]
    Open {
        /// What failed, and what to do.
        what: String,
        /// Why.
        source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    },
}

impl Error {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NoSpace | Self::Unavailable { .. } => true,
            Self::NoSuchFolder(_)
            | Self::NoSuchItem(_)
            | Self::NoSuchUid(_)
            | Self::NoSuchMailbox
            | Self::AlreadyExists
            | Self::InvalidName(_)
            | Self::Immutable(_)
            | Self::HasChildren(_)
            | Self::NotEmpty(_)
            | Self::CannotContain(_)
            | Self::OverQuota { .. }
            | Self::Limit(_)
            | Self::Corrupt { .. }
            | Self::Open { .. } => false,
        }
    }

    pub(crate) fn unavailable(
        what: &'static str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Unavailable {
            what,
            source: Some(Arc::new(source)),
        }
    }

    pub(crate) fn open(
        what: impl Into<String>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Open {
            what: what.into(),
            source: Some(Arc::new(source)),
        }
    }
}

impl From<AppendError> for Error {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::NoSpace { .. } => Self::NoSpace,
            AppendError::TooLarge { .. } => Self::Limit("bytes of one change"),
            AppendError::Superseded | AppendError::Failed { .. } | AppendError::Closed => {
                Self::unavailable("the journal takes no change", error)
            }
        }
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        Self::open("its journal cannot be read", error)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::unavailable("the metadata cannot be read", error)
    }
}
