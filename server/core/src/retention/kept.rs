//! What is kept for how long.

use crate::{
    lockout::FORGOTTEN_AFTER,
    port::{
        Perishable,
        rollup::{Counted, Period},
    },
};
use std::collections::BTreeMap;
use time::Duration;

/// How long a network that a credential was used from is known, after its last use.
const NETWORK_LIFE: Duration = Duration::days(90);

/// Something that is kept for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kept {
    /// Rows of single requests.
    Requests,
    /// Counts by the minute.
    MinuteCounts,
    /// Counts by the hour.
    HourCounts,
    /// Counts by the day.
    DayCounts,
    /// What people were told in the portal.
    Notices,
    /// Mails that were written.
    Mails,
    /// Blocks that are over.
    Blocks,
    /// Alerts that were raised, and what webhooks were told.
    Alerts,
    /// The audit log.
    AuditEvents,
}

impl Kept {
    /// Everything.
    pub const ALL: [Self; 9] = [
        Self::Requests,
        Self::MinuteCounts,
        Self::HourCounts,
        Self::DayCounts,
        Self::Notices,
        Self::Mails,
        Self::Blocks,
        Self::Alerts,
        Self::AuditEvents,
    ];

    /// The stored word, and the name of the field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::MinuteCounts => "minute_counts",
            Self::HourCounts => "hour_counts",
            Self::DayCounts => "day_counts",
            Self::Notices => "notices",
            Self::Mails => "mails",
            Self::Blocks => "blocks",
            Self::Alerts => "alerts",
            Self::AuditEvents => "audit_events",
        }
    }

    /// What people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Requests => "Single requests",
            Self::MinuteCounts => "Counts by the minute",
            Self::HourCounts => "Counts by the hour",
            Self::DayCounts => "Counts by the day",
            Self::Notices => "Notices",
            Self::Mails => "Mails in the outbox",
            Self::Blocks => "Blocks that are over",
            Self::Alerts => "Alerts and what webhooks were told",
            Self::AuditEvents => "Audit events",
        }
    }

    /// The fewest and the most days. The usage pages compare a time with the one before it: counts are kept for twice as long as a page
    /// looks back. Days of a time zone other than UTC are added up from hours.
    pub const fn bounds(self) -> (u16, u16) {
        match self {
            Self::Requests => (1, 400),
            Self::MinuteCounts => (1, 30),
            Self::HourCounts => (15, 400),
            Self::DayCounts => (181, 3_650),
            Self::Notices | Self::Blocks | Self::Alerts => (7, 400),
            Self::Mails => (30, 400),
            Self::AuditEvents => (90, 3_650),
        }
    }

    /// How many days, where nobody says otherwise; 0 for ever.
    const fn usually(self) -> u16 {
        match self {
            Self::Requests | Self::Blocks => 30,
            Self::MinuteCounts => 2,
            // Ninety days of whoever looks begin up to a day before those of UTC.
            Self::HourCounts => 92,
            Self::DayCounts => 400,
            Self::Notices | Self::Mails | Self::Alerts => 90,
            Self::AuditEvents => 0,
        }
    }

    /// Whether it may be kept for ever.
    pub const fn may_stay(self) -> bool {
        matches!(self, Self::AuditEvents)
    }

    /// Reads a number of days.
    ///
    /// # Errors
    /// A sentence that says what it may be.
    pub fn days(self, typed: &str) -> Result<u16, String> {
        let (least, most) = self.bounds();
        match typed.trim().parse::<u16>() {
            Ok(0) if self.may_stay() => Ok(0),
            Ok(days) if (least..=most).contains(&days) => Ok(days),
            _ if self.may_stay() => Err(format!("Enter a number of days from {least} to {most}, or 0 for ever")),
            _ => Err(format!("Enter a number of days from {least} to {most}")),
        }
    }
}

/// For how many days everything is kept; 0 for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention(BTreeMap<Kept, u16>);

impl Retention {
    /// What holds where nobody says otherwise; single requests for as long as the operator says.
    pub fn usual(request_days: u16) -> Self {
        let mut days: BTreeMap<_, _> = Kept::ALL.into_iter().map(|kept| (kept, kept.usually())).collect();
        let (least, most) = Kept::Requests.bounds();
        days.insert(Kept::Requests, request_days.clamp(least, most));
        Self(days)
    }

    /// For how many days something is kept; 0 for ever.
    pub fn days(&self, kept: Kept) -> u16 {
        self.0.get(&kept).copied().unwrap_or(kept.usually())
    }

    /// For how long, if not for ever.
    pub fn life(&self, kept: Kept) -> Option<Duration> {
        match self.days(kept) {
            0 => None,
            days => Some(Duration::days(days.into())),
        }
    }

