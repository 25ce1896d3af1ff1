//! What is read from `template.yaml`, and what is refused in a template.

mod deployment;
mod metrics;
mod mistakes;
mod outbox;
mod parameters;
mod permissions;

use crate::support::stack;
use reqwest::{Client, Method};
use scrip_local::{
    cors::{Cors, Lists},
    seed,
    template::{Access, Template},
    yaml,
};
use scrip_test_support::{
    faults::{Fault, Faults},
    table,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path, time::Duration};

const TEXT: &str = include_str!("../../template.yaml");
const PARAMETERS: [(&str, &str); 2] =
    [("JwtIssuer", "https://issuer.example/"), ("JwtAudience", "an-audience")];

/// The template as it is written.
fn document() -> Value {
    yaml::load(TEXT).unwrap()
}

/// The template with all that its parameters can ask for.
pub fn with_everything() -> Value {
    deployed(&document(), &|_| true)
}

/// The deployed part of a template, for the conditions that are true.
fn deployed(template: &Value, is_true: &dyn Fn(&str) -> bool) -> Value {
    let is_value = |value: &&Value| value["Ref"] != "AWS::NoValue";
    match template {
        Value::Array(values) => {
            values.iter().map(|value| deployed(value, is_true)).filter(|value| is_value(&value)).collect()
        }
        Value::Object(fields) => {
            if let Some([condition, yes, no]) =
                fields.get("Fn::If").and_then(Value::as_array).map(Vec::as_slice)
            {
                return deployed(if is_true(condition.as_str().unwrap()) { yes } else { no }, is_true);
            }
            let fields = fields.iter().filter(|(_, value)| value["Condition"].as_str().is_none_or(is_true));
            let fields = fields.map(|(name, value)| (name.clone(), deployed(value, is_true)));
            fields.filter(|(_, value)| is_value(&value)).collect()
        }
        other => other.clone(),
    }
}

fn parse(text: &str) -> Result<Template, String> {
    Template::parse(text, &BTreeMap::from(PARAMETERS)).map_err(|why| why.to_string())
}

#[test]
fn routes_say_who_answers_and_who_may_ask() {
    let template = parse(TEXT).unwrap();
    let mut routes: Vec<_> = template
        .routes
        .iter()
        .map(|route| {
            let access = match &route.access {
                Access::Public => "public".to_owned(),
                Access::Token { scopes } => scopes.join(" "),
            };
            format!("{} -> {}, {access}", route.key(), route.function)
        })
        .collect();
    routes.sort();
    assert_eq!(
        routes,
        [
            "GET /v1/accounts/{account_id} -> quote, credits:read",
            "GET /v1/accounts/{account_id}/debits/{debit_id} -> quote, credits:read",
            "GET /v1/accounts/{account_id}/entries -> quote, credits:read",
            "GET /v1/accounts/{account_id}/holds/{hold_id} -> quote, credits:read",
            "GET /v1/accounts/{account_id}/purchases -> quote, credits:read",
            "GET /v1/accounts/{account_id}/usage -> quote, credits:read",
            "GET /v1/catalog -> quote, public",
            "POST /v1/accounts/{account_id}/adjustments -> refund, credits:adjust",
            "POST /v1/accounts/{account_id}/debits -> debit, credits:debit",
            "POST /v1/accounts/{account_id}/debits/{debit_id}/reversals -> refund, credits:settle",
            "POST /v1/accounts/{account_id}/holds -> debit, credits:debit",
            "POST /v1/accounts/{account_id}/holds/{hold_id}/capture -> debit, credits:settle",
            "POST /v1/accounts/{account_id}/holds/{hold_id}/release -> debit, credits:settle",
            "POST /v1/accounts/{account_id}/purchases/{purchase_id}/refund -> refund, credits:refund",
            "POST /v1/accounts/{account_id}/quotes -> quote, credits:read",
            "POST /v1/quotes -> quote, public",
            "POST /v1/webhooks/stripe -> purchase-webhook, public",
        ]
    );
}

#[test]
fn the_functions_serve_the_routes_of_the_template() {
    let mut listed: Vec<_> =
        parse(TEXT).unwrap().routes.into_iter().map(|route| (route.function.clone(), route.key())).collect();
    let mut served = Vec::new();
    for (function, routes) in [
        ("quote", &scrip_quote::ROUTES[..]),
        ("debit", &scrip_debit::ROUTES),
        ("purchase-webhook", &scrip_purchase_webhook::ROUTES),
        ("refund", &scrip_refund::ROUTES),
    ] {
        served.extend(routes.iter().map(|route| (function.to_owned(), (*route).to_owned())));
    }
    listed.sort();
    served.sort();
    assert_eq!(listed, served);
}

