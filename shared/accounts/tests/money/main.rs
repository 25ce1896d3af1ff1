//! Money in and out, as an account sees it: what was paid is granted once, and what goes back takes its credits back.

mod clawbacks;
mod conservation;
mod edges;
mod guarantee;
mod histories;
mod lifecycle;
mod looks;
mod orders;
mod shop;
mod subscriptions;
mod turns;
