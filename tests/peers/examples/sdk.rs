//! The yardstick of starts: a function as a user would write it with the parts that Scrip's have: `aws-config`, one client
//! of DynamoDB, and one call that makes the connection.

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use lambda_http::{Error, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // The same roots: reading those of a machine would take longer than all the rest.
    let roots = TrustStore::empty().with_pem_certificate(scrip_api::AMAZON_ROOTS);
    let tls = TlsContext::builder().with_trust_store(roots).build()?;
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls).build_https();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
    let client = Client::new(&config);
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let warm_up = client.get_item().table_name("table").key("pk", text("nothing")).key("sk", text("nothing"));
    warm_up.send().await?;
    run(service_fn(async |request| scrip_peers::hello::handle(&request))).await
}
