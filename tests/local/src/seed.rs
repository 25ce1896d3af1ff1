//! The accounts a fresh local stack starts with, bought by appending to the ledger.
//!
//! Invariant: seeding twice is seeding once, so that a data file can be opened again.

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Builder, Credentials, Region, SharedCredentialsProvider, retry::RetryConfig},
};
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_types::SdkConfig;
use chrono::{DateTime, Months, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use scrip_accounts::{
    Account, AccountId, Decision, Line, PurchaseId, SubscriptionId, Terms,
    facts::{Facts, PaidFacts, PlanFacts, SubscriptionFacts},
    reconcile,
};
use scrip_ledger::{Ledger, State, Subjects};
use scrip_pricing::{CATALOG, Credits, Grant, Offer};

use crate::{Stack, clock, template::REGION};

pub use crate::callers::{Callers, USER, callers};

/// The custom plan of the demo account that has one.
const CUSTOM_ALLOWANCE: u64 = 12_000;

/// What an account's id may have in it and a purchase's may not.
const NOT_OF_A_PURCHASE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Why the accounts could not be seeded.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The database fails, or a rule refuses a purchase.
    #[error("seeding: {0}")]
    Ledger(#[from] scrip_ledger::Error),
    /// The catalog doesn't sell it.
    #[error("seeding: the catalog has no {0}")]
    Unknown(&'static str),
    /// An id that is none.
    #[error("seeding: an id {0}")]
    Id(#[from] scrip_accounts::InvalidId),
}

/// The configuration of clients for services at one URL on this machine, with the functions' timeouts.
#[must_use]
pub fn aws_config(url: &str) -> SdkConfig {
    aws_config_over(url, aws_smithy_http_client::Builder::new().build_http())
}

/// The same with an HTTP client of one's own.
#[must_use]
pub fn aws_config_over(url: &str, http_client: impl HttpClient + 'static) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "local", "local", None, None, "local",
        )))
        .http_client(http_client)
        .timeout_config(scrip_api::aws_timeouts())
        .build()
}

/// A client of the database that sends each request once, as the functions do.
#[must_use]
pub fn client(config: &SdkConfig) -> Client {
    Client::from_conf(Builder::from(config).retry_config(RetryConfig::disabled()).build())
}

/// The ledger of a running stack, past its functions.
#[must_use]
pub fn ledger(stack: &Stack) -> Ledger {
    Ledger::new(&aws_config(stack.database_url()), stack.table_name())
}

/// The id of a purchase that [`buy`] makes: the name it is given and the account, because ids of purchases are the
/// provider's, which has none twice.
///
/// # Errors
/// If both together are no id of the provider's.
pub fn purchase_id(account: &str, name: &str) -> Result<PurchaseId, SeedError> {
    Ok(PurchaseId::parse(of_account(name, account))?)
}

fn of_account(name: &str, account: &str) -> String {
    format!("{name}-{}", utf8_percent_encode(account, NOT_OF_A_PURCHASE)).replace('%', "_")
}

/// Buys a plan or a pack for an account, once for each name of a purchase. All plans of an account are of one
/// subscription: another plan in a period that is paid for changes it. No payment of the provider's was for it, so its
/// money can't be given back.
///
/// # Errors
/// If the catalog doesn't have the SKU, or the ledger refuses.
pub async fn buy(
    ledger: &Ledger,
    (account, name): (&str, &str),
    sku: &'static str,
    paid_through: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<PurchaseId, SeedError> {
    let offer = CATALOG.offer(sku).ok_or(SeedError::Unknown(sku))?;
    let account_id = AccountId::parse(account)?;
    let subscription_id = SubscriptionId::parse(of_account("seed", account))?;
    let purchase = Purchase { id: purchase_id(account, name)?, offer, paid_through, paid_at: now };
    let is_plan = matches!(offer.grant, Grant::Plan { .. });
    let purchase_ids = [purchase.id.clone()];
    let subjects = Subjects { subscription: is_plan.then_some(&subscription_id), purchases: &purchase_ids };
    let decide = |state: &State| {
        if !state.records.purchases.is_empty() {
            return Ok(Decision::default());
        }
        reconcile::decide(
            &state.account,
            &state.records,
            &purchase.facts(&subscription_id, &state.account),
            now,
        )
    };
    ledger.apply(&account_id, subjects, now, decide).await?;
    Ok(purchase.id)
}

/// A purchase that is seeded.
struct Purchase {
    id: PurchaseId,
    offer: Offer,
    paid_through: DateTime<Utc>,
    paid_at: DateTime<Utc>,
}

impl Purchase {
    /// The facts that the provider would show of it.
    fn facts(&self, subscription_id: &SubscriptionId, account: &Account) -> Facts {
        let line = |credits| Line {
            id: format!("{}-line", self.id),
            sku: self.offer.sku.into(),
            quantity: 1,
            credits,
        };
        let (packs, plan) = match self.offer.grant {
            Grant::Pack(credits) => (vec![line(credits)], None),
            Grant::Plan { plan, allowance, .. } => {
                let allowance = allowance.unwrap_or(CUSTOM_ALLOWANCE);
                let known = account.subscription(subscription_id);
                let plan = PlanFacts {
                    line: line(Credits::new(allowance, 0, 0)),
                    terms: Terms { allowance, plan: plan.into() },
                    paid_until: self.paid_through.into(),
                    is_change: known.is_some_and(|known| known.plan != plan && known.is_paid(self.paid_at)),
                };
                (Vec::new(), Some(plan))
            }
        };
        let subscription = plan.as_ref().map(|plan| SubscriptionFacts {
            id: subscription_id.clone(),
            past_due: false,
            ended_at: None,
            item: Some(plan.terms.clone()),
            settled: Vec::new(),
        });
        let paid = PaidFacts {
            purchase_id: self.id.clone(),
            amount: self.offer.price.unwrap_or_default(),
            currency: CATALOG.currency().into(),
            paid_at: self.paid_at.into(),
            invoiced_at: self.paid_at.into(),
            customer_id: None,
            payment_ids: Vec::new(),
            packs,
            plan,
        };
        Facts { subscription, paid: vec![paid], ..Facts::default() }
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
