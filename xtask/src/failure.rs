//! Why a command stops before its end.

use std::{
    fmt::{self, Display},
    path::Path,
};

/// What every command answers.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// The reason, and with it the exit code.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line is wrong: exit 2, with the usage.
    Usage(String),
    /// Something could not be done: exit 1.
    Broken(String),
    /// The command has already said what is wrong: exit 1 without another word.
    Told,
}

impl Failure {
    pub(crate) fn usage(reason: impl Into<String>) -> Self {
        Self::Usage(reason.into())
    }

    pub(crate) fn broken(reason: impl Into<String>) -> Self {
        Self::Broken(reason.into())
    }

    /// For `map_err`: names the file that could not be read, written or made.
    pub(crate) fn at<E: Display>(path: &Path) -> impl FnOnce(E) -> Self {
        move |error| Self::Broken(format!("{}: {error}", path.display()))
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(reason) | Self::Broken(reason) => f.write_str(reason),
            Self::Told => f.write_str("see above"),
        }
    }
}
