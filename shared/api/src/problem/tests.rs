use std::fmt::Write;

use scrip_accounts::{
    Refusal::{self, *},
    SettlementStatus,
};
use scrip_ledger::{Error, Fault};
use scrip_pricing::{CATALOG, Count, Credits, Operation, Pieces, Unit};

use super::{Code, Problem};

#[test]
fn the_list_of_codes_is_complete() {
    for (index, code) in Code::ALL.into_iter().enumerate() {
        assert_eq!(code as usize, index, "{code:?}");
    }
    // `TryAgain` is declared last.
    assert_eq!(Code::ALL.len(), Code::TryAgain as usize + 1);
}

const SECRET: &str = "AccessDenied: arn:aws:iam::123456789012:role/x";

fn refusals() -> Vec<Refusal> {
    let c = Credits::new;
    let upscale = Operation::Upscale { factor: Count::new(3), images: Count::new(1) };
    let short = |required: Credits, balance: Credits, remedies: &[&'static str]| InsufficientCredits {
        required,
        balance,
        shortfall: balance.shortfall(required),
        remedies: remedies.to_vec(),
    };
    vec![
        Unsupported(CATALOG.quote(&upscale).unwrap_err()),
        PriceChanged { expected: c(4, 0, 0), current: c(6, 0, 0) },
        short(c(0, 1, 64), c(7, 0, 60), &["tune_pack"]),
        short(c(9000, 0, 0), c(7, 0, 0), &[]),
        FreeHold,
        TooManyHolds,
        HoldNotFound,
        HoldMissing,
        HoldExpired { expired_at: chrono::DateTime::UNIX_EPOCH },
        HoldSettled { status: SettlementStatus::Captured, captured: c(2, 0, 0), returned: c(1, 0, 0) },
        ExceedsHold { held: Some(Pieces { unit: Unit::Images, count: 4 }) },
        ExceedsHold { held: None },
        DebitNotFound,
        ExceedsDebit { reversible: c(6, 0, 0) },
        Overdrawn { balance: c(5, 1, 0), shortfall: c(0, 1, 0) },
        PurchaseNotFound,
        RefundWindowClosed { closed_at: chrono::DateTime::UNIX_EPOCH },
        NothingToRefund,
        TooManySubscriptions,
        OutdatedFacts,
        PaymentTaken,
        BalanceLimit,
    ]
}

fn errors() -> Vec<Error> {
    vec![
        Error::KeyReused,
        Error::TryAgain { attempts: 10, last: Fault::Throttled, source: None },
        Error::Internal { doing: "append", source: SECRET.into() },
    ]
}

/// The snapshot is a table of the answer to each refusal and error, and of the cause that is logged.
#[test]
fn each_refusal_and_each_error_has_its_problem() {
    let refusals = refusals().into_iter().map(|refusal| (format!("{refusal:?}"), refusal.into()));
    let errors = errors().into_iter().map(|error| (error.to_string(), error.into()));
    let mut table = String::new();
    for (from, problem) in refusals.chain(errors) {
        let problem: Problem = problem;
        let body = problem.body();
        assert_eq!(body["status"], problem.code().status(), "{from}");
        assert!(body["detail"].as_str().is_some_and(|advice| advice.len() > 30), "{from}: {body}");
        let cause = problem.cause().unwrap_or("nothing");
        writeln!(table, "{from}\n  answered: {body}\n  logged: {cause}").unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_cause_is_for_the_log_only() {
    let internal = Error::Internal { doing: "append", source: SECRET.into() };
    for problem in [Problem::from(internal), Problem::internal(SECRET)] {
        assert!(problem.cause().unwrap().contains(SECRET));
        let body = problem.body().to_string();
        assert!(!body.contains("arn:") && !body.contains("append"), "{body}");
    }
    let busy = Problem::from(Error::TryAgain { attempts: 10, last: Fault::Throttled, source: None });
    assert!(busy.cause().unwrap().contains("throttled"));
    assert!(!busy.body().to_string().contains("throttled"));
}
