//! `grantd doctor`: looks at settings, keys and database, changes nothing, and says what to do.

mod database;
mod settings;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::{output::Output, settings::Settings};

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grade {
    Fine,
    Warning,
    Error,
}

impl Grade {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What was looked at, and what was found. No secret is in it.
#[derive(Debug)]
struct Finding {
    check: &'static str,
    grade: Grade,
    says: String,
}

impl Finding {
    fn fine(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, grade: Grade::Fine, says: says.into() }
    }

    fn warning(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, grade: Grade::Warning, says: says.into() }
    }

    fn error(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, grade: Grade::Error, says: says.into() }
    }

    /// What an attempt says of itself: its result, or the whole error.
    fn of(check: &'static str, outcome: Result<String>) -> Self {
        match outcome {
            Ok(says) => Self::fine(check, says),
            Err(error) => Self::error(check, format!("{error:#}")),
        }
    }

    fn line(&self) -> String {
        format!("{:7}  {:14}  {}\n", self.grade.as_str(), self.check, self.says)
    }

    fn json(&self) -> Value {
        json!({ "check": self.check, "grade": self.grade.as_str(), "says": self.says })
    }
}

pub(super) async fn run(settings: &Settings, output: Output) -> Result<()> {
    let mut findings = settings::look(settings);
    findings.extend(database::look(settings).await);
    let count = |grade| findings.iter().filter(|finding| finding.grade == grade).count();
    let (errors, warnings) = (count(Grade::Error), count(Grade::Warning));
    let checks: Vec<_> = findings.iter().map(Finding::json).collect();
    let document = json!({ "errors": errors, "warnings": warnings, "checks": checks });
    output.answer(&document, || findings.iter().map(Finding::line).collect())?;
    if errors > 0 {
        bail!("{errors} of {} checks failed: do what they say, then look again", findings.len());
    }
    Ok(())
}
