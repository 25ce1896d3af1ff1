//! Payments, refunds and disputes of an account: each payment is granted once, and refunds and disputes take its credits
//! back.

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
