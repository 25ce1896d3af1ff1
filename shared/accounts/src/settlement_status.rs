//! The way in which a caller ended a hold.

use serde::Serialize;

/// The way in which a caller ended a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SettlementStatus {
    /// It was captured.
    Captured,
    /// It was released.
    Released,
}
