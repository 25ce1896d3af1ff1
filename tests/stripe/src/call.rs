//! A call of the API, as it came.

/// A request to the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `POST`, say.
    pub method: String,
    /// `/v1/refunds`, say.
    pub path: String,
    /// The parameters in order, of the body or the query.
    pub parameters: Vec<(String, String)>,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The header `Stripe-Version`.
    pub version: Option<String>,
}

impl Call {
    /// What is called, whichever object it is about: `POST /v1/refunds`, `DELETE /v1/subscriptions`.
    #[must_use]
    pub fn operation(&self) -> String {
        let resource: Vec<_> = self.path.split('/').take(3).collect();
        format!("{} {}", self.method, resource.join("/"))
    }

    /// The value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Everything that it asks to expand.
    pub(crate) fn expansions(&self) -> impl Iterator<Item = &str> {
        let expands = self.parameters.iter().filter(|(name, _)| name.starts_with("expand["));
        expands.map(|(_, field)| field.as_str())
    }
}
