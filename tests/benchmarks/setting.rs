//! What every benchmark starts from: the binaries, the template, and a database.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    },
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use chrono::TimeDelta;
use scrip_ledger::Ledger;
use scrip_local::{
    Options, binaries, clock,
    database::Database,
    instances::Program,
    parameters::Parameters,
    seed,
    stack::{self, API_KEY, API_KEY_PARAMETER, WEBHOOK_SECRET, WEBHOOK_SECRET_PARAMETER},
    template::{Function, Template},
    tokens,
};
use scrip_peers::powertools::IDEMPOTENCY_TABLE;

/// The functions, and what they are measured against: built together, so that they are made of the same parts.
const BUILT: &[&str] = &[
    "--package=scrip-debit",
    "--package=scrip-monthly-refill",
    "--package=scrip-purchase-webhook",
    "--package=scrip-quote",
    "--package=scrip-refund",
    "--package=scrip-peers",
    "--bins",
    "--examples",
];

/// The template, and the binaries once they are built.
#[derive(Debug)]
pub struct Setting {
    /// The folder of the workspace.
    pub root: PathBuf,
    pub template: Template,
    executables: BTreeMap<String, PathBuf>,
}

impl Setting {
    /// Reads the template.
    pub fn read() -> Result<Self, String> {
        let root = Options::default().root;
        let prices = stack::prices();
        let given = BTreeMap::from([
            ("JwtIssuer", tokens::ISSUER),
            ("JwtAudience", tokens::AUDIENCE),
            ("StripeApiBase", "http://127.0.0.1:9"),
            ("StripePrices", &prices),
        ]);
        let template = Template::read(&root.join("template.yaml"), &given).map_err(text_of)?;
        Ok(Self { root, template, executables: BTreeMap::new() })
    }

    /// Builds the binaries.
    pub async fn build(&mut self) -> Result<(), String> {
        self.executables = binaries::build(&self.root, BUILT).await.map_err(text_of)?;
        Ok(())
    }

    /// The functions' names.
    pub fn functions(&self) -> Vec<&str> {
        self.template.functions.iter().map(|function| function.name.as_str()).collect()
    }

    /// A binary as Lambda would start it; one that isn't in the template gets the debit's environment.
    pub fn program(&self, name: &str, database: &str, secrets: &str) -> Result<Program, String> {
        let executable = self.executables.get(name).ok_or_else(|| format!("there is no binary {name}"))?;
        let function = self.function(name).or_else(|| self.function("debit"));
        let function = function.ok_or("the template has no debit")?;
        Ok(Program::new(function, executable.clone(), database, secrets))
    }

    fn function(&self, name: &str) -> Option<&Function> {
        self.template.functions.iter().find(|function| function.name == name)
    }
}

/// The services that functions call: a database of its own, and secrets.
#[derive(Debug)]
pub struct Services {
    pub database: Database,
    pub table: String,
    parameters: Parameters,
}

impl Services {
    /// Starts both; the database is empty.
    pub async fn start(setting: &Setting) -> Result<Self, String> {
        Self::start_in(setting, None).await
    }

    /// The same with the database in a file.
    pub async fn start_in(setting: &Setting, file: Option<&Path>) -> Result<Self, String> {
        let secrets = [(WEBHOOK_SECRET_PARAMETER, WEBHOOK_SECRET), (API_KEY_PARAMETER, API_KEY)];
        let secrets = secrets.map(|(name, secret)| (name.to_owned(), secret.to_owned()));
        Ok(Self {
            database: Database::start(file, &setting.template.table).await.map_err(text_of)?,
            table: setting.template.table.name.clone(),
            parameters: Parameters::start(secrets.into()).await.map_err(text_of)?,
        })
    }

    /// The SDK's client of the database, as it comes, with a connection of its own.
    pub fn client(&self) -> Client {
        seed::client(&seed::aws_config(self.database.endpoint()))
    }

    /// The ledger, with a connection of its own.
    pub fn ledger(&self) -> Ledger {
        Ledger::new(&seed::aws_config(self.database.endpoint()), &self.table)
    }

    /// The ledger, by that HTTP client.
    pub fn ledger_through(&self, http_client: SharedHttpClient) -> Ledger {
        Ledger::new(&seed::aws_config_over(self.database.endpoint(), http_client), &self.table)
    }

    /// Has so many accounts (`account-0`, …) buy a plan of 12,000 credits.
    pub async fn subscribe(&self, accounts: usize) -> Result<(), String> {
        subscribe(&self.ledger(), accounts).await
    }

    /// The table of idempotency records, and a balance for each of so many accounts, for those who debit that way.
    pub async fn idempotency(&self, accounts: usize) -> Result<(), String> {
        idempotency(&self.client(), &self.table, accounts).await
    }

    /// A binary that calls these.
    pub fn program(&self, setting: &Setting, name: &str) -> Result<Program, String> {
        setting.program(name, self.database.endpoint(), &self.parameters.endpoint())
    }

    /// Ends both.
    pub async fn stop(self) {
        self.database.stop().await;
        self.parameters.stop().await;
    }
}

/// Has so many accounts (`account-0`, …) buy a plan of 12,000 credits.
pub async fn subscribe(ledger: &Ledger, accounts: usize) -> Result<(), String> {
    let now = clock::now();
    for number in 0..accounts {
        let account = account(number);
        seed::buy(ledger, (&account, "plan"), "custom", now + TimeDelta::days(365), now)
            .await
            .map_err(text_of)?;
    }
    Ok(())
}

/// The table of idempotency records, and a balance for each of so many accounts, for those who debit that way.
pub async fn idempotency(client: &Client, table: &str, accounts: usize) -> Result<(), String> {
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash);
    let id = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
    let create = client.create_table().table_name(IDEMPOTENCY_TABLE).billing_mode(BillingMode::PayPerRequest);
    let create =
        create.key_schema(key.build().map_err(text_of)?).attribute_definitions(id.build().map_err(text_of)?);
    create.send().await.map_err(text_of)?;
    for number in 0..accounts {
        let put = client.put_item().table_name(table);
        let put = put
            .item("pk", AttributeValue::S(format!("ACCOUNT#{}", account(number))))
            .item("sk", AttributeValue::S("BALANCE".to_owned()))
            .item("balance", AttributeValue::N("1000000000".to_owned()));
        put.send().await.map_err(text_of)?;
    }
    Ok(())
}

/// The name of an account.
pub fn account(number: usize) -> String {
    format!("account-{number}")
}

/// An error and its causes, as one line.
pub fn text_of(error: impl std::error::Error) -> String {
    let (mut text, mut source) = (error.to_string(), error.source());
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
