//! The name of a history: its seed, and what it goes without.

use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::{faults::Fault, world::SkippedFaults};

/// A history, as it is written down: its seed, the actions and the faults that it goes without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name {
    pub seed: u64,
    pub skipped: BTreeSet<usize>,
    pub without: SkippedFaults,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seed)?;
        let mut skipped = self.skipped.iter().copied().peekable();
        while let Some(first) = skipped.next() {
            let mut last = first;
            while skipped.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            if first == last { write!(f, "-{first}")? } else { write!(f, "-{first}..{last}")? }
        }
        if self.without.is_empty() {
            return Ok(());
        }
        let left: Vec<_> =
            Fault::ALL.iter().filter(|fault| !self.without.contains(fault)).map(Fault::to_string).collect();
        write!(f, "+{}", left.join("+"))
    }
}

impl FromStr for Name {
    type Err = String;

    /// Reads `17`; `17-3-5..9`, seed 17 without its actions 3 and 5 to 9; `17+Late+Throttled`, with no other faults
    /// than these; `17+`, without any.
    fn from_str(text: &str) -> Result<Self, String> {
        let none = |part: &str| format!("{part:?} in {text:?} is no seed, action or fault");
        let (seed, faults) = text.split_once('+').map_or((text, None), |(seed, faults)| (seed, Some(faults)));
        let mut parts = seed.split('-');
        let seed = parts.next().unwrap_or_default();
        let mut name = Self { seed: seed.parse().map_err(|_| none(seed))?, ..Self::default() };
        for part in parts {
            let (first, last) = part.split_once("..").unwrap_or((part, part));
            let number = |text: &str| text.parse::<usize>().map_err(|_| none(part));
            name.skipped.extend(number(first)?..=number(last)?);
        }
        let Some(faults) = faults else { return Ok(name) };
        name.without = Fault::ALL.iter().copied().collect();
        for part in faults.split('+').filter(|part| !part.is_empty()) {
            let fault = Fault::ALL.iter().find(|fault| fault.to_string() == part);
            name.without.remove(fault.ok_or_else(|| none(part))?);
        }
        Ok(name)
    }
}
