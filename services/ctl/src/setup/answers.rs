//! What is asked, from a file or from a person, and what a good answer is.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use roost_core_directory::name::{DomainName, EmailAddress};
use roost_kit::disk::{Disk as _, RealDisk};
use serde::{Deserialize, Serialize};

use super::node::Node;
use super::wrong;
use crate::failure::{Exit, Failure};

/// The shortest password that is taken.
const PASSWORD_MIN: usize = 8;
/// The largest file of answers that is read.
const FILE_MAX: u64 = 64 << 10;

/// The answers: `setup.toml` keeps them, but for passwords.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct Answers {
    /// The full host name of this node.
    pub(crate) host: String,
    /// The first domain that receives mail here.
    pub(crate) domain: String,
    /// The first administrator, an address in that domain; without `@` it is the part before it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) administrator: String,
    /// Further names and addresses for the certificate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) names: Vec<String>,
    /// The administrator's password in clear. Without one, a new account gets one that is shown.
    #[serde(skip_serializing)]
    pub(crate) password: Option<String>,
    /// The password's hash, as crypt(3) or LDAP write it; counts for a new account.
    #[serde(skip_serializing)]
    pub(crate) password_hash: Option<String>,
}

impl Answers {
    /// Reads a file of answers; a mistake names its line and key.
    pub(crate) fn load(file: &Path) -> Result<Self, Failure> {
        let shown = file.display();
        let failed = |error: std::io::Error| Failure::io(format!("cannot read {shown}"), &error);
        if file != Path::new("-") && fs::metadata(file).map_err(failed)?.len() > FILE_MAX {
            return Err(Failure::usage(format!("{shown} is too large for answers")));
        }
        let text = match file == Path::new("-") {
            true => std::io::read_to_string(std::io::stdin()),
            false => fs::read_to_string(file),
        };
        Self::parse(&text.map_err(failed)?, &shown.to_string())
    }

    fn parse(text: &str, shown: &str) -> Result<Self, Failure> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            let message = error.message();
            Failure::new(
                Exit::Usage,
                "wrong_answers",
                format!("{shown}:{line}: {message}"),
            )
            .next("roostctl help setup")
        })
    }

    /// The answers of the last time, or what this machine suggests.
    pub(crate) fn suggested(node: &Node) -> Self {
        let kept = fs::read_to_string(node.answers())
            .ok()
            .and_then(|text| Self::parse(&text, "").ok());
        kept.unwrap_or_else(|| {
            let host = nix::unistd::gethostname()
                .ok()
                .and_then(|name| name.into_string().ok())
                .unwrap_or_default();
            let domain = host.split_once('.').map(|(_, domain)| domain.to_owned());
            Self {
                domain: domain.unwrap_or_default(),
                host,
                ..Self::default()
            }
        })
    }

    /// Keeps them for the next time.
    pub(crate) fn keep(&self, node: &Node) -> Result<(), Failure> {
        let path = node.answers();
        let failed = |why: String| {
            Failure::failed("answers", format!("cannot write {}: {why}", path.display()))
        };
        let text = toml::to_string(self).map_err(|error| failed(error.to_string()))?;
        let text =
            format!("# The answers of the last `roostctl setup`; it suggests them again.\n{text}");
        RealDisk
            .write_atomically(&path, text.as_bytes())
            .map_err(|error| failed(error.to_string()))
    }

    /// Refuses what cannot be, naming the field.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        check_host(&self.host)?;
        let domain = check_domain(&self.domain)?;
        check_administrator(&self.administrator(), &domain)?;
        for name in &self.names {
            if name.parse::<IpAddr>().is_err() {
                DomainName::parse(name).map_err(|error| wrong("names", error))?;
            }
        }
        match (&self.password, &self.password_hash) {
            (Some(_), Some(_)) => Err(wrong(
                "password",
                "password and password-hash exclude each other",
            )),
            (Some(password), None) => check_password(password),
            (None, Some(hash)) if !hash.starts_with(['$', '{']) => Err(wrong(
                "password-hash",
                "expected a hash such as \"$6$…\" (mkpasswd makes one) or \"{SSHA512}…\"",
            )),
            (None, _) => Ok(()),
        }
    }

    /// The administrator's whole address.
    pub(crate) fn administrator(&self) -> String {
        match self.administrator.as_str() {
            "" => format!("admin@{}", self.domain),
            local if !local.contains('@') => format!("{local}@{}", self.domain),
            address => address.to_owned(),
        }
    }
}

