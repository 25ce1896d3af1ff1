//! The whole service on one machine: database, Runtime API, function processes and gateway.
//!
//! Invariant: everything listens on 127.0.0.1 only, and whatever was started is gone when
//! [`Stack::stop`] returns.

use crate::{
    binaries::{self, BuildError},
    clock::Clock,
    database::{Database, DatabaseError},
    docs,
    gateway::{ANSWER_TIME_MAX, Gateway},
    instances::{Instance, Instances, Program},
    invocations::{FunctionError, Invocations},
    logs::Logs,
    parameters::Parameters,
    runtime_api::RuntimeApi,
    template::{Route, Template, TemplateError},
    tokens::{self, Tokens},
};
use axum::Router;
use chrono::{DateTime, Utc};
use scrip_pricing::CATALOG;
use scrip_stripe_model::{
    price_id,
    server::{self, Server},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// How to start a stack.
#[derive(Debug, Clone)]
pub struct Options {
    /// The gateway's port; 0 takes any free one.
    pub port: u16,
    /// The file of the database; in memory if there is none.
    pub data: Option<PathBuf>,
    /// Another database than the embedded one, which isn't started then: one that fails, say.
    pub database_url: Option<String>,
    /// The address of the payment provider's API.
    pub stripe_api_base: Option<String>,
    /// Values of the template's parameters that aren't the stack's own business, by their names.
    pub parameters: BTreeMap<&'static str, String>,
    /// How many processes run for each function.
    pub instances: usize,
    /// Whether the functions' output is printed as it comes.
    pub show_logs: bool,
    /// What is built to find the functions, as cargo's arguments name it.
    pub targets: &'static [&'static str],
    /// The directory that holds `template.yaml` and the workspace.
    pub root: PathBuf,
    /// The routes beside the API and its document, on the same port.
    pub beside: Router,
}

impl Default for Options {
    fn default() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."));
        Self {
            port: 0,
            data: None,
            database_url: None,
            stripe_api_base: None,
            parameters: BTreeMap::new(),
            instances: 2,
            show_logs: false,
            targets: binaries::WORKSPACE,
            root: root.to_owned(),
            beside: Router::new(),
        }
    }
}

/// Why a stack did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something else listens on the port.
    #[error("port {0} is taken: stop what uses it or pass --port")]
    PortTaken(u16),
    /// The port can't be used for another reason.
    #[error("port {0} can't be used: {1}")]
    Port(u16, io::Error),
    /// The template is missing or says something the stack does not know.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The binaries don't build.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The template names a function that no binary is built for.
    #[error("{0}: the workspace has no binary `{1}`")]
    NoBinary(String, String),
    /// The database does not open.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A function ended instead of asking for its first invocation.
    #[error("{0}")]
    Function(String),
}

/// A running stack.
#[derive(Debug)]
pub struct Stack {
    template: Template,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) logs: Arc<Logs>,
    pub(crate) clock: Arc<Clock>,
    gateway: Server,
    instances: Instances,
    invocations: Arc<Invocations>,
    runtime_api: RuntimeApi,
    parameters: Parameters,
    database: Option<Database>,
    database_url: String,
    base_url: String,
}

impl Stack {
    /// Builds the functions and starts everything; returns once every function is ready.
    ///
    /// # Errors
    /// Says what is missing, and for a port or a file what to do about it.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        // First what fails fast; the build may take minutes.
        let mut given = BTreeMap::from([("JwtIssuer", tokens::ISSUER), ("JwtAudience", tokens::AUDIENCE)]);
        // Never the real provider's: without one of its own, a stack's refunds are pending.
        given.insert("StripeApiBase", options.stripe_api_base.as_deref().unwrap_or("http://127.0.0.1:9"));
        let prices = prices();
        given.insert("StripePrices", &prices);
        given.extend(options.parameters.iter().map(|(name, value)| (*name, value.as_str())));
        let template = Template::read(&options.root.join("template.yaml"), &given)?;
        let listener = server::loopback(options.port).await.map_err(|why| match why.kind() {
            io::ErrorKind::AddrInUse => StartError::PortTaken(options.port),
            _ => StartError::Port(options.port, why),
        })?;
        let (database, database_url) = if let Some(url) = options.database_url {
            (None, url)
        } else {
            let database = Database::start(options.data.as_deref(), &template.table).await?;
            let url = database.endpoint().to_owned();
            (Some(database), url)
        };
        let executables = binaries::build(&options.root, options.targets).await?;
        let no_port = |why| StartError::Port(0, why);
        let parameters = Parameters::start(secrets()).await.map_err(no_port)?;
        let programs = programs(&template, &executables, (&database_url, &parameters.endpoint()))?;

        let invocations = Arc::new(Invocations::new(&template.functions));
        let runtime_api = RuntimeApi::start(&invocations).await.map_err(no_port)?;
        let logs = Arc::new(Logs::new(options.show_logs));
        let mut instances =
            Instances::start(&runtime_api.url(), &invocations, &programs, options.instances, &logs);
        if let Err(why) = instances.ready().await {
            instances.stop().await;
            return Err(StartError::Function(why));
        }

