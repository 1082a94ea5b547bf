//! What grantd is told from outside: flags, then the environment, then `.env`, then the defaults.

use std::{net::SocketAddr, str::FromStr, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use grantd_core::{Rate, Secret, SecretKey, Ttl};
use grantd_issuer::KeyRing;
use grantd_store::Location;
use url::{Host, Url};

use crate::{environment::Environment, proxies::Proxies, serve::Drain};

/// How long cached clients get tokens while the database is away.
const MAX_STALENESS: Duration = Duration::from_mins(15);

/// Settings of every command as flags; each has the name of its environment variable. Secrets have
/// none: a process list would show them.
#[derive(clap::Args, Debug, Default, Clone)]
pub(crate) struct Flags {
    /// Answer with exactly one JSON document on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Database [env: GRANTD_DATABASE_URL] [default: sqlite://grantd.db]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// File with the private keys [env: GRANTD_PRIVATE_KEY_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) private_key_file: Option<String>,
    /// Log filter: error, warn, info, debug [env: GRANTD_LOG] [default: info]
    #[arg(long, global = true, value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// Log as text or json [env: GRANTD_LOG_FORMAT] [default: text]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
}

/// Settings of a running server as flags.
#[derive(clap::Args, Debug, Default, Clone)]
pub(crate) struct ServeFlags {
    /// Address to listen on [env: GRANTD_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Public base address of this server [env: GRANTD_ISSUER] [default: http://LISTEN]
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// What an access token lives, like 15m [env: GRANTD_ACCESS_TOKEN_TTL] [default: 1h]
    #[arg(long, value_name = "DURATION")]
    pub(crate) access_token_ttl: Option<String>,
    /// What one of the client credentials grant lives [env: GRANTD_CLIENT_CREDENTIALS_TTL]
    #[arg(long, value_name = "DURATION")]
    pub(crate) client_credentials_ttl: Option<String>,
    /// How long refresh tokens go on, from the user's approval on [env: GRANTD_REFRESH_TOKEN_TTL]
    #[arg(long, value_name = "DURATION")]
    pub(crate) refresh_token_ttl: Option<String>,
    /// How long one may lie unused [env: GRANTD_REFRESH_TOKEN_IDLE]
    #[arg(long, value_name = "DURATION")]
    pub(crate) refresh_token_idle: Option<String>,
    /// How long known clients get tokens without the database [env: GRANTD_MAX_STALENESS] [default: 15m]
    #[arg(long, value_name = "DURATION")]
    pub(crate) max_staleness: Option<String>,
    /// How often a client may ask, like 1000/s, or off [env: GRANTD_CLIENT_RATE] [default: 100000/s]
    #[arg(long, value_name = "RATE")]
    pub(crate) client_rate: Option<String>,
    /// Proxies that may say where a request comes from, like 10.0.0.0/8 [env: GRANTD_TRUSTED_PROXIES]
    #[arg(long, value_name = "NETWORKS")]
    pub(crate) trusted_proxies: Option<String>,
    /// How long to serve on after SIGTERM with /readyz at 503 [env: GRANTD_DRAIN_DELAY] [default: 5s]
    #[arg(long, value_name = "DURATION")]
    pub(crate) drain_delay: Option<String>,
    /// What is under way then may take so long [env: GRANTD_DRAIN_TIMEOUT] [default: 10s]
    #[arg(long, value_name = "DURATION")]
    pub(crate) drain_timeout: Option<String>,
    /// Allow an http:// issuer beyond this machine: tokens and secrets cross the network in clear
    #[arg(long)]
    pub(crate) insecure_http: bool,
}

impl ServeFlags {
    /// These flags, and where they say nothing, those.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            issuer: self.issuer.or(other.issuer),
            access_token_ttl: self.access_token_ttl.or(other.access_token_ttl),
            client_credentials_ttl: self.client_credentials_ttl.or(other.client_credentials_ttl),
            refresh_token_ttl: self.refresh_token_ttl.or(other.refresh_token_ttl),
            refresh_token_idle: self.refresh_token_idle.or(other.refresh_token_idle),
            max_staleness: self.max_staleness.or(other.max_staleness),
            client_rate: self.client_rate.or(other.client_rate),
            trusted_proxies: self.trusted_proxies.or(other.trusted_proxies),
            drain_delay: self.drain_delay.or(other.drain_delay),
            drain_timeout: self.drain_timeout.or(other.drain_timeout),
            insecure_http: self.insecure_http || other.insecure_http,
        }
    }
}

