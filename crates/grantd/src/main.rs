//! grantd, the OAuth 2.0 authorization server for machines: reads the command line and calls.

mod cli;
mod commands;
mod declaration;
mod demo;
mod env_file;
mod environment;
mod key_text;
mod output;
mod plan;
mod proxies;
mod serve;
mod settings;
mod terminal;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use tokio::runtime;

use cli::{Cli, Command};
use output::Output;
use settings::Settings;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot start")
        .and_then(|runtime| runtime.block_on(run(cli)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(mut cli: Cli) -> Result<()> {
    let output = Output::new(cli.flags.json);
    let command = cli.command.unwrap_or_else(|| Command::Serve(settings::ServeFlags::default()));
    let command = match command {
        Command::Serve(flags) => {
            let settings = Settings::read(cli.flags, flags.or(cli.serve))?;
            return serve::run(settings, output).await;
        }
        Command::Demo(flags) => return demo::run(flags, output).await,
        // What holds for serve is looked at as serve would be told.
        Command::Doctor(flags) => {
            cli.serve = flags.or(cli.serve);
            Command::Doctor(settings::ServeFlags::default())
        }
        command => command,
    };
    commands::run(command, &Settings::read(cli.flags, cli.serve)?, output).await
}
