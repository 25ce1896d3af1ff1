//! Why a command is refused. Refusals are data: the handlers' table of problems turns them into answers.

use chrono::{DateTime, Utc};
use scrip_pricing::{Credits, Pieces, Unsupported};

use crate::SettlementStatus;

/// Why nothing was taken or given. Where several apply, the first of this order is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The catalog doesn't sell the operation in this size.
    Unsupported(Unsupported),
    /// The caller named a price, and it isn't the price now.
    PriceChanged {
        /// What the caller expected.
        expected: Credits,
        /// What would be taken now.
        current: Credits,
    },
    /// The balance doesn't cover it.
    InsufficientCredits {
        /// What it costs.
        required: Credits,
        /// What the account has, with a refill that is due counted in.
        balance: Credits,
        /// What is missing.
        shortfall: Credits,
        /// The SKUs that would cover it, cheapest first.
        remedies: Vec<&'static str>,
    },
    /// An adjustment takes more than there is.
    Overdrawn {
        /// What the account has, with a refill that is due counted in.
        balance: Credits,
        /// What is missing.
        shortfall: Credits,
    },
    /// Work that is free can't be held.
    FreeHold,
    /// The account has as many open holds as it may have.
    TooManyHolds,
    /// No such hold in this account.
    HoldNotFound,
    /// The hold is over, and its credits are back.
    HoldExpired {
        /// Since when.
        expired_at: DateTime<Utc>,
    },
    /// The account lost an open hold: nothing that this program writes does that.
    HoldMissing,
    /// The hold was captured or released by another request.
    HoldSettled {
        /// Which of the two.
        status: SettlementStatus,
        /// What it took.
        captured: Credits,
        /// What came back.
        returned: Credits,
    },
    /// More is captured than is held.
    ExceedsHold {
        /// What can be captured piece by piece; `None` where only all of it can.
        held: Option<Pieces>,
    },
    /// No such debit in this account.
    DebitNotFound,
    /// More than is left of the debit.
    ExceedsDebit {
        /// What can still be reversed.
        reversible: Credits,
    },
    /// No such purchase in this account.
    PurchaseNotFound,
    /// The money-back guarantee is over.
    RefundWindowClosed {
        /// Its last moment.
        closed_at: DateTime<Utc>,
    },
    /// No money of the purchase was paid through the provider, so none can go back.
    NothingToRefund,
    /// The account has as many subscriptions as it may have.
    TooManySubscriptions,
    /// The payment was granted to another account.
    PaymentTaken,
    /// The records were written since the provider was read: it must be read again.
    OutdatedFacts,
    /// A balance would rise above what one may hold.
    BalanceLimit,
}
