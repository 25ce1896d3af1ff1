//! What is kept beside accounts: payments of which something couldn't be granted, until the cause is mended.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use crate::{
    Error, Ledger, Parked, backoff,
    cancellation::{Cancelled, Slot, read_reasons},
    error::{Failure, cancellation, classify},
    items, keys,
};

impl Ledger {
    /// Parks a payment, over what was parked of it before.
    ///
    /// # Errors
    /// [`Error::TryAgain`] where throttling or faults outlast the attempts, [`Error::Internal`].
    pub async fn park(&self, parked: &Parked) -> Result<(), Error> {
        let put = self.put(items::parked(parked)?)?;
        backoff::persist(|| self.write_alone("park a payment", Slot::Unconditional, put.clone())).await
    }

    /// Forgets a parked payment that was granted, as it was read: what was parked since stays.
    ///
    /// # Errors
    /// As [`Ledger::park`].
    pub async fn unpark(&self, parked: &Parked) -> Result<(), Error> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(keys::parked(&parked.object_id).into_attributes()))
            .condition_expression("#parked_at = :parked_at AND #reason = :reason")
            .expression_attribute_names("#parked_at", keys::PARKED_AT)
            .expression_attribute_names("#reason", keys::REASON)
            .expression_attribute_values(":parked_at", items::attribute(&parked.parked_at)?)
            .expression_attribute_values(":reason", items::attribute(&parked.reason)?)
            .build()
            .map_err(|source| Error::internal("build a delete", source))?;
        let delete = TransactWriteItem::builder().delete(delete).build();
        backoff::persist(|| self.write_alone("forget what was parked", Slot::Record, delete.clone())).await
    }

    /// One write, in a transaction: the webhook's role allows no other kind. One whose condition fails
    /// is over.
    async fn write_alone(
        &self,
        doing: &'static str,
        slot: Slot,
        write: TransactWriteItem,
    ) -> Result<(), Failure> {
        let Err(error) = self.transact(vec![write]).await else { return Ok(()) };
        match cancellation(&error).map(|reasons| read_reasons(&[slot], reasons)) {
            Some(Cancelled::Raced(_)) => Ok(()),
            Some(Cancelled::Wait(fault)) => Err(Failure::Transient(fault, Some(error.into()))),
            _ => Err(classify(doing, error)),
        }
    }
}
