//! What is kept beside accounts: payments of which something couldn't be granted, until the cause is mended.

use aws_sdk_dynamodb::types::TransactWriteItem;

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
        backoff::persist(|| self.write_alone("park a payment", put.clone())).await
    }

    /// Forgets a parked payment that was granted.
    ///
    /// # Errors
    /// As [`Ledger::park`].
    pub async fn unpark(&self, object_id: &str) -> Result<(), Error> {
        let delete = self.delete(keys::parked(object_id))?;
        backoff::persist(|| self.write_alone("forget what was parked", delete.clone())).await
    }

    /// One write, in a transaction like every other: the functions' roles allow no other kind.
    async fn write_alone(&self, doing: &'static str, write: TransactWriteItem) -> Result<(), Failure> {
        let Err(error) = self.transact(vec![write]).await else { return Ok(()) };
        match cancellation(&error).map(|reasons| read_reasons(&[Slot::Unconditional], reasons)) {
            Some(Cancelled::Wait(fault)) => Err(Failure::Transient(fault)),
            _ => Err(classify(doing, &error)),
        }
    }
}
