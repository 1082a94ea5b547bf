//! Running other programs, always from the root of the checkout.

use std::process::{Command, Output, Stdio};

use crate::{
    failure::{Failure, Outcome},
    tree,
};

/// A program and its words, split at blanks.
pub(crate) fn command(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).current_dir(tree::root()).stdin(Stdio::null());
    command
}

/// Runs to the end with its output shown; anything but success is a failure.
pub(crate) fn show(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::broken(format!("{} ended with {status}", name(command))))
}

/// Runs to the end and keeps what it says.
pub(crate) fn output(command: &mut Command) -> Outcome<Output> {
    command.output().map_err(|error| not_started(command, &error))
}

/// Runs to the end and answers its standard output; a failure carries what it said.
pub(crate) fn text(command: &mut Command) -> Outcome<String> {
    let output = output(command)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::broken(format!("{} ended with {}\n{said}", name(command), output.status)))
}

/// Whether it starts and succeeds; nothing is shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// The command as it would be typed, without its environment.
pub(crate) fn name(command: &Command) -> String {
    let words = command.get_args().map(|word| word.to_string_lossy());
    let mut line = command.get_program().to_string_lossy().into_owned();
    for word in words {
        line.push(' ');
        line.push_str(&word);
    }
    line
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::broken(format!("{} did not start: {error}", name(command)))
}
