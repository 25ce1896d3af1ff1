//! Checkout sessions and prices.

use super::{
    Api,
    request::{expand, parameter},
};
use crate::{
    Error,
    objects::{List, Price, Session},
};

const SESSION: &str = "checkout.session";

impl Api<'_> {
    /// A session with all its lines, their prices and products, and its payment with its charge.
    ///
    /// `GET /v1/checkout/sessions/{id}`: one call; two if it has more than ten lines (`…/line_items`).
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// let session = api.session("cs_1").await?;
    /// println!("{} was paid: {}", session.id, session.payment_status == "paid");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn session(&self, id: &str) -> Result<Session, Error> {
        // Four levels, the most that Stripe expands.
        let parameters = expand("line_items.data.price.product").expand("payment_intent.latest_charge");
        let mut session: Session = self.get(SESSION, &["checkout", "sessions", id], parameters).await?;
        if let Some(lines) = &mut session.line_items {
            let path = ["checkout", "sessions", id, "line_items"];
            self.complete(lines, "line items", &path, expand("data.price.product")).await?;
        }
        Ok(session)
    }

    /// The session that made a subscription, without its lines; `None` if none did.
    ///
    /// `GET /v1/checkout/sessions?subscription=`: one call.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// if let Some(session) = api.session_of_subscription("sub_1").await? {
    ///     println!("{} made sub_1", session.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn session_of_subscription(&self, id: &str) -> Result<Option<Session>, Error> {
        self.newest_session("subscription", id).await
    }

    /// The newest session that made a payment, without its lines; `None` if none did.
    ///
    /// `GET /v1/checkout/sessions?payment_intent=`: one call.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// if let Some(session) = api.session_of_payment("pi_1").await? {
    ///     println!("{} made pi_1", session.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn session_of_payment(&self, id: &str) -> Result<Option<Session>, Error> {
        self.newest_session("payment_intent", id).await
    }

    async fn newest_session(&self, by: &str, id: &str) -> Result<Option<Session>, Error> {
        let list: List<Session> =
            self.get(SESSION, &["checkout", "sessions"], parameter(by, id).limit(1)).await?;
        Ok(list.data.into_iter().next())
    }

    /// All sessions of a customer, newest first, without their lines.
    ///
    /// `GET /v1/checkout/sessions?customer=`: one call for each hundred.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// let sessions = api.sessions_of_customer("cus_1").await?;
    /// println!("{} sessions", sessions.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn sessions_of_customer(&self, id: &str) -> Result<Vec<Session>, Error> {
        self.list("checkout sessions", &["checkout", "sessions"], parameter("customer", id)).await
    }

    /// A price with its product.
    ///
    /// `GET /v1/prices/{id}`: one call.
    ///
    /// # Errors
    /// See [`Error`].
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(api: &scrip_stripe::Api<'_>) -> Result<(), scrip_stripe::Error> {
    /// let price = api.price("price_a").await?;
    /// println!("price_a is {}", price.lookup_key.unwrap_or_default());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn price(&self, id: &str) -> Result<Price, Error> {
        self.get("price", &["prices", id], expand("product")).await
    }
}
