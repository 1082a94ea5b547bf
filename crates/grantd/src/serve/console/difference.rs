//! What a change changed: the members of its object that differ.

use serde_json::{Map, Value};

/// A member that differs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) member: String,
    /// What is not there any more: values, or elements of a list.
    pub(super) gone: Vec<String>,
    /// What has come.
    pub(super) come: Vec<String>,
}

/// Differ in every change of a client and tell nothing.
const NOISE: [&str; 2] = ["version", "updated_at"];

/// The members that differ; those of an object that came or went, where they say anything.
pub(super) fn difference(before: Option<&Value>, after: Option<&Value>) -> Vec<Difference> {
    let nothing = Map::new();
    let members = |value: Option<&Value>| -> Map<String, Value> {
        value.and_then(Value::as_object).unwrap_or(&nothing).clone()
    };
    let changed = before.is_some() && after.is_some();
    let (before, after) = (members(before), members(after));
    let came = after.keys().filter(|name| !before.contains_key(*name));
    let names =
        before.keys().chain(came).filter(|name| !changed || !NOISE.contains(&name.as_str()));
    let differences = names.filter_map(|name| {
        let (before, after) = (values(before.get(name)), values(after.get(name)));
        let gone: Vec<_> = before.iter().filter(|value| !after.contains(value)).cloned().collect();
        let come: Vec<_> = after.into_iter().filter(|value| !before.contains(value)).collect();
        let differs = !gone.is_empty() || !come.is_empty();
        differs.then(|| Difference { member: name.clone(), gone, come })
    });
    differences.collect()
}

/// A value as its elements; null, empty text and empty list say nothing.
fn values(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(elements)) => elements.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(before: &Value, after: &Value) -> Vec<String> {
        let some = |value: &Value| Some(value.clone()).filter(|value| !value.is_null());
        let found = difference(some(before).as_ref(), some(after).as_ref());
        found.iter().map(|one| format!("{} {:?} {:?}", one.member, one.gone, one.come)).collect()
    }

    #[test]
    fn only_what_differs_is_told() {
        let before = json!({"name": "a", "ttl": null, "version": 1, "kept": [1, 2]});
        let after = json!({"name": "b", "ttl": 60, "version": 2, "kept": [1, 2]});
        assert_eq!(told(&before, &after), [r#"name ["a"] ["b"]"#, r#"ttl [] ["60"]"#]);
    }

    #[test]
    fn of_lists_only_the_elements_that_came_and_went() {
        let (before, after) = (json!({"may": ["a", "b"]}), json!({"may": ["b", "c"]}));
        assert_eq!(told(&before, &after), [r#"may ["a"] ["c"]"#]);
    }

    #[test]
    fn what_is_new_or_gone_is_told_as_far_as_it_says_anything() {
        let thing = json!({"name": "a", "description": "", "owner": null, "roles": []});
        assert_eq!(told(&Value::Null, &thing), [r#"name [] ["a"]"#]);
        assert_eq!(told(&thing, &Value::Null), [r#"name ["a"] []"#]);
    }

    #[test]
    fn what_is_no_object_differs_in_nothing() {
        assert!(told(&json!("a"), &json!([1])).is_empty());
    }
}