#[test]
fn functions_get_the_settings_of_the_template() {
    let template = parse(TEXT).unwrap();
    assert_eq!(template.authorizer.issuer, "https://issuer.example/");
    assert_eq!(template.authorizer.audience, ["an-audience"]);
    let mut several = BTreeMap::from(PARAMETERS);
    several.insert("JwtAudience", "web-client, backend-client");
    assert_eq!(
        Template::parse(TEXT, &several).unwrap().authorizer.audience,
        ["web-client", "backend-client"]
    );
    let cors = |origins: &[&str]| {
        let list = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
        let lists = Lists {
            origins: list(origins),
            methods: list(&["GET", "POST", "OPTIONS"]),
            headers: list(&["authorization", "content-type", "idempotency-key", "if-none-match"]),
            exposed: list(&[
                "location",
                "idempotent-replayed",
                "hold-status",
                "debit-reversed",
                "etag",
                "retry-after",
                "apigw-requestid",
            ]),
        };
        Some(Cors::new(lists, Some(3600)).unwrap())
    };
    assert_eq!(template.cors, cors(&["*"]));
    let mut given = BTreeMap::from(PARAMETERS);
    given.insert("AllowedOrigins", "https://a.example, https://b.example");
    assert_eq!(
        Template::parse(TEXT, &given).unwrap().cors,
        cors(&["https://a.example", "https://b.example"])
    );
    for function in &template.functions {
        assert_eq!(function.environment["TABLE_NAME"], template.table.name, "{}", function.name);
        let timeout_secs = match function.name.as_str() {
            "monthly-refill" | "purchase-webhook" => 900,
            "refund" => 29,
            _ => 15,
        };
        assert_eq!(function.timeout, Duration::from_secs(timeout_secs), "{}", function.name);
        // There is no queue here: the refill works through its shards itself.
        assert!(!function.environment.contains_key("REFILL_QUEUE_URL"), "{}", function.name);
        assert_eq!(function.memory_mb, 256, "{}", function.name);
    }
}

#[test]
fn the_table_has_its_keys_and_its_index() {
    let create = parse(TEXT).unwrap().table.create;
    let names = |schema: &Value| {
        schema.as_array().unwrap().iter().map(|key| key["AttributeName"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&create["KeySchema"]), ["pk", "sk"]);
    let indexes = create["GlobalSecondaryIndexes"].as_array().unwrap();
    assert_eq!(indexes.len(), 1);
    assert_eq!(indexes[0]["IndexName"], "due");
    assert_eq!(names(&indexes[0]["KeySchema"]), ["due", "pk"]);
    assert!(create.get("PointInTimeRecoverySpecification").is_none());
}

#[tokio::test]
async fn the_ledgers_own_tests_have_the_templates_table() {
    let table = parse(TEXT).unwrap().table;
    let faults = Faults::default();
    faults.next("CreateTable", Fault::service(400, "ResourceInUseException"));
    let client = seed::client(&seed::aws_config_over("http://127.0.0.1:1", faults.http_client()));
    table::create(&client, &table.name).await.unwrap_err();
    assert_eq!(faults.requests(), [("CreateTable".to_owned(), table.create)]);
}

#[test]
fn what_the_stack_does_not_know_is_refused() {
    let changed = |from: &str, to: &str| {
        assert!(TEXT.contains(from), "{from}");
        parse(&TEXT.replacen(from, to, 1)).unwrap_err()
    };
    let refused = [
        (changed("!Ref TableName", "!Reference TableName"), "`!Reference` is not a CloudFormation tag"),
        (changed("!Ref TableName", "!Base64 TableName"), "TABLE_NAME: Fn::Base64 is not supported"),
        (changed("!Ref TableName", "!Sub '${Tabel}'"), "TABLE_NAME: !Ref Tabel refers to nothing"),
        (changed("!Ref TableName", "!Sub '${TableName'"), "`${TableName` has a `${` without its end"),
        (
            changed("${ScopePrefix}credits:debit", "${Prefix}credits:debit"),
            "DebitFunction.Debit: !Ref Prefix",
        ),
        (changed("!Ref TableName", "!Ref Tabel"), "TABLE_NAME: !Ref Tabel refers to nothing"),
        (changed("!Ref JwtIssuer", "!Ref Architecture2"), "Api.Jwt: !Ref Architecture2 refers to nothing"),
        (changed("CodeUri: functions/quote/", "CodeUri: elsewhere/"), "QuoteFunction: CodeUri `elsewhere/`"),
        (changed("Method: GET", "Method: ANY"), "a route for any method, or for OPTIONS, is not supported"),
        (changed("Method: GET", "Method: OPTIONS"), "or for OPTIONS, is not supported"),
        (changed("      RouteSettings:", "      StageName:"), "Api: unknown field `StageName`"),
        (changed("AllowMethods:", "AllowCredentials: true\n        AllowMethods:"), "`AllowCredentials`"),
        (
            changed("AllowOrigins: !Ref AllowedOrigins", "AllowOrigins: !Ref JwtIssuer"),
            "a CommaDelimitedList",
        ),
        (changed("GET, POST, OPTIONS]", "\"GET\\n\"]"), "Api CorsConfiguration: "),
        (changed("Path: /v1/catalog", "Path: /v1/{proxy+}"), "the path /v1/{proxy+} is not supported"),
        (changed("Authorizer: NONE", "Authorizer: Other"), "Api has no authorizer Other"),
        (changed("Authorizer: NONE", "InvokeRole: NONE"), "unknown field `InvokeRole`"),
        (changed("ApiId: !Ref Api", "ApiId: !Ref EventBus"), "ApiId must be `!Ref Api`"),
        (changed("$request.header.Authorization", "$request.querystring.token"), "IdentitySource must be"),
        (
            changed("BillingMode: PAY_PER_REQUEST", "TimeToLiveSpecification: {}"),
            "Table: TimeToLiveSpecification",
        ),
        (changed("AWS::DynamoDB::Table", "AWS::S3::Bucket"), "there is no AWS::DynamoDB::Table"),
        (parse("a: [").unwrap_err(), "not YAML"),
    ];
    for (message, part) in refused {
        assert!(message.contains(part), "`{message}` does not say `{part}`");
    }
    let without_values = Template::parse(TEXT, &BTreeMap::new()).unwrap_err().to_string();
    assert!(without_values.contains("the parameter JwtIssuer has no value"), "{without_values}");
}

#[test]
fn every_route_has_one_sample_event() {
    let template = parse(TEXT).unwrap();
    let mut events: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    for file in fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        // The provider's own events, which come inside of the webhook's.
        if path.is_dir() {
            continue;
        }
        let event: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        // A command and a schedule's event come past the gateway.
        if let Some(route) = event["routeKey"].as_str() {
            events.entry(route.to_owned()).or_default().push(path.display().to_string());
            assert_shape(&template, &event);
        }
    }
    for route in &template.routes {
        let of_route = events.remove(&route.key()).unwrap_or_default();
        assert_eq!(of_route.len(), 1, "{}: {of_route:?}", route.key());
    }
    assert!(events.is_empty(), "events of no route: {events:?}");
}

