//! `shared/openapi.yaml` says what the service does: the document, the template, the functions' routes, the
//! problems and the catalog are held to each other. Its examples are held to the running service in
//! `examples.rs`; `schemathesis.rs` looks for what no test names.

mod examples;
mod schemathesis;

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use scrip_api::{Code, Problem};
use scrip_local::{docs, template::Access};
use scrip_pricing::{CATALOG, Credits};
use serde_json::{Value, json};

use crate::support;

/// What stands there, references followed.
fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(resolved(value), |value, key| resolved(&value[key]))
}

fn resolved(value: &Value) -> &Value {
    match value["$ref"].as_str() {
        Some(reference) => docs::document().pointer(&reference[1..]).unwrap_or_else(|| panic!("{reference}")),
        None => value,
    }
}

fn schema(name: &str) -> &'static Value {
    &docs::document()["components"]["schemas"][name]
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn words(list: &Value) -> BTreeSet<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The document's schema as a validator; `#/components/…` is found beside it.
fn validator(schema: &Value) -> Validator {
    let schema = json!({"allOf": [schema], "components": docs::document()["components"]});
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    options.build(&schema).unwrap_or_else(|why| panic!("{why}"))
}

#[track_caller]
fn assert_valid(schema: &Value, instance: &Value, what: &str) {
    let errors: Vec<_> = validator(schema).iter_errors(instance).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{what}: {errors:?}\n{instance}");
}

/// A route of the document.
struct Operation {
    /// `POST /v1/quotes`
    route: String,
    method: &'static str,
    path: &'static str,
    /// The path item's, then the operation's.
    parameters: Vec<&'static Value>,
    body: &'static Value,
}

impl Operation {
    fn scopes(&self) -> Vec<&str> {
        let security = self.body["security"].as_array().expect("each route says who may call it");
        security.iter().flat_map(|required| words(&required["token"])).collect()
    }

    fn responses(&self) -> impl Iterator<Item = (u16, &'static Value)> {
        members(&self.body["responses"])
            .map(|(status, response)| (status.parse().unwrap(), resolved(response)))
    }

    fn request_examples(&self) -> impl Iterator<Item = (&'static str, &'static Value)> {
        members(at(self.body, &["requestBody", "content", "application/json", "examples"]))
            .map(|(name, example)| (name, &resolved(example)["value"]))
    }
}

fn operations() -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in members(&docs::document()["paths"]) {
        for (method, body) in members(item).filter(|(name, _)| *name != "parameters") {
            let parameters = [&item["parameters"], &body["parameters"]].into_iter();
            let parameters = parameters.flat_map(|list| list.as_array().into_iter().flatten()).map(resolved);
            let route = format!("{} {path}", method.to_uppercase());
            operations.push(Operation { route, method, path, parameters: parameters.collect(), body });
        }
    }
    operations
}

#[test]
fn template_functions_and_document_have_the_same_routes_and_scopes() {
    let operations = operations();
    let documented: BTreeMap<_, _> =
        operations.iter().map(|operation| (operation.route.clone(), operation.scopes())).collect();
    let scopes = |access| match access {
        &Access::Public => Vec::new(),
        Access::Token { scopes } => scopes.iter().map(String::as_str).collect(),
    };
    let deployed: BTreeMap<_, _> =
        support::stack().routes().iter().map(|route| (route.key(), scopes(&route.access))).collect();
    assert_eq!(documented, deployed);
    let served = [
        &scrip_quote::ROUTES[..],
        &scrip_debit::ROUTES,
        &scrip_refund::ROUTES,
        &scrip_purchase_webhook::ROUTES,
    ];
    let served: BTreeSet<_> = served.concat().into_iter().map(str::to_owned).collect();
    assert_eq!(documented.into_keys().collect::<BTreeSet<_>>(), served);
    let parameters = |operation: &Operation| {
        let path = operation.parameters.iter().filter(|parameter| parameter["in"] == "path");
        path.map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap())).collect::<Vec<_>>()
    };
    for operation in &operations {
        let in_path: Vec<_> = operation.path.split('/').filter(|part| part.starts_with('{')).collect();
        assert_eq!(parameters(operation), in_path, "{}", operation.route);
    }
}