        let tokens = Arc::new(Tokens::new(template.authorizer.clone()));
        let clock = Arc::new(Clock::default());
        let gateway = Gateway {
            routes: template.routes.clone(),
            cors: template.cors.clone(),
            tokens: Arc::clone(&tokens),
            invocations: Arc::clone(&invocations),
            answer_time_max: ANSWER_TIME_MAX,
            clock: Arc::clone(&clock),
        };
        let router = gateway.router().merge(docs::router(Arc::clone(&tokens))).merge(options.beside);
        let gateway = Server::start(listener, router).map_err(no_port)?;
        let base_url = format!("http://{}", gateway.address());
        Ok(Self {
            template,
            tokens,
            logs,
            clock,
            gateway,
            instances,
            invocations,
            runtime_api,
            parameters,
            database,
            database_url,
            base_url,
        })
    }

    /// The address of the API, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The endpoint of the database; the embedded one takes any credentials.
    #[must_use]
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    /// The name of the table.
    #[must_use]
    pub fn table_name(&self) -> &str {
        &self.template.table.name
    }

    /// Issues tokens that the gateway accepts.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The routes of the API.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.template.routes
    }

    /// The process ids of the function instances that run now.
    #[must_use]
    pub fn instance_pids(&self) -> Vec<u32> {
        self.instances().into_iter().map(|instance| instance.pid).collect()
    }

    /// The function instances that run now.
    #[must_use]
    pub fn instances(&self) -> Vec<Instance> {
        self.instances.running()
    }

    /// Kills an instance with SIGKILL, as [`Instances::kill`] says: whether it held an invocation.
    pub async fn kill(&self, pid: u32) -> Option<bool> {
        self.instances.kill(pid).await
    }

    /// The time of requests that name none.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The lines that the functions printed.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// The functions' secrets.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Hands a raw event to the function whose binary is called `function`, past the gateway, and
    /// returns its raw answer.
    ///
    /// # Errors
    /// When the function fails, as Lambda would report it.
    pub async fn invoke(&self, function: &str, event: Value) -> Result<Value, FunctionError> {
        self.invocations.invoke(function, &event).await
    }

    /// Carries out the webhook's recovery command (`{"object_id": "sub_…"}`, say) at a time, and returns its answer: what
    /// it did, or the problem.
    ///
    /// # Errors
    /// If the function fails, as Lambda would report it.
    pub async fn recover(&self, command: &Value, at: DateTime<Utc>) -> Result<Value, FunctionError> {
        let mut event = json!({"command": "recover", "time": at});
        for (name, value) in command.as_object().into_iter().flatten() {
            event[name] = value.clone();
        }
        self.invoke("purchase-webhook", event).await
    }

    /// Ends everything in order: requests that run may finish, processes are killed and waited for,
    /// the database is closed.
    pub async fn stop(self) {
        self.gateway.stop().await;
        self.instances.stop().await;
        self.invocations.close_all();
        self.runtime_api.stop().await;
        self.parameters.stop().await;
        if let Some(database) = self.database {
            database.stop().await;
        }
    }
}

/// Which SKU each of the fake provider's prices stands for, as the parameter `StripePrices` says it.
#[must_use]
pub fn prices() -> String {
    let skus = CATALOG.offers().iter().map(|offer| offer.sku).chain(["custom"]);
    let prices: BTreeMap<_, _> = skus.map(|sku| (price_id(sku), sku)).collect();
    serde_json::to_string(&prices).unwrap_or_default()
}

/// The secret that signs webhooks to a local stack.
pub const WEBHOOK_SECRET: &str = "whsec_local";
/// The key that a local stack's functions call the payment provider with.
pub const API_KEY: &str = "sk_test_local";
/// The name under which the template looks for the webhook's secrets.
pub const WEBHOOK_SECRET_PARAMETER: &str = "/scrip/stripe/webhook-secret";
/// The name under which it looks for the key.
pub const API_KEY_PARAMETER: &str = "/scrip/stripe/api-key";

fn secrets() -> BTreeMap<String, String> {
    BTreeMap::from([
        (WEBHOOK_SECRET_PARAMETER.to_owned(), WEBHOOK_SECRET.to_owned()),
        (API_KEY_PARAMETER.to_owned(), API_KEY.to_owned()),
    ])
}

fn programs(
    template: &Template,
    executables: &BTreeMap<String, PathBuf>,
    (database, secrets): (&str, &str),
) -> Result<Vec<Program>, StartError> {
    let program = |function: &crate::template::Function| {
        let executable = executables
            .get(&function.name)
            .ok_or_else(|| StartError::NoBinary(function.logical_id.clone(), function.name.clone()))?;
        Ok(Program::new(function, executable.clone(), database, secrets))
    };
    template.functions.iter().map(program).collect()
}
