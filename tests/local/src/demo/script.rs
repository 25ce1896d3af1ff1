//! What happens in the month of `--demo`.
//!
//! Invariant: a step is a request, the status it must have, and the function that shows its answer.

use super::format::{bought, credits, dollars, list, outcomes, refused, set_aside, taken, text};
use chrono::{DateTime, Months, TimeDelta, Utc};
use serde_json::Value;

/// When a step happens.
#[derive(Clone, Copy)]
pub(super) enum At {
    /// A day of the present month and its time, UTC.
    Day(u32, u32, u32),
    /// One second before the month ends.
    LastSecond,
    /// One second into the next month.
    NextMonth,
    /// A time on the first day of the next month: its hour, UTC.
    First(u32),
}

/// A request and what its answer must be.
pub(super) struct Step {
    pub(super) at: At,
    pub(super) says: &'static str,
    pub(super) request: Request,
    pub(super) status: u16,
    /// Whether the answer must be marked as the replay of an earlier one.
    pub(super) replayed: bool,
    pub(super) show: fn(&Value) -> String,
}

/// The request of a step.
pub(super) enum Request {
    Get(&'static str),
    /// A body, without a key.
    Ask(&'static str, &'static str),
    /// An idempotency key and a body.
    Do(&'static str, &'static str, &'static str),
    /// Buys a SKU through the provider, whose webhooks grant it.
    Buy(&'static str),
    /// The schedule's event for the monthly refill.
    Refill,
    /// Support gives back what a SKU cost.
    Refund(&'static str),
    /// The provider's events of what the API asked it to do.
    DeliverEvents,
}

const ACCOUNT_URL: &str = "/v1/accounts/demo-month";
const ENTRIES: &str = "/v1/accounts/demo-month/entries?limit=100";
const QUOTES: &str = "/v1/accounts/demo-month/quotes";
const DEBITS: &str = "/v1/accounts/demo-month/debits";
const REVERSALS: &str = "/v1/accounts/demo-month/debits/demo-2/reversals";
const HOLDS: &str = "/v1/accounts/demo-month/holds";
const CAPTURE: &str = "/v1/accounts/demo-month/holds/demo-9/capture";
const EXPIRED: &str = "/v1/accounts/demo-month/holds/demo-10";

const SMALL: &str = r#"{"operation":"text_to_image","width":768,"height":512,"steps":80,"images":2}"#;
const UPSCALES: &str = r#"{"operation":"upscale","factor":4,"images":20}"#;
const BIG: &str = r#"{"operation":"text_to_image","width":1024,"height":1024,"steps":150,"images":100}"#;

/// The month.
pub(super) const SCRIPT: [Step; 27] = [
    Step {
        at: At::Day(3, 9, 0),
        says: "buy the standard plan",
        request: Request::Buy("standard_monthly"),
        status: 200,
        replayed: false,
        show: bought,
    },
    Step {
        at: At::Day(3, 9, 5),
        says: "buy a tune pack",
        request: Request::Buy("tune_pack"),
        status: 200,
        replayed: false,
        show: bought,
    },
    Step {
        at: At::Day(4, 9, 0),
        says: "read the catalog",
        request: Request::Get("/v1/catalog"),
        status: 200,
        replayed: false,
        show: |body| format!("catalog {}", text(&body["catalog_version"])),
    },
    Step {
        at: At::Day(4, 9, 1),
        says: "quote 2 images of 768 x 512, 80 steps",
        request: Request::Ask("/v1/quotes", SMALL),
        status: 200,
        replayed: false,
        show: |body| format!("costs {}", credits(&body["credits"])),
    },
    Step {
        at: At::Day(4, 9, 2),
        says: "the same quote for the account",
        request: Request::Ask(QUOTES, SMALL),
        status: 200,
        replayed: false,
        show: |body| {
            format!(
                "balance {}; enough for {} such images",
                credits(&body["balance"]),
                text(&body["affordable_images"])
            )
        },
    },
    Step {
        at: At::Day(4, 9, 3),
        says: "debit it (key demo-1)",
        request: Request::Do(DEBITS, "demo-1", SMALL),
        status: 201,
        replayed: false,
        show: taken,
    },
    Step {
        at: At::Day(4, 9, 4),
        says: "the answer got lost: debit it again (key demo-1)",
        request: Request::Do(DEBITS, "demo-1", SMALL),
        status: 201,
        replayed: true,
        show: |body| format!("the first answer again: {}", taken(body)),
    },
    Step {
        at: At::Day(4, 9, 5),
        says: "something else under the same key (demo-1)",
        request: Request::Do(DEBITS, "demo-1", BIG),
        status: 422,
        replayed: false,
        show: refused,
    },
    Step {
        at: At::Day(10, 14, 0),
        says: "debit 100 images of 1024 x 1024, 150 steps (demo-2)",
        request: Request::Do(DEBITS, "demo-2", BIG),
        status: 201,
        replayed: false,
        show: taken,
    },
    Step {
        at: At::Day(11, 14, 0),
        says: "and another 100 (demo-3)",
        request: Request::Do(DEBITS, "demo-3", BIG),
        status: 201,
        replayed: false,
        show: taken,
    },
    Step {
        at: At::Day(12, 14, 0),
        says: "and another 100, more than is left (demo-4)",
        request: Request::Do(DEBITS, "demo-4", BIG),
        status: 402,
        replayed: false,
        show: |body| format!("{}; remedies: {}", refused(body), list(&body["remedies"])),
    },
    Step {
        at: At::Day(15, 11, 0),
        says: "train a Tune with 3 prompts (demo-5)",
        request: Request::Do(DEBITS, "demo-5", r#"{"operation":"train_tune","prompts":3}"#),
        status: 201,
        replayed: false,
        show: taken,
    },
    Step {
        at: At::Day(16, 11, 0),
        says: "2 more prompts from the trained Tune (demo-6)",
        request: Request::Do(DEBITS, "demo-6", r#"{"operation":"tune_images","prompts":2}"#),
        status: 201,
        replayed: false,
        show: taken,
    },
    Step {
        at: At::Day(17, 8, 0),
        says: "40 images of demo-2 failed: give their credits back",
        request: Request::Do(
            REVERSALS,
            "demo-7",
            r#"{"credits":{"playground":400,"tune":0,"tune_image":0},"reason":"40 images failed"}"#,
        ),
        status: 201,
        replayed: false,
        show: |body| format!("returned {}, left {}", credits(&body["credits"]), credits(&body["balance"])),
    },
    Step {
        at: At::Day(17, 8, 1),
        says: "give back more than demo-2 took",
        request: Request::Do(
            REVERSALS,
            "demo-8",
            r#"{"credits":{"playground":700,"tune":0,"tune_image":0},"reason":"a mistake"}"#,
        ),
        status: 409,
        replayed: false,
        show: |body| format!("{}; reversible: {}", refused(body), credits(&body["reversible"])),
    },
    Step {
        at: At::Day(18, 9, 0),
        says: "hold the credits of 20 upscales by 4 (demo-9)",
        request: Request::Do(HOLDS, "demo-9", UPSCALES),
        status: 201,
        replayed: false,
        show: set_aside,
    },
    Step {
        at: At::Day(18, 9, 10),
        says: "15 of them were made: capture these",
        request: Request::Ask(CAPTURE, r#"{"images":15}"#),
        status: 200,
        replayed: false,
        show: |body| {
            format!(
                "took {}, returned {}, left {}",
                credits(&body["captured"]),
                credits(&body["returned"]),
                credits(&body["balance"])
            )
        },
    },
    Step {
        at: At::Day(19, 9, 0),
        says: "hold as much again (demo-10); its worker dies",
        request: Request::Do(HOLDS, "demo-10", UPSCALES),
        status: 201,
        replayed: false,
        show: set_aside,
    },
    Step {
        at: At::Day(19, 9, 15),
        says: "the status of demo-10",
        request: Request::Get(EXPIRED),
        status: 200,
        replayed: false,
        show: |body| format!("{}: returned {}", text(&body["status"]), credits(&body["returned"])),
    },
    Step {
        at: At::Day(19, 9, 15),
        says: "the account has it back",
        request: Request::Get(ACCOUNT_URL),
        status: 200,
        replayed: false,
        show: |body| format!("balance {}; held {}", credits(&body["balance"]), credits(&body["held"])),
    },
    Step {
        at: At::LastSecond,
        says: "the account in the month's last second",
        request: Request::Get(ACCOUNT_URL),
        status: 200,
        replayed: false,
        show: |body| {
            format!("balance {}; next refill {}", credits(&body["balance"]), text(&body["next_refill_at"]))
        },
    },
    Step {
        at: At::First(0),
        says: "the monthly refill",
        request: Request::Refill,
        status: 200,
        replayed: false,
        show: |body| {
            let counts = ["due", "refilled", "expired", "already_settled", "failed"];
            let counts = counts.map(|count| format!("{} {count}", body[count]));
            format!("{}: {}", text(&body["period"]), counts.join(", "))
        },
    },
    Step {
        at: At::NextMonth,
        says: "debit 1 image one second into the month (demo-11)",
        request: Request::Do(
            DEBITS,
            "demo-11",
            r#"{"operation":"text_to_image","width":512,"height":512,"steps":20}"#,
        ),
        status: 201,
        replayed: false,
        show: taken,
    },
    Step {
        at: At::First(10),
        says: "upgrade to the business plan",
        request: Request::Buy("business_monthly"),
        status: 200,
        replayed: false,
        show: bought,
    },
    Step {
        at: At::First(11),
        says: "the pack's money back, please",
        request: Request::Refund("tune_pack"),
        status: 200,
        replayed: false,
        show: |body| {
            format!(
                "{}: {} back, revoked {}, spent before {}",
                text(&body["status"]),
                dollars(&body["amount"]),
                credits(&body["credits_revoked"]),
                credits(&body["credits_spent"])
            )
        },
    },
    Step {
        at: At::First(11),
        says: "the provider's events of the refund arrive",
        request: Request::DeliverEvents,
        status: 200,
        replayed: false,
        show: |body| outcomes(&body["events"]),
    },
    Step {
        at: At::First(12),
        says: "the account after it",
        request: Request::Get(ACCOUNT_URL),
        status: 200,
        replayed: false,
        show: |body| {
            format!(
                "balance {}; {} plan, period {}",
                credits(&body["balance"]),
                text(&body["plan"]),
                text(&body["period"])
            )
        },
    },
];

/// The page with the whole ledger.
pub(super) const LEDGER: Step = Step {
    at: At::First(12),
    says: "read the ledger",
    request: Request::Get(ENTRIES),
    status: 200,
    replayed: false,
    show: |body| format!("{} entries", body["entries"].as_array().map_or(0, Vec::len)),
};

impl At {
    /// The moment, for the month that begins at `month`.
    pub(super) fn within(self, month: DateTime<Utc>) -> DateTime<Utc> {
        let next = month + Months::new(1);
        match self {
            Self::Day(day, hour, minute) => {
                month
                    + TimeDelta::days(i64::from(day) - 1)
                    + TimeDelta::minutes(i64::from(hour * 60 + minute))
            }
            Self::LastSecond => next - TimeDelta::seconds(1),
            Self::NextMonth => next + TimeDelta::seconds(1),
            Self::First(hour) => next + TimeDelta::hours(i64::from(hour)),
        }
    }
}
