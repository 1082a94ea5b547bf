//! LIKE patterns, the same for both engines.

/// The pattern for texts that contain this one; its escape sign is the backslash.
pub(crate) fn containing(text: &str) -> String {
    // No name or id is longer, so what is in none of them stays so; SQLite refuses huge patterns.
    let text: String = text.chars().take(256).collect();
    let literal = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{literal}%")
}
