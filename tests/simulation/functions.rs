//! The five functions as Lambda would run them: the real handlers, down to the requests, killed at drawn moments.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use chrono::TimeDelta;
use lambda_http::{Body, Context, Error, LambdaEvent, Response};
use scrip_api::{InvocationAnswer, Parameter};
use scrip_debit::DebitFunction;
use scrip_ledger::Ledger;
use scrip_local::{
    seed,
    stack::{API_KEY_PARAMETER, WEBHOOK_SECRET_PARAMETER},
};
use scrip_monthly_refill::{Queue, RefillFunction};
use scrip_purchase_webhook::WebhookFunction;
use scrip_quote::QuoteFunction;
use scrip_refund::{Provider, RefundFunction};
use scrip_stripe::Client;
use scrip_test_support::faults::http_client;
use serde_json::{Value, value::RawValue};
use tokio::{sync::oneshot, time::timeout};

use crate::{
    faults::Fault,
    offers,
    scheduler::{lock, turn},
    world::World,
};

/// How long the functions may run, as `template.yaml` has it.
const HTTP_TIMEOUT: Duration = Duration::from_secs(15);
const REFUND_TIMEOUT: Duration = Duration::from_secs(29);
/// The webhook's and the refill's.
const LONG_TIMEOUT: Duration = Duration::from_mins(15);
/// A caller that stops waiting has waited for at most so long.
const GONE_AFTER_MS: u64 = 200;

/// One of the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    Quote,
    Debit,
    Refund,
    Webhook,
    Refill,
}

impl Function {
    /// All five.
    pub const ALL: [Self; 5] = [Self::Quote, Self::Debit, Self::Refund, Self::Webhook, Self::Refill];
}

/// A function that is warm: what it keeps from one invocation to the next.
pub struct Instance {
    config: SdkConfig,
    ledger: Ledger,
    quote: QuoteFunction,
    debit: DebitFunction,
    refund: OnceLock<RefundFunction>,
    webhook: OnceLock<WebhookFunction>,
    refill: OnceLock<RefillFunction>,
}

/// The input of an invocation.
pub enum FunctionInput {
    /// By the gateway.
    Http(Box<lambda_http::Request>),
    /// By the scheduler, or the queue.
    Event(Value),
}

/// The result of an invocation.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// It answered: status, whether it says that it is a replay, and body.
    Answered(u16, bool, Value),
    /// It failed, was killed, or took too long.
    Failed,
    /// Its caller had stopped waiting.
    Gone,
}

tokio::task_local! {
    /// The invocation whose call is being made.
    pub static INVOCATION: Arc<Invocation>;
}

/// A function's run.
#[derive(Debug, Default)]
pub struct Invocation {
    is_killed: AtomicBool,
}

impl Invocation {
    /// Lets it not go on.
    pub fn kill(&self) {
        self.is_killed.store(true, Ordering::SeqCst);
    }
}

impl World {
    /// Invokes a function, and waits for it as long as such a caller would.
    pub async fn invoke(self: &Arc<Self>, function: Function, asked: FunctionInput) -> Reply {
        let (answer, answered) = oneshot::channel();
        let world = Arc::clone(self);
        self.scheduler.spawn(async move {
            let reply = world.run(function, asked).await;
            // The caller may be gone.
            drop(answer.send(reply));
        });
        if self.is_drawn(Fault::CallerGone) {
            let patience = Duration::from_millis(self.draw(GONE_AFTER_MS));
            let Ok(reply) = timeout(patience, answered).await else {
                self.happened(Fault::CallerGone);
                return Reply::Gone;
            };
            return reply.unwrap_or(Reply::Failed);
        }
        answered.await.unwrap_or(Reply::Failed)
    }

    async fn run(self: &Arc<Self>, function: Function, asked: FunctionInput) -> Reply {
        turn().await;
        let limit = match function {
            Function::Refund => REFUND_TIMEOUT,
            Function::Refill | Function::Webhook => LONG_TIMEOUT,
            Function::Quote | Function::Debit => HTTP_TIMEOUT,
        };
        let instance = {
            let mut instances = lock(&self.instances);
            Arc::clone(instances.entry(function).or_insert_with(|| Arc::new(Instance::start(self))))
        };
        let invocation = Arc::new(Invocation::default());
        let now = self.now_at(function);
        if (now - self.now()).abs() > TimeDelta::minutes(1) {
            self.happened(Fault::ClockSkew);
        }
        let handling = INVOCATION.scope(Arc::clone(&invocation), instance.handle(self, function, asked, now));
        let mut handling = pin!(handling);
        let ended = timeout(
            limit,
            poll_fn(|context| match handling.as_mut().poll(context) {
                Poll::Ready(reply) => Poll::Ready(Some(reply)),
                Poll::Pending if invocation.is_killed.load(Ordering::SeqCst) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }),
        )
        .await;
        if let Ok(Some(reply)) = ended {
            return reply;
        }
        // Killed, or out of time: Lambda starts another.
        lock(&self.instances).remove(&function);
        Reply::Failed
    }
}

