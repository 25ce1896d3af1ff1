//! A gateway before one function that runs in the test process, and what its answers must be.

use chrono::TimeDelta;
use reqwest::{Client, Method, RequestBuilder, Response};
use scrip_local::{
    cors::Cors,
    gateway::{ANSWER_TIME_MAX, Gateway},
    invocations::{Invocations, Outcome},
    template::{Access, Authorizer, Function, Route},
    tokens::Tokens,
};
use scrip_stripe_model::server::{self, Server};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// A gateway before one function that runs in this process.
pub struct Bench {
    pub client: Client,
    pub server: Server,
    pub tokens: Arc<Tokens>,
}

impl Bench {
    pub async fn start(answer: impl Fn(Value) -> Outcome + Send + 'static) -> Self {
        Self::start_with(ANSWER_TIME_MAX, move |event| Some(answer(event))).await
    }

    /// With something to say to pages of other origins.
    pub async fn start_for_pages(cors: Cors, answer: impl Fn(Value) -> Outcome + Send + 'static) -> Self {
        Self::start_as(ANSWER_TIME_MAX, Some(cors), move |event| Some(answer(event))).await
    }

    /// With a function that never answers where `answer` gives nothing.
    pub async fn start_with(
        answer_time_max: Duration,
        answer: impl Fn(Value) -> Option<Outcome> + Send + 'static,
    ) -> Self {
        Self::start_as(answer_time_max, None, answer).await
    }

    async fn start_as(
        answer_time_max: Duration,
        cors: Option<Cors>,
        answer: impl Fn(Value) -> Option<Outcome> + Send + 'static,
    ) -> Self {
        let function = "function".to_owned();
        let invocations = Arc::new(Invocations::new(&[Function {
            logical_id: "Function".to_owned(),
            name: function.clone(),
            environment: BTreeMap::new(),
            timeout: Duration::from_mins(1),
            memory_mb: 128,
        }]));
        let instance = invocations.register(&function).unwrap().id;
        tokio::spawn({
            let (invocations, function) = (Arc::clone(&invocations), function.clone());
            async move {
                while let Some(taken) = invocations.take(&function, instance).await {
                    let event = serde_json::from_str(&taken.event).unwrap();
                    if let Some(outcome) = answer(event) {
                        assert!(invocations.finish(&function, instance, &taken.request_id, outcome));
                    }
                }
            }
        });
        let route = |method: &str, path: &str, access: Access| Route {
            method: method.to_owned(),
            path: path.to_owned(),
            function: function.clone(),
            access,
        };
        let token =
            |scopes: &[&str]| Access::Token { scopes: scopes.iter().map(|s| (*s).to_owned()).collect() };
        let routes = vec![
            route("POST", "/open", Access::Public),
            route("GET", "/open/{id}", Access::Public),
            route("GET", "/open/fixed", Access::Public),
            route("GET", "/any", token(&[])),
            route("POST", "/things/{id}/parts/{part}", token(&["things:write", "things:admin"])),
        ];
        let tokens = Arc::new(Tokens::new(authorizer()));
        let clock = Arc::default();
        let gateway =
            Gateway { routes, cors, tokens: Arc::clone(&tokens), invocations, answer_time_max, clock };
        let server = Server::start(server::loopback(0).await.unwrap(), gateway.router()).unwrap();
        Self { client: Client::new(), server, tokens }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.server.address()))
    }

    pub fn token(&self, scopes: &[&str]) -> String {
        self.tokens.issue("someone", scopes, TimeDelta::minutes(5))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }
}

pub fn authorizer() -> Authorizer {
    Authorizer { issuer: "https://issuer.example/".to_owned(), audience: vec!["here".to_owned()] }
}

/// The body of an answer that must be a success.
pub async fn json_of(request: RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

/// The answer must be a refusal of the gateway's own.
pub async fn assert_refused(response: Response, status: u16, message: &str) {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.json::<Value>().await.unwrap(), json!({ "message": message }));
}
