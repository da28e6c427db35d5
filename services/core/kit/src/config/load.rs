//! Files → one table, which remembers where every key came from.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path as KeyPath, Segment};
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Wrong, explain, unknown};
use super::{Settings, Shared, TABLES};

/// The largest configuration file that is read; a real one has a few KB.
const FILE_SIZE_MAX: u64 = 1 << 20;

/// All configuration files of a node, merged; not yet anybody's settings.
#[derive(Debug, Clone)]
pub struct Configuration {
    file: PathBuf,
    table: toml::Table,
    /// Dotted key → where it was set last.
    origins: BTreeMap<String, Origin>,
}

/// Where a key was set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    file: PathBuf,
    line: usize,
}

impl Configuration {
    /// Reads `file`, then the `conf.d/*.toml` beside it.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let mut merged = Self {
            file: file.to_owned(),
            table: toml::Table::new(),
            origins: BTreeMap::new(),
        };
        merged.add_file(file)?;
        for extra in overrides(file)? {
            merged.add_file(&extra)?;
        }
        merged.refuse_unknown_tables()?;
        Ok(merged)
    }

    /// The tables that all daemons share.
    pub fn shared(&self) -> Result<Shared, ConfigError> {
        Ok(Shared {
            node: self.part("node")?,
            log: self.part("log")?,
            directory: self.part("directory")?,
            tls: self.part("tls")?,
        })
    }

    /// A daemon's own table, checked.
    pub fn settings<S: Settings>(&self) -> Result<S, ConfigError> {
        let settings: S = self.part(S::TABLE)?;
        settings
            .check()
            .map_err(|Wrong { key, problem }| self.error(format!("{}.{key}", S::TABLE), problem))?;
        S::check_beside(self)?;
        Ok(settings)
    }

    /// A further table of a daemon that has more than one; a missing one is an empty one.
    pub fn table<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, ConfigError> {
        self.part(name)
    }

    /// One value of any daemon's table, for those who only look at it from outside; None where the
    /// files do not set it. `key` is dotted, such as `mta.control`.
    pub fn value<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ConfigError> {
        let mut parts = key.split('.');
        let mut value = parts.next().and_then(|part| self.table.get(part));
        for part in parts {
            value = value.and_then(|value| value.get(part));
        }
        value
            .map(|value| {
                T::deserialize(value.clone())
                    .map_err(|error| self.error(key, explain(error.message()).problem))
            })
            .transpose()
    }

    /// An error about a dotted key that only a later look at the world found, such as a certificate
    /// file that is missing.
    #[must_use]
    pub fn error(&self, key: impl Into<String>, problem: impl Into<String>) -> ConfigError {
        let key = key.into();
        let origin = self.origin(&key);
        ConfigError {
            file: origin.map_or_else(|| self.file.clone(), |origin| origin.file.clone()),
            line: origin.map(|origin| origin.line),
            key: Some(key),
            problem: problem.into(),
        }
    }

    /// One top-level table as `T`; a missing one is an empty one.
    fn part<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        let value = self
            .table
            .get(name)
            .cloned()
            .unwrap_or_else(|| toml::Value::Table(toml::Table::new()));
        serde_path_to_error::deserialize(value).map_err(|error| {
            let explained = explain(error.inner().message());
            let mut key = dotted(name, error.path());
            if let Some(last) = explained.key
                && !key.ends_with(&format!(".{last}"))
            {
                key = format!("{key}.{last}");
            }
            self.error(key, explained.problem)
        })
    }

    fn add_file(&mut self, file: &Path) -> Result<(), ConfigError> {
        let text = read(file)?;
        let parsed = DeTable::parse(&text).map_err(|error| ConfigError {
            file: file.to_owned(),
            line: error.span().map(|span| line_of(&text, span.start)),
            key: None,
            problem: error.message().to_owned(),
        })?;
        note_origins(&mut self.origins, file, &text, "", parsed.get_ref());
        let table: toml::Table =
            toml::from_str(&text).map_err(|error| ConfigError::of_file(file, error.message()))?;
        merge(&mut self.table, table);
        Ok(())
    }

    fn refuse_unknown_tables(&self) -> Result<(), ConfigError> {
        match self
            .table
            .keys()
            .find(|key| !TABLES.contains(&key.as_str()))
        {
            Some(key) => Err(self.error(key, unknown("table", key, TABLES))),
            None => Ok(()),
        }
    }

    /// Where `key`, or the nearest table around it, was set.
    fn origin(&self, key: &str) -> Option<&Origin> {
        let mut key = key;
        loop {
            if let Some(origin) = self.origins.get(key) {
                return Some(origin);
            }
            key = key.rsplit_once('.')?.0;
        }
    }
}

fn read(file: &Path) -> Result<String, ConfigError> {
    let failed =
        |error: std::io::Error| ConfigError::of_file(file, format!("cannot be read: {error}"));
    let length = fs::metadata(file).map_err(failed)?.len();
    if length > FILE_SIZE_MAX {
        return Err(ConfigError::of_file(
            file,
            format!("is {length} bytes long, expected at most {FILE_SIZE_MAX}"),
        ));
    }
    fs::read_to_string(file).map_err(failed)
}

/// The `*.toml` files of the `conf.d` beside `file`, sorted by name.
fn overrides(file: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let folder = file.with_file_name("conf.d");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(ConfigError::of_file(
                &folder,
                format!("cannot be read: {error}"),
            ));
        }
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| ConfigError::of_file(&folder, format!("cannot be read: {error}")))?
            .path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Tables merge key by key; anything else is replaced.
fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn note_origins(
    origins: &mut BTreeMap<String, Origin>,
    file: &Path,
    text: &str,
    prefix: &str,
    table: &DeTable<'_>,
) {
    for (key, value) in table {
        let path = if prefix.is_empty() {
            key.get_ref().to_string()
        } else {
            format!("{prefix}.{}", key.get_ref())
        };
        let origin = Origin {
            file: file.to_owned(),
            line: line_of(text, key.span().start),
        };
        match value.get_ref() {
            DeValue::Table(table) => note_origins(origins, file, text, &path, table),
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    if let DeValue::Table(table) = item.get_ref() {
                        note_origins(origins, file, text, &format!("{path}.{index}"), table);
                    }
                }
            }
            _ => {}
        }
        origins.insert(path, origin);
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

fn dotted(table: &str, path: &KeyPath) -> String {
    let mut key = table.to_owned();
    for segment in path {
        match segment {
            Segment::Seq { index } => key.push_str(&format!(".{index}")),
            Segment::Map { key: name } => key.push_str(&format!(".{name}")),
            Segment::Enum { variant } => key.push_str(&format!(".{variant}")),
            Segment::Unknown => {}
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::config::{ByteSize, Listen, Period};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Store {
        imap: Listen,
        health: Listen,
        message_size_max: ByteSize,
        idle: Period,
    }

    impl Default for Store {
        fn default() -> Self {
            Self {
                imap: Listen::default(),
                health: Listen::default(),
                message_size_max: ByteSize::mib(50),
                idle: Period::seconds(30),
            }
        }
    }

    impl Settings for Store {
        const TABLE: &'static str = "store";
        fn health(&self) -> &Listen {
            &self.health
        }
        fn check(&self) -> Result<(), Wrong> {
            if self.idle == Period::seconds(0) {
                return Err(Wrong::new("idle", "expected at least \"1s\""));
            }
            Ok(())
        }
    }

    fn load(main: &str, extra: &[(&str, &str)]) -> Result<Store, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roost.toml");
        fs::write(&file, main).unwrap();
        fs::create_dir(folder.path().join("conf.d")).unwrap();
        for (name, text) in extra {
            fs::write(folder.path().join("conf.d").join(name), text).unwrap();
        }
        let loaded = Configuration::load(&file).and_then(|config| {
            config.shared()?;
            config.settings::<Store>()
        });
        loaded.map_err(|error| {
            error
                .to_string()
                .replace(&format!("{}/", folder.path().display()), "")
        })
    }

    #[track_caller]
    fn refused(main: &str, expected: &str) {
        assert_eq!(load(main, &[]).unwrap_err(), expected);
    }

    #[test]
    fn the_last_file_wins_per_key() {
        let store = load(
            "[store]\nimap = [\"127.0.0.1:143\"]\nidle = \"10s\"\n",
            &[
                ("20-b.toml", "[store]\nidle = \"3m\"\n"),
                ("10-a.toml", "store.idle = \"1m\"\n"),
                ("notes.txt", "not read"),
            ],
        )
        .unwrap();
        assert_eq!(store.idle, Period::seconds(180));
        assert_eq!(store.imap.to_string(), "127.0.0.1:143");
        assert_eq!(store.message_size_max, ByteSize::mib(50));
    }

    #[test]
    fn a_mistake_is_told_with_file_line_key_and_expectation() {
        refused(
            "[store]\nimpa = []\n",
            "roost.toml:2: store.impa: unknown key, did you mean \"imap\"?",
        );
        refused(
            "[stor]\n",
            "roost.toml:1: stor: unknown table, did you mean \"store\"?",
        );
        refused(
            "[store]\n\nmessage_size_max = 50\n",
            "roost.toml:3: store.message_size_max: expected a size with its unit, such as \"50 MB\", found integer `50`",
        );
        refused(
            "[store]\nimap = [\"127.0.0.1:143\", \"nowhere\"]\n",
            "roost.toml:2: store.imap.1: expected an address and port such as \"127.0.0.1:143\" or \"[::1]:143\", or an absolute path, found \"nowhere\"",
        );
        refused(
            "[store]\nidle = \"0s\"\n",
            "roost.toml:2: store.idle: expected at least \"1s\"",
        );
        refused(
            "[[tls.certificates]]\ncertificate = \"a\"\nkey = \"b\"\n[[tls.certificates]]\ncertificate = \"a\"\nkye = \"b\"\n",
            "roost.toml:6: tls.certificates.1.kye: unknown key, did you mean \"key\"?",
        );
    }

    #[test]
    fn a_mistake_in_an_override_names_the_override() {
        let error = load("[store]\n", &[("10.toml", "[store]\nidle = 3\n")]).unwrap_err();
        assert!(
            error.starts_with("conf.d/10.toml:2: store.idle: "),
            "{error}"
        );
    }

    #[test]
    fn broken_syntax_names_the_line() {
        let error = load("[store]\nimap = [\n", &[]).unwrap_err();
        assert!(error.starts_with("roost.toml:2"), "{error}");
    }

    #[test]
    fn one_value_can_be_looked_at_from_outside() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roost.toml");
        fs::write(&file, "[mta]\nhealth = 3\nsmtp = \"[::1]:25\"\n").unwrap();
        let config = Configuration::load(&file).unwrap();
        let smtp: Option<Listen> = config.value("mta.smtp").unwrap();
        assert_eq!(smtp.unwrap().to_string(), "[::1]:25");
        assert_eq!(config.value::<Listen>("mta.control").unwrap(), None);
        assert_eq!(config.value::<Listen>("store.imap").unwrap(), None);
        let error = config
            .value::<Listen>("mta.health")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("roost.toml:2: mta.health: expected an address"),
            "{error}"
        );
    }

    #[test]
    fn other_daemons_tables_are_skipped() {
        load("[mta]\nanything = 1\n[store]\n", &[]).unwrap();
    }
}
