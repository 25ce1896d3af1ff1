//! Work that takes time, as a history plans it: what is held, how and when the hold ends, and what else is asked meanwhile.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::{
    action::{Action, End, WORK, When, Work},
    holds::{OPEN_MAX, pieces},
    plan::Draft,
};

/// Work for which credits are held: mostly less than a plan has.
const HELD: [Work; 6] = [
    Work { operation: r#"{"operation":"face_enhance"}"#, price: [1, 0, 0] },
    Work { operation: r#"{"operation":"upscale","factor":4,"images":7}"#, price: [14, 0, 0] },
    Work {
        operation: r#"{"operation":"text_to_image","width":512,"height":768,"steps":100,"images":30}"#,
        price: [60, 0, 0],
    },
    WORK[1],
    WORK[2],
    WORK[6],
];

/// How long holds last, in seconds: mostly they expire within a history.
const SECONDS: [i64; 7] = [60, 60, 90, 900, 3_600, 3_600, 86_400];
/// One that is over later is ended while it is open.
const SECONDS_WAITED_MAX: i64 = 900;

impl Draft {
    /// The jobs of an account: in each moment one, or none.
    pub fn jobs(&mut self, account: usize, start: DateTime<Utc>, turn: DateTime<Utc>) {
        let third = start + TimeDelta::minutes(20);
        let moments = [
            start + TimeDelta::seconds(30),
            third,
            // From here on a short hold expires over the month's turn.
            turn - TimeDelta::seconds(70),
            turn - TimeDelta::milliseconds(1_250),
            turn + TimeDelta::minutes(10),
        ];
        for moment in moments {
            if self.rng.u8(..3) == 0 {
                let seconds = SECONDS[self.rng.usize(..SECONDS.len())];
                self.job(account, moment, seconds);
            }
        }
        if self.rng.u8(..12) == 0 {
            // It is over in the month's first moment, by a true clock.
            let (key, work) = (self.hold_key(), self.held());
            let hold = Action::Hold { key: key.clone(), work, seconds: 60 };
            self.add_at(account, turn - TimeDelta::seconds(60), hold);
            self.add(account, turn, Action::LookAtHold { hold: key });
        }
        if self.rng.u8(..50) == 0 {
            self.crowd_of_holds(account, third + TimeDelta::minutes(2));
        }
    }

    /// Credits are held, and mostly the caller ends the hold.
    fn job(&mut self, account: usize, moment: DateTime<Utc>, seconds: i64) {
        let (key, work) = (self.hold_key(), self.held());
        let hold = Action::Hold { key: key.clone(), work, seconds };
        if self.rng.u8(..5) == 0 {
            self.add(account, moment, hold.clone());
        }
        self.add(account, moment, hold);
        match self.rng.u8(..8) {
            0 => self.add(account, moment, Action::Debit { key: key.clone(), work }),
            1 => self.add(account, moment + TimeDelta::seconds(3), Action::Look),
            2 => {
                let (debit, work) = (format!("d{}", self.rng.u8(..6)), WORK[self.rng.usize(..WORK.len())]);
                self.add(account, moment + TimeDelta::seconds(3), Action::Debit { key: debit, work });
            }
            _ => {}
        }
        let is_long = seconds > SECONDS_WAITED_MAX;
        let over = moment + TimeDelta::seconds(if is_long { 0 } else { seconds });
        let soon = moment + TimeDelta::seconds(5);
        let (when, end) = match self.rng.u8(..9) {
            // The caller never ends it.
            0 => (None, over + TimeDelta::seconds(2)),
            // Money may go back meanwhile.
            1..=3 if is_long && self.rng.bool() => (Some(When::Now), moment + TimeDelta::minutes(25)),
            1..=3 => (Some(When::Now), soon),
            4..=6 => (Some(When::AtExpiry(self.around())), soon),
            7 => (Some(When::Now), over + TimeDelta::seconds(5)),
            // At once with the hold itself.
            _ => (Some(When::Now), moment),
        };
        if let Some(when) = when {
            self.ends(account, &key, work, (when, end));
        }
        if self.rng.u8(..4) == 0 {
            self.add(account, end, Action::LookAtHold { hold: key.clone() });
        }
        if self.rng.u8(..4) == 0 {
            let after = end.max(if matches!(when, Some(When::AtExpiry(_))) { over } else { end });
            let playground = [None, None, Some(1), Some(100)][self.rng.usize(..4)];
            let reversal = Action::Reverse { key: format!("b{}", self.rng.u8(..4)), debit: key, playground };
            self.add(account, after + TimeDelta::seconds(4), reversal);
        }
    }

    /// One caller ends a hold, or two at once, some of them twice.
    fn ends(&mut self, account: usize, key: &str, work: Work, (when, moment): (When, DateTime<Utc>)) {
        for _ in 0..self.rng.usize(1..=2) {
            let when = match when {
                When::AtExpiry(_) if self.rng.bool() => When::AtExpiry(self.around()),
                when => when,
            };
            let end = Action::End { hold: key.to_owned(), end: self.end(work), when };
            if self.rng.u8(..6) == 0 {
                self.add(account, moment, end.clone());
            }
            self.add(account, moment, end);
        }
    }

    /// How a hold of that work is ended, which may be more than is held, or of another unit.
    fn end(&mut self, work: Work) -> End {
        let operation: Value = serde_json::from_str(work.operation).expect("it is JSON");
        // Training has prompts, and is only captured whole; what doesn't say how many is one image.
        let (unit, count) = pieces(&operation).unwrap_or_else(|| {
            let is_training = operation["operation"] == "train_tune";
            if is_training { ("prompts", 8) } else { ("images", 1) }
        });
        match self.rng.u8(..13) {
            0..=2 => End::Whole,
            3..=6 => End::Part(unit, self.rng.i64(1..=count)),
            7 => End::Part(unit, count),
            8 => End::Part(unit, count + self.rng.i64(1..=50)),
            9 => End::Part(if unit == "images" { "prompts" } else { "images" }, 1),
            _ => End::Release,
        }
    }

    /// So many milliseconds after a hold is over, or before.
    fn around(&mut self) -> i64 {
        [-150, -60, -1, 0, 0, 1, 60][self.rng.usize(..7)]
    }

    /// More holds than an account may have, in one moment.
    fn crowd_of_holds(&mut self, account: usize, moment: DateTime<Utc>) {
        let seconds = SECONDS[self.rng.usize(..4)];
        for number in 0..OPEN_MAX + 3 {
            let hold = Action::Hold { key: format!("x{number}"), work: HELD[0], seconds };
            self.add(account, moment, hold);
        }
        let first = Action::Hold { key: "x0".to_owned(), work: HELD[0], seconds };
        self.add(account, moment + TimeDelta::seconds(seconds), first);
    }

    /// Some keys are used twice, for the same and for other work, and for a debit.
    fn hold_key(&mut self) -> String {
        match self.rng.u8(..8) {
            0 => format!("d{}", self.rng.u8(..6)),
            1 => format!("h{}", self.rng.u8(..2)),
            _ => format!("j{}", self.actions.len()),
        }
    }

    fn held(&mut self) -> Work {
        // Training now and then: few have the credits for it.
        if self.rng.u8(..12) == 0 { WORK[5] } else { HELD[self.rng.usize(..HELD.len())] }
    }
}
