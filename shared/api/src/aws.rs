//! The configuration that all clients of AWS's services share: region, credentials, connections, timeouts and retries.

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

/// How long making a connection may take, the TLS handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long one attempt may take. The services answer in milliseconds, so a later answer is not worth waiting for.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest wait before a second attempt.
const BACKOFF_MAX: Duration = Duration::from_millis(100);

/// The five root certificates of <https://www.amazontrust.com/repository/>, from which AWS's endpoints have theirs. Reading
/// the hundred roots of a machine would take longer than the rest of a start.
pub const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");
/// The variable that names a file of other roots, for a partition of AWS with its own, or if Amazon's are replaced.
const ROOTS_FILE: &str = "SSL_CERT_FILE";

/// Makes the configuration of all clients from the variables that Lambda sets. No other source of credentials is needed,
/// because Lambda replaces a function before its credentials expire.
///
/// # Errors
/// If one of Lambda's variables isn't set, or the roots that `SSL_CERT_FILE` names can't be read.
pub async fn aws_config() -> Result<SdkConfig, Error> {
    for variable in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        // Without it every request would fail. So the function doesn't start, rather than fail at its first call.
        if env::var_os(variable).is_none() {
            return Err(format!("set {variable}, as Lambda does").into());
        }
    }
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(EnvironmentVariableRegionProvider::new())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .http_client(http_client()?)
        .timeout_config(aws_timeouts())
        // Not needed, because an attempt times out before its answer can stall.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .load()
        .await;
    Ok(config)
}

/// Makes the configuration of retries: at most `attempts_max` attempts, if an answer is lost or is an error that may pass.
/// The wait before the second attempt is at most 0.1 s, and twice as long before each further one.
#[must_use]
pub fn aws_retries(attempts_max: u32) -> RetryConfig {
    RetryConfig::standard().with_max_attempts(attempts_max).with_initial_backoff(BACKOFF_MAX)
}

/// Makes the configuration of timeouts.
#[must_use]
pub fn aws_timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build()
}

/// Makes the HTTP client: over TLS, trusting the roots only, and without TLS to emulators on loopback.
fn http_client() -> Result<SharedHttpClient, Error> {
    let roots = match env::var_os(ROOTS_FILE) {
        Some(file) => read_roots(Path::new(&file))?,
        None => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
    };
    trusting(roots)
}

fn trusting(roots: TrustStore) -> Result<SharedHttpClient, Error> {
    let tls = TlsContext::builder().with_trust_store(roots).build()?;
    // ring, because aws-lc spends tens of milliseconds of CPU on entropy at the first handshake.
    Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls).build_https())
}

/// Reads the roots in a PEM file. Certificates that the SDK can't take are left out, because it would panic, and a machine's
/// file may have one among a hundred.
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