impl Instance {
    fn start(world: &Arc<World>) -> Self {
        let wire = http_client(Wire { world: Arc::downgrade(world) });
        let config = seed::aws_config_over("http://simulated.invalid", wire);
        let ledger = Ledger::new(&config, &world.engine.table);
        let (quote, debit) = (QuoteFunction::new(ledger.clone()), DebitFunction::new(ledger.clone()));
        let (refund, webhook, refill) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self { config, ledger, quote, debit, refund, webhook, refill }
    }

    async fn handle(
        &self,
        world: &Arc<World>,
        function: Function,
        asked: FunctionInput,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Reply {
        let answered = match (function, asked) {
            (Function::Quote, FunctionInput::Http(request)) => self.quote.answer(*request).await,
            (Function::Debit, FunctionInput::Http(request)) => self.debit.handle(*request).await,
            (Function::Webhook, FunctionInput::Http(request)) => self.webhook(world).answer(*request).await,
            (Function::Refund, FunctionInput::Http(request)) => self.refund(world).answer(*request).await,
            (Function::Webhook, FunctionInput::Event(command)) => {
                return ended(self.webhook(world).handle(invocation(&command)).await);
            }
            (Function::Refund, FunctionInput::Event(command)) => {
                return ended(self.refund(world).handle(invocation(&command)).await);
            }
            (Function::Refill, FunctionInput::Event(event)) => {
                let ended = self.refill().answer(event, now, LONG_TIMEOUT);
                return ended.await.map_or(Reply::Failed, |answer| Reply::Answered(200, false, answer));
            }
            _ => panic!("{function:?} isn't asked so"),
        };
        reply(&answered)
    }

    fn webhook(&self, world: &Arc<World>) -> &WebhookFunction {
        self.webhook.get_or_init(|| WebhookFunction {
            ledger: self.ledger.clone(),
            stripe: stripe(world),
            api_key: Parameter::new(&self.config, API_KEY_PARAMETER.to_owned()),
            secrets: Parameter::new(&self.config, WEBHOOK_SECRET_PARAMETER.to_owned()),
            prices: offers::configuration().parse().expect("the shop's prices"),
        })
    }

    fn refund(&self, world: &Arc<World>) -> &RefundFunction {
        let key = || Parameter::new(&self.config, API_KEY_PARAMETER.to_owned());
        self.refund
            .get_or_init(|| RefundFunction::new(self.ledger.clone(), Provider::new(stripe(world), key())))
    }

    fn refill(&self) -> &RefillFunction {
        let queue = || Queue::new(&self.config, "http://simulated.invalid/queue".to_owned());
        self.refill.get_or_init(|| RefillFunction::new(self.ledger.clone(), Some(queue())))
    }
}

/// A command as Lambda hands it on.
fn invocation(command: &Value) -> LambdaEvent<Box<RawValue>> {
    let payload = RawValue::from_string(command.to_string()).expect("JSON");
    LambdaEvent::new(payload, Context::default())
}

/// The status of a command's answer: 200, or its problem's.
fn ended(answer: Result<InvocationAnswer, Error>) -> Reply {
    let Ok(InvocationAnswer::Command(body)) = answer else { return Reply::Failed };
    let status = body["status"].as_u64().map_or(200, |status| u16::try_from(status).expect("a status"));
    Reply::Answered(status, false, body)
}

/// The way to Stripe's API.
fn stripe(world: &Arc<World>) -> Client {
    Client::over(world.transport(), "http://simulated.invalid")
}

fn reply(answer: &Response<Body>) -> Reply {
    let body = serde_json::from_slice(answer.body()).unwrap_or_default();
    let is_replay = answer.headers().contains_key("idempotent-replayed");
    Reply::Answered(answer.status().as_u16(), is_replay, body)
}

/// Between the functions and the world.
struct Wire {
    world: Weak<World>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let body = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        let world = self.world.upgrade();
        HttpConnectorFuture::new(async move {
            let lost = || ConnectorError::io("the answer was lost".into());
            let world = world.ok_or_else(lost)?;
            let (status, body) = world.aws(&target, body).await.ok_or_else(lost)?;
            let status = StatusCode::try_from(status)
                .map_err(|invalid| ConnectorError::other(invalid.into(), None))?;
            Ok(HttpResponse::new(status, SdkBody::from(body)))
        })
    }
}
