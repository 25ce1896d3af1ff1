//! Checks of a catalog beyond its shape. Pricing relies on each of them: every operation in range has
//! a price, a price never falls as work grows, and no sum overflows. Each problem is reported in the
//! words of the file.

use std::collections::{BTreeMap, BTreeSet};

use super::shape::{Allowance, CatalogFile, Credits, Mark, Plan, Range};
use crate::defaults::{IMAGES_DEFAULT, TRAIN_TUNE_PROMPTS_DEFAULT};

#[path = "check_tables.rs"]
mod check_tables;

/// The highest price, number of units, side and number of steps. A price times a number of units then
/// stays within `scrip_pricing::Credits::MAX_OF_A_KIND`.
const RATE_MAX: i64 = 1_000_000;
/// The most credits of a kind in one plan or pack.
const GIVEN_MAX: i64 = 1_000_000_000;
/// The highest price in minor units.
const MONEY_MAX: i64 = 100_000_000;
/// The highest low-balance mark that is a number of credits.
const MARK_MAX: i64 = 1_000_000;

const KINDS: [&str; 3] = ["playground", "tune", "tune_image"];

/// All problems of a catalog; empty if it has none.
pub fn problems(file: &CatalogFile) -> Vec<String> {
    let mut problems = Problems(Vec::new());
    problems.version(&file.version);
    problems.currency(&file.currency);
    problems.plans(&file.plans);
    problems.packs(file);
    problems.skus(file);
    problems.range("images", &file.images, 1);
    problems.default("images", IMAGES_DEFAULT, &file.images);
    problems.steps(&file.text_to_image);
    problems.tiers(&file.text_to_image);
    problems.factors(&file.upscale);
    for (place, table, kind, least) in [
        ("face_enhance: per_image", &file.face_enhance.per_image, "playground", 1),
        ("remove_background: per_image", &file.remove_background.per_image, "playground", 1),
        ("download: per_image", &file.download.per_image, "playground", 0),
        ("train_tune: once", &file.train_tune.once, "tune", 1),
        ("train_tune: per_prompt", &file.train_tune.per_prompt, "tune_image", 1),
        ("tune_images: per_prompt", &file.tune_images.per_prompt, "tune_image", 1),
    ] {
        problems.price(place, table, kind, least);
    }
    problems.range("train_tune: prompts", &file.train_tune.prompts, 0);
    problems.default("train_tune: prompts", TRAIN_TUNE_PROMPTS_DEFAULT, &file.train_tune.prompts);
    problems.range("tune_images: prompts", &file.tune_images.prompts, 1);
    problems.low_balance(&file.low_balance);
    problems.0
}

struct Problems(Vec<String>);

impl Problems {
    fn say(&mut self, problem: String) {
        self.0.push(problem);
    }

    fn number(&mut self, place: &str, number: i64, least: i64, most: i64) {
        if number < least {
            self.say(format!("{place} is {number}; it must be at least {least}"));
        } else if number > most {
            self.say(format!("{place} is {number}, which is too large; at most {most}"));
        }
    }

    fn range(&mut self, place: &str, range: &Range, least: i64) {
        self.number(&format!("{place}: min"), range.min, least, RATE_MAX);
        self.number(&format!("{place}: max"), range.max, range.min, RATE_MAX);
    }

    /// Checks that the range contains the API's default, which never changes.
    fn default(&mut self, place: &str, default: i64, range: &Range) {
        let Range { min, max } = *range;
        if !(min..=max).contains(&default) {
            self.say(format!(
                "{place}: the default, {default}, is outside {min} to {max}: \
                 callers who leave it out would be refused"
            ));
        }
    }

