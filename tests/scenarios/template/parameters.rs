//! The template's parameters and outputs: their names, defaults, switches and patterns.

use super::{deployed, document, with_everything};
use regex_lite::Regex;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn a_deployment_says_where_everything_is_and_asks_for_what_it_needs() {
    let template = document();
    let names = |section: &str| {
        let mut names: Vec<_> = template[section].as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(
        names("Outputs"),
        "AlarmTopicArn ApiUrl BackupRoleArn DashboardUrl DebitFunctionName DomainTarget EventBusName \
         MetricsNamespace OutboxDeadLettersArn OutboxDeadLettersUrl RefillDeadLettersArn RefillDeadLettersUrl RefillFunctionName RefillQueueUrl RefundFunctionName \
         ScheduleDeadLettersArn ScheduleDeadLettersUrl TableArn TableName WebhookFunctionName WebhookUrl"
    );
    assert_eq!(
        names("Parameters"),
        "AccountClaim AlarmEmail AllowedOrigins Architecture Backups CertificateArn CreateTable Dashboard DomainName \
         JwtAudience JwtIssuer LogRetentionDays Outbox RefillWorkers Rollout RouteMetrics ScopePrefix SecretsKeyArn \
         StripeApiBase StripeApiKeyParameter StripePrices StripeWebhookSecretParameter TableName TableStreamArn \
         Tracing WebhookConcurrency"
    );
    // Only whose tokens are accepted has no default: `sam deploy --guided` asks for the rest and takes Enter.
    let parameters = template["Parameters"].as_object().unwrap();
    let asked: Vec<_> =
        parameters.iter().filter(|(_, of)| of["Default"].is_null()).map(|(id, _)| id).collect();
    assert_eq!(asked, ["JwtAudience", "JwtIssuer"]);
    assert_eq!(parameters["Architecture"]["Default"], "arm64");
    // A new account's ten executions: the sweep takes two of them.
    assert_eq!(parameters["RefillWorkers"]["Default"], 2);
    let worker =
        &template["Resources"]["MonthlyRefillFunction"]["Properties"]["Events"]["Work"]["Properties"];
    assert_eq!(worker["ScalingConfig"]["MaximumConcurrency"], json!({"Ref": "RefillWorkers"}));
}

/// Each switch: its condition, its parameter, the value that turns it on, whether it is on by default, its resources.
const SWITCHES: [(&str, &str, &str, bool, &[&str]); 9] = [
    ("HasAlarmEmail", "AlarmEmail", "not ", false, &["AlarmSubscription"]),
    ("ReservesWebhook", "WebhookConcurrency", "not 0", false, &[]),
    ("HasSecretsKey", "SecretsKeyArn", "not ", false, &[]),
    ("HasDomain", "DomainName", "not ", false, &["Domain", "DomainMapping"]),
    ("CreatesTable", "CreateTable", "Yes", true, &["Table"]),
    ("HasBackups", "Backups", "On", false, &["BackupPlan", "BackupRole", "BackupSelection", "BackupVault"]),
    (
        "HasOutbox",
        "Outbox",
        "On",
        false,
        &["EventBus", "OutboxAlarm", "OutboxDeadLetters", "OutboxPipe", "OutboxRole"],
    ),
    ("HasDashboard", "Dashboard", "On", true, &["MetricsDashboard"]),
    ("HasRouteMetrics", "RouteMetrics", "On", false, &["WebhookFailuresAlarm", "WebhookRefusalsAlarm"]),
];

#[test]
fn a_parameter_switches_on_what_costs() {
    let template = document();
    for (condition, parameter, on, is_default, resources) in SWITCHES {
        let equals = |value: &str| json!({"Fn::Equals": [{"Ref": parameter}, value]});
        let expected = match on.strip_prefix("not ") {
            Some(none) => json!({"Fn::Not": [equals(none)]}),
            None => equals(on),
        };
        assert_eq!(template["Conditions"][condition], expected, "{condition}");
        let default = &template["Parameters"][parameter]["Default"];
        let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
        let is_on = on.strip_prefix("not ").map_or(default == on, |none| default != none);
        assert_eq!(is_on, is_default, "{parameter}");
        let of_condition = template["Resources"].as_object().unwrap().iter();
        let of_condition = of_condition.filter(|(_, resource)| resource["Condition"] == condition);
        assert_eq!(of_condition.map(|(id, _)| id).collect::<Vec<_>>(), resources, "{condition}");
    }
    let traced = json!({"Fn::Equals": [{"Ref": "Tracing"}, "On"]});
    assert_eq!(template["Conditions"]["IsTraced"], traced);
    assert_eq!(template["Parameters"]["Tracing"]["Default"], "Off");
    let sparse = deployed(&template, &|condition| condition == "CreatesTable");
    assert_eq!(sparse["Globals"]["Function"]["Tracing"], "PassThrough");
    assert_eq!(
        sparse["Resources"]["Api"]["Properties"]["DefaultRouteSettings"]["DetailedMetricsEnabled"],
        false
    );
    let all = with_everything();
    let webhook = |template: &Value| template["Resources"]["PurchaseWebhookFunction"]["Properties"].clone();
    assert_eq!(webhook(&all)["ReservedConcurrentExecutions"], json!({"Ref": "WebhookConcurrency"}));
    assert_eq!(webhook(&sparse)["ReservedConcurrentExecutions"], Value::Null);
    // A reference to a missing resource could not be deployed.
    let there = sparse["Resources"].as_object().unwrap();
    let text = sparse["Resources"].to_string() + &sparse["Outputs"].to_string();
    for id in all["Resources"].as_object().unwrap().keys().filter(|id| !there.contains_key(*id)) {
        let names =
            [format!("\"Ref\":\"{id}\""), format!("\"{id}."), format!("${{{id}}}"), format!("${{{id}.")];
        assert!(names.iter().all(|name| !text.contains(name)), "{id}");
    }
}

/// Whether a parameter takes a value: its pattern, matched to the end as CloudFormation does, or its list.
fn is_taken(parameter: &Value, value: &str) -> bool {
    let values = parameter["AllowedValues"].as_array();
    let is_value = |allowed: &Value| {
        allowed == value || allowed.as_u64().is_some_and(|number| value.parse() == Ok(number))
    };
    let is_listed = values.is_none_or(|values| values.iter().any(is_value));
    let pattern = parameter["AllowedPattern"].as_str().unwrap_or("(?s).*");
    is_listed && Regex::new(&format!("^(?:{pattern})$")).unwrap().is_match(value)
}

#[test]
fn the_sample_configurations_are_taken() {
    let template = document();
    let parameters = template["Parameters"].as_object().unwrap();
    let configuration: toml::Table =
        toml::from_str(include_str!("../../../samconfig.toml")).expect("it is TOML");
    let mut tables = BTreeMap::new();
    for (stage, _) in TABLES_OF_STAGES {
        let deploy = &configuration[stage]["deploy"]["parameters"];
        let mut given = BTreeMap::new();
        for (name, value) in deploy["parameter_overrides"]
            .as_array()
            .unwrap()
            .iter()
            .map(|set| set.as_str().unwrap().split_once('=').unwrap())
        {
            assert!(is_taken(&parameters[name], value), "{stage}: {name}={value}");
            given.insert(name, value);
        }
        let lacks: Vec<_> = parameters
            .iter()
            .filter(|(name, of)| of["Default"].is_null() && !given.contains_key(name.as_str()))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(lacks, Vec::<&String>::new(), "{stage}");
        tables.extend(given.get("TableName").map(|table| (stage, *table)));
    }
    let tables = TABLES_OF_STAGES.map(|(stage, _)| tables.get(stage).copied().unwrap_or_default());
    assert_eq!(tables, TABLES_OF_STAGES.map(|(_, table)| table));
}

/// Two stacks in one AWS account have two tables.
const TABLES_OF_STAGES: [(&str, &str); 2] =
    [("staging", "scrip-staging-ledger"), ("production", "scrip-ledger")];

/// The documents name parameters and outputs as `Name=value`, or `Name` alone in the tables.
#[test]
fn the_documents_set_parameters_that_there_are() {
    let template = document();
    let set = Regex::new("[`\\s'\"]([A-Z][A-Za-z]+)=").unwrap();
    for (page, text) in [
        ("README.md", include_str!("../../../README.md")),
        ("deploying.md", include_str!("../../../docs/deploying.md")),
        ("costs.md", include_str!("../../../docs/costs.md")),
        ("stripe.md", include_str!("../../../docs/stripe.md")),
        ("operations.md", include_str!("../../../docs/operations.md")),
    ] {
        for found in set.captures_iter(text) {
            let name = &found[1];
            let of_aws = ["StreamEnabled", "StreamViewType", "PointInTimeRecoveryEnabled"].contains(&name);
            let is_of_the_shell = name.chars().all(char::is_uppercase);
            let is_parameter = !template["Parameters"][name].is_null();
            assert!(of_aws || is_of_the_shell || is_parameter, "{page}: {name}");
        }
    }
}

/// A parameter's pattern takes the first values, and refuses the others before anything is made.
#[test]
fn wrong_parameters_are_refused() {
    let template = document();
    let arn = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab";
    for (parameter, taken, refused) in [
        (
            "JwtIssuer",
            &[
                "https://login.example.com/",
                "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab1",
                "http://127.0.0.1:8080",
            ][..],
            &[
                "",
                "login.example.com",
                "http://login.example.com",
                "https://a b",
                "\"https://a\"",
                "https://",
            ][..],
        ),
        ("JwtAudience", &["https://api.example.com", "api://scrip", "3n4b5"], &["", "a b", "\"a\""]),
        (
            "StripePrices",
            &[
                "{}",
                "{\"price_1AbC\":\"basic_monthly\"}",
                "{ \"price_1\": \"tune_pack\", \"price_2\": null }",
            ],
            // Values after a shell's quoting, and values that aren't prices.
            &[
                "",
                "{",
                "{price_1:basic_monthly}",
                "{\"price_1\":\"basic_monthly\"",
                "{\"prod_1\":\"basic_monthly\"}",
                "{\"price_1\":\"basic_monthly\",}",
                "{\"price_1\":1}",
                "[]",
            ],
        ),
        (
            "AllowedOrigins",
            &["*", "https://app.example.com", "http://localhost:3000"],
            &["app.example.com", "https://a/b"],
        ),
        ("StripeApiKeyParameter", &["/scrip/stripe/api-key"], &["scrip/key", "/", "/a b"]),
        (
            "StripeApiBase",
            &["https://api.stripe.com", "http://127.0.0.1:80"],
            &["http://api.stripe.com", "https://a/b"],
        ),
        ("SecretsKeyArn", &["", arn], &["alias/aws/ssm", "1234abcd-12ab"]),
        ("TableName", &["scrip-ledger"], &["", "ab", "a/b"]),
        ("DomainName", &["", "credits.example.com"], &["https://credits.example.com", "localhost"]),
        ("AlarmEmail", &["", "ops@example.com"], &["ops", "ops@example", "a b@example.com"]),
    ] {
        for value in taken {
            assert!(is_taken(&template["Parameters"][parameter], value), "{parameter} {value}");
        }
        for value in refused {
            assert!(!is_taken(&template["Parameters"][parameter], value), "{parameter} {value}");
        }
    }
    let rules = template["Rules"].as_object().unwrap();
    assert_eq!(rules.keys().collect::<Vec<_>>(), ["DomainHasCertificate", "TableHasStream"]);
}
