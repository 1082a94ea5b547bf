//! TLS to the server, as strict as libpq's `sslmode` says.

use std::{path::PathBuf, sync::Arc};

use grantd_issuer::StorageFault;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Who is believed to be the server; the file has the certificates of those who may say so, and without
/// one the public authorities may.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trust {
    /// Whoever answers: this keeps out those who only listen.
    Anybody,
    /// Whoever an authority knows, under whatever name.
    Authority(Option<PathBuf>),
    /// Whoever an authority knows under the name in the address.
    Name(Option<PathBuf>),
}

impl Trust {
    /// What one of libpq's modes means; `None`: it is not one.
    pub(super) fn named(mode: &str, roots: Option<PathBuf>) -> Option<(SslMode, Self)> {
        Some(match mode {
            "disable" => (SslMode::Disable, Self::Anybody),
            "prefer" => (SslMode::Prefer, Self::Anybody),
            // With certificates to compare with, libpq compares.
            "require" if roots.is_some() => (SslMode::Require, Self::Authority(roots)),
            "require" => (SslMode::Require, Self::Anybody),
            "verify-ca" => (SslMode::Require, Self::Authority(roots)),
            "verify-full" => (SslMode::Require, Self::Name(roots)),
            _ => return None,
        })
    }
}

/// What makes TLS connections that trust so.
pub(super) fn connector(trust: &Trust) -> Result<MakeRustlsConnect, StorageFault> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| StorageFault::new("TLS", error))?;
    let lenient = |roots| {
        let verifier = Arc::new(Lenient { roots, provider });
        builder.clone().dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
    };
    let config = match trust {
        Trust::Anybody => lenient(None),
        Trust::Authority(file) => lenient(Some(roots(file.as_ref())?)),
        Trust::Name(file) => {
            builder.clone().with_root_certificates(roots(file.as_ref())?).with_no_client_auth()
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

fn roots(file: Option<&PathBuf>) -> Result<RootCertStore, StorageFault> {
    let mut roots = RootCertStore::empty();
    let Some(file) = file else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(roots);
    };
    let broken = |why: String| StorageFault::plain(format!("{}: {why}", file.display()));
    for certificate in
        CertificateDer::pem_file_iter(file).map_err(|error| broken(error.to_string()))?
    {
        let certificate = certificate.map_err(|error| broken(error.to_string()))?;
        roots.add(certificate).map_err(|error| broken(error.to_string()))?;
    }
    if roots.is_empty() {
        Err(broken("there is no certificate in it".to_owned()))
    } else {
        Ok(roots)
    }
}

/// Asks of a certificate less than its name: an authority's word, or nothing. That the server has the
/// certificate's key is always proved.
#[derive(Debug)]
struct Lenient {
    roots: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(roots) = &self.roots {
            let own = ParsedCertificate::try_from(own)
                .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&own, roots, between, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, own, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, own, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