/// The codes that a schema of a problem names.
fn codes(schema: &Value) -> BTreeSet<&str> {
    let parts = ["allOf", "oneOf"].into_iter().flat_map(|list| schema[list].as_array().into_iter().flatten());
    let inherited = parts.map(resolved).filter(|part| part["required"][0] != "type").flat_map(codes);
    words(&schema["properties"]["code"]["enum"]).into_iter().chain(inherited).collect()
}

#[test]
fn the_codes_of_the_document_are_the_codes_of_the_service_each_with_its_status() {
    let all: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(words(&schema("ProblemCode")["enum"]), all);
    let mut answered = BTreeSet::new();
    for operation in operations() {
        for (status, response) in operation.responses() {
            let problem = &response["content"]["application/problem+json"];
            let codes = codes(resolved(&problem["schema"]));
            assert!(problem.is_null() || !codes.is_empty(), "{} {status}", operation.route);
            // One name may have two statuses.
            let known = |code: &str| {
                Code::ALL.into_iter().find(|known| known.as_str() == code && known.status() == status)
            };
            for code in &codes {
                assert!(known(code).is_some(), "{} {status} {code}", operation.route);
            }
            // Each has an example, which the service would say like this.
            let mut shown = BTreeSet::new();
            for (_, example) in members(&problem["examples"]) {
                let example = at(example, &["value"]);
                let code = known(example["code"].as_str().unwrap_or_default());
                let expected = Problem::new(code.expect("a code"), "").body();
                for field in ["type", "title", "status"] {
                    assert_eq!(example[field], expected[field], "{} {status}", operation.route);
                }
                shown.extend(example["code"].as_str());
            }
            assert_eq!(shown, codes, "{} {status}", operation.route);
            answered.extend(codes);
        }
    }
    // What no route leads to; the document says so, too.
    answered.extend(["not_found", "payment_taken"]);
    assert_eq!(answered, all);
}

#[test]
fn the_operations_of_the_document_are_the_catalogs_in_the_same_ranges() {
    let catalog = serde_json::to_value(&CATALOG).unwrap();
    let rates = &catalog["rates"];
    assert_valid(schema("Catalog"), &catalog, "the catalog");
    let sold: BTreeSet<_> = members(rates).map(|(operation, _)| operation).collect();
    // What is free can't be held.
    let is_free = |operation: &str| rates[operation]["credits"] == json!(Credits::ZERO);
    let held: BTreeSet<_> = sold.iter().copied().filter(|operation| !is_free(operation)).collect();
    for (union, operations) in
        [("Operation", &sold), ("QuoteRequest", &sold), ("DebitRequest", &sold), ("HoldRequest", &held)]
    {
        let mapping = &schema(union)["discriminator"]["mapping"];
        assert_eq!(&members(mapping).map(|(operation, _)| operation).collect::<BTreeSet<_>>(), operations);
    }
    assert_eq!(words(&schema("OperationName")["enum"]), sold);
    for (field, range) in [
        ("Side", &rates["text_to_image"]["side"]),
        ("Steps", &rates["text_to_image"]["steps"]),
        ("Images", &rates["text_to_image"]["images"]),
        ("Images", &rates["upscale"]["images"]),
        ("Images", &rates["face_enhance"]["images"]),
        ("Images", &rates["remove_background"]["images"]),
        ("TrainPrompts", &rates["train_tune"]["prompts"]),
        ("TunePrompts", &rates["tune_images"]["prompts"]),
    ] {
        let schema = schema(field);
        let documented = (&schema["minimum"], &schema["maximum"], &schema["default"]);
        assert_eq!(documented, (&range["min"], &range["max"], &range["default"]), "{field}");
    }
    let factors: Value =
        rates["upscale"]["factors"].as_array().unwrap().iter().map(|row| row["factor"].clone()).collect();
    assert_eq!(schema("Factor")["enum"], factors);
}

