//! The door with its look-up: what stands between the pure decision and the store.

use super::{
    asked::Asked,
    basic::Basic,
    credential::{Credential, Via},
    decide::{Facts, Held, Lookup, Transport, decide, stopped_early},
    entry::Entry,
    known_keys::{Found, KnownKeys},
    known_people::{FoundPerson, KnownPeople},
    refusal::Refusal,
    verdict::Verdict,
};
use crate::{
    access_token::{FoundToken, KnownTokens},
    account::PlainPassword,
    api_key::{
        Rotations,
        format::{PresentedKey, PublicId},
    },
    block::Blocks,
    certificate::ClientCertificate,
    dpop::{PresentedProof, ProofProblem, Proofs},
    limit::{Limiter, Meter, Quota, Reading, network_of},
    port::session::SessionDigest,
    secret::DigestKey,
};
use std::{net::IpAddr, sync::Arc};
use time::OffsetDateTime;

/// Judges requests.
#[derive(Clone)]
pub struct Door {
    blocks: Blocks,
    known: KnownKeys,
    tokens: KnownTokens,
    people: KnownPeople,
    proofs: Proofs,
    pepper: DigestKey,
    rotations: Rotations,
    /// Keys that turned out to be nobody's, by network: whoever makes them up may not make us ask the store for ever.
    strangers: Arc<Limiter<IpAddr>>,
}

impl Door {
    /// A door that remembers keys here; `unknown_quota` is how many keys that nobody has each network may try.
    #[expect(clippy::too_many_arguments, reason = "each is something that the door asks")]
    pub fn new(
        blocks: Blocks,
        known: KnownKeys,
        tokens: KnownTokens,
        people: KnownPeople,
        proofs: Proofs,
        pepper: DigestKey,
        rotations: Rotations,
        unknown_quota: Quota,
    ) -> Self {
        Self {
            blocks,
            known,
            tokens,
            people,
            proofs,
            pepper,
            rotations,
            strangers: Arc::new(Limiter::new(unknown_quota)),
        }
    }

    /// Judges one request: mostly from memory, with one query for a key that is not in it, and none for what is no well-formed
    /// key.
    ///
    /// A token that comes with a proof needs the proof too: without one, it is judged as if the caller had sent none.
    pub async fn judge(
        &self,
        facts: &Facts,
        credential: &Credential<'_>,
        proof: Option<&PresentedProof<'_>>,
    ) -> Box<Verdict> {
        if let Some(verdict) = self.judge_at_once(facts, credential) {
            return verdict;
        }
        let lookup = self.ask(facts, credential, proof).await;
        let verdict = self.conclude(facts, credential, lookup);
        if let Ok(principal) = &verdict.outcome
            && principal.entry().begin_takeover()
        {
            // On the heap, like every path that few requests take: the others need not carry room for it.
            Box::pin(self.rotations.first_use(Arc::clone(principal.entry()), facts.at, facts.address)).await;
        }
        verdict
    }

    /// The same at once, where everything that it takes is in mind: most requests are judged so. None where somebody must be asked;
    /// nothing is counted then, and [`Door::judge`] begins anew.
    pub fn judge_at_once(&self, facts: &Facts, credential: &Credential<'_>) -> Option<Box<Verdict>> {
        if let Some(refusal) = self.keeps_out(facts.address, facts.at) {
            let remembered = self.remembered(facts, credential);
            return Some(Box::new(stopped_early(facts, credential, refusal, remembered)));
        }
        let lookup = self.at_hand(facts, credential)?;
        Some(self.conclude(facts, credential, lookup))
    }

    /// What is in mind of a credential, where that is all it takes.
    pub(crate) fn at_hand(&self, facts: &Facts, credential: &Credential<'_>) -> Option<Lookup> {
        let entry = match credential {
            Credential::ApiKey { key, .. } => return self.key_at_hand(facts, *key),
            Credential::AccessToken { via: Via::Bearer, text } => {
                self.tokens.remembered(&KnownTokens::digest(text), facts.at)?
            }
            Credential::Certificate(certificate) => self.tokens.remembered_by(certificate, facts.at)?,
            Credential::Session(session) if facts.transport == Transport::Private && session.by_our_page => {
                self.people.remembered(&session.digest, facts.at)?
            }
            // With a proof to verify, or a password to compare.
            Credential::AccessToken { .. } | Credential::Password(_) => return None,
            Credential::InQuery { key, token, .. } if key.is_some() || token.is_some() => return None,
            _ => return Some(Lookup::NotAsked),
        };
        Some(Lookup::Proven { entry, held: Held::Nothing })
    }

    /// What is in mind of a key. One that takes over from another with its first use is not judged at once: that is written down
    /// before it is answered.
    fn key_at_hand(&self, facts: &Facts, key: PresentedKey<'_>) -> Option<Lookup> {
        self.remembered_key(facts, key).filter(|found| !found.entry().is_some_and(Entry::awaits_first_use))
    }

