//! Payments, charges, refunds and disputes.

use std::collections::BTreeSet;

use http::Method;
use scrip_accounts::{PaymentId, PurchaseId, facts::MoneyFacts};

use super::{
    Api, Listing, PAGE_ITEMS,
    request::{ApiRequest, Parameters, expand, parameter},
};
use crate::{
    Error, facts,
    objects::{Charge, Dispute, PaymentIntent, Refund},
};

/// How many pages of a customer's charges are read at most. A customer may pay for many accounts, and further back it is
/// cheaper to read the refunds and disputes of a single payment.
const CHARGE_PAGES_MAX: u32 = 3;

impl Api<'_> {
    /// A payment with its newest charge.
    ///
    /// `GET /v1/payment_intents/{id}`: one call.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// let payment = api.payment_intent("pi_1").await?;
    /// println!("{} of {} was paid", payment.amount_received, payment.amount);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn payment_intent(&self, id: &str) -> Result<PaymentIntent, Error> {
        self.get("payment intent", &["payment_intents", id], expand("latest_charge")).await
    }

    /// All payments of a customer, newest first.
    ///
    /// `GET /v1/payment_intents?customer=`: one call for each hundred.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// let payments = api.payment_intents_of_customer("cus_1").await?;
    /// println!("{} payments", payments.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn payment_intents_of_customer(&self, id: &str) -> Result<Vec<PaymentIntent>, Error> {
        self.list("payment intents", &["payment_intents"], parameter("customer", id)).await
    }

    /// A charge.
    ///
    /// `GET /v1/charges/{id}`: one call.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// let charge = api.charge("ch_1").await?;
    /// println!("{} of {} was refunded", charge.amount_refunded, charge.amount);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn charge(&self, id: &str) -> Result<Charge, Error> {
        self.get("charge", &["charges", id], Parameters::default()).await
    }

    /// The charges of a customer, newest first, until each of these payments has one, but at most three pages.
    ///
    /// `GET /v1/charges?customer=`: one call for each hundred.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// let payments = [scrip_accounts::PaymentId::parse("pi_1").unwrap()];
    /// let charges = api.charges_of_customer("cus_1", &payments).await?;
    /// println!("disputed: {}", charges.iter().any(|charge| charge.disputed));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn charges_of_customer(&self, id: &str, payments: &[PaymentId]) -> Result<Vec<Charge>, Error> {
        let parameters = parameter("customer", id).limit(PAGE_ITEMS);
        let pages_max = CHARGE_PAGES_MAX;
        let listing = Listing { kind: "charges", path: &["charges"], parameters, pages_max };
        let (mut missing, mut pages): (BTreeSet<_>, _) =
            (payments.iter().map(PaymentId::as_str).collect(), 0);
        let goes_on = |page: &[Charge]| {
            for payment in page.iter().filter_map(Charge::payment_intent) {
                missing.remove(payment);
            }
            pages += 1;
            pages < CHARGE_PAGES_MAX && !missing.is_empty()
        };
        self.list_while(&listing, goes_on).await
    }

    /// All refunds of a payment, also those that failed, newest first.
    ///
    /// `GET /v1/refunds?payment_intent=`: one call for each hundred.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// for refund in api.refunds_of_payment("pi_1").await? {
    ///     println!("{}: {} ({})", refund.id, refund.amount, refund.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn refunds_of_payment(&self, id: &str) -> Result<Vec<Refund>, Error> {
        self.list("refunds", &["refunds"], parameter("payment_intent", id)).await
    }

    /// All disputes of a payment, also inquiries and those that are closed, newest first.
    ///
    /// `GET /v1/disputes?payment_intent=`: one call for each hundred.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// for dispute in api.disputes_of_payment("pi_1").await? {
    ///     println!("{}: {} ({})", dispute.id, dispute.amount, dispute.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn disputes_of_payment(&self, id: &str) -> Result<Vec<Dispute>, Error> {
        self.list("disputes", &["disputes"], parameter("payment_intent", id)).await
    }

    /// The facts about a purchase's money: the refunds and disputes of all its payments.
    ///
    /// Two calls for each payment, and one more for each further hundred refunds.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// use scrip_accounts::{PaymentId, PurchaseId};
    ///
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// let (purchase_id, payment_id) = (PurchaseId::parse("in_1").unwrap(), PaymentId::parse("pi_1").unwrap());
    /// let money = api.money(&purchase_id, &[payment_id]).await?;
    /// println!("{} refunds and disputes hold money", money.outflows.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn money(&self, purchase_id: &PurchaseId, payments: &[PaymentId]) -> Result<MoneyFacts, Error> {
        let (mut refunds, mut disputes) = (Vec::new(), Vec::new());
        for payment in payments {
            refunds.extend(self.refunds_of_payment(payment.as_str()).await?);
            disputes.extend(self.disputes_of_payment(payment.as_str()).await?);
        }
        Ok(facts::money(purchase_id, &refunds, &disputes))
    }

    /// Refunds an amount of a payment, or all that is left of it.
    ///
    /// `POST /v1/refunds`: one call. Stripe answers the same for the same idempotency key for 24 hours.
    ///
    /// # Errors
    /// See [`Error`]. This request gave nothing back if it is [`Error::Refused`] (a payment that
    /// Stripe doesn't show is refused with `resource_missing`), [`Error::OutOfTime`], [`Error::Unauthenticated`],
    /// [`Error::Forbidden`] or [`Error::RateLimited`]; an earlier one of the same key may have.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// let metadata = [(scrip_stripe::facts::ATTEMPT, "1")];
    /// let refund = api.create_refund("pi_1", Some(900), "in_1-refund-1", &metadata).await?;
    /// println!("{}: {}", refund.id, refund.status);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_refund(
        &self,
        payment_intent: &str,
        amount: Option<u64>,
        idempotency_key: &str,
        metadata: &[(&str, &str)],
    ) -> Result<Refund, Error> {
        let amount = amount.map(|amount| amount.to_string());
        let mut parameters = parameter("payment_intent", payment_intent).set_if("amount", amount.as_deref());
        for (name, value) in metadata {
            parameters = parameters.set(&format!("metadata[{name}]"), value);
        }
        let idempotency_key = Some(idempotency_key);
        let request = ApiRequest { method: Method::POST, path: &["refunds"], parameters, idempotency_key };
        self.call("refund", &request).await.map_err(|error| match error {
            // The payment is missing, not the refund, so the request was refused.
            Error::Missing => Error::Refused { status: 404, code: "resource_missing".to_owned() },
            error => error,
        })
    }
}
