//! What the nouns of the directory share: signing in, settings on the command line, entries as
//! answers.

use jiff::Timestamp;
use roost_core_directory::admin::{Admin, AdminError, BadEdit, Difference, Edit, Thing};
use roost_core_directory::client::{Bind, Directory, Settings};
use roost_core_directory::entry::Entry;
use roost_core_directory::name::{DomainName, EmailAddress};
use roost_core_directory::schema::{self, Access};
use roost_kit::clock::Clock;
use roost_kit::config::DirectoryAccess;
use roost_kit::secret::Identity;
use serde_json::Value;

use super::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{Output, Record};

/// Signs in as the directory's own administrator.
pub(crate) fn connect(access: &DirectoryAccess) -> Result<Admin, Failure> {
    let identity = Identity::of_administrator(access).map_err(|error| {
        Failure::because(
            Exit::NotAllowed,
            "secret",
            "cannot sign in at the directory",
            &error,
        )
        .next("run it as root on the node")
    })?;
    let bind = Bind::Simple {
        dn: identity.dn,
        password: identity.password,
    };
    let settings = Settings {
        ca: access.ca.clone(),
        ..Settings::new(&access.url, bind)
    };
    let directory = Directory::new(settings, Clock::system()).map_err(|error| {
        let what = "cannot use the directory";
        Failure::because(Exit::Configuration, "directory", what, &error)
    })?;
    Ok(Admin::new(directory))
}

/// As [`refused`], where something was to be put into a domain: that may be created first.
pub(crate) fn refused_in_domain(what: impl std::fmt::Display, error: AdminError) -> Failure {
    let create = match &error {
        AdminError::NotFound {
            thing: Thing::Domain,
            name,
            ..
        } => Some(format!("roostctl domain create {name}")),
        _ => None,
    };
    let failure = refused(what, error);
    match create {
        Some(create) => failure.next(create),
        None => failure,
    }
}

/// Puts what was to be done before why it was not, and says what may help.
pub(crate) fn refused(what: impl std::fmt::Display, error: AdminError) -> Failure {
    let text = |why: &dyn std::fmt::Display| format!("{what}: {why}");
    match error {
        AdminError::NotFound { thing, name, near } => {
            not_found(&what.to_string(), thing, name, near)
        }
        AdminError::Unavailable(error) => {
            Failure::because(Exit::Unreachable, "directory_unreachable", what, &error)
                .next("roostctl status")
        }
        AdminError::BadName(error) => Failure::new(Exit::Usage, "bad_name", text(&error)),
        AdminError::BadEdit(error) => bad_edit(&what.to_string(), error),
        AdminError::Schema(error) => Failure::new(Exit::Failed, "schema", text(&error)),
        error @ AdminError::Taken { .. } => Failure::failed("taken", text(&error)),
        error @ AdminError::NotEmpty { .. } => Failure::failed("not_empty", text(&error)),
        error @ AdminError::InUse { .. } => Failure::failed("in_use", text(&error)),
        error @ AdminError::Protected { .. } => Failure::failed("protected", text(&error)),
        error => Failure::because(Exit::Failed, "refused", what, &error),
    }
}

fn not_found(what: &str, thing: Thing, name: String, near: Vec<String>) -> Failure {
    let (code, next) = match thing {
        Thing::Domain => ("domain_not_found", "roostctl domain list"),
        Thing::Account => ("account_not_found", "roostctl account list"),
        Thing::Alias => ("alias_not_found", "roostctl alias list"),
        Thing::List => ("list_not_found", "roostctl list list"),
        Thing::Cos => ("cos_not_found", "roostctl cos list"),
        Thing::Server => ("server_not_found", "roostctl server list"),
    };
    Failure::failed(code, format!("{what}: no {thing} {name}"))
        .similar(near)
        .next(next)
}

fn bad_edit(what: &str, error: BadEdit) -> Failure {
    match error {
        BadEdit::UnknownAttribute { name, near } => Failure::new(
            Exit::Usage,
            "unknown_attribute",
            format!("{what}: there is no attribute {name}"),
        )
        .similar(near.into_iter().map(str::to_owned)),
        BadEdit::Form(text) => Failure::new(
            Exit::Usage,
            "bad_setting",
            format!("{what}: {text} is no setting"),
        )
        .next("write ATTRIBUTE=VALUE, ATTRIBUTE+=VALUE, ATTRIBUTE-=VALUE or ATTRIBUTE="),
        error => Failure::new(Exit::Usage, "bad_setting", format!("{what}: {error}")),
    }
}

