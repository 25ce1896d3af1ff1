//! Makes a history that fails smaller: without the actions and the faults that it fails without.

use crate::{
    faults::Fault,
    history::play,
    plan::{Name, Plan},
};

/// How often a smaller history is tried.
const TRIES_MAX: usize = 150;

/// The smallest history found that still fails. One that doesn't fail stays as it is.
pub fn shrink(name: &Name) -> Name {
    let mut smallest = name.clone();
    let Some(why) = play(name).failure else { return smallest };
    let mut tries = 0;
    loop {
        let before = smallest.clone();
        for fault in Fault::ALL {
            let mut smaller = smallest.clone();
            if smaller.without.insert(*fault) {
                try_it(smaller, &mut smallest, &why, &mut tries);
            }
        }
        for timed in Plan::of(&before).actions.iter().rev() {
            let mut smaller = smallest.clone();
            if smaller.skipped.insert(timed.number) {
                try_it(smaller, &mut smallest, &why, &mut tries);
            }
        }
        if smallest == before || tries >= TRIES_MAX {
            return smallest;
        }
    }
}

fn try_it(smaller: Name, smallest: &mut Name, why: &str, tries: &mut usize) {
    *tries += 1;
    // It must fail by the same check: the part of the message before the values.
    let kind = |why: &str| why.chars().take_while(|letter| !"{[(\n".contains(*letter)).collect::<String>();
    let fails = || play(&smaller).failure.is_some_and(|failure| kind(&failure) == kind(why));
    if *tries <= TRIES_MAX && fails() {
        *smallest = smaller;
    }
}
