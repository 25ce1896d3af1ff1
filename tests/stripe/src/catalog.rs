//! Products, prices and customers.
//!
//! Invariant: a price is known before it is sold, whether a test added it or it is a SKU's.

use super::{
    Stripe,
    account::Account,
    plan::{Interval, Metadata, price_id, product_id},
    records::{Customer, Price, Product},
};

/// A price as a test sets it up.
#[derive(Debug, Clone, Default)]
pub struct PriceSpec {
    /// The id; a new one if there is none.
    pub id: Option<String>,
    /// The product's id; a new product if there is none.
    pub product: Option<String>,
    /// What a unit costs.
    pub cents: i64,
    /// How often it is paid; once if there is none.
    pub interval: Option<Interval>,
    /// The price's `lookup_key`.
    pub lookup_key: Option<String>,
    /// The price's metadata.
    pub metadata: Metadata,
    /// The product's metadata.
    pub product_metadata: Metadata,
    /// The product's name.
    pub name: String,
}

impl PriceSpec {
    /// A price that is paid once.
    #[must_use]
    pub fn once(cents: i64) -> Self {
        Self { cents, name: "Something".to_owned(), ..Self::default() }
    }

    /// A price that is paid each month.
    #[must_use]
    pub fn monthly(cents: i64) -> Self {
        Self { interval: Some(Interval::Month), ..Self::once(cents) }
    }

    /// A price that is paid each year.
    #[must_use]
    pub fn annual(cents: i64) -> Self {
        Self { interval: Some(Interval::Year), ..Self::once(cents) }
    }

    /// The price that [`price_id`] names for a SKU, with the SKU as its `lookup_key`.
    #[must_use]
    pub fn of_sku(sku: &str, cents: i64, interval: Option<Interval>) -> Self {
        Self {
            id: Some(price_id(sku)),
            product: Some(product_id(sku)),
            cents,
            interval,
            lookup_key: Some(sku.to_owned()),
            name: sku.to_owned(),
            ..Self::default()
        }
    }
}

impl Stripe {
    /// Adds a price, and its product if there is none of that id. A price of the same id is replaced; what
    /// was sold keeps its terms. Returns the id.
    #[allow(clippy::must_use_candidate, reason = "the id of a SKU's price is known")]
    pub fn add_price(&self, spec: &PriceSpec) -> String {
        self.with(|account| account.add_price(spec).id)
    }

    /// Gives a price another `lookup_key` and other metadata, also where it was sold already.
    ///
    /// # Panics
    /// When no price has that id.
    pub fn edit_price(&self, price: &str, lookup_key: Option<&str>, metadata: &Metadata) {
        self.with(|account| {
            let edited = Price {
                lookup_key: lookup_key.map(str::to_owned),
                metadata: metadata.clone(),
                ..account.price(price)
            };
            for known in account.copies().filter(|known| known.id == price) {
                known.lookup_key.clone_from(&edited.lookup_key);
                known.metadata.clone_from(&edited.metadata);
            }
        });
    }

    /// Gives a product other metadata.
    ///
    /// # Panics
    /// When no price of the product has that id.
    pub fn edit_product_of(&self, price: &str, metadata: &Metadata) {
        self.with(|account| {
            let product = account.price(price).product;
            for known in account.products.iter_mut().filter(|known| known.id == product) {
                known.metadata.clone_from(metadata);
            }
        });
    }

    /// The customer who pays for an account of the product; the same each time.
    #[must_use]
    pub fn customer_of(&self, account: &str) -> String {
        self.with(|known| known.customer(account))
    }

    /// Another customer.
    #[must_use]
    pub fn add_customer(&self) -> String {
        self.with(Account::add_customer)
    }

    /// Sets what a customer's balance is; below zero is credit.
    ///
    /// # Panics
    /// When no customer has that id.
    pub fn set_balance(&self, customer: &str, cents: i64) {
        self.with(|account| account.customer_mut(customer).balance = cents);
    }

    /// What a customer's balance is; below zero is credit.
    ///
    /// # Panics
    /// When no customer has that id.
    #[must_use]
    pub fn balance(&self, customer: &str) -> i64 {
        self.with(|account| account.customer_mut(customer).balance)
    }
}

impl Account {
    pub(super) fn add_price(&mut self, spec: &PriceSpec) -> Price {
        let product = spec.product.clone().unwrap_or_else(|| self.id("prod_", 14));
        if !self.products.iter().any(|known| known.id == product) {
            let (name, metadata) = (spec.name.clone(), spec.product_metadata.clone());
            self.products.push(Product { id: product.clone(), name, metadata });
        }
        let price = Price {
            id: spec.id.clone().unwrap_or_else(|| self.id("price_1", 23)),
            product,
            name: spec.name.clone(),
            lookup_key: spec.lookup_key.clone(),
            metadata: spec.metadata.clone(),
            unit_amount: spec.cents,
            recurring: spec.interval,
        };
        self.prices.retain(|known| known.id != price.id);
        self.prices.push(price.clone());
        price
    }

    /// The price of a SKU, as it costs now.
    pub(super) fn sku(&mut self, sku: &str, cents: i64, interval: Option<Interval>) -> Price {
        let id = price_id(sku);
        let known = self.prices.iter().find(|known| known.id == id);
        match known.filter(|known| known.unit_amount == cents && known.recurring == interval) {
            Some(known) => known.clone(),
            None => self.add_price(&PriceSpec::of_sku(sku, cents, interval)),
        }
    }

    pub(super) fn price(&self, id: &str) -> Price {
        let known = self.prices.iter().find(|known| known.id == id);
        known.unwrap_or_else(|| panic!("a price was added with the id {id}")).clone()
    }

    /// Every copy of a price, wherever it was sold.
    fn copies(&mut self) -> impl Iterator<Item = &mut Price> {
        let subscribed = self.subscriptions.iter_mut().flat_map(|subscription| {
            let pending = subscription.pending.iter_mut().map(|line| &mut line.price);
            subscription.items.iter_mut().map(|item| &mut item.price).chain(pending)
        });
        let invoiced = self.invoices.iter_mut().flat_map(|invoice| &mut invoice.lines);
        let sold = self.sessions.iter_mut().flat_map(|session| &mut session.lines);
        let prices = self.prices.iter_mut().chain(subscribed);
        prices.chain(invoiced.map(|line| &mut line.price)).chain(sold.map(|line| &mut line.price))
    }

    pub(super) fn customer(&mut self, account: &str) -> String {
        if let Some(known) = self.customer_ids.get(account) {
            return known.clone();
        }
        let id = self.add_customer();
        self.customer_ids.insert(account.to_owned(), id.clone());
        id
    }

    pub(super) fn add_customer(&mut self) -> String {
        let id = self.id("cus_", 14);
        self.customers.push(Customer { id: id.clone(), balance: 0, created: self.now });
        id
    }

    pub(super) fn customer_mut(&mut self, id: &str) -> &mut Customer {
        let known = self.customers.iter_mut().find(|known| known.id == id);
        known.unwrap_or_else(|| panic!("a customer has the id {id}"))
    }
}
