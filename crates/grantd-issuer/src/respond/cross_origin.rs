//! Apps in browsers: the token endpoint may be read by pages of the origins that a public client's
//! redirect URIs have, and by no others (OAuth 2.1 section 3.2).

use grantd_core::{ClientId, ClientKind};
use http::{
    HeaderMap, HeaderValue,
    header::{ACCESS_CONTROL_ALLOW_ORIGIN, ORIGIN, VARY},
};
use url::Url;

use super::Response;
use crate::issuer::Issuer;

impl Issuer {
    /// Lets the page that asked read the answer, where it is one of the client's own. No cookie is
    /// looked at here, so that a foreign page could only use what it has itself.
    pub(super) async fn open_to_page(
        &self,
        mut response: Response,
        headers: &HeaderMap,
        client: Option<&ClientId>,
    ) -> Response {
        let (Some(origin), Some(id)) = (headers.get(ORIGIN), client) else { return response };
        let Ok(Some(client)) = self.clients.client(id.as_str()).await else { return response };
        let uris = &client.code().redirect_uris;
        let own = |uri: &String| {
            Url::parse(uri).is_ok_and(|uri| {
                let known = uri.origin();
                known.is_tuple() && known.ascii_serialization().as_bytes() == origin.as_bytes()
            })
        };
        if client.kind == ClientKind::Public && uris.iter().any(own) {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(VARY, HeaderValue::from_static("Origin"));
        }
        response
    }
}
