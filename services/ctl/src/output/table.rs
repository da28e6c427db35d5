//! Aligned tables without box lines.

use serde_json::Value;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Output, Record};

/// Between columns.
const GAP: &str = "  ";
/// A column is not cut below this.
const WIDTH_MIN: usize = 8;

/// One column of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) key: &'static str,
    pub(crate) heading: &'static str,
    pub(crate) kind: Kind,
}

/// How a column shows its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To the left.
    Text,
    /// To the right.
    Number,
    /// Text to the right.
    Right,
    /// To the right, as `1.2 MB`; exact with `-p`.
    Bytes,
    /// `ok`, `failed`, …: coloured.
    State,
    /// In JSON only.
    Hidden,
}

impl Column {
    pub(crate) const fn text(key: &'static str, heading: &'static str) -> Self {
        Self {
            key,
            heading,
            kind: Kind::Text,
        }
    }

    /// Text that ends where the next begins: figures with a unit.
    pub(crate) const fn right(key: &'static str, heading: &'static str) -> Self {
        Self {
            key,
            heading,
            kind: Kind::Right,
        }
    }

    pub(crate) const fn number(key: &'static str, heading: &'static str) -> Self {
        Self {
            key,
            heading,
            kind: Kind::Number,
        }
    }

    pub(crate) const fn bytes(key: &'static str, heading: &'static str) -> Self {
        Self {
            key,
            heading,
            kind: Kind::Bytes,
        }
    }

    /// A field that a table has no room for, and JSON has.
    pub(crate) const fn hidden(key: &'static str) -> Self {
        Self {
            key,
            heading: "",
            kind: Kind::Hidden,
        }
    }

    pub(crate) const fn state(key: &'static str, heading: &'static str) -> Self {
        Self {
            key,
            heading,
            kind: Kind::State,
        }
    }
}

/// A whole table, without a line end after it.
pub(super) fn render(output: &Output, columns: &[Column], records: &[Record]) -> String {
    let shown = columns.iter().filter(|column| column.kind != Kind::Hidden);
    let columns: &[Column] = &shown.copied().collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = records
        .iter()
        .map(|record| cells(output, columns, record))
        .collect();
    let mut lines = Vec::with_capacity(rows.len() + 1);
    if output.parsable {
        if output.header {
            let names: Vec<&str> = columns.iter().map(|column| column.key).collect();
            lines.push(names.join("\t"));
        }
        lines.extend(rows.iter().map(|row| row.join("\t")));
        return lines.join("\n");
    }
    let widths = widths(output, columns, &rows);
    if output.header {
        let headings: Vec<String> = columns
            .iter()
            .map(|column| column.heading.to_owned())
            .collect();
        lines.push(line(output, columns, &widths, &headings, Paint::Heading));
    }
    for row in &rows {
        lines.push(line(output, columns, &widths, row, Paint::Value));
    }
    lines.join("\n")
}

