//! POP3 grammar and session without I/O.
