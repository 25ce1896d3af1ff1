//! The problems of rows, their consequences, and whether they can be repaired.

use std::fmt;

use scrip_accounts::Sequence;
use scrip_pricing::Credits;

/// A problem of a row. [`Problem::code`] is its stable name, [`fmt::Display`] describes it, and [`Problem::meaning`] is
/// its consequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The ledger has no rows with such a key.
    UnknownRow,
    /// The row can't be read, for this reason, which shows nothing of the row's content.
    Unreadable(String),
    /// The row's content belongs to another key.
    WrongKey,
    /// The row was read before: an export has it twice.
    Repeated,
    /// This entry and those up to another are missing.
    MissingEntries(Sequence),
    /// An entry's balance is below zero.
    BelowZero,
    /// An entry's balance is not the one before plus its change.
    WrongSum,
    /// An entry is older than the one before.
    TimeBackwards,
    /// An entry is of an earlier month than the one before.
    MonthBackwards,
    /// The owed credits changed by another amount than the entry's.
    WrongOwed,
    /// The open holds don't follow from those before and the entry.
    WrongHolds,
    /// An entry carries the key of an earlier one.
    SameKey(Sequence),
    /// Neither an entry nor its claim has the request's fingerprint.
    NoFingerprint,
    /// An entry's key has no claim.
    NoClaim,
    /// A claim's `from` is not below its entry.
    ClaimBehindEntry(Sequence),
    /// A claim names another entry than its own, which has this sequence.
    ClaimNamesAnother(Sequence),
    /// A claim without an entry has a `from` above the newest entry, or names an entry.
    StrayClaim,
    /// The total on a debit's claim differs from the sum of the debit's reversals.
    WrongTotal {
        /// The total on the claim.
        counted: Credits,
        /// The sum of the reversals.
        reversed: Credits,
    },
    /// The reversals of a debit gave back more than it took.
    ReversedTooMuch,
    /// A reversal's debit has no entry.
    NoDebit,
    /// The account is due at the month's turn, but no row lists it.
    NoDueRow,
    /// The row lists the account for another month or in another shard.
    WrongDueRow,
    /// The row lists an account that isn't due.
    NeedlessDueRow,
    /// A purchase has no place in the list.
    NoBoughtRow,
    /// A place in the list has no purchase of that time.
    StrayBoughtRow,
    /// A payment has no owner row.
    NoPaymentRow,
    /// A payment's row names another account than the purchase's.
    PaymentOfAnother,
    /// A payment's row names no purchase of its account that was paid by it.
    StrayPaymentRow,
    /// The row's account has no entries.
    NoAccount,
    /// The newest entry shows a subscription of which its account has no record.
    NoSubscription,
    /// The row is in the wrong partition of the due index.
    WrongIndex,
    /// The account was written to each time it was read again, so the finding could not be confirmed.
    Undecided,
}

impl Problem {
    /// The stable name of the problem.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_accounts::Sequence;
    /// use scrip_ledger::audit::Problem;
    ///
    /// assert_eq!(Problem::SameKey(Sequence::new(41)).code(), "same_key");
    /// ```
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

    /// The consequence of the problem.
    ///
    /// # Examples
    ///
    /// ```
    /// use scrip_ledger::audit::Problem;
    ///
    /// assert_eq!(Problem::NoDueRow.to_string(), "is missing");
    /// assert_eq!(Problem::NoDueRow.meaning(), "the sweep misses the account; its next call settles it");
    /// ```
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

    /// Whether rows with this problem can be rebuilt from other rows.
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
                write!(
                    f,
                    "counts {} as reversed; its reversals gave {}",
                    ShortCredits(counted),
                    ShortCredits(reversed)
                )
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

/// Credits as `playground/tune/tune_image`.
struct ShortCredits<'a>(&'a Credits);

impl fmt::Display for ShortCredits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(credits) = self;
        write!(f, "{}/{}/{}", credits.playground(), credits.tune(), credits.tune_image())
    }
}
