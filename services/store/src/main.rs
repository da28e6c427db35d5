//! The mail store daemon: LMTP in, IMAP and POP3 out.

fn main() {}
