//! A cart: what a customer buys, and how the product or Stripe's own pages set it up.
//!
//! Invariant: a cart is data; only [`Stripe::checkout`](crate::Stripe::checkout) makes objects of it.

use super::plan::Metadata;

/// What a checkout session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Everything is paid once.
    #[default]
    Payment,
    /// At least one price is recurring; the first invoice has what is paid once, too.
    Subscription,
}

/// Where the money comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tender {
    /// A card, which is charged at once.
    #[default]
    Card,
    /// A method that takes days; mode payment only.
    Delayed,
    /// A card that is declined. Stripe's page lets the customer try another, so it is for carts without a
    /// page.
    Declined,
}

/// A coupon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CouponSpec {
    /// How much it takes off, up to 100.
    pub percent_off: i64,
    /// Whether it counts for the first invoice only.
    pub once: bool,
    /// Whether the customer entered it as a promotion code.
    pub by_code: bool,
}

impl CouponSpec {
    /// A coupon that counts for every invoice.
    #[must_use]
    pub fn forever(percent_off: i64) -> Self {
        Self { percent_off, once: false, by_code: false }
    }

    /// A coupon that counts for the first invoice only.
    #[must_use]
    pub fn once(percent_off: i64) -> Self {
        Self { once: true, ..Self::forever(percent_off) }
    }
}

/// A cart.
#[derive(Debug, Clone, Default)]
pub struct CartSpec {
    /// The account of the product whose customer buys; Stripe doesn't learn of the account by this.
    pub account: Option<String>,
    /// The customer who buys, which counts before `account`. With neither a guest buys.
    pub customer: Option<String>,
    /// What the session is for.
    pub mode: Mode,
    /// Price ids and how many of each, in the order of the invoice's lines.
    pub items: Vec<(String, i64)>,
    /// The session's metadata.
    pub metadata: Metadata,
    /// `payment_intent_data.metadata` or `subscription_data.metadata`.
    pub payment_metadata: Metadata,
    /// `invoice_creation.invoice_data.metadata`, or a sent invoice's.
    pub invoice_metadata: Metadata,
    /// The session's `client_reference_id`.
    pub client_reference_id: Option<String>,
    /// What is redeemed.
    pub coupon: Option<CouponSpec>,
    /// How long nothing is paid.
    pub trial_days: Option<u32>,
    /// Whether a payment makes an invoice, which makes a customer too.
    pub invoice_creation: bool,
    /// The payment link (`plink_…`) that made the session.
    pub payment_link: Option<String>,
    /// Where the money comes from.
    pub tender: Tender,
    /// Whether there is no session: the product asks the API for a payment intent, whose amount is all that
    /// Stripe learns of the cart, or for a subscription.
    pub without_session: bool,
}

impl CartSpec {
    /// An account's cart of things that are paid once. Nothing names the account.
    #[must_use]
    pub fn payment(account: &str, items: &[(&str, i64)]) -> Self {
        let items = items.iter().map(|(price, quantity)| ((*price).to_owned(), *quantity)).collect();
        Self { account: Some(account.to_owned()), items, ..Self::default() }
    }

    /// An account's cart with at least one recurring price. Nothing names the account.
    #[must_use]
    pub fn subscription(account: &str, items: &[(&str, i64)]) -> Self {
        Self { mode: Mode::Subscription, ..Self::payment(account, items) }
    }

    /// The same, named in the metadata of the session and of its payment or subscription.
    #[must_use]
    pub fn naming(mut self, account: &str) -> Self {
        for metadata in [&mut self.metadata, &mut self.payment_metadata] {
            metadata.insert("account_id".to_owned(), account.to_owned());
        }
        self
    }

    /// The same, named by `client_reference_id` only, as a pricing table or payment link does.
    #[must_use]
    pub fn referring(self, account: &str) -> Self {
        Self { client_reference_id: Some(account.to_owned()), ..self }
    }
}
