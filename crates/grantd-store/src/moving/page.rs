//! Rows on their way from one database to another, the same for every engine.

use aws_lc_rs::digest::{Context, SHA256};
use grantd_core::Timestamp;
use grantd_issuer::{StorageFault, audit::AuditEvent};

use super::table::{Kind, Table};

/// A column's values, a row each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Of text.
    Text(Vec<Option<String>>),
    /// Of whole numbers.
    Whole(Vec<Option<i64>>),
    /// Of bytes.
    Bytes(Vec<Option<Vec<u8>>>),
    /// Of yes and no.
    Flag(Vec<Option<bool>>),
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// None.
    Null,
    /// Text.
    Text(&'a str),
    /// A whole number.
    Whole(i64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Yes or no.
    Flag(bool),
}

impl Column {
    /// An empty one.
    pub(crate) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(Vec::new()),
            Kind::Whole => Self::Whole(Vec::new()),
            Kind::Bytes => Self::Bytes(Vec::new()),
            Kind::Flag => Self::Flag(Vec::new()),
        }
    }

    /// The value in a row.
    pub(crate) fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Text(all) => all[row].as_deref().map_or(Cell::Null, Cell::Text),
            Self::Whole(all) => all[row].map_or(Cell::Null, Cell::Whole),
            Self::Bytes(all) => all[row].as_deref().map_or(Cell::Null, Cell::Bytes),
            Self::Flag(all) => all[row].map_or(Cell::Null, Cell::Flag),
        }
    }
}

/// Some rows of a table, in the order of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// As many values each as there are rows.
    pub(crate) columns: Vec<Column>,
    /// How many rows.
    pub(crate) rows: usize,
}

impl Page {
    /// No rows of a table.
    pub(crate) fn of(table: &Table) -> Self {
        Self { columns: table.columns.iter().map(|(_, kind)| Column::of(*kind)).collect(), rows: 0 }
    }

    /// The values of a row.
    pub(crate) fn row(&self, at: usize) -> impl Iterator<Item = Cell<'_>> {
        self.columns.iter().map(move |column| column.cell(at))
    }

    /// The number behind a name, in a table of names and numbers.
    pub(crate) fn number_named(&self, name: &str) -> Option<u64> {
        (0..self.rows).map(|at| self.row(at).collect::<Vec<_>>()).find_map(|row| match row[..] {
            [Cell::Text(known), Cell::Whole(number)] if known == name => u64::try_from(number).ok(),
            _ => None,
        })
    }

    /// The rows as audit events, where they are of the audit log.
    pub(crate) fn audit_events(&self) -> Result<Vec<AuditEvent>, StorageFault> {
        let odd = || StorageFault::plain("a row of the audit log is not one");
        (0..self.rows).map(|at| event(&self.row(at).collect::<Vec<_>>()).ok_or_else(odd)).collect()
    }
}

/// The columns of `audit` in the order of [`super::table::TABLES`].
fn event(row: &[Cell<'_>]) -> Option<AuditEvent> {
    let text = |at: usize| match row[at] {
        Cell::Text(text) => Some(text.to_owned()),
        _ => None,
    };
    let (Cell::Whole(seq), Cell::Whole(at), Cell::Bytes(hash)) = (row[0], row[1], row[8]) else {
        return None;
    };
    Some(AuditEvent {
        seq: u64::try_from(seq).ok()?,
        at: Timestamp::from_micros(at),
        actor: text(2)?,
        address: text(3),
        action: text(4)?,
        object: text(5)?,
        before: text(6),
        after: text(7),
        hash: hash.try_into().ok()?,
    })
}

/// How many rows a table has, and what is in them: the same number for the same rows in the same order.
#[derive(Clone)]
pub(crate) struct Tally {
    rows: u64,
    content: Context,
}

impl Tally {
    /// Of no rows.
    pub(crate) fn new() -> Self {
        Self { rows: 0, content: Context::new(&SHA256) }
    }

    /// Takes rows in. Every value goes in with its kind and length.
    pub(crate) fn follow(&mut self, page: &Page) {
        self.rows += page.rows as u64;
        for cell in (0..page.rows).flat_map(|at| page.row(at)) {
            let (kind, bytes): (u8, &[u8]) = match &cell {
                Cell::Null => (0, &[]),
                Cell::Text(text) => (1, text.as_bytes()),
                Cell::Whole(number) => (2, &number.to_be_bytes()),
                Cell::Bytes(bytes) => (3, bytes),
                Cell::Flag(flag) => (4, if *flag { &[1] } else { &[0] }),
            };
            self.content.update(&[kind]);
            self.content.update(&(bytes.len() as u64).to_be_bytes());
            self.content.update(bytes);
        }
    }

    /// How many rows there are.
    pub(crate) const fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether both are of the same rows.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let end = |tally: &Self| tally.content.clone().finish().as_ref().to_vec();
        self.rows == other.rows && end(self) == end(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(columns: Vec<Column>, rows: usize) -> Tally {
        let mut tally = Tally::new();
        tally.follow(&Page { columns, rows });
        tally
    }

    #[test]
    fn rows_that_differ_in_anything_have_another_tally() {
        let text = |values: &[Option<&str>]| {
            let owned = values.iter().map(|value| value.map(ToOwned::to_owned)).collect::<Vec<_>>();
            let rows = owned.len();
            tally(vec![Column::Text(owned)], rows)
        };
        let known = text(&[Some("ab"), None]);
        assert!(known.is(&text(&[Some("ab"), None])));
        for other in [
            text(&[Some("ab"), Some("")]),
            text(&[Some("a"), Some("b")]),
            text(&[None, Some("ab")]),
            text(&[Some("ab")]),
            tally(vec![Column::Bytes(vec![Some(b"ab".to_vec()), None])], 2),
        ] {
            assert!(!known.is(&other));
        }
        let flag = |is| tally(vec![Column::Flag(vec![Some(is)])], 1);
        assert!(!flag(true).is(&flag(false)));
    }
}
