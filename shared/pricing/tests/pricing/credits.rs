//! Arithmetic of credits, and which JSON is credits.

use proptest::prelude::*;
use scrip_pricing::{Credits, Kind};

const MAX: u64 = 1_000_000_000_000;

#[test]
fn the_cap_is_an_exact_integer_in_json() {
    assert_eq!(Credits::MAX_OF_A_KIND, MAX);
}

#[test]
fn adding_stops_at_the_cap_of_any_kind() {
    let table = [
        (Credits::new(1, 2, 3), Credits::new(10, 20, 30), Some(Credits::new(11, 22, 33))),
        (Credits::new(MAX, 0, 0), Credits::new(0, MAX, MAX), Some(Credits::new(MAX, MAX, MAX))),
        (Credits::new(MAX - 1, 0, 0), Credits::new(1, 0, 0), Some(Credits::new(MAX, 0, 0))),
        (Credits::new(MAX, 0, 0), Credits::new(1, 0, 0), None),
        (Credits::new(0, MAX, 0), Credits::new(0, 1, 0), None),
        (Credits::new(0, 0, MAX), Credits::new(0, 0, 1), None),
        (Credits::new(u64::MAX, 0, 0), Credits::new(1, 0, 0), None),
    ];
    for (a, b, sum) in table {
        assert_eq!(a.checked_add(b), sum, "{a:?} + {b:?}");
    }
}

#[test]
fn subtracting_stops_at_zero_of_any_kind() {
    let table = [
        (Credits::new(11, 22, 33), Credits::new(1, 2, 3), Some(Credits::new(10, 20, 30))),
        (Credits::new(1, 1, 1), Credits::new(1, 1, 1), Some(Credits::ZERO)),
        (Credits::new(1, 9, 9), Credits::new(2, 0, 0), None),
        (Credits::new(9, 1, 9), Credits::new(0, 2, 0), None),
        (Credits::new(9, 9, 1), Credits::new(0, 0, 2), None),
    ];
    for (a, b, difference) in table {
        assert_eq!(a.checked_sub(b), difference, "{a:?} - {b:?}");
        assert_eq!(a.covers(b), difference.is_some(), "{a:?} covers {b:?}");
    }
}

#[test]
fn multiplying_stops_at_the_cap_of_any_kind() {
    let table = [
        (Credits::new(1, 2, 3), 4, Some(Credits::new(4, 8, 12))),
        (Credits::new(1, 2, 3), 0, Some(Credits::ZERO)),
        (Credits::new(1, 0, 0), MAX, Some(Credits::new(MAX, 0, 0))),
        (Credits::new(1, 0, 0), MAX + 1, None),
        (Credits::new(0, 2, 0), u64::MAX, None),
        (Credits::new(0, 0, MAX), 2, None),
    ];
    for (credits, n, product) in table {
        assert_eq!(credits.checked_mul(n), product, "{credits:?} × {n}");
    }
}

#[test]
fn kind_by_kind() {
    let (a, b) = (Credits::new(5, 1, 0), Credits::new(3, 4, 0));
    assert_eq!(a.shortfall(b), Credits::new(0, 3, 0));
    assert_eq!(b.shortfall(a), Credits::new(2, 0, 0));
    assert_eq!(a.min(b), Credits::new(3, 1, 0));
    assert_eq!(a.with_playground(7), Credits::new(7, 1, 0));
    assert_eq!((a.playground(), a.tune(), a.tune_image()), (5, 1, 0));
    assert_eq!(Credits::default(), Credits::ZERO);
    assert!(Credits::ZERO.is_zero());
    for one in [Credits::new(1, 0, 0), Credits::new(0, 1, 0), Credits::new(0, 0, 1)] {
        assert!(!one.is_zero(), "{one:?}");
    }
}

