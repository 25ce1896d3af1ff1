//! The lists of the API: their filters, and the objects that these select.
//!
//! Invariant: an unknown parameter or an invalid value is refused. A filter by an object that doesn't exist finds nothing,
//! except for a customer: then the answer is that the customer is missing.

use super::{
    kind::Kind,
    pages,
    parameters::{
        Filter::{self, Any, Flag, OneOf, Text, Time},
        SUBSCRIPTION_STATUSES,
    },
};
use crate::{account::Account, call::Call, error::ApiError, generation::Generation};
use serde_json::Value;

/// The most types of events that one list can be asked for.
const TYPES_MAX: usize = 20;

impl Kind {
    /// What a list of this kind is asked to filter by: each filter with the bound of a time and the value.
    fn filters(self, call: &Call) -> Result<Vec<(Filter, &str, &str)>, ApiError> {
        let own = call
            .parameters
            .iter()
            .filter(|(name, _)| !pages::PAGING.contains(&name.as_str()) && !name.starts_with("expand["));
        own.map(|(name, value)| {
            let (filter, bound) = self.filter(name).ok_or_else(|| ApiError::unknown_parameter(name))?;
            check(name, filter, value)?;
            Ok((filter, bound, value.as_str()))
        })
        .collect()
    }

    /// The filter of a parameter, and its bound if it is a time's.
    fn filter(self, name: &str) -> Option<(Filter, &str)> {
        let parameters = self.parameters();
        let known = |wanted: &str| parameters.iter().find(|(known, _)| *known == wanted);
        if let Some((_, filter)) = known(name).filter(|(_, filter)| !matches!(filter, Any(_))) {
            return Some((*filter, ""));
        }
        let (base, index) = name.strip_suffix(']')?.split_once('[')?;
        let (_, filter) = known(base)?;
        let fits = match filter {
            Time(_) => ["gt", "gte", "lt", "lte"].contains(&index),
            Any(_) => index.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        };
        fits.then_some((*filter, index))
    }
}

/// Refuses a value that a filter can't have.
fn check(name: &str, filter: Filter, value: &str) -> Result<(), ApiError> {
    let one_of = |values: &[&str]| {
        let message = format!("Invalid {name}: must be one of {}", values.join(", "));
        let is_one = values.contains(&value);
        is_one.then_some(()).ok_or_else(|| ApiError::invalid_parameter(name, None, &message))
    };
    match filter {
        OneOf(_, values) => one_of(values),
        Filter::Status => one_of(&SUBSCRIPTION_STATUSES),
        Flag(_) | Filter::Delivered => {
            let message = format!("Invalid boolean: {value}");
            let is_flag = matches!(value, "true" | "false");
            is_flag.then_some(()).ok_or_else(|| ApiError::invalid_parameter(name, None, &message))
        }
        Time(_) => value.parse::<i64>().map(|_| ()).map_err(|_| ApiError::not_an_integer(name, value)),
        Text(_) | Any(_) | Filter::Price | Filter::Type => Ok(()),
    }
}

impl Account {
    /// Answers the list of a kind.
    pub(super) fn list(&self, call: &Call, kind: Kind, version: Generation) -> Result<Value, ApiError> {
        let filters = kind.filters(call)?;
        self.check_together(call, kind)?;
        let mut found = self.all(kind, version);
        for (filter, bound, value) in &filters {
            match filter {
                Any(_) => {}
                Filter::Delivered => found.retain(|event| self.is_delivered(event) == (*value == "true")),
                filter => found.retain(|object| filter.takes(object, bound, value)),
            }
        }
        let several = filters.iter().filter_map(|(filter, _, value)| match filter {
            Any(member) => Some((*member, *value)),
            _ => None,
        });
        let several: Vec<_> = several.collect();
        found.retain(|object| {
            several.is_empty() || several.iter().any(|(member, value)| text(object, member) == Some(value))
        });
        if kind == Kind::Subscription && call.parameter("status").is_none() {
            found.retain(|object| object["status"] != "canceled");
        }
        pages::page(call, kind.name(), found)
    }

