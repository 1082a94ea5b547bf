//! From an issuer's name to where its keys are (RFC 8414 section 3).

use serde::Deserialize;
use url::{Host, Url};

use crate::{BuildError, fetch::Fetch};

/// Whether plain http is good enough for hosts other than this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// https, or http on a loopback address.
    Https,
    /// Anything.
    AnyHttp,
}

/// The members of the metadata that a resource server needs.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
    #[serde(default)]
    revocation_feed_endpoint: Option<String>,
    #[serde(default)]
    introspection_endpoint: Option<String>,
}

/// What the metadata says about where things are.
pub(crate) struct Endpoints {
    pub(crate) jwks_uri: Url,
    /// As it stands there: whoever needs no feed does not care.
    feed: Option<String>,
    introspection: Option<String>,
}

/// Fetches the issuer's metadata.
pub(crate) async fn discover(
    issuer: &str,
    transport: Transport,
    fetch: &Fetch,
) -> Result<Endpoints, BuildError> {
    let url = metadata_url(issuer)?;
    transport.check(&url)?;
    let answer = fetch.fetch(&url).await?;
    let malformed = || BuildError::MetadataMalformed(url.to_string());
    let metadata: Metadata = serde_json::from_slice(&answer).map_err(|_| malformed())?;
    // Exactly the same, or one tenant of a host could speak for another (RFC 8414 section 3.3).
    if metadata.issuer != issuer {
        return Err(BuildError::IssuerDiffers {
            expected: issuer.to_owned(),
            found: metadata.issuer,
        });
    }
    let jwks_uri = Url::parse(&metadata.jwks_uri).map_err(|_| malformed())?;
    transport.check(&jwks_uri)?;
    let Metadata { revocation_feed_endpoint: feed, introspection_endpoint: introspection, .. } =
        metadata;
    Ok(Endpoints { jwks_uri, feed, introspection })
}

impl Endpoints {
    /// Where the revocation feed is: where the metadata says, or at its usual place.
    pub(crate) fn feed(&self, issuer: &str, transport: Transport) -> Result<Url, BuildError> {
        let usual = || format!("{}/oauth/revocations", issuer.trim_end_matches('/'));
        let text = self.feed.clone().unwrap_or_else(usual);
        let url = Url::parse(&text).map_err(|_| BuildError::MetadataMalformed(text))?;
        transport.check(&url)?;
        Ok(url)
    }

    /// Where tokens can be asked about: where the metadata says.
    pub(crate) fn introspection(
        &self,
        issuer: &str,
        transport: Transport,
    ) -> Result<Url, BuildError> {
        let text = self.introspection.as_deref();
        let text = text.ok_or_else(|| BuildError::IntrospectionMissing(issuer.to_owned()))?;
        let url = Url::parse(text).map_err(|_| BuildError::MetadataMalformed(text.to_owned()))?;
        transport.check(&url)?;
        Ok(url)
    }
}

/// The well-known path goes between the host and the issuer's own path (RFC 8414 section 3.1).
fn metadata_url(issuer: &str) -> Result<Url, BuildError> {
    let malformed = || BuildError::IssuerMalformed(issuer.to_owned());
    let mut url = Url::parse(issuer).map_err(|_| malformed())?;
    let clean = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !clean || url.password().is_some() || !matches!(url.scheme(), "https" | "http") {
        return Err(malformed());
    }
    let path =
        format!("/.well-known/oauth-authorization-server{}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

impl Transport {
    fn check(self, url: &Url) -> Result<(), BuildError> {
        let local = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        match url.scheme() {
            "https" => Ok(()),
            "http" if local || self == Self::AnyHttp => Ok(()),
            _ => Err(BuildError::NotHttps(url.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_path_goes_before_the_issuer_s_own() {
        let url = |issuer| metadata_url(issuer).map(String::from).ok();
        let at = |path: &str| {
            Some(format!("https://a.example/.well-known/oauth-authorization-server{path}"))
        };
        assert_eq!(url("https://a.example"), at(""));
        assert_eq!(url("https://a.example/"), at(""));
        assert_eq!(url("https://a.example/tenant/1"), at("/tenant/1"));
        for wrong in [
            "",
            "a.example",
            "/x",
            "ftp://a.example",
            "https://a.example?x",
            "https://a.example#x",
            "https://u@a.example",
        ] {
            assert_eq!(url(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_unless_it_is_allowed() {
        let check =
            |transport: Transport, url: &str| transport.check(&Url::parse(url).unwrap()).is_ok();
        for local in [
            "http://127.0.0.1:1",
            "http://127.9.9.9",
            "http://[::1]:1",
            "http://localhost:1",
            "https://a.example",
        ] {
            assert!(check(Transport::Https, local), "{local}");
        }
        for remote in [
            "http://a.example",
            "http://localhost.example",
            "http://10.0.0.1",
            "http://127.0.0.1.example",
        ] {
            assert!(!check(Transport::Https, remote), "{remote}");
            assert!(check(Transport::AnyHttp, remote), "{remote}");
        }
        assert!(!check(Transport::AnyHttp, "file:///keys"));
    }
}
