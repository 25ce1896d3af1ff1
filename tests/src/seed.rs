//! The accounts a fresh local stack starts with, bought by appending to the ledger.
//!
//! Invariant: seeding twice is seeding once, so that a data file can be opened again.

use aws::Aws;
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use chrono::{DateTime, Months, TimeDelta, Utc};
use credits::{AccountId, Buys, Payment, PaymentId, PurchaseId, Refusal, SubscriptionId, purchase};
use ledger::{Ledger, Operation, Outcome, Related, RequestHash};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pricing::{CATALOG, Gives};

use crate::{Stack, clock, template::REGION, tokens::Tokens};

/// The demo account whose user calls.
pub const USER: &str = "demo-standard";
/// How long the demo's tokens last.
const TOKEN_LIFETIME: TimeDelta = TimeDelta::days(7);
/// What the demo account on a custom plan agreed on with support.
const CUSTOM_ALLOWANCE: u64 = 12_000;

/// What an account's id may have in it and a payment's may not.
const NOT_OF_A_PAYMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Why the accounts could not be seeded.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The database refuses a write.
    #[error("seeding: {0}")]
    Ledger(#[from] ledger::Error),
    /// A rule refuses a purchase.
    #[error("seeding: {0:?}")]
    Refused(Refusal),
    /// The catalog doesn't sell it.
    #[error("seeding: the catalog has no {0}")]
    Unknown(&'static str),
    /// An id that is none.
    #[error("seeding: an id {0}")]
    Id(#[from] credits::InvalidId),
}

/// A service on this machine, as a function reaches it.
///
/// # Panics
/// Where `SSL_CERT_FILE` names no roots.
#[must_use]
pub fn aws(url: &str) -> Aws {
    Aws::at(url, REGION, aws::connector().expect("roots"))
}

/// What every client of the SDK's starts from, for a service on this machine.
#[must_use]
pub fn aws_config(url: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "local", "local", None, None, "local",
        )))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}

/// A client of the database at that URL, which sends each request once, as the functions do.
#[must_use]
pub fn client(database_url: &str) -> aws_sdk_dynamodb::config::Builder {
    aws_sdk_dynamodb::config::Builder::from(&aws_config(database_url)).retry_config(RetryConfig::disabled())
}

/// The ledger of a running stack, past its functions.
#[must_use]
pub fn ledger(stack: &Stack) -> Ledger {
    Ledger::new(&aws(stack.database_url()), stack.table_name())
}

/// Buys a plan or a pack for an account, once for each purchase id.
///
/// # Errors
/// Where the catalog doesn't have the SKU, or the ledger refuses.
pub async fn buy(
    ledger: &Ledger,
    (account, purchase_id): (&str, &str),
    sku: &'static str,
    paid_through: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), SeedError> {
    let offer = CATALOG.offer(sku).ok_or(SeedError::Unknown(sku))?;
    let buys = match offer.gives {
        Gives::Plan { plan, allowance, .. } => Buys::Plan {
            subscription_id: SubscriptionId::parse("seed")?,
            plan: plan.to_owned(),
            allowance: allowance.unwrap_or(CUSTOM_ALLOWANCE),
            paid_until: paid_through,
        },
        Gives::Pack(credits) => Buys::Pack(credits),
    };
    let (account, id) = (AccountId::parse(account)?, PurchaseId::parse(purchase_id)?);
    let payment = Payment {
        id: id.clone(),
        sku: sku.to_owned(),
        amount: offer.price.unwrap_or_default(),
        currency: CATALOG.currency().to_owned(),
        paid_at: now,
        invoiced_at: None,
        // Names that no other account's seed has, in the alphabet of the provider's ids.
        payment_id: PaymentId::parse(
            utf8_percent_encode(&format!("seed-{account}-{id}"), NOT_OF_A_PAYMENT)
                .to_string()
                .replace('%', "_"),
        )
        .ok(),
        customer_id: None,
        buys,
    };
    let identity = (&Operation::Purchase(id), &RequestHash::of(&sku)?);
    let decide =
        |state: &ledger::State| purchase::decide(&state.account, state.standing.as_ref(), &payment, now);
    match ledger.execute(&account, identity, Related::to_payment(&payment), now, decide).await?.outcome {
        Outcome::Refused(refusal) => Err(SeedError::Refused(refusal)),
        Outcome::Appended(_) | Outcome::Recorded | Outcome::Replayed(_) | Outcome::Unchanged(_) => Ok(()),
    }
}

/// Adds the demo accounts to the ledger of a running stack and returns their ids: one on each plan,
/// with packs, and one without anything bought.
///
/// # Errors
/// When the database refuses a write.
pub async fn demo_accounts(stack: &Stack) -> Result<Vec<String>, SeedError> {
    let ledger = ledger(stack);
    let now = clock::now();
    let next_year = now.checked_add_months(Months::new(12)).unwrap_or(now);
    let accounts = [
        ("demo-basic", "basic_monthly"),
        ("demo-standard", "standard_monthly"),
        ("demo-business", "business_annual"),
        ("demo-custom", "custom"),
    ];
    for (account, sku) in accounts {
        buy(&ledger, (account, "seed-plan"), sku, next_year, now).await?;
        buy(&ledger, (account, "seed-tune-pack"), "tune_pack", next_year, now).await?;
        buy(&ledger, (account, "seed-avatar-pack"), "avatar_pack", next_year, now).await?;
    }
    let ids = accounts.iter().map(|(account, _)| *account).chain(["demo-none"]);
    Ok(ids.map(str::to_owned).collect())
}

/// The tokens of those who call a fresh local stack.
#[derive(Debug)]
pub struct Callers {
    /// [`USER`], on the own account.
    pub user: String,
    /// The product's backend, on any account.
    pub backend: String,
    /// Support, for refunds on any account.
    pub support: String,
}

/// Issues the tokens of those who call.
#[must_use]
pub fn callers(tokens: &Tokens) -> Callers {
    let issue = |subject: &str, scopes: &[&str]| tokens.issue(subject, scopes, TOKEN_LIFETIME);
    Callers {
        user: issue(USER, &["credits:read", "credits:debit"]),
        backend: issue(
            "demo-backend",
            &["credits:read", "credits:debit", "credits:settle", "credits:any-account"],
        ),
        support: issue("demo-support", &["credits:refund"]),
    }
}
