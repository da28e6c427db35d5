//! What a command answers: tables for people, JSON or bare columns for scripts.
//!
//! Standard output is the answer, standard error everything else. A table is cut to the terminal,
//! never in a pipe.

mod table;

use std::io::{self, IsTerminal, Write};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::failure::{Exit, Failure};

pub(crate) use table::{Column, human_bytes};

/// How answers are written.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) format: Format,
    /// Whether a table begins with its column names (`-H` says no).
    pub(crate) header: bool,
    /// Tabs and exact numbers (`-p`).
    pub(crate) parsable: bool,
    /// Whether standard output takes colours.
    pub(crate) colour: bool,
    /// The width of the terminal; None in a pipe.
    pub(crate) width: Option<usize>,
}

/// The kinds of answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// `--json`, perhaps only some fields.
    Json(Vec<String>),
    /// `-q`: names alone.
    Names,
}

/// One object of an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    /// What `-q` prints.
    pub(crate) name: String,
    /// Stable keys and values, in the order in which `show` and JSON have them.
    pub(crate) fields: Vec<(String, Value)>,
}

impl Record {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            fields: Vec::new(),
        }
    }

    /// Adds a field.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.fields.push((key.to_owned(), value.into()));
        self
    }

    /// The value of a field.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        let found = self.fields.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value)
    }
}

impl Output {
    /// A list of objects. `columns` are what a table shows, and the hidden ones that JSON has too; `hint` is said on standard error where
    /// there is nothing.
    pub(crate) fn list(
        &self,
        columns: &[Column],
        records: &[Record],
        hint: &str,
    ) -> Result<(), Failure> {
        match &self.format {
            Format::Json(only) => {
                check_fields(only, columns, records)?;
                let all = records.iter().map(|record| Object { record, only });
                self.json(&all.collect::<Vec<_>>())
            }
            Format::Names => records.iter().try_for_each(|record| print(&record.name)),
            Format::Table if records.is_empty() => {
                self.remark(hint);
                Ok(())
            }
            Format::Table => print(&table::render(self, columns, records)),
        }
    }

    /// One object.
    pub(crate) fn show(&self, record: &Record) -> Result<(), Failure> {
        match &self.format {
            Format::Json(only) => self.json(&Object { record, only }),
            Format::Names => print(&record.name),
            Format::Table => print(&table::render_one(self, record)),
        }
    }

    /// What was done. `record` is the object after it.
    pub(crate) fn done(&self, sentence: &str, record: &Record) -> Result<(), Failure> {
        match &self.format {
            Format::Json(only) => self.json(&Object { record, only }),
            Format::Names => print(&record.name),
            Format::Table => print(sentence),
        }
    }

    /// A secret that was made and is shown only now. Where the answer has no place for it, it is
    /// said beside it.
    pub(crate) fn shown_once(&self, label: &str, secret: &str) {
        if self.format == Format::Names {
            say(&format!("{label}: {secret}"));
        }
    }

    /// Something beside the answer.
    pub(crate) fn remark(&self, text: &str) {
        if self.format == Format::Table && !text.is_empty() {
            say(text);
        }
    }

    /// An error, in the format of the answers.
    pub(crate) fn failure(&self, failure: &Failure) {
        match self.format {
            Format::Json(_) => say(&failure.json().to_string()),
            Format::Table | Format::Names => say(&failure.text()),
        }
    }

    fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        // On a terminal somebody reads it.
        let text = match self.width.is_some() {
            true => serde_json::to_string_pretty(value),
            false => serde_json::to_string(value),
        };
        let text = text.map_err(|error| {
            Failure::because(Exit::Failed, "json", "cannot write the answer", &error)
        })?;
        print(&text)
    }
}

/// Refuses a field that no object of a list can have, whether there are any or not. An object that is
/// shown alone may lack a field that is not set.
fn check_fields(only: &[String], columns: &[Column], records: &[Record]) -> Result<(), Failure> {
    let is_known = |field: &str| {
        columns.iter().any(|column| column.key == field)
            || records.iter().any(|record| record.get(field).is_some())
    };
    match only.iter().find(|field| !is_known(field)) {
        None => Ok(()),
        Some(field) => {
            let known: Vec<&str> = match records.first() {
                Some(first) => first.fields.iter().map(|(key, _)| key.as_str()).collect(),
                None => columns.iter().map(|column| column.key).collect(),
            };
            let message = format!("there is no field {field}");
            Err(Failure::new(Exit::Usage, "unknown_field", message)
                .next(format!("choose of {}", known.join(", "))))
        }
    }
}

/// A record as a JSON object with all its fields, or only some.
struct Object<'a> {
    record: &'a Record,
    only: &'a [String],
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.only.is_empty() {
            let all = self.record.fields.iter().map(|(key, value)| (key, value));
            return serializer.collect_map(all);
        }
        let wanted = self.only.iter();
        serializer.collect_map(wanted.filter_map(|key| Some((key, self.record.get(key)?))))
    }
}

/// A line of the answer. Whoever closed the pipe (`| head`) has what they wanted.
pub(crate) fn print(line: &str) -> Result<(), Failure> {
    match writeln!(io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::io("cannot write the answer", &error))
        }
        _ => Ok(()),
    }
}

/// A line beside the answer; nobody can be told when that fails.
pub(crate) fn say(line: &str) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Colour {
    /// Whether this stream takes colours.
    pub(crate) fn on(self, stream: &impl IsTerminal) -> bool {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                stream.is_terminal()
                    && !set("NO_COLOR")
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        }
    }
}

/// The terminal's width, if standard output is one.
pub(crate) fn terminal_width() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(usize::from(width.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_no_object_of_a_list_has_is_refused() {
        let records = [
            Record::new("a")
                .with("name", "a")
                .with("quota", Value::Null),
            Record::new("b").with("name", "b").with("admin", true),
        ];
        let check = |fields: &[&str], records: &[Record]| {
            let fields: Vec<String> = fields.iter().map(ToString::to_string).collect();
            let columns = [Column::text("name", "NAME"), Column::hidden("id")];
            check_fields(&fields, &columns, records)
        };
        assert!(check(&["name", "quota", "admin"], &records).is_ok());
        assert!(check(&["name", "id"], &[]).is_ok());
        assert!(
            check(&["nope"], &[])
                .unwrap_err()
                .text()
                .ends_with("next: choose of name, id")
        );
        let failure = check(&["name", "nope"], &records).unwrap_err();
        assert_eq!(
            failure.text(),
            "roostctl: there is no field nope\nnext: choose of name, quota"
        );
    }
}
