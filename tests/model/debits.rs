//! Commands with a key, beside each other and beside those without. Each case says what may happen, and what is then
//! seen.

use crate::{
    client::Client,
    commands::{
        NOVEMBER, ONE, TWO, adjustment, debit, look, old_task, packs, paid, part_reversal, provider,
        reversal, task,
    },
    coverage::{
        CLAIMED_LATE, FAILED, HEALED, LANDED, LOWERED, NOT_FOUND, OVERTAKEN, RACED, RAISED, REFUSED,
        REFUSED_CLAIMED, REPLAYED, REPLAYED_BY_APPEND, REPLAYED_BY_ROW, REPLAYED_BY_SCAN, REUSED, REVERSED,
        REVERSED_AFTER_SCAN, SEEN_IN_PART, TORN_WRITE,
    },
    protocol::{Faults, Protocol},
};

/// Debits of one account, some by the same key, with credits for one, two or three of them; and one of another account.
pub fn debits() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("a pack", 0, NOVEMBER, look("pi_1")),
            task("two packs", 0, NOVEMBER, look("pi_2")),
            task("another's pack", 1, NOVEMBER, look("pi_3")),
            task("debit", 0, NOVEMBER, debit("k1", ONE)),
            task("debit by another key", 0, NOVEMBER, debit("k2", ONE)),
            task("debit by a third key", 0, NOVEMBER, debit("k3", ONE)),
            task("debit by a used key", 0, NOVEMBER, debit("k1", TWO)),
            task("another's debit", 1, NOVEMBER, debit("k1", ONE)),
        ],
        faults: Faults::One,
        is_raising: true,
        coverage: vec![
            RACED,
            REPLAYED,
            REPLAYED_BY_SCAN,
            REPLAYED_BY_APPEND,
            REFUSED,
            REFUSED_CLAIMED,
            REUSED,
            HEALED,
            LANDED,
            OVERTAKEN,
            CLAIMED_LATE,
            RAISED,
            LOWERED,
        ],
        ..Protocol::default()
    };
    let shop = provider(&[packs("pi_1", Some(0), 1), packs("pi_2", Some(0), 2), packs("pi_3", Some(1), 1)]);
    let one = protocol.after(&paid(shop.clone(), &["pi_1", "pi_3"]), &["a pack", "another's pack"]);
    let two = protocol.after(&paid(shop.clone(), &["pi_2"]), &["two packs"]);
    let three = protocol.after(&paid(shop, &["pi_1", "pi_2"]), &["a pack", "two packs"]);
    protocol.start_with(&one, ["debit", "debit", "another's debit"]);
    protocol.start(&[one, two.clone()], &["debit", "debit by another key", "debit by a used key"]);
    for world in [two, three] {
        protocol.start_with(&world, ["debit", "debit by another key", "debit by a third key"]);
    }
    protocol
}

/// The same by at most two keys, which may go wrong however often.
pub fn debits_with_many_faults() -> Protocol {
    let mut protocol = debits();
    let is_third = |client: &Client| protocol.tasks[client.task].name == "debit by a third key";
    protocol.starts.retain(|start| !start.clients.iter().any(is_third));
    let coverage =
        vec![RACED, REPLAYED_BY_SCAN, REPLAYED_BY_APPEND, REFUSED_CLAIMED, REUSED, CLAIMED_LATE, RAISED];
    Protocol { faults: Faults::Any, coverage, ..protocol }
}

/// Reversals of a debit, by themselves and while it is made.
pub fn reversals() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("two packs", 0, NOVEMBER, look("pi_1")),
            task("debit", 0, NOVEMBER, debit("k1", ONE)),
            task("debit by another key", 0, NOVEMBER, debit("k2", ONE)),
            task("reversal", 0, NOVEMBER, reversal("r1", "k1")),
            task("reversal by another key", 0, NOVEMBER, reversal("r2", "k1")),
            task("reversal of a part", 0, NOVEMBER, part_reversal("r3", "k1", 3)),
        ],
        is_torn: true,
        faults: Faults::One,
        is_raising: true,
        coverage: vec![
            REPLAYED_BY_SCAN,
            REFUSED_CLAIMED,
            HEALED,
            LANDED,
            RAISED,
            TORN_WRITE,
            NOT_FOUND,
            REVERSED,
            REVERSED_AFTER_SCAN,
        ],
        ..Protocol::default()
    };
    let shop = provider(&[packs("pi_1", Some(0), 2)]);
    let bought = protocol.after(&paid(shop, &["pi_1"]), &["two packs"]);
    let debited = protocol.after(&bought, &["debit"]);
    for other in ["debit", "debit by another key", "reversal", "reversal by another key"] {
        protocol.start_with(&bought, ["debit", other, "reversal"]);
    }
    for other in ["reversal", "reversal by another key", "reversal of a part", "debit by another key"] {
        protocol.start_with(&debited, ["reversal", "reversal", other]);
    }
    protocol
}

