//! Holds: captured, released, and over by themselves, at one moment. Each case says what may happen, and what is then
//! seen.

use scrip_accounts::{Change as OfCredits, EntryKind, Event};

use crate::{
    commands::{
        ALL, DECEMBER, EXPIRED, IN_TIME, LITTLE, NOVEMBER, ONE, TWO, adjustment, before, capture, debit,
        hold, invoice, look, look_at_subscription, packs, paid, part_reversal, provider, release, reversal,
        task,
    },
    coverage::{
        GAP, HEALED, LANDED, OVERTAKEN, RACED, REFUSED, REFUSED_CLAIMED, REPLAYED, REPLAYED_BY_APPEND,
        REPLAYED_BY_SCAN, REUSED, REVERSED, SEEN_IN_PART, TORN_WRITE,
    },
    hold_coverage::{
        CAPTURE_REVERSED, EXPIRY_RACED, EXPIRY_REFUSED, EXPIRY_WRITTEN, FOUND_AMONG_NEWEST, FOUND_BY_CLAIM,
        HELD_BACK, NOT_FOUND, RELEASED_ON_THE_WAY, REPLAYED_LATE, SETTLED, SETTLEMENT_UNFINISHED, UNSETTLED,
    },
    properties::entries_of,
    protocol::{Faults, Protocol},
    provider::Change,
    task::Command,
    world::World,
};

/// Bodies of captures: all of a hold's work, a part of it, and more than is held.
const WHOLE: &str = "{}";
const PART: &str = r#"{"prompts":1}"#;
const TOO_MUCH: &str = r#"{"prompts":3}"#;

/// Two packs, and all that may be done with them.
fn of_packs() -> Protocol {
    Protocol {
        tasks: vec![
            task("two packs", 0, NOVEMBER, look("pi_1")),
            task("hold", 0, NOVEMBER, hold("h1", TWO)),
            task("little hold", 0, NOVEMBER, hold("h1", ONE)),
            task("capture", 0, IN_TIME, capture("h1", WHOLE)),
            task("capture of a part", 0, IN_TIME, capture("h1", PART)),
            task("capture of too much", 0, IN_TIME, capture("h1", TOO_MUCH)),
            task("release", 0, IN_TIME, release("h1")),
            task("debit", 0, IN_TIME, debit("k1", ONE)),
            task("debit by the hold's key", 0, IN_TIME, debit("h1", TWO)),
            task("late capture", 0, EXPIRED, capture("h1", WHOLE)),
            task("late release", 0, EXPIRED, release("h1")),
            task("late debit", 0, EXPIRED, debit("k2", ONE)),
            task("reversal", 0, IN_TIME, reversal("r1", "h1")),
            task("reversal by another key", 0, IN_TIME, reversal("r2", "h1")),
            task("reversal of a part", 0, IN_TIME, part_reversal("r3", "h1", 3)),
            task("reversal of too much", 0, IN_TIME, part_reversal("r4", "h1", 9)),
            task("late reversal", 0, EXPIRED, reversal("r5", "h1")),
            task("next hold", 0, EXPIRED, hold("h2", ONE)),
            task("capture of the next hold", 0, EXPIRED, capture("h2", WHOLE)),
            task("gift", 0, IN_TIME, adjustment("a1", 8)),
            task("end of the gift", 0, IN_TIME, adjustment("a2", -8)),
        ],
        is_torn: true,
        faults: Faults::One,
        recent_entries: 2,
        ..Protocol::default()
    }
}

fn bought(protocol: &Protocol) -> World {
    protocol.after(&paid(provider(&[packs("pi_1", Some(0), 2)]), &["pi_1"]), &["two packs"])
}