#[test]
fn each_kind_has_a_name_and_an_amount() -> Result<(), serde_json::Error> {
    let table = [
        (Kind::Playground, r#""playground""#, 1),
        (Kind::Tune, r#""tune""#, 2),
        (Kind::TuneImage, r#""tune_image""#, 3),
    ];
    assert_eq!(table.map(|(kind, ..)| kind), Kind::ALL);
    assert!(Kind::ALL.is_sorted());
    for (kind, json, amount) in table {
        assert_eq!(serde_json::to_string(&kind)?, json);
        assert_eq!(serde_json::from_str::<Kind>(json)?, kind);
        assert_eq!(Credits::new(1, 2, 3).of(kind), amount, "{kind:?}");
    }
    Ok(())
}

#[test]
fn json_has_all_three_kinds() -> Result<(), serde_json::Error> {
    let json = r#"{"playground":1,"tune":2,"tune_image":3}"#;
    assert_eq!(serde_json::to_string(&Credits::new(1, 2, 3))?, json);
    let table = [
        (json, Credits::new(1, 2, 3)),
        (r#"{"tune_image":3,"tune":2,"playground":1}"#, Credits::new(1, 2, 3)),
        (r#"{"playground":1000000000000,"tune":0,"tune_image":0}"#, Credits::new(MAX, 0, 0)),
        (r#"{"playground":1.0,"tune":0,"tune_image":2e1}"#, Credits::new(1, 0, 20)),
    ];
    for (json, credits) in table {
        assert_eq!(serde_json::from_str::<Credits>(json)?, credits, "{json}");
    }
    Ok(())
}

#[test]
fn json_that_is_not_credits() {
    let table = [
        (r#"{"playground":1,"tune":2}"#, "missing field `tune_image`"),
        (r#"{"playground":1,"tune_image":3}"#, "missing field `tune`"),
        ("{}", "missing field `playground`"),
        (
            r#"{"playground":1,"tune":2,"tune_image":3,"gold":4}"#,
            "unknown field `gold`, expected one of `playground`, `tune`, `tune_image`",
        ),
        (r#"{"playground":1,"tune":2,"tune":2,"tune_image":3}"#, "duplicate field `tune`"),
        (
            r#"{"playground":-1,"tune":0,"tune_image":0}"#,
            "invalid value: integer `-1`, expected a number of credits from 0 to 1000000000000",
        ),
        (
            r#"{"playground":1000000000001,"tune":0,"tune_image":0}"#,
            "invalid value: integer `1000000000001`, expected a number of credits from 0 to 1000000000000",
        ),
        (
            r#"{"playground":1.5,"tune":0,"tune_image":0}"#,
            "invalid type: floating point `1.5`, expected an integer",
        ),
        (r#"{"playground":"1","tune":0,"tune_image":0}"#, "invalid type: string \"1\", expected an integer"),
        (r#"{"playground":null,"tune":0,"tune_image":0}"#, "invalid type: null, expected an integer"),
        ("[1,2,3]", "invalid type: sequence, expected an object with `playground`, `tune` and `tune_image`"),
    ];
    for (json, expected) in table {
        match serde_json::from_str::<Credits>(json) {
            Ok(credits) => panic!("{json} is {credits:?}"),
            Err(error) => assert!(error.to_string().starts_with(expected), "{json}: {error}"),
        }
    }
}

fn any_credits() -> impl Strategy<Value = Credits> {
    (0..=MAX, 0..=MAX, 0..=MAX).prop_map(|(p, t, i)| Credits::new(p, t, i))
}

proptest! {
    #[test]
    fn an_added_amount_can_be_subtracted(a in any_credits(), b in any_credits()) {
        if let Some(sum) = a.checked_add(b) {
            prop_assert_eq!(sum.checked_sub(b), Some(a));
        }
    }

    #[test]
    fn the_shortfall_is_the_least_that_helps(has in any_credits(), needs in any_credits()) {
        let short = has.shortfall(needs);
        prop_assert_eq!(short.is_zero(), has.covers(needs));
        prop_assert_eq!(has.min(needs).checked_add(short), Some(needs));
    }

    #[test]
    fn json_round_trips(credits in any_credits()) {
        let json = serde_json::to_string(&credits)?;
        prop_assert_eq!(serde_json::from_str::<Credits>(&json)?, credits);
    }
}