/// The settings of one run, each read when it is asked for. Never printed: keys are among them.
pub(crate) struct Settings {
    flags: Flags,
    serve: ServeFlags,
    environment: Environment,
}

impl Settings {
    /// Reads the environment below these flags.
    pub(crate) fn read(flags: Flags, serve: ServeFlags) -> Result<Self> {
        Ok(Self { flags, serve, environment: Environment::read()? })
    }

    /// Settings of these alone, deaf to the real environment.
    #[cfg(test)]
    fn of(serve: ServeFlags, environment: Environment) -> Self {
        Self { flags: Flags::default(), serve, environment }
    }

    fn text<'a>(&'a self, name: &str, flag: Option<&'a String>) -> Option<&'a str> {
        flag.map(String::as_str).or_else(|| self.environment.plain(name))
    }

    fn parsed<'a, T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        &'a self,
        name: &str,
        flag: Option<&'a String>,
    ) -> Result<Option<T>> {
        self.text(name, flag).map(|text| text.parse().with_context(|| name.to_owned())).transpose()
    }

    /// Where to listen.
    pub(crate) fn listen(&self) -> Result<SocketAddr> {
        let text =
            self.text("GRANTD_LISTEN", self.serve.listen.as_ref()).unwrap_or("127.0.0.1:8080");
        text.parse()
            .map_err(|_| anyhow!("GRANTD_LISTEN: `{text}` is not an address like 127.0.0.1:8080"))
    }

    /// The issuer identifier (RFC 8414 section 2), as it stands: nothing is added or taken away.
    pub(crate) fn issuer(&self, listening: SocketAddr) -> Result<String> {
        let Some(text) = self.text("GRANTD_ISSUER", self.serve.issuer.as_ref()) else {
            return Ok(format!("http://{listening}"));
        };
        let url = Url::parse(text).map_err(|_| {
            anyhow!("GRANTD_ISSUER: `{text}` is not a URL like https://auth.example")
        })?;
        if !matches!(url.scheme(), "https" | "http") {
            bail!("GRANTD_ISSUER: `{text}` must begin with https:// (http:// only on one machine)");
        }
        // Verifiers compare the text byte by byte, so only its one normal spelling will do.
        let bare_host = url.as_str().strip_suffix('/').filter(|_| url.path() == "/");
        let normal = bare_host.unwrap_or(url.as_str());
        let named = !url.username().is_empty() || url.password().is_some();
        if normal != text || text.ends_with('/') || url.query().is_some() || named {
            bail!(
                "GRANTD_ISSUER must be like https://auth.example: host in small letters, no user, \
                 query, fragment, dot segments or slash at its end"
            );
        }
        if url.path().contains(['*', ':', '{', '}', '%']) {
            bail!(
                "GRANTD_ISSUER: the path of `{text}` may have letters, digits, - . _ ~ and / only"
            );
        }
        Ok(text.to_owned())
    }

    /// Tokens and secrets must not cross a network in clear.
    pub(crate) fn check_transport(&self, issuer: &str, listening: SocketAddr) -> Result<()> {
        check_transport(issuer, listening, self.serve.insecure_http)
    }

    /// The proxies that may say where a request comes from.
    pub(crate) fn trusted_proxies(&self) -> Result<Proxies> {
        let flag = self.serve.trusted_proxies.as_ref();
        Ok(self.parsed("GRANTD_TRUSTED_PROXIES", flag)?.unwrap_or_default())
    }

    /// Where the database is.
    pub(crate) fn database(&self) -> Result<Location> {
        let url = self
            .text("GRANTD_DATABASE_URL", self.flags.database_url.as_ref())
            .unwrap_or("sqlite://grantd.db");
        url.parse().context("GRANTD_DATABASE_URL")
    }

    /// The server's own key.
    pub(crate) fn secret_key(&self) -> Result<SecretKey> {
        let text = self
            .text("GRANTD_SECRET_KEY", None)
            .context("GRANTD_SECRET_KEY is not set: run `grantd keys generate`, which makes one and writes it to .env")?;
        SecretKey::parse(text).context("GRANTD_SECRET_KEY")
    }

    /// The server key of before, while it is being changed.
    pub(crate) fn previous_secret_key(&self) -> Result<Option<SecretKey>> {
        let text = self.text("GRANTD_SECRET_KEY_PREVIOUS", None);
        text.map(|text| SecretKey::parse(text).context("GRANTD_SECRET_KEY_PREVIOUS")).transpose()
    }

    /// The file with the private keys, if there is one.
    pub(crate) fn private_key_file(&self) -> Option<&str> {
        self.text("GRANTD_PRIVATE_KEY_FILE", self.flags.private_key_file.as_ref())
    }

    /// The signing keys, from the environment or a file.
    pub(crate) fn key_ring(&self) -> Result<KeyRing> {
        let inline = self.text("GRANTD_PRIVATE_KEY", None);
        let file = self.private_key_file();
        let (source, private) = match (inline, file) {
            (Some(_), Some(_)) => {
                bail!("GRANTD_PRIVATE_KEY and GRANTD_PRIVATE_KEY_FILE are both set: keep one")
            }
            (Some(text), None) => ("GRANTD_PRIVATE_KEY", Secret::new(text.to_owned())),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    anyhow!("GRANTD_PRIVATE_KEY_FILE: cannot read {path}: {error}")
                })?;
                ("GRANTD_PRIVATE_KEY_FILE", Secret::new(text))
            }
            (None, None) => bail!(
                "there is no signing key: run `grantd keys generate`, which writes one to .env"
            ),
        };
        let passphrase = self.passphrase();
        let public = self.text("GRANTD_PUBLIC_KEY", None);
        KeyRing::from_pem(&private, public, passphrase.as_ref()).with_context(|| source.to_owned())
    }

    /// What opens keys that are protected.
    pub(crate) fn passphrase(&self) -> Option<Secret> {
        let text = self.environment.exact("GRANTD_PRIVATE_KEY_PASSPHRASE");
        text.map(|text| Secret::new(text.to_owned()))
    }

    /// What an access token lives, server-wide.
    pub(crate) fn access_token_ttl(&self) -> Result<Ttl> {
        Ok(self
            .parsed("GRANTD_ACCESS_TOKEN_TTL", self.serve.access_token_ttl.as_ref())?
            .unwrap_or(Ttl::DEFAULT))
    }

    /// What a token of the client credentials grant lives, if the grant has its own.
    pub(crate) fn client_credentials_ttl(&self) -> Result<Option<Ttl>> {
        self.parsed("GRANTD_CLIENT_CREDENTIALS_TTL", self.serve.client_credentials_ttl.as_ref())
    }

    /// How long refresh tokens go on at most, from the user's approval on, if it is said.
    pub(crate) fn refresh_token_ttl(&self) -> Result<Option<Ttl>> {
        self.parsed("GRANTD_REFRESH_TOKEN_TTL", self.serve.refresh_token_ttl.as_ref())
    }

    /// How long a refresh token may lie unused, if it is said.
    pub(crate) fn refresh_token_idle(&self) -> Result<Option<Ttl>> {
        self.parsed("GRANTD_REFRESH_TOKEN_IDLE", self.serve.refresh_token_idle.as_ref())
    }

    /// How long cached clients get tokens while the database is away. A second at least: a node looks a
    /// few times in each.
    pub(crate) fn max_staleness(&self) -> Result<Duration> {
        let flag = self.serve.max_staleness.as_ref();
        let longest: Option<Ttl> = self.parsed("GRANTD_MAX_STALENESS", flag)?;
        Ok(longest.map_or(MAX_STALENESS, Duration::from))
    }

    /// How often a client may ask; `None`: as often as it can.
    pub(crate) fn client_rate(&self) -> Result<Option<Rate>> {
        let text = self.text("GRANTD_CLIENT_RATE", self.serve.client_rate.as_ref());
        match text.unwrap_or("100000/s") {
            "off" => Ok(None),
            text => text.parse().map(Some).context("GRANTD_CLIENT_RATE"),
        }
    }

    /// How long the server takes to stop.
    pub(crate) fn drain(&self) -> Result<Drain> {
        let delay = self.pause("GRANTD_DRAIN_DELAY", self.serve.drain_delay.as_ref())?;
        let timeout = self.pause("GRANTD_DRAIN_TIMEOUT", self.serve.drain_timeout.as_ref())?;
        Ok(Drain {
            delay: delay.unwrap_or(Drain::DELAY),
            timeout: timeout.unwrap_or(Drain::TIMEOUT),
        })
    }

    /// A duration that may be none at all.
    fn pause(&self, name: &str, flag: Option<&String>) -> Result<Option<Duration>> {
        if matches!(self.text(name, flag), Some("0" | "0s")) {
            return Ok(Some(Duration::ZERO));
        }
        let pause = self.parsed::<Ttl>(name, flag)?;
        Ok(pause.map(Duration::from))
    }

    /// The log filter.
    pub(crate) fn log(&self) -> &str {
        self.text("GRANTD_LOG", self.flags.log.as_ref()).unwrap_or("info")
    }

    /// Whether the log is JSON, a line an event.
    pub(crate) fn log_is_json(&self) -> Result<bool> {
        match self.text("GRANTD_LOG_FORMAT", self.flags.log_format.as_ref()).unwrap_or("text") {
            "json" => Ok(true),
            "text" => Ok(false),
            other => bail!("GRANTD_LOG_FORMAT: `{other}` is neither text nor json"),
        }
    }
}

