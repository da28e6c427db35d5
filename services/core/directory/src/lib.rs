//! Typed directory model, settings resolver and LDAP client.
