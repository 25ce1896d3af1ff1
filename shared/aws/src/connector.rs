//! The HTTP client that all services share: HTTP/1.1, over TLS where the address says so.
//!
//! The SDK's own comes with HTTP/2 and proxies, which nobody here speaks, reads its roots from text at each start, and
//! does so twice: a fifth of all instructions of a start.

use std::{env, path::Path, sync::Arc, time::Duration};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use http::{HeaderValue, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{self, capture_connection},
    },
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, Der, TrustAnchor, pem::PemObject},
};

use crate::Error;

/// An address that doesn't take a connection by then won't. The handshake after it counts to the attempt's own time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// What a request says of who sends it.
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("scrip/", env!("CARGO_PKG_VERSION")));

/// Who vouches for AWS's endpoints: the five roots of <https://www.amazontrust.com/repository/>, read from
/// `amazon_roots.pem` when this is built.
const AMAZON_ROOTS: [TrustAnchor<'static>; 5] = include!(concat!(env!("OUT_DIR"), "/amazon_roots.rs"));
/// Names a file of others: for a partition of AWS's with roots of its own, or the day that these are replaced.
const ROOTS_FILE: &str = "SSL_CERT_FILE";

/// What requests are sent by, with no connection yet.
///
/// # Errors
/// Where the file of roots that is named holds none, or can't be read.
pub fn connector() -> Result<SharedHttpConnector, Error> {
    let roots = match env::var_os(ROOTS_FILE) {
        Some(file) => read_roots(Path::new(&file))?,
        None => amazons(),
    };
    Ok(SharedHttpConnector::new(Connector::trusting(roots)?))
}

/// Amazon's roots.
fn amazons() -> RootCertStore {
    RootCertStore { roots: AMAZON_ROOTS.to_vec() }
}

/// The roots of a file of PEM, as a machine keeps them.
fn read_roots(file: &Path) -> Result<RootCertStore, Error> {
    let told = |why: String| format!("{ROOTS_FILE} names {}, which {why}", file.display());
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(file).map_err(|why| told(format!("can't be read: {why}")))? {
        // Others of a machine's hundred do where one is of a kind that isn't known.
        roots.add_parsable_certificates([root.map_err(|why| told(format!("can't be read: {why}")))?]);
    }
    if roots.is_empty() {
        return Err(told("holds no certificate".to_owned()).into());
    }
    Ok(roots)
}

/// Sends what was signed.
#[derive(Debug)]
struct Connector(Client<HttpsConnector<connect::HttpConnector>, SdkBody>);

impl Connector {
    fn trusting(roots: RootCertStore) -> Result<Self, Error> {
        // ring: aws-lc gathers entropy for tens of milliseconds of CPU at the first handshake.
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = connect::HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        // Emulators on loopback speak plain HTTP.
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(https.wrap_connector(tcp));
        Ok(Self(client))
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(why) => return HttpConnectorFuture::ready(Err(ConnectorError::user(why.into()))),
        };
        request.headers_mut().entry(header::USER_AGENT).or_insert(USER_AGENT);
        let connection = capture_connection(&mut request);
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            // Whatever goes wrong on the way, nobody knows whether it arrived.
            let answer = answer.await.map_err(|why| ConnectorError::io(why.into()))?;
            if answer.status().is_server_error() {
                // Whoever answers so may go on to: the next request goes by another connection.
                if let Some(connection) = connection.connection_metadata().as_ref() {
                    connection.poison();
                }
            }
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|why| ConnectorError::other(why.into(), None))
        })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use rustls::{ServerConfig, pki_types::PrivateKeyDer};
    use sha2::{Digest, Sha256};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };
    use tokio_rustls::TlsAcceptor;

    use super::*;

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
        let pem = include_bytes!("amazon_roots.pem");
        let roots: Vec<_> = CertificateDer::pem_slice_iter(pem).map(Result::unwrap).collect();
        let fingerprints = roots.iter().map(|root| {
            Sha256::digest(root).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
        });
        assert!(fingerprints.eq(FINGERPRINTS.map(|(_, fingerprint)| fingerprint)));
        let mut parsed = RootCertStore::empty();
        assert_eq!(parsed.add_parsable_certificates(roots), (FINGERPRINTS.len(), 0));
        assert_eq!(parsed.roots, AMAZON_ROOTS);
        for ((name, _), root) in FINGERPRINTS.iter().zip(AMAZON_ROOTS) {
            assert!(String::from_utf8_lossy(&root.subject).contains(name), "{name}");
        }
    }

    /// A service on loopback whose certificate nobody vouches for but itself: its address, and the certificate.
    async fn service() -> (String, CertificateDer<'static>) {
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
        let address = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Who doesn't trust it hangs up.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap();
                let head = String::from_utf8_lossy(&request[..length]).to_lowercase();
                let is_ours = head.contains(concat!("user-agent: scrip/", env!("CARGO_PKG_VERSION"), "\r\n"));
                let status = if is_ours { "200 OK" } else { "400 Bad Request" };
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        (address, certificate)
    }

    #[tokio::test]
    async fn only_whom_a_root_vouches_for_is_sent_a_request() {
        let (address, certificate) = service().await;
        let ask = async |roots: RootCertStore| {
            let connector = Connector::trusting(roots).unwrap();
            connector.call(HttpRequest::get(address.as_str()).unwrap()).await
        };
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        assert_eq!(ask(roots).await.unwrap().status().as_u16(), 200);
        let refused = ask(amazons()).await.unwrap_err();
        assert!(refused.is_io(), "{refused:?}");
    }

    #[test]
    fn a_file_of_roots_is_read_or_told_of() {
        let file = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        assert_eq!(read_roots(&file("src/amazon_roots.pem")).unwrap().roots, AMAZON_ROOTS);
        for (name, why) in
            [("no-such.pem", "which can't be read: "), ("Cargo.toml", "which holds no certificate")]
        {
            let told = read_roots(&file(name)).unwrap_err().to_string();
            assert!(told.starts_with("SSL_CERT_FILE names ") && told.contains(why), "{told}");
        }
    }

    #[tokio::test]
    async fn what_breaks_on_the_way_is_no_answer() {
        let broken = async |answer: Option<&'static str>| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("http://{}/", listener.local_addr().unwrap());
            if let Some(answer) = answer {
                tokio::spawn(async move {
                    while let Ok((mut stream, _)) = listener.accept().await {
                        let read = stream.read(&mut [0; 4096]).await.unwrap();
                        assert_ne!(read, 0);
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            } else {
                drop(listener);
            }
            let connector = Connector::trusting(amazons()).unwrap();
            connector.call(HttpRequest::get(address.as_str()).unwrap()).await
        };
        for (what, answer) in [
            ("nobody listens", None),
            ("it hangs up", Some("")),
            ("half a head", Some("HTTP/1.1 200 OK\r\ncontent-le")),
            ("no HTTP", Some("hello\r\n\r\n")),
        ] {
            assert!(broken(answer).await.unwrap_err().is_io(), "{what}");
        }
        let half = broken(Some("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")).await.unwrap();
        assert!(half.into_body().collect().await.is_err());
        let whole = broken(Some("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole")).await.unwrap();
        assert_eq!(whole.into_body().collect().await.unwrap().to_bytes(), "whole");
    }

    #[tokio::test]
    async fn who_failed_is_left_for_another_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        // Each connection answers as it is told to, and says which it is.
        tokio::spawn(async move {
            for number in 1.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    while let Ok(length @ 1..) = stream.read(&mut request).await {
                        let head = String::from_utf8_lossy(&request[..length]);
                        let status = head.strip_prefix("GET /").and_then(|path| path.get(..3)).unwrap();
                        let answer = format!("HTTP/1.1 {status} told\r\ncontent-length: 1\r\n\r\n{number}");
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        let connector = Connector::trusting(amazons()).unwrap();
        let mut connections = String::new();
        for status in ["200", "400", "200", "500", "200", "503", "200"] {
            let request = HttpRequest::get(format!("{address}{status}")).unwrap();
            let answer = connector.call(request).await.unwrap().into_body().collect().await.unwrap();
            connections.push_str(&String::from_utf8_lossy(&answer.to_bytes()));
        }
        assert_eq!(connections, "1111223");
    }
}
