//! The mail transfer agent: SMTP in, queue, delivery out.

fn main() {}
