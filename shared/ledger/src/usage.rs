//! The ledger's usage of DynamoDB: its requests, and their capacity, which is billed.
//!
//! A function serves one call at a time, so the usage since the last call of `take` belongs to one call.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// The usage since the last [`Ledger::take_usage`](crate::Ledger::take_usage).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// The requests that were sent, including failed ones.
    pub requests: u64,
    /// Half read units; the smallest read costs one. DynamoDB doesn't report the units of a cancelled transaction.
    pub read_half_units: u64,
    /// Half write units.
    pub write_half_units: u64,
}

/// The counters of the usage.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    requests: AtomicU64,
    read_half_units: AtomicU64,
    write_half_units: AtomicU64,
}

impl Meter {
    /// Counts a request.
    pub(crate) fn ask(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the reported capacity of a read.
    pub(crate) fn read<'a>(&self, used: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.read_half_units.fetch_add(half_units(used), Ordering::Relaxed);
    }

    /// Counts the reported capacity of a write.
    pub(crate) fn write<'a>(&self, used: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.write_half_units.fetch_add(half_units(used), Ordering::Relaxed);
    }

    /// Returns the usage since the last call, and starts again at zero.
    pub(crate) fn take(&self) -> Usage {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        Usage {
            requests: take(&self.requests),
            read_half_units: take(&self.read_half_units),
            write_half_units: take(&self.write_half_units),
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "units are small multiples of a half, and a cast saturates"
)]
fn half_units<'a>(used: impl IntoIterator<Item = &'a ConsumedCapacity>) -> u64 {
    used.into_iter().filter_map(ConsumedCapacity::capacity_units).map(|units| (units * 2.0) as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_added_up_in_halves_and_taken_once() {
        let used = |units: f64| ConsumedCapacity::builder().capacity_units(units).build();
        let meter = Meter::default();
        meter.ask();
        meter.read(&[used(0.5), used(2.0)]);
        meter.ask();
        meter.write(&[used(4.0)]);
        meter.write(&[ConsumedCapacity::builder().build()]);
        let expected = Usage { requests: 2, read_half_units: 5, write_half_units: 8 };
        assert_eq!((meter.take(), meter.take()), (expected, Usage::default()));
    }
}
