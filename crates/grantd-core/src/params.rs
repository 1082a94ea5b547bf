//! The parameters of a request body: form or flat JSON, each name at most once.

use std::{borrow::Cow, fmt};

use serde::de::{Deserializer as _, MapAccess, Visitor};

use crate::refusal::Refusal;

/// How many parameters a body may have.
const MAX: usize = 64;

/// Name and value pairs; no name twice, but for `resource`, whose repetition has an answer of its
/// own (RFC 8707 section 2).
pub(crate) struct Params<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Params<'a> {
    /// No parameters at all.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// Reads a body as its content type says.
    pub(crate) fn parse(content_type: Option<&[u8]>, body: &'a [u8]) -> Result<Self, Refusal> {
        match content_type.and_then(media_type) {
            Some(Media::Form) => Self::parse_form(body),
            Some(Media::Json) => Self::parse_json(body),
            None => Err(Refusal::ContentTypeUnsupported),
        }
    }

    /// Takes a parameter out; one without a value counts as omitted (RFC 6749 section 3.2).
    pub(crate) fn take(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let at = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.swap_remove(at).1).filter(|value| !value.is_empty())
    }

    /// A parameter's value, left where it is; one without a value counts as omitted.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_ref()).filter(|value| !value.is_empty())
    }

    /// Reads a form: a body, or the query of an address.
    pub(crate) fn parse_form(body: &'a [u8]) -> Result<Self, Refusal> {
        let mut params = Self(Vec::with_capacity(8));
        for pair in body.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
            let at = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
            let name = decode_form(&pair[..at]).ok_or(Refusal::FormMalformed)?;
            let value = decode_form(pair.get(at + 1..).unwrap_or_default())
                .ok_or(Refusal::FormMalformed)?;
            params.push(name, value)?;
        }
        Ok(params)
    }

    fn parse_json(body: &'a [u8]) -> Result<Self, Refusal> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        let params = reader.deserialize_map(FlatObject).map_err(|_| Refusal::JsonMalformed)??;
        reader.end().map_err(|_| Refusal::JsonMalformed)?;
        Ok(params)
    }

    fn push(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) -> Result<(), Refusal> {
        if self.0.len() == MAX {
            return Err(Refusal::ParametersTooMany);
        }
        if self.0.iter().any(|(key, _)| *key == name) {
            let repeated_resource = name == "resource";
            return Err(if repeated_resource {
                Refusal::ResourceRepeated
            } else {
                Refusal::ParameterRepeated
            });
        }
        self.0.push((name, value));
        Ok(())
    }
}

enum Media {
    Form,
    Json,
}

/// The media type, if it is one of the two and its charset, if named, is UTF-8.
fn media_type(header: &[u8]) -> Option<Media> {
    let header = str::from_utf8(header).ok()?;
    let mut parts = header.split(';').map(str::trim);
    let essence = parts.next()?;
    let utf8 = parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.eq_ignore_ascii_case("charset")
            || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    if !utf8 {
        None
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Some(Media::Form)
    } else if essence.eq_ignore_ascii_case("application/json") {
        Some(Media::Json)
    } else {
        None
    }
}

