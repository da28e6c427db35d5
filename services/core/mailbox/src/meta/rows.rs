//! Many rows with one statement. Each statement is handed to SQLite's thread and waited for, which
//! costs more than a row does.

use sqlx::AssertSqlSafe;
use sqlx::query::Query;

use super::sqlite::{Connected, Db};

type Statement<'q> = Query<'q, Db, <Db as sqlx::Database>::Arguments>;

/// Rows go in lots of these sizes, so that few statements exist.
const LOTS: [usize; 4] = [64, 16, 4, 1];

/// A table's rows, as far as the statement goes.
pub(super) struct Table {
    /// Up to `VALUES`, with the names of the columns.
    pub(super) head: &'static str,
    /// How many columns are named.
    pub(super) columns: usize,
}

/// Puts `rows` in, in their order; `bind` gives one row's values in the order of the columns.
pub(super) async fn put<T>(
    connection: &mut Connected,
    table: &Table,
    mut rows: &[T],
    bind: impl for<'q> Fn(Statement<'q>, &T) -> Statement<'q>,
) -> Result<(), sqlx::Error> {
    while !rows.is_empty() {
        let size = LOTS
            .into_iter()
            .find(|size| *size <= rows.len())
            .unwrap_or(1);
        let (lot, rest) = rows.split_at(size);
        // The text is made of constants.
        let mut statement = sqlx::query(AssertSqlSafe(table.text(size)));
        for row in lot {
            statement = bind(statement, row);
        }
        statement.execute(&mut *connection).await?;
        rows = rest;
    }
    Ok(())
}

impl Table {
    fn text(&self, rows: usize) -> String {
        let mut row = "(".to_owned();
        row.push_str(&super::row::placeholders(self.columns));
        row.push_str("),");
        let mut text = String::with_capacity(self.head.len() + 8 + rows * row.len());
        text.push_str(self.head);
        text.push_str(" VALUES ");
        text.push_str(&row.repeat(rows));
        text.pop();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_has_a_place_for_each_value() {
        let table = Table {
            head: "REPLACE INTO t (a, b)",
            columns: 2,
        };
        assert_eq!(table.text(2), "REPLACE INTO t (a, b) VALUES (?,?),(?,?)");
    }
}
