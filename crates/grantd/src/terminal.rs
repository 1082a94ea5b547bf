//! Passwords from who sits at the terminal, unseen, or from standard input.

use std::io::{BufRead, IsTerminal, Read, Write, stderr, stdin};

use anyhow::{Context, Result, bail};
use grantd_core::Secret;
use grantd_issuer::Password;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroize;

/// The longest line that is read, in bytes.
const LONGEST: u64 = 4096;

/// Where a password comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Asked for, twice.
    Terminal,
    /// One line of standard input.
    Stdin,
}

impl Source {
    pub(crate) const fn of(stdin: bool) -> Self {
        if stdin { Self::Stdin } else { Self::Terminal }
    }
}

/// A password that somebody chooses.
pub(crate) fn choose_password(source: Source) -> Result<Password> {
    let chosen = match source {
        Source::Stdin => line()?,
        Source::Terminal if stdin().is_terminal() => {
            let first = asked("Password: ")?;
            let second = asked("Again: ")?;
            if first.reveal() != second.reveal() {
                bail!("the passwords differ: nothing was changed");
            }
            first
        }
        Source::Terminal => {
            bail!(
                "there is no terminal to ask for the password at: pipe it in with --password-stdin"
            )
        }
    };
    Ok(Password::choose(chosen)?)
}

/// What is typed without being shown.
fn asked(prompt: &str) -> Result<Secret> {
    let mut terminal = stderr().lock();
    let said = |terminal: &mut dyn Write, text: &str| {
        terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush())
    };
    said(&mut terminal, prompt).context("the terminal cannot be written to")?;
    let hidden = Hidden::start()?;
    let typed = line();
    drop(hidden);
    said(&mut terminal, "\n").context("the terminal cannot be written to")?;
    typed
}

/// The terminal shows nothing that is typed, until this is dropped.
struct Hidden(Termios);

impl Hidden {
    fn start() -> Result<Self> {
        let before = tcgetattr(stdin()).context("the terminal cannot be asked how it is set")?;
        let mut hidden = before.clone();
        hidden.local_modes -= LocalModes::ECHO;
        tcsetattr(stdin(), OptionalActions::Flush, &hidden)
            .context("the terminal cannot be told to hide what is typed")?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // If even this fails, `stty echo` brings it back; there is nobody to tell.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
    }
}

/// One line of standard input, without its end.
fn line() -> Result<Secret> {
    let mut line = String::new();
    let read = stdin().lock().take(LONGEST).read_line(&mut line);
    // The text may hold half a password, and the error would quote none of it.
    if read.is_err() {
        line.zeroize();
        bail!("standard input is no text in UTF-8");
    }
    let kept = line.strip_suffix('\n').unwrap_or(&line);
    let kept = kept.strip_suffix('\r').unwrap_or(kept).len();
    line.truncate(kept);
    Ok(Secret::new(line))
}