/// A hold while it is made and while it is open.
pub fn holds() -> Protocol {
    let mut protocol = Protocol {
        is_raising: true,
        coverage: vec![
            RACED,
            REPLAYED,
            REPLAYED_BY_SCAN,
            REPLAYED_BY_APPEND,
            REFUSED_CLAIMED,
            REUSED,
            HEALED,
            LANDED,
            NOT_FOUND,
            SETTLED,
            FOUND_BY_CLAIM,
            FOUND_AMONG_NEWEST,
            HELD_BACK,
        ],
        ..of_packs()
    };
    let bought = bought(&protocol);
    let held = protocol.after(&bought, &["hold"]);
    for trio in [
        ["hold", "hold", "capture"],
        ["hold", "capture", "release"],
        ["hold", "debit", "debit by the hold's key"],
        ["little hold", "debit", "capture"],
    ] {
        protocol.start_with(&bought, trio);
    }
    for trio in [
        ["capture", "capture", "release"],
        ["capture", "capture of a part", "release"],
        ["capture of a part", "debit", "debit"],
        ["capture of too much", "release", "debit"],
    ] {
        protocol.start_with(&held, trio);
    }
    // The hold isn't among the newest entries that are read.
    let behind = protocol.after(&held, &["gift", "end of the gift"]);
    protocol.start_with(&behind, ["capture", "release", "debit"]);
    protocol
}

/// A hold at the moment at which it expires.
pub fn expiries() -> Protocol {
    let mut protocol = Protocol {
        coverage: vec![
            RACED,
            REFUSED_CLAIMED,
            HEALED,
            LANDED,
            TORN_WRITE,
            GAP,
            SEEN_IN_PART,
            OVERTAKEN,
            EXPIRY_WRITTEN,
            EXPIRY_REFUSED,
            EXPIRY_RACED,
            REPLAYED_LATE,
            RELEASED_ON_THE_WAY,
            SETTLED,
        ],
        ..of_packs()
    };
    let held = protocol.after(&bought(&protocol), &["hold"]);
    for trio in [
        ["capture", "late capture", "late debit"],
        ["capture", "late capture", "late release"],
        ["release", "late debit", "late debit"],
        ["capture of a part", "debit", "late debit"],
        ["capture", "late debit", "late reversal"],
        ["next hold", "capture", "capture of the next hold"],
        ["next hold", "late debit", "capture of the next hold"],
    ] {
        protocol.start_with(&held, trio);
    }
    protocol
}

/// A captured hold that is reversed, and one that isn't captured yet.
pub fn reversals_of_holds() -> Protocol {
    let mut protocol = Protocol {
        coverage: vec![
            REPLAYED_BY_SCAN,
            REFUSED_CLAIMED,
            HEALED,
            TORN_WRITE,
            UNSETTLED,
            SETTLEMENT_UNFINISHED,
            REVERSED,
            CAPTURE_REVERSED,
        ],
        ..of_packs()
    };
    let held = protocol.after(&bought(&protocol), &["hold"]);
    let captured = protocol.after(&held, &["capture of a part"]);
    for trio in [["capture", "release", "reversal"], ["capture of a part", "capture of a part", "reversal"]] {
        protocol.start_with(&held, trio);
    }
    for trio in [
        ["reversal", "reversal by another key", "capture of a part"],
        ["reversal", "reversal", "capture of a part"],
        ["reversal of a part", "reversal of too much", "capture of a part"],
        ["reversal of a part", "reversal of too much", "release"],
    ] {
        protocol.start_with(&captured, trio);
    }
    protocol
}

/// One hold, of which everything may go wrong however often.
pub fn holds_with_many_faults() -> Protocol {
    let mut protocol = Protocol {
        faults: Faults::Any,
        coverage: vec![
            REPLAYED_BY_SCAN,
            REFUSED_CLAIMED,
            NOT_FOUND,
            SETTLED,
            EXPIRY_WRITTEN,
            EXPIRY_REFUSED,
            RELEASED_ON_THE_WAY,
        ],
        ..of_packs()
    };
    let bought = bought(&protocol);
    let held = protocol.after(&bought, &["hold"]);
    protocol.start_with(&bought, ["hold", "hold", "capture"]);
    for trio in [
        ["capture", "capture", "release"],
        ["capture", "late capture", "late debit"],
        ["capture", "late capture", "late release"],
    ] {
        protocol.start_with(&held, trio);
    }
    protocol
}

