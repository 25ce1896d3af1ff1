//! The requests of a money-back refund to Stripe: refunds of each payment, and the end of the subscription.
//!
//! A refund that Stripe declined is kept apart from one whose result is unknown, because that one may have been made.

use std::time::Duration;

use aws_types::SdkConfig;
use lambda_http::Error;
use scrip_accounts::{
    AccountId, PaymentId, Purchase, Records, RefundId,
    facts::MoneyFacts,
    money_back::{Ending, ending},
};
use scrip_api::{Metric, Parameter, Problem};
use scrip_ledger::fingerprint;
use scrip_stripe::{Api, Client, objects::Subscription};
use tokio::time::Instant;

/// How long all calls to Stripe for one refund may take together. The answer must come within 20 s (docs/rules.md).
const REFUND_TIME_MAX: Duration = Duration::from_secs(18);

/// Stripe's API and the parameter with its key.
#[derive(Debug)]
pub struct Provider {
    client: Client,
    key: Parameter,
}

/// The result of requesting a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RefundResult {
    /// The money goes back by these refunds; none if all of it went back before.
    Refunded(Vec<RefundId>),
    /// Stripe declined, with this code, and no money goes back.
    Declined(String),
    /// The result isn't known: the money may go back.
    Unknown,
}

impl Provider {
    /// Makes the provider from the environment.
    ///
    /// # Errors
    /// If a variable isn't set.
    pub fn from_env(config: &SdkConfig) -> Result<Self, Error> {
        Ok(Self::new(Client::from_env()?, Parameter::from_env(config, "STRIPE_API_KEY_PARAMETER")?))
    }

    /// Makes the provider with a client and the parameter with its key. Neither is used before the first refund, because most
    /// requests to the function need none.
    #[must_use]
    pub fn new(client: Client, key: Parameter) -> Self {
        Self { client, key }
    }

    /// The deadline of all calls for a refund that begins now.
    #[expect(clippy::unused_self, reason = "the limit is the provider's")]
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + REFUND_TIME_MAX
    }

    /// Refunds what is left of each payment of a purchase, and ends the subscription that the purchase pays for.
    pub(crate) async fn refund(
        &self,
        account_id: &AccountId,
        purchase: &Purchase,
        records: &Records,
        deadline: Instant,
    ) -> Result<RefundResult, Problem> {
        let key = self.key.value().await?;
        let request =
            ProviderRequest { api: &self.client.api(&key, deadline), account_id, purchase, records };
        let result = request.send().await?;
        if let Err(scrip_stripe::Error::Unauthenticated) = &result
            && let Some(key) = self.key.read_again().await?
        {
            let request =
                ProviderRequest { api: &self.client.api(&key, deadline), account_id, purchase, records };
            return Ok(request.send().await?.unwrap_or_else(|error| unknown(&error)));
        }
        Ok(result.unwrap_or_else(|error| unknown(&error)))
    }

    /// The refunds and disputes of a purchase; `None` if Stripe can't be reached now.
    pub(crate) async fn money(
        &self,
        purchase: &Purchase,
        deadline: Instant,
    ) -> Result<Option<MoneyFacts>, Problem> {
        let api = self.client.api(&self.key.value().await?, deadline);
        match api.money(&purchase.id, &purchase.payment_ids).await {
            Ok(money) => Ok(Some(money)),
            Err(error) => {
                log(&error);
                Ok(None)
            }
        }
    }
}

/// The request of a refund, with one key.
struct ProviderRequest<'a> {
    api: &'a Api<'a>,
    account_id: &'a AccountId,
    purchase: &'a Purchase,
    records: &'a Records,
}

