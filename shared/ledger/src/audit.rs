//! The audit of a whole table, for `verify`, a program that operators run.
//!
//! An [`Auditor`] takes the items of a table or of an export one by one, and keeps little of each. After the last one
//! it reports the problems and their repairs. If the table is in use, [`Ledger::recheck`](crate::Ledger::recheck) reads
//! the rows of each finding again before it is reported, and [`Ledger::repair`](crate::Ledger::repair) repairs them.

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
    repair::RepairResult,
    report::{Report, Tally},
};
pub use crate::items::Item;