#[test]
fn a_debit_is_a_quote_that_may_expect_its_credits_and_a_hold_one_that_expires() {
    let mapping = |union: &str| schema(union)["discriminator"]["mapping"].clone();
    let (operations, debits, holds) = (mapping("Operation"), mapping("DebitRequest"), mapping("HoldRequest"));
    for (name, quote) in members(&mapping("QuoteRequest")) {
        let named =
            |reference: &Value| docs::document().pointer(&reference.as_str().unwrap()[1..]).unwrap().clone();
        let mut expected = named(quote);
        // An answer spells out what a request may leave out.
        let mut operation = named(&operations[name]);
        let all: BTreeSet<_> = members(&expected["properties"]).map(|(field, _)| field).collect();
        assert_eq!(words(&operation["required"]), all, "{name}");
        operation["required"] = expected["required"].clone();
        assert_eq!(operation, expected, "{name}");
        expected.as_object_mut().unwrap().remove("description");
        expected["properties"]["expected_credits"] = json!({"$ref": "#/components/schemas/Credits"});
        assert_eq!(named(&debits[name]), expected, "{name}");
        if let Some(hold) = holds.get(name) {
            expected["properties"]["expires_in"] = json!({"$ref": "#/components/schemas/ExpiresIn"});
            assert_eq!(named(hold), expected, "{name}");
        }
    }
}

/// The values that a schema allows for a field, of an `allOf` those of its last part.
fn allowed<'a>(schema: &'a Value, field: &str) -> BTreeSet<&'a str> {
    let parts = schema["allOf"].as_array().into_iter().flatten().chain([schema]);
    let mut values = parts.filter_map(|part| {
        let field = &part["properties"][field];
        let constant = field["const"].as_str().map(|value| BTreeSet::from([value]));
        constant.or_else(|| field.get("enum").map(words))
    });
    values.next_back().unwrap_or_default()
}

#[test]
fn each_union_tells_its_members_apart_by_one_field() {
    let unions: Vec<_> = members(&docs::document()["components"]["schemas"])
        .filter(|(_, schema)| schema.get("discriminator").is_some())
        .collect();
    assert!(unions.iter().any(|(name, _)| *name == "Entry"), "{unions:?}");
    for (name, union) in unions {
        let field = union["discriminator"]["propertyName"].as_str().unwrap();
        let mapping = &union["discriminator"]["mapping"];
        let mapped: BTreeSet<_> = members(mapping).filter_map(|(_, reference)| reference.as_str()).collect();
        let listed = union["oneOf"].as_array().unwrap();
        assert_eq!(
            listed.iter().filter_map(|one| one["$ref"].as_str()).collect::<BTreeSet<_>>(),
            mapped,
            "{name}"
        );
        for (value, reference) in members(mapping) {
            let member = docs::document().pointer(&reference.as_str().unwrap()[1..]).unwrap();
            assert_eq!(allowed(member, field), BTreeSet::from([value]), "{name}: {reference}");
        }
        // A union that lists the values of its field lists all of them.
        let values = members(mapping).map(|(value, _)| value).collect();
        let listed = allowed(union, field);
        assert!(listed.is_empty() || listed == values, "{name}: {listed:?}");
    }
}

/// What generators of clients would have to name themselves: objects and unions that aren't components.
fn unnamed(place: &str, schema: &Value, is_named: bool, found: &mut Vec<String>) {
    let is_object = schema["properties"].is_object() || schema["type"] == "object";
    let is_nullable =
        |list: &Value| list.as_array().is_some_and(|list| list.contains(&json!({"type": "null"})));
    let is_union =
        schema.get("oneOf").is_some_and(|list| !is_nullable(list)) || schema.get("anyOf").is_some();
    if !is_named && (is_object || is_union || schema.get("allOf").is_some()) {
        found.push(place.to_owned());
    }
    for (name, property) in members(&schema["properties"]) {
        unnamed(&format!("{place}/{name}"), property, false, found);
    }
    if let Some(items) = schema.get("items") {
        unnamed(&format!("{place}/items"), items, false, found);
    }
    // The parts of a named schema are that schema.
    for part in schema["allOf"].as_array().into_iter().flatten() {
        unnamed(&format!("{place}/allOf"), part, true, found);
    }
}

