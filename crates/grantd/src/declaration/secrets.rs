//! Secrets do not belong in a file that is kept and passed around: what looks like one is refused.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Parts of names under which people keep secrets.
const TELLING: [&str; 4] = ["secret", "password", "passphrase", "private"];

/// Finds every key, however deep, that is named like a secret. What stands there is not repeated.
pub(super) fn look_for(table: &DeTable<'_>, found: &mut dyn FnMut(&Range<usize>, String)) {
    for (key, value) in table {
        let name = key.get_ref().to_ascii_lowercase();
        if TELLING.iter().any(|part| name.contains(part)) {
            found(
                &key.span(),
                format!(
                    "secrets never belong in this file: take `{}` out; grantd makes the secret of a new \
                     client and shows it once, or `grantd client create --secret-stdin` brings one in",
                    key.get_ref()
                ),
            );
        } else {
            look_into(value, found);
        }
    }
}

fn look_into(value: &Spanned<DeValue<'_>>, found: &mut dyn FnMut(&Range<usize>, String)) {
    match value.get_ref() {
        DeValue::Table(table) => look_for(table, found),
        DeValue::Array(array) => array.iter().for_each(|item| look_into(item, found)),
        _ => {}
    }
}
