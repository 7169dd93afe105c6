//! Looking once a minute for what lasts: refusals, server errors, lockouts; and for networks that are new.

use super::{
    AlertKind, AlertSubject, Alerts, AlertsOf, Measure, NewAlert, Rule, Share,
    desk::{Measured, SubjectKind},
    letter::{self, Counted, Named},
};
use crate::{
    mail::Letter,
    port::{
        Consumed, Inserted, StoreError,
        alert::{Alert, CredentialOwner, NamedCredential, SeenNetwork, Watched, WatchedCounts, WatchedEnvironment},
    },
    ports::Ports,
    webhook::Courier,
};
use std::collections::{BTreeSet, HashMap, HashSet};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// What an alert is about: there is one at a time of it.
type About = (AlertsOf, AlertKind, Option<Uuid>);

/// There is one at a time of lockouts.
const LOCKOUTS: About = (AlertsOf::Portal, AlertKind::Lockouts, None);

/// The first of several errors; each is logged.
#[derive(Default)]
struct FirstError(Option<StoreError>);

impl FirstError {
    fn note(&mut self, error: StoreError) {
        tracing::warn!(error = &error as &dyn std::error::Error, "one alert could not be raised or ended");
        self.0 = self.0.take().or(Some(error));
    }
}

/// Looks for what lasts. Cloning it clones a handle.
#[derive(Clone)]
pub struct AlertWatch {
    ports: Ports,
    alerts: Alerts,
    courier: Courier,
}

impl AlertWatch {
    /// How often to look.
    pub const PAUSE: std::time::Duration = std::time::Duration::from_mins(1);
    /// What begins anew so soon after it was over goes on: nobody is told twice of what comes and goes.
    const SAME: Duration = Duration::HOUR;
    /// A credential that is used from so many networks moves about: a new one says nothing.
    const MOVES_ABOUT: u64 = 20;
    const NETWORKS_AT_ONCE: u64 = 100;

    /// The watch.
    pub fn new(ports: Ports, alerts: Alerts, courier: Courier) -> Self {
        Self { ports, alerts, courier }
    }

    /// Raises what has begun, and ends what is over. Says how many were raised.
    ///
    /// # Errors
    /// [`StoreError`]: the first. What is wrong with one alert keeps nobody else from theirs.
    pub async fn look(&self) -> Result<u64, StoreError> {
        let now = self.ports.now();
        let rules = Rules(self.ports.store.alert_rules_of_all().await?.into_iter().map(by_kind).collect());
        let going = self.ports.store.alerts_going().await?;
        let is_going: HashSet<About> = going.iter().map(about).collect();
        let (mut raised, mut lasting, mut failed) = (0, HashSet::new(), FirstError::default());
        for minutes in rules.windows() {
            let since = (now - Duration::minutes(minutes.into())).unix_timestamp();
            for counts in self.ports.store.watched_counts(since - since.rem_euclid(60)).await? {
                for begun in begun(&rules, minutes, &counts) {
                    let about = (begun.of, begun.kind, begun.subject);
                    if !is_going.contains(&about) {
                        match self.raise(&begun, &counts.whose, now).await {
                            Ok(new) => raised += u64::from(new),
                            Err(error) => failed.note(error),
                        }
                    }
                    lasting.insert(about);
                }
            }
        }
        match self.look_at_lockouts(&rules, &is_going, &mut lasting, now).await {
            Ok(new) => raised += u64::from(new),
            Err(error) => {
                // Whether they last is not known.
                lasting.insert(LOCKOUTS);
                failed.note(error);
            }
        }
        for alert in &going {
            if !lasting.contains(&about(alert))
                && let Err(error) = self.alerts.end(alert).await
            {
                failed.note(error);
            }
        }
        raised += self.look_at_networks(&rules, &mut failed).await?;
        self.courier.wake();
        failed.0.map_or(Ok(raised), Err)
    }

