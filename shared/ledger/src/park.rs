//! What is kept beside accounts: events of the payment provider that couldn't be applied, whole, until the
//! cause is mended, and whose its customers and payments are.

use aws_sdk_dynamodb::types::TransactWriteItem;
use credits::{AccountId, CustomerId, EventId, PaymentId, PurchaseId};

use crate::{
    Error, Ledger, Parked, backoff,
    cancellation::{Cancelled, Slot, read_reasons},
    error::{Failure, cancellation, classify},
    items, keys,
};

impl Ledger {
    /// Parks an event, over what was parked of it before.
    ///
    /// # Errors
    /// [`Error::TryAgain`] where throttling or faults outlast the attempts, [`Error::Internal`].
    pub async fn park(&self, parked: &Parked) -> Result<(), Error> {
        let put = self.put(items::parked(parked)?)?;
        backoff::persist(|| self.write_alone("park an event", put.clone())).await
    }

    /// Forgets a parked event that was applied.
    ///
    /// # Errors
    /// As [`Ledger::park`].
    pub async fn unpark(&self, event_id: &EventId) -> Result<(), Error> {
        let delete = self.delete(keys::parked(event_id))?;
        backoff::persist(|| self.write_alone("forget a parked event", delete.clone())).await
    }

    /// Notes that a customer of the payment provider pays for an account.
    ///
    /// # Errors
    /// As [`Ledger::park`].
    pub async fn own_customer(&self, customer: &CustomerId, account: &AccountId) -> Result<(), Error> {
        let put = self.put(items::owner(keys::customer(customer), Some(account), None)?)?;
        backoff::persist(|| self.write_alone("note a customer", put.clone())).await
    }

    /// Notes that a payment was for a purchase, whether or not that is known yet; `false` where something is
    /// known of the payment already, which stands.
    ///
    /// # Errors
    /// As [`Ledger::park`].
    pub async fn link_payment(&self, payment: &PaymentId, purchase: &PurchaseId) -> Result<bool, Error> {
        let put = self.put_new(items::owner(keys::payment(payment), None, Some(purchase))?)?;
        backoff::persist(|| self.write_one("note a payment", Slot::Record, put.clone())).await
    }

    /// Notes that an invoice was for a purchase that something else granted.
    ///
    /// # Errors
    /// As [`Ledger::park`].
    pub async fn link_invoice(
        &self,
        invoice: &PurchaseId,
        account: &AccountId,
        purchase: &PurchaseId,
    ) -> Result<(), Error> {
        let put = self.put(items::owner(keys::paid(invoice), Some(account), Some(purchase))?)?;
        backoff::persist(|| self.write_alone("note an invoice", put.clone())).await
    }

    async fn write_alone(&self, doing: &'static str, write: TransactWriteItem) -> Result<(), Failure> {
        self.write_one(doing, Slot::Unconditional, write).await.map(|_| ())
    }

    /// One write, in a transaction like every other: the functions' roles allow no other kind. `false` where
    /// its condition failed.
    async fn write_one(
        &self,
        doing: &'static str,
        slot: Slot,
        write: TransactWriteItem,
    ) -> Result<bool, Failure> {
        let Err(error) = self.transact(vec![write]).await else { return Ok(true) };
        match cancellation(&error).map(|reasons| read_reasons(&[slot], reasons)) {
            Some(Cancelled::Wait(fault)) => Err(Failure::Transient(fault)),
            Some(Cancelled::Raced(_)) => Ok(false),
            _ => Err(classify(doing, &error)),
        }
    }
}
