//! PLAIN (RFC 4616): `[authzid] NUL authcid NUL passwd`.

use crate::Password;
use crate::exchange::Malformed;
use crate::limits::{NAME_MAX, PASSWORD_MAX};

/// A name and a password, and perhaps somebody else to act as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Whom to act as, where that is not `authcid` itself.
    pub authzid: Option<String>,
    /// Whose password it is.
    pub authcid: String,
    /// The password as the client sent it.
    pub password: Password,
}

/// Parses the one message of PLAIN.
pub(crate) fn parse(message: &[u8]) -> Result<Login, Malformed> {
    let mut parts = message.split(|&byte| byte == 0);
    let (Some(authzid), Some(authcid), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Malformed::Syntax);
    };
    let authzid = match authzid {
        b"" => None,
        name => Some(self::name(name)?),
    };
    Ok(Login {
        authzid,
        authcid: name(authcid)?,
        password: self::password(password)?,
    })
}

/// A name that is not empty, not too long, and text.
pub(crate) fn name(bytes: &[u8]) -> Result<String, Malformed> {
    text(bytes, NAME_MAX)
}

/// A password that is not empty, not too long, and text.
pub(crate) fn password(bytes: &[u8]) -> Result<Password, Malformed> {
    // RFC 4616 §2: passwd is not empty. An LDAP simple bind with an empty password would be an
    // anonymous bind and succeed (RFC 4513 §5.1.2), so this must not get through.
    text(bytes, PASSWORD_MAX).map(Password::new)
}

fn text(bytes: &[u8], max: usize) -> Result<String, Malformed> {
    if bytes.is_empty() {
        return Err(Malformed::Syntax);
    }
    if bytes.len() > max {
        return Err(Malformed::TooLong);
    }
    if bytes.contains(&0) {
        return Err(Malformed::Syntax);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(Malformed::NotText),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_has_three_parts() {
        let login = parse(b"Ursel\0Kurt\0xipj3plmq").unwrap();
        assert_eq!(login.authzid.as_deref(), Some("Ursel"));
        assert_eq!(login.authcid, "Kurt");
        assert_eq!(login.password.expose(), "xipj3plmq");
        assert_eq!(parse(b"\0tim\0tanstaaftanstaaf").unwrap().authzid, None);
        for bad in [
            &b""[..],
            b"\0\0",
            b"\0tim\0",
            b"\0\0secret",
            b"tim\0secret",
            b"\0tim\0sec\0ret",
        ] {
            assert_eq!(parse(bad), Err(Malformed::Syntax), "{bad:?}");
        }
        assert_eq!(parse(b"\0tim\0\xff"), Err(Malformed::NotText));
    }

    #[test]
    fn names_and_passwords_are_bounded() {
        let long = |name: usize, password: usize| {
            parse(format!("\0{}\0{}", "n".repeat(name), "p".repeat(password)).as_bytes())
        };
        assert!(long(NAME_MAX, PASSWORD_MAX).is_ok());
        assert_eq!(long(NAME_MAX + 1, 1), Err(Malformed::TooLong));
        assert_eq!(long(1, PASSWORD_MAX + 1), Err(Malformed::TooLong));
    }
}
