//! `/api/v1/audit`: every change with who, when and what.

use axum::extract::State;
use grantd_issuer::{
    AuditEventView, CommandError,
    audit::{AuditQuery, Order},
    hexadecimal,
};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use super::{
    authority::Actor,
    error::{ApiError, Refusals},
    extract::{Ask, Shown},
    page::{Limit, Page},
};
use crate::serve::routes::Server;

/// 2^53 - 1 (RFC 8259 section 6).
const EXACT: u64 = 9_007_199_254_740_991;

/// Which events are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsAsked {
    /// Only what was done to this, e.g. `client:ID`.
    object: Option<String>,
    /// Only what was done by this one, e.g. `cli:root` or `client:ID`.
    actor: Option<String>,
    /// Only what is called so, e.g. `client.rotate`.
    action: Option<String>,
    /// Which come first; the oldest unless said.
    #[param(inline)]
    order: Option<OrderWord>,
    /// Only those that come behind this one: `next` of the page before.
    #[param(inline)]
    after: Option<Place>,
    /// How many at most; 100 unless said.
    #[param(inline)]
    limit: Option<Limit>,
}

/// The number of an event, as large as JSON's numbers are exact.
struct Place(u64);

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seq = u64::deserialize(deserializer)?;
        let refuse = || D::Error::custom("after is the number of an event");
        (seq <= EXACT).then_some(Self(seq)).ok_or_else(refuse)
    }
}

impl PartialSchema for Place {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new().schema_type(Type::Integer);
        object.minimum(Some(0)).maximum(Some(EXACT)).build().into()
    }
}

impl ToSchema for Place {}

/// Which events come first.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OrderWord {
    /// As they happened.
    Oldest,
    /// The last one first.
    Newest,
}

/// Whether the log still says what was written.
#[derive(Serialize, ToSchema)]
pub(super) struct Verdict {
    /// Whether nothing was altered, removed or reordered.
    intact: bool,
    /// How many events were followed; not there where the chain is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    events: Option<u64>,
    /// The hash of the last one: kept elsewhere, it proves the log of today tomorrow.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    hash: Option<String>,
    /// Where the chain is broken; not there where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    broken: Option<String>,
}

/// Lists changes
#[utoipa::path(get, path = "/audit", tag = "audit", params(EventsAsked),
    responses((status = 200, description = "A page of the list", body = Page<AuditEventView>), Refusals))]
pub(super) async fn list_audit_events(
    State(server): State<Server>,
    _: Actor,
    Ask(asked): Ask<EventsAsked>,
) -> Result<Shown<Page<AuditEventView>>, ApiError> {
    let limit = asked.limit.unwrap_or_default();
    let query = AuditQuery {
        object: asked.object,
        actor: asked.actor,
        action: asked.action,
        order: match asked.order {
            None | Some(OrderWord::Oldest) => Order::OldestFirst,
            Some(OrderWord::Newest) => Order::NewestFirst,
        },
        after: asked.after.map(|place| place.0),
        limit: limit.and_one(),
    };
    let found = server.registrar.audit(&query).await?;
    Ok(Shown(Page::of(found, limit, |event| event.seq.to_string())))
}

/// Follows the whole log and says whether it holds
#[utoipa::path(get, path = "/audit/verification", tag = "audit",
    responses((status = 200, description = "The verdict", body = Verdict), Refusals))]
pub(super) async fn verify_audit_log(
    State(server): State<Server>,
    _: Actor,
) -> Result<Shown<Verdict>, ApiError> {
    match server.registrar.verify_audit().await {
        Ok(chain) => Ok(Shown(Verdict {
            intact: true,
            events: Some(chain.length()),
            hash: Some(hexadecimal(chain.hash())),
            broken: None,
        })),
        Err(CommandError::Audit(error)) => Ok(Shown(Verdict {
            intact: false,
            events: None,
            hash: None,
            broken: Some(error.to_string()),
        })),
        Err(error) => Err(error.into()),
    }
}