    /// What is in mind of a key. That nobody has it costs its network a try, as finding that out does.
    fn remembered_key(&self, facts: &Facts, key: PresentedKey<'_>) -> Option<Lookup> {
        Some(match self.known.remembered(key.public_id(), facts.at)? {
            Found::Key(entry) => Lookup::Found { presented: key.digest(&self.pepper), entry },
            Found::Nothing => {
                let charged = self.charge(facts, key.public_id());
                match charged.and_then(|(_, reading)| reading.retry_after()) {
                    Some(retry_after) => Lookup::TooManyUnknown { retry_after },
                    None => Lookup::Unknown,
                }
            }
        })
    }

    /// What the store says of a credential that is not in mind.
    async fn ask(&self, facts: &Facts, credential: &Credential<'_>, proof: Option<&PresentedProof<'_>>) -> Lookup {
        match credential {
            // A key in the URL is looked up too: its owner is told only if it is really theirs.
            Credential::ApiKey { key, .. } => self.find(facts, *key).await,
            // So is a token that came over plain HTTP; it is refused whatever its proof says.
            Credential::AccessToken { via, text } => match self.find_token(facts, text).await {
                Lookup::Proven { entry, .. } if *via == Via::Dpop && facts.transport == Transport::Private => {
                    Lookup::Proven { entry, held: self.held(facts, proof, text) }
                }
                found => found,
            },
            // A password that came over plain HTTP, or for another API, is not compared here.
            Credential::Password(basic)
                if facts.transport == Transport::Private && matches!(facts.asked, Asked::Demo { .. }) =>
            {
                Box::pin(self.find_person(facts, basic)).await
            }
            Credential::Session(session) if facts.transport == Transport::Private && session.by_our_page => {
                self.find_session(facts, &session.digest).await
            }
            Credential::Certificate(certificate) => self.find_certificate(facts, certificate).await,
            Credential::InQuery { key: Some(key), .. } => self.find(facts, key.presented()).await,
            Credential::InQuery { token: Some(text), .. } => Box::pin(self.find_token(facts, text)).await,
            _ => Lookup::NotAsked,
        }
    }

    /// The decision, and how the network of whoever is not known stands. It is on the heap, since it goes through many hands.
    pub(crate) fn conclude(&self, facts: &Facts, credential: &Credential<'_>, lookup: Lookup) -> Box<Verdict> {
        let mut verdict = Box::new(decide(facts, credential, lookup));
        if verdict.readings.is_none() {
            self.tell_of_network(facts, &mut verdict);
        }
        verdict
    }

    /// Whether an admin keeps the caller's network out.
    pub(crate) fn keeps_out(&self, address: IpAddr, now: OffsetDateTime) -> Option<Refusal> {
        let (network, until) = self.blocks.covering(address, now)?;
        Some(Refusal::AddressBlocked { network, until })
    }

    /// Whose credential it is, as far as that takes no question: whoever is kept out may not make us ask the store.
    fn remembered(&self, facts: &Facts, credential: &Credential<'_>) -> Lookup {
        match credential {
            Credential::ApiKey { key, .. } => match self.known.remembered(key.public_id(), facts.at) {
                Some(Found::Key(entry)) => Lookup::Found { presented: key.digest(&self.pepper), entry },
                _ => Lookup::NotAsked,
            },
            _ => Lookup::NotAsked,
        }
    }

    /// What the caller holds, by its proof for this request and this token.
    fn held(&self, facts: &Facts, proof: Option<&PresentedProof<'_>>, token: &str) -> Held {
        let Some(proof) = proof else { return Held::NotProven(ProofProblem::Missing) };
        match self.proofs.judge(proof, Some(token), facts.at) {
            Ok(thumbprint) => Held::Key(thumbprint),
            Err(why) => Held::NotProven(why),
        }
    }

    /// What is known of a key. One that the store has never named costs its network a try before it is looked up, and gives it
    /// back if it turns out to be somebody's: keys that are known are never held up by others that are not.
    async fn find(&self, facts: &Facts, key: PresentedKey<'_>) -> Lookup {
        if let Some(found) = self.remembered_key(facts, key) {
            return found;
        }
        let id = key.public_id();
        let charged = self.charge(facts, id);
        if let Some(retry_after) = charged.as_ref().and_then(|(_, reading)| reading.retry_after()) {
            return Lookup::TooManyUnknown { retry_after };
        }
        let found = Box::pin(self.known.look_up(id, facts.at)).await;
        if let (Ok(Found::Key(_)) | Err(_), Some((meter, _))) = (&found, charged) {
            meter.give_back();
        }
        match found {
            Ok(Found::Key(entry)) => Lookup::Found { presented: key.digest(&self.pepper), entry },
            Ok(Found::Nothing) => Lookup::Unknown,
            Err(error) => {
                tracing::error!(request.id = %facts.id, error = &error as &dyn std::error::Error, "the door cannot ask the store");
                Lookup::Unavailable
            }
        }
    }

