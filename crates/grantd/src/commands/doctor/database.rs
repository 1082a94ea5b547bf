//! What can be said of the database: whether it answers, is sound, and has what a server needs.

use anyhow::Result;
use grantd_core::{Permission, Timestamp, UserState};
use grantd_issuer::{Clock, Registrar, Survey, UserFilter, clock::SystemClock, moment};
use grantd_store::Location;

use super::{Finding, settings::private};
use crate::{serve::MANAGE, settings::Settings};

/// How far the clocks of two machines may be apart, in microseconds: to be noticed, and at all.
const APART: u64 = 2_000_000;
const TOO_FAR: u64 = 30_000_000;
/// How many secrets of a kind are named.
const NAMED: u32 = 10;
const PAGE: u32 = 1000;

/// Everything of the database.
pub(super) async fn look(settings: &Settings) -> Vec<Finding> {
    let location = match settings.database() {
        Ok(location) => location,
        Err(error) => return vec![Finding::error("database", format!("{error:#}"))],
    };
    let mut findings = condition(&location).await;
    let store = match location.open_unchanged().await {
        Ok(Some(store)) => store,
        // It was said above.
        Ok(None) => return findings,
        Err(fault) => {
            findings.push(Finding::error("schema", fault.to_string()));
            return findings;
        }
    };
    findings.push(Finding::fine("schema", "is this grantd's"));
    let registrar = Registrar::new(store);
    findings.push(Finding::of("audit log", audit(&registrar).await));
    findings.push(
        administrator(&registrar)
            .await
            .unwrap_or_else(|error| Finding::error("administrator", format!("{error:#}"))),
    );
    findings.push(match registrar.survey(NAMED).await {
        Ok(survey) => secrets(&survey),
        Err(error) => Finding::error("secrets", error.to_string()),
    });
    findings
}

/// What the engine says.
async fn condition(location: &Location) -> Vec<Finding> {
    let before = SystemClock.now();
    let condition = match location.condition().await {
        Ok(Some(condition)) => condition,
        Ok(None) => {
            let says = format!(
                "there is none at {location} yet: the first `grantd serve` or command makes it"
            );
            return vec![Finding::warning("database", says)];
        }
        Err(fault) => return vec![Finding::error("database", fault.to_string())],
    };
    let mut findings = vec![match condition.damage {
        None => Finding::fine("database", format!("{location} answers and is sound")),
        Some(damage) => Finding::error(
            "database",
            format!(
                "{location} is damaged ({damage}): stop grantd, then `grantd restore FILE --force`"
            ),
        ),
    }];
    if let Location::Sqlite(path) = location {
        findings.extend(private("database file", path));
    }
    findings.extend(condition.clock.map(|theirs| clock(before, theirs, SystemClock.now())));
    findings
}

/// How far the database's clock is from ours, at least.
fn clock(before: Timestamp, theirs: Timestamp, after: Timestamp) -> Finding {
    let (before, theirs, after) = (before.micros(), theirs.micros(), after.micros());
    let apart = (before - theirs).max(theirs - after).max(0).unsigned_abs();
    let says = format!("the database's is {} ms from this machine's", apart / 1000);
    match apart {
        TOO_FAR.. => Finding::error("clock", format!("{says}: synchronise both with NTP")),
        APART.. => Finding::warning("clock", format!("{says}: synchronise both with NTP")),
        _ => Finding::fine("clock", says),
    }
}

async fn audit(registrar: &Registrar) -> Result<String> {
    let chain = registrar.verify_audit().await?;
    Ok(format!("{} events, unaltered", chain.length()))
}

/// Whether anybody can sign in to the console and do something there.
async fn administrator(registrar: &Registrar) -> Result<Finding> {
    let is_all = |permissions: &[Permission]| permissions.iter().any(|one| one.as_str() == MANAGE);
    let roles = registrar.roles().await?;
    let roles: Vec<_> =
        roles.iter().filter(|role| is_all(&role.permissions)).map(|role| &role.name).collect();
    let filter = UserFilter { state: Some(UserState::Active), ..UserFilter::default() };
    let mut after = None;
    loop {
        let users = registrar.users(&filter, after, PAGE).await?;
        let is_admin = |user: &grantd_issuer::User| {
            is_all(&user.permissions) || user.roles.iter().any(|role| roles.contains(&role))
        };
        if users.iter().any(is_admin) {
            return Ok(Finding::fine("administrator", format!("somebody has {MANAGE}")));
        }
        let Some(last) = users.last() else { break };
        after = Some(last.id);
    }
    Ok(Finding::warning(
        "administrator",
        format!(
            "nobody can work with the console: `grantd user create --name NAME --permission {MANAGE}`"
        ),
    ))
}

fn secrets(survey: &Survey) -> Finding {
    let named = survey.ending.iter().map(|secret| {
        let end = secret.expires_at.map(moment).unwrap_or_default();
        format!("{} (client {}) ends {end}", secret.credential, secret.client)
    });
    let named: Vec<_> = named.collect();
    if named.is_empty() {
        return Finding::fine("secrets", "none of an active client ends within 30 days");
    }
    let says = format!("end within 30 days: {}; `grantd client rotate`", named.join(", "));
    Finding::warning("secrets", says)
}

#[cfg(test)]
mod tests {
    use super::{super::Grade, *};

    #[test]
    fn clocks_are_apart_by_what_no_journey_explains() {
        let at = Timestamp::from_seconds;
        let grade = |before, theirs, after| clock(at(before), at(theirs), at(after)).grade;
        assert_eq!(grade(100, 103, 110), Grade::Fine, "the answer took ten seconds");
        assert_eq!(grade(100, 105, 101), Grade::Warning);
        assert_eq!(grade(100, 95, 101), Grade::Warning);
        assert_eq!(grade(100, 40, 101), Grade::Error);
    }
}
