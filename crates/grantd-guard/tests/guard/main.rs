//! A resource server behind a guard, knocked at from outside; tests name the cases they prove.
#![cfg(feature = "axum")]
#![cfg(test)]

mod application;
mod bearer;
mod discovery;
mod fake_feed;
mod fake_introspection;
mod fake_issuer;
mod feed;
mod feed_cuts;
mod feed_lies;
mod forge;
mod introspector;
mod layers;
mod opaque;
mod opaque_feed;
mod principal;
mod raw_requests;
mod remembered;
mod rotation;
mod token_rules;