    /// What is known of a token. One that is not in mind costs its network a try before its signature is verified, and gives it back
    /// if it turns out to be ours.
    async fn find_token(&self, facts: &Facts, text: &str) -> Lookup {
        let digest = KnownTokens::digest(text);
        if let Some(entry) = self.tokens.remembered(&digest, facts.at) {
            return Lookup::Proven { entry, held: Held::Nothing };
        }
        let charged = self.charge_network(facts);
        if let Some(retry_after) = charged.as_ref().and_then(|(_, reading)| reading.retry_after()) {
            return Lookup::TooManyUnknown { retry_after };
        }
        let found = Box::pin(self.tokens.look_up(text, digest, facts.at)).await;
        if let (Ok(FoundToken::Token(_)) | Err(_), Some((meter, _))) = (&found, charged) {
            meter.give_back();
        }
        match found {
            Ok(FoundToken::Token(entry)) => Lookup::Proven { entry, held: Held::Nothing },
            Ok(FoundToken::Not(problem)) => Lookup::NotProven(problem),
            Err(error) => {
                tracing::error!(
                    request.id = %facts.id,
                    error = &error as &dyn std::error::Error,
                    "the door cannot ask the store about a token"
                );
                Lookup::Unavailable
            }
        }
    }

    /// Whose address and password these are.
    async fn find_person(&self, facts: &Facts, basic: &Basic) -> Lookup {
        let Some((email, password)) = basic.name_and_password() else { return Lookup::NotAsked };
        let found = self.people.by_password(email, PlainPassword::new(password), facts.address, facts.at).await;
        match found {
            Ok(FoundPerson::Person(entry)) => Lookup::Proven { entry, held: Held::Nothing },
            Ok(FoundPerson::Not(known, why)) => Lookup::NotAPerson { known, why },
            Ok(FoundPerson::TooMany { retry_after }) => Lookup::TooManyUnknown { retry_after },
            Err(error) => {
                tracing::error!(request.id = %facts.id, error = &error as &dyn std::error::Error, "the door cannot compare a password");
                Lookup::Unavailable
            }
        }
    }

    /// Who is signed in with a browser.
    async fn find_session(&self, facts: &Facts, digest: &SessionDigest) -> Lookup {
        match self.people.by_session(digest, facts.at).await {
            Ok(Some(entry)) => Lookup::Proven { entry, held: Held::Nothing },
            Ok(None) => Lookup::Nobody,
            Err(error) => {
                tracing::error!(
                    request.id = %facts.id,
                    error = &error as &dyn std::error::Error,
                    "the door cannot ask the store for a session"
                );
                Lookup::Unavailable
            }
        }
    }

    /// Whose machine's certificate this is. One that is not in mind costs its network a try, as a token does.
    async fn find_certificate(&self, facts: &Facts, certificate: &ClientCertificate) -> Lookup {
        let charged = self.charge_network(facts);
        if let Some(retry_after) = charged.as_ref().and_then(|(_, reading)| reading.retry_after()) {
            return Lookup::TooManyUnknown { retry_after };
        }
        let found = Box::pin(self.tokens.look_up_by(certificate, facts.at)).await;
        if let (Ok(Some(_)) | Err(_), Some((meter, _))) = (&found, charged) {
            meter.give_back();
        }
        match found {
            Ok(Some(entry)) => Lookup::Proven { entry, held: Held::Nothing },
            Ok(None) => Lookup::Nobody,
            Err(error) => {
                tracing::error!(
                    request.id = %facts.id,
                    error = &error as &dyn std::error::Error,
                    "the door cannot ask whose certificate it is"
                );
                Lookup::Unavailable
            }
        }
    }

    /// Spends one try of the caller's network, unless the id is one that the store has named before.
    fn charge(&self, facts: &Facts, id: PublicId) -> Option<(Arc<Meter>, Reading)> {
        if self.known.exists(id) { None } else { self.charge_network(facts) }
    }

    fn charge_network(&self, facts: &Facts) -> Option<(Arc<Meter>, Reading)> {
        if facts.address.is_loopback() {
            return None;
        }
        let meter = self.strangers.meter(&network_of(facts.address));
        let reading = meter.spend(facts.at);
        Some((meter, reading))
    }

    /// Says how many tries the network has left. Another secret around a known id costs one like an unknown id does, and is
    /// answered alike once there is none left: nobody learns by it which ids exist.
    fn tell_of_network(&self, facts: &Facts, verdict: &mut Verdict) {
        // This machine's own address may be a proxy's, which stands for everybody: one stranger must not stop them all.
        if facts.address.is_loopback() {
            return;
        }
        let network = network_of(facts.address);
        if matches!(verdict.outcome, Err(Refusal::WrongSecret)) {
            let reading = self.strangers.check(&network, facts.at);
            if let Some(retry_after) = reading.retry_after() {
                verdict.outcome = Err(Refusal::TooManyFailures { retry_after });
            }
        }
        verdict.network = Some(self.strangers.look(&network, facts.at));
    }
}
