//! Checks that an account is in the due index exactly if its month must be turned.

use scrip_accounts::Sequence;

use super::{
    accounts::AccountSummary,
    finding::{Finding, Row},
    fix::{Fix, Repair},
    problem::Problem,
};
use crate::keys;

/// Checks an account's due row, if its newest entry can be read.
pub(super) fn check_due(seen: &AccountSummary) -> Option<(Finding, Repair)> {
    let newest = seen.history.newest_sequence();
    let after = match seen.history.newest() {
        Some(state) => state.due_after,
        None if newest == Sequence::NONE => None,
        None => return None,
    };
    let must = after.map(|month| keys::due_partition(month, keys::due_shard(&seen.id)));
    let problem = match (&seen.due, &must) {
        (is, must) if is == must => return None,
        (None, _) => Problem::NoDueRow,
        (Some(_), Some(_)) => Problem::WrongDueRow,
        (Some(_), None) => Problem::NeedlessDueRow,
    };
    let (account_id, row) = (Some(seen.id.clone()), Row::from(keys::due(&seen.id)));
    let fix = Fix::Due { before: seen.due.clone(), after };
    let finding = Finding::new(account_id.clone(), row.clone(), problem);
    Some((finding, Repair { account_id, row, newest: Some(newest), fix }))
}
