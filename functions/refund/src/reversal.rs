//! `POST /v1/accounts/{account_id}/debits/{debit_id}/reversals`: gives credits back for work that failed.

use lambda_http::http::StatusCode;
use scrip_accounts::{AccountId, DebitId, Entry, Event, Reversal, ReversalId, reversal};
use scrip_api::{ApiRequest, ApiResponse, Problem, Scope};
use scrip_ledger::{Ledger, Operation, Outcome, Related, RequestHash};
use scrip_pricing::Credits;
use serde::Serialize;

/// Gives back credits of a debit.
pub(crate) async fn reverse(ledger: &Ledger, request: &ApiRequest) -> Result<ApiResponse, Problem> {
    let account = request.authorized_account(Scope::Settle)?;
    let debit_id = DebitId::parse(request.path("debit_id"))
        .map_err(|invalid| Problem::invalid(format!("debit_id {invalid}.")))?;
    let id: ReversalId = request.idempotency_key()?;
    let reversal: Reversal = request.json()?;
    let now = request.now();

    // The debit is part of the request: the same key for another debit is another request.
    let identity = (&Operation::Reversal(id.clone()), &RequestHash::of(&(&debit_id, &reversal))?);
    let executed = ledger
        .execute(&account, identity, Related::Debit(&debit_id), now, |state| {
            reversal::decide(&state.account, &id, &debit_id, state.debit.as_ref(), &reversal, now)
        })
        .await?;
    let (entry, replayed) = match executed.outcome {
        Outcome::Appended(entry) => (entry, false),
        Outcome::Replayed(entry) => (entry, true),
        Outcome::Unchanged(_) | Outcome::Recorded(_) => {
            return Err(Problem::internal("a reversal without an entry"));
        }
        Outcome::Refused(refusal) => return Err(Problem::from(refusal).attempted(executed.attempts)),
    };
    let outcome = if replayed { "replayed" } else { "reversed" };
    let body = ReversedBody::of(&account, &id, &entry)?;
    Ok(ApiResponse::json(StatusCode::CREATED, &body)?.executed(outcome, executed.attempts, replayed))
}

/// What came back. Everything in it is read off the entry, so that a retry gets the same body forever.
#[derive(Serialize)]
struct ReversedBody<'a> {
    reversal_id: &'a ReversalId,
    debit_id: &'a DebitId,
    account_id: &'a AccountId,
    /// What came back of the debit, the offset counted in.
    credits: Credits,
    /// What of it was set against what the account owes.
    offset: Credits,
    balance: Credits,
    sequence: u64,
    created_at: chrono::DateTime<chrono::Utc>,
}

impl<'a> ReversedBody<'a> {
    fn of(account_id: &'a AccountId, reversal_id: &'a ReversalId, entry: &'a Entry) -> Result<Self, Problem> {
        let Event::Reversal { debit_id, offset, .. } = &entry.event else {
            return Err(Problem::internal("the operation of a reversal names an entry of another kind"));
        };
        Ok(Self {
            reversal_id,
            debit_id,
            account_id,
            credits: entry.change.given().checked_add(*offset).unwrap_or_default(),
            offset: *offset,
            balance: entry.account.balance,
            sequence: entry.account.sequence.get(),
            created_at: entry.at,
        })
    }
}
