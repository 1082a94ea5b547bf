//! grantd from outside: the real binary, on port 0, over real sockets.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the verdict of a test")]
#![expect(clippy::disallowed_methods, reason = "tests measure real time")]

mod accounts;
mod acting;
mod admin_api;
mod admin_users;
mod app;
mod apply;
mod authenticator;
mod balancer;
mod code_flow;
mod command_line;
mod console_apps;
mod console_docs;
mod console_pages;
mod dead_tokens;
mod demo;
mod drain;
mod feed_readers;
mod grant_attacks;
mod grant_kills;
mod grant_races;
mod hostile;
mod inspect;
mod key_rotation;
mod kills;
mod ledger;
mod life;
mod load;
mod metrics;
mod narrowing;
mod no_rows;
mod opaque_tokens;
mod passkeys;
mod rolling;
mod server;
mod slow;
mod throttled;
mod through_apps;
mod tokens;
mod traces;
mod transcript;
mod two_nodes;
mod usage;
mod users_tokens;
mod visitor;
mod wire;