    async fn raise(&self, begun: &Begun, whose: &Watched, now: OffsetDateTime) -> Result<bool, StoreError> {
        let subject = match whose {
            Watched::Portal => AlertSubject::portal(self.alerts.public_url()),
            Watched::Environment(environment) => self.environment(environment),
            Watched::Credential(environment, id) => {
                // What is gone has nobody to tell.
                let Some((named, _)) = self.ports.store.named_credential(*id).await? else { return Ok(false) };
                self.credential(environment, *id, &named)
            }
        };
        let people = begun.of.people(&*self.ports.store).await?;
        let letter = self.letter(begun, whose, &subject, now);
        let measured =
            Measured { matching: begun.matching, requests: Some(begun.requests), minutes: Some(begun.share.minutes) };
        let alert = NewAlert { of: begun.of, kind: begun.kind, subject, letter, measured: Some(measured), lasts: true };
        self.raise_or_resume(alert, &people, now).await
    }

    /// Raises what lasts, unless it was over a moment ago: then it goes on.
    async fn raise_or_resume(
        &self,
        alert: NewAlert,
        people: &[String],
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let before =
            self.ports.store.alert_over_since(alert.of, alert.kind, alert.subject.id, now - Self::SAME).await?;
        let mut work = self.ports.store.begin().await?;
        let raised = match before {
            Some(before) => {
                self.alerts.resume(&mut *work, before).await?;
                false
            }
            None => self.alerts.raise(&mut *work, alert, people).await? == Inserted::Done,
        };
        work.commit().await?;
        Ok(raised)
    }

    fn letter(&self, begun: &Begun, whose: &Watched, subject: &AlertSubject, now: OffsetDateTime) -> Letter {
        let counted = Counted { matching: begun.matching, requests: begun.requests, share: begun.share, at: now };
        let occasion = format!(
            "{}:{}:{}",
            begun.kind,
            begun.subject.map_or_else(|| "portal".to_owned(), |id| id.to_string()),
            crate::clock::written(now)
        );
        let failures = self.failures(whose, begun.kind);
        let owner = match whose {
            Watched::Portal => String::new(),
            Watched::Environment(one) | Watched::Credential(one, _) => one.application_name.to_string(),
        };
        let named = Named {
            what: subject.what.word(),
            name: &subject.name,
            hint: &subject.hint,
            owner: &owner,
            url: &subject.url,
            failures: &failures,
        };
        match (begun.kind, whose) {
            (AlertKind::ServerErrors, Watched::Portal) => letter::server_errors(None, occasion, &counted, &failures),
            (AlertKind::ServerErrors, _) => letter::server_errors(Some(&named), occasion, &counted, &failures),
            (_, Watched::Portal) => letter::many_refusals_everywhere(occasion, &counted, &failures),
            _ => letter::many_refusals(&named, occasion, &counted),
        }
    }

    /// The requests that an alert tells of.
    fn failures(&self, whose: &Watched, kind: AlertKind) -> String {
        let url = self.alerts.public_url();
        match (whose, kind) {
            (Watched::Portal, AlertKind::ServerErrors) => format!("{url}/admin/usage?range=1h"),
            (Watched::Portal, _) => format!("{url}/admin/failures?view=networks"),
            (Watched::Environment(one), _) => {
                format!("{url}/apps/{}/{}/usage?range=1h", one.application, one.environment)
            }
            (Watched::Credential(one, id), _) => {
                format!("{url}/apps/{}/{}/logs?outcome=refused&key={id}", one.application, one.environment)
            }
        }
    }

    fn environment(&self, one: &WatchedEnvironment) -> AlertSubject {
        let url = format!("{}/apps/{}/{}/usage", self.alerts.public_url(), one.application, one.environment);
        let name = format!("{} ({})", one.application_name, one.environment);
        AlertSubject { what: SubjectKind::Environment, id: Some(one.id.as_uuid()), name, hint: String::new(), url }
    }

    fn credential(&self, owner: &WatchedEnvironment, id: Uuid, named: &NamedCredential) -> AlertSubject {
        AlertSubject::credential(owner, id, named, self.alerts.public_url())
    }

