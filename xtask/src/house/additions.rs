//! Migrations only add: a server of the release before goes on under the schema of the next.

/// What a migration must not do, and what to do instead: the first words of a statement, and words within it.
const FORBIDDEN: [(&str, &str, &str); 12] = [
    ("DROP TABLE", "", "leave the table; a later release drops it once no server reads it"),
    ("DROP VIEW", "", "leave it"),
    ("TRUNCATE", "", "leave the rows"),
    ("DELETE", "", "leave the rows, or let the server sweep them"),
    ("CREATE TRIGGER", "", "write it where the change is made: the store"),
    (
        "CREATE UNIQUE INDEX",
        "",
        "servers of the release before may write what it forbids: make a new table",
    ),
    (
        "ALTER TABLE",
        " DROP ",
        "leave the column or constraint; a server of the release before uses it",
    ),
    ("ALTER TABLE", " RENAME ", "add a column or table of the new name"),
    ("ALTER TABLE", " ALTER ", "add a column of the new type"),
    ("ALTER TABLE", " ADD CONSTRAINT ", "servers of the release before may write what it forbids"),
    ("ALTER TABLE", " UNIQUE", "servers of the release before may write what it forbids"),
    ("ALTER TABLE", " CHECK", "servers of the release before may write what it forbids"),
];

/// What a migration does that a server of the release before would not survive: the line and the advice.
pub(super) fn inspect(sql: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, statement) in statements(sql) {
        let forbidden = FORBIDDEN
            .iter()
            .find(|(first, within, _)| statement.starts_with(first) && statement.contains(within));
        if let Some((first, within, advice)) = forbidden {
            found.push((line, format!("{first} …{within}: {advice}")));
        }
        let adds = statement.starts_with("ALTER TABLE") && statement.contains(" ADD ");
        if adds && statement.contains(" NOT NULL") && !statement.contains(" DEFAULT ") {
            found.push((
                line,
                "NOT NULL without DEFAULT: servers of the release before leave it out".to_owned(),
            ));
        }
    }
    found
}

/// Each statement in capitals with single blanks, and the line that it begins on. Comments are left out;
/// no migration has a semicolon within quotes.
fn statements(sql: &str) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    let (mut start, mut words) = (0, String::new());
    for (number, line) in (1..).zip(sql.lines()) {
        let line = line.split_once("--").map_or(line, |(code, _)| code);
        for (at, part) in line.split(';').enumerate() {
            if at > 0 {
                all.push((start, std::mem::take(&mut words)));
            }
            for word in part.split_whitespace() {
                if words.is_empty() {
                    start = number;
                } else {
                    words.push(' ');
                }
                words.push_str(&word.to_uppercase());
            }
        }
    }
    all.push((start, words));
    all.retain(|(_, statement)| !statement.is_empty());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additions_are_let_through() {
        let sql = "-- DROP TABLE a;\nCREATE TABLE b (x TEXT UNIQUE);\nDROP INDEX c;\nCREATE INDEX c ON b (x);
                   ALTER TABLE b ADD COLUMN y TEXT NOT NULL DEFAULT ''; ALTER TABLE b ADD COLUMN dropped_at INTEGER;
                   INSERT INTO b VALUES ('drop table b');";
        assert_eq!(inspect(sql), []);
    }

    #[test]
    fn what_a_server_of_the_release_before_would_not_survive_is_found_on_its_line() {
        for sql in [
            "drop table a",
            "ALTER TABLE a DROP COLUMN x",
            "ALTER TABLE a RENAME TO b",
            "ALTER TABLE a RENAME COLUMN x TO y",
            "ALTER TABLE a ALTER COLUMN x TYPE bigint",
            "ALTER TABLE a ADD CONSTRAINT c CHECK (x > 0)",
            "ALTER TABLE a ADD COLUMN x INTEGER CHECK (x > 0)",
            "ALTER TABLE a ADD COLUMN x TEXT NOT NULL",
            "CREATE UNIQUE INDEX i ON a (x)",
            "DELETE FROM a",
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1",
        ] {
            let found =
                inspect(&format!("CREATE TABLE z (x TEXT);\n\n{};", sql.replace(' ', "\n ")));
            assert_eq!(found.first().map(|(line, _)| *line), Some(3), "{sql}");
        }
    }
}