#[test]
fn objects_and_unions_are_components_and_integers_say_how_long_they_are() {
    let mut found = Vec::new();
    for (name, schema) in members(&docs::document()["components"]["schemas"]) {
        unnamed(name, schema, true, &mut found);
    }
    for operation in operations() {
        for (_, media) in members(at(operation.body, &["requestBody", "content"])) {
            unnamed(&operation.route, &media["schema"], false, &mut found);
        }
        for (status, response) in operation.responses() {
            for (_, media) in members(&response["content"]) {
                unnamed(&format!("{} {status}", operation.route), &media["schema"], false, &mut found);
            }
        }
    }
    assert!(found.is_empty(), "{found:?}");
    assert_lengths("", docs::document());
}

/// Generators that take one form of an answer take the first, so it is the one that says more.
#[test]
fn an_answer_in_two_forms_begins_with_the_problem() {
    for content in docs::YAML.split(" content:\n").skip(1) {
        let lines = content.lines().map(str::trim);
        let mut forms = lines.filter(|line| line.starts_with("application/") && line.ends_with(':'));
        let is_problem = |form: &str| form == "application/problem+json:";
        let first = forms.next().expect("a form");
        assert!(is_problem(first) || !forms.any(is_problem), "{content}");
    }
}

#[track_caller]
fn assert_lengths(place: &str, value: &Value) {
    let is_integer = value["type"] == "integer"
        || value["type"].as_array().is_some_and(|of| of.contains(&json!("integer")));
    let has_length = ["int32", "int64"].map(Value::from).contains(&value["format"]);
    assert!(!is_integer || has_length, "{place} has no format");
    for (name, value) in members(value) {
        assert_lengths(&format!("{place}/{name}"), value);
    }
    for value in value.as_array().into_iter().flatten() {
        assert_lengths(place, value);
    }
}

/// Whether every object of a schema refuses what it doesn't name. Of an `allOf`, the first says so.
fn is_closed(schema: &Value) -> bool {
    let schema = resolved(schema);
    let parts = schema["oneOf"].as_array().into_iter().flatten();
    let parts = parts.chain(schema["allOf"].as_array().into_iter().flatten().take(1));
    let properties = members(&schema["properties"]).map(|(_, property)| property);
    (schema["type"] != "object" || schema["additionalProperties"] == false)
        && parts.chain(properties).all(is_closed)
}

#[test]
fn requests_take_no_unknown_fields() {
    for operation in operations() {
        let schema = at(operation.body, &["requestBody", "content", "application/json", "schema"]);
        // What Stripe sends is Stripe's to say.
        let is_ours = operation.path != "/v1/webhooks/stripe";
        assert_eq!(is_closed(schema), is_ours || schema.is_null(), "{}", operation.route);
    }
}

#[tokio::test]
async fn the_local_stack_shows_the_document() {
    let get = |path: &str| reqwest::get(format!("{}{path}", support::stack().base_url()));
    for (path, content_type) in [
        ("/docs", "text/html; charset=utf-8"),
        ("/openapi.yaml", "application/yaml"),
        ("/openapi.json", "application/json"),
        ("/docs/tokens", "application/json"),
    ] {
        let response = get(path).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], content_type, "{path}");
    }
    let json: Value = get("/openapi.json").await.unwrap().json().await.unwrap();
    assert_eq!(&json, docs::document());
    assert_eq!(get("/openapi.yaml").await.unwrap().text().await.unwrap(), docs::YAML);
    // All that the page shows comes from here: it works offline.
    let page = get("/docs").await.unwrap().text().await.unwrap();
    assert!(page.contains("/openapi.json") && page.contains("/docs/tokens"));
    for elsewhere in ["http://", "https://", "@import"] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    for (file, content_type) in [("swagger-ui.css", "text/css"), ("swagger-ui-bundle.js", "text/javascript")]
    {
        let path = format!("/docs/ui/{file}");
        assert!(page.contains(&format!("\"{path}\"")), "{file}");
        let response = get(&path).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &content_type.parse().unwrap())
        );
        assert!(response.text().await.unwrap().len() > 100_000, "{file}");
    }
}
