//! Where the server is and how it is spoken to: a URL, in libpq's words.

use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};

use grantd_issuer::StorageFault;
use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::form_urlencoded;

use super::tls::{self, Trust};

/// How long one host may take to answer at all.
pub(super) const KNOCK: Duration = Duration::from_secs(5);
/// How often a silent connection is asked whether it is still there.
const PROBE: Duration = Duration::from_secs(10);
/// How long a connection may stay silent, or unanswered, before it counts as cut.
const SILENCE: Duration = Duration::from_secs(30);

/// The address of a PostgreSQL database. Never printed: a password may be part of it.
#[derive(Clone)]
pub struct Address {
    config: Config,
    trust: Trust,
}

/// Why an address cannot be used. It repeats no part of it, as that may be the password.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It is no URL that can be read.
    #[error(
        "not a PostgreSQL address: write postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full ({0})"
    )]
    Unreadable(String),
    /// Nobody is named who could answer.
    #[error("the PostgreSQL address names no host: write postgres://USER@HOST/DATABASE")]
    Nowhere,
    /// The mode is not one of libpq's.
    #[error("sslmode must be disable, prefer, require, verify-ca or verify-full")]
    Mode,
    /// The certificates cannot be read.
    #[error("sslrootcert: {0}")]
    Roots(String),
}

impl Address {
    /// Whether a text is meant as one.
    pub fn is_meant(url: &str) -> bool {
        url.starts_with("postgres://") || url.starts_with("postgresql://")
    }

    /// Reads a URL as libpq does: several hosts, `sslmode`, `sslrootcert`, and what else
    /// [`Config`] knows. Without `sslmode`, a server beyond this machine must prove who it is.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut roots) = (None, None);
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "sslmode" => mode = Some(value.into_owned()),
                "sslrootcert" => roots = Some(PathBuf::from(&*value)),
                _ => drop(rest.append_pair(&name, &value)),
            }
        }
        // The parser decodes percent signs, but takes a plus for a plus.
        let rest = rest.finish().replace('+', "%20");
        let url = if rest.is_empty() { place.to_owned() } else { format!("{place}?{rest}") };
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            let why = std::error::Error::source(&error).map(ToString::to_string);
            AddressError::Unreadable(why.unwrap_or_else(|| error.to_string()))
        })?;
        if config.get_hosts().is_empty() {
            return Err(AddressError::Nowhere);
        }
        let mode = mode.as_deref().unwrap_or_else(|| default_mode(config.get_hosts()));
        let (mode, trust) = Trust::named(mode, roots).ok_or(AddressError::Mode)?;
        let on_sockets = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        config
            .ssl_mode(if on_sockets { SslMode::Disable } else { mode })
            // A standby cannot write; whoever of several hosts can is the one.
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
            config.keepalives_idle(SILENCE);
        }
        if config.get_keepalives_interval().is_none() {
            config.keepalives_interval(PROBE);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(KNOCK);
        }
        if config.get_application_name().is_none() {
            config.application_name("grantd");
        }
        let address = Self { config, trust };
        address.connector().map_err(|fault| AddressError::Roots(fault.to_string()))?;
        Ok(address)
    }

    pub(super) fn config(&self) -> Config {
        self.config.clone()
    }

    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, StorageFault> {
        tls::connector(&self.trust)
    }
}

/// Within this machine nobody listens in; beyond it, who answers must prove who it is.
fn default_mode(hosts: &[Host]) -> &'static str {
    let is_here = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
    };
    if hosts.iter().all(is_here) { "prefer" } else { "verify-full" }
}

impl fmt::Display for Address {
    /// Hosts and database, without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let hosts: Vec<_> = hosts.collect();
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or_default();
        write!(f, "postgres://{}/{database}", hosts.join(","))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn a_server_beyond_this_machine_must_prove_who_it_is_unless_something_else_is_said() {
        for (url, mode, trust) in [
            ("postgres://u@db.example/d", SslMode::Require, Trust::Name(None)),
            ("postgres://u@127.0.0.1,db.example/d", SslMode::Require, Trust::Name(None)),
            ("postgresql://u@localhost/d", SslMode::Prefer, Trust::Anybody),
            ("postgres://u@[::1]:5433/d", SslMode::Prefer, Trust::Anybody),
            ("postgres://u@%2Frun%2Fpg/d", SslMode::Disable, Trust::Anybody),
            ("postgres://u@db.example/d?sslmode=disable", SslMode::Disable, Trust::Anybody),
            ("postgres://u@db.example/d?sslmode=prefer", SslMode::Prefer, Trust::Anybody),
            ("postgres://u@db.example/d?sslmode=require", SslMode::Require, Trust::Anybody),
            (
                "postgres://u@db.example/d?sslmode=verify-ca",
                SslMode::Require,
                Trust::Authority(None),
            ),
            ("postgres://u@localhost/d?sslmode=verify-full", SslMode::Require, Trust::Name(None)),
        ] {
            let address = address(url);
            assert_eq!(address.config.get_ssl_mode(), mode, "{url}");
            assert_eq!(address.trust, trust, "{url}");
        }
    }

    #[test]
    fn of_several_hosts_the_one_that_can_write_is_chosen() {
        let address = address(
            "postgres://u:p%40ss@a.example:1,b.example:2/d?target_session_attrs=any&application_name=a%20b",
        );
        assert_eq!(address.config.get_hosts().len(), 2);
        assert_eq!(address.config.get_ports(), [1, 2]);
        assert_eq!(address.config.get_password(), Some(&b"p@ss"[..]));
        assert_eq!(address.config.get_application_name(), Some("a b"));
        assert_eq!(address.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(address.to_string(), "postgres://a.example,b.example/d");
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_without_its_password() {
        for url in [
            "postgres://u:TOPSECRET@/d",
            "postgres://u:TOPSECRET@h/d?sslmode=maybe",
            "postgres://u:TOPSECRET@h/d?sslrootcert=/nowhere.pem",
            "postgres://u:TOPSECRET@h:x/d",
            "postgres://u:TOPSECRET@h/d?color=TOPSECRET",
        ] {
            let error = Address::parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("SECRET"), "{error}");
        }
        assert!(!format!("{:?}", address("postgres://u:TOPSECRET@h/d")).contains("SECRET"));
    }
}
