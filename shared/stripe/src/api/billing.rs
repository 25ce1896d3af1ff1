//! Subscriptions and invoices.

use http::Method;
use serde::de::IgnoredAny;

use super::{
    Api, Listing, PAGES_MAX,
    request::{ApiRequest, Parameters, expand, parameter},
};
use crate::{
    Error,
    objects::{Expandable, Invoice, InvoicePayment, List, Subscription},
};

const SUBSCRIPTION: &str = "subscription";
/// How many invoices a page has. An invoice may have 300 KB, and the size of an answer is bounded.
const INVOICES_A_PAGE: u32 = 10;

impl Api<'_> {
    /// A subscription with all its items, their prices and products.
    ///
    /// `GET /v1/subscriptions/{id}`: one call; two if it doesn't show all its items (`GET /v1/subscription_items`).
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// let subscription = api.subscription("sub_1").await?;
    /// println!("{}: {} items", subscription.status, subscription.items.data.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscription(&self, id: &str) -> Result<Subscription, Error> {
        let parameters = expand("items.data.price.product");
        let mut subscription: Subscription =
            self.get(SUBSCRIPTION, &["subscriptions", id], parameters).await?;
        let parameters = parameter("subscription", id).expand("data.price.product");
        self.complete(&mut subscription.items, "subscription items", &["subscription_items"], parameters)
            .await?;
        Ok(subscription)
    }

    /// All subscriptions of a customer, also those that ended, newest first.
    ///
    /// `GET /v1/subscriptions?customer=&status=all`: one call for each hundred.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// for subscription in api.subscriptions_of_customer("cus_1").await? {
    ///     println!("{}: {}", subscription.id, subscription.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscriptions_of_customer(&self, id: &str) -> Result<Vec<Subscription>, Error> {
        let parameters = parameter("customer", id).set("status", "all");
        self.list("subscriptions", &["subscriptions"], parameters).await
    }

    /// The paid invoices of a subscription, newest first, with their payments and the subscription as it is now. Pages are
    /// read until one has an invoice that `is_known`. Known invoices of these pages are returned too, with at most their
    /// first ten lines.
    ///
    /// `GET /v1/invoices?subscription=&status=paid`: one call for each ten, and one for each unknown invoice of more than
    /// ten lines (`…/lines`) or payments.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// let invoices = api.paid_invoices_of_subscription("sub_1", |id| id == "in_1").await?;
    /// let new = invoices.iter().filter(|invoice| invoice.id != "in_1").count();
    /// println!("{new} invoices since in_1");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn paid_invoices_of_subscription(
        &self,
        id: &str,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Vec<Invoice>, Error> {
        let parameters = parameter("subscription", id).set("status", "paid").expand("data.payments");
        let parameters = parameters.expand("data.parent.subscription_details.subscription");
        let are_unknown = |page: &[Invoice]| !page.iter().any(|invoice| is_known(&invoice.id));
        let mut invoices = self.invoices_while(parameters, are_unknown).await?;
        for invoice in invoices.iter_mut().filter(|invoice| !is_known(&invoice.id)) {
            self.complete_invoice(invoice).await?;
        }
        Ok(invoices)
    }

    /// The paid invoices of a customer, newest first, with their payments, each with its first ten lines.
    ///
    /// `GET /v1/invoices?customer=&status=paid`: one call for each ten.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// let invoices = api.paid_invoices_of_customer("cus_1").await?;
    /// println!("{} invoices were paid", invoices.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn paid_invoices_of_customer(&self, id: &str) -> Result<Vec<Invoice>, Error> {
        let parameters = parameter("customer", id).set("status", "paid").expand("data.payments");
        self.invoices_while(parameters, |_| true).await
    }

    /// Reads a list of invoices page by page, as long as `goes_on` is true of each page.
    async fn invoices_while(
        &self,
        parameters: Parameters,
        goes_on: impl FnMut(&[Invoice]) -> bool,
    ) -> Result<Vec<Invoice>, Error> {
        let parameters = parameters.limit(INVOICES_A_PAGE);
        let listing = Listing { kind: "invoices", path: &["invoices"], parameters, pages_max: PAGES_MAX };
        self.list_while(&listing, goes_on).await
    }

    /// An invoice with all its lines and payments.
    ///
    /// `GET /v1/invoices/{id}`: one call, and one each if it has more than ten lines or payments.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// let invoice = api.invoice("in_1").await?;
    /// println!("{} lines, paid at {:?}", invoice.lines.data.len(), invoice.paid_at());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn invoice(&self, id: &str) -> Result<Invoice, Error> {
        let mut invoice: Invoice = self.get("invoice", &["invoices", id], expand("payments")).await?;
        self.complete_invoice(&mut invoice).await?;
        Ok(invoice)
    }

    /// Reads the lines and payments that an invoice doesn't show.
    async fn complete_invoice(&self, invoice: &mut Invoice) -> Result<(), Error> {
        let path = ["invoices", &invoice.id, "lines"];
        self.complete(&mut invoice.lines, "invoice lines", &path, Parameters::default()).await?;
        if let Some(payments) = &mut invoice.payments {
            let parameters = parameter("invoice", &invoice.id);
            self.complete(payments, "invoice payments", &["invoice_payments"], parameters).await?;
        }
        Ok(())
    }

    /// The invoice of a payment: of several the newest that it paid, else the newest; `None` if it is for no invoice.
    ///
    /// `GET /v1/invoice_payments?payment[type]=payment_intent&payment[payment_intent]=`, expanded: one call.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// if let Some(invoice) = api.invoice_of_payment("pi_1").await? {
    ///     println!("pi_1 is for {}", invoice.id());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn invoice_of_payment(&self, id: &str) -> Result<Option<Expandable<Invoice>>, Error> {
        let parameters = parameter("payment[type]", "payment_intent").set("payment[payment_intent]", id);
        let parameters = parameters.expand("data.invoice");
        let payments: List<InvoicePayment> =
            self.get("invoice payment", &["invoice_payments"], parameters).await?;
        let paid = payments.data.iter().find(|payment| payment.status == "paid");
        Ok(paid.or(payments.data.first()).map(|payment| payment.invoice.clone()))
    }

    /// Ends a subscription now, without a refund. One that has ended is [`Error::Missing`].
    ///
    /// `DELETE /v1/subscriptions/{id}`: one call.
    ///
    /// # Errors
    /// See [`Error`]. Nothing was ended if it is [`Error::Missing`], [`Error::Refused`] or [`Error::OutOfTime`].
    ///
    /// # Examples
    /// ```no_run
    /// use scrip_stripe::Error;
    ///
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// match api.cancel_subscription("sub_1").await {
    ///     Ok(()) | Err(Error::Missing) => println!("sub_1 has ended"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn cancel_subscription(&self, id: &str) -> Result<(), Error> {
        let path = &["subscriptions", id];
        let parameters = Parameters::default();
        let request = ApiRequest { method: Method::DELETE, path, parameters, idempotency_key: None };
        self.call(SUBSCRIPTION, &request).await.map(|IgnoredAny| ())
    }

    /// Lets a subscription end when its period does.
    ///
    /// `POST /v1/subscriptions/{id}` with `cancel_at_period_end`: one call. It needs no idempotency key, because a second
    /// call changes nothing.
    ///
    /// # Errors
    /// The same as of [`cancel_subscription`](Self::cancel_subscription).
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// api.cancel_subscription_at_period_end("sub_1").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn cancel_subscription_at_period_end(&self, id: &str) -> Result<(), Error> {
        let path = &["subscriptions", id];
        let parameters = parameter("cancel_at_period_end", "true");
        let request = ApiRequest { method: Method::POST, path, parameters, idempotency_key: None };
        self.call(SUBSCRIPTION, &request).await.map(|IgnoredAny| ())
    }
}
