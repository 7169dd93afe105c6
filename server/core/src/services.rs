//! Every service, bundled for the handlers.

use crate::{
    access_token::{KnownTokens, TokenSurroundings, demo_api, gateway},
    account::{
        AccessEnds, AccountService, DeletionService, MailedLinks, PasswordService, Passwords, PersonalDataService,
        ProfileService, SessionEnds, SessionService, SessionValues,
    },
    alert::{AlertService, AlertWatch, Alerts},
    api_key::{ApiKeyService, Housekeeping, KeyChanges, NeededScope, Rotations, RouteScopes},
    application::ApplicationService,
    audit::AuditService,
    authn::{Door, KnownKeys, KnownPeople},
    authorization::{
        AuthorizationParts, AuthorizationService, ClientAuthParts, ClientAuthenticator, DeviceService, PushedRequests,
        TokenParts, TokenService,
    },
    block::{BlockService, Blocks},
    demo::PostService,
    directory::Directory,
    dpop::Proofs,
    gateway::{GatewayDesk, GuardedApis, KnownApis},
    grant::GrantService,
    identity_provider::{IdentityProviders, LinkedIdentities, ProviderClient, ProviderSignIn},
    leak::{LeakDesk, LeakParts},
    limit::{Limiter, Quota},
    lockout::{LockoutDesk, Lockouts},
    mail::{MailCarrier, OutboxService, Postman},
    memories::Memories,
    notice::NoticeService,
    oauth_client::{
        ClientCertificates, ClientSites, ClientVerification, FetchedKeys, KnownClients, MetadataDocuments,
        OauthClientService, Registrations,
    },
    openid::{SignOutParts, SignOuts, Subjects},
    overview::OverviewService,
    personal_token::PersonalTokenService,
    ports::Ports,
    retention::RetentionService,
    sealing::{SealError, Sealer},
    second_factor::{Passkeys, RelyingParty, SecondFactors},
    secret::MasterKey,
    signing_key::{KeyRing, SigningKeyService},
    team::TeamService,
    usage::{LogService, SavedViews, UsageService},
    webhook::{Courier, WebhookCarrier, WebhookService},
};
use std::sync::Arc;

/// What an operator can set about the rules, and what the rules must know of the surface.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The rate limit of each API key that has none of its own.
    pub key_quota: Quota,
    /// The rate limit of all keys of one team, or of one person, together.
    pub owner_quota: Quota,
    /// Keys that nobody has, for each network, before it has to wait.
    pub unknown_quota: Quota,
    /// Tries to sign up or in, for each address.
    pub attempt_quota: Quota,
    /// Reports of leaked keys, and apps that register themselves, for each network.
    pub report_quota: Quota,
    /// Passwords hashed at once.
    pub hashes_at_once: usize,
    /// The length of the shortest password, in characters.
    pub shortest_password: usize,
    /// Which scope each route of the API needs.
    pub needed_scope: NeededScope,
    /// Which certificates of clients can be known.
    pub client_certificates: ClientCertificates,
    /// Where links in mails lead, without a slash at its end.
    pub public_url: String,
    /// For how many days single requests are kept, where no admin says otherwise.
    pub request_days: u16,
    /// The most bytes that rows of single requests may take.
    pub request_bytes: u64,
    /// Whether webhooks may be told by plain HTTP: where everything is in a private network.
    pub plain_webhooks: bool,
}

/// Who is spoken to beyond this server.
#[derive(Clone)]
pub struct OutsidePorts {
    /// What clients have there.
    pub client_sites: Arc<dyn ClientSites>,
    /// Other providers that people sign in with.
    pub providers: Arc<dyn ProviderClient>,
    /// Who takes mails, once a server for it is set.
    pub mail: Option<Arc<dyn MailCarrier>>,
    /// Who posts messages to webhooks.
    pub webhooks: Arc<dyn WebhookCarrier>,
}