    async fn look_at_lockouts(
        &self,
        rules: &Rules,
        is_going: &HashSet<About>,
        lasting: &mut HashSet<About>,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let rule = rules.of(AlertsOf::Portal, AlertKind::Lockouts);
        let Measure::Count { at_least } = rule.measure else { return Ok(false) };
        let locks = self.ports.store.lock_count(now).await?;
        if !rule.on || locks < u64::from(at_least) {
            return Ok(false);
        }
        lasting.insert(LOCKOUTS);
        if is_going.contains(&LOCKOUTS) {
            return Ok(false);
        }
        let url = format!("{}/admin/lockouts", self.alerts.public_url());
        let letter = letter::many_lockouts(format!("lockouts:{}", crate::clock::written(now)), locks, now, &url);
        let alert = NewAlert {
            of: AlertsOf::Portal,
            kind: AlertKind::Lockouts,
            subject: AlertSubject::portal(self.alerts.public_url()),
            letter,
            measured: Some(Measured { matching: locks, requests: None, minutes: None }),
            lasts: true,
        };
        let admins = AlertsOf::Portal.people(&*self.ports.store).await?;
        self.raise_or_resume(alert, &admins, now).await
    }

    async fn look_at_networks(&self, rules: &Rules, failed: &mut FirstError) -> Result<u64, StoreError> {
        let mut raised = 0;
        loop {
            let seen = self.ports.store.networks_untold(Self::NETWORKS_AT_ONCE).await?;
            let mut progress = false;
            for one in &seen {
                match self.look_at_network(rules, one).await {
                    Ok(None) => {}
                    Ok(Some(new)) => {
                        progress = true;
                        raised += u64::from(new);
                    }
                    Err(error) => failed.note(error),
                }
            }
            if !progress {
                return Ok(raised);
            }
        }
    }

    /// Whether an alert was raised of a network; none where another node looked at it.
    async fn look_at_network(&self, rules: &Rules, seen: &SeenNetwork) -> Result<Option<bool>, StoreError> {
        let mut work = self.ports.store.begin().await?;
        if work.network_told(seen.credential, &seen.network).await? == Consumed::Lost {
            return Ok(None);
        }
        let raised = self.tell_of_network(&mut *work, rules, seen).await?;
        work.commit().await?;
        Ok(Some(raised))
    }

    async fn tell_of_network(
        &self,
        work: &mut dyn crate::port::UnitOfWork,
        rules: &Rules,
        seen: &SeenNetwork,
    ) -> Result<bool, StoreError> {
        if seen.others == 0 || seen.others >= Self::MOVES_ABOUT {
            return Ok(false);
        }
        let Some((named, owner)) = self.ports.store.named_credential(seen.credential).await? else {
            return Ok(false);
        };
        let rule = match &owner {
            CredentialOwner::Environment(environment) => {
                rules.of(AlertsOf::Team(environment.team), AlertKind::NewNetwork)
            }
            CredentialOwner::Person(_) => Rule::usual(AlertsOf::Portal, AlertKind::NewNetwork),
        };
        let Measure::Learning { hours } = rule.measure else { return Ok(false) };
        if !rule.on || seen.first_at - seen.used_since < Duration::hours(hours.into()) {
            return Ok(false);
        }
        match owner {
            CredentialOwner::Person(email) => {
                let url = format!("{}/account/tokens/{}", self.alerts.public_url(), seen.credential);
                let letter = network_letter(&named, "", &url, seen);
                letter.send(work, &self.ports, &[email]).await?;
                Ok(true)
            }
            CredentialOwner::Environment(environment) => {
                let subject = self.credential(&environment, seen.credential, &named);
                let letter = network_letter(&named, environment.application_name.as_str(), &subject.url, seen);
                let of = AlertsOf::Team(environment.team);
                let people = of.people(&*self.ports.store).await?;
                let alert = NewAlert { of, kind: AlertKind::NewNetwork, subject, letter, measured: None, lasts: false };
                Ok(self.alerts.raise(work, alert, &people).await? == Inserted::Done)
            }
        }
    }
}

