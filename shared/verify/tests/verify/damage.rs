//! Each kind of damage, what is found of it, and what is left of that once it was repaired.

use scrip_verify::RepairMode;
use serde_json::{Value, json};

use crate::world::{World, key};

/// A change to a row of the table that [`World::used`] makes.
pub enum Edit {
    Delete(&'static str, &'static str),
    Put(&'static str, &'static str, Value),
    Set(&'static str, &'static str, &'static str, Value),
}
use Edit::{Delete, Put, Set};

pub type Damage = (Vec<Edit>, Vec<(&'static str, &'static str)>);

const ALICE: &str = "ACCOUNT#alice";
const E1: &str = "ENTRY#000000000001";
const E2: &str = "ENTRY#000000000002";
const E3: &str = "ENTRY#000000000003";
const E4: &str = "ENTRY#000000000004";
const D1: &str = "OPERATION#alice#debit#d-1";
const D2: &str = "OPERATION#alice#debit#d-2";
const R1: &str = "OPERATION#alice#reversal#r-1";
const NEW: &str = "OPERATION#alice#debit#new";
const OP: &str = "OPERATION";
const BOUGHT: &str = "BOUGHT#1795132800#in_1";

/// What is done to the table, and what is found: the row and the code.
pub fn table() -> Vec<Damage> {
    [entries(), claims(), holds(), due_rows(), purchases(), other_rows()].into_iter().flatten().collect()
}

fn credits(playground: u64) -> Value {
    json!({"playground": playground, "tune": 0, "tune_image": 0})
}

fn entries() -> Vec<Damage> {
    vec![
        (vec![Delete(ALICE, E1)], vec![("ACCOUNT#alice ENTRY#000000000001", "missing_entries")]),
        (vec![Delete(ALICE, E3)], vec![("ACCOUNT#alice ENTRY#000000000003", "missing_entries")]),
        (
            vec![Delete(ALICE, E2), Delete(ALICE, E3), Delete(D1, OP)],
            vec![
                ("ACCOUNT#alice ENTRY#000000000002", "missing_entries"),
                ("ACCOUNT#alice ENTRY#000000000004", "no_debit"),
            ],
        ),
        // Without the reversal its debit's total looks too high. It stays.
        (
            vec![Delete(ALICE, E4)],
            vec![
                ("ACCOUNT#alice ENTRY#000000000004", "missing_entries"),
                ("OPERATION#alice#debit#d-1 OPERATION", "wrong_total"),
            ],
        ),
        (
            vec![Set(ALICE, E4, "/period", Value::Null)],
            vec![
                ("ACCOUNT#alice ENTRY#000000000004", "unreadable"),
                ("OPERATION#alice#debit#d-1 OPERATION", "wrong_total"),
            ],
        ),
        // Without the debit its claim looks like another's. It stays too.
        (
            vec![Set(ALICE, E2, "/period", Value::Null)],
            vec![
                ("ACCOUNT#alice ENTRY#000000000002", "unreadable"),
                ("ACCOUNT#alice ENTRY#000000000004", "no_debit"),
                ("OPERATION#alice#debit#d-1 OPERATION", "stray_claim"),
            ],
        ),
        (
            vec![Set(ALICE, E3, "/sequence", json!(33))],
            vec![("ACCOUNT#alice ENTRY#000000000003", "wrong_key")],
        ),
        (
            vec![Set(ALICE, E1, "/balance/playground", json!(999))],
            vec![
                ("ACCOUNT#alice ENTRY#000000000001", "wrong_sum"),
                ("ACCOUNT#alice ENTRY#000000000002", "wrong_sum"),
            ],
        ),
        (
            vec![Set(ALICE, E3, "/credits/playground", json!(-6))],
            vec![("ACCOUNT#alice ENTRY#000000000003", "wrong_sum")],
        ),
        (
            vec![Set(ALICE, E3, "/balance/playground", json!(-1))],
            vec![("ACCOUNT#alice ENTRY#000000000003", "below_zero")],
        ),
        (
            vec![Set(ALICE, E3, "/period", Value::Null)],
            vec![("ACCOUNT#alice ENTRY#000000000003", "unreadable")],
        ),
        (
            vec![Set(ALICE, E4, "/at", json!("2026-11-22T09:59:59.999Z"))],
            vec![("ACCOUNT#alice ENTRY#000000000004", "time_backwards")],
        ),
        (
            vec![Set(ALICE, E3, "/period", json!("2026-10"))],
            vec![("ACCOUNT#alice ENTRY#000000000003", "month_backwards")],
        ),
        (
            vec![Set(ALICE, E3, "/owed", credits(5))],
            vec![
                ("ACCOUNT#alice ENTRY#000000000003", "wrong_owed"),
                ("ACCOUNT#alice ENTRY#000000000004", "wrong_owed"),
            ],
        ),
    ]
}

fn claims() -> Vec<Damage> {
    vec![
        (
            vec![Set(ALICE, E3, "/reference", json!("d-1"))],
            vec![("ACCOUNT#alice ENTRY#000000000003", "same_key")],
        ),
        (
            vec![Set(ALICE, E3, "/reference", json!("no key"))],
            vec![("ACCOUNT#alice ENTRY#000000000003", "unreadable")],
        ),
        (
            vec![Set(ALICE, E3, "/request", Value::Null)],
            vec![("ACCOUNT#alice ENTRY#000000000003", "no_fingerprint")],
        ),
        (
            vec![Set(ALICE, E3, "/request", json!("abc"))],
            vec![("ACCOUNT#alice ENTRY#000000000003", "no_fingerprint")],
        ),
        (vec![Delete(D2, OP)], vec![("ACCOUNT#alice ENTRY#000000000003", "no_claim")]),
        (
            vec![Delete(D1, OP), Delete(R1, OP)],
            vec![
                ("ACCOUNT#alice ENTRY#000000000002", "no_claim"),
                ("ACCOUNT#alice ENTRY#000000000004", "no_claim"),
            ],
        ),
        (
            vec![Set(D2, OP, "/from", Value::Null)],
            vec![("OPERATION#alice#debit#d-2 OPERATION", "unreadable")],
        ),
        (
            vec![Set(D2, OP, "/from", json!(3))],
            vec![("OPERATION#alice#debit#d-2 OPERATION", "claim_behind_entry")],
        ),
        (
            vec![Set(D1, OP, "/sequence", json!(3)), Set(D1, OP, "/from", json!(6))],
            vec![
                ("OPERATION#alice#debit#d-1 OPERATION", "claim_behind_entry"),
                ("OPERATION#alice#debit#d-1 OPERATION", "claim_names_another"),
            ],
        ),
        (
            vec![Set(D2, OP, "/sequence", json!(2))],
            vec![("OPERATION#alice#debit#d-2 OPERATION", "claim_names_another")],
        ),
        (
            vec![Set(D1, OP, "/reversed", credits(3))],
            vec![("OPERATION#alice#debit#d-1 OPERATION", "wrong_total")],
        ),
        (
            vec![Set(D1, OP, "/reversed", Value::Null)],
            vec![("OPERATION#alice#debit#d-1 OPERATION", "wrong_total")],
        ),
        (
            vec![Set(D2, OP, "/reversed", credits(3))],
            vec![("OPERATION#alice#debit#d-2 OPERATION", "wrong_total")],
        ),
        (
            vec![Set(ALICE, E4, "/offset/playground", json!(7))],
            vec![
                ("ACCOUNT#alice ENTRY#000000000002", "reversed_too_much"),
                ("ACCOUNT#alice ENTRY#000000000004", "wrong_owed"),
                ("OPERATION#alice#debit#d-1 OPERATION", "wrong_total"),
            ],
        ),
        (
            vec![Set(ALICE, E4, "/debit_id", json!("nope"))],
            vec![
                ("ACCOUNT#alice ENTRY#000000000004", "no_debit"),
                ("OPERATION#alice#debit#d-1 OPERATION", "wrong_total"),
            ],
        ),
        (
            vec![Put(NEW, OP, json!({"from": 7}))],
            vec![("OPERATION#alice#debit#new OPERATION", "stray_claim")],
        ),
        (
            vec![Put(NEW, OP, json!({"from": 1, "sequence": 2, "reversed": credits(1)}))],
            vec![("OPERATION#alice#debit#new OPERATION", "stray_claim")],
        ),
        (
            vec![Put(NEW, OP, json!({"sequence": 9, "request": "0123456789abcdef".repeat(4)}))],
            vec![("OPERATION#alice#debit#new OPERATION", "stray_claim")],
        ),
    ]
}

fn holds() -> Vec<Damage> {
    const CAROL: &str = "ACCOUNT#carol";
    const E3: &str = "ENTRY#000000000003";
    const E4: &str = "ENTRY#000000000004";
    const E5: &str = "ENTRY#000000000005";
    const E6: &str = "ENTRY#000000000006";
    const E8: &str = "ENTRY#000000000008";
    const E10: &str = "ENTRY#000000000010";
    const H1: &str = "OPERATION#carol#debit#h-1";
    const S1: &str = "OPERATION#carol#settlement#h-1";
    vec![
        // Another entry's open holds, what a capture took, and which hold was released.
        (
            vec![Set(CAROL, E3, "/holds/0/credits/playground", json!(9))],
            vec![
                ("ACCOUNT#carol ENTRY#000000000003", "wrong_holds"),
                ("ACCOUNT#carol ENTRY#000000000004", "wrong_holds"),
            ],
        ),
        (
            vec![Set(CAROL, E4, "/captured/playground", json!(5))],
            vec![("ACCOUNT#carol ENTRY#000000000004", "wrong_holds")],
        ),
        (
            vec![Set(CAROL, E6, "/hold_sequence", json!(2))],
            vec![("ACCOUNT#carol ENTRY#000000000006", "wrong_holds")],
        ),
        (
            vec![Set(CAROL, E10, "/holds", Value::Null)],
            vec![("ACCOUNT#carol ENTRY#000000000010", "wrong_holds")],
        ),
        (
            vec![Set(CAROL, E10, "/expires_at", json!("2026-11-22T10:00:00Z"))],
            vec![("ACCOUNT#carol ENTRY#000000000010", "wrong_holds")],
        ),
        (
            vec![Set(CAROL, E4, "/offset/playground", json!(1))],
            vec![
                ("ACCOUNT#carol ENTRY#000000000004", "wrong_holds"),
                ("ACCOUNT#carol ENTRY#000000000004", "wrong_owed"),
            ],
        ),
        (
            vec![Set(CAROL, E6, "/expired", json!(true))],
            vec![("ACCOUNT#carol ENTRY#000000000006", "wrong_holds")],
        ),
        // The release of an expired hold has no key.
        (
            vec![Set(CAROL, E8, "/expired", Value::Null)],
            vec![
                ("ACCOUNT#carol ENTRY#000000000008", "no_claim"),
                ("ACCOUNT#carol ENTRY#000000000008", "no_fingerprint"),
                // It came too late for one.
                ("ACCOUNT#carol ENTRY#000000000008", "wrong_holds"),
            ],
        ),
        (vec![Delete(H1, OP)], vec![("ACCOUNT#carol ENTRY#000000000002", "no_claim")]),
        (vec![Delete(S1, OP)], vec![("ACCOUNT#carol ENTRY#000000000004", "no_claim")]),
        (
            vec![Set(S1, OP, "/from", json!(4))],
            vec![("OPERATION#carol#settlement#h-1 OPERATION", "claim_behind_entry")],
        ),
        // What can be reversed of a hold is what was captured.
        (
            vec![Set(H1, OP, "/reversed", credits(4))],
            vec![("OPERATION#carol#debit#h-1 OPERATION", "wrong_total")],
        ),
        (
            vec![Set(CAROL, E5, "/offset/playground", json!(3))],
            vec![
                ("ACCOUNT#carol ENTRY#000000000002", "reversed_too_much"),
                ("ACCOUNT#carol ENTRY#000000000005", "wrong_owed"),
                ("OPERATION#carol#debit#h-1 OPERATION", "wrong_total"),
            ],
        ),
        (
            vec![Delete(CAROL, E4)],
            vec![
                ("ACCOUNT#carol ENTRY#000000000002", "reversed_too_much"),
                ("ACCOUNT#carol ENTRY#000000000004", "missing_entries"),
            ],
        ),
    ]
}

fn due_rows() -> Vec<Damage> {
    vec![
        (vec![Delete(ALICE, "DUE")], vec![("ACCOUNT#alice DUE", "no_due_row")]),
        (vec![Set(ALICE, "DUE", "/due", json!("2026-10#07"))], vec![("ACCOUNT#alice DUE", "wrong_due_row")]),
        (
            vec![Put("ACCOUNT#unseen", "DUE", json!({"due": "2026-10#07"}))],
            vec![("ACCOUNT#unseen DUE", "needless_due_row")],
        ),
    ]
}

fn purchases() -> Vec<Damage> {
    vec![
        (vec![Delete(ALICE, BOUGHT)], vec![("ACCOUNT#alice BOUGHT#1795132800#in_1", "no_bought_row")]),
        (
            vec![Put(ALICE, "BOUGHT#1795132801#in_1", json!({}))],
            vec![("ACCOUNT#alice BOUGHT#1795132801#in_1", "stray_bought_row")],
        ),
        (vec![Delete("PAYMENT#pay-in_1", "PAYMENT")], vec![("PAYMENT#pay-in_1 PAYMENT", "no_payment_row")]),
        (vec![Delete("PAYMENT#in_1", "PAYMENT")], vec![("PAYMENT#in_1 PAYMENT", "no_payment_row")]),
        (
            vec![Set("PAYMENT#in_1", "PAYMENT", "/account_id", json!("bob"))],
            vec![
                ("PAYMENT#in_1 PAYMENT", "payment_of_another"),
                ("PAYMENT#in_1 PAYMENT", "stray_payment_row"),
            ],
        ),
        // A payment of another purchase of the same account.
        (
            vec![Set("PAYMENT#pay-pi_1", "PAYMENT", "/purchase_id", json!("in_1"))],
            vec![("PAYMENT#pay-pi_1 PAYMENT", "stray_payment_row")],
        ),
        (
            vec![Set("PAYMENT#in_1", "PAYMENT", "/purchase_id", json!("in_2"))],
            vec![("PAYMENT#in_1 PAYMENT", "stray_payment_row")],
        ),
        (
            vec![Set(ALICE, "PURCHASE#pi_1", "/due", Value::Null)],
            vec![("ACCOUNT#alice PURCHASE#pi_1", "wrong_index")],
        ),
        (
            vec![Set(ALICE, "PURCHASE#in_1", "/due", json!("REFUND"))],
            vec![("ACCOUNT#alice PURCHASE#in_1", "wrong_index")],
        ),
        (
            vec![Set(ALICE, "PURCHASE#pi_1", "/id", json!("pi_2"))],
            vec![
                ("ACCOUNT#alice BOUGHT#1795132800#pi_1", "stray_bought_row"),
                ("ACCOUNT#alice PURCHASE#pi_1", "wrong_key"),
                ("PAYMENT#pay-pi_1 PAYMENT", "stray_payment_row"),
                ("PAYMENT#pi_1 PAYMENT", "stray_payment_row"),
            ],
        ),
        (
            vec![Delete("SUBSCRIPTION#sub_1", "SUBSCRIPTION")],
            vec![("SUBSCRIPTION#sub_1 SUBSCRIPTION", "no_subscription")],
        ),
        (
            vec![Set("SUBSCRIPTION#sub_1", "SUBSCRIPTION", "/account_id", json!("unseen"))],
            vec![
                ("SUBSCRIPTION#sub_1 SUBSCRIPTION", "no_account"),
                ("SUBSCRIPTION#sub_1 SUBSCRIPTION", "no_subscription"),
            ],
        ),
        (
            vec![Set("CUSTOMER#cus_1", "CUSTOMER", "/account_id", json!("unseen"))],
            vec![("CUSTOMER#cus_1 CUSTOMER", "no_account")],
        ),
        (
            vec![Put("PARKED#in_9", "PARKED", parked("in_9", "REFUND"))],
            vec![("PARKED#in_9 PARKED", "wrong_index")],
        ),
        (
            vec![
                Put("PARKED#in_9", "PARKED", parked("in_9", "PARKED")),
                Set("PARKED#in_9", "PARKED", "/due", Value::Null),
            ],
            vec![("PARKED#in_9 PARKED", "wrong_index")],
        ),
        (
            vec![Put("PARKED#in_9", "PARKED", parked("in_8", "PARKED"))],
            vec![("PARKED#in_9 PARKED", "wrong_key")],
        ),
    ]
}

fn other_rows() -> Vec<Damage> {
    vec![
        (vec![Put(ALICE, "BALANCE", json!({}))], vec![("ACCOUNT#alice BALANCE", "unknown_row")]),
        (vec![Put("GIFT#1", "GIFT", json!({}))], vec![("GIFT#1 GIFT", "unknown_row")]),
    ]
}

fn parked(object_id: &str, due: &str) -> Value {
    json!({
        "object_id": object_id, "object": "invoice", "reason": "unknown price", "due": due,
        "parked_at": "2026-11-22T10:00:00Z",
    })
}

pub async fn damage(world: &World, edits: &[Edit]) {
    for edit in edits {
        match edit {
            Delete(pk, sk) => world.delete(pk, sk).await,
            Put(pk, sk, row) => world.put(pk, sk, row).await,
            Set(pk, sk, path, value) => world.set((pk, sk), path, value.clone()).await,
        }
    }
}

pub fn owned(found: &[(&str, &str)]) -> Vec<(String, String)> {
    found.iter().map(|(row, code)| ((*row).to_owned(), (*code).to_owned())).collect()
}

#[tokio::test]
async fn a_ledger_of_ordinary_commands_has_no_findings() {
    let world = World::used().await;
    let (_, lines) = world.lines(RepairMode::ReportOnly).await;
    let [summary] = lines.as_slice() else { panic!("{lines:?}") };
    let mut expected = json!({
        "rows": 73, "accounts": 3, "entries": 28, "claims": 22, "claims_without_entry": 1, "purchases": 4,
        "subscriptions": 3, "parked": 0, "findings": 0, "repairable": 0, "repaired": 0,
    });
    for name in ["seconds", "entries_per_second"] {
        expected[name] = summary["summary"][name].clone();
    }
    assert_eq!(summary["summary"], expected);
}

/// Each damage is found; `--repair` mends what it says it can and nothing else, never an entry; and then there is
/// nothing more to mend.
#[tokio::test]
async fn each_damage_is_found_and_mended_if_it_can_be() {
    for (edits, expected) in table() {
        let world = World::used().await;
        damage(&world, &edits).await;
        let expected = owned(&expected);
        let before = world.items().await;
        let (_, lines) = world.lines(RepairMode::ReportOnly).await;
        assert_eq!(crate::world::findings(&lines), expected);
        assert_eq!(world.items().await, before, "{expected:?}");
        let left = lines.iter().filter(|line| line["finding"]["repairable"] != json!(true)).cloned();
        let left = crate::world::findings(&left.collect::<Vec<_>>());

        assert_eq!(world.found(RepairMode::Apply).await, expected);
        assert_eq!(world.found(RepairMode::ReportOnly).await, left, "{expected:?}");
        let after = world.items().await;
        assert_eq!(world.found(RepairMode::Apply).await, left, "{expected:?}");
        assert_eq!(world.items().await, after, "{expected:?}");
        let entries = |items: &[_]| -> Vec<_> {
            items.iter().filter(|item| key(item).contains(" ENTRY#")).cloned().collect()
        };
        assert_eq!(entries(&after), entries(&before), "{expected:?}");
    }
}