/// Settings as the command line has them.
pub(crate) fn edits(what: &str, settings: &[String]) -> Result<Vec<Edit>, Failure> {
    let parsed = settings.iter().map(|setting| Edit::parse(&signed(setting)));
    parsed
        .collect::<Result<_, _>>()
        .map_err(|error| bad_edit(what, error))
}

/// `name+=value` is written `+name=value` in the directory's own grammar, whose `-name=value` would
/// look like an option on a command line.
fn signed(setting: &str) -> String {
    match setting.split_once('=') {
        Some((name, value)) => match (name.strip_suffix('+'), name.strip_suffix('-')) {
            (Some(name), _) => format!("+{name}={value}"),
            (_, Some(name)) => format!("-{name}={value}"),
            _ => setting.to_owned(),
        },
        None => setting.to_owned(),
    }
}

/// An address on the command line.
pub(crate) fn address(text: &str) -> Result<EmailAddress, Failure> {
    EmailAddress::parse(text).map_err(|error| {
        Failure::new(Exit::Usage, "bad_name", error.to_string())
            .next("expected an address such as carol@example.org")
    })
}

/// A domain on the command line.
pub(crate) fn domain(text: &str) -> Result<DomainName, Failure> {
    DomainName::parse(text).map_err(|error| {
        Failure::new(Exit::Usage, "bad_name", error.to_string())
            .next("expected a domain such as example.org")
    })
}

/// Every attribute of an entry that an administrator may see, by name.
pub(crate) fn attributes(entry: &Entry) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (name, values) in entry.attributes.iter() {
        let known = schema::attribute(name);
        if known.is_some_and(|attribute| attribute.access == Access::Secret) {
            continue;
        }
        let mut texts: Vec<Value> = values.iter().map(|value| text(value)).collect();
        let single = known.is_some_and(|attribute| attribute.single);
        let value = match (single, texts.len()) {
            (true, 1) => texts.remove(0),
            _ => Value::Array(texts),
        };
        let name = known.map_or(name, |attribute| attribute.name);
        all.push((name.to_owned(), value));
    }
    all
}

/// A value that is no text is shown by its length.
fn text(value: &[u8]) -> Value {
    match std::str::from_utf8(value) {
        Ok(text) => Value::from(text),
        Err(_) => Value::from(format!("({} octets)", value.len())),
    }
}

/// Shows an object with all its attributes below what `record` says of it.
pub(crate) fn show(output: &Output, mut record: Record, entry: &Entry) -> Result<(), Failure> {
    record = record.with("dn", entry.dn.clone());
    record.fields.extend(attributes(entry));
    output.show(&record)
}

/// What edits come to, where nothing is sent: says "unchanged" when all is set like that already, or
/// with `--dry-run` what would change, old → new; then the answer is true.
pub(crate) async fn only_said(
    admin: &Admin,
    context: &Context<'_>,
    what: &str,
    (record, entry): (Record, &Entry),
    edits: &[Edit],
) -> Result<bool, Failure> {
    let changes = admin.preview(entry, edits).await;
    let changes = changes.map_err(|error| refused(what, error))?;
    if changes.is_empty() {
        unchanged(context, record)?;
        return Ok(true);
    }
    if !context.dry_run {
        return Ok(false);
    }
    let mut lines = vec![format!("would change {}:", record.name)];
    lines.extend(changes.iter().map(|change| format!("  {}", said(change))));
    let record = Record::new(record.name.clone())
        .with("name", record.name)
        .with("changes", changes.len());
    context.output.done(&lines.join("\n"), &record)?;
    Ok(true)
}

/// Says that there was nothing to change.
pub(crate) fn unchanged(context: &Context<'_>, record: Record) -> Result<(), Failure> {
    let sentence = format!("{}: unchanged, it is like that already", record.name);
    context.output.done(&sentence, &record.with("changes", 0))
}