    /// Refuses what is wrong with the parameters together: one that is required, two that exclude each other, one
    /// that names a customer who isn't there.
    fn check_together(&self, call: &Call, kind: Kind) -> Result<(), ApiError> {
        let named = |start: &str| call.parameters.iter().filter(|(name, _)| name.starts_with(start)).count();
        match kind {
            Kind::SubscriptionItem => {
                let id = call.parameter("subscription");
                let id = id.ok_or_else(|| ApiError::missing_parameter("subscription"))?;
                let known = self.subscription_of(id);
                known.ok_or_else(|| ApiError::missing("subscription", id, "subscription"))?;
            }
            Kind::InvoicePayment if named("payment[") > 0 && call.parameter("payment[type]").is_none() => {
                return Err(ApiError::missing_parameter("payment[type]"));
            }
            Kind::Event if named("types[") > 0 && call.parameter("type").is_some() => {
                let message = "You may only specify one of these parameters: type, types.";
                return Err(ApiError::invalid_parameter("type", None, message));
            }
            Kind::Event if named("types[") > TYPES_MAX => {
                let message = format!("You may not list more than {TYPES_MAX} types.");
                return Err(ApiError::invalid_parameter("types", None, &message));
            }
            _ => {}
        }
        match call.parameter("customer") {
            Some(id) if !self.customers.iter().any(|customer| customer.id == id) => {
                Err(ApiError::missing_reference("customer", id, "customer"))
            }
            _ => Ok(()),
        }
    }

    fn is_delivered(&self, event: &Value) -> bool {
        self.kept_events().any(|known| event["id"] == known.event.id() && known.delivered)
    }
}

impl Filter {
    /// Whether an object is listed by this filter alone.
    fn takes(self, object: &Value, bound: &str, wanted: &str) -> bool {
        match self {
            Text(member) | OneOf(member, _) | Any(member) => text(object, member) == Some(wanted),
            Flag(member) => object.pointer(member).and_then(Value::as_bool) == Some(wanted == "true"),
            Time(member) => {
                let wanted: i64 = wanted.parse().unwrap_or_default();
                time(object, member).is_some_and(|time| match bound {
                    "gt" => time > wanted,
                    "gte" => time >= wanted,
                    "lt" => time < wanted,
                    "lte" => time <= wanted,
                    _ => time == wanted,
                })
            }
            Self::Price => items(object).any(|item| item["price"]["id"] == wanted),
            Self::Status => match wanted {
                "all" => true,
                "ended" => object["status"] == "canceled" || object["status"] == "incomplete_expired",
                status => object["status"] == status,
            },
            Self::Type => match (object["type"].as_str(), wanted.strip_suffix('*')) {
                (Some(kind), Some(start)) => kind.starts_with(start),
                (kind, None) => kind == Some(wanted),
                (None, Some(_)) => false,
            },
            Self::Delivered => true,
        }
    }
}

fn items(subscription: &Value) -> impl Iterator<Item = &Value> {
    subscription["items"]["data"].as_array().into_iter().flatten()
}

/// The text of the member that a filter compares. An invoice names its subscription elsewhere since basil.
fn text<'a>(object: &'a Value, member: &str) -> Option<&'a str> {
    let plain = object.pointer(member).and_then(Value::as_str);
    let is_subscription = member == "/subscription" && object["object"] == "invoice";
    let parent = || object.pointer("/parent/subscription_details/subscription").and_then(Value::as_str);
    if is_subscription { plain.or_else(parent) } else { plain }
}

/// The time that a filter compares. Since basil a subscription has periods on its items only: the earliest end and the
/// latest start count.
fn time(object: &Value, member: &str) -> Option<i64> {
    let of = |object: &Value| object.pointer(member).and_then(Value::as_i64);
    let of_items = || {
        let times = items(object).filter_map(of);
        if member == "/current_period_end" { times.min() } else { times.max() }
    };
    of(object).or_else(of_items)
}
