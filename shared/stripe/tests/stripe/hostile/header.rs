//! Any `Stripe-Signature`: accepted exactly if a plain reading of docs/rules.md (Stripe's events) accepts it, never
//! after one bit of what was signed, or of the signature, has changed.

use proptest::{collection::vec, prelude::*, sample::select, strategy::ValueTree};

use scrip_test_support::{
    checks::signature_header::{NOW, SECRET, check_header, digits, is_accepted},
    hostile as input,
};

use super::SAMPLES;

const BODY: &[u8] = br#"{"id":"evt_1"}"#;

/// A part of a header, before the time that it signs is known.
#[derive(Debug, Clone)]
enum Part {
    Time,
    OtherTime(String),
    /// The scheme, and what is made of the right signature.
    Signature(&'static str, fn(&str, &str) -> String),
    Any(String),
}

impl Part {
    fn text(&self, time: &str) -> String {
        match self {
            Self::Time => format!("t={time}"),
            Self::OtherTime(other) => format!("t={other}"),
            Self::Signature(scheme, made) => format!("{scheme}={}", made(&digits(SECRET, time, BODY), time)),
            Self::Any(text) => text.clone(),
        }
    }
}

fn times() -> impl Strategy<Value = String> {
    let odd = [
        "",
        "+1795000000",
        "01795000000",
        "1795000000.0",
        " 1795000000",
        "1e9",
        "-0",
        "99999999999999999999",
        "١٧٩٥٠٠٠٠٠٠",
        "9223372036854775807",
        "-9223372036854775808",
    ];
    prop_oneof![
        4 => (-320..=320_i64).prop_map(|seconds| (NOW + seconds).to_string()),
        1 => any::<i64>().prop_map(|seconds| seconds.to_string()),
        1 => select(odd.to_vec()).prop_map(str::to_owned),
    ]
}

/// A header made of parts that are right, nearly right, or anything. A right one signs the time that begins it.
fn header() -> impl Strategy<Value = String> {
    let made: [fn(&str, &str) -> String; 8] = [
        |right, _| right.to_owned(),
        |right, _| right.to_owned(),
        |right, _| right.to_owned(),
        |right, _| right.to_uppercase(),
        |right, _| format!("{right}0"),
        |right, _| right[..63].to_owned(),
        |right, _| format!(" {right}"),
        |_, time| digits("another", time, BODY),
    ];
    let schemes = ["v1", "v1", "v1", "v1", "v0", "V1", "v1=", "t", ""];
    let part = prop_oneof![
        3 => Just(Part::Time),
        1 => times().prop_map(Part::OtherTime),
        6 => (select(schemes.to_vec()), select(made.to_vec()))
            .prop_map(|(scheme, made)| Part::Signature(scheme, made)),
        1 => "v1=[0-9a-f]{64}".prop_map(Part::Any),
        1 => ".{0,20}".prop_map(Part::Any),
    ];
    let space = || select(vec!["", "", "", "", " ", "\u{a0}", "\t"]);
    let joined = (times(), vec((space(), part, space()), 0..12)).prop_map(|(time, parts)| {
        let rest = parts.iter().map(|(before, part, after)| format!("{before}{}{after}", part.text(&time)));
        std::iter::once(format!("t={time}")).chain(rest).collect::<Vec<_>>().join(",")
    });
    let joined = joined.boxed();
    prop_oneof![6 => joined.clone(), 3 => input::garbled(joined), 1 => ".{0,200}"]
}

proptest! {
    #![proptest_config(input::at_least(25_000))]

    #[test]
    fn twenty_five_thousand_headers_are_valid_where_a_plain_reading_says_so(header in header()) {
        check_header(&header, BODY);
    }
}

/// Not all of the headers above are refused, or they would say nothing.
#[test]
fn right_headers_are_drawn_too() {
    let mut drawn = proptest::test_runner::TestRunner::deterministic();
    let valid = (0..1_000).filter(|_| {
        let header = header().new_tree(&mut drawn).unwrap().current();
        check_header(&header, BODY)
    });
    let valid = valid.count();
    assert!((100..900).contains(&valid), "{valid} of 1000");
}

/// All of them: some 370,000. The header is as the provider sends it, its time and one signature.
#[test]
fn every_single_bit_of_every_signed_sample_counts() {
    let mut refused = 0;
    for sample in SAMPLES {
        let header = format!("t={NOW},v1={}", digits(SECRET, &NOW.to_string(), sample.as_bytes()));
        assert!(is_accepted(&header, sample.as_bytes()));
        let mut body = sample.as_bytes().to_vec();
        for bit in 0..body.len() * 8 {
            body[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_accepted(&header, &body), "bit {bit} of {sample}");
            body[bit / 8] ^= 1 << (bit % 8);
            refused += 1;
        }
        for bit in 0..header.len() * 8 {
            let mut flipped = header.clone().into_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // What is no text is no header: the handler reads none then, and an empty one is refused.
            let flipped = String::from_utf8(flipped).unwrap_or_default();
            assert!(!is_accepted(&flipped, sample.as_bytes()), "bit {bit} of {header}: {flipped}");
            refused += 1;
        }
    }
    println!("{refused} bits");
    assert!(refused > 370_000, "{refused}");
}

/// What is neither the time nor a `v1` signs nothing, so it may be anything; but a bit that makes another
/// `t` of it counts.
#[test]
fn a_bit_of_what_signs_nothing_changes_nothing() {
    let right = digits(SECRET, &NOW.to_string(), BODY);
    let header = format!("t={NOW},v1={right},v0={}", "0".repeat(64));
    let unsigned = header.rfind("v0").unwrap();
    for bit in 0..header.len() * 8 {
        let mut flipped = header.clone().into_bytes();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(flipped) = String::from_utf8(flipped) else { continue };
        let is_before = bit / 8 < unsigned - 1;
        // Without the comma before it, `v0` is the end of a signature that is too long.
        let is_comma = bit / 8 == unsigned - 1;
        assert_eq!(is_accepted(&flipped, BODY), !is_before && !is_comma, "bit {bit}: {flipped}");
    }
}
