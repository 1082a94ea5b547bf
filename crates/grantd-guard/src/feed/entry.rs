//! One revocation, and a page of them, as the issuer writes them.

use serde::Deserialize;

use super::FeedError;

/// The longest id, and the longest cursor, in bytes.
const MAX_TEXT: usize = 512;

/// What a revocation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Client,
    User,
    Credential,
    Token,
    Grant,
    Key,
}

/// Tokens of this kind and id are dead, those of a generation from `below` on excepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) id: Box<str>,
    pub(super) below: u64,
    /// Seconds since 1970 from when on it may be forgotten.
    pub(super) until: i64,
}

/// A part of the list.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) cursor: String,
    pub(super) entries: Vec<Entry>,
    /// Whether it is the end of the list. Not the same as having no `entries`, as some may be of
    /// kinds that this guard does not know.
    pub(super) is_last: bool,
}

/// An entry on the wire; kinds of later versions kill nothing that this one could name.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Written {
    Client(Raised),
    User(Raised),
    Credential(Named),
    Token(Named),
    Grant(Named),
    Key(Named),
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct Raised {
    id: Box<str>,
    generation: u64,
    until: Option<i64>,
}

#[derive(Deserialize)]
struct Named {
    id: Box<str>,
    until: Option<i64>,
}

#[derive(Deserialize)]
struct WrittenPage {
    issuer: String,
    cursor: String,
    entries: Vec<Written>,
}

impl Kind {
    /// How many there are.
    pub(super) const COUNT: usize = 6;
}

impl Page {
    /// Reads a page of this issuer.
    pub(super) fn parse(json: &[u8], issuer: &str) -> Result<Self, FeedError> {
        let page: WrittenPage = serde_json::from_slice(json)
            .map_err(|_| FeedError::Malformed("a page is not JSON of its members"))?;
        if page.issuer != issuer {
            let (expected, found) = (issuer.to_owned(), page.issuer);
            return Err(FeedError::IssuerDiffers { expected, found });
        }
        check_cursor(&page.cursor)?;
        let is_last = page.entries.is_empty();
        let entries = page.entries.into_iter().filter_map(|entry| entry.read().transpose());
        Ok(Self { cursor: page.cursor, entries: entries.collect::<Result<_, _>>()?, is_last })
    }
}

impl Entry {
    /// Reads one entry of the stream; nothing if its kind is unknown.
    pub(super) fn parse(json: &str) -> Result<Option<Self>, FeedError> {
        let written: Written = serde_json::from_str(json)
            .map_err(|_| FeedError::Malformed("an entry is not JSON of its members"))?;
        written.read()
    }
}

impl Written {
    fn read(self) -> Result<Option<Entry>, FeedError> {
        let (kind, id, below, until) = match self {
            Self::Client(raised) => (Kind::Client, raised.id, raised.generation, raised.until),
            Self::User(raised) => (Kind::User, raised.id, raised.generation, raised.until),
            Self::Credential(named) => (Kind::Credential, named.id, u64::MAX, named.until),
            Self::Token(named) => (Kind::Token, named.id, u64::MAX, named.until),
            Self::Grant(named) => (Kind::Grant, named.id, u64::MAX, named.until),
            Self::Key(named) => (Kind::Key, named.id, u64::MAX, named.until),
            Self::Unknown => return Ok(None),
        };
        if id.is_empty() || id.len() > MAX_TEXT {
            return Err(FeedError::Malformed("an id is empty or longer than 512 bytes"));
        }
        // Without an end it is kept: a revocation too many kills only what it names.
        Ok(Some(Entry { kind, id, below, until: until.unwrap_or(i64::MAX) }))
    }
}

/// Whether it can be sent back, in a header too.
pub(super) fn check_cursor(cursor: &str) -> Result<(), FeedError> {
    let clean = !cursor.chars().any(char::is_control);
    if clean && !cursor.is_empty() && cursor.len() <= MAX_TEXT {
        Ok(())
    } else {
        Err(FeedError::Malformed(
            "a cursor is empty, longer than 512 bytes or has control characters",
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(entry: &Value) -> Result<Option<Entry>, FeedError> {
        Entry::parse(&entry.to_string())
    }

    #[test]
    fn every_kind_is_read_and_only_clients_and_users_have_a_generation() {
        let kinds = [
            ("client", Kind::Client, 7),
            ("user", Kind::User, 7),
            ("credential", Kind::Credential, u64::MAX),
            ("token", Kind::Token, u64::MAX),
            ("grant", Kind::Grant, u64::MAX),
            ("key", Kind::Key, u64::MAX),
        ];
        for (name, kind, below) in kinds {
            let entry = json!({ "seq": 1, "kind": name, "id": "x", "generation": 7, "until": 9, "new": [] });
            let expected = Entry { kind, id: "x".into(), below, until: 9 };
            assert_eq!(read(&entry).unwrap(), Some(expected), "{name}");
        }
    }

    #[test]
    fn an_unknown_kind_is_no_entry_whatever_it_says() {
        assert_eq!(read(&json!({ "kind": "api", "id": 7, "until": "x" })).unwrap(), None);
        assert_eq!(read(&json!({ "seq": 1, "kind": "catalog" })).unwrap(), None);
    }

    #[test]
    fn an_entry_of_a_known_kind_that_cannot_be_understood_is_an_error_and_never_passed_over() {
        for entry in [
            json!({ "kind": "client", "id": "x", "until": 9 }),
            json!({ "kind": "client", "id": "x", "generation": -1, "until": 9 }),
            json!({ "kind": "token", "until": 9 }),
            json!({ "kind": "token", "id": "", "until": 9 }),
            json!({ "kind": "token", "id": "x".repeat(513), "until": 9 }),
            json!({ "kind": "token", "id": "x", "until": "2026-01-01T00:00:00Z" }),
            json!({ "kind": "token", "id": "x", "until": 9.5 }),
            json!({ "id": "x", "until": 9 }),
            json!([]),
        ] {
            assert!(matches!(read(&entry), Err(FeedError::Malformed(_))), "{entry}");
        }
    }

    #[test]
    fn a_page_of_another_issuer_is_refused_and_one_of_unknown_kinds_is_not_the_last() {
        let page = |entries: Value| {
            json!({ "issuer": "i", "cursor": "c", "entries": entries }).to_string()
        };
        assert!(Page::parse(page(json!([])).as_bytes(), "i").unwrap().is_last);
        let unknown = Page::parse(page(json!([{ "kind": "new" }])).as_bytes(), "i").unwrap();
        assert!(!unknown.is_last && unknown.entries.is_empty());
        let foreign = Page::parse(page(json!([])).as_bytes(), "j").unwrap_err();
        assert!(matches!(foreign, FeedError::IssuerDiffers { .. }));
    }
}
