//! What operators do with APIs of their own, and what service accounts may do for them.

use super::{
    catalog::{ApiInForce, KnownApis},
    form::{self, ApiForm},
    policy::Policies,
};
use crate::{
    actor::{Actor, NotAdmin, NotSignedIn},
    audit::{Act, Action},
    authn::Principal,
    oauth_client::{ClientId, ClientKind},
    port::{
        Consumed, Inserted, StoreError, UnitOfWork,
        api::{ApiScope, ApiSettings, Duplicate, GuardedApi},
    },
    ports::Ports,
};
use latchkey_model::{ApiId, ApiSlug, FieldErrors};
use std::{collections::BTreeSet, fmt, net::IpAddr, sync::Arc};

/// Why an API could not be shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// Only an admin may.
    #[error("only an admin may do this")]
    Forbidden,
    /// Fields are wrong; each sentence says why.
    #[error("some fields need another look")]
    Invalid(FieldErrors),
    /// Somebody changed it meanwhile.
    #[error("it was changed meanwhile")]
    Changed,
    /// There is no such API, as far as whoever asks may know.
    #[error("no such API")]
    NotFound,
    /// The store failed.
    #[error("the APIs could not be reached")]
    Store(#[from] StoreError),
}

impl From<NotAdmin> for GatewayError {
    fn from(error: NotAdmin) -> Self {
        match error {
            NotAdmin::NotSignedIn(error) => Self::NotSignedIn(error),
            NotAdmin::Developer => Self::Forbidden,
        }
    }
}

/// Does with guarded APIs what operators ask.
#[derive(Clone)]
pub struct GuardedApis {
    ports: Ports,
    apis: KnownApis,
    issuer: Arc<str>,
}

impl GuardedApis {
    /// The service of this server.
    pub fn new(ports: Ports, apis: KnownApis, issuer: Arc<str>) -> Self {
        Self { ports, apis, issuer }
    }

