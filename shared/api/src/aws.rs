//! What all clients of AWS's services share: the region, the role's credentials, the connections, and how long to wait.

use std::{env, fs, path::Path, time::Duration};

use aws_config::{
    BehaviorVersion, SdkConfig, environment::credentials::EnvironmentVariableCredentialsProvider,
    environment::region::EnvironmentVariableRegionProvider, retry::RetryConfig,
    stalled_stream_protection::StalledStreamProtectionConfig, timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::base64;
use lambda_http::Error;
use rustls_pki_types::{CertificateDer, pem::PemObject};
use webpki::anchor_from_trusted_cert;

/// An address that doesn't take a connection by then won't. The TLS handshake counts.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The services answer in milliseconds: an answer that hasn't come by then is given up.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// At most so long is waited before a second attempt.
const BACKOFF_MAX: Duration = Duration::from_millis(100);

/// The five roots of <https://www.amazontrust.com/repository/>, which vouch for AWS's endpoints. Reading the hundred
/// that a machine trusts takes longer than the rest of a start.
pub const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");
/// Names a file of other roots: for a partition of AWS with its own, or the day that Amazon's are replaced.
const ROOTS_FILE: &str = "SSL_CERT_FILE";

/// The configuration of all clients, from what Lambda puts into the environment: no other source of a region or of
/// credentials is asked, because Lambda replaces a function before its credentials expire.
///
/// # Errors
/// If one of Lambda's variables isn't set, or the roots that `SSL_CERT_FILE` names can't be read.
pub async fn aws_config() -> Result<SdkConfig, Error> {
    for variable in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        // Without it every request fails, and the first call would be the one to find out.
        if env::var_os(variable).is_none() {
            return Err(format!("set {variable}, as Lambda does").into());
        }
    }
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(EnvironmentVariableRegionProvider::new())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .http_client(http_client()?)
        .timeout_config(aws_timeouts())
        // A request is given up before its answer can stall.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .load()
        .await;
    Ok(config)
}

/// How often a client sends a request, if its answer is lost or says that sending it again may help: so many times, with
/// waits of up to 0.1 s before the second and twice as long before each one after.
#[must_use]
pub fn aws_retries(attempts_max: u32) -> RetryConfig {
    RetryConfig::standard().with_max_attempts(attempts_max).with_initial_backoff(BACKOFF_MAX)
}

/// How long a request may take.
#[must_use]
pub fn aws_timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build()
}

/// Connections over TLS to hosts that the roots vouch for, and plain ones to emulators on loopback.
fn http_client() -> Result<SharedHttpClient, Error> {
    let roots = match env::var_os(ROOTS_FILE) {
        Some(file) => read_roots(Path::new(&file))?,
        None => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
    };
    trusting(roots)
}

fn trusting(roots: TrustStore) -> Result<SharedHttpClient, Error> {
    let tls = TlsContext::builder().with_trust_store(roots).build()?;
    // ring: aws-lc gathers entropy for tens of milliseconds of CPU at the first handshake.
    Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls).build_https())
}

/// The roots in a file of PEM, as a machine keeps them. The SDK panics at a certificate that it can't take, so these are
/// left out: a machine's file may hold one among a hundred.
fn read_roots(file: &Path) -> Result<TrustStore, Error> {
    let failed = |why: String| format!("{ROOTS_FILE} names {}, which {why}", file.display());
    let pem = fs::read(file).map_err(|error| failed(format!("can't be read: {error}")))?;
    let mut roots = TrustStore::empty();
    let mut is_empty = true;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| failed(format!("can't be read: {error}")))?;
        if anchor_from_trusted_cert(&certificate).is_ok() {
            roots.add_pem_certificate(pem_of(&certificate));
            is_empty = false;
        }
    }
    if is_empty {
        return Err(failed("holds no certificate".to_owned()).into());
    }
    Ok(roots)
}

fn pem_of(certificate: &CertificateDer<'_>) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64::encode(certificate))
}

#[cfg(test)]
mod tests;
