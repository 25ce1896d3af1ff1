//! A debit by the protocol before "claim, then append": read the newest entry, decide, and write the operation's row
//! and the entries in one transaction.
//!
//! It stays as the yardstick of the protocol that replaced it, and as the old half of a fleet that is being deployed.
//! What is written, what is asked and how long is waited are as they were. Only debits are here. The shell is Scrip's
//! own, without metrics of the ledger's use.

mod retries;

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    config::{Builder, retry::RetryConfig},
    error::SdkError,
    operation::{transact_get_items::TransactGetItemsError, transact_write_items::TransactWriteItemsError},
    types::{
        AttributeValue, CancellationReason, Delete, Get, Put, ReturnConsumedCapacity,
        ReturnValuesOnConditionCheckFailure, TransactGetItem, TransactWriteItem,
    },
};
use aws_types::SdkConfig;
use chrono::{DateTime, Utc};
use lambda_http::{
    Body, Request, Response,
    http::{HeaderName, StatusCode, header},
};
use scrip_accounts::{
    Account, AccountId, Command, CommandState, Debit, DebitOutcome, Entry, Posting, Refusal, Sequence,
};
use scrip_api::{ApiRequest, ApiResponse, DebitBody, Problem, Scope};
use scrip_ledger::{DUE_SHARDS, Error, Fault, Usage, encoding, fingerprint};
use scrip_pricing::Credits;

use self::retries::{Attempts, Failure, failure, internal, waits};

const DEBIT: &str = "POST /v1/accounts/{account_id}/debits";

type Item = HashMap<String, AttributeValue>;

/// The debits of the accounts in a table, as the code before took them.
#[derive(Debug)]
pub struct Debits {
    client: Client,
    table: String,
}

/// A debit, as one call carries it out.
struct Call<'a> {
    client: &'a Client,
    table: &'a str,
    account_id: &'a AccountId,
    debit: &'a Debit,
    /// All 64 digits.
    request: String,
    now: DateTime<Utc>,
}

/// The result of one attempt.
enum Attempt {
    /// It was carried out, now or before.
    Done { entry: Box<Entry>, is_replayed: bool },
    /// Nothing was written.
    Refused(Refusal),
    /// Others appended first. The newest entry's account, if it is known and worth another attempt at once.
    Raced(Option<Account>),
}

impl Debits {
    /// Of the accounts in that table. Each request is sent once.
    #[must_use]
    pub fn new(config: &SdkConfig, table: impl Into<String>) -> Self {
        let config = Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(config), table: table.into() }
    }

    /// Answers a debit.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let request = ApiRequest::new(request);
        let result = match request.route() {
            DEBIT => self.debit(&request).await,
            _ => Err(request.no_such_route()),
        };
        request.finish(result, Usage::default())
    }

    async fn debit(&self, request: &ApiRequest) -> Result<ApiResponse, Problem> {
        let account_id = &request.authorized_account(Scope::Debit)?;
        let debit = &Debit { id: request.idempotency_key()?, request: request.json()? };
        let (client, table) = (&self.client, self.table.as_str());
        let call =
            Call { client, table, account_id, debit, request: fingerprint(debit)?, now: request.now() };
        if debit.request.is_free() { call.run_free().await } else { call.run().await }
    }
}