/// Reversals by one key, which may go wrong however often.
pub fn reversals_with_many_faults() -> Protocol {
    let mut protocol = reversals();
    protocol.starts.clear();
    let shop = provider(&[packs("pi_1", Some(0), 2)]);
    let bought = protocol.after(&paid(shop, &["pi_1"]), &["two packs"]);
    let debited = protocol.after(&bought, &["debit"]);
    protocol.start_with(&bought, ["debit", "debit", "reversal"]);
    protocol.start_with(&bought, ["debit", "reversal", "reversal"]);
    protocol.start_with(&debited, ["reversal", "reversal", "reversal"]);
    let coverage = vec![REPLAYED_BY_SCAN, REFUSED_CLAIMED, TORN_WRITE, NOT_FOUND];
    Protocol { faults: Faults::Any, coverage, is_raising: false, ..protocol }
}

/// A purchase, which is seen in part, and debits that wait for it.
pub fn beside_purchase() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("a pack", 0, NOVEMBER, look("pi_1")),
            task("another pack", 0, NOVEMBER, look("pi_2")),
            task("debit", 0, NOVEMBER, debit("k1", ONE)),
            task("debit by another key", 0, NOVEMBER, debit("k2", ONE)),
            task("debit by a used key", 0, NOVEMBER, debit("k1", TWO)),
        ],
        is_torn: true,
        faults: Faults::One,
        is_raising: true,
        coverage: vec![
            RACED,
            REPLAYED_BY_SCAN,
            REPLAYED_BY_APPEND,
            REFUSED,
            REFUSED_CLAIMED,
            HEALED,
            LANDED,
            OVERTAKEN,
            RAISED,
            TORN_WRITE,
            SEEN_IN_PART,
        ],
        ..Protocol::default()
    };
    let shop = paid(provider(&[packs("pi_1", Some(0), 1), packs("pi_2", Some(0), 1)]), &["pi_1", "pi_2"]);
    let bought = protocol.after(&shop, &["a pack"]);
    for other in ["debit", "debit by another key", "debit by a used key"] {
        protocol.start_with(&shop, ["another pack", "debit", other]);
        protocol.start_with(&bought, ["another pack", "debit", other]);
    }
    protocol
}

/// A program from before claims beside the new one, while a version is rolled out.
pub fn beside_old() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("two packs", 0, NOVEMBER, look("pi_1")),
            old_task("old debit", 0, NOVEMBER, debit("k1", ONE)),
            old_task("old debit by another key", 0, NOVEMBER, debit("k2", ONE)),
            task("debit", 0, NOVEMBER, debit("k1", ONE)),
            task("debit by a used key", 0, NOVEMBER, debit("k1", TWO)),
            task("reversal", 0, NOVEMBER, reversal("r1", "k1")),
            task("reversal by another key", 0, NOVEMBER, reversal("r2", "k1")),
        ],
        is_torn: true,
        faults: Faults::One,
        is_raising: true,
        coverage: vec![
            RACED,
            REPLAYED_BY_ROW,
            REUSED,
            FAILED,
            HEALED,
            LANDED,
            TORN_WRITE,
            NOT_FOUND,
            REVERSED,
        ],
        ..Protocol::default()
    };
    let shop = provider(&[packs("pi_1", Some(0), 2)]);
    let bought = protocol.after(&paid(shop, &["pi_1"]), &["two packs"]);
    let debited = protocol.after(&bought, &["old debit"]);
    for (one, other) in [
        ("old debit", "debit"),
        ("debit", "debit"),
        ("debit", "debit by a used key"),
        ("old debit by another key", "debit"),
        ("debit", "reversal"),
    ] {
        protocol.start_with(&bought, ["old debit", one, other]);
    }
    protocol.start_with(&bought, ["old debit by another key", "debit", "debit by a used key"]);
    protocol.start_with(&debited, ["old debit", "debit", "debit by a used key"]);
    protocol.start_with(&debited, ["debit", "reversal", "reversal"]);
    protocol.start_with(&debited, ["debit", "reversal", "reversal by another key"]);
    protocol
}

/// Support gives and takes credits while they are spent.
pub fn adjustments() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("two packs", 0, NOVEMBER, look("pi_1")),
            task("debit", 0, NOVEMBER, debit("k1", TWO)),
            task("adjustment that takes", 0, NOVEMBER, adjustment("a1", -8)),
            task("adjustment that gives", 0, NOVEMBER, adjustment("a2", 8)),
            task("adjustment by a used key", 0, NOVEMBER, adjustment("a1", -4)),
        ],
        faults: Faults::One,
        coverage: vec![RACED, REPLAYED, REPLAYED_BY_SCAN, REFUSED, REFUSED_CLAIMED, REUSED, HEALED, LANDED],
        ..Protocol::default()
    };
    let shop = provider(&[packs("pi_1", Some(0), 2)]);
    let bought = protocol.after(&paid(shop, &["pi_1"]), &["two packs"]);
    for trio in [
        ["adjustment that takes", "adjustment that takes", "debit"],
        ["adjustment that takes", "adjustment that gives", "debit"],
        ["adjustment that takes", "adjustment by a used key", "debit"],
    ] {
        protocol.start_with(&bought, trio);
    }
    protocol
}
