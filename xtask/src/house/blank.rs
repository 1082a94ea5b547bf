//! Blanks comments and literals out of Rust source, so that rules judge code and not words.

/// The same text, line by line, with spaces for every comment and literal.
pub(super) fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    let mut before = b' ';
    while code.len() < bytes.len() {
        let rest = &bytes[code.len()..];
        let length = blank_length(rest, before).min(rest.len());
        if length == 0 {
            before = rest[0];
            code.push(before);
        } else {
            before = b' ';
            code.extend(rest[..length].iter().map(|&b| if b == b'\n' { b } else { b' ' }));
        }
    }
    String::from_utf8_lossy(&code).into_owned()
}

/// How many bytes of a comment or literal begin here; none in plain code.
fn blank_length(rest: &[u8], before: u8) -> usize {
    let in_word = before.is_ascii_alphanumeric() || before == b'_';
    match rest {
        [b'/', b'/', ..] => find(rest, b"\n"),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => string(rest),
        [b'r', ..] if !in_word => raw_string(rest, 1),
        [b'b' | b'c', b'r', ..] if !in_word => raw_string(rest, 2),
        [b'\'', ..] => character(rest),
        _ => 0,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// Nothing if it is a raw identifier or a plain word.
fn raw_string(rest: &[u8], prefix: usize) -> usize {
    let hashes = rest[prefix..].iter().take_while(|&&b| b == b'#').count();
    let start = prefix + hashes + 1;
    if rest.get(start - 1) != Some(&b'"') {
        return 0;
    }
    let mut end = vec![b'"'];
    end.resize(hashes + 1, b'#');
    start + find(&rest[start..], &end) + end.len()
}

/// Nothing if it is a lifetime.
fn character(rest: &[u8]) -> usize {
    if rest.get(1) == Some(&b'\\') {
        return 3 + find(rest.get(3..).unwrap_or_default(), b"'") + 1;
    }
    let is_continued = |b: &&u8| (0x80..0xc0).contains(*b);
    let width = 1 + rest.iter().skip(2).take_while(is_continued).count();
    if rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
}

/// Where it is found, or where the text ends.
fn find(rest: &[u8], wanted: &[u8]) -> usize {
    rest.windows(wanted.len()).position(|part| part == wanted).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        blank(text).split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn comments_go() {
        assert_eq!(words("a // b\nc /* d /* e */ f */ g"), ["a", "c", "g"]);
    }

    #[test]
    fn strings_go_whatever_they_hold() {
        assert_eq!(words(r#"a "b \" // c" d"#), ["a", "d"]);
        assert_eq!(words("a r#\"b \" c\"# d br\"e\" f"), ["a", "d", "f"]);
        assert_eq!(words("a \"b\\\\\" c"), ["a", "c"]);
    }

    #[test]
    fn characters_go_and_lifetimes_stay() {
        assert_eq!(words(r"a '\'' b '/' c 'ß' d '\u{41}' e"), ["a", "b", "c", "d", "e"]);
        assert_eq!(words("&'a str, &'static b"), ["&'a", "str,", "&'static", "b"]);
    }

    #[test]
    fn raw_identifiers_stay() {
        assert_eq!(words("r#type for rust"), ["r#type", "for", "rust"]);
    }

    #[test]
    fn lines_stay_where_they_are() {
        let text = "a\n/* b\nc */ d\n\"e\nf\" g";
        assert_eq!(blank(text).lines().count(), text.lines().count());
        assert_eq!(blank(text).lines().nth(2).unwrap().trim(), "d");
    }

    #[test]
    fn an_open_end_is_no_panic() {
        for text in ["\"a", "/* a", "r#\"a", "'\\", "'", "b'", "r", "br", "\"\\"] {
            assert_eq!(blank(text).len(), text.len(), "{text}");
        }
    }
}
