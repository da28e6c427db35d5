//! The messages of an exchange as the server reads and writes them (RFC 5802 §5, §7).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Parameters, ServerSignature};
use crate::exchange::Malformed;
use crate::limits::{NAME_MAX, NONCE_MAX};

/// The server's (or client's) share of the nonce: printable ASCII without a comma.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// A fresh one, of 144 bits from the operating system's generator.
    #[must_use]
    pub fn random() -> Self {
        Self(STANDARD.encode(rand::random::<[u8; 18]>()))
    }

    /// A given one, if it is of the right characters and bounded.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        is_nonce(text).then(|| Self(text.to_owned()))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Everything that a directory needs to verify one exchange.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    /// Whom to act as, where that is not `name` itself.
    pub authzid: Option<String>,
    /// Whose keys made the proof, as the client gave the name.
    pub name: String,
    /// RFC 5802 §3: what both sides have said.
    pub auth_message: Vec<u8>,
    /// RFC 5802 §3: `ClientProof`.
    pub client_proof: Vec<u8>,
}

impl fmt::Debug for Proof {
    /// Without the proof, from which a stolen key table would give the client's key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof")
            .field("authzid", &self.authzid)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The client's first message.
#[derive(Debug)]
pub(crate) struct ClientFirst {
    gs2_header: String,
    authzid: Option<String>,
    name: String,
    nonce: String,
    bare: String,
}

impl ClientFirst {
    // RFC 5802 §7:
    // client-first-message = gs2-header client-first-message-bare
    // gs2-header = gs2-cbind-flag "," [ authzid ] ","
    // client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
    pub(crate) fn parse(message: &[u8]) -> Result<Self, Malformed> {
        let message = text(message)?;
        let mut parts = message.splitn(3, ',');
        let (Some(flag), Some(authzid), Some(bare)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(Malformed::Syntax);
        };
        match flag {
            // `y`: the client could bind, and believes rightly that this server does not offer it.
            "n" | "y" => {}
            _ if flag.starts_with("p=") => return Err(Malformed::ChannelBinding),
            _ => return Err(Malformed::Syntax),
        }
        let gs2_header = format!("{flag},{authzid},");
        let authzid = match authzid {
            "" => None,
            _ => Some(unescape_name(attribute(Some(authzid), "a=")?)?),
        };
        let mut attributes = bare.split(',');
        let name = attributes.next();
        if name.is_some_and(|name| name.starts_with("m=")) {
            return Err(Malformed::Extension);
        }
        let name = unescape_name(attribute(name, "n=")?)?;
        let nonce = attribute(attributes.next(), "r=")?.to_owned();
        if !is_nonce(&nonce) {
            return Err(Malformed::Syntax);
        }
        extensions(attributes)?;
        Ok(Self {
            gs2_header,
            authzid,
            name,
            nonce,
            bare: bare.to_owned(),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The server's first message.
    pub(crate) fn challenge(self, nonce: &Nonce, parameters: &Parameters) -> (Challenged, String) {
        let nonce = format!("{}{}", self.nonce, nonce.as_str());
        let salt = STANDARD.encode(parameters.salt());
        let message = format!("r={nonce},s={salt},i={}", parameters.iterations());
        let challenged = Challenged {
            server_first: message.clone(),
            nonce,
            first: self,
        };
        (challenged, message)
    }
}

/// An exchange whose challenge is out.
#[derive(Debug)]
pub(crate) struct Challenged {
    first: ClientFirst,
    server_first: String,
    nonce: String,
}

impl Challenged {
    // RFC 5802 §7:
    // client-final-message = channel-binding "," nonce ["," extensions] "," proof
    pub(crate) fn client_final(self, message: &[u8]) -> Result<Proof, Malformed> {
        let message = text(message)?;
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(Malformed::Syntax)?;
        let mut attributes = without_proof.split(',');
        let binding = decode(attribute(attributes.next(), "c=")?)?;
        let nonce = attribute(attributes.next(), "r=")?;
        extensions(attributes)?;
        // RFC 5802 §6: without channel binding `c` repeats the GS2 header, so that nobody between
        // can have changed it.
        if binding != self.first.gs2_header.as_bytes() || nonce != self.nonce {
            return Err(Malformed::Mismatch);
        }
        let auth_message = format!("{},{},{without_proof}", self.first.bare, self.server_first);
        Ok(Proof {
            authzid: self.first.authzid,
            name: self.first.name,
            auth_message: auth_message.into_bytes(),
            client_proof: decode(proof)?,
        })
    }
}

/// The server's last message.
pub(crate) fn server_final(signature: &ServerSignature) -> String {
    format!("v={}", STANDARD.encode(signature.0))
}

/// RFC 5802 §5.1: `,` is `=2C` and `=` is `=3D` in a name.
pub(crate) fn escape_name(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

fn unescape_name(name: &str) -> Result<String, Malformed> {
    let mut parts = name.split('=');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = if let Some(rest) = part.strip_prefix("2C") {
            plain.push(',');
            rest
        } else if let Some(rest) = part.strip_prefix("3D") {
            plain.push('=');
            rest
        } else {
            return Err(Malformed::Syntax);
        };
        plain.push_str(rest);
    }
    match plain.len() {
        0 => Err(Malformed::Syntax),
        1..=NAME_MAX => Ok(plain),
        _ => Err(Malformed::TooLong),
    }
}

fn text(message: &[u8]) -> Result<&str, Malformed> {
    match std::str::from_utf8(message) {
        // RFC 5802 §7: no value may hold a NUL.
        Ok(text) if !text.contains('\0') => Ok(text),
        Ok(_) => Err(Malformed::Syntax),
        Err(_) => Err(Malformed::NotText),
    }
}

fn attribute<'a>(part: Option<&'a str>, name: &str) -> Result<&'a str, Malformed> {
    part.and_then(|part| part.strip_prefix(name))
        .ok_or(Malformed::Syntax)
}

/// RFC 5802 §5.1: optional extensions are passed over; `m` is for those that must be understood.
fn extensions<'a>(mut attributes: impl Iterator<Item = &'a str>) -> Result<(), Malformed> {
    attributes.try_for_each(|attribute| match attribute.as_bytes() {
        [b'm', b'=', ..] => Err(Malformed::Extension),
        [name, b'=', _, ..] if name.is_ascii_alphabetic() => Ok(()),
        _ => Err(Malformed::Syntax),
    })
}

fn decode(base64: &str) -> Result<Vec<u8>, Malformed> {
    STANDARD.decode(base64).or(Err(Malformed::Base64))
}

fn is_nonce(text: &str) -> bool {
    // RFC 5802 §7: printable = %x21-2B / %x2D-7E
    (1..=NONCE_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(message: &str, why: Malformed) {
        assert_eq!(
            ClientFirst::parse(message.as_bytes()).err(),
            Some(why),
            "{message}"
        );
    }

    #[test]
    fn first_messages_are_read() {
        let first = ClientFirst::parse(b"n,,n=user,r=abc").unwrap();
        assert_eq!((first.name(), &first.authzid), ("user", &None));
        let first = ClientFirst::parse(b"y,a=b=2Cc,n=u=3Dser,r=abc,x=later").unwrap();
        assert_eq!(
            (first.name(), first.authzid.as_deref()),
            ("u=ser", Some("b,c"))
        );
        assert_eq!(first.bare, "n=u=3Dser,r=abc,x=later");
    }

    #[test]
    fn malformed_first_messages_are_refused() {
        refused("", Malformed::Syntax);
        refused("n,,", Malformed::Syntax);
        refused("n=user,r=abc", Malformed::Syntax);
        refused("x,,n=user,r=abc", Malformed::Syntax);
        refused("p=tls-unique,,n=user,r=abc", Malformed::ChannelBinding);
        refused("n,,m=x,n=user,r=abc", Malformed::Extension);
        refused("n,,n=user,r=abc,m=x", Malformed::Extension);
        refused("n,,n=us=er,r=abc", Malformed::Syntax);
        refused("n,,n=,r=abc", Malformed::Syntax);
        refused("n,,n=user,r=", Malformed::Syntax);
        refused("n,,n=user,r=a b", Malformed::Syntax);
        refused("n,,n=user,r=abc,", Malformed::Syntax);
        refused("n,user,n=user,r=abc", Malformed::Syntax);
        refused(
            &format!("n,,n=user,r={}", "a".repeat(NONCE_MAX + 1)),
            Malformed::Syntax,
        );
        refused(
            &format!("n,,n={},r=a", "u".repeat(NAME_MAX + 1)),
            Malformed::TooLong,
        );
    }

    #[test]
    fn final_messages_must_belong_to_the_exchange() {
        let parse = |message: &str| {
            let parameters = Parameters::new(vec![0; 16], 4096).unwrap();
            let first = ClientFirst::parse(b"n,,n=user,r=abc").unwrap();
            let (challenged, _) = first.challenge(&Nonce::of("def").unwrap(), &parameters);
            challenged.client_final(message.as_bytes())
        };
        assert!(parse("c=biws,r=abcdef,p=AAAA").is_ok());
        assert!(parse("c=biws,r=abcdef,x=y,p=AAAA").is_ok());
        assert_eq!(parse("c=eSws,r=abcdef,p=AAAA"), Err(Malformed::Mismatch));
        assert_eq!(parse("c=biws,r=abc,p=AAAA"), Err(Malformed::Mismatch));
        assert_eq!(parse("c=biws,r=abcdef"), Err(Malformed::Syntax));
        assert_eq!(parse("c=biws,r=abcdef,p=A"), Err(Malformed::Base64));
        assert_eq!(
            parse("c=biws,r=abcdef,m=x,p=AAAA"),
            Err(Malformed::Extension)
        );
    }
}
