//! IMAP4rev1 and IMAP4rev2 grammar and sessions without I/O.
