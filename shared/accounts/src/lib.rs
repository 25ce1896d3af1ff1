//! What may happen to an account's credits: the account, its entries, and one file for each command.
//!
//! Everything here is a pure function of the account as its newest entry left it, the command and the
//! time: no I/O, no clock, no async. A command is decided into entries or refused with a [`Refusal`];
//! only the ledger crate appends. The rules are those of the contract's section 4.

mod account;
mod adjustment;
mod affordability;
mod change;
mod clawback;
mod command;
mod command_key;
mod days;
mod debit;
mod debit_record;
mod entry;
pub mod facts;
mod gone;
mod hold;
mod hold_outcome;
mod ids;
mod journal;
pub mod money_back;
mod open_hold;
mod other_kind;
mod outflows;
mod period;
mod purchase;
mod reason;
pub mod reconcile;
pub mod refill;
mod refusal;
mod reversal;
mod sequence;
mod settlement;
mod settlement_status;
mod spending;
mod subscription;
mod subscription_record;

pub use account::{Account, PlanStatus};
pub use adjustment::{Adjustment, AdjustmentOutcome, AdjustmentRequest};
pub use affordability::{AccountQuote, quote};
pub use change::Change;
pub use command::{Command, CommandState, Subject};
pub use command_key::CommandKey;
pub use days::{Days, InvalidDays};
pub use debit::{Debit, DebitOutcome, DebitRequest};
pub use debit_record::DebitRecord;
pub use entry::{Entry, EntryKind, Event};
pub use gone::Gone;
pub use hold::{Hold, HoldRequest};
pub use hold_outcome::HoldOutcome;
pub use ids::{
    AccountId, AdjustmentId, CallerId, CustomerId, DebitId, EventId, HoldId, InvalidId, OutflowId, PaymentId,
    PurchaseId, RefundId, ReversalId, SubscriptionId,
};
pub use journal::{Decision, Posting, Record};
pub use open_hold::OpenHold;
pub use other_kind::OtherKind;
pub use period::{InvalidPeriod, Period};
pub use purchase::{Line, MoneyBack, MoneyBackStatus, Outflow, OutflowKind, Purchase, PurchaseStatus};
pub use reason::Reason;
pub use reconcile::Records;
pub use refusal::Refusal;
pub use reversal::{Reversal, ReversalOutcome, ReversalRequest};
pub use sequence::Sequence;
pub use settlement::{CaptureRequest, ReleaseRequest, Settlement, SettlementOutcome, SettlementRequest};
pub use settlement_status::SettlementStatus;
pub use spending::{Spending, SpendingBy, SpendingOf, Spent, SumLimit};
pub use subscription::{Subscription, SubscriptionStatus, Terms};
pub use subscription_record::{Item, PlanPayment, SubscriptionRecord};
