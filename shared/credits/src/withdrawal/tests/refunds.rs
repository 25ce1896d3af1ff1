//! Where a refund stands: asked for, refused, confirmed, failed, in whatever words.

use super::*;

#[test]
fn the_guarantee_is_thirty_days_to_the_second() {
    let (account, purchase) = bought(&pack());
    let reason = Some(Reason::try_from("changed their mind".to_owned()).unwrap());
    for (now, is_open) in
        [("2026-12-03T08:59:59Z", true), ("2026-12-03T09:00:00Z", true), ("2026-12-03T09:00:01Z", false)]
    {
        let decided = request(&account, Some(&purchase), reason.as_ref(), time(now));
        match decided {
            Ok(decision) => {
                assert!(is_open, "{now}");
                let (after, pending) = apply(&account, Ok(decision));
                assert_eq!(
                    (after.balance, pending.refund.clone()),
                    (Credits::ZERO, Some(Refund::RefundPending))
                );
                assert_eq!((pending.refund_requested_at, &pending.refund_reason), (Some(time(now)), &reason));
                // Asked again, nothing more is written; refused by the provider, all is as it was.
                assert_eq!(request(&after, Some(&pending), None, time(now)), Ok(Decision::default()));
                let (restored, record) = apply(&after, refused(&after, Some(&pending), 0, time(now)));
                assert_eq!((restored.balance, record.refund), (account.balance, None));
                assert_eq!(record.refunds_failed, 1);
            }
            Err(refusal) => {
                assert!(!is_open, "{now}");
                let closed_at = time("2026-12-03T09:00:00Z");
                assert_eq!(refusal, Refusal::RefundWindowClosed { closed_at });
            }
        }
    }
    assert_eq!(request(&account, None, None, time(NOW)), Err(Refusal::PurchaseNotFound));
}

#[test]
fn a_refund_is_ours_by_its_name_or_its_attempt_or_while_all_is_refunded() {
    let refunded = |refund_id: Option<&str>| Refund::Refunded {
        refund_id: refund_id.map(|id| RefundId::parse(id).unwrap()),
    };
    let (pending, whole, part) = (Refund::RefundPending, 1000, 900);
    // the refund, attempts that failed, the provider's total; who failed: id, amount, attempt, said at -> ours
    for (refund, failures, total, (id, amount, attempt), said_at, is_ours) in [
        (refunded(Some("re_1")), 0, whole, ("re_1", 1000, Some(0)), NOW, true),
        (refunded(Some("re_1")), 0, whole, ("re_1", 1000, None), NOW, true),
        (refunded(Some("re_1")), 0, whole, ("re_2", 100, None), NOW, false),
        (pending.clone(), 0, whole, ("re_1", 1000, Some(0)), NOW, true),
        (pending.clone(), 1, whole, ("re_1", 1000, Some(0)), NOW, false),
        (pending, 0, whole, ("re_2", 100, None), NOW, false),
        (refunded(None), 0, whole, ("re_1", 1000, Some(0)), NOW, true),
        (refunded(None), 1, whole, ("re_1", 1000, Some(0)), NOW, false),
        // All of it was refunded in the dashboard before support asked.
        (refunded(None), 0, whole, ("re_2", 1000, None), NOW, true),
        // A failure before the total is in it already: all of it is refunded still.
        (refunded(None), 0, whole, ("re_2", 100, None), "2026-11-19T23:59:59Z", false),
        (refunded(None), 0, part, ("re_2", 100, None), NOW, true),
    ] {
        let (account, purchase) = bought(&pack());
        let at = Some(time(NOW));
        let purchase = Purchase {
            refund: Some(refund.clone()),
            refunds_failed: failures,
            refunded_amount: total,
            refunded_at: at,
            ..purchase
        };
        let word = failed(id, amount, attempt);
        let (_, heard) = apply(&account, hear(&account, Some(&purchase), &word, time(said_at), time(NOW)));
        assert_eq!(heard.refund.is_none(), is_ours, "{refund:?} {failures} {total} {word:?}");
    }
}