    fn name(&mut self, place: &str, name: &str) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            self.say(format!("{place}: use only a–z, 0–9 and _ in a name"));
        }
    }

    fn version(&mut self, version: &str) {
        if !is_date(version) {
            self.say(format!("version \"{version}\" is not a date; write it like \"2026-11-01\""));
        }
    }

    fn currency(&mut self, currency: &str) {
        if currency.len() != 3 || !currency.chars().all(|c| c.is_ascii_lowercase()) {
            self.say(format!("currency \"{currency}\" is not a currency code; write it like \"usd\""));
        }
    }

    fn plans(&mut self, plans: &[Plan]) {
        let mut seen = BTreeSet::new();
        for plan in plans {
            let place = format!("plan \"{}\"", plan.name);
            self.name(&place, &plan.name);
            if !seen.insert(&plan.name) {
                self.say(format!("{place} is listed twice"));
            }
            match &plan.playground {
                None => self
                    .say(format!("{place} has no allowance; add playground = the credits it gives a month")),
                Some(Allowance::Word(word)) => self.agreed(&place, plan, word),
                Some(Allowance::Credits(credits)) => {
                    self.number(&format!("{place}: playground"), *credits, 1, GIVEN_MAX);
                    self.prices(&place, plan);
                }
            }
        }
    }

    fn agreed(&mut self, place: &str, plan: &Plan, word: &str) {
        if word != "agreed" {
            self.say(format!(
                "{place}: playground is \"{word}\"; it must be a number of credits or \"agreed\""
            ));
        }
        if plan.monthly_price.is_some() || plan.annual_price.is_some() {
            self.say(format!("{place} is agreed per account, so it can't have a price"));
        }
    }

    fn prices(&mut self, place: &str, plan: &Plan) {
        for (name, price) in [("monthly_price", plan.monthly_price), ("annual_price", plan.annual_price)] {
            match price {
                None => self.say(format!("{place} has no {name}")),
                Some(price) => self.number(&format!("{place}: {name}"), price, 1, MONEY_MAX),
            }
        }
        if let Some(price) = plan.annual_price.filter(|price| price % 12 != 0) {
            self.say(format!(
                "{place}: annual_price {price} doesn't divide by 12, so it can't be shown per month"
            ));
        }
    }

    fn packs(&mut self, file: &CatalogFile) {
        for pack in &file.packs {
            let place = format!("pack \"{}\"", pack.sku);
            self.name(&place, &pack.sku);
            self.kinds(&place, &pack.credits);
            for (kind, &credits) in &pack.credits {
                self.number(&format!("{place}: {kind}"), credits, 0, GIVEN_MAX);
            }
            if pack.credits.contains_key("playground") {
                self.say(format!("{place} sells playground credits; they come with a subscription only"));
            }
            if pack.credits.values().all(|&credits| credits == 0) {
                self.say(format!("{place} gives no credits"));
            }
        }
    }

    fn skus(&mut self, file: &CatalogFile) {
        let of_plans = file.plans.iter().flat_map(Plan::skus).map(|(sku, _)| sku);
        let of_packs = file.packs.iter().map(|pack| pack.sku.clone());
        let mut seen = BTreeSet::new();
        for sku in of_plans.chain(of_packs) {
            if seen.contains(&sku) {
                self.say(format!("SKU \"{sku}\" would be sold twice; each needs its own name"));
            }
            seen.insert(sku);
        }
    }

    fn kinds<T>(&mut self, place: &str, table: &BTreeMap<String, T>) {
        for kind in table.keys() {
            if !KINDS.contains(&kind.as_str()) {
                self.say(format!(
                    "{place}: unknown credit kind \"{kind}\"; there are playground, tune and tune_image"
                ));
            }
        }
    }

    /// Checks that a price is in only one kind of credits: the kind for this work.
    fn price(&mut self, place: &str, table: &Credits, kind: &str, least: i64) {
        self.kinds(place, table);
        match table.get(kind) {
            Some(&price) if table.len() == 1 => {
                self.number(&format!("{place}: {kind}"), price, least, RATE_MAX);
            }
            _ => self.say(format!("{place} must be in {kind} credits, and only in them")),
        }
    }

    fn low_balance(&mut self, marks: &BTreeMap<String, Mark>) {
        self.kinds("low_balance", marks);
        for kind in KINDS {
            let place = format!("low_balance: {kind}");
            match marks.get(kind) {
                None => self
                    .say(format!("low_balance has no {kind}; add {kind} = the credits at which it is low")),
                Some(Mark::Credits(credits)) => self.number(&place, *credits, 0, MARK_MAX),
                Some(Mark::Share(share)) if kind != "playground" => self.say(format!(
                    "{place} is \"{share}\"; it must be a number of credits, because allowances are in \
                     playground credits"
                )),
                Some(mark @ Mark::Share(share)) => {
                    if mark.percent().is_none() {
                        self.say(format!(
                            "{place} is \"{share}\"; it must be a number of credits or a share, \
                             \"1%\" to \"100%\""
                        ));
                    }
                }
            }
        }
    }
}

/// Whether a text is a day of the calendar, as `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shaped {
        return false;
    }
    let mut parts = text.split('-').filter_map(|part| part.parse::<u32>().ok());
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    year > 0 && (1..=days).contains(&day)
}
