//! The load: wrk, with a script that looks at every answer.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use super::scratch::Scratch;
use crate::{
    failure::{Failure, Outcome},
    run,
};

const CONNECTIONS: u32 = 32;

/// One form that is sent again and again.
pub(super) struct Load {
    script: PathBuf,
    path: &'static str,
    connections: u32,
}

/// What came of it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answers {
    /// Status 200 with what was asked for.
    pub(super) tokens: u32,
    /// Anything else, and connections that broke.
    pub(super) others: u32,
    /// How long the load lasted.
    pub(super) micros: u32,
}

impl Load {
    /// Requests for tokens, by one client's credentials.
    pub(super) fn new(scratch: &Scratch, name: &str, form: &str) -> Outcome<Self> {
        Self::at("/oauth/token", scratch, name, form)
    }

    /// The same at another path. An answer counts if it has a token, or says that one is active.
    pub(super) fn at(
        path: &'static str,
        scratch: &Scratch,
        name: &str,
        form: &str,
    ) -> Outcome<Self> {
        let script = scratch.write(&format!("{name}.lua"), &SCRIPT.replace("FORM", form))?;
        Ok(Self { script, path, connections: CONNECTIONS })
    }

    /// By so many connections: a slow server would keep the last ones waiting beyond the end.
    pub(super) fn by(self, connections: u32) -> Self {
        Self { connections, ..self }
    }

    /// Loads the server to the end of the time.
    pub(super) fn run(&self, port: u16, seconds: u64) -> Outcome<Answers> {
        let said = run::text(&mut self.command(port, seconds))?;
        for wrong in said.lines().filter(|line| line.starts_with("first other answer: ")) {
            println!("{wrong}");
        }
        Answers::parse(&said)
            .ok_or_else(|| Failure::broken(format!("wrk did not count its answers:\n{said}")))
    }

    /// Loads the server while something else is measured.
    pub(super) fn start(&self, port: u16, seconds: u64) -> Outcome<Background> {
        let started = self.command(port, seconds).stdout(Stdio::null()).spawn();
        started.map(Background).map_err(|error| Failure::broken(format!("wrk: {error}")))
    }

    fn command(&self, port: u16, seconds: u64) -> Command {
        let connections = self.connections;
        let line = format!(
            "wrk --threads 1 --connections {connections} --duration {seconds}s --timeout 30s"
        );
        let mut command = run::command(&line);
        command.arg("--script").arg(&self.script);
        command.arg(format!("http://127.0.0.1:{port}{}", self.path));
        command
    }
}

/// A load that ends with this value, if not before.
pub(super) struct Background(Child);

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nobody to kill.
        if self.0.kill().is_ok()
            && let Err(error) = self.0.wait()
        {
            eprintln!("wrk: {error}");
        }
    }
}

impl Answers {
    fn parse(output: &str) -> Option<Self> {
        let line = output.lines().find_map(|line| line.strip_prefix("answers: "))?;
        let mut numbers = line.split(' ').map(|word| word.parse().ok());
        let mut next = || numbers.next().flatten();
        Some(Self { tokens: next()?, others: next()?, micros: next()? })
    }
}

/// What a thread counts is its own, so the numbers are asked from each at the end.
const SCRIPT: &str = r#"
local threads = {}

wrk.method = "POST"
wrk.body = "FORM"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"

function setup(thread)
  table.insert(threads, thread)
end

function init()
  tokens, others = 0, 0
end

function response(status, headers, body)
  if status == 200 and
      (string.find(body, '"access_token": ?"') or string.find(body, '"active": ?true')) then
    tokens = tokens + 1
  else
    others = others + 1
    if others == 1 then io.write("first other answer: ", status, " ", body, "\n") end
  end
end

function done(summary)
  local tokens, others = 0, 0
  for _, thread in ipairs(threads) do
    tokens = tokens + thread:get("tokens")
    others = others + thread:get("others")
  end
  local broken = summary.errors
  others = others + broken.connect + broken.read + broken.write + broken.timeout
  io.write(string.format("answers: %d %d %d\n", tokens, others, summary.duration))
end
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_count_is_read() {
        let output = "Running 1s test\nanswers: 4000 2 1000123\n";
        let answers = Answers { tokens: 4000, others: 2, micros: 1_000_123 };
        assert_eq!(Answers::parse(output), Some(answers));
        assert_eq!(Answers::parse("Running 1s test\n"), None);
        assert_eq!(Answers::parse("answers: 1 many 2\n"), None);
    }
}