/// A plan's credits that are held at the month's turn: of one that is paid on, and of one that isn't.
pub fn holds_at_the_turn() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("plan", 0, NOVEMBER, look_at_subscription()),
            task("hold", 0, "2026-11-30T23:59:30Z", hold("h1", LITTLE)),
            task("hold of all", 0, "2026-11-30T23:59:30Z", hold("h1", ALL)),
            task("sweep", 0, DECEMBER, Command::Turn),
            task("capture", 0, DECEMBER, capture("h1", WHOLE)),
            task("late debit of all", 0, "2026-12-01T00:00:30Z", debit("k1", ALL)),
        ],
        is_torn: true,
        faults: Faults::One,
        coverage: vec![
            TORN_WRITE,
            GAP,
            ("what was held comes back on top of the month's allowance", |_, world| {
                entries_of(world, 0, EntryKind::Refill).next().is_some()
                    && entries_of(world, 0, EntryKind::Release)
                        .any(|entry| entry.account.balance.playground() == 1001)
            }),
            ("a capture makes the month's turn", |_, world| {
                let mut entries = world.table.entries(0).map(|(_, entry)| entry.event.kind());
                entries.next_back() == Some(EntryKind::Capture)
                    && entries.next_back() == Some(EntryKind::Refill)
            }),
            ("a sweep takes an account into the month that only holds credits", |_, world| {
                entries_of(world, 0, EntryKind::Expiry).any(|entry| entry.change == OfCredits::NONE)
            }),
        ],
        ..Protocol::default()
    };
    let shop = |until| paid(provider(&[invoice("in_1", NOVEMBER, until)]), &["in_1"]);
    let paid_on = protocol.after(&shop("2027-11-20T00:00:00Z"), &["plan", "hold"]);
    protocol.start_with(&paid_on, ["capture", "sweep", "late debit of all"]);
    let over = protocol.after(&shop("2026-12-01T00:00:00Z"), &["plan", "hold of all"]);
    protocol.start_with(&over, ["capture", "sweep", "late debit of all"]);
    protocol
}

/// Credits that are held while their money goes.
pub fn owed_holds() -> Protocol {
    let mut protocol = Protocol {
        tasks: vec![
            task("two packs", 0, NOVEMBER, look("pi_1")),
            task("hold", 0, NOVEMBER, hold("h1", TWO)),
            task("look", 0, IN_TIME, look("pi_1")),
            task("capture of a part", 0, IN_TIME, capture("h1", PART)),
            task("release", 0, IN_TIME, release("h1")),
            task("late debit", 0, EXPIRED, debit("k2", ONE)),
            task("late look", 0, EXPIRED, look("pi_1")),
        ],
        coverage: vec![
            RACED,
            REFUSED,
            ("what comes back of a hold pays what is owed", |_, world| {
                world.table.entries(0).any(|(_, entry)| match &entry.event {
                    Event::Release { offset, .. } | Event::Capture { offset, .. } => !offset.is_zero(),
                    _ => false,
                })
            }),
            ("a look releases an expired hold", |_, world| {
                let mut entries = world.table.entries(0).map(|(_, entry)| &entry.event);
                matches!(entries.next_back(), Some(Event::Dispute { .. }))
                    && matches!(entries.next_back(), Some(Event::Release { expired: true, .. }))
            }),
        ],
        ..Protocol::default()
    };
    let held = protocol.after(&bought(&protocol), &["hold"]);
    let dispute = before(held, &[Change::Dispute("pi_1"), Change::Win("pi_1")]);
    for trio in [
        ["look", "capture of a part", "release"],
        ["look", "capture of a part", "late debit"],
        ["late look", "release", "late debit"],
    ] {
        protocol.start_with(&dispute, trio);
    }
    protocol
}