/// Refuses an `http://` issuer anywhere but on this machine, unless it is insisted on.
pub(crate) fn check_transport(issuer: &str, listening: SocketAddr, insecure: bool) -> Result<()> {
    let plain = Url::parse(issuer).ok().filter(|url| url.scheme() == "http");
    let local = listening.ip().is_loopback() && plain.as_ref().is_some_and(is_loopback);
    if plain.is_some() && !local && !insecure {
        bail!(
            "refusing to serve the issuer {issuer} on {listening} in clear: put TLS in front and \
             set GRANTD_ISSUER=https://…, or add --insecure-http for a trial"
        );
    }
    Ok(())
}

/// Whether a URL's host is this machine itself.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::of(ServeFlags::default(), Environment::of(pairs))
    }

    fn here() -> SocketAddr {
        "127.0.0.1:8080".parse().unwrap()
    }

    #[test]
    fn without_anything_said_the_contract_s_defaults_hold() {
        let settings = settings(&[]);
        assert_eq!(settings.listen().unwrap(), here());
        assert_eq!(settings.issuer(here()).unwrap(), "http://127.0.0.1:8080");
        assert_eq!(settings.database().unwrap().to_string(), "grantd.db");
        assert_eq!(settings.access_token_ttl().unwrap(), Ttl::DEFAULT);
        assert_eq!(settings.max_staleness().unwrap(), Duration::from_mins(15));
    }

    #[test]
    fn a_flag_wins_over_the_environment() {
        let flags = ServeFlags { listen: Some("127.0.0.1:1".to_owned()), ..ServeFlags::default() };
        let environment = Environment::of(&[("GRANTD_LISTEN", "127.0.0.1:2")]);
        assert_eq!(Settings::of(flags, environment).listen().unwrap().port(), 1);
    }

    #[test]
    fn without_the_database_nothing_goes_on_for_no_time_or_for_ever() {
        let longest = |text| settings(&[("GRANTD_MAX_STALENESS", text)]).max_staleness();
        assert_eq!(longest("3s").unwrap(), Duration::from_secs(3));
        for text in ["0", "-1", "never", "99999d"] {
            let error = format!("{:#}", longest(text).unwrap_err());
            assert!(error.contains("GRANTD_MAX_STALENESS"), "{error}");
        }
    }

    #[test]
    fn missing_keys_name_the_command_that_makes_them() {
        for error in
            [settings(&[]).key_ring().unwrap_err(), settings(&[]).secret_key().unwrap_err()]
        {
            assert!(error.to_string().contains("grantd keys generate"), "{error}");
        }
    }

    #[test]
    fn an_issuer_is_refused_that_verifiers_would_not_compare() {
        for issuer in [
            "https://a.example/",
            "ftp://a.example",
            "https://a.example?x",
            "auth.example",
            "https://u@a.example",
            "https://:pw@a.example",
            "https://a.example/x/../b",
            "https://A.example",
            "https://a.exa\nmple",
            "https://a.example/:x",
            "https://a.example/*y",
        ] {
            assert!(settings(&[("GRANTD_ISSUER", issuer)]).issuer(here()).is_err(), "{issuer}");
        }
    }

    #[test]
    fn clear_text_stays_on_this_machine() {
        let everywhere = "0.0.0.0:8080".parse().unwrap();
        let settings = settings(&[]);
        assert!(settings.check_transport("http://auth.example", everywhere).is_err());
        assert!(settings.check_transport("https://auth.example", everywhere).is_ok());
        assert!(settings.check_transport("http://127.0.0.1:8080", here()).is_ok());
        assert!(settings.check_transport("http://auth.example", here()).is_err());
    }

    #[test]
    fn md_20_an_error_about_a_key_does_not_print_it() {
        let settings = settings(&[(
            "GRANTD_PRIVATE_KEY",
            "-----BEGIN PRIVATE KEY-----\nTOPSECRET\n-----END PRIVATE KEY-----",
        )]);
        let printed = format!("{:#}", settings.key_ring().unwrap_err());
        assert!(!printed.contains("TOPSECRET"), "{printed}");
    }
}