/// Form decoding (RFC 6749 appendix B): `+` is a blank, escapes are whole, the result is UTF-8.
/// `None` where the text is broken; nothing is guessed.
pub(crate) fn decode_form(text: &[u8]) -> Option<Cow<'_, str>> {
    if !text.iter().any(|b| matches!(b, b'%' | b'+')) {
        return str::from_utf8(text).ok().map(Cow::Borrowed);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        decoded.push(match first {
            b'+' => b' ',
            b'%' => {
                let (digits, tail) = tail.split_first_chunk::<2>()?;
                rest = tail;
                hex_digit(digits[0])? << 4 | hex_digit(digits[1])?
            }
            other => *other,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Reads one flat JSON object of strings; the inner result says which rule it broke.
struct FlatObject;

impl<'de> Visitor<'de> for FlatObject {
    type Value = Result<Params<'de>, Refusal>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a flat object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut params = Params(Vec::with_capacity(8));
        let mut broken = None;
        while let Some((Text(name), Text(value))) = map.next_entry()? {
            // The rest is still read, so that malformed JSON is called that whatever stands before.
            if broken.is_none() {
                broken = params.push(name, value).err();
            }
        }
        Ok(broken.map_or(Ok(params), Err))
    }
}

/// A JSON string, borrowed from the body where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Text<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FORM: Option<&[u8]> = Some(b"application/x-www-form-urlencoded");
    const JSON: Option<&[u8]> = Some(b"Application/JSON; charset=\"UTF-8\"");

    fn refusal(content_type: Option<&[u8]>, body: &[u8]) -> Option<Refusal> {
        Params::parse(content_type, body).err()
    }

    #[test]
    fn te_27_a_plus_is_a_blank_and_escapes_are_read() {
        let mut params = Params::parse(FORM, b"scope=a+b%20c&x=%E2%82%AC&empty=&bare").unwrap();
        assert_eq!(params.take("scope").unwrap(), "a b c");
        assert_eq!(params.take("x").unwrap(), "€");
        assert_eq!(params.take("empty"), None);
        assert_eq!(params.take("bare"), None);
    }

    #[test]
    fn te_26_broken_escapes_and_bytes_are_refused() {
        for body in [&b"a=%"[..], b"a=%4", b"a=%zz", b"a=%FF%FE", b"\xff=1", b"a=%+1"] {
            assert_eq!(refusal(FORM, body), Some(Refusal::FormMalformed));
        }
    }

    #[test]
    fn te_11_and_21_a_parameter_comes_once() {
        assert_eq!(refusal(FORM, b"a=1&b=2&a=1"), Some(Refusal::ParameterRepeated));
        assert_eq!(refusal(FORM, b"a=1&%61=2"), Some(Refusal::ParameterRepeated));
        assert_eq!(refusal(JSON, br#"{"a":"1","\u0061":"2"}"#), Some(Refusal::ParameterRepeated));
        assert_eq!(refusal(FORM, b"resource=x&resource=y"), Some(Refusal::ResourceRepeated));
    }

    #[test]
    fn te_18_to_20_json_is_one_flat_object_of_strings() {
        for body in [
            "",
            "{",
            "[]",
            "\"x\"",
            "1",
            "null",
            "{\"a\":1}",
            "{\"a\":null}",
            "{\"a\":[\"b\"]}",
            "{\"a\":{}}",
            "{\"a\":\"b\"} x",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"b\",\"a\":\"c\"",
            "{'a':'b'}",
        ] {
            assert_eq!(refusal(JSON, body.as_bytes()), Some(Refusal::JsonMalformed), "{body}");
        }
    }

    #[test]
    fn te_13_other_content_types_are_refused() {
        for header in [
            "text/plain",
            "",
            "multipart/form-data; boundary=x",
            "application/json; charset=latin1",
        ] {
            assert_eq!(
                refusal(Some(header.as_bytes()), b"a=1"),
                Some(Refusal::ContentTypeUnsupported)
            );
        }
        assert_eq!(refusal(None, b"a=1"), Some(Refusal::ContentTypeUnsupported));
    }

    #[test]
    fn the_number_of_parameters_is_bounded() {
        let body: String = (0..=MAX).map(|n| format!("p{n}=1&")).collect();
        assert_eq!(refusal(FORM, body.as_bytes()), Some(Refusal::ParametersTooMany));
    }

    proptest! {
        #[test]
        fn the_parsers_never_panic(body: Vec<u8>) {
            let _ = Params::parse(FORM, &body);
            let _ = Params::parse(JSON, &body);
        }

        #[test]
        fn a_json_body_means_what_the_form_body_means(
            pairs in proptest::collection::btree_map(".{1,8}", ".{0,12}", 0..6)
        ) {
            let form: String = pairs.iter().map(|(k, v)| format!("{}={}&", encode(k), encode(v))).collect();
            let json = serde_json::to_string(&pairs).unwrap();
            let mut from_form = Params::parse(FORM, form.as_bytes()).unwrap();
            let mut from_json = Params::parse(JSON, json.as_bytes()).unwrap();
            for name in pairs.keys() {
                prop_assert_eq!(from_form.take(name), from_json.take(name));
            }
        }
    }

    fn encode(text: &str) -> String {
        text.bytes().map(|b| format!("%{b:02x}")).collect()
    }
}
