//! What can be wrong with a row, what that means, and whether it can be mended.

use std::fmt;

use scrip_accounts::Sequence;
use scrip_pricing::Credits;

/// What is wrong with a row. [`Problem::code`] names the kind, [`fmt::Display`] says what, [`Problem::meaning`] what
/// follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The ledger has no rows with such a key.
    UnknownRow,
    /// The row can't be read; why, without what it holds.
    Unreadable(String),
    /// The row holds what belongs under another key.
    WrongKey,
    /// The row was there before: an export holds it twice.
    Repeated,
    /// This entry and those up to another are missing.
    MissingEntries(Sequence),
    /// An entry's balance is below zero.
    BelowZero,
    /// An entry's balance is not the one before and its change.
    WrongSum,
    /// An entry is older than the one before.
    TimeBackwards,
    /// An entry is of an earlier month than the one before.
    MonthBackwards,
    /// What is owed changed by another amount than the entry says.
    WrongOwed,
    /// The open holds are not those before and what the entry did to them.
    WrongHolds,
    /// An entry carries the key of an earlier one.
    SameKey(Sequence),
    /// Neither an entry nor its claim holds the request's fingerprint.
    NoFingerprint,
    /// An entry's key has no claim.
    NoClaim,
    /// A claim points behind its entry: `from` is not below it.
    ClaimBehindEntry(Sequence),
    /// A claim names another entry than its own, which is this one.
    ClaimNamesAnother(Sequence),
    /// A claim without an entry points behind the newest entry, or names an entry.
    StrayClaim,
    /// A debit's claim counts other credits as reversed than its reversals gave back.
    WrongTotal {
        /// What the claim counts.
        counted: Credits,
        /// What the reversals add up to.
        reversed: Credits,
    },
    /// The reversals of a debit gave back more than it took.
    ReversedTooMuch,
    /// A reversal's debit has no entry.
    NoDebit,
    /// The account must be settled at a month's turn, and no row lists it.
    NoDueRow,
    /// The row lists the account for another month or in another shard.
    WrongDueRow,
    /// The row lists an account that has nothing to settle.
    NeedlessDueRow,
    /// A purchase has no place in the list.
    NoBoughtRow,
    /// A place in the list has no purchase of that time.
    StrayBoughtRow,
    /// No row says whose a payment is.
    NoPaymentRow,
    /// A payment's row names another account than the purchase's.
    PaymentOfAnother,
    /// A payment's row names no purchase of its account that was paid by it.
    StrayPaymentRow,
    /// The row's account has no entries.
    NoAccount,
    /// The newest entry shows a subscription of which its account has no record.
    NoSubscription,
    /// The row is in another partition of the due index than it must be.
    WrongIndex,
    /// The account was written to each time that it was read again.
    Undecided,
}

