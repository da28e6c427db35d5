//! SMTP and LMTP grammar and sessions without I/O.
