//! Who works in the console: somebody signed in who may `manage_system`.

use askama::Template;
use axum::{extract::FromRequestParts, response::Response};
use grantd_issuer::Admin;
use http::{StatusCode, request::Parts};

use super::{
    frame::{Frame, Section},
    page::page,
    signed_in::SignedIn,
};
use crate::serve::{
    MANAGE,
    routes::{Peer, Server},
};

/// A person with authority, and the frame of their pages.
pub(in crate::serve) struct Operator {
    /// As whom changes are made.
    pub(in crate::serve) by: Admin,
    /// Their session, as a key for what only it may see.
    pub(in crate::serve) session: String,
    frame: Frame,
}

/// The page for who may not enter.
#[derive(Template)]
#[template(path = "forbidden.html")]
struct Forbidden {
    frame: Frame,
    name: String,
}

impl Operator {
    /// The frame of a page in this section.
    pub(in crate::serve) fn frame(&self, section: Section) -> Frame {
        Frame { section: Some(section), ..self.frame.clone() }
    }
}

impl FromRequestParts<Server> for Operator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Response> {
        let me = SignedIn::from_request_parts(parts, server).await?;
        if !me.who.can(MANAGE) {
            let name = me.who.user.name.to_string();
            let forbidden = Forbidden { frame: me.frame(), name };
            return Err(page(StatusCode::FORBIDDEN, &forbidden));
        }
        let address = parts.extensions.get::<Peer>().map(|Peer(address)| *address);
        Ok(Self {
            by: Admin::user(&me.who.user.id.to_string(), address),
            session: me.who.session.id.to_string(),
            frame: me.frame(),
        })
    }
}
