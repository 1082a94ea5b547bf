//! A form as a browser sends it: fields with names, some of them several times.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    response::Response,
};
use http::{StatusCode, header::CONTENT_TYPE, request::Parts};
use url::form_urlencoded;

use super::page::notice;
use crate::serve::{body, pulse::Pulse};

/// The fields of a form, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(in crate::serve) struct Fields(Vec<(String, String)>);

impl Fields {
    /// What follows the question mark, or stands in a body.
    pub(in crate::serve) fn parse(text: &[u8]) -> Self {
        let fields = form_urlencoded::parse(text);
        Self(fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The field of this name, without blanks around it; empty where there is none.
    pub(in crate::serve) fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// The field of this name as it was typed: blanks belong to a password.
    pub(in crate::serve) fn exact(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// All fields of this name: ticked boxes.
    pub(in crate::serve) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The lines of a field that say anything.
    pub(in crate::serve) fn lines(&self, name: &str) -> Vec<String> {
        let lines = self.text(name).lines().map(str::trim);
        lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// Whether a box with this value is ticked.
    pub(in crate::serve) fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|known| known == value)
    }
}

/// The fields of an address, behind its question mark.
pub(in crate::serve) struct InQuery(pub(in crate::serve) Fields);

impl<S: Send + Sync> FromRequestParts<S> for InQuery {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Fields::parse(parts.uri.query().unwrap_or_default().as_bytes())))
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
        let pulse = parts.extensions.get::<Arc<Pulse>>();
        let read = body::read(body, pulse.map(|pulse| &**pulse)).await;
        match read {
            Ok(body) if essence.trim() == "application/x-www-form-urlencoded" => {
                Ok(Self::parse(&body))
            }
            Ok(_) | Err(_) => Err(notice(
                StatusCode::BAD_REQUEST,
                "That form could not be read",
                "It is larger than 64 KiB, or it broke off on its way. Go back and send it again.",
            )),
        }
    }
}