/// Every service. Cloning it clones handles.
#[derive(Clone)]
pub struct Services {
    /// Signing up and in.
    pub accounts: AccountService,
    /// Names and addresses.
    pub profiles: ProfileService,
    /// Changing passwords.
    pub passwords: PasswordService,
    /// What was changed by whom.
    pub audit: AuditService,
    /// Deleting accounts.
    pub deletions: DeletionService,
    /// What is asked for beside a password.
    pub second_factors: SecondFactors,
    /// Passkeys.
    pub passkeys: Passkeys,
    /// Tries that fail.
    pub lockouts: Lockouts,
    /// Links that are mailed.
    pub mailed_links: MailedLinks,
    /// Sends mails.
    pub postman: Postman,
    /// The sessions of an account.
    pub sessions: SessionService,
    /// What sessions keep.
    pub session_values: SessionValues,
    /// Other providers that people sign in with.
    pub identity_providers: IdentityProviders,
    /// Signing in with them.
    pub provider_sign_in: ProviderSignIn,
    /// Which identities there open an account.
    pub linked_identities: LinkedIdentities,
    /// Telling apps of sign-outs.
    pub sign_outs: SignOuts,
    /// What is kept about people.
    pub personal_data: PersonalDataService,
    /// Teams.
    pub teams: TeamService,
    /// Applications.
    pub applications: ApplicationService,
    /// API keys.
    pub api_keys: ApiKeyService,
    /// Personal access tokens.
    pub personal_tokens: PersonalTokenService,
    /// What the clock asks of keys.
    pub housekeeping: Housekeeping,
    /// The door.
    pub door: Door,
    /// Decisions about requests to guarded APIs.
    pub gateway: GatewayDesk,
    /// What operators do with guarded APIs.
    pub guarded_apis: GuardedApis,
    /// Proofs that callers hold the keys which their tokens are bound to.
    pub proofs: Proofs,
    /// What the door remembers.
    pub known_keys: KnownKeys,
    /// Reports of leaked keys.
    pub leaks: LeakDesk,
    /// What people are told in the portal.
    pub notices: NoticeService,
    /// Mails that were written.
    pub outbox: OutboxService,
    /// The demo API's posts.
    pub posts: PostService,
    /// Counts.
    pub usage: UsageService,
    /// What admins see first.
    pub overview: OverviewService,
    /// What they see and do of lockouts.
    pub lockout_desk: LockoutDesk,
    /// How long things are kept.
    pub retention: RetentionService,
    /// What admins find of everybody's, and do to it.
    pub directory: Directory,
    /// Networks that are kept out.
    pub blocks: BlockService,
    /// What people hear of alerts.
    pub alerts: AlertService,
    /// Looks for what lasts.
    pub alert_watch: AlertWatch,
    /// Where programs are told of alerts.
    pub webhooks: WebhookService,
    /// Posts messages to them.
    pub courier: Courier,
    /// Single requests.
    pub log: LogService,
    /// Views of them that people keep.
    pub saved_views: SavedViews,
    /// OAuth clients and service accounts.
    pub oauth_clients: OauthClientService,
    /// Apps that register themselves.
    pub registrations: Registrations,
    /// Which client asks an endpoint of OAuth.
    pub client_auth: ClientAuthenticator,
    /// Making, explaining and ending tokens.
    pub tokens: TokenService,
    /// Devices on which nobody can sign in.
    pub devices: DeviceService,
    /// Requests that clients send themselves, before they send the person.
    pub pushed: PushedRequests,
    /// Asking people for their consent.
    pub authorization: AuthorizationService,
    /// What people allow, and taking it back.
    pub grants: GrantService,
    /// Which clients an admin has looked at.
    pub client_verification: ClientVerification,
    /// What admins do with signing keys.
    pub signing_keys: SigningKeyService,
    /// The signing keys themselves.
    pub ring: KeyRing,
    /// Everything that is remembered of credentials.
    pub memories: Memories,
    /// The ports themselves, for the time and new ids.
    pub ports: Ports,
}

