//! What a change changed: the members of its object that differ.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

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
    let changed = before.is_some() && after.is_some();
    let (before, after) = (members(before), members(after));
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let names = names.into_iter().filter(|name| !changed || !NOISE.contains(&name.as_str()));
    let differences = names.filter_map(|name| {
        let of = |members: &Members| members.get(name).cloned().unwrap_or_default();
        let (before, after) = (of(&before), of(&after));
        let gone: Vec<_> = before.iter().filter(|value| !after.contains(value)).cloned().collect();
        let come: Vec<_> = after.into_iter().filter(|value| !before.contains(value)).collect();
        let differs = !gone.is_empty() || !come.is_empty();
        differs.then(|| Difference { member: name.clone(), gone, come })
    });
    differences.collect()
}

type Members = BTreeMap<String, Vec<String>>;

/// What an object says, member by member; objects in a list go by their ids.
fn members(object: Option<&Value>) -> Members {
    let mut members = Members::new();
    for (name, value) in object.and_then(Value::as_object).into_iter().flatten() {
        let elements = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let objects: Vec<_> = elements.iter().filter_map(|one| Some((id(one)?, one))).collect();
        if objects.is_empty() {
            members.insert(name.clone(), values(value));
        }
        for (id, object) in objects {
            let of_it = object.as_object().into_iter().flatten();
            let of_it = of_it.filter(|(_, value)| value.as_str() != Some(id));
            members.extend(
                of_it.map(|(inner, value)| (format!("{name} {id} {inner}"), values(value))),
            );
        }
    }
    members
}

fn id(value: &Value) -> Option<&str> {
    let mut members = value.as_object()?.iter();
    members.find(|(name, _)| name.ends_with("_id")).and_then(|(_, value)| value.as_str())
}

/// A value as its elements; null, empty text and empty list say nothing.
fn values(value: &Value) -> Vec<String> {
    match value {
        Value::Array(elements) => elements.iter().filter_map(text).collect(),
        value => text(value).into_iter().collect(),
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
    fn objects_in_a_list_are_told_by_their_ids() {
        let before = json!({"keys": [{"key_id": "k1", "end": null, "at": 1}]});
        let after =
            json!({"keys": [{"key_id": "k1", "end": 9, "at": 1}, {"key_id": "k2", "at": 2}]});
        assert_eq!(told(&before, &after), [r#"keys k1 end [] ["9"]"#, r#"keys k2 at [] ["2"]"#]);
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
