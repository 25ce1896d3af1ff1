//! What must come up in histories besides faults: the ways of a hold, and what its callers are answered.

use std::fmt;

macro_rules! cases {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One thing that comes up.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Case {
            $($(#[$doc])* $name,)*
        }

        impl Case {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

cases! {
    /// Credits were held.
    Held,
    /// A hold was captured, all of it.
    CapturedWhole,
    /// A hold was captured in part.
    CapturedPart,
    /// A hold was released by its caller.
    Released,
    /// A hold expired, and the next write gave it back.
    Expired,
    /// The month turned while a hold was open that expired.
    ExpiredNextMonth,
    /// The returned credits of a hold paid what was owed.
    PaidOwed,
    /// Something else was taken while credits were held.
    TakenBeside,
    /// Credits of a captured hold came back.
    CaptureReversed,
    /// A caller that had no answer to a hold, capture or release asked again, and it had happened.
    AskedAgain,
    /// A capture or release was asked for within a millisecond of the hold's end.
    AtExpiry,
    /// A capture or release was refused because another came first.
    HoldSettled,
    /// A capture or release was refused because the hold was over.
    HoldExpired,
    /// A capture was refused because it was of more than is held, or of something else.
    ExceedsHold,
    /// A capture or release came before its hold.
    HoldNotFound,
    /// A hold was refused because so many were open.
    TooManyHolds,
    /// A hold was refused because it had no credits.
    HoldShort,
    /// A hold or debit was refused because its key is another's, and one of the two was a hold.
    KeyReused,
    /// A reader saw a hold that was open.
    SeenHeld,
    /// A reader saw how a hold ended.
    SeenEnded,
    /// A reader saw a hold that expired.
    SeenExpired,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
