//! Refills beside debits and purchases, refills that are killed, and a worker that runs out of time.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use scrip_accounts::EntryKind;
use scrip_local::{Options, Stack, seed};
use scrip_monthly_refill::RefillFunction;
use serde_json::json;

use super::{NOVEMBER, PLENTY, counts, kinds, playground, stack, subscribe, time};
use crate::api::enhance;

#[tokio::test(flavor = "multi_thread")]
async fn refills_at_once_with_debits_and_purchases_between_them_settle_each_account_once() {
    let stack = Arc::new(Stack::start(Options { instances: 3, ..Options::default() }).await.unwrap());
    let ledger = seed::ledger(&stack);
    let accounts: Vec<String> = (0..30).map(|number| format!("account-{number}")).collect();
    for account in &accounts {
        subscribe(&ledger, account, "2026-10-12T10:00:00Z", "2026-11-12T10:00:00Z").await;
    }
    let refills: Vec<_> = (0..3)
        .map(|_| {
            let stack = Arc::clone(&stack);
            tokio::spawn(
                async move { stack.invoke("monthly-refill", json!({"time": NOVEMBER})).await.unwrap() },
            )
        })
        .collect();
    let debits: Vec<_> = accounts
        .iter()
        .map(|account| {
            let token = stack.tokens().issue(account, &["credits:debit"], TimeDelta::hours(1));
            let debit = reqwest::Client::new()
                .post(format!("{}/v1/accounts/{account}/debits", stack.base_url()))
                .bearer_auth(token)
                .header("idempotency-key", "d")
                .header("local-time", "2026-11-01T00:00:01Z")
                .json(&enhance(10));
            tokio::spawn(async move { debit.send().await.unwrap().status().as_u16() })
        })
        .collect();
    let purchases: Vec<_> = accounts
        .iter()
        .cloned()
        .map(|account| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let (now, until) = (time("2026-11-01T00:00:02Z"), time("2026-11-12T10:00:00Z"));
                seed::buy(&ledger, (&account, "pack"), "tune_pack", until, now).await.unwrap();
                // An upgrade that was paid in the month's first seconds.
                seed::buy(&ledger, (&account, "upgrade"), "standard_monthly", until, now).await.unwrap();
            })
        })
        .collect();
    for debit in debits {
        assert_eq!(debit.await.unwrap(), 201);
    }
    for purchase in purchases {
        purchase.await.unwrap();
    }
    for refill in refills {
        assert_eq!(refill.await.unwrap()["failed"], 0);
    }
    for account in &accounts {
        assert_eq!(playground(&ledger, account).await, 2490, "{account}");
        let kinds = kinds(&ledger, account).await;
        assert_eq!(kinds.iter().filter(|kind| **kind == EntryKind::Refill).count(), 1, "{kinds:?}");
        assert_eq!(kinds.len(), 6, "{kinds:?}");
    }
    Arc::into_inner(stack).unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refill_that_is_killed_anywhere_is_finished_by_another() {
    let stack = Arc::new(stack().await);
    let ledger = seed::ledger(&stack);
    let accounts: Vec<String> = (0..200).map(|number| format!("account-{number}")).collect();
    for account in &accounts {
        subscribe(&ledger, account, "2026-10-12T10:00:00Z", "2026-11-12T10:00:00Z").await;
    }
    let settled = async || {
        let mut settled = 0;
        for account in &accounts {
            settled += usize::from(kinds(&ledger, account).await.len() == 3);
        }
        settled
    };
    // Killed each time a few more are done: at points that differ from run to run.
    let mut killed = 0;
    while killed < 5 {
        let before = settled().await;
        let refill = {
            let stack = Arc::clone(&stack);
            tokio::spawn(async move { stack.invoke("monthly-refill", json!({"time": NOVEMBER})).await })
        };
        while !refill.is_finished() && settled().await < before + 5 {
            tokio::task::yield_now().await;
        }
        let refiller = stack.instances().into_iter().find(|instance| instance.function == "monthly-refill");
        stack.kill(refiller.unwrap().pid).await;
        killed += 1;
        if refill.await.unwrap().is_ok() {
            break;
        }
    }
    // The process that was killed last may still be the one that is asked; then it is asked again.
    let mut answer = Err(());
    for _ in 0..5 {
        answer = stack.invoke("monthly-refill", json!({"time": NOVEMBER})).await.map_err(|_| ());
        if answer.is_ok() {
            break;
        }
    }
    assert_eq!(answer.unwrap()["failed"], 0);
    assert!(killed > 1, "the first kill came too late to interrupt anything");
    for account in &accounts {
        use EntryKind::{Expiry, Purchase, Refill};
        assert_eq!(kinds(&ledger, account).await, [Purchase, Expiry, Refill], "{account}");
    }
    Arc::into_inner(stack).unwrap().stop().await;
}

#[tokio::test]
async fn a_worker_stops_before_its_time_is_over_and_goes_on_when_called_again() {
    let stack = stack().await;
    let ledger = seed::ledger(&stack);
    subscribe(&ledger, "paid", "2026-10-12T10:00:00Z", "2026-11-12T10:00:00Z").await;
    let event = json!({"time": NOVEMBER});
    let now = time("2026-11-01T00:00:00Z");
    let late =
        RefillFunction::new(ledger.clone(), None).answer(event.clone(), now, Duration::from_secs(1)).await;
    assert!(late.unwrap_err().to_string().contains("time for 2026-11 is over"));
    assert_eq!(kinds(&ledger, "paid").await.len(), 1);
    let answer = RefillFunction::new(ledger.clone(), None).answer(event, now, PLENTY).await.unwrap();
    assert_eq!(answer, counts("2026-11", [1, 1, 0, 0, 0]));
    stack.stop().await;
}
