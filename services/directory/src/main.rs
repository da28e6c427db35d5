//! The embedded LDAP directory server.

fn main() {}