/// One object: a line for each field.
pub(super) fn render_one(output: &Output, record: &Record) -> String {
    let widest = record
        .fields
        .iter()
        .map(|(key, _)| key.len())
        .max()
        .unwrap_or(0);
    let mut lines = Vec::new();
    for (key, value) in &record.fields {
        if output.parsable {
            lines.push(format!("{key}\t{}", plain(value)));
            continue;
        }
        match value {
            Value::Array(values) if values.len() > 1 => {
                for (index, value) in values.iter().enumerate() {
                    let key = if index == 0 { key.as_str() } else { "" };
                    lines.push(format!("{key:widest$}{GAP}{}", plain(value)));
                }
            }
            value => lines.push(format!("{key:widest$}{GAP}{}", plain(value))),
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n")
}

fn cells(output: &Output, columns: &[Column], record: &Record) -> Vec<String> {
    columns
        .iter()
        .map(|column| {
            let value = record.get(column.key).unwrap_or(&Value::Null);
            match (column.kind, value.as_u64()) {
                (Kind::Bytes, Some(bytes)) if !output.parsable => human_bytes(bytes),
                _ => plain(value),
            }
        })
        .collect()
}

/// A value as text. Control characters of foreign strings must not reach the terminal.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(plain).collect();
            values.join(", ")
        }
        other => other.to_string(),
    };
    text.chars()
        .map(|character| {
            if character.is_control() {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}

/// `1.2 MB`, as disks are sold.
pub(crate) fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    match (unit, tenths) {
        (0, _) => format!("{bytes} {name}"),
        (_, ..100) => format!("{}.{} {name}", tenths / 10, tenths % 10),
        _ => format!("{} {name}", tenths / 10),
    }
}

fn widths(output: &Output, columns: &[Column], rows: &[Vec<String>]) -> Vec<usize> {
    let mut widths: Vec<usize> = columns
        .iter()
        .map(|column| match output.header {
            true => column.heading.width(),
            false => 0,
        })
        .collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let Some(terminal) = output.width else {
        return widths;
    };
    let gaps = GAP.len() * columns.len().saturating_sub(1);
    loop {
        let total = widths.iter().sum::<usize>() + gaps;
        let widest = widths.iter_mut().max();
        match widest {
            Some(widest) if total > terminal && *widest > WIDTH_MIN => {
                *widest = widest.saturating_sub(total - terminal).max(WIDTH_MIN);
            }
            _ => return widths,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Paint {
    Heading,
    Value,
}

fn line(
    output: &Output,
    columns: &[Column],
    widths: &[usize],
    cells: &[String],
    paint: Paint,
) -> String {
    let mut line = String::new();
    let last = columns.len().saturating_sub(1);
    for (index, ((column, cell), width)) in columns.iter().zip(cells).zip(widths).enumerate() {
        let cell = cut(cell, *width);
        let padding = " ".repeat(width.saturating_sub(cell.width()));
        let painted = painted(output, column.kind, &cell, paint);
        let right = matches!(column.kind, Kind::Number | Kind::Right | Kind::Bytes);
        match (right, index == last) {
            (true, _) => line.push_str(&format!("{padding}{painted}")),
            (false, true) => line.push_str(&painted),
            (false, false) => line.push_str(&format!("{painted}{padding}")),
        }
        if index != last {
            line.push_str(GAP);
        }
    }
    line
}

fn painted(output: &Output, kind: Kind, cell: &str, paint: Paint) -> String {
    let code = match (paint, kind) {
        _ if !output.colour => return cell.to_owned(),
        (Paint::Heading, _) => "1",
        (Paint::Value, Kind::State) => match cell {
            "ok" | "ready" | "active" | "resolved" => "32",
            "held" | "deferred" | "locked" | "starting" | "pending" | "notice" | "warning"
            | "unknown" | "acknowledged" | "silent" => "33",
            "not configured" => "2",
            _ => "31",
        },
        _ => return cell.to_owned(),
    };
    format!("\x1b[{code}m{cell}\x1b[0m")
}

fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > width {
            break;
        }
        shown.push(character);
    }
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Format;

    fn output() -> Output {
        Output {
            format: Format::Table,
            header: true,
            parsable: false,
            colour: false,
            width: None,
        }
    }

    const COLUMNS: [Column; 4] = [
        Column::text("name", "NAME"),
        Column::hidden("id"),
        Column::bytes("size", "SIZE"),
        Column::state("state", "STATE"),
    ];

    fn records() -> Vec<Record> {
        vec![
            Record::new("a")
                .with("name", "alice")
                .with("size", 1_234_567)
                .with("state", "ok"),
            Record::new("b")
                .with("name", "b\x1b[31m")
                .with("size", 12)
                .with("state", "down"),
        ]
    }

    #[test]
    fn a_table_is_aligned_and_escapes_nothing_through() {
        assert_eq!(
            render(&output(), &COLUMNS, &records()),
            "NAME      SIZE  STATE\nalice   1.2 MB  ok\nb\u{fffd}[31m    12 B  down"
        );
    }

    #[test]
    fn a_parsable_table_has_tabs_and_exact_numbers() {
        let output = Output {
            header: false,
            parsable: true,
            ..output()
        };
        assert_eq!(
            render(&output, &COLUMNS, &records()[..1]),
            "alice\t1234567\tok"
        );
    }

    #[test]
    fn a_table_is_cut_to_the_terminal() {
        let output = Output {
            width: Some(24),
            ..output()
        };
        let records = [Record::new("x")
            .with("name", "a".repeat(50))
            .with("state", "ok")];
        for line in render(&output, &COLUMNS, &records).lines() {
            assert!(line.width() <= 24, "{line}");
        }
    }

    #[test]
    fn bytes_are_told_in_three_digits() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (52_428_800, "52 MB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(human_bytes(bytes), text);
        }
    }
}