impl Problem {
    /// The kind's name, which never changes.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownRow => "unknown_row",
            Self::Unreadable(_) => "unreadable",
            Self::WrongKey => "wrong_key",
            Self::Repeated => "repeated",
            Self::MissingEntries(_) => "missing_entries",
            Self::BelowZero => "below_zero",
            Self::WrongSum => "wrong_sum",
            Self::TimeBackwards => "time_backwards",
            Self::MonthBackwards => "month_backwards",
            Self::WrongOwed => "wrong_owed",
            Self::WrongHolds => "wrong_holds",
            Self::SameKey(_) => "same_key",
            Self::NoFingerprint => "no_fingerprint",
            Self::NoClaim => "no_claim",
            Self::ClaimBehindEntry(_) => "claim_behind_entry",
            Self::ClaimNamesAnother(_) => "claim_names_another",
            Self::StrayClaim => "stray_claim",
            Self::WrongTotal { .. } => "wrong_total",
            Self::ReversedTooMuch => "reversed_too_much",
            Self::NoDebit => "no_debit",
            Self::NoDueRow => "no_due_row",
            Self::WrongDueRow => "wrong_due_row",
            Self::NeedlessDueRow => "needless_due_row",
            Self::NoBoughtRow => "no_bought_row",
            Self::StrayBoughtRow => "stray_bought_row",
            Self::NoPaymentRow => "no_payment_row",
            Self::PaymentOfAnother => "payment_of_another",
            Self::StrayPaymentRow => "stray_payment_row",
            Self::NoAccount => "no_account",
            Self::NoSubscription => "no_subscription",
            Self::WrongIndex => "wrong_index",
            Self::Undecided => "undecided",
        }
    }

    /// What follows from it.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        match self {
            Self::UnknownRow => "nothing reads it",
            Self::Unreadable(_) | Self::WrongKey => "what reads it fails",
            Self::Repeated => "the export holds files twice",
            Self::MissingEntries(_) => "calls on the account fail, and a command may be carried out again",
            Self::BelowZero | Self::WrongSum => "the credits before and after it don't agree",
            Self::TimeBackwards | Self::MonthBackwards => "it was not made by the ledger",
            Self::WrongHolds => "credits that are set aside are lost, or come back twice",
            Self::WrongOwed => "a refund's or dispute's credits are counted wrong",
            Self::SameKey(_) => "the command was carried out twice",
            Self::NoFingerprint => "another request with its key gets its answer",
            Self::NoClaim | Self::ClaimBehindEntry(_) => "a retry would be carried out again",
            Self::ClaimNamesAnother(_) => "a retry or a reversal fails",
            Self::StrayClaim => "calls with its key fail",
            Self::WrongTotal { .. } => "a reversal gives back too much, or is refused",
            Self::ReversedTooMuch | Self::NoDebit => "credits came back that were not taken",
            Self::NoDueRow | Self::WrongDueRow => "the sweep misses the account; its next call settles it",
            Self::NeedlessDueRow => "the sweep looks at the account for nothing",
            Self::NoBoughtRow => "the list of purchases lacks it",
            Self::StrayBoughtRow => "the list of purchases fails, or has it twice",
            Self::NoPaymentRow => "a refund or dispute of the payment is not applied",
            Self::PaymentOfAnother | Self::StrayPaymentRow => "a refund or dispute goes to the wrong account",
            Self::NoAccount => "the account's entries are lost, or the row is another account's",
            Self::NoSubscription => "the next event of the subscription grants it again",
            Self::WrongIndex => "it is not looked at again, or in vain",
            Self::Undecided => "it may be in order; verify again when the account is used less",
        }
    }

    /// Whether rows with such a problem can be rebuilt from what else is in the table.
    pub(super) fn is_repairable(&self) -> bool {
        matches!(
            self,
            Self::NoClaim
                | Self::ClaimBehindEntry(_)
                | Self::ClaimNamesAnother(_)
                | Self::StrayClaim
                | Self::WrongTotal { .. }
                | Self::NoDueRow
                | Self::WrongDueRow
                | Self::NeedlessDueRow
                | Self::NoBoughtRow
                | Self::NoPaymentRow
                | Self::WrongIndex
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownRow => f.write_str("is no row of the ledger"),
            Self::Unreadable(why) => write!(f, "can't be read: {why}"),
            Self::WrongKey => f.write_str("holds what belongs under another key"),
            Self::Repeated => f.write_str("is there twice"),
            Self::MissingEntries(last) => write!(f, "is missing, as are all up to {last}"),
            Self::BelowZero => f.write_str("has a balance below zero"),
            Self::WrongSum => f.write_str("has a balance that is not the one before and its change"),
            Self::TimeBackwards => f.write_str("is older than the entry before"),
            Self::MonthBackwards => f.write_str("is of an earlier month than the entry before"),
            Self::WrongOwed => f.write_str("changes what is owed by a wrong amount"),
            Self::WrongHolds => f.write_str("has other open holds than the entry before and its own step"),
            Self::SameKey(first) => write!(f, "carries the same key as entry {first}"),
            Self::NoFingerprint => f.write_str("has no fingerprint of its request"),
            Self::NoClaim => f.write_str("has no claim of its key"),
            Self::ClaimBehindEntry(entry) => write!(f, "says that entry {entry} does not carry its key"),
            Self::ClaimNamesAnother(entry) => write!(f, "does not name its entry, which is {entry}"),
            Self::StrayClaim => f.write_str("points to an entry that is not there or is another's"),
            Self::WrongTotal { counted, reversed } => {
                write!(f, "counts {} as reversed; its reversals gave {}", Three(counted), Three(reversed))
            }
            Self::ReversedTooMuch => f.write_str("took less than its reversals gave back"),
            Self::NoDebit => f.write_str("reverses a debit that has no entry"),
            Self::NoDueRow | Self::NoBoughtRow | Self::NoPaymentRow | Self::NoSubscription => {
                f.write_str("is missing")
            }
            Self::WrongDueRow => f.write_str("lists the account for another month or shard"),
            Self::NeedlessDueRow => f.write_str("lists an account that has nothing to settle"),
            Self::StrayBoughtRow => {
                f.write_str("lists a purchase that is not there, or was paid at another time")
            }
            Self::PaymentOfAnother => f.write_str("names another account than the purchase's"),
            Self::StrayPaymentRow => f.write_str("names no purchase of its account that was paid by it"),
            Self::NoAccount => f.write_str("belongs to an account that has no entries"),
            Self::WrongIndex => f.write_str("is in the wrong place of the due index"),
            Self::Undecided => f.write_str("was written to each time that it was read"),
        }
    }
}

/// Credits in short.
struct Three<'a>(&'a Credits);

impl fmt::Display for Three<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(credits) = self;
        write!(f, "{}/{}/{}", credits.playground(), credits.tune(), credits.tune_image())
    }
}
