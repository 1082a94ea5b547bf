//! The commands: each parses, calls and renders, nothing else.

mod api;
mod apply;
mod audit;
mod backup;
mod client;
mod doctor;
mod keys;
mod migrate;
mod permission;
mod role;
mod token;
mod user;

pub(crate) use keys::fresh_secret_key;

use anyhow::Result;
use grantd_issuer::{Admin, Registrar};

use crate::{cli::Command, environment::account, output::Output, settings::Settings};

pub(crate) async fn run(command: Command, settings: &Settings, output: Output) -> Result<()> {
    match command {
        Command::Keys(command) => keys::run(command, settings, output).await,
        Command::Client(command) => client::run(command, settings, output).await,
        Command::Role(command) => role::run(command, settings, output).await,
        Command::Permission(command) => permission::run(command, settings, output).await,
        Command::Api(command) => api::run(command, settings, output).await,
        Command::User(command) => user::run(command, settings, output).await,
        Command::Token(command) => token::run(command, settings, output).await,
        Command::Audit(command) => audit::run(command, settings, output).await,
        Command::Apply(options) => apply::run(options, settings, output).await,
        Command::Migrate(options) => migrate::run(options, settings, output).await,
        Command::Backup(options) => backup::back_up(&options, settings, output),
        Command::Restore(options) => backup::restore(&options, settings, output),
        Command::Doctor(_) => doctor::run(settings, output).await,
        Command::Serve(_) | Command::Demo(_) => unreachable!("main has run these"),
    }
}

async fn registrar(settings: &Settings) -> Result<Registrar> {
    Ok(Registrar::new(settings.database()?.open().await?))
}

/// The issuer as a server with these settings calls itself.
fn issuer(settings: &Settings) -> Result<String> {
    settings.issuer(settings.listen()?)
}

/// Who is at the command line.
fn operator() -> Admin {
    Admin::command_line(&account())
}

/// Names joined by blanks, or a dash for none.
fn joined<T: ToString>(names: &[T]) -> String {
    if names.is_empty() {
        return "-".to_owned();
    }
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
