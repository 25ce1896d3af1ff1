//! What an event meets that is to be applied, and what is done then: applied, made to wait, kept.

use chrono::TimeDelta;
use credits::AccountId;

/// How long an event is sent back to wait for an earlier one.
const WAIT_MAX: TimeDelta = TimeDelta::hours(1);

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Became {
    Applied,
    Duplicate,
    Ignored,
    Parked,
}

impl Became {
    /// The outcome as it is answered.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
            Self::Parked => "parked",
        }
    }
}

/// What became of an event, for whom, and how often that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) became: Became,
    pub(crate) account: Option<AccountId>,
    pub(crate) attempts: Option<u32>,
}

impl From<Became> for Done {
    fn from(became: Became) -> Self {
        Self { became, account: None, attempts: None }
    }
}

/// What an event met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Met {
    /// It says something, and this came of it.
    Done(Done),
    /// Something earlier must come first. Money that waited too long is kept.
    Early(String),
    /// Something earlier must come first, if it is ours at all: nothing is lost where it never comes.
    MaybeForeign(String),
    /// It can't be applied as things are.
    Stuck(String),
}

/// What is done with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is answered.
    Answer(Done),
    /// It is to be sent again, and why.
    Wait(String),
    /// It is kept whole, and why.
    Park(String),
}

impl Met {
    /// What is done with an event that was made so long ago.
    pub(crate) fn after(self, age: TimeDelta) -> Fate {
        match self {
            Self::Done(done) => Fate::Answer(done),
            Self::Early(why) | Self::MaybeForeign(why) if age < WAIT_MAX => Fate::Wait(why),
            Self::MaybeForeign(_) => Fate::Answer(Became::Ignored.into()),
            Self::Early(why) | Self::Stuck(why) => Fate::Park(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_waits_for_an_hour() {
        let why = || "why".to_owned();
        let (young, old) = (TimeDelta::seconds(3599), TimeDelta::seconds(3600));
        for (met, age, fate) in [
            (Met::Done(Became::Applied.into()), old, Fate::Answer(Became::Applied.into())),
            (Met::Early(why()), young, Fate::Wait(why())),
            (Met::Early(why()), old, Fate::Park(why())),
            (Met::MaybeForeign(why()), young, Fate::Wait(why())),
            (Met::MaybeForeign(why()), old, Fate::Answer(Became::Ignored.into())),
            (Met::Stuck(why()), young, Fate::Park(why())),
            // A clock that is behind.
            (Met::Early(why()), TimeDelta::seconds(-5), Fate::Wait(why())),
        ] {
            assert_eq!(met.clone().after(age), fate, "{met:?} after {age}");
        }
    }
}