impl Services {
    /// Builds every service on the ports; what others have at addresses of their own is asked for through `outside`.
    ///
    /// # Errors
    /// [`SealError`], when the server's secret is none.
    #[expect(clippy::too_many_lines, reason = "each service has a line or two")]
    pub fn new(
        ports: Ports,
        master: &MasterKey,
        settings: &Settings,
        outside: &OutsidePorts,
    ) -> Result<Self, SealError> {
        let client_sites = &outside.client_sites;
        let pepper = master.derive("api-key");
        let passwords = Passwords::new(settings.hashes_at_once, settings.shortest_password);
        // Keys and tokens of one owner share its limit.
        let owners = Arc::new(Limiter::new(settings.owner_quota));
        let known_keys = KnownKeys::new(ports.store.clone(), settings.key_quota, Arc::clone(&owners));
        let known_clients = KnownClients::new(ports.store.clone());
        let ring = KeyRing::new(ports.clone(), master)?;
        let secrets = master.derive("client-secret");
        let grants = master.derive("grant");
        let registrations = master.derive("registration");
        let issuer = settings.public_url.clone();
        let store = ports.store.clone();
        let subjects = Subjects::new(master.derive("subject"));
        let known_apis = KnownApis::new(ports.store.clone(), demo_api(&issuer), gateway(&issuer).into());
        let known_tokens = KnownTokens::new(
            store,
            issuer.clone(),
            TokenSurroundings {
                ring: ring.clone(),
                clients: known_clients.clone(),
                subjects: subjects.clone(),
                apis: known_apis.clone(),
                quota: settings.key_quota,
                owners: Arc::clone(&owners),
            },
        );
        let pushed = PushedRequests::new(ports.clone(), master.derive("pushed-request"), known_apis.clone());
        let oauth_clients = OauthClientService::new(
            ports.clone(),
            secrets.clone(),
            known_clients.clone(),
            known_tokens.clone(),
            ring.clone(),
            settings.client_certificates,
        );
        let documents = MetadataDocuments::new(
            ports.clone(),
            oauth_clients.clone(),
            known_clients.clone(),
            Arc::clone(client_sites),
        );
        let authorization = AuthorizationService::new(
            ports.clone(),
            AuthorizationParts {
                clients: known_clients.clone(),
                ring: ring.clone(),
                subjects: subjects.clone(),
                pushed: pushed.clone(),
                documents: documents.clone(),
                apis: known_apis.clone(),
                pepper: grants.clone(),
                marks: master.derive("fresh-sign-in"),
                issuer: issuer.as_str().into(),
            },
        );
        let sign_outs = SignOuts::new(
            ports.clone(),
            SignOutParts {
                clients: known_clients.clone(),
                consent: authorization.clone(),
                subjects: subjects.clone(),
                ring: ring.clone(),
                sites: Arc::clone(client_sites),
                issuer: issuer.as_str().into(),
            },
        );
        let devices = master.derive("device");
        let fetched_keys = FetchedKeys::new(Arc::clone(client_sites));
        let sealer = Arc::new(Sealer::new(master, "identity-provider")?);
        let identity_providers = IdentityProviders::new(ports.clone(), sealer);
        let rotations = Rotations::new(ports.clone(), KeyChanges::new(known_keys.clone()));
        let api_keys = ApiKeyService::new(
            ports.clone(),
            pepper.clone(),
            known_keys.clone(),
            RouteScopes { own: settings.needed_scope, apis: known_apis.clone() },
        );
        let url = settings.public_url.clone();
        let proofs = Proofs::new(master.derive("dpop-nonce"));
        let attempts = Arc::new(Limiter::new(settings.attempt_quota));
        let public_url: Arc<str> = issuer.as_str().into();
        let raised = Alerts::new(ports.clone(), Arc::clone(&public_url));
        let courier = Courier::new(
            ports.clone(),
            Arc::new(Sealer::new(master, "webhook")?),
            Arc::clone(&outside.webhooks),
            Arc::clone(&public_url),
        );
        let lockouts = Lockouts::new(
            ports.clone(),
            master.derive("lockout"),
            raised.clone(),
            Arc::clone(&public_url),
            Arc::clone(&attempts),
        );
        let known_people = KnownPeople::new(
            ports.store.clone(),
            known_apis.clone(),
            passwords.clone(),
            attempts,
            lockouts.clone(),
            owners,
            settings.key_quota,
        );
        let audit = AuditService::new(ports.clone(), master.derive("audit"));
        let blocks = Blocks::new(ports.store.clone());
        let door = Door::new(
            blocks.clone(),
            known_keys.clone(),
            known_tokens.clone(),
            known_people.clone(),
            proofs.clone(),
            pepper.clone(),
            rotations,
            settings.unknown_quota,
        );
        let letters = Arc::new(Sealer::new(master, "mail")?);
        let postman = Postman::new(ports.clone(), Arc::clone(&letters), outside.mail.clone(), Arc::clone(&public_url));
        let teams = TeamService::new(ports.clone(), Arc::clone(&letters), postman.clone(), Arc::clone(&public_url));
        let mailed_links = MailedLinks::new(ports.clone(), letters, postman.clone(), Arc::clone(&public_url));
        let session_ends = SessionEnds::new(ports.clone(), sign_outs.clone(), known_people.clone());
        let memories = Memories {
            keys: known_keys.clone(),
            clients: known_clients.clone(),
            tokens: known_tokens.clone(),
            apis: known_apis.clone(),
            people: known_people,
            blocks: blocks.clone(),
            clock: ports.clock(),
        };
        let access_ends = AccessEnds::new(ports.clone(), session_ends.clone(), memories.clone());
        let directory = Directory::new(ports.clone(), session_ends.clone(), memories.clone());
        let second_factors = SecondFactors::new(
            ports.clone(),
            Arc::new(Sealer::new(master, "totp")?),
            master.derive("recovery-code"),
            lockouts.clone(),
            session_ends.clone(),
            Arc::clone(&public_url),
        );
        Ok(Self {
            passwords: PasswordService::new(
                ports.clone(),
                passwords.clone(),
                lockouts.clone(),
                mailed_links.clone(),
                session_ends.clone(),
                access_ends.clone(),
                Arc::clone(&public_url),
            ),
            overview: OverviewService::new(ports.clone()),
            retention: RetentionService::new(
                ports.clone(),
                audit.clone(),
                settings.request_days,
                settings.request_bytes,
            ),
            audit,
            deletions: DeletionService::new(ports.clone(), access_ends),
            profiles: ProfileService::new(ports.clone(), lockouts.clone(), mailed_links.clone(), public_url),
            accounts: AccountService::new(ports.clone(), passwords, lockouts.clone(), mailed_links.clone()),
            passkeys: Passkeys::new(ports.clone(), second_factors.clone(), RelyingParty::new(&issuer)),
            second_factors,
            mailed_links,
            teams,
            personal_data: PersonalDataService::new(ports.clone()),
            sessions: SessionService::new(ports.clone(), session_ends, issuer.as_str().into()),
            session_values: SessionValues::new(ports.clone(), Arc::new(Sealer::new(master, "session")?)),
            sign_outs,
            provider_sign_in: ProviderSignIn::new(
                ports.clone(),
                identity_providers.clone(),
                Arc::clone(&outside.providers),
                fetched_keys.clone(),
                master.derive("provider-sign-in"),
                issuer.as_str().into(),
                settings.attempt_quota,
            ),
            identity_providers,
            linked_identities: LinkedIdentities::new(ports.clone(), issuer.as_str().into()),
            applications: ApplicationService::new(ports.clone()),
            personal_tokens: PersonalTokenService::new(ports.clone(), api_keys.clone()),
            api_keys,
            housekeeping: Housekeeping::new(ports.clone(), known_keys.clone(), raised.clone(), url.clone()),
            gateway: GatewayDesk::new(door.clone(), known_apis.clone(), ring.clone(), issuer.as_str().into()),
            guarded_apis: GuardedApis::new(ports.clone(), known_apis.clone(), issuer.as_str().into()),
            door,
            proofs,
            leaks: LeakDesk::new(
                ports.clone(),
                LeakParts {
                    memories: memories.clone(),
                    keys: pepper,
                    client_secrets: secrets.clone(),
                    grants: grants.clone(),
                    registrations: registrations.clone(),
                    alerts: raised.clone(),
                    public_url: url,
                },
                settings.report_quota,
            ),
            notices: NoticeService::new(ports.clone()),
            outbox: OutboxService::new(ports.clone(), postman.clone()),
            postman,
            posts: PostService::new(ports.clone()),
            usage: UsageService::new(ports.clone()),
            alerts: AlertService::new(ports.clone()),
            alert_watch: AlertWatch::new(ports.clone(), raised, courier.clone()),
            webhooks: WebhookService::new(ports.clone(), courier.clone(), settings.plain_webhooks),
            courier,
            blocks: BlockService::new(ports.clone(), blocks),
            directory,
            log: LogService::new(ports.clone()),
            saved_views: SavedViews::new(ports.clone()),
            registrations: Registrations::new(
                ports.clone(),
                oauth_clients.clone(),
                known_clients.clone(),
                registrations,
                issuer.as_str().into(),
                settings.report_quota,
            ),
            oauth_clients,
            client_auth: ClientAuthenticator::new(
                ports.clone(),
                ClientAuthParts {
                    known: known_clients.clone(),
                    fetched: fetched_keys,
                    documents,
                    lockouts: lockouts.clone(),
                },
                secrets,
                issuer.as_str().into(),
                settings.unknown_quota,
            ),
            tokens: TokenService::new(
                ports.clone(),
                TokenParts {
                    ring: ring.clone(),
                    tokens: known_tokens.clone(),
                    subjects: subjects.clone(),
                    apis: known_apis.clone(),
                    pepper: grants,
                    devices: devices.clone(),
                    issuer: issuer.as_str().into(),
                },
            ),
            devices: DeviceService::new(
                ports.clone(),
                authorization.clone(),
                devices,
                issuer.as_str().into(),
                settings.unknown_quota,
                lockouts.clone(),
            ),
            authorization,
            lockout_desk: LockoutDesk::new(ports.clone(), lockouts.clone()),
            lockouts,
            pushed,
            grants: GrantService::new(ports.clone(), known_tokens.clone()),
            client_verification: ClientVerification::new(ports.clone(), known_clients.clone()),
            signing_keys: SigningKeyService::new(ports.clone(), ring.clone()),
            ring,
            memories,
            known_keys,
            ports,
        })
    }
}
