//! Kills instances at any moment: mostly working ones, and of every function alike.

use std::{collections::BTreeMap, time::Duration};

use fastrand::Rng;
use tokio::time::sleep;

use super::world::World;

/// The most requests that are answered between two kills: so that there is work on any machine.
const ANSWERS_MAX: u32 = 5;
/// The longest pause after the last of them. An invocation takes some milliseconds, so a kill may come at any moment
/// of it.
const PAUSE_MS_MAX: u64 = 10;
/// One kill in so many may also hit an instance that is idle or starting.
const ANY_STATE: u8 = 8;

/// Kills so many instances.
pub async fn kill(world: &World, kills: u32, rng: &mut Rng) {
    let mut killed = 0;
    while killed < kills {
        world.answers(rng.u32(1..=ANSWERS_MAX)).await;
        sleep(Duration::from_millis(rng.u64(0..=PAUSE_MS_MAX))).await;
        let is_any_state = rng.u8(..).is_multiple_of(ANY_STATE);
        let mut functions = BTreeMap::<_, Vec<_>>::new();
        for instance in world.stack.instances() {
            if instance.is_working || is_any_state {
                functions.entry(instance.function).or_default().push(instance.pid);
            }
        }
        let Some((function, pids)) = rng.choice(functions) else { continue };
        let Some(pid) = rng.choice(pids) else { continue };
        // It may have ended by itself, which none here does.
        let Some(in_flight) = world.stack.kill(pid).await else { continue };
        killed += 1;
        world.killed();
        world.tally.add("kills");
        if in_flight {
            world.tally.add("kills in flight");
            world.tally.add(&format!("kills in flight of {function}"));
        }
    }
}
