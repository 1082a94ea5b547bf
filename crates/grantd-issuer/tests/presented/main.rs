//! Tokens that come back: introspection, revocation and opaque tokens, as a host that embeds the
//! server sees them.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the verdict of a test")]

mod feed;
mod introspection;
mod opaque;
mod revocation;
mod subjects;
mod world;