#[test]
fn a_confirmation_is_news_once() {
    let id = |id: &str| RefundId::parse(id).unwrap();
    let refunded = |refund_id: Option<&str>| Some(Refund::Refunded { refund_id: refund_id.map(id) });
    let pending = Some(Refund::RefundPending);
    // where the refund stands, attempts that failed; confirmed: the attempt, by its name or without -> news
    for (refund, failures, attempt, name, is_news) in [
        (pending.clone(), 0, 0, Some("re_1"), true),
        (pending.clone(), 0, 0, None, true),
        (pending, 1, 0, Some("re_1"), false),
        // The provider's event was faster, and didn't name it. So it may have been answered, which stays.
        (refunded(None), 0, 0, Some("re_1"), false),
        (refunded(None), 0, 0, None, false),
        (refunded(Some("re_1")), 0, 0, Some("re_1"), false),
        (refunded(Some("re_1")), 0, 0, None, false),
        (None, 0, 0, Some("re_1"), false),
    ] {
        let (account, purchase) = bought(&pack());
        let purchase = Purchase { refund, refunds_failed: failures, ..purchase };
        let decided = confirmed(Some(&purchase), attempt, name.map(id).as_ref());
        let known = format!("{:?} {failures} {attempt} {name:?}", purchase.refund);
        if is_news {
            let (_, after) = apply(&account, decided);
            let revision = purchase.revision + 1;
            assert_eq!(after, Purchase { refund: refunded(name), revision, ..purchase }, "{known}");
        } else {
            assert_eq!(decided, Ok(Decision::default()), "{known}");
        }
    }
    assert_eq!(confirmed(None, 0, None), Err(Refusal::PurchaseNotFound));
}

#[test]
fn the_providers_total_confirms_a_packs_whole_refund_only() {
    // Whether a plan's subscription was ended too, only asking again makes sure of.
    for (payment, amount, is_confirmed) in [
        (pack(), 1000, true),
        (pack(), 999, false),
        (basic("in1", BOUGHT, "2026-12-03T09:00:00Z"), 1000, false),
    ] {
        let (account, purchase) = bought(&payment);
        let (account, pending) = apply(&account, request(&account, Some(&purchase), None, time(NOW)));
        let decided = hear(&account, Some(&pending), &Word::Refunded { amount }, time(NOW), time(NOW));
        let (_, heard) = apply(&account, decided);
        let expected =
            if is_confirmed { Refund::Refunded { refund_id: None } } else { Refund::RefundPending };
        assert_eq!(heard.refund, Some(expected), "{amount} of {:?}", payment.buys);
    }
}

#[test]
fn each_refund_fails_once() {
    let (account, purchase) = bought(&pack());
    let word = Word::Refunded { amount: 1000 };
    let (mut account, mut purchase) =
        apply(&account, hear(&account, Some(&purchase), &word, time(NOW), time(NOW)));
    for (id, is_news, left) in [("re_1", true, 32), ("re_1", false, 32), ("re_2", true, 64)] {
        let decided = hear(&account, Some(&purchase), &failed(id, 500, None), time(NOW), time(NOW));
        if is_news {
            (account, purchase) = apply(&account, decided);
        } else {
            assert_eq!(decided, Ok(Decision::default()), "{id}");
        }
        assert_eq!(account.balance.tune_image(), left, "{id}");
    }
}

#[test]
fn an_answer_to_an_earlier_attempt_changes_nothing() {
    let (account, purchase) = bought(&pack());
    let (account, pending) = apply(&account, request(&account, Some(&purchase), None, time(NOW)));
    let (account, restored) = apply(&account, refused(&account, Some(&pending), 0, time(NOW)));
    let (account, again) = apply(&account, request(&account, Some(&restored), None, time(NOW)));
    assert_eq!(refused(&account, Some(&again), 0, time(NOW)), Ok(Decision::default()));
    assert_eq!(confirmed(Some(&again), 0, None), Ok(Decision::default()));
    let (_, done) = apply(&account, confirmed(Some(&again), 1, None));
    assert_eq!(done.refund, Some(Refund::Refunded { refund_id: None }));
}

#[test]
fn the_providers_word_confirms_a_refund_and_takes_nothing_twice() {
    let (account, purchase) = bought(&pack());
    let (after, pending) = apply(&account, request(&account, Some(&purchase), None, time(NOW)));
    let word = Word::Refunded { amount: 1000 };
    let heard = hear(&after, Some(&pending), &word, time(NOW), time(NOW)).unwrap();
    assert!(heard.entries.is_empty());
    let (_, record) = apply(&after, Ok(heard));
    assert_eq!(record.refund, Some(Refund::Refunded { refund_id: None }));
    assert_eq!(record.revoked, Credits::new(0, 1, 64));
}
