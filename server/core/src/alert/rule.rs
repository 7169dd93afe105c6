//! When an alert is raised, and who hears it.

use super::{AlertKind, AlertsOf};

/// A share of the requests of a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// How much of them, in percent, 1 to 100.
    pub percent: u8,
    /// Of how many requests at least: of a few, one is much.
    pub at_least: u32,
    /// Within how many minutes.
    pub minutes: u8,
}

impl Share {
    /// For how many minutes together requests may be looked at.
    pub const MINUTES: [u8; 4] = [5, 10, 30, 60];

    /// Whether so many of so many are as much as that.
    pub fn is_reached(self, matching: u64, requests: u64) -> bool {
        requests >= u64::from(self.at_least)
            && matching.saturating_mul(100) >= requests.saturating_mul(self.percent.into())
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// A share of requests.
    Share(Share),
    /// For so many hours after its first use, a credential's networks are learned, and not told of.
    Learning {
        /// How many.
        hours: u16,
    },
    /// How many there are at a time.
    Count {
        /// How many.
        at_least: u32,
    },
    /// Nothing: each is told.
    Each,
}

/// When an alert of a kind is raised, and who hears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The kind.
    pub kind: AlertKind,
    /// Whether it is raised at all.
    pub on: bool,
    /// Whether people are told, in the portal and by mail.
    pub people: bool,
    /// Whether webhooks are.
    pub webhooks: bool,
    /// From what on.
    pub measure: Measure,
}

impl Rule {
    /// What holds until somebody changes it.
    pub const fn usual(of: AlertsOf, kind: AlertKind) -> Self {
        let measure = match (kind, of) {
            (AlertKind::FailureRate, AlertsOf::Team(_)) => {
                Measure::Share(Share { percent: 50, at_least: 20, minutes: 10 })
            }
            (AlertKind::FailureRate, AlertsOf::Portal) => {
                Measure::Share(Share { percent: 50, at_least: 500, minutes: 10 })
            }
            (AlertKind::ServerErrors, _) => Measure::Share(Share { percent: 5, at_least: 20, minutes: 10 }),
            (AlertKind::NewNetwork, _) => Measure::Learning { hours: 24 },
            (AlertKind::Lockouts, _) => Measure::Count { at_least: 10 },
            (AlertKind::Leak | AlertKind::LimitNear | AlertKind::KeyEnds, _) => Measure::Each,
        };
        Self { kind, on: true, people: true, webhooks: true, measure }
    }

    /// Whether people are told.
    pub const fn tells_people(&self) -> bool {
        self.kind.always_told() || (self.on && self.people)
    }

    /// The share, where one is measured.
    pub const fn share(&self) -> Option<Share> {
        match self.measure {
            Measure::Share(share) => Some(share),
            Measure::Learning { .. } | Measure::Count { .. } | Measure::Each => None,
        }
    }

    /// What it asks for, in a few words.
    pub fn words(&self) -> String {
        match (self.kind, self.measure) {
            (AlertKind::ServerErrors, Measure::Share(share)) => format!(
                "{} % of {} requests or more, within {} minutes, are answered with 500 or above",
                share.percent, share.at_least, share.minutes
            ),
            (_, Measure::Share(share)) => format!(
                "{} % of {} requests or more, within {} minutes, are refused",
                share.percent, share.at_least, share.minutes
            ),
            (_, Measure::Learning { hours: 0 }) => "From the second network on".to_owned(),
            (_, Measure::Learning { hours }) => {
                format!("From {hours} hours after the credential's first use on; before, networks are learned")
            }
            (_, Measure::Count { at_least }) => {
                format!("{at_least} or more must wait, or one network tries many accounts")
            }
            (AlertKind::Leak, Measure::Each) => "A key is reported, or sent in a URL or over plain HTTP".to_owned(),
            (AlertKind::LimitNear, Measure::Each) => {
                "A key or a client has used four fifths of a limit; once a day".to_owned()
            }
            (_, Measure::Each) => "30, 7 and 1 days ahead".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_reached_by_enough_of_enough() {
        let share = Share { percent: 50, at_least: 20, minutes: 10 };
        for (matching, requests, reached) in
            [(10, 20, true), (9, 20, false), (19, 19, false), (100, 100, true), (49, 99, false), (50, 99, true)]
        {
            assert_eq!(share.is_reached(matching, requests), reached, "{matching} of {requests}");
        }
        assert!(share.is_reached(u64::MAX, u64::MAX), "no number is too large");
    }

    #[test]
    fn whoever_took_a_key_cannot_keep_its_people_from_hearing_of_it() {
        let mut rule = Rule::usual(AlertsOf::Portal, AlertKind::Leak);
        (rule.on, rule.people) = (false, false);
        assert!(rule.tells_people());
        let mut rule = Rule::usual(AlertsOf::Portal, AlertKind::KeyEnds);
        rule.on = false;
        assert!(!rule.tells_people());
    }
}
