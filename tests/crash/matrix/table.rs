//! What was tried and found, for people.

/// An operation's line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    /// The operation.
    pub(crate) name: String,
    /// Calls at which a fault fired.
    pub(crate) points: u64,
    /// Faults that fired, of all kinds.
    pub(crate) faults: u64,
    /// Recoveries that were looked at.
    pub(crate) recoveries: u64,
    /// Laws that were checked.
    pub(crate) laws: u64,
    /// Faults after which something acknowledged was lost.
    pub(crate) lost: u64,
    /// Which laws were broken, where and how.
    pub(crate) violations: Vec<String>,
}

/// An operation's line of the table.
pub(crate) fn line(row: &Row, last: &str) -> String {
    format!(
        "{:<34} {:>7} {:>7} {:>11} {:>9} {:>10}\n",
        row.name, row.points, row.faults, row.recoveries, row.laws, last
    )
}

/// All lines together.
pub(crate) fn sum(rows: &[Row]) -> Row {
    let add = |figure: fn(&Row) -> u64| rows.iter().map(figure).sum();
    Row {
        name: "total".to_owned(),
        points: add(|row| row.points),
        faults: add(|row| row.faults),
        recoveries: add(|row| row.recoveries),
        laws: add(|row| row.laws),
        lost: add(|row| row.lost),
        violations: rows.iter().flat_map(|row| row.violations.clone()).collect(),
    }
}

/// The table's first line.
pub(crate) fn header(last: &str) -> String {
    format!(
        "{:<34} {:>7} {:>7} {:>11} {:>9} {:>10}\n",
        "operation", "points", "faults", "recoveries", "laws", last
    )
}
