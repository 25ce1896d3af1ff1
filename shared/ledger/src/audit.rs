//! Checks everything in the table: for `verify`, a program that operators run.
//!
//! [`Auditor`] takes items one by one, of a table or of an export, and keeps little of each. Once it has all of them, it
//! says what is wrong and how it can be mended. On a table that is in use, [`Ledger::recheck`](crate::Ledger::recheck)
//! reads again what was found before it is reported, and [`Ledger::repair`](crate::Ledger::repair) mends it.

mod accounts;
mod auditor;
mod claims;
mod due;
mod export;
mod facts;
mod finding;
mod fix;
mod history;
mod pages;
mod place;
mod problem;
mod purchases;
mod recheck;
mod repair;
mod report;

pub use self::{
    auditor::Auditor,
    export::read_export_line,
    finding::{Finding, Row},
    fix::Repair,
    history::Order,
    pages::{PageCursor, Segment},
    problem::Problem,
    repair::Repaired,
    report::{Report, Tally},
};
pub use crate::items::Item;
