//! What the ledger asks of DynamoDB: requests, and the capacity that they are billed by.
//!
//! A function has one call at a time, so what was used since the last look belongs to the call.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// What was used since it was taken last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests sent, whatever came of them.
    pub requests: u64,
    /// Read units, in halves: the smallest read costs one. DynamoDB doesn't say what a cancelled transaction used.
    pub read_half_units: u64,
    /// Write units, in halves.
    pub write_half_units: u64,
}

/// Counts what is used.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    requests: AtomicU64,
    read_half_units: AtomicU64,
    write_half_units: AtomicU64,
}

impl Meter {
    /// A request goes out.
    pub(crate) fn ask(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// What a read says it used.
    pub(crate) fn read<'a>(&self, used: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.read_half_units.fetch_add(half_units(used), Ordering::Relaxed);
    }

    /// What a write says it used.
    pub(crate) fn write<'a>(&self, used: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.write_half_units.fetch_add(half_units(used), Ordering::Relaxed);
    }

    /// What was used since this was asked last.
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
