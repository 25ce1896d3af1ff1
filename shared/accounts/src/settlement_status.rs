//! How a hold was ended.

use serde::Serialize;

/// What became of a hold that its caller ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SettlementStatus {
    /// It was captured.
    Captured,
    /// It was released.
    Released,
}
