//! A stand-in for SSM Parameter Store: secrets that the functions read as they do on AWS.
//!
//! Invariant: it knows one call, `GetParameter`, and only the parameters it was given.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use scrip_stripe_model::server::{self, Server};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

/// Parameters by name, which can be changed while functions run.
#[derive(Debug)]
pub struct Parameters {
    values: Arc<Mutex<BTreeMap<String, String>>>,
    server: Server,
}

impl Parameters {
    /// Serves these parameters on a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(values: BTreeMap<String, String>) -> io::Result<Self> {
        let values = Arc::new(Mutex::new(values));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&values));
        let server = Server::start(server::loopback(0).await?, router)?;
        Ok(Self { values, server })
    }

    /// The URL the functions are given as `AWS_ENDPOINT_URL_SSM`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Changes a parameter.
    pub fn set(&self, name: &str, value: &str) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.insert(name.to_owned(), value.to_owned());
    }

    /// Lets running requests finish.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

async fn answer(State(values): State<Arc<Mutex<BTreeMap<String, String>>>>, body: String) -> Response {
    let request: Value = serde_json::from_str(&body).unwrap_or_default();
    let name = request["Name"].as_str().unwrap_or_default();
    let value = values.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
    let (status, body) = match value {
        Some(value) => {
            let parameter = json!({"Name": name, "Type": "SecureString", "Value": value, "Version": 1});
            (StatusCode::OK, json!({"Parameter": parameter}))
        }
        None => (StatusCode::BAD_REQUEST, json!({"__type": "ParameterNotFound"})),
    };
    (status, [("content-type", "application/x-amz-json-1.1")], body.to_string()).into_response()
}