fn said(change: &Difference) -> String {
    let shown = |values: &[&Vec<u8>]| match values {
        [] => "(unset)".to_owned(),
        values => values
            .iter()
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .collect::<Vec<_>>()
            .join(", "),
    };
    let attribute = &change.attribute;
    let (before, after) = (&change.before, &change.after);
    if before.len().max(after.len()) < 2 || before.is_empty() || after.is_empty() {
        let all = |values: &'_ [Vec<u8>]| shown(&values.iter().collect::<Vec<_>>());
        return format!("{attribute}: {} → {}", all(before), all(after));
    }
    let without = |values: &[Vec<u8>], others: &[Vec<u8>], sign: &str| -> Vec<String> {
        let own = values.iter().filter(|value| !others.contains(value));
        own.map(|value| format!("{sign} {}", String::from_utf8_lossy(value)))
            .collect()
    };
    let mut parts = without(before, after, "-");
    parts.extend(without(after, before, "+"));
    format!("{attribute}: {}", parts.join(", "))
}

/// When an entry was made, for people and scripts alike.
pub(crate) fn created(entry: &Entry) -> Value {
    let stamp = entry.attributes.text("zimbraCreateTimestamp");
    let time = stamp.and_then(|text| {
        let digits = text.get(..14)?;
        let civil = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", digits).ok()?;
        civil.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()
    });
    time.map_or(Value::Null, |time| {
        let time: Timestamp = time.timestamp();
        Value::from(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown_and_single_values_are_no_lists() {
        let entry = Entry::new("uid=a,ou=people,dc=example,dc=test")
            .with("uid", ["a"])
            .with("zimbraMailAlias", ["b@example.test"])
            .with("zimbraId", ["1"])
            .with("zimbraCreateTimestamp", ["20261124080000Z"])
            .with("userPassword", ["{ARGON2}x"]);
        let mut record = Record::new("a");
        record.fields = attributes(&entry);
        assert_eq!(record.get("zimbraId").unwrap(), "1");
        let aliases = record.get("zimbraMailAlias").unwrap();
        assert_eq!(*aliases, serde_json::json!(["b@example.test"]));
        assert_eq!(record.get("userPassword"), None);
        assert_eq!(created(&entry), "2026-11-24T08:00:00Z");
    }

    #[test]
    fn settings_set_add_remove_and_unset() {
        for (setting, expected) in [
            ("cn=a=b", Edit::Set("cn".to_owned(), vec![b"a=b".to_vec()])),
            ("cn=", Edit::Set("cn".to_owned(), vec![])),
            ("cn+=a", Edit::Add("cn".to_owned(), b"a".to_vec())),
            ("+cn=a", Edit::Add("cn".to_owned(), b"a".to_vec())),
            ("cn-=a", Edit::Remove("cn".to_owned(), Some(b"a".to_vec()))),
        ] {
            assert_eq!(edits("x", &[setting.to_owned()]).unwrap(), [expected]);
        }
        assert!(edits("x", &["cn".to_owned()]).is_err());
    }

    #[test]
    fn a_missing_domain_is_told_with_what_is_similar_and_next() {
        let error = AdminError::NotFound {
            thing: Thing::Domain,
            name: "exmaple.test".to_owned(),
            near: vec!["example.test".to_owned()],
        };
        assert_eq!(
            refused_in_domain("cannot create dave@exmaple.test", error).text(),
            "roostctl: cannot create dave@exmaple.test: no domain exmaple.test\n\
             similar: example.test\nnext: roostctl domain list\n\
             next: roostctl domain create exmaple.test"
        );
    }

    #[test]
    fn what_was_to_be_deleted_is_not_to_be_created() {
        let error = AdminError::NotFound {
            thing: Thing::Domain,
            name: "nope".to_owned(),
            near: Vec::new(),
        };
        assert_eq!(
            refused("cannot delete nope", error).text(),
            "roostctl: cannot delete nope: no domain nope\nnext: roostctl domain list"
        );
    }

    #[test]
    fn a_difference_says_old_and_new() {
        let difference = |before: &[&str], after: &[&str]| {
            let values =
                |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
            said(&Difference {
                attribute: "cn".to_owned(),
                before: values(before),
                after: values(after),
            })
        };
        assert_eq!(difference(&["a"], &["b"]), "cn: a → b");
        assert_eq!(difference(&[], &["b"]), "cn: (unset) → b");
        assert_eq!(difference(&["a", "b"], &[]), "cn: a, b → (unset)");
        assert_eq!(difference(&["a", "b"], &["a", "b", "c"]), "cn: + c");
        assert_eq!(difference(&["a", "b"], &["b", "c"]), "cn: - a, + c");
    }
}
