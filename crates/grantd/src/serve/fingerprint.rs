//! A short text that differs when what is shown differs: ETags and forms bring it back.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

/// Of all that is shown. No defence against forgery: who sends it may change the thing anyway.
pub(super) fn fingerprint(shown: &impl Serialize) -> String {
    let mut digest = DefaultHasher::new();
    serde_json::to_vec(shown).unwrap_or_default().hash(&mut digest);
    format!("{:016x}", digest.finish())
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn it_differs_with_what_is_shown_and_with_nothing_else() {
        assert_eq!(fingerprint(&("a", 1)), fingerprint(&("a", 1)));
        assert_ne!(fingerprint(&("a", 1)), fingerprint(&("a", 2)));
    }
}
