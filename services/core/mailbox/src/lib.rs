//! The mailbox engine: journal, blobs, metadata, change feed.
