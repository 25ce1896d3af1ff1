//! The records that the ledger has of a subject, read before Stripe is.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use scrip_accounts::{
    AccountId, PaymentId, Purchase, PurchaseId, Records, SubscriptionId, SubscriptionRecord,
};
use scrip_ledger::Ledger;

use crate::{failure::Failure, subject::Subject};

/// The records of a subject as they were before Stripe was read.
///
/// The facts are decided over these revisions: if one has changed by the time of the write, the write is refused.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownRecords {
    /// The account that the subject is known to belong to.
    pub(crate) account_id: Option<AccountId>,
    /// The subscription's record.
    pub(crate) subscription: Option<SubscriptionRecord>,
    /// The purchases' records, by id. A purchase that is missing here had no record.
    pub(crate) purchases: BTreeMap<PurchaseId, Purchase>,
}

impl KnownRecords {
    /// The records in the form in which decisions take them.
    pub(crate) fn records(&self) -> Records {
        let purchases = self.purchases.values().cloned().collect();
        Records { subscription: self.subscription.clone(), purchases }
    }
}

/// Reads records from the ledger.
pub(crate) struct RecordReader<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) now: DateTime<Utc>,
}

impl RecordReader<'_> {
    /// Reads the records of a subject.
    pub(crate) async fn read(&self, subject: &Subject) -> Result<KnownRecords, Failure> {
        let mut known = KnownRecords::default();
        match subject {
            Subject::Subscription { id, invoice } => {
                if let Ok(id) = SubscriptionId::parse(id.as_str())
                    && let Some((account_id, record)) = self.ledger.subscription(&id).await?
                {
                    (known.account_id, known.subscription) = (Some(account_id), Some(record));
                }
                let ids = known.subscription.iter().flat_map(|record| record.running(self.now));
                let ids: Vec<_> = ids.map(ToString::to_string).chain(invoice.clone()).collect();
                for id in ids {
                    self.add_purchase(&mut known, &id).await?;
                }
            }
            Subject::Session { id, payment } => {
                self.add_purchase(&mut known, payment.as_ref().unwrap_or(id)).await?;
            }
            Subject::Payment { id, .. } | Subject::Invoice(id) => self.add_purchase(&mut known, id).await?,
            Subject::Charge(_) => {}
        }
        Ok(known)
    }

    /// Adds the purchase of a payment, invoice or session, if it is recorded.
    pub(crate) async fn add_purchase(&self, known: &mut KnownRecords, id: &str) -> Result<(), Failure> {
        let (Some(account_id), purchase_id) = self.owner(id).await? else { return Ok(()) };
        if let Some(purchase) = self.ledger.purchase(&account_id, &purchase_id).await? {
            if let Some(id) = purchase.subscription_id.as_ref().filter(|_| known.subscription.is_none()) {
                known.subscription = self.ledger.subscription(id).await?.map(|(_, record)| record);
            }
            known.purchases.insert(purchase_id, purchase);
        }
        known.account_id.get_or_insert(account_id);
        Ok(())
    }

    /// The account that a payment belongs to, if it is recorded, and the id of its purchase.
    async fn owner(&self, id: &str) -> Result<(Option<AccountId>, PurchaseId), Failure> {
        let purchase_id = PurchaseId::parse(id).map_err(|_| Failure::Foreign)?;
        let payment = PaymentId::parse(id).map_err(|_| Failure::Foreign)?;
        Ok(match self.ledger.payment(&payment).await? {
            Some((account_id, purchase_id)) => (Some(account_id), purchase_id),
            None => (None, purchase_id),
        })
    }
}
