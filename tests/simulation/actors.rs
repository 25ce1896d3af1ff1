//! Who does what the plan says.

use std::sync::Arc;

use scrip_tests::stripe::Plan;
use tokio::time::sleep;

use crate::{
    plan::{Action, Timed},
    scheduler::lock,
    shop::price,
    world::World,
};

impl World {
    /// Does an action of the plan.
    pub async fn act(self: &Arc<Self>, timed: &Timed) {
        let wait = (timed.at - self.now()).to_std().unwrap_or_default();
        sleep(wait).await;
        let account = timed.account;
        self.bill();
        match &timed.action {
            Action::Buy(sku) => self.buy(account, sku),
            Action::Upgrade(sku) => {
                let subscription = self.subscription(account);
                if let Some(subscription) = subscription.filter(|_| self.pays(account) < price(sku)) {
                    let receipt = self.stripe.upgrade(&subscription, &Plan::monthly(sku, price(sku)));
                    self.sold(account, sku, receipt);
                }
            }
            Action::Downgrade(sku) => {
                let subscription = self.subscription(account);
                if let Some(subscription) = subscription.filter(|_| self.pays(account) > price(sku)) {
                    self.tell(self.stripe.downgrade(&subscription, &Plan::monthly(sku, price(sku))));
                }
            }
            Action::Cancel => {
                if let Some(subscription) = self.subscription(account) {
                    self.tell(self.stripe.cancel(&subscription));
                }
            }
            Action::Decline => {
                if let Some(subscription) = self.subscription(account) {
                    self.stripe.decline_next(&subscription);
                }
            }
            // That is done before everything.
            Action::Bill => {}
            Action::PayLate => self.pay_late(account),
            Action::Debit { key, work } => self.debit(account, key, *work).await,
            Action::Reverse { key, debit, playground } => {
                self.reverse(account, key, debit, *playground).await;
            }
            Action::Look => self.look(account).await,
            Action::MoneyBack(bought) => self.money_back(account, *bought).await,
            Action::Refund(bought, percent) => self.refund_at_provider(account, *bought, *percent),
            Action::RefundFails => {
                let refund = lock(&self.memory).refunds.iter().rfind(|(of, _)| *of == account).cloned();
                if let Some((_, refund)) = refund {
                    self.tell(self.stripe.fail_refund(&refund));
                }
            }
            Action::Dispute(bought) => {
                let sale = self.sale(account, *bought);
                if let Some(sale) = sale.filter(|sale| self.charged(&sale.charge).1 == 0) {
                    let (dispute, events) = self.stripe.dispute(&sale.charge);
                    lock(&self.memory).disputes.push((account, dispute));
                    self.tell(events);
                }
            }
            Action::WinDispute => {
                let dispute = lock(&self.memory).disputes.iter().rfind(|(of, _)| *of == account).cloned();
                if let Some((_, dispute)) = dispute {
                    self.tell(self.stripe.win_dispute(&dispute));
                }
            }
            Action::Turn => self.turn(self.plan.turn).await,
            Action::Sweep => self.sweep().await,
        }
    }
}
