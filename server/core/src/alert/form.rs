//! What somebody typed of a rule.

use super::{AlertKind, AlertsOf, Measure, Rule, Share};
use latchkey_model::FieldErrors;
use std::{ops::RangeInclusive, str::FromStr};

/// What somebody typed of a rule.
#[derive(Debug, Clone, Default)]
pub struct RuleForm {
    /// Whether it is on.
    pub on: bool,
    /// Whether people are told.
    pub people: bool,
    /// Whether webhooks are.
    pub webhooks: bool,
    /// A share in percent.
    pub percent: String,
    /// A number of requests, or of those who wait.
    pub at_least: String,
    /// Within how many minutes.
    pub minutes: String,
    /// For how many hours networks are learned.
    pub hours: String,
}

impl RuleForm {
    /// Most requests that a share may ask for.
    const MOST: u32 = 1_000_000;
    /// Thirty days.
    const MOST_HOURS: u16 = 30 * 24;

    /// The rule of this kind; what its kind does not measure is not looked at.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn rule(&self, of: AlertsOf, kind: AlertKind) -> Result<Rule, FieldErrors> {
        let mut errors = FieldErrors::default();
        let measure = match Rule::usual(of, kind).measure {
            Measure::Share(_) => {
                let percent = errors.check("percent", number(&self.percent, 1..=100));
                let at_least = errors.check("at_least", number(&self.at_least, 1..=Self::MOST));
                let minutes = number::<u8>(&self.minutes, 1..=u8::MAX).ok().filter(|at| Share::MINUTES.contains(at));
                let minutes = errors.check("minutes", minutes.ok_or("Choose one of these"));
                match (percent, at_least, minutes) {
                    (Some(percent), Some(at_least), Some(minutes)) => {
                        Some(Measure::Share(Share { percent, at_least, minutes }))
                    }
                    _ => None,
                }
            }
            Measure::Learning { .. } => errors
                .check("hours", number(&self.hours, 0..=Self::MOST_HOURS))
                .map(|hours| Measure::Learning { hours }),
            Measure::Count { .. } => errors
                .check("at_least", number(&self.at_least, 1..=Self::MOST))
                .map(|at_least| Measure::Count { at_least }),
            Measure::Each => Some(Measure::Each),
        };
        let Some(measure) = measure else { return Err(errors) };
        let always = kind.always_told();
        Ok(Rule { kind, on: self.on || always, people: self.people || always, webhooks: self.webhooks, measure })
    }
}

fn number<T: FromStr + PartialOrd + std::fmt::Display>(typed: &str, allowed: RangeInclusive<T>) -> Result<T, String> {
    match typed.trim().parse::<T>() {
        Ok(number) if allowed.contains(&number) => Ok(number),
        _ => Err(format!("Enter a number from {} to {}", allowed.start(), allowed.end())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(percent: &str, at_least: &str, minutes: &str) -> RuleForm {
        RuleForm {
            on: true,
            percent: percent.to_owned(),
            at_least: at_least.to_owned(),
            minutes: minutes.to_owned(),
            ..RuleForm::default()
        }
    }

    #[test]
    fn a_rule_is_read_and_each_wrong_field_is_named() {
        let rule = typed(" 30 ", "5", "60").rule(AlertsOf::Portal, AlertKind::ServerErrors).unwrap();
        assert_eq!(rule.measure, Measure::Share(Share { percent: 30, at_least: 5, minutes: 60 }));
        for (percent, at_least, minutes, field) in [
            ("0", "5", "10", "percent"),
            ("101", "5", "10", "percent"),
            ("", "5", "10", "percent"),
            ("5", "0", "10", "at_least"),
            ("5", "-1", "10", "at_least"),
            ("5", "5", "7", "minutes"),
            ("5", "5", "soon", "minutes"),
        ] {
            let errors = typed(percent, at_least, minutes).rule(AlertsOf::Portal, AlertKind::ServerErrors).unwrap_err();
            assert!(errors.get(field).is_some(), "{percent} {at_least} {minutes}");
        }
    }

    #[test]
    fn a_leak_is_told_whatever_was_typed() {
        let rule = RuleForm::default().rule(AlertsOf::Portal, AlertKind::Leak).unwrap();
        assert!(rule.on && rule.people && !rule.webhooks);
    }
}
