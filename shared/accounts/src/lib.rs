//! The rules of an account's credits: the account, its entries, and one file for each command.
//!
//! Everything here is a pure function of three things: the account after its newest entry, the command and
//! the time. There is no I/O, no clock and no async. A decision returns new entries or a [`Refusal`]; only
//! the ledger crate appends them. Rule numbers in comments are those of `docs/rules.md`.

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
mod draft;
mod entry;
pub mod facts;
mod hold;
mod hold_outcome;
mod ids;
mod journal;
pub mod money_back;
mod names;
mod open_hold;
mod other_kind;
mod outflow_total;
mod outflows;
mod period;
mod proportion;
mod provider_time;
mod purchase;
mod reason;
pub mod reconcile;
mod records;
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
pub use hold::{Hold, HoldRequest};
pub use hold_outcome::HoldOutcome;
pub use ids::{
    AccountId, AdjustmentId, CallerId, CustomerId, DebitId, EventId, HoldId, InvalidId, OutflowId, PaymentId,
    PurchaseId, RefundId, ReversalId, SubscriptionId,
};
pub use journal::{Decision, Posting, Record};
pub use names::{Currency, PlanName, Sku};
pub use open_hold::OpenHold;
pub use other_kind::OtherKind;
pub use outflow_total::OutflowTotal;
pub use period::{InvalidPeriod, Period};
pub use provider_time::ProviderTime;
pub use purchase::{Line, MoneyBack, MoneyBackStatus, Outflow, OutflowKind, Purchase, PurchaseStatus};
pub use reason::Reason;
pub use records::Records;
pub use refusal::Refusal;
pub use reversal::{Reversal, ReversalOutcome, ReversalRequest};
pub use sequence::Sequence;
pub use settlement::{CaptureRequest, ReleaseRequest, Settlement, SettlementOutcome, SettlementRequest};
pub use settlement_status::SettlementStatus;
pub use spending::{Spending, SpendingGroup, SpendingGrouping, SpendingTotals, SumLimit};
pub use subscription::{Subscription, SubscriptionStatus, Terms};
pub use subscription_record::{ObservedPlan, PlanPayment, SubscriptionRecord};