    /// Every guarded API, by name.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn list(&self, actor: &Actor) -> Result<Vec<GuardedApi>, GatewayError> {
        actor.admin()?;
        Ok(self.ports.store.guarded_apis().await?)
    }

    /// One of them.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn get(&self, actor: &Actor, slug: &ApiSlug) -> Result<GuardedApi, GatewayError> {
        let all = self.list(actor).await?;
        all.into_iter().find(|api| api.slug == *slug).ok_or(GatewayError::NotFound)
    }

    /// Registers an API. It belongs to the admin's own team.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn register(&self, actor: &Actor, form: &ApiForm<'_>) -> Result<ApiSlug, GatewayError> {
        let account = actor.admin()?;
        let mut errors = FieldErrors::default();
        let slug = errors.check("slug", form.slug.trim().parse::<ApiSlug>());
        let (settings, policies, slug) = match (self.check(form).await, slug) {
            (Ok((settings, policies)), Some(slug)) => (settings, policies, slug),
            (Err(GatewayError::Invalid(others)), _) => {
                others.iter().for_each(|(field, sentence)| errors.add(field, sentence));
                return Err(GatewayError::Invalid(errors));
            }
            (Err(error), _) => return Err(error),
            (Ok(_), None) => return Err(GatewayError::Invalid(errors)),
        };
        let team = self.ports.store.memberships(account.id).await?.into_iter().next();
        let now = self.ports.now();
        let api = GuardedApi {
            id: ApiId::from_uuid(self.ports.uuid_at(now)),
            team_id: team.ok_or(GatewayError::NotFound)?.team_id,
            slug,
            settings,
            policies,
            version: 1,
            created_at: now,
        };
        let mut work = self.ports.store.begin().await?;
        if work.guarded_api_add(&api).await? == Inserted::Duplicate {
            drop(work);
            return Err(self.taken(&api).await?);
        }
        let act = Act::new(api.team_id, Action::ApiRegistered, api.id, &api.settings.name);
        let act = changes_of(act, None, Some(&api.settings)).change("policies", "", &api.policies);
        act.by(actor, &mut *work, &self.ports).await?;
        self.apis.commit(work).await?;
        Ok(api.slug)
    }

    /// Changes an API as this version of it was.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn update(
        &self,
        actor: &Actor,
        slug: &ApiSlug,
        version: i64,
        form: &ApiForm<'_>,
    ) -> Result<(), GatewayError> {
        let known = self.get(actor, slug).await?;
        let (settings, policies) = self.check(form).await?;
        let act = Act::new(known.team_id, Action::ApiChanged, known.id, &settings.name);
        let act = changes_of(act, Some(&known.settings), Some(&settings));
        let act = act.change("policies", &known.policies, &policies);
        self.save(GuardedApi { settings, policies, version, ..known }, By::Person(actor), act).await
    }

    /// Removes an API: nobody is let in to it any more.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn remove(&self, actor: &Actor, slug: &ApiSlug, version: i64) -> Result<(), GatewayError> {
        let known = self.get(actor, slug).await?;
        let mut work = self.ports.store.begin().await?;
        match work.guarded_api_retire(known.id, version, self.ports.now()).await? {
            Consumed::Won => {
                let act = Act::new(known.team_id, Action::ApiRemoved, known.id, &known.settings.name);
                let act = changes_of(act, Some(&known.settings), None).change("policies", &known.policies, "");
                act.by(actor, &mut *work, &self.ports).await?;
                Ok(self.apis.commit(work).await?)
            }
            Consumed::Lost => Err(GatewayError::Changed),
        }
    }

    /// The API of this short name, for a service account that may ask what credentials are worth there.
    ///
    /// # Errors
    /// [`GatewayError::NotFound`] for everybody else.
    pub async fn for_verifier(&self, by: &Principal, slug: &str) -> Result<Arc<ApiInForce>, GatewayError> {
        self.for_machine(by, slug, |api| &api.settings.verifiers).await
    }

    /// Whether a service account may ask about any API at all: nobody else is listened to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_verifier(&self, by: &Principal) -> Result<bool, GatewayError> {
        let catalog = self.apis.catalog(self.ports.now()).await?;
        Ok(catalog.apis().any(|api| names(by, &api.api.settings.verifiers)))
    }

    /// The policies of an API and its version, for a service account that may change them.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn policies(&self, by: &Principal, slug: &str) -> Result<(Policies, i64), GatewayError> {
        let api = self.for_machine(by, slug, |api| &api.settings.editors).await?;
        Ok((api.api.policies.clone(), api.api.version))
    }

    /// Puts these policies in the place of those of this version, or of whichever there are, for a service account at this address.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub async fn replace_policies(
        &self,
        by: &Principal,
        from: IpAddr,
        slug: &str,
        lines: &str,
        version: Option<i64>,
    ) -> Result<(Policies, i64), GatewayError> {
        // What is remembered may be old; what is written must rest on what there is.
        self.for_machine(by, slug, |api| &api.settings.editors).await?;
        let all = self.ports.store.guarded_apis().await?;
        let known = all.into_iter().find(|api| api.slug.as_str() == slug).ok_or(GatewayError::NotFound)?;
        if !names(by, &known.settings.editors) {
            return Err(GatewayError::NotFound);
        }
        if version.is_some_and(|version| version != known.version) {
            return Err(GatewayError::Changed);
        }
        let invalid = |sentence| GatewayError::Invalid(FieldErrors::one("policies", sentence));
        let policies = form::policies(lines).map_err(invalid)?;
        form::fit(&known.settings, &policies).map_err(invalid)?;
        let version = known.version;
        let Some(machine) = by.token().map(|token| &token.client_id) else { return Err(GatewayError::NotFound) };
        let act = Act::new(known.team_id, Action::ApiChanged, known.id, &known.settings.name)
            .change("policies", &known.policies, &policies)
            .because(format!("by the service account {machine}"));
        self.save(GuardedApi { policies: policies.clone(), ..known }, By::Program(from), act).await?;
        Ok((policies, version + 1))
    }

    async fn for_machine(
        &self,
        by: &Principal,
        slug: &str,
        allowed: impl Fn(&GuardedApi) -> &BTreeSet<ClientId>,
    ) -> Result<Arc<ApiInForce>, GatewayError> {
        let catalog = self.apis.catalog(self.ports.now()).await?;
        let api = catalog.api(slug).ok_or(GatewayError::NotFound)?;
        if names(by, allowed(&api.api)) { Ok(Arc::clone(api)) } else { Err(GatewayError::NotFound) }
    }

    async fn check(&self, form: &ApiForm<'_>) -> Result<(ApiSettings, Policies), GatewayError> {
        let built_in: Vec<_> = self.ports.store.built_in_apis().await?.into_iter().flat_map(|api| api.scopes).collect();
        let (settings, policies) = form.check(&self.issuer, &built_in).map_err(GatewayError::Invalid)?;
        let mut errors = FieldErrors::default();
        for (field, clients) in [("verifiers", &settings.verifiers), ("editors", &settings.editors)] {
            for id in clients {
                let found = self.ports.store.oauth_client_for_token(id).await?;
                let is_machine = found.is_some_and(|stored| {
                    stored.client.kind == ClientKind::ServiceAccount && stored.client.revoked_at.is_none()
                });
                if !is_machine {
                    errors.add(field, format!("{id} is no service account of this portal"));
                }
            }
        }
        if errors.is_empty() { Ok((settings, policies)) } else { Err(GatewayError::Invalid(errors)) }
    }

    async fn save(&self, api: GuardedApi, by: By<'_>, act: Act) -> Result<(), GatewayError> {
        let mut work: Box<dyn UnitOfWork> = self.ports.store.begin().await?;
        match work.guarded_api_update(&api).await? {
            Ok(Consumed::Won) => {
                match by {
                    By::Person(actor) => act.by(actor, &mut *work, &self.ports).await?,
                    By::Program(from) => act.by_program(from, &mut *work, &self.ports).await?,
                }
                Ok(self.apis.commit(work).await?)
            }
            Ok(Consumed::Lost) => Err(GatewayError::Changed),
            Err(Duplicate) => {
                drop(work);
                Err(self.taken(&api).await?)
            }
        }
    }

    /// What of an API is another's already.
    async fn taken(&self, api: &GuardedApi) -> Result<GatewayError, StoreError> {
        let others: Vec<_> =
            self.ports.store.guarded_apis().await?.into_iter().filter(|other| other.id != api.id).collect();
        let mut errors = FieldErrors::default();
        for other in &others {
            if other.slug == api.slug {
                errors.add("slug", "Another API has this short name");
            }
            if other.settings.base_url == api.settings.base_url {
                errors.add("base_url", "Another API has this address");
            }
            let both = other.settings.scope_set().intersection(&api.settings.scope_set());
            if let Some(scope) = both.iter().next() {
                errors.add("scopes", format!("{scope} is a scope of {} already", other.settings.name));
            }
        }
        if errors.is_empty() {
            let sentence = "The short name, the address or a scope was that of an API that is gone, or has given it up. Credentials may hold it still: choose another";
            errors.add(if api.version == 1 { "slug" } else { "scopes" }, sentence);
        }
        Ok(GatewayError::Invalid(errors))
    }
}

