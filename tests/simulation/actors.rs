//! Carries out the plan's actions.

use std::sync::Arc;

use serde_json::json;
use tokio::time::sleep;

use crate::{
    plan::{Action, TimedAction},
    scheduler::lock,
    world::World,
};

impl World {
    /// Does an action of the plan.
    pub async fn act(self: &Arc<Self>, timed: &TimedAction) {
        let wait = (timed.at - self.now()).to_std().unwrap_or_default();
        sleep(wait).await;
        let account = timed.account;
        self.bill();
        match &timed.action {
            Action::Buy(cart) => self.buy(account, cart),
            Action::Upgrade(sku) if self.is_larger(account, sku) => self.move_to(account, sku, false),
            Action::Prorate(sku) if self.is_larger(account, sku) => self.move_to(account, sku, true),
            Action::Downgrade(sku) if !self.is_larger(account, sku) => self.move_to(account, sku, false),
            Action::Cancel => {
                if let Some(subscription) = self.subscription(account) {
                    self.tell(self.stripe.cancel(&subscription));
                }
            }
            Action::CancelAtEnd => {
                if let Some(subscription) = self.subscription(account) {
                    self.tell(self.stripe.cancel_at_period_end(&subscription));
                }
            }
            Action::Decline => {
                if let Some(subscription) = self.subscription(account) {
                    self.stripe.decline_next(&subscription);
                }
            }
            // The bill is done before everything; a move the other way isn't made.
            Action::Bill | Action::Upgrade(_) | Action::Prorate(_) | Action::Downgrade(_) => {}
            Action::PayLate => self.pay_late(account),
            Action::Debit { key, work } => self.debit(account, key, *work).await,
            Action::Hold { key, work, seconds } => self.hold(account, key, *work, *seconds).await,
            Action::End { hold, end, when } => self.end_hold(account, hold, *end, *when).await,
            Action::LookAtHold { hold } => self.look_at_hold(account, hold).await,
            Action::Reverse { key, debit, playground } => {
                self.reverse(account, key, debit, *playground).await;
            }
            Action::Adjust { key, credits } => self.adjust(account, key, *credits).await,
            Action::Look => self.look(account).await,
            Action::MoneyBack(bought) => self.money_back(account, *bought).await,
            Action::Refund(bought, percent) => self.refund_at_provider(account, *bought, *percent),
            Action::RefundFails => {
                let refund = lock(&self.memory).refunds.iter().rposition(|(of, _)| *of == account);
                if let Some(at) = refund {
                    // A refund can't fail twice.
                    let (_, refund) = lock(&self.memory).refunds.remove(at);
                    self.tell(self.stripe.fail_refund(&refund));
                }
            }
            Action::Dispute(bought, percent) => self.dispute(account, *bought, *percent, false),
            Action::Inquire(bought) => self.dispute(account, *bought, 100, true),
            Action::WinDispute | Action::LoseDispute => {
                let dispute = lock(&self.memory).disputes.iter().rposition(|(of, _)| *of == account);
                if let Some(at) = dispute {
                    let (_, dispute) = lock(&self.memory).disputes.remove(at);
                    let is_won = timed.action == Action::WinDispute;
                    let end = if is_won {
                        self.stripe.win_dispute(&dispute)
                    } else {
                        self.stripe.lose_dispute(&dispute)
                    };
                    self.tell(end);
                }
            }
            Action::Turn => self.turn(self.plan.turn).await,
            Action::Sweep => self.sweep().await,
            // It comes again in a day anyway.
            Action::Recover => drop(self.recover(&json!({"undelivered": true})).await),
        }
    }
}
