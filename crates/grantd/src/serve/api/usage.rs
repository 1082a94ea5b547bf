//! `/api/v1/usage`: how many token requests of each client ended how, hour by hour.

use axum::extract::State;
use grantd_core::Timestamp;
use grantd_issuer::{Hour, Outcome, UsageCount, UsageKey, UsageQuery, UsageTotalView, UsageView};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use utoipa::{IntoParams, ToSchema};

use super::{
    authority::Actor,
    error::{ApiError, Refusals},
    extract::{Ask, Shown},
    page::{Limit, Page},
    words::ClientIdText,
};
use crate::serve::routes::Server;

/// Which counts are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UsageAsked {
    /// Only those of this client.
    #[param(inline)]
    client: Option<ClientIdText>,
    /// From the hour that this moment lies in (RFC 3339); without it, from the beginning.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Moment>,
    /// Up to the hour that this moment lies in, itself left out; without it, to the end.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Moment>,
    /// Only those behind this one: `next` of the page before.
    #[param(value_type = Option<String>, pattern = r"^-?[0-9]{1,11}\.[a-z-]{1,60}\.[\x20-\x7e]{1,255}$")]
    after: Option<Place>,
    /// How many at most; 100 unless said.
    #[param(inline)]
    limit: Option<Limit>,
}

/// Which hours are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HoursAsked {
    /// From the hour that this moment lies in (RFC 3339); without it, from the beginning.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Moment>,
    /// Up to the hour that this moment lies in, itself left out; without it, to the end.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Moment>,
}

/// The sums over all clients.
#[derive(Serialize, ToSchema)]
pub(super) struct Totals {
    /// By hour and outcome; usage is kept for 90 days.
    items: Vec<UsageTotalView>,
}

/// A moment as RFC 3339 writes it.
struct Moment(Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: jiff::Timestamp = text.parse().map_err(|_| {
            D::Error::custom("write a moment as in RFC 3339, like 2026-01-31T12:00:00Z")
        })?;
        Ok(Self(Timestamp::from_seconds(at.as_second())))
    }
}

/// A place in the list, as text `SECONDS.OUTCOME.CLIENT`.
struct Place(UsageKey);

impl Place {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (seconds, outcome, client) = (parts.next()?, parts.next()?, parts.next()?);
        let seconds: i64 = seconds.parse().ok().filter(|_| seconds.len() <= 12)?;
        let known = (1..=60).contains(&outcome.len())
            && outcome.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let hour = Hour::of(Timestamp::from_seconds(seconds));
        let outcome = known.then(|| Outcome::stored(outcome.to_owned()))?;
        Some(Self(UsageKey { hour, outcome, client: client.parse().ok()? }))
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("after is `next` of the page before"))
    }
}

/// Lists token requests by hour, client and outcome (`issued`, or the refusal's name)
#[utoipa::path(get, path = "/usage", tag = "usage", params(UsageAsked),
    responses((status = 200, description = "A page of the list", body = Page<UsageView>), Refusals))]
pub(super) async fn list_usage(
    State(server): State<Server>,
    _: Actor,
    Ask(asked): Ask<UsageAsked>,
) -> Result<Shown<Page<UsageView>>, ApiError> {
    let limit = asked.limit.unwrap_or_default();
    let query = UsageQuery {
        client: asked.client.map(|client| client.0),
        from: asked.from.map_or(Hour::FIRST, |from| Hour::of(from.0)),
        until: asked.until.map_or(Hour::LAST, |until| Hour::of(until.0)),
        after: asked.after.map(|place| place.0),
        limit: limit.and_one(),
    };
    let found = server.registrar.usage(&query).await?;
    Ok(Shown(Page::of(found, limit, place)))
}

/// Sums token requests over all clients, by hour and outcome
#[utoipa::path(get, path = "/usage/totals", tag = "usage", params(HoursAsked),
    responses((status = 200, description = "The sums", body = Totals), Refusals))]
pub(super) async fn sum_usage(
    State(server): State<Server>,
    _: Actor,
    Ask(asked): Ask<HoursAsked>,
) -> Result<Shown<Totals>, ApiError> {
    let from = asked.from.map_or(Hour::FIRST, |from| Hour::of(from.0));
    let until = asked.until.map_or(Hour::LAST, |until| Hour::of(until.0));
    let totals = server.registrar.usage_totals(from, until).await?;
    Ok(Shown(Totals { items: totals.iter().map(UsageTotalView::from).collect() }))
}

fn place(usage: &UsageCount) -> String {
    let UsageKey { hour, client, outcome } = &usage.key;
    format!("{}.{outcome}.{client}", hour.start().seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn op_06_a_forged_cursor_is_refused_or_another_place_and_nothing_else() {
        let key = Place::parse("1700000000.client-secret-wrong.an.id with' quotes").unwrap().0;
        assert_eq!(key.client.as_str(), "an.id with' quotes");
        for forged in [
            "",
            "1",
            "1.issued",
            "1.issued.",
            "x.issued.a",
            "1.' OR 1=1.a",
            "1.ISSUED.a",
            "99999999999999.issued.a",
        ] {
            assert!(Place::parse(forged).is_none(), "{forged}");
        }
    }
}
