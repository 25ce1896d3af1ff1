//! Does what an event says, one method for each thing that is said.

use chrono::{DateTime, Utc};
use credits::{
    AccountId, Buys, CustomerId, Payment, PaymentId, PurchaseId, Refusal, StatusChange, Word, purchase,
    status, withdrawal,
};
use ledger::{Executed, Operation, Outcome, Related, RequestHash, State};
use runtime::Problem;

use crate::{
    Webhook,
    event::{self, Said, Whom},
    met::{Became, Done, Met},
};

impl Webhook {
    /// Applies what an event said of somebody, at the provider's time and at ours.
    pub(crate) async fn act(
        &self,
        whom: &Whom,
        said: Said,
        (at, now): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Met, Problem> {
        match said {
            Said::Nothing => Ok(Met::Done(Became::Ignored.into())),
            Said::Ungrantable(why) => Ok(Met::Stuck(why)),
            Said::Unpriced(why, invoice) => self.note_unpriced(whom, why, invoice.as_ref()).await,
            Said::Customer(customer) => self.own_customer(whom, &customer).await,
            Said::Invoice(payment, invoice) => self.link(&payment, &invoice).await,
            Said::Invoiced(invoice, payment) => self.check_granted(&invoice, payment.as_ref()).await,
            Said::Paid(payment, invoice) => self.grant(whom, &payment, invoice.as_ref(), now).await,
            Said::Status(change, is_ours) => self.change_status(whom, &change, is_ours, now).await,
            Said::Money(word) => self.move_money(whom, &word, at, now).await,
        }
    }

    /// Something was paid that names no SKU of ours. Where a customer of ours paid, the payment may have named
    /// it.
    async fn note_unpriced(
        &self,
        whom: &Whom,
        why: String,
        invoice: Option<&PurchaseId>,
    ) -> Result<Met, Problem> {
        if self.account(whom).await?.is_none() {
            return Ok(Met::Done(Became::Ignored.into()));
        }
        let Some(payment) = &whom.payment else { return Ok(Met::Stuck(why)) };
        let Some((account, purchase)) = self.ledger.payment(payment).await? else {
            return Ok(Met::Stuck(why));
        };
        if let Some(invoice) = invoice {
            self.ledger.link_invoice(invoice, &account, &purchase).await?;
        }
        Ok(Met::Done(Became::Duplicate.into()))
    }

    async fn own_customer(&self, whom: &Whom, customer: &CustomerId) -> Result<Met, Problem> {
        let Some(account) = event::account(whom) else { return Ok(Met::Done(Became::Ignored.into())) };
        self.ledger.own_customer(customer, &account).await?;
        Ok(Met::Done(Became::Applied.into()))
    }

    /// Notes which payment was for an invoice, for the newer shapes in which an invoice doesn't say.
    async fn link(&self, payment: &PaymentId, invoice: &PurchaseId) -> Result<Met, Problem> {
        let is_news = self.ledger.link_payment(payment, invoice).await?;
        Ok(Met::Done(if is_news { Became::Applied } else { Became::Duplicate }.into()))
    }

    /// A pack's invoice grants nothing by itself; that its session or payment did is made sure of.
    async fn check_granted(&self, invoice: &PurchaseId, payment: Option<&PaymentId>) -> Result<Met, Problem> {
        let is_paid = match payment {
            Some(payment) => self.ledger.payment(payment).await?.is_some(),
            None => false,
        };
        if is_paid || self.ledger.is_granted(invoice).await? {
            return Ok(Met::Done(Became::Duplicate.into()));
        }
        Ok(Met::Early("A pack's invoice was paid, and no session or payment has granted it.".to_owned()))
    }

    async fn grant(
        &self,
        whom: &Whom,
        payment: &Payment,
        invoice: Option<&PurchaseId>,
        now: DateTime<Utc>,
    ) -> Result<Met, Problem> {
        if whom.account.is_some() && event::account(whom).is_none() {
            return Ok(Met::Stuck("what names the account is no account id".to_owned()));
        }
        let Some(account) = self.account(whom).await? else {
            let is_plan = matches!(payment.buys, Buys::Plan { .. });
            return Ok(if is_plan && whom.customer.is_some() {
                // The checkout session may say whose customer this is.
                Met::Early("The event names no account, and its customer isn't known yet.".to_owned())
            } else {
                Met::Stuck("no account is named, and the customer isn't known".to_owned())
            });
        };
        let identity = (&Operation::Purchase(payment.id.clone()), &RequestHash::of(&payment.id)?);
        let decide = |state: &State| purchase::decide(&state.account, state.standing.as_ref(), payment, now);
        let executed =
            self.ledger.execute(&account, identity, Related::to_payment(payment), now, decide).await?;
        let met = met(&account, executed);
        if let (Met::Done(_), Some(invoice)) = (&met, invoice) {
            self.ledger.link_invoice(invoice, &account, &payment.id).await?;
        }
        Ok(met)
    }

    async fn change_status(
        &self,
        whom: &Whom,
        change: &StatusChange,
        is_ours: bool,
        now: DateTime<Utc>,
    ) -> Result<Met, Problem> {
        let Some(account) = self.account(whom).await? else {
            // It may have overtaken the payment that names its account.
            let why = || "The event names no account, and its customer isn't known yet.".to_owned();
            return Ok(if is_ours { Met::Early(why()) } else { Met::Done(Became::Ignored.into()) });
        };
        let decide = |state: &State| status::decide(&state.account, state.standing.as_ref(), change, now);
        let related = Related::Subscription(&change.subscription_id);
        Ok(met(&account, self.ledger.apply(&account, related, now, decide).await?))
    }

    async fn move_money(
        &self,
        whom: &Whom,
        word: &Word,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Met, Problem> {
        let Some(payment) = &whom.payment else { return Ok(Met::Done(Became::Ignored.into())) };
        let not_yet = || "The payment isn't known yet.".to_owned();
        let Some((account, purchase_id)) = self.ledger.payment(payment).await? else {
            // A charge says whose it is, as far as its customer is known; a dispute and a refund name only
            // the payment.
            let is_foreign = matches!(word, Word::Refunded { .. }) && self.account(whom).await?.is_none();
            return Ok(if is_foreign { Met::MaybeForeign(not_yet()) } else { Met::Early(not_yet()) });
        };
        let decide = |state: &State| withdrawal::hear(&state.account, state.purchase.as_ref(), word, at, now);
        let executed = self.ledger.apply(&account, Related::Purchase(&purchase_id), now, decide).await?;
        // The payment's row came with the record: it is being written.
        let is_being_written = executed.outcome == Outcome::Refused(Refusal::PurchaseNotFound);
        Ok(if is_being_written { Met::Early(not_yet()) } else { met(&account, executed) })
    }

    /// The account an event is about: by name, else by its customer.
    async fn account(&self, whom: &Whom) -> Result<Option<AccountId>, Problem> {
        if let Some(account) = event::account(whom) {
            return Ok(Some(account));
        }
        match &whom.customer {
            Some(customer) => Ok(self.ledger.customer(customer).await?),
            None => Ok(None),
        }
    }
}

fn met(account: &AccountId, executed: Executed) -> Met {
    let became = match executed.outcome {
        Outcome::Appended(_) | Outcome::Recorded => Became::Applied,
        Outcome::Replayed(_) | Outcome::Unchanged(_) => Became::Duplicate,
        Outcome::Refused(refusal) => {
            return Met::Stuck(format!("refused: {}", Problem::from(refusal).code().as_str()));
        }
    };
    Met::Done(Done { became, account: Some(account.clone()), attempts: Some(executed.attempts) })
}
