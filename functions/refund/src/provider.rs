//! What a money-back refund asks of Stripe: the money of each payment, and the end of the subscription.
//!
//! A refund that Stripe surely refused is told apart from one that may have been made.

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

/// How long all calls to Stripe for one refund may take together: less than the answer's 20 s (contract, section 3).
const REFUND_TIME_MAX: Duration = Duration::from_secs(18);

/// Stripe's API, and the key that it is called with.
#[derive(Debug)]
pub struct Provider {
    client: Client,
    key: Parameter,
}

/// What came of asking for money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RefundResult {
    /// The money goes back, by these refunds; none if all of it went back before.
    Refunded(Vec<RefundId>),
    /// It surely doesn't, for that reason.
    Declined(String),
    /// It may.
    Unknown,
}

impl Provider {
    /// The API and the key's parameter, as the environment names them.
    ///
    /// # Errors
    /// Where a variable isn't set.
    pub fn from_env(config: &SdkConfig) -> Result<Self, Error> {
        Ok(Self::new(Client::from_env()?, Parameter::from_env(config, "STRIPE_API_KEY_PARAMETER")?))
    }

    /// That client, with the key in that parameter. Nothing is read or connected to yet: most of what the function is
    /// called for doesn't need it.
    #[must_use]
    pub fn new(client: Client, key: Parameter) -> Self {
        Self { client, key }
    }

    /// When the calls of a refund that begins now must be over.
    #[expect(clippy::unused_self, reason = "the limit is the provider's")]
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + REFUND_TIME_MAX
    }

    /// Asks for what is left of each payment of a purchase, and to end the subscription that the purchase pays for.
    pub(crate) async fn refund(
        &self,
        account_id: &AccountId,
        purchase: &Purchase,
        records: &Records,
        deadline: Instant,
    ) -> Result<RefundResult, Problem> {
        let key = self.key.value().await?;
        let asked = Asking { api: &self.client.api(&key, deadline), account_id, purchase, records };
        let result = asked.ask().await?;
        if let Err(scrip_stripe::Error::Unauthenticated) = &result
            && let Some(key) = self.key.read_again().await?
        {
            let asked = Asking { api: &self.client.api(&key, deadline), account_id, purchase, records };
            return Ok(asked.ask().await?.unwrap_or_else(|error| unknown(&error)));
        }
        Ok(result.unwrap_or_else(|error| unknown(&error)))
    }

    /// What became of a purchase's money; `None` if that can't be known now.
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

/// One way through the calls of a refund.
struct Asking<'a> {
    api: &'a Api<'a>,
    account_id: &'a AccountId,
    purchase: &'a Purchase,
    records: &'a Records,
}

impl Asking<'_> {
    async fn ask(&self) -> Result<Result<RefundResult, scrip_stripe::Error>, Problem> {
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
        // The same for every attempt until one is refused or fails, so the money goes back once.
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
            // Once some of the money went, what is refused is for support to look at: nothing is put back for it.
            Err(scrip_stripe::Error::Refused { code, .. }) if is_first => Ok(RefundResult::Declined(code)),
            Err(error) => Err(error),
        })
    }

    /// Ends the subscription that the purchase pays for; whether it surely is ended, or goes on by right.
    async fn end_subscription(&self) -> Result<bool, scrip_stripe::Error> {
        let Some((id, how)) = ending(self.records, &self.purchase.id) else { return Ok(true) };
        let subscription = match self.api.subscription(id.as_str()).await {
            Err(scrip_stripe::Error::Missing) => return Ok(true),
            known => known?,
        };
        // One that goes on was paid again, and the event of that payment is still on its way.
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

/// Whether Stripe ended a subscription, so that nothing of it can be changed.
fn is_over(subscription: &Subscription) -> bool {
    matches!(subscription.status.as_str(), "canceled" | "incomplete_expired")
}

/// What an error says of the money: nothing.
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