/// Who changes an API.
#[derive(Clone, Copy)]
enum By<'a> {
    /// An admin.
    Person(&'a Actor),
    /// A program at this address.
    Program(IpAddr),
}

/// What was changed about an API, but for its policies; all that is set of one that is new, or gone.
fn changes_of(act: Act, before: Option<&ApiSettings>, after: Option<&ApiSettings>) -> Act {
    let [before, after] = [before, after].map(|settings| settings.map(written).unwrap_or_default());
    before.into_iter().zip(after).fold(act, |act, ((field, before), (of_after, after))| {
        act.change(if field.is_empty() { of_after } else { field }, before, after)
    })
}

/// Every setting as text. The settings are taken apart here: one that is added to them is told of, or this does not build.
fn written(settings: &ApiSettings) -> [(&'static str, String); 6] {
    let ApiSettings { name, base_url, scopes, environments, verifiers, editors } = settings;
    let one = |scope: &ApiScope| format!("{} ({})", scope.scope, scope.description);
    [
        ("name", name.to_string()),
        ("base_url", base_url.clone()),
        ("scopes", in_one_line(scopes.iter().map(one))),
        ("environments", in_one_line(environments)),
        ("verifiers", in_one_line(verifiers)),
        ("editors", in_one_line(editors)),
    ]
}

fn in_one_line(all: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let all: Vec<_> = all.into_iter().map(|one| one.to_string()).collect();
    all.join(", ")
}

/// Whether a caller is one of these machines itself: no app that acts for a person, and nobody who exchanged its token.
fn names(by: &Principal, machines: &BTreeSet<ClientId>) -> bool {
    by.token().is_some_and(|token| token.is_of_the_client_itself() && machines.contains(&token.client_id))
}
