//! The sessions of an account: where it is signed in, and ending that.

use crate::{
    page::{Page, page, take_flash},
    route,
    ssr::{
        actor,
        browser::browser_in_words,
        flash::Flash,
        respond::{Refused, see_other, see_other_with},
        services,
    },
    ui::{Badge, DataTable, Form, Message, PageHead, RelativeTime, Tone},
};
use latchkey_core::{account::SessionError, port::session::SessionRecord};
use leptos::{prelude::*, server, server_fn::ServerFn};
use time::OffsetDateTime;

/// Where this account is signed in.
#[component]
pub fn SessionsPage() -> impl IntoView {
    page(async {
        let services = services();
        let sessions = services.sessions.list(&actor()).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let others = sessions.len() > 1;
        let rows = sessions.into_iter().map(|(session, own)| view! { <SessionRow session own now/> }).collect_view();
        let body = view! {
            <PageHead title="Sessions" explanation="Where you are signed in. End what you do not recognise.">
                {others.then(|| view! {
                    <Form action=EndOtherSessions::PATH back=route::SESSIONS>
                        <button type="submit" class="btn">"End all others"</button>
                    </Form>
                })}
            </PageHead>
            <Message flash/>
            <DataTable label="Sessions" columns=vec!["Browser", "Address", "Last seen", "Signed in"] action="Action">{rows}</DataTable>
        };
        Ok(Page::portal("Sessions", body))
    })
}

#[component]
fn SessionRow(session: SessionRecord, own: bool, now: OffsetDateTime) -> impl IntoView {
    let browser = browser_in_words(&session.user_agent);
    view! {
        <tr>
            <td data-label="Browser">
                <span title=session.user_agent>{browser}</span>
                {own.then(|| view! { " " <Badge tone=Tone::Good text="this one"/> })}
            </td>
            <td data-label="Address"><code>{session.address}</code></td>
            <td data-label="Last seen"><RelativeTime at=session.seen_at now/></td>
            <td data-label="Signed in"><RelativeTime at=session.created_at now/></td>
            <td>
                <Form action=EndSession::PATH back=route::SESSIONS>
                    <input type="hidden" name="id" value=session.id.to_string()/>
                    <button type="submit" class="btn btn-small btn-danger">"End"</button>
                </Form>
            </td>
        </tr>
    }
}

impl From<SessionError> for Refused {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::NotSignedIn(_) => Self::new("Sign in first."),
            SessionError::NotFound => Self::new("That session had ended already."),
            SessionError::Store(_) => Self::fault(&error),
        }
    }
}

/// Ends one session; ending one's own signs out.
#[server(prefix = "/form", endpoint = "session/end")]
pub async fn end_session(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let ended = match id.parse() {
        Ok(id) => services().sessions.end(&actor(), id).await,
        Err(_) => Err(SessionError::NotFound),
    };
    match ended {
        Ok(()) => see_other_with(route::SESSIONS, Flash::good("The session has ended.")).await,
        Err(SessionError::NotSignedIn(_)) => see_other(&route::sign_in_then(route::SESSIONS)),
        Err(error) => see_other_with(route::SESSIONS, Refused::from(error).flash()).await,
    }
    Ok(())
}

/// Ends every session but this one.
#[server(prefix = "/form", endpoint = "session/end-others")]
pub async fn end_other_sessions() -> Result<(), ServerFnError> {
    match services().sessions.end_others(&actor()).await {
        Ok(count) => {
            let message = match count {
                0 => "There was no other session.".to_owned(),
                1 => "One other session has ended.".to_owned(),
                many => format!("{many} other sessions have ended."),
            };
            see_other_with(route::SESSIONS, Flash::good(message)).await;
        }
        Err(SessionError::NotSignedIn(_)) => see_other(&route::sign_in_then(route::SESSIONS)),
        Err(error) => see_other_with(route::SESSIONS, Refused::from(error).flash()).await,
    }
    Ok(())
}