/// A host has a name that others can look up.
pub(super) fn check_host(host: &str) -> Result<(), Failure> {
    if host.parse::<IpAddr>().is_ok() {
        return Err(wrong("host", format!("{host} is an address, not a name"))
            .next("give the machine a name: mail.example.org"));
    }
    let name = DomainName::parse(host).map_err(|error| wrong("host", error))?;
    if name.labels().count() < 2 {
        return Err(
            wrong("host", format!("\"{host}\" is no full host name")).next(format!(
                "add the domain: {}.example.org",
                match host {
                    "" => "mail",
                    host => host,
                }
            )),
        );
    }
    Ok(())
}

pub(super) fn check_domain(domain: &str) -> Result<DomainName, Failure> {
    let name = DomainName::parse(domain).map_err(|error| wrong("domain", error))?;
    match name.labels().count() {
        0 | 1 => Err(wrong("domain", format!("\"{domain}\" is no full domain"))
            .next("write it as mail addresses end: example.org")),
        _ => Ok(name),
    }
}

pub(super) fn check_administrator(address: &str, domain: &DomainName) -> Result<(), Failure> {
    let parsed = EmailAddress::parse(address).map_err(|error| wrong("administrator", error))?;
    match parsed.domain() == domain {
        true => Ok(()),
        false => Err(wrong(
            "administrator",
            format!("{address} is not in {domain}"),
        )),
    }
}

pub(super) fn check_password(password: &str) -> Result<(), Failure> {
    match password.chars().count() >= PASSWORD_MIN {
        true => Ok(()),
        false => Err(wrong(
            "password",
            format!("at least {PASSWORD_MIN} characters are expected"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), String> {
        let answers = Answers::parse(text, "answers.toml").map_err(|failure| failure.text())?;
        answers.check().map_err(|failure| failure.text())
    }

    #[test]
    fn a_wrong_answer_names_its_field() {
        let good = "host = \"mail.example.org\"\ndomain = \"example.org\"\n";
        assert_eq!(check(good), Ok(()));
        let table = [
            ("host = \"mail\"\ndomain = \"example.org\"", "host: "),
            ("host = \"192.0.2.1\"\ndomain = \"example.org\"", "host: "),
            ("host = \"mail.example.org\"", "domain: "),
            (
                &format!("{good}administrator = \"root@example.com\""),
                "administrator: ",
            ),
            (&format!("{good}password = \"short\""), "password: "),
            (
                &format!("{good}password-hash = \"geheim\""),
                "password-hash: ",
            ),
            (&format!("{good}names = [\"a b\"]"), "names: "),
            (&format!("{good}hots = 1"), "answers.toml:3: "),
        ];
        for (text, expected) in table {
            let error = check(text).unwrap_err();
            assert!(
                error.starts_with(&format!("roostctl: {expected}")),
                "{error}"
            );
        }
    }

    #[test]
    fn the_administrator_is_in_the_domain() {
        let answers = |administrator: &str| Answers {
            domain: "example.org".to_owned(),
            administrator: administrator.to_owned(),
            ..Answers::default()
        };
        assert_eq!(answers("").administrator(), "admin@example.org");
        assert_eq!(answers("ada").administrator(), "ada@example.org");
        assert_eq!(
            answers("ada@example.org").administrator(),
            "ada@example.org"
        );
    }
}
