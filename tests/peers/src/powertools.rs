//! A debit as teams build it with an idempotency table, after AWS Powertools
//! (<https://docs.aws.amazon.com/powertools/python/latest/utilities/idempotency/>): claim the key, take from the
//! balance, write the ledger's row, complete the key. Four writes that aren't one: a process that is killed between them
//! leaves credits taken without a row, or a key in progress.
//!
//! The shell is Scrip's own (the same request, checks, price and log line), so that what differs is how the
//! database is used.

use aws_sdk_dynamodb::{
    Client, Error,
    types::{AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use aws_types::SdkConfig;
use chrono::{DateTime, TimeDelta, Utc};
use lambda_http::{Body, Request, Response, http::StatusCode};
use scrip_accounts::{AccountId, DebitId, DebitRequest, Refusal};
use scrip_api::{ApiRequest, ApiResponse, Code, Problem, Scope};
use scrip_ledger::Usage;
use scrip_pricing::CATALOG;
use serde_json::{Value, json};

/// The table of idempotency records, keyed by `id`.
pub const IDEMPOTENCY_TABLE: &str = "idempotency";

const DEBIT: &str = "POST /v1/accounts/{account_id}/debits";
/// How long Powertools keeps a record unless it is configured otherwise.
const RECORD_LIFETIME: TimeDelta = TimeDelta::hours(1);
/// After this an invocation that didn't come back counts as failed.
const IN_PROGRESS_MAX: TimeDelta = TimeDelta::seconds(15);

/// The debits of the accounts in a table, idempotent for an hour.
#[derive(Debug)]
pub struct Debits {
    client: Client,
    table: String,
}

/// A row of the ledger, from which the answer is made.
struct DebitRow<'a> {
    account: &'a AccountId,
    id: &'a DebitId,
    credits: u64,
    balance: u64,
}

impl Debits {
    /// Balances (`ACCOUNT#…`, `BALANCE`) and rows (`ACCOUNT#…`, `ENTRY#<debit>`) are in that table.
    #[must_use]
    pub fn new(config: &SdkConfig, table: String) -> Self {
        // With the SDK's own retries: nothing here repeats by itself.
        Self { client: Client::new(config), table }
    }

    /// Answers a debit.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let request = ApiRequest::new(request);
        let result = match request.route() {
            DEBIT => self.take(&request).await,
            _ => Err(request.no_such_route()),
        };
        request.finish(result, Usage::default())
    }

    async fn take(&self, request: &ApiRequest) -> Result<ApiResponse, Problem> {
        let account = request.authorized_account(Scope::Debit)?;
        let id: DebitId = request.idempotency_key()?;
        let debit: DebitRequest = request.json()?;
        let price = CATALOG.quote(&debit.operation).map_err(Refusal::Unsupported)?;
        let (credits, now) = (price.credits().playground(), request.now());
        let key = format!("{account}#{id}");
        if let Some(answered) = self.claim(&key, now).await? {
            return ApiResponse::json(StatusCode::CREATED, &answered);
        }
        let balance = self.take_from_balance(&account, credits).await?;
        let taken = DebitRow { account: &account, id: &id, credits, balance };
        self.put_row(&taken, &debit, now).await?;
        let body = json!({
            "debit_id": id, "account_id": account, "operation": debit.operation,
            "credits": {"playground": credits}, "balance": {"playground": balance}, "created_at": now,
        });
        self.complete(&key, &body, now).await?;
        ApiResponse::json(StatusCode::CREATED, &body)
    }

    /// Claims a key; what was answered before, if it is complete.
    async fn claim(&self, key: &str, now: DateTime<Utc>) -> Result<Option<Value>, Problem> {
        let put = self
            .client
            .put_item()
            .table_name(IDEMPOTENCY_TABLE)
            .item("id", text(key))
            .item("expiration", number((now + RECORD_LIFETIME).timestamp()))
            .item("status", text("INPROGRESS"))
            .item("in_progress_expiration", number((now + IN_PROGRESS_MAX).timestamp_millis()))
            .condition_expression(
                "attribute_not_exists(#id) OR #expiration < :now OR (#status = :in_progress AND \
                 attribute_exists(#in_progress_expiration) AND #in_progress_expiration < :now_ms)",
            )
            .expression_attribute_names("#id", "id")
            .expression_attribute_names("#expiration", "expiration")
            .expression_attribute_names("#in_progress_expiration", "in_progress_expiration")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":now", number(now.timestamp()))
            .expression_attribute_values(":now_ms", number(now.timestamp_millis()))
            .expression_attribute_values(":in_progress", text("INPROGRESS"))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let record = match put.send().await.map_err(Error::from) {
            Ok(_) => return Ok(None),
            Err(Error::ConditionalCheckFailedException(known)) => known.item.unwrap_or_default(),
            Err(error) => return Err(failed("claim the key", &error)),
        };
        let data = record.get("data").and_then(|data| data.as_s().ok());
        match data.map(|data| serde_json::from_str(data)) {
            Some(Ok(answered)) => Ok(Some(answered)),
            Some(Err(error)) => Err(Problem::internal(error.to_string())),
            None => Err(Problem::new(Code::TryAgain, "The same debit is being made.")),
        }
    }

    /// Takes credits if there are enough; returns the balance after it.
    async fn take_from_balance(&self, account: &AccountId, credits: u64) -> Result<u64, Problem> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(&format!("ACCOUNT#{account}")))
            .key("sk", text("BALANCE"))
            .update_expression("SET #balance = #balance - :credits")
            .condition_expression("#balance >= :credits")
            .expression_attribute_names("#balance", "balance")
            .expression_attribute_values(":credits", number(credits))
            .return_values(ReturnValue::UpdatedNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match update.send().await.map_err(Error::from) {
            Ok(answer) => {
                let balance =
                    answer.attributes().and_then(|attributes| attributes.get("balance")?.as_n().ok());
                balance
                    .and_then(|balance| balance.parse().ok())
                    .ok_or_else(|| Problem::internal("an update without a balance"))
            }
            Err(Error::ConditionalCheckFailedException(_)) => {
                Err(Problem::new(Code::InsufficientCredits, "There are not enough credits."))
            }
            Err(error) => Err(failed("take from the balance", &error)),
        }
    }

    /// Writes the ledger's row.
    async fn put_row(
        &self,
        taken: &DebitRow<'_>,
        debit: &DebitRequest,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("pk", text(&format!("ACCOUNT#{}", taken.account)))
            .item("sk", text(&format!("ENTRY#{}", taken.id)))
            .item("kind", text("debit"))
            .item("operation", text(debit.operation.name()))
            .item("credits", number(taken.credits))
            .item("balance", number(taken.balance))
            .item("at", text(&now.to_rfc3339()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        put.send().await.map(drop).map_err(|error| failed("write the row", &error.into()))
    }

    /// Completes the key with what is answered.
    async fn complete(&self, key: &str, body: &Value, now: DateTime<Utc>) -> Result<(), Problem> {
        let update = self
            .client
            .update_item()
            .table_name(IDEMPOTENCY_TABLE)
            .key("id", text(key))
            .update_expression("SET #data = :data, #expiration = :expiration, #status = :status")
            .expression_attribute_names("#data", "data")
            .expression_attribute_names("#expiration", "expiration")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":data", text(&body.to_string()))
            .expression_attribute_values(":expiration", number((now + RECORD_LIFETIME).timestamp()))
            .expression_attribute_values(":status", text("COMPLETED"))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        update.send().await.map(drop).map_err(|error| failed("complete the key", &error.into()))
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

fn failed(doing: &str, error: &Error) -> Problem {
    Problem::internal(format!("could not {doing}: {error}"))
}
