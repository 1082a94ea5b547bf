//! A grantd with keys and clients, set up by its own commands in a scratch folder.

use std::{path::PathBuf, process::Command, time::Duration};

use super::{
    OPAQUE,
    scratch::Scratch,
    server::{Ready, Server},
};
use crate::{
    failure::{Failure, Outcome},
    run,
};

/// A program of the release build, which lies beside the build of this one.
pub(super) fn program(name: &str) -> Outcome<PathBuf> {
    let this = std::env::current_exe().map_err(|error| Failure::broken(error.to_string()))?;
    let target = this.ancestors().nth(2).unwrap_or(&this);
    Ok(target.join("release").join(name))
}

/// The binary and the folder that it works in.
pub(super) struct Grantd<'a> {
    program: PathBuf,
    scratch: &'a Scratch,
}

impl<'a> Grantd<'a> {
    /// Makes keys for every algorithm, and the permissions that the clients get.
    pub(super) fn set_up(scratch: &'a Scratch) -> Outcome<Self> {
        let grantd = Self { program: program("grantd")?, scratch };
        let keys = "--alg RS256 --alg PS256 --alg ES256 --alg EdDSA --env-file .env";
        grantd.tell(&format!("keys generate {keys}"))?;
        grantd.tell("permission create view_schools")?;
        grantd.tell("permission create invoices.read")?;
        Ok(grantd)
    }

    /// Makes a client whose tokens are signed so, or opaque; answers the form that asks for one.
    pub(super) fn form(&self, kind: &str) -> Outcome<String> {
        let permissions = "--permission view_schools --permission invoices.read";
        let look = match kind {
            OPAQUE => "--format opaque".to_owned(),
            alg => format!("--signing-alg {alg}"),
        };
        let credentials = self.credentials(&format!("{kind} {permissions} {look}"))?;
        Ok(format!("grant_type=client_credentials&{credentials}"))
    }

    /// Makes a client, whose name is the first of the words; answers its credentials as a form.
    pub(super) fn credentials(&self, words: &str) -> Outcome<String> {
        let answer = self.tell(&format!(
            "client create --grant client_credentials --json --name bench-{words}"
        ))?;
        let told = |name| {
            let told = member(&answer, name).map(str::to_owned);
            told.ok_or_else(|| Failure::broken(format!("client create told no {name}")))
        };
        let (id, secret) = (told("client_id")?, told("client_secret")?);
        Ok(format!("client_id={id}&client_secret={secret}"))
    }

    pub(super) fn serve(&self) -> Outcome<Server> {
        let log = self.scratch.path().join("grantd.log");
        Server::start(self.command().arg("serve"), &log, Ready::Healthy)
    }

    /// The median of so many starts, from the process to the first answer.
    pub(super) fn start_time(&self, times: usize) -> Outcome<Duration> {
        let mut starts = Vec::with_capacity(times);
        for _ in 0..times {
            starts.push(self.serve()?.started_in);
        }
        starts.sort_unstable();
        Ok(starts.get(times / 2).copied().unwrap_or_default())
    }

    pub(super) fn binary_mb(&self) -> Outcome<f64> {
        let metadata = std::fs::metadata(&self.program).map_err(Failure::at(&self.program))?;
        let kilobytes = u32::try_from(metadata.len() / 1024).unwrap_or(u32::MAX);
        Ok(f64::from(kilobytes) / 1024.0)
    }

    fn tell(&self, words: &str) -> Outcome<String> {
        run::text(self.command().args(words.split_whitespace()))
    }

    fn command(&self) -> Command {
        let folder = self.scratch.path();
        let mut command = Command::new(&self.program);
        // Nothing from outside: a GRANTD_… of the caller's would measure another server.
        command.current_dir(folder).env_clear();
        command.env("GRANTD_DATABASE_URL", format!("sqlite://{}/grantd.db", folder.display()));
        command
    }
}

/// The bare server beside it; for an opaque token it signs nothing.
pub(super) fn floor(scratch: &Scratch, alg: &str) -> Outcome<Server> {
    let log = scratch.path().join("floor.log");
    let mut command = Command::new(program("floor")?);
    Server::start(command.args(["--alg", alg]), &log, Ready::Answering)
}

/// A string of a JSON object; ids and secrets need no escapes.
pub(super) fn member<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let after = json.split_once(&format!("\"{name}\""))?.1.trim_start().strip_prefix(':')?;
    after.trim_start().strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_from_compact_and_from_wide_json() {
        assert_eq!(member(r#"{"client_id":"a","client_secret":"b"}"#, "client_secret"), Some("b"));
        assert_eq!(member("{\n  \"client_id\": \"a\"\n}", "client_id"), Some("a"));
        assert_eq!(member(r#"{"client_id":null}"#, "client_id"), None);
    }
}