impl Call<'_> {
    async fn run(&self) -> Result<ApiResponse, Problem> {
        let mut attempts = Attempts::first();
        let mut carried = None;
        loop {
            let again = match self.attempt(carried.take()).await {
                Ok(Attempt::Done { entry, is_replayed }) => {
                    return self.answer(&entry, is_replayed, attempts.made());
                }
                Ok(Attempt::Refused(refusal)) => {
                    return Err(Problem::from(refusal).attempted(attempts.made()));
                }
                Ok(Attempt::Raced(Some(newest))) => {
                    carried = Some(newest);
                    attempts.again_at_once(Fault::Raced)
                }
                Ok(Attempt::Raced(None)) => attempts.again(Fault::Raced).await,
                Err(Failure::Transient(fault)) => attempts.again(fault).await,
                Err(Failure::Fatal(problem)) => return Err(problem),
            };
            let Err(enough) = again else { continue };
            // An attempt whose answer was lost may have been carried out.
            return match self.look_up().await {
                Ok(Some(entry)) => self.answer(&entry, true, attempts.made()),
                Ok(None) | Err(Failure::Transient(_)) => Err(enough.into()),
                Err(Failure::Fatal(problem)) => Err(problem),
            };
        }
    }

    /// Work that is free takes nothing and writes nothing.
    async fn run_free(&self) -> Result<ApiResponse, Problem> {
        let read = async {
            match self.look_up().await? {
                Some(entry) => Ok((Some(entry), None)),
                None => Ok((None, self.head().await?)),
            }
        };
        let (taken, head) = read.await.map_err(|failure| match failure {
            Failure::Transient(last) => Error::TryAgain { attempts: 1, last, source: None }.into(),
            Failure::Fatal(problem) => problem,
        })?;
        if let Some(entry) = taken {
            return self.answer(&entry, true, 1);
        }
        let account = head.unwrap_or_else(|| Account::unseen(self.now)).as_of(self.now);
        let outcome = DebitOutcome {
            operation: self.debit.request.operation.clone(),
            credits: Credits::ZERO,
            deferred_images: 0,
            balance: account.balance,
            sequence: account.sequence,
            at: self.now,
            low: Vec::new(),
        };
        self.created(&outcome)
    }

    fn answer(&self, entry: &Entry, is_replayed: bool, attempts: u32) -> Result<ApiResponse, Problem> {
        let outcome = DebitOutcome::try_from(entry).map_err(|other| Problem::internal(other.to_string()))?;
        let response = self.created(&outcome)?.attempted(Some(attempts));
        if !is_replayed {
            return Ok(response.outcome("debited"));
        }
        let replayed = HeaderName::from_static("idempotent-replayed");
        Ok(response.outcome("replayed").header(replayed, "true"))
    }

    fn created(&self, outcome: &DebitOutcome) -> Result<ApiResponse, Problem> {
        let (account_id, debit_id) = (self.account_id, &self.debit.id);
        let location = scrip_api::path(&["v1", "accounts", account_id.as_str(), "debits", debit_id.as_str()]);
        let response =
            ApiResponse::json(StatusCode::CREATED, &DebitBody::new(account_id, debit_id, outcome))?;
        Ok(response.header(header::LOCATION, &location).about(outcome.operation.name()))
    }

    async fn attempt(&self, carried: Option<Account>) -> Result<Attempt, Failure> {
        let was_carried = carried.is_some();
        let account = match carried {
            Some(account) => account,
            None => self.head().await?.unwrap_or_else(|| Account::unseen(self.now)),
        };
        match self.debit.decide(&CommandState::of_account(&account, self.now)) {
            Ok(posting) => self.append(&account, &posting, was_carried).await,
            // It may be old by now: good enough to try an append on, and not to refuse.
            Err(_) if was_carried => Ok(Attempt::Raced(None)),
            Err(refusal) => self.confirm(&account, refusal).await,
        }
    }

    /// One transaction: the operation's row, the entries, and the place in the due index if it changes.
    async fn append(&self, from: &Account, posting: &Posting, was_carried: bool) -> Result<Attempt, Failure> {
        let mut writes = vec![self.put(self.operation_row(&posting.entry), true)?];
        for entry in posting.entries() {
            let item = encoding::write_entry(self.account_id, entry, None)?;
            writes.push(self.put(item, true)?);
        }
        writes.extend(self.move_due(from, &posting.entry.account)?);
        let request = self.client.transact_write_items().set_transact_items(Some(writes));
        let request = request.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let Err(error) = request.send().await else {
            return Ok(Attempt::Done { entry: Box::new(posting.entry.clone()), is_replayed: false });
        };
        let SdkError::ServiceError(service) = &error else { return Err(failure(&error)) };
        let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.err() else {
            return Err(failure(&error));
        };
        let [operation, others @ ..] = cancelled.cancellation_reasons() else {
            return Err(internal("a cancellation without reasons"));
        };
        if operation.code() == Some("ConditionalCheckFailed") {
            // It was carried out before. Without an entry, it is still being written.
            let entry = self.look_up().await?.ok_or(Failure::Transient(Fault::Contended))?;
            return Ok(Attempt::Done { entry: Box::new(entry), is_replayed: true });
        }
        if let Some(failure) = waits(cancelled.cancellation_reasons()) {
            return Err(failure);
        }
        let newest = others.iter().rev().find_map(CancellationReason::item).filter(|_| !was_carried);
        let newest = newest.map(|item| encoding::read_entry(item.clone())).transpose()?;
        Ok(Attempt::Raced(newest.map(|stored| stored.entry.account)))
    }

    /// Makes sure of a refusal: the operation's row and the place after the newest entry, read in one transaction.
    async fn confirm(&self, account: &Account, refusal: Refusal) -> Result<Attempt, Failure> {
        let reads = [self.operation_key(), self.entry_key(account.sequence.next())].map(|key| {
            let get = Get::builder().table_name(self.table).set_key(Some(key)).build();
            get.map(|get| TransactGetItem::builder().get(get).build())
        });
        let reads =
            reads.into_iter().collect::<Result<_, _>>().map_err(|error| internal(error.to_string()))?;
        let request = self.client.transact_get_items().set_transact_items(Some(reads));
        let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let answer = answer.map_err(|error| match error.as_service_error() {
            Some(TransactGetItemsError::TransactionCanceledException(cancelled)) => {
                waits(cancelled.cancellation_reasons()).unwrap_or_else(|| failure(&error))
            }
            _ => failure(&error),
        })?;
        let mut found = answer.responses.unwrap_or_default().into_iter().map(|response| response.item);
        match (found.next().flatten(), found.next().flatten()) {
            (Some(row), _) => {
                Ok(Attempt::Done { entry: Box::new(self.replay(&row).await?), is_replayed: true })
            }
            (None, None) => Ok(Attempt::Refused(refusal)),
            (None, Some(_)) => Ok(Attempt::Raced(None)),
        }
    }

    /// The account after its newest entry.
    async fn head(&self) -> Result<Option<Account>, Failure> {
        let query = self
            .client
            .query()
            .table_name(self.table)
            .key_condition_expression("#pk = :pk AND begins_with(#sk, :entry)")
            .expression_attribute_names("#pk", "pk")
            .expression_attribute_names("#sk", "sk")
            .expression_attribute_values(":pk", text(format!("ACCOUNT#{}", self.account_id)))
            .expression_attribute_values(":entry", text("ENTRY#"))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(1)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = query.send().await.map_err(|error| failure(&error))?;
        let newest = answer.items.and_then(|mut items| items.pop());
        let newest = newest.map(encoding::read_entry).transpose()?;
        Ok(newest.map(|stored| stored.entry.account))
    }

    /// The debit's entry, if it was carried out.
    async fn look_up(&self) -> Result<Option<Entry>, Failure> {
        match self.get(self.operation_key()).await? {
            Some(row) => self.replay(&row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The entry that a row names, if it was for the same request. A claim of the code that came after names none: what
    /// it lacks is an error.
    async fn replay(&self, row: &Item) -> Result<Entry, Failure> {
        let sequence = row.get("sequence").and_then(|sequence| sequence.as_n().ok()?.parse().ok());
        let request = row.get("request").and_then(|request| request.as_s().ok());
        let (Some(sequence), Some(request)) = (sequence, request) else {
            return Err(internal("an operation's row without its sequence or request"));
        };
        if *request != self.request {
            return Err(Failure::Fatal(Error::KeyReused.into()));
        }
        // Entries are never deleted: it is still being written.
        let item = self.get(self.entry_key(Sequence::new(sequence))).await?;
        let item = item.ok_or(Failure::Transient(Fault::Contended))?;
        Ok(encoding::read_entry(item)?.entry)
    }

    async fn get(&self, key: Item) -> Result<Option<Item>, Failure> {
        let get = self.client.get_item().table_name(self.table).set_key(Some(key)).consistent_read(true);
        let answer = get.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        answer.map(|answer| answer.item).map_err(|error| failure(&error))
    }

    fn operation_key(&self) -> Item {
        key(format!("OPERATION#{}#debit#{}", self.account_id, self.debit.id), "OPERATION".to_owned())
    }

    fn entry_key(&self, sequence: Sequence) -> Item {
        key(format!("ACCOUNT#{}", self.account_id), format!("ENTRY#{:012}", sequence.get()))
    }

    fn operation_row(&self, entry: &Entry) -> Item {
        let taken = entry.change.taken();
        let kinds =
            [("playground", taken.playground()), ("tune", taken.tune()), ("tune_image", taken.tune_image())];
        let taken = kinds.map(|(kind, credits)| (kind.to_owned(), number(credits)));
        let mut row = self.operation_key();
        row.insert("sequence".to_owned(), number(entry.account.sequence.get()));
        row.insert("request".to_owned(), text(&self.request));
        row.insert("taken".to_owned(), AttributeValue::M(HashMap::from(taken)));
        row
    }

    /// Moves the account in the due index, if the entries change when it is due next.
    fn move_due(&self, from: &Account, to: &Account) -> Result<Option<TransactWriteItem>, Failure> {
        let (before, after) = (from.due_after(), to.due_after());
        if before == after {
            return Ok(None);
        }
        let mut row = key(format!("ACCOUNT#{}", self.account_id), "DUE".to_owned());
        let Some(settled) = after else {
            let delete = Delete::builder().table_name(self.table).set_key(Some(row)).build();
            let delete = delete.map_err(|error| internal(error.to_string()))?;
            return Ok(Some(TransactWriteItem::builder().delete(delete).build()));
        };
        // FNV-1a.
        let hash = self.account_id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        row.insert("due".to_owned(), text(format!("{settled}#{:02}", hash % DUE_SHARDS)));
        self.put(row, false).map(Some)
    }

    fn put(&self, item: Item, is_new: bool) -> Result<TransactWriteItem, Failure> {
        let mut put = Put::builder().table_name(self.table).set_item(Some(item));
        if is_new {
            put = put
                .condition_expression("attribute_not_exists(#pk)")
                .expression_attribute_names("#pk", "pk")
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        }
        let put = put.build().map_err(|error| internal(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

fn key(pk: String, sk: String) -> Item {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