    /// For how long something stays after its time, if not for ever. What an operator does not set is of use for a while, such as to say that
    /// a link has been used, or to tell two tries apart.
    pub fn stay(&self, what: Perishable) -> Option<Duration> {
        match what {
            Perishable::Requests => self.life(Kept::Requests),
            Perishable::Counts(_, Period::Minute) => self.life(Kept::MinuteCounts),
            // They are few, and charts show the time before, too.
            Perishable::Counts(Counted::Buckets, Period::Hour) => self.life(Kept::HourCounts).map(|life| life * 2),
            Perishable::Counts(Counted::Routes | Counted::Addresses, Period::Hour) => self.life(Kept::HourCounts),
            Perishable::Counts(_, Period::Day) => self.life(Kept::DayCounts),
            Perishable::Notices => self.life(Kept::Notices),
            Perishable::Mails => self.life(Kept::Mails),
            Perishable::Blocks => self.life(Kept::Blocks),
            Perishable::Alerts | Perishable::WebhookDeliveries => self.life(Kept::Alerts),
            Perishable::PasskeyCeremonies => Some(Duration::HOUR),
            Perishable::RemovedWebhooks | Perishable::RemovedProviders => Some(Duration::ZERO),
            Perishable::ExpiredSessions
            | Perishable::EndedSessions
            | Perishable::IdempotentAnswers
            | Perishable::RevokedTokens
            | Perishable::OpaqueTokens
            | Perishable::UsedNames => Some(Duration::DAY),
            Perishable::AttemptCounters => Some(FORGOTTEN_AFTER * 2),
            Perishable::AuthorizationCodes
            | Perishable::PushedRequests
            | Perishable::DeviceCodes
            | Perishable::TokenFamilies
            | Perishable::MailedLinks
            | Perishable::Invitations => Some(Duration::WEEK),
            Perishable::SeenNetworks => Some(NETWORK_LIFE),
        }
    }

    /// Another number of days.
    pub fn set(&mut self, kept: Kept, days: u16) {
        self.0.insert(kept, days);
    }

    /// As it is stored.
    pub fn written(&self) -> String {
        let pairs: Vec<_> = self.0.iter().map(|(kept, days)| format!("{}={days}", kept.as_str())).collect();
        pairs.join(" ")
    }

    /// What is stored, over what holds otherwise; what cannot be read changes nothing.
    #[must_use]
    pub fn read_over(mut self, stored: &str) -> Self {
        for (word, days) in stored.split_whitespace().filter_map(|pair| pair.split_once('=')) {
            let kept = Kept::ALL.into_iter().find(|kept| kept.as_str() == word);
            if let Some((kept, Ok(days))) = kept.map(|kept| (kept, kept.days(days))) {
                self.set(kept, days);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_back() {
        let mut retention = Retention::usual(30);
        retention.set(Kept::Requests, 7);
        retention.set(Kept::AuditEvents, 365);
        assert_eq!(Retention::usual(30).read_over(&retention.written()), retention);
        assert_eq!(retention.life(Kept::Requests), Some(Duration::days(7)));
        assert_eq!(Retention::usual(14).life(Kept::AuditEvents), None);
        assert_eq!(Retention::usual(14).read_over("requests=0 day_counts=10 nothing=3"), Retention::usual(14));
    }

    #[test]
    fn what_is_set_holds_for_what_it_names_and_nothing_else_stays_for_ever() {
        let mut retention = Retention::usual(30);
        let before: Vec<_> = Perishable::all().map(|what| retention.stay(what)).collect();
        assert!(before.iter().all(Option::is_some));
        retention.set(Kept::Alerts, 7);
        let changed: Vec<_> =
            Perishable::all().zip(before).filter(|(what, before)| retention.stay(*what) != *before).collect();
        let days = Some(Duration::days(90));
        assert_eq!(changed, [(Perishable::Alerts, days), (Perishable::WebhookDeliveries, days)]);
    }

    #[test]
    fn hours_are_kept_for_the_days_of_every_time_zone() {
        let retention = Retention::usual(30);
        let stay = |counted| retention.stay(Perishable::Counts(counted, Period::Hour)).unwrap();
        // A page looks back ninety days, which begin up to some hours earlier where clocks are changed.
        let looked_back = Duration::days(90) + Duration::hours(2);
        for (counted, needed) in [
            (Counted::Routes, looked_back),
            (Counted::Addresses, looked_back),
            (Counted::Buckets, looked_back + Duration::days(90)),
        ] {
            assert!(stay(counted) > needed, "{counted:?}");
        }
    }

    #[test]
    fn days_have_bounds() {
        assert_eq!(Kept::AuditEvents.days("0"), Ok(0));
        assert!(Kept::Requests.days("0").is_err() && Kept::DayCounts.days("90").is_err());
        assert_eq!(Kept::Requests.days(" 30 "), Ok(30));
    }
}
