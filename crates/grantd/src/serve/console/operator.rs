//! Who works in the console: somebody signed in who may `manage_system`.

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Redirect, Response},
};
use grantd_issuer::Admin;
use http::request::Parts;

use super::frame::{Frame, Section};
use crate::serve::routes::Server;

/// A person with authority, and the frame of their pages.
pub(in crate::serve) struct Operator {
    /// As whom changes are made.
    pub(in crate::serve) by: Admin,
    /// Their session, as a key for what only it may see.
    pub(in crate::serve) session: String,
    frame: Frame,
}

impl Operator {
    /// The frame of a page in this section.
    pub(in crate::serve) fn frame(&self, section: Section) -> Frame {
        Frame { section: Some(section), ..self.frame.clone() }
    }
}

impl FromRequestParts<Server> for Operator {
    type Rejection = Response;

    async fn from_request_parts(_: &mut Parts, server: &Server) -> Result<Self, Response> {
        Err(Redirect::to(&format!("{}/login", server.base)).into_response())
    }
}
