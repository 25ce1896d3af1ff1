//! Proportional shares of credits, in integers.

/// The share of `credits` that corresponds to `part` of `whole`, rounded down; 0 if `whole` is 0.
pub(crate) fn share(credits: u64, part: u64, whole: u64) -> u64 {
    if whole == 0 {
        return 0;
    }
    let share = u128::from(credits) * u128::from(part.min(whole)) / u128::from(whole);
    u64::try_from(share).unwrap_or(credits)
}