fn network_letter(named: &NamedCredential, owner: &str, url: &str, seen: &SeenNetwork) -> Letter {
    let what = letter::sort(named.what);
    let named = Named { what, name: &named.name, hint: &named.hint, owner, url, failures: url };
    letter::new_network(&named, seen)
}

fn about(alert: &Alert) -> About {
    (alert.of, alert.kind, alert.subject)
}

fn by_kind((of, rule): (AlertsOf, Rule)) -> ((AlertsOf, AlertKind), Rule) {
    ((of, rule.kind), rule)
}

/// The rules that somebody changed; for everybody else, the usual ones hold.
struct Rules(HashMap<(AlertsOf, AlertKind), Rule>);

impl Rules {
    fn of(&self, of: AlertsOf, kind: AlertKind) -> Rule {
        self.0.get(&(of, kind)).copied().unwrap_or(Rule::usual(of, kind))
    }

    /// For how many minutes together any rule looks at requests.
    fn windows(&self) -> BTreeSet<u8> {
        let usual = Rule::usual(AlertsOf::Portal, AlertKind::FailureRate);
        self.0.values().chain([&usual]).filter_map(Rule::share).map(|share| share.minutes).collect()
    }
}

/// Something that lasts.
#[derive(Debug, PartialEq, Eq)]
struct Begun {
    of: AlertsOf,
    kind: AlertKind,
    subject: Option<Uuid>,
    matching: u64,
    requests: u64,
    share: Share,
}

/// What these counts, of so many minutes, are enough for.
fn begun(rules: &Rules, minutes: u8, counts: &WatchedCounts) -> Vec<Begun> {
    let (of, subject, kinds): (_, _, &[AlertKind]) = match &counts.whose {
        Watched::Portal => (AlertsOf::Portal, None, &[AlertKind::FailureRate, AlertKind::ServerErrors]),
        Watched::Environment(one) => (AlertsOf::Team(one.team), Some(one.id.as_uuid()), &[AlertKind::ServerErrors]),
        Watched::Credential(one, id) => (AlertsOf::Team(one.team), Some(*id), &[AlertKind::FailureRate]),
    };
    kinds
        .iter()
        .filter_map(|kind| {
            let rule = rules.of(of, *kind);
            let share = rule.share().filter(|share| rule.on && share.minutes == minutes)?;
            let matching = match kind {
                AlertKind::ServerErrors => counts.server_errors,
                _ => counts.refused,
            };
            let requests = counts.requests;
            let begun = Begun { of, kind: *kind, subject, matching, requests, share };
            share.is_reached(matching, requests).then_some(begun)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_measured_by_the_rule_of_their_team_and_time() {
        let mut rule = Rule::usual(AlertsOf::Portal, AlertKind::FailureRate);
        rule.measure = Measure::Share(Share { percent: 10, at_least: 5, minutes: 30 });
        let rules = Rules([((AlertsOf::Portal, AlertKind::FailureRate), rule)].into());
        assert_eq!(rules.windows().into_iter().collect::<Vec<_>>(), [10, 30]);
        let counts =
            |refused, server_errors| WatchedCounts { whose: Watched::Portal, requests: 100, refused, server_errors };
        assert_eq!(begun(&rules, 10, &counts(90, 0)), [], "the portal looks at thirty minutes together");
        let found = begun(&rules, 30, &counts(10, 90));
        assert_eq!(
            found.iter().map(|one| (one.kind, one.matching)).collect::<Vec<_>>(),
            [(AlertKind::FailureRate, 10)]
        );
        let found = begun(&rules, 10, &counts(10, 5));
        assert_eq!(
            found.iter().map(|one| (one.kind, one.matching)).collect::<Vec<_>>(),
            [(AlertKind::ServerErrors, 5)]
        );
        assert_eq!(begun(&rules, 30, &counts(9, 0)), []);
    }
}
