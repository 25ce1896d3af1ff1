//! Any text as `catalog.toml`: the build says what is wrong with it, or everything in range has a price that
//! doesn't fall as work grows and doesn't overflow.

use proptest::{collection::vec, prelude::*, sample::select, strategy::ValueTree};

use super::at_least;
use crate::catalog_file::CATALOG;
use scrip_test_support::checks::catalog::check_catalog;

/// The catalog's text in tokens, none of them lost: words, numbers, marks and what is between.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let is_alike = |c: char| if is_word(first) { is_word(c) } else { first == ' ' && c == ' ' };
        let length = rest.find(|c| !is_alike(c)).unwrap_or(rest.len()).max(first.len_utf8());
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after;
    }
    tokens
}

/// The catalog without its comments, so that slips hit what counts.
fn plain() -> String {
    let lines = CATALOG.lines().map(|line| line.split('#').next().unwrap_or_default().trim_end());
    lines.filter(|line| !line.is_empty()).flat_map(|line| [line, "\n"]).collect()
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (0..=12_i64).prop_map(|number| number.to_string()),
        3 => (-1..=2_000_i64).prop_map(|number| number.to_string()),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        2 => select(vec!["1000000", "1000001", "1000000000", "1000000001", "99999999999999999999", "1e3", "1.0",
            "nan", "inf", "0x10", "1_000", "-0", "true", "2026-11-01", "\"agreed\"", "\"\"", "{}", "[]", "[[]]",
            "{ tune = 1 }", "\"10%\"", "\"101%\"", "{ playground = 1 }", "\"\\u0000\"", "'''x'''"])
            .prop_map(str::to_owned),
        1 => select(vec!["width", "height", "playground", "tune", "tune_image", "basic", "basic_monthly",
            "tune_pack", "[images]", "[[plans]]", "=", ",", "\n", "]", "}", "\""])
            .prop_map(str::to_owned),
        1 => ".{0,6}",
    ]
}

/// The catalog with up to three slips: a number that is another, a token that is missing, is another, or is
/// there twice, a line that is moved or is there twice.
fn slipped() -> impl Strategy<Value = String> {
    let slip = (0..10_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), value());
    vec(slip, 0..=3).prop_map(|slips| {
        let mut text = plain();
        for (kind, at, other, value) in slips {
            let mut tokens: Vec<String> = tokens(&text).into_iter().map(str::to_owned).collect();
            let is_number = |token: &str| token.bytes().all(|byte| byte.is_ascii_digit());
            let numbers: Vec<usize> = (0..tokens.len()).filter(|index| is_number(&tokens[*index])).collect();
            if tokens.is_empty() || numbers.is_empty() {
                break;
            }
            let place = at.index(tokens.len());
            match kind {
                0..=4 => tokens[numbers[at.index(numbers.len())]] = value,
                5 => tokens[place].clear(),
                6 => tokens[place] = value,
                7 => tokens.insert(place, value),
                _ => {
                    let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
                    let line = lines[at.index(lines.len())].clone();
                    if kind == 8 {
                        lines.retain(|other| *other != line);
                    }
                    lines.insert(other.index(lines.len() + 1), line);
                    tokens = lines;
                }
            }
            text = tokens.concat();
        }
        text
    })
}

proptest! {
    #![proptest_config(at_least(8_000))]

    #[test]
    fn eight_thousand_slips_in_the_catalog_are_sound_or_refused(text in slipped()) {
        check_catalog(&text);
    }
}

proptest! {
    #![proptest_config(at_least(2_000))]

    #[test]
    fn two_thousand_texts_are_no_catalog(text in prop_oneof![
        ".{0,60}",
        "[a-z=\\[\\]{}\"',.0-9\n# -]{0,80}",
        (1..5_000_usize, select(vec!["[", "a=[", "a={b=", "a.", "[[", "\"\"\"", "a=[{a="]))
            .prop_map(|(depth, open)| open.repeat(depth)),
    ]) {
        prop_assert!(!check_catalog(&text));
    }
}

/// Some slips do no harm, and many do.
#[test]
fn both_are_drawn() {
    let mut drawn = proptest::test_runner::TestRunner::deterministic();
    let mut draw = || check_catalog(&slipped().new_tree(&mut drawn).unwrap().current());
    let sound = (0..500).filter(|_| draw()).count();
    assert!((25..475).contains(&sound), "{sound} of 500");
}
