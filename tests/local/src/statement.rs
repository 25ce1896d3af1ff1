//! An account's entries as a readable table, and the proof that they add up.
//!
//! Invariant: the check trusts nothing but the entries: sequences run 1, 2, 3, …, each balance is the
//! one before plus the change, and the last is the balance the API states.

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use serde_json::Value;

/// The kinds of credits, in the order of the table's columns.
pub const KINDS: [&str; 3] = ["playground", "tune", "tune_image"];

/// The entries of one full page of the API, oldest first.
///
/// # Errors
/// When it is not a page, or not the only one.
pub fn oldest_first(page: &Value) -> Result<Vec<&Value>, String> {
    if !page["next_cursor"].is_null() {
        return Err("there are more entries than fit one page".to_owned());
    }
    let entries = page["entries"].as_array().ok_or("the answer has no entries")?;
    Ok(entries.iter().rev().collect())
}

/// The entries as a table, one row each.
#[must_use]
pub fn table(entries: &[&Value]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["#", "at", "kind", "reference", "playground", "tune", "tune_image", "balance after"]);
    for entry in entries {
        let changes = KINDS.map(|kind| signed(&entry["credits"][kind]));
        let balance = KINDS.map(|kind| entry["balance"][kind].to_string()).join(" / ");
        let mut row = ["sequence", "at", "kind", "reference"].map(|field| plain(&entry[field])).to_vec();
        row.extend(changes);
        row.push(balance);
        table.add_row(row);
    }
    for column in [0, 4, 5, 6, 7] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Adds the entries up; says so in words when they make the balance that the API `stated`.
///
/// # Errors
/// Says where they don't.
pub fn check(entries: &[&Value], stated: &Value) -> Result<String, String> {
    let mut sums = [0_i64; KINDS.len()];
    for (position, entry) in entries.iter().enumerate() {
        if entry["sequence"].as_u64() != u64::try_from(position + 1).ok() {
            return Err(format!("entry {} follows {position}", entry["sequence"]));
        }
        for (sum, kind) in sums.iter_mut().zip(KINDS) {
            *sum += entry["credits"][kind].as_i64().ok_or("a change is not an integer")?;
            if entry["balance"][kind].as_i64() != Some(*sum) {
                return Err(format!(
                    "the changes up to entry {} make {sum} {kind}, not {}",
                    entry["sequence"], entry["balance"][kind]
                ));
            }
        }
    }
    for (sum, kind) in sums.iter().zip(KINDS) {
        if stated[kind].as_i64() != Some(*sum) {
            return Err(format!("the changes make {sum} {kind}, the account has {}", stated[kind]));
        }
    }
    let [playground, tune, tune_image] = sums;
    Ok(format!(
        "It adds up: the {} changes make {playground} playground, {tune} tune, {tune_image} tune_image, \
         which is the balance of the account.",
        entries.len()
    ))
}

fn signed(value: &Value) -> String {
    value.as_i64().map_or_else(
        || value.to_string(),
        |change| if change == 0 { String::new() } else { format!("{change:+}") },
    )
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn credits(playground: i64, tune: i64, tune_image: i64) -> Value {
        json!({"playground": playground, "tune": tune, "tune_image": tune_image})
    }

    fn entry(sequence: u64, change: &Value, after: &Value) -> Value {
        json!({"sequence": sequence, "credits": change, "balance": after})
    }

    #[test]
    fn only_a_history_without_gaps_that_makes_the_stated_balance_adds_up() {
        let c = credits;
        let bought = entry(1, &c(1000, 1, 64), &c(1000, 1, 64));
        let spent = entry(2, &c(-10, 0, -64), &c(990, 1, 0));
        for (second, stated, verdict) in [
            (&spent, c(990, 1, 0), Ok("It adds up: the 2 changes make 990 playground, 1 tune, 0 tune_image")),
            (&entry(3, &c(-10, 0, 0), &c(990, 1, 64)), c(990, 1, 64), Err("entry 3 follows 1")),
            (&entry(1, &c(-10, 0, 0), &c(990, 1, 64)), c(990, 1, 64), Err("entry 1 follows 1")),
            (&json!({"credits": c(0, 0, 0), "balance": c(1000, 1, 64)}), c(1000, 1, 64), Err("entry null")),
            (
                &entry(2, &c(-10, 0, 0), &c(991, 1, 64)),
                c(991, 1, 64),
                Err("the changes up to entry 2 make 990 playground, not 991"),
            ),
            (
                &entry(2, &c(0, 0, -1), &c(1000, 1, 64)),
                c(1000, 1, 63),
                Err("the changes up to entry 2 make 63 tune_image, not 64"),
            ),
            (
                &json!({"sequence": 2, "credits": {"playground": 1.5}, "balance": c(0, 0, 0)}),
                c(0, 0, 0),
                Err("a change is not an integer"),
            ),
            (&spent, c(991, 1, 0), Err("the changes make 990 playground, the account has 991")),
            (&spent, c(990, 1, 1), Err("the changes make 0 tune_image, the account has 1")),
            (&spent, json!({}), Err("the changes make 990 playground, the account has null")),
        ] {
            let checked = check(&[&bought, second], &stated);
            match (&checked, verdict) {
                (Ok(text), Ok(part)) | (Err(text), Err(part)) => assert!(text.contains(part), "{text}"),
                (checked, _) => panic!("{second} {stated}: {checked:?}"),
            }
        }
        assert!(check(&[], &c(0, 0, 0)).is_ok());
    }

    #[test]
    fn a_statement_is_one_whole_page() {
        for (page, sequences) in [
            (json!({"entries": [{"sequence": 2}, {"sequence": 1}], "next_cursor": null}), Some(vec![1, 2])),
            (json!({"entries": [{"sequence": 2}], "next_cursor": "2"}), None),
            (json!({"message": "Not Found"}), None),
        ] {
            let entries = oldest_first(&page).ok();
            let read = entries.map(|all| all.iter().filter_map(|entry| entry["sequence"].as_u64()).collect());
            assert_eq!(read, sequences, "{page}");
        }
    }
}