/// An event agrees with itself and with its route.
fn assert_shape(template: &Template, event: &Value) {
    let key = event["routeKey"].as_str().unwrap();
    let context = &event["requestContext"];
    assert_eq!(event["version"], "2.0", "{key}");
    assert_eq!(context["routeKey"], *key);
    assert_eq!(context["http"]["path"], event["rawPath"], "{key}");
    let epoch = context["timeEpoch"].as_i64().unwrap();
    let time = chrono::DateTime::from_timestamp_millis(epoch).unwrap();
    assert_eq!(context["time"], time.format("%d/%b/%Y:%H:%M:%S +0000").to_string(), "{key}");
    let filled = event["pathParameters"]
        .as_object()
        .into_iter()
        .flatten()
        .fold(key.split_once(' ').unwrap().1.to_owned(), |path, (name, value)| {
            path.replace(&format!("{{{name}}}"), value.as_str().unwrap())
        });
    assert_eq!(event["rawPath"], filled, "{key}");
    let route = template.routes.iter().find(|route| route.key() == key).unwrap();
    let claims = &context["authorizer"]["jwt"]["claims"];
    match &route.access {
        Access::Public => assert!(claims.is_null(), "{key}"),
        Access::Token { scopes } => {
            let held: Vec<_> = claims["scope"].as_str().unwrap().split(' ').collect();
            assert!(scopes.iter().any(|scope| held.contains(&scope.as_str())), "{key}");
            // Support refunds and adjusts on any account; everyone else calls for their own.
            let is_own = claims["sub"] == event["pathParameters"]["account_id"];
            let is_support = ["credits:refund", "credits:adjust"].iter().any(|scope| held.contains(scope));
            assert_eq!(is_own, !is_support, "{key}");
        }
    }
}

#[tokio::test]
async fn the_stack_uses_the_template() {
    let stack = stack();
    assert_eq!(stack.routes(), parse(TEXT).unwrap().routes);
    assert_eq!(stack.instance_pids().len(), 4 * parse(TEXT).unwrap().functions.len());
    assert_eq!(json!(stack.table_name()), parse(TEXT).unwrap().table.create["TableName"]);
    let url = format!("{}/v1/accounts/alice/debits", stack.base_url());
    let preflight = Client::new().request(Method::OPTIONS, url).header("Origin", "https://app.example.com");
    let answer = preflight.header("Access-Control-Request-Method", "POST").send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    assert_eq!(
        answer.headers()["access-control-allow-headers"],
        "authorization,content-type,idempotency-key,if-none-match"
    );
}
