//! The recipes of docs/identity.md, as that page has them: its parameters, its sample tokens and its table's accounts.
//! Only times are changed, and the local issuer signs.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use reqwest::{Client, Method};
use scrip_local::{Options, Stack, clock};
use serde_json::{Map, Value, json};

use super::encoded;
use crate::api::{Reply, enhance, send};

const PAGE: &str = include_str!("../../../docs/identity.md");

/// The parameters that a recipe may set.
const PARAMETERS: [&str; 4] = ["JwtIssuer", "JwtAudience", "AccountClaim", "ScopePrefix"];

/// A provider's part of the page.
#[derive(Debug)]
struct Recipe {
    parameters: Value,
    user: Value,
    backend: Value,
    /// A token that the page says is refused.
    refused: Option<Value>,
    /// The user's account, as the page's first table has it.
    account: String,
}

impl Recipe {
    /// The recipe of that provider.
    ///
    /// # Panics
    /// If its table row or one of its blocks is missing, is malformed, or contradicts the other.
    fn of(provider: &str) -> Self {
        let section = section(provider);
        let block = |caption: &str| block(section, caption);
        let parameters = block("Parameters:").expect("parameters");
        let [account_claim, scope_prefix, account] = row(provider);
        assert_eq!(parameters["AccountClaim"].as_str().unwrap_or("sub"), account_claim, "{provider}");
        assert_eq!(parameters["ScopePrefix"].as_str().unwrap_or_default(), scope_prefix, "{provider}");
        let names = parameters.as_object().unwrap().keys();
        assert!(names.clone().all(|name| PARAMETERS.contains(&&**name)), "{provider}: {parameters}");
        Self {
            parameters,
            user: block("A user's access token:").expect("a user's token"),
            backend: block("The backend's access token:").expect("a backend's token"),
            refused: block("An application's own access token, which is refused:"),
            account,
        }
    }

    /// Those parameters of the template that the recipe sets.
    fn parameters(&self) -> BTreeMap<&'static str, String> {
        let set =
            PARAMETERS.into_iter().filter_map(|name| Some((name, self.parameters.get(name)?.as_str()?)));
        set.map(|(name, value)| (name, value.to_owned())).collect()
    }

    /// Whether a token has a scope of Scrip's, in `scope` or `scp`.
    fn has_scope(&self, token: &Value, scope: &str) -> bool {
        let prefix = self.parameters["ScopePrefix"].as_str().unwrap_or_default();
        let full_name = format!("{prefix}{scope}");
        ["scope", "scp"].into_iter().any(|claim| match &token[claim] {
            Value::String(words) => words.split(' ').any(|word| word == full_name),
            Value::Array(words) => words.contains(&json!(full_name)),
            _ => false,
        })
    }
}

/// The page between a provider's heading and the next.
fn section(provider: &str) -> &'static str {
    let heading = format!("\n## {provider}\n");
    let (_, rest) = PAGE.split_once(&heading).unwrap_or_else(|| panic!("{provider} has no recipe"));
    rest.split_once("\n## ").map_or(rest, |(section, _)| section)
}

/// The JSON below a caption.
fn block(section: &str, caption: &str) -> Option<Value> {
    let (_, rest) = section.split_once(&format!("\n{caption}\n\n```json\n"))?;
    let (text, _) = rest.split_once("\n```").expect("the block's end");
    Some(serde_json::from_str(text).unwrap_or_else(|why| panic!("{caption} {why}: {text}")))
}

/// The providers of the first table, and what its other cells say.
fn rows() -> impl Iterator<Item = (&'static str, [String; 3])> {
    let rows = PAGE.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    rows.take_while(|line| line.starts_with('|')).map(|line| {
        // A `|` inside a cell is written `\|`.
        let line = line.replace("\\|", "\0");
        let cells: Vec<_> =
            line.split('|').map(|cell| cell.trim().replace('\0', "|").replace('`', "")).collect();
        let [_, _, account_claim, scope_prefix, account, _, _] = &*cells else { panic!("{line}") };
        let provider = PAGE_PROVIDERS.iter().find(|provider| cells[1].starts_with(&format!("[{provider}]")));
        let provider = provider.unwrap_or_else(|| panic!("{}: no test", cells[1]));
        (*provider, [account_claim.clone(), scope_prefix.clone(), account.clone()])
    })
}

fn row(provider: &str) -> [String; 3] {
    let row = rows().find(|(name, _)| *name == provider);
    row.unwrap_or_else(|| panic!("{provider} is not in the table")).1
}

