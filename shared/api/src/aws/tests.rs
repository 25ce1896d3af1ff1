use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use aws_sdk_ssm::config::{Credentials, Region, SharedCredentialsProvider};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::Parameter;

/// As Amazon Trust Services publishes them.
const FINGERPRINTS: [(&str, &str); 5] = [
    ("Amazon Root CA 1", "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e"),
    ("Amazon Root CA 2", "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4"),
    ("Amazon Root CA 3", "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4"),
    ("Amazon Root CA 4", "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092"),
    ("Starfield Services Root", "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5"),
];

#[test]
fn the_roots_are_amazons() {
    let roots: Vec<_> = CertificateDer::pem_slice_iter(AMAZON_ROOTS).map(Result::unwrap).collect();
    let fingerprints = roots
        .iter()
        .map(|root| Sha256::digest(root).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")));
    assert!(fingerprints.eq(FINGERPRINTS.map(|(_, fingerprint)| fingerprint)));
    for ((name, _), root) in FINGERPRINTS.iter().zip(&roots) {
        let anchor = anchor_from_trusted_cert(root).unwrap();
        assert!(String::from_utf8_lossy(&anchor.subject).contains(name), "{name}");
    }
}

#[tokio::test]
async fn a_request_is_sent_only_to_a_host_that_a_root_vouches_for() {
    let (url, certificate) = self_signed_server().await;
    let roots = TrustStore::empty().with_pem_certificate(pem_of(&certificate));
    assert_eq!(read_parameter(roots, &url).await, "it has no value");
    let why = read_parameter(TrustStore::empty().with_pem_certificate(AMAZON_ROOTS), &url).await;
    assert!(why.contains("invalid peer certificate"), "{why}");
}

#[test]
fn a_file_of_roots_is_read_or_refused() {
    let file = |name: &str| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
    let count = |roots: TrustStore| format!("{roots:?}").matches("CertificatePEM").count();
    assert_eq!(count(read_roots(&file("src/amazon_roots.pem")).unwrap()), FINGERPRINTS.len());
    for (name, why) in
        [("no-such.pem", "which can't be read: "), ("Cargo.toml", "which holds no certificate")]
    {
        let error = read_roots(&file(name)).unwrap_err().to_string();
        assert!(error.starts_with("SSL_CERT_FILE names ") && error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_parameter_is_asked_for_twice_if_the_service_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                while stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
                    counted.fetch_add(1, Ordering::Relaxed);
                    let answer = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\n\r\n{}";
                    stream.write_all(answer).await.unwrap();
                }
            });
        }
    });
    let why = read_parameter(TrustStore::empty().with_pem_certificate(AMAZON_ROOTS), &url).await;
    assert!(why.starts_with("could not read it: "), "{why}");
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

/// Why a parameter can't be read from that server, which answers every request with an empty object.
async fn read_parameter(roots: TrustStore, url: &str) -> String {
    let credentials = Credentials::new("local", "local", None, None, "local");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .http_client(trusting(roots).unwrap())
        .timeout_config(aws_timeouts())
        .build();
    let problem = Parameter::new(&config, "it".to_owned()).value().await.unwrap_err();
    problem.cause().unwrap().to_owned()
}

/// A server on loopback whose certificate only itself vouches for: its URL, and the certificate.
async fn self_signed_server() -> (String, CertificateDer<'static>) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = own.cert.der().clone();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let (acceptor, listener) =
        (TlsAcceptor::from(Arc::new(tls)), TcpListener::bind("localhost:0").await.unwrap());
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that doesn't trust it hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let read = stream.read(&mut [0; 4096]).await.unwrap();
            assert_ne!(read, 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
        }
    });
    (url, certificate)
}
