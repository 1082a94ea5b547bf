//! The command line: what can be said to grantd, and who answers.

mod api;
mod apply;
mod audit;
mod client;
mod database;
mod keys;
mod permission;
mod role;
mod token;
mod user;

pub(crate) use api::Api;
pub(crate) use apply::Apply;
pub(crate) use audit::Audit;
pub(crate) use client::{Client, ClientCreate, ClientList, ClientUpdate, FinishRotation, Rotate};
pub(crate) use database::{Backup, Migrate, Restore};
pub(crate) use keys::{Keys, KeysAdd, KeysGenerate, KeysRetire, KeysRevoke, KeysSignWith};
pub(crate) use permission::PermissionCommand;
pub(crate) use role::Role;
pub(crate) use token::Token;
pub(crate) use user::{User, UserCreate, UserList, UserPassword, UserUpdate, Who};

use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use grantd_issuer::Setting;

use crate::settings::{Flags, ServeFlags};

/// The OAuth 2.0 authorization server for machines.
#[derive(Parser, Debug)]
#[command(name = "grantd", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do; without a command: serve
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten, next_help_heading = "Global options")]
    pub(crate) flags: Flags,
    #[command(flatten, next_help_heading = "Options of serve")]
    pub(crate) serve: ServeFlags,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run the server
    Serve(ServeFlags),
    /// Try everything on a temporary database: prints curl lines that work as they are
    Demo(DemoFlags),
    /// Signing keys
    #[command(subcommand)]
    Keys(Keys),
    /// App clients
    #[command(subcommand)]
    Client(Client),
    /// Roles: named sets of permissions
    #[command(subcommand)]
    Role(Role),
    /// Permissions: named rights, which are the scopes of tokens
    #[command(subcommand)]
    Permission(PermissionCommand),
    /// APIs: what tokens are for
    #[command(subcommand)]
    Api(Api),
    /// Users: people with an account
    #[command(subcommand)]
    User(User),
    /// Access tokens
    #[command(subcommand)]
    Token(Token),
    /// The audit log: every change with who, when and what
    #[command(subcommand)]
    Audit(Audit),
    /// Make APIs, permissions, roles and clients what a file says; what it does not name stays
    Apply(Apply),
    /// Bring the database up to this grantd's schema (serve does so too), or move everything into another
    Migrate(Migrate),
    /// Write a backup of the SQLite database, while servers run on it
    Backup(Backup),
    /// Look at settings, keys and database, and say what to do; nothing is changed
    Doctor(ServeFlags),
    /// Put a backup into the place of the SQLite database, on which no server runs
    Restore(Restore),
}

#[derive(Args, Debug)]
pub(crate) struct DemoFlags {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: String,
}

/// A value, or the word `default` for having none of one's own.
fn or_default<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<Setting<T>, String> {
    if text == "default" {
        return Ok(Setting::Clear);
    }
    text.parse().map(Setting::Set).map_err(|error: T::Err| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
