//! Why the admin API does not do what it is asked: one enum, one mapping to problem details (RFC 9457).

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use grantd_issuer::{CommandError, Conflict, Fault, StorageFault};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use serde::Serialize;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{self, ContentBuilder, Ref, RefOr, ResponseBuilder},
};

use crate::serve::{body::BodyError, routes::problem};

/// Why not.
#[derive(Debug)]
pub(super) enum ApiError {
    /// The request is not as the OpenAPI document says.
    Malformed(String),
    /// The token lacks `manage_system`.
    Forbidden,
    /// There is no such thing.
    Unknown(String),
    /// It contradicts itself or what is there.
    Conflict(String),
    /// It is not any more what `If-Match` says.
    Changed(String),
    /// The body could not be read.
    Body(BodyError),
    /// The body is no JSON by its content type.
    NotJson,
    /// Too many passwords are being hashed.
    Busy,
    /// The database could not.
    Storage(StorageFault),
}

/// Problem details (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Problem {
    /// The HTTP status.
    status: u16,
    /// What the status is called.
    title: String,
    /// What happened and what to do next.
    detail: String,
}

/// What every operation may answer instead.
pub(super) struct Refusals;

const REFUSALS: [(&str, &str); 11] = [
    ("400", "The request is not as this document says."),
    ("401", "No access token, or one that is not good here (RFC 6750)."),
    ("403", "The token lacks the permission `manage_system`."),
    ("404", "There is no such thing."),
    ("405", "The address does not take this method."),
    ("408", "The body took too long to arrive."),
    ("409", "What is asked contradicts itself or what is there."),
    ("412", "`If-Match` does not match: somebody else changed it meanwhile."),
    ("413", "The body is larger than 64 KiB."),
    ("415", "The body is not `application/json`."),
    (
        "503",
        "The database does not answer, or too many passwords are set at once; `Retry-After` says when to try again.",
    ),
];

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let response = |description: &str| {
            let schema = Ref::from_schema_name("Problem");
            let content = ContentBuilder::new().schema(Some(schema)).build();
            let response = ResponseBuilder::new().description(description);
            response.content("application/problem+json", content).build().into()
        };
        REFUSALS.iter().map(|(status, text)| ((*status).to_owned(), response(text))).collect()
    }
}

impl From<StorageFault> for ApiError {
    fn from(fault: StorageFault) -> Self {
        Self::Storage(fault)
    }
}

impl From<BodyError> for ApiError {
    fn from(why: BodyError) -> Self {
        Self::Body(why)
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        let sentence = sentence(&error.to_string());
        match error {
            CommandError::ClientUnknown(id) => Self::Unknown(format!("There is no client `{id}`.")),
            CommandError::UserUnknown(id) => Self::Unknown(format!("There is no user `{id}`.")),
            CommandError::Conflict(
                Conflict::UserDiffers(_)
                | Conflict::VersionDiffers(_)
                | Conflict::RoleDiffers(_)
                | Conflict::PermissionDiffers(_)
                | Conflict::ApiDiffers(_),
            ) => Self::Changed(sentence),
            CommandError::Conflict(_)
            | CommandError::Grants(_)
            | CommandError::OwnAudience(_)
            | CommandError::DefaultScope(_)
            | CommandError::Audit(_) => Self::Conflict(sentence),
            CommandError::ClientId(_)
            | CommandError::UserName(_)
            | CommandError::Text(..)
            | CommandError::RedirectUri(_)
            | CommandError::Audience(_) => Self::Malformed(sentence),
            CommandError::Storage(fault) => Self::Storage(fault),
        }
    }
}

/// The messages of commands as sentences.
fn sentence(message: &str) -> String {
    let mut rest = message.chars();
    let first = rest.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", rest.as_str())
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Malformed(detail) => problem(StatusCode::BAD_REQUEST, &detail),
            Self::Forbidden => {
                let detail = "This needs an access token with the permission `manage_system`.";
                problem(StatusCode::FORBIDDEN, detail)
            }
            Self::Unknown(detail) => problem(StatusCode::NOT_FOUND, &detail),
            Self::Conflict(detail) => problem(StatusCode::CONFLICT, &detail),
            Self::Changed(detail) => problem(StatusCode::PRECONDITION_FAILED, &detail),
            Self::Body(BodyError::TooLarge) => {
                problem(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 64 KiB.")
            }
            Self::Body(BodyError::TooSlow) => {
                problem(StatusCode::REQUEST_TIMEOUT, "The body took too long to arrive.")
            }
            Self::Body(BodyError::Broken) => {
                problem(StatusCode::BAD_REQUEST, "The body broke off: send the request again.")
            }
            Self::NotJson => problem(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Send the body as JSON, with `Content-Type: application/json`.",
            ),
            Self::Busy => {
                let detail = "Too many passwords are set at this moment: try again in a second.";
                let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, detail);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                response
            }
            Self::Storage(fault) => {
                let detail = "The database does not answer: try again in a second.";
                let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, detail);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                response.extensions_mut().insert(Fault::Storage(fault));
                response
            }
        }
    }
}
