//! Tokens for a device (RFC 8628 section 3.4).

use super::{Consented, TokenRequest, TokenResponse, TokenService, still};
use crate::{
    authorization::{DeviceService, OauthError},
    port::{Consumed, device::DeviceState, oauth_client::OauthClient},
};

impl TokenService {
    /// Tokens for a device whose person said yes, once; until then, how things stand.
    pub(super) async fn for_a_device(
        &self,
        client: &OauthClient,
        asked: TokenRequest<'_>,
    ) -> Result<TokenResponse, OauthError> {
        let text = asked.device_code.ok_or(OauthError::InvalidRequest("device_code is missing"))?;
        let now = self.ports.now();
        let found = self.ports.store.device_code(&self.devices.digest(text.as_bytes())).await?;
        let code = found.filter(|code| code.client == client.id).ok_or(OauthError::InvalidGrant)?;
        if code.expires_at <= now {
            return Err(OauthError::ExpiredToken);
        }
        let (grant, scopes, sign_in) = match code.state {
            DeviceState::Denied => return Err(OauthError::AccessDenied),
            DeviceState::Redeemed => return Err(OauthError::InvalidGrant),
            DeviceState::Allowed { grant, scopes, sign_in } => (grant, scopes, sign_in),
            DeviceState::Waiting => {
                let too_soon = code.polled_at.is_some_and(|at| now - at < code.interval);
                // Section 3.5: five seconds longer, for this one and all that follow.
                let interval = if too_soon { code.interval + DeviceService::INTERVAL } else { code.interval };
                let mut work = self.ports.store.begin().await?;
                // Lost to another question of the same device, which was as much too soon as this one.
                let noted = work.device_code_polled(code.id, code.polled_at, now, interval).await?;
                work.commit().await?;
                return Err(if too_soon || noted == Consumed::Lost {
                    OauthError::SlowDown
                } else {
                    OauthError::AuthorizationPending
                });
            }
        };
        let grant = self.ports.store.grant(grant).await?.ok_or(OauthError::InvalidGrant)?;
        if grant.client != client.id || grant.revoked_at.is_some() {
            return Err(OauthError::InvalidGrant);
        }
        let scopes = still(&scopes, client)?;
        let consented = Consented { family: code.id, grant: grant.id, account: grant.account, scopes, sign_in };
        let prepared = self.prepare(client, &consented, &asked.resources, asked.proven.as_ref()).await?;
        let mut work = self.ports.store.begin().await?;
        if work.device_code_redeem(code.id).await? == Consumed::Lost {
            return Err(OauthError::InvalidGrant);
        }
        self.open_family(work, client, consented, prepared, asked.proven).await
    }
}
