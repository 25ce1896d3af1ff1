//! What callers ask for, and how often: drawn, so that the same seed asks for the same.

use fastrand::Rng;
use serde_json::{Value, json};

/// Of a hundred visits, how many read, and how many debit; the others hold.
const READ_PERCENT: u32 = 20;
const DEBIT_PERCENT: u32 = 60;
/// Of a hundred debits, how many are quoted first, sent again, and reversed.
const QUOTED_PERCENT: u32 = 50;
const REPLAYED_PERCENT: u32 = 25;
const REVERSED_PERCENT: u32 = 10;
/// Of a hundred readers of a balance, how many read the entries too.
const STATEMENT_PERCENT: u32 = 50;
/// Of a hundred holds, how many are captured; the others are released.
const CAPTURED_PERCENT: u32 = 75;

/// The most images of one job.
const IMAGES_MAX: u64 = 4;

/// What a caller does for one account, request after request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Visit {
    Read(Read),
    Debit(Debit),
    Hold(Hold),
}

/// Reads the balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Read {
    /// And the newest entries.
    pub(super) has_statement: bool,
}

/// Debits an operation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Debit {
    /// The body.
    pub(super) operation: Value,
    /// Asks for the price first.
    pub(super) has_quote: bool,
    /// Sends it again, as after an answer that got lost.
    pub(super) has_replay: bool,
    /// Gives the credits back, as after work that failed.
    pub(super) has_reversal: bool,
}

/// Holds an operation's credits while the work is done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hold {
    /// The body.
    pub(super) operation: Value,
    pub(super) settlement: Settlement,
}

/// How a hold ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settlement {
    /// So many images were made.
    Capture(u64),
    Release,
}

impl Visit {
    pub(super) fn draw(random: &mut Rng) -> Self {
        let images = random.u64(1..=IMAGES_MAX);
        let operation = operation(random, images);
        match random.u32(0..100) {
            ..READ_PERCENT => Self::Read(Read { has_statement: is_one(random, STATEMENT_PERCENT) }),
            share if share < READ_PERCENT + DEBIT_PERCENT => Self::Debit(Debit {
                operation,
                has_quote: is_one(random, QUOTED_PERCENT),
                has_replay: is_one(random, REPLAYED_PERCENT),
                has_reversal: is_one(random, REVERSED_PERCENT),
            }),
            _ => {
                let captured = is_one(random, CAPTURED_PERCENT).then(|| random.u64(1..=images));
                let settlement = captured.map_or(Settlement::Release, Settlement::Capture);
                Self::Hold(Hold { operation, settlement })
            }
        }
    }
}

/// Whether a thing is one of so many in a hundred.
fn is_one(random: &mut Rng, percent: u32) -> bool {
    random.u32(0..100) < percent
}

fn operation(random: &mut Rng, images: u64) -> Value {
    match random.u32(0..4) {
        0 => {
            json!({"operation": "text_to_image", "width": 768, "height": 512, "steps": 80, "images": images})
        }
        1 => json!({"operation": "upscale", "factor": 4, "images": images}),
        2 => json!({"operation": "remove_background", "images": images}),
        _ => json!({"operation": "face_enhance", "images": images}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u32 = 20_000;

    #[test]
    fn the_same_seed_draws_the_same_visits() {
        let draw = |seed| {
            let mut random = Rng::with_seed(seed);
            (0..50).map(|_| Visit::draw(&mut random)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn visits_are_drawn_in_their_shares() {
        let mut random = Rng::with_seed(7);
        let visits: Vec<_> = (0..DRAWS).map(|_| Visit::draw(&mut random)).collect();
        let count = |is: &dyn Fn(&Visit) -> bool| visits.iter().filter(|visit| is(visit)).count();
        let debits = count(&|visit| matches!(visit, Visit::Debit(_)));
        let holds = count(&|visit| matches!(visit, Visit::Hold(_)));
        let all = usize::try_from(DRAWS).unwrap();
        for (what, part, whole, percent) in [
            ("reads", count(&|visit| matches!(visit, Visit::Read(_))), all, READ_PERCENT),
            ("debits", debits, all, DEBIT_PERCENT),
            ("quotes", count(&|visit| matches!(visit, Visit::Debit(d) if d.has_quote)), debits, 50),
            ("replays", count(&|visit| matches!(visit, Visit::Debit(d) if d.has_replay)), debits, 25),
            ("reversals", count(&|visit| matches!(visit, Visit::Debit(d) if d.has_reversal)), debits, 10),
            (
                "releases",
                count(&|visit| matches!(visit, Visit::Hold(h) if h.settlement == Settlement::Release)),
                holds,
                100 - CAPTURED_PERCENT,
            ),
        ] {
            let expected = whole * usize::try_from(percent).unwrap() / 100;
            assert!(part.abs_diff(expected) * 50 < whole, "{what}: {part} of {whole}");
        }
    }

    #[test]
    fn no_capture_is_of_more_than_was_held() {
        let mut random = Rng::with_seed(3);
        for _ in 0..DRAWS {
            if let Visit::Hold(Hold { operation, settlement: Settlement::Capture(images) }) =
                Visit::draw(&mut random)
            {
                assert!((1..=operation["images"].as_u64().unwrap()).contains(&images), "{operation}");
            }
        }
    }
}
