//! The reasons to refuse a command. Refusals are data: the `api` crate's table of problems turns them into answers.

use chrono::{DateTime, Utc};
use scrip_pricing::{Credits, Pieces, UnsupportedOperation};

use crate::SettlementStatus;

/// The reason that nothing was taken or given. If several apply, the first in this order is returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A value of the operation is out of the catalog's range.
    Unsupported(UnsupportedOperation),
    /// The price now isn't the one that the caller expects.
    PriceChanged {
        /// The price that the caller expects.
        expected: Credits,
        /// The credits that would be taken now.
        current: Credits,
    },
    /// The balance doesn't cover it.
    InsufficientCredits {
        /// The price.
        required: Credits,
        /// The balance, with a refill that is due counted in.
        balance: Credits,
        /// The credits that are missing.
        shortfall: Credits,
        /// The SKUs of which one purchase would cover the price, cheapest first.
        remedies: Vec<&'static str>,
    },
    /// An adjustment takes more credits than the balance has.
    Overdrawn {
        /// The balance, with a refill that is due counted in.
        balance: Credits,
        /// The credits that are missing.
        shortfall: Credits,
    },
    /// The work is free, so it can't be held.
    FreeHold,
    /// The account has the most open holds that it may have.
    TooManyHolds,
    /// The account has no such hold.
    HoldNotFound,
    /// The hold has expired, and its credits are back.
    HoldExpired {
        /// The time at which it expired.
        expired_at: DateTime<Utc>,
    },
    /// The hold should be open, but the account's newest entry doesn't list it. No code of this program causes that.
    HoldMissing,
    /// The hold was captured or released by another request.
    HoldSettled {
        /// Whether it was captured or released.
        status: SettlementStatus,
        /// The credits that it took.
        captured: Credits,
        /// The credits that came back.
        returned: Credits,
    },
    /// The capture asks for more than is held.
    ExceedsHold {
        /// The pieces that can be captured; `None` if the hold can only be captured whole.
        held: Option<Pieces>,
    },
    /// The account has no such debit.
    DebitNotFound,
    /// The reversal asks for more than is left of the debit.
    ExceedsDebit {
        /// The credits that can still be reversed.
        reversible: Credits,
    },
    /// The account has no such purchase.
    PurchaseNotFound,
    /// The money-back guarantee is over.
    RefundWindowClosed {
        /// Its last moment.
        closed_at: DateTime<Utc>,
    },
    /// The purchase was not paid through Stripe, so no money can be refunded.
    NothingToRefund,
    /// The account has the most subscriptions that it may have.
    TooManySubscriptions,
    /// The payment was granted to another account.
    PaymentTaken,
    /// The records have changed since Stripe was read, so Stripe must be read again.
    OutdatedFacts,
    /// A balance would rise above [`Credits::MAX_OF_A_KIND`].
    BalanceLimit,
}