impl ProviderRequest<'_> {
    async fn send(&self) -> Result<Result<RefundResult, scrip_stripe::Error>, Problem> {
        let mut refund_ids = Vec::new();
        for payment_id in &self.purchase.payment_ids {
            match self.refund_payment(payment_id, refund_ids.is_empty()).await? {
                Ok(RefundResult::Refunded(ids)) => refund_ids.extend(ids),
                other => return Ok(other),
            }
        }
        Ok(match self.end_subscription().await {
            Ok(true) => Ok(RefundResult::Refunded(refund_ids)),
            Ok(false) => Ok(RefundResult::Unknown),
            Err(error) => Err(error),
        })
    }

    async fn refund_payment(
        &self,
        payment_id: &PaymentId,
        is_first: bool,
    ) -> Result<Result<RefundResult, scrip_stripe::Error>, Problem> {
        // The key stays the same until an attempt is refused or fails, so the money goes back once.
        let purchase = self.purchase;
        let key = fingerprint(&(self.account_id, &purchase.id, payment_id, purchase.refunds_failed))?;
        let key = format!("scrip-refund-{key}");
        let attempt = purchase.refunds_failed.to_string();
        let metadata = [(scrip_stripe::facts::ATTEMPT, attempt.as_str())];
        let refund = self.api.create_refund(payment_id.as_str(), None, &key, &metadata).await;
        Ok(match refund {
            Ok(refund) if matches!(refund.status.as_str(), "failed" | "canceled") => {
                Ok(RefundResult::Declined("failed".to_owned()))
            }
            Ok(refund) => {
                Ok(RefundResult::Refunded(RefundId::parse(refund.id.as_str()).into_iter().collect()))
            }
            Err(scrip_stripe::Error::Refused { code, .. }) if code == "charge_already_refunded" => {
                Ok(RefundResult::Refunded(Vec::new()))
            }
            // After another payment was refunded, a refusal is left to support, and no credits are given back.
            Err(scrip_stripe::Error::Refused { code, .. }) if is_first => Ok(RefundResult::Declined(code)),
            Err(error) => Err(error),
        })
    }

    /// Ends the subscription that the purchase pays for. Returns `true` if it has ended, or goes on because it was paid again.
    async fn end_subscription(&self) -> Result<bool, scrip_stripe::Error> {
        let Some((id, how)) = ending(self.records, &self.purchase.id) else { return Ok(true) };
        let subscription = match self.api.subscription(id.as_str()).await {
            Err(scrip_stripe::Error::Missing) => return Ok(true),
            known => known?,
        };
        // If it was paid again, the event of that payment may not have been handled yet.
        if is_over(&subscription) || self.is_paid_again(&subscription).await? {
            return Ok(true);
        }
        let ended = match how {
            Ending::Now => self.api.cancel_subscription(id.as_str()).await,
            Ending::WithPeriod => self.api.cancel_subscription_at_period_end(id.as_str()).await,
        };
        match ended {
            Ok(()) | Err(scrip_stripe::Error::Missing) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Whether a later period of the subscription was paid by another invoice.
    async fn is_paid_again(&self, subscription: &Subscription) -> Result<bool, scrip_stripe::Error> {
        let Some(newest) = subscription.latest_invoice.as_ref().map(|invoice| invoice.id().to_owned()) else {
            return Ok(false);
        };
        if newest == self.purchase.id.as_str() {
            return Ok(false);
        }
        let newest = self.api.invoice(&newest).await?;
        let is_new_period = newest.billing_reason.as_deref() == Some("subscription_cycle");
        Ok(newest.status.as_deref() == Some("paid") && is_new_period)
    }
}

/// Whether a subscription has ended, so that Stripe refuses to change it.
fn is_over(subscription: &Subscription) -> bool {
    matches!(subscription.status.as_str(), "canceled" | "incomplete_expired")
}

/// Logs an error after which the result of a refund is unknown.
fn unknown(error: &scrip_stripe::Error) -> RefundResult {
    log(error);
    RefundResult::Unknown
}

fn log(error: &scrip_stripe::Error) {
    let permission = match error {
        scrip_stripe::Error::Forbidden { permission } => permission.as_deref(),
        _ => None,
    };
    let is_refused =
        matches!(error, scrip_stripe::Error::Forbidden { .. } | scrip_stripe::Error::Unauthenticated);
    tracing::error!(cause = %error, permission, "Stripe didn't answer");
    if is_refused {
        scrip_api::count(&[Metric::stripe_key_refused()]);
    }
}