/// A sample token as its issuer would sign it now.
fn signed(stack: &Stack, sample: &Value) -> String {
    let mut claims: Map<String, Value> = sample.as_object().expect("claims").clone();
    let now = clock::now();
    for (name, time) in [("iat", now), ("nbf", now), ("exp", now + TimeDelta::hours(1))] {
        if claims.contains_key(name) {
            claims.insert(name.to_owned(), json!(time.timestamp()));
        }
    }
    stack.tokens().sign(&Value::Object(claims))
}

/// A caller with one token.
struct Caller<'a> {
    stack: &'a Stack,
    token: String,
}

impl<'a> Caller<'a> {
    fn new(stack: &'a Stack, sample: &Value) -> Self {
        Self { stack, token: signed(stack, sample) }
    }

    async fn send(&self, account: &str, rest: &str, body: Option<&Value>) -> Reply {
        let url = format!("{}/v1/accounts/{}{rest}", self.stack.base_url(), encoded(account));
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let mut request = Client::new().request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body).header("idempotency-key", "recipe-1");
        }
        send(request).await
    }

    async fn read(&self, account: &str) -> Reply {
        self.send(account, "", None).await
    }

    async fn debit(&self, account: &str) -> Reply {
        self.send(account, "/debits", Some(&enhance(1))).await
    }

    async fn reverse(&self, account: &str) -> Reply {
        self.send(account, "/debits/none/reversals", Some(&json!({}))).await
    }
}

/// Asserts a refusal of the gateway's own, for want of a scope.
#[track_caller]
fn is_refused_by_the_gateway(reply: &Reply) {
    assert_eq!((reply.status, &reply.json), (403, &json!({"message": "Forbidden"})), "{}", reply.text);
}

/// Deploys what a recipe says and calls with its tokens.
async fn follow(provider: &str) {
    let recipe = Recipe::of(provider);
    let account = &*recipe.account;
    let options = Options { instances: 1, parameters: recipe.parameters(), ..Options::default() };
    let stack = Stack::start(options).await.unwrap();

    let user = Caller::new(&stack, &recipe.user);
    user.read(account).await.is(200);
    user.debit(account).await.is_problem(402, "insufficient_credits");
    user.read("another-account").await.is_problem(403, "forbidden");
    user.debit("another-account").await.is_problem(403, "forbidden");
    is_refused_by_the_gateway(&user.reverse(account).await);

    let backend = Caller::new(&stack, &recipe.backend);
    backend.read(account).await.is(200);
    backend.debit(account).await.is_problem(402, "insufficient_credits");
    backend.reverse(account).await.is_problem(404, "debit_not_found");
    let other = backend.read("another-account").await;
    if recipe.has_scope(&recipe.backend, "credits:any-account") {
        other.is(200);
    } else {
        other.is_problem(403, "forbidden");
    }

    if let Some(refused) = &recipe.refused {
        is_refused_by_the_gateway(&Caller::new(&stack, refused).read(account).await);
    }

    // The parameters are those of this issuer and audience: another's token does not pass.
    for (claim, value) in [("iss", "https://other.example/"), ("aud", "another-api")] {
        let mut token = recipe.user.clone();
        token[claim] = json!(value);
        let reply = Caller::new(&stack, &token).read(account).await;
        assert_eq!((reply.status, &reply.json), (401, &json!({"message": "Unauthorized"})), "{claim}");
    }
    stack.stop().await;
}

macro_rules! recipes {
    ($($test:ident: $provider:literal,)+) => {
        /// The providers that have a test.
        const PAGE_PROVIDERS: &[&str] = &[$($provider),+];

        $(#[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            follow($provider).await;
        })+
    };
}

recipes! {
    the_recipe_for_auth0_works: "Auth0",
    the_recipe_for_cognito_works: "Cognito",
    the_recipe_for_okta_works: "Okta",
    the_recipe_for_entra_id_works: "Entra ID",
    the_recipe_for_clerk_works: "Clerk",
    the_recipe_for_supabase_works: "Supabase",
    the_recipe_for_keycloak_works: "Keycloak",
}

#[test]
fn the_first_table_lists_each_recipe() {
    assert_eq!(rows().map(|(provider, _)| provider).collect::<Vec<_>>(), PAGE_PROVIDERS);
}

/// A sample shows what the page's list of scopes says: a user never has a backend's.
#[test]
fn no_users_token_has_a_backends_scopes() {
    for provider in PAGE_PROVIDERS {
        let recipe = Recipe::of(provider);
        for scope in ["credits:settle", "credits:any-account", "credits:refund", "credits:adjust"] {
            assert!(!recipe.has_scope(&recipe.user, scope), "{provider}: {scope}");
        }
        assert!(recipe.has_scope(&recipe.backend, "credits:settle"), "{provider}");
    }
}
