//! Parked payments: a part of the payment couldn't be granted, and it is kept until the cause is mended.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};

use crate::{
    Error, Ledger, ParkedPayment, backoff,
    cancellation::{Cancellation, Slot, read_reasons},
    error::{Failure, cancellation, classify},
    items, keys,
};

impl Ledger {
    /// Parks a payment, and replaces an earlier parking of it.
    ///
    /// # Errors
    /// [`Error::TryAgain`] if throttling or faults outlast the attempts, [`Error::Internal`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use scrip_ledger::ParkedPayment;
    ///
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), scrip_ledger::Error> {
    /// let parked = ParkedPayment {
    ///     object_id: "in_1".to_owned(),
    ///     object: "invoice".to_owned(),
    ///     reason: "no SKU is known for the price price_a".to_owned(),
    ///     account_id: None,
    ///     event_id: None,
    ///     parked_at: "2026-11-22T10:00:00Z".parse().unwrap(),
    /// };
    /// ledger.park(&parked).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn park(&self, parked: &ParkedPayment) -> Result<(), Error> {
        let put = self.put(items::parked(parked)?)?;
        backoff::persist(|| self.write_alone("park a payment", Slot::Unconditional, put.clone())).await
    }

    /// Deletes a parked payment that was granted. If it was parked again after it was read, it stays.
    ///
    /// # Errors
    /// Those of [`Ledger::park`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(ledger: scrip_ledger::Ledger) -> Result<(), scrip_ledger::Error> {
    /// if let Some(parked) = ledger.parked("in_1").await? {
    ///     ledger.unpark(&parked).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn unpark(&self, parked: &ParkedPayment) -> Result<(), Error> {
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
        backoff::persist(|| self.write_alone("delete a parked payment", Slot::Record, delete.clone())).await
    }

    /// Makes a single write in a transaction, because the webhook's role allows no other writes. If its condition
    /// fails, nothing is left to do.
    async fn write_alone(
        &self,
        doing: &'static str,
        slot: Slot,
        write: TransactWriteItem,
    ) -> Result<(), Failure> {
        let Err(error) = self.transact(vec![write]).await else { return Ok(()) };
        match cancellation(&error).map(|reasons| read_reasons(&[slot], reasons)) {
            Some(Cancellation::Raced(_)) => Ok(()),
            Some(Cancellation::Wait(fault)) => Err(Failure::Transient(fault, Some(error.into()))),
            _ => Err(classify(doing, error)),
        }
    }
}
