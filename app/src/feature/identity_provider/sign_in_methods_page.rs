//! What opens an account: the password, and identities at other providers.

use super::sign_in_with::SignInWith;
use crate::{
    page::{Page, PageError, page, take_flash},
    route,
    ssr::{
        actor,
        again::again_for,
        flash::Flash,
        kept::{look, take},
        respond::{Refused, see_other, see_other_with},
        services,
    },
    ui::{DataTable, EmptyState, Form, Message, PageHead, RelativeTime, SubmitButton},
};
use latchkey_core::{
    account::AllowPasswordError,
    identity_provider::{LinkedIdentityError, ProvenIdentity},
    port::identity_provider::{Identity, LinkedIdentity},
};
use leptos::{prelude::*, server, server_fn::ServerFn};
use time::OffsetDateTime;

impl From<LinkedIdentityError> for PageError {
    fn from(error: LinkedIdentityError) -> Self {
        match error {
            LinkedIdentityError::NotSignedIn(_) => Self::NotSignedIn,
            LinkedIdentityError::Store(error) => Self::Store(error),
            LinkedIdentityError::PasswordFirst
            | LinkedIdentityError::TooLongAgo
            | LinkedIdentityError::LinkedAlready
            | LinkedIdentityError::NotFound => Self::NotFound,
        }
    }
}

impl From<LinkedIdentityError> for Refused {
    fn from(error: LinkedIdentityError) -> Self {
        match error {
            LinkedIdentityError::NotSignedIn(_) => Self::new("Sign in first."),
            LinkedIdentityError::PasswordFirst => Self::new("Sign in with your password once more, and link it then."),
            LinkedIdentityError::TooLongAgo => Self::new("That was a while ago. Begin again with the provider."),
            LinkedIdentityError::LinkedAlready => Self::new("That identity opens an account already."),
            LinkedIdentityError::NotFound => Self::new("There is no such link any more."),
            LinkedIdentityError::Store(_) => Self::fault(&error),
        }
    }
}

/// What opens the account.
#[component]
pub fn SignInMethodsPage() -> impl IntoView {
    page(async {
        let services = services();
        let actor = actor();
        let linked = services.linked_identities.list(&actor).await?;
        let offered = services.identity_providers.offered().await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let proven = look::<ProvenIdentity>().await.filter(|proven| proven.is_fresh(now));
        // Nobody who finds this browser open makes a door of their own.
        let again = actor.account().ok().filter(|_| !services.linked_identities.may_link(&actor));
        let again = again.map(|_| again_for(route::SIGN_IN_METHODS));
        let (account, password_first) = (actor.account().cloned()?, again.clone());
        let off = |one: &LinkedIdentity| !offered.iter().any(|(id, _)| *id == one.identity.provider);
        let linked: Vec<_> = linked.into_iter().map(|one| (off(&one), one)).collect();
        let none = (offered.is_empty() && linked.is_empty()).then(|| {
            view! {
                <EmptyState title="Your password alone">
                    <p>"An admin can let people sign in with other providers, such as GitHub. They are offered here then."</p>
                </EmptyState>
            }
        });
        let rows = linked.into_iter().map(|(off, one)| view! { <Row one off now/> }).collect_view();
        let add = (!offered.is_empty()).then(|| {
            view! {
                <section class="card form" aria-labelledby="add">
                    <h2 id="add">"Link another"</h2>
                    <p>"You prove there who you are, and say here that it is you."</p>
                    <SignInWith providers=offered.clone() next=route::SIGN_IN_METHODS back=route::SIGN_IN_METHODS verb="Link"/>
                </section>
            }
        });
        let body = view! {
            <PageHead title="Sign-in methods" explanation="Your password opens this account, and so does every identity that you link to it."/>
            <Message flash/>
            {proven.map(|proven| view! { <Confirm proven again/> })}
            <DataTable label="Sign-in methods" columns=vec!["Method", "Linked", "Last used"] action="Action">
                <tr>
                    <td data-label="Method"><strong>"Password"</strong></td>
                    <td data-label="Linked"><span class="dim">"always"</span></td>
                    <td data-label="Last used"><span class="dim">"not noted"</span></td>
                    <td></td>
                </tr>
                {rows}
            </DataTable>
            {add}
            {none}
            {(!account.has_second_factor).then(|| view! { <PasswordForPrograms allowed=account.programs_may_use_password again=password_first/> })}
        };
        Ok(Page::portal("Sign-in methods", body))
    })
}

/// Whether programs may send the password, and how to change that.
#[component]
fn PasswordForPrograms(
    allowed: bool,
    /// Where the person signs in with their password first, if they must.
    again: Option<String>,
) -> impl IntoView {
    let (explanation, button) = if allowed {
        (
            "Programs may send your address and password to the API (HTTP Basic). Whoever has them can do there what you can.",
            "Do not allow it any more",
        )
    } else {
        (
            "Programs cannot use your password. A token of yours is better: it ends, it does less, and it is replaced without your password. Allow the password only for a program that can send nothing else.",
            "Allow it",
        )
    };
    let form = match again.filter(|_| !allowed) {
        Some(again) => view! {
            <p class="dim">"To allow it, sign in with your password first."</p>
            <a class="btn" href=again>"Sign in again"</a>
        }
        .into_any(),
        None => view! {
            <Form action=AllowPassword::PATH back=route::SIGN_IN_METHODS>
                <input type="hidden" name="allowed" value=if allowed { "" } else { "yes" }/>
                <button type="submit" class="btn">{button}</button>
            </Form>
        }
        .into_any(),
    };
    view! {
        <section class="card form" aria-labelledby="programs">
            <h2 id="programs">"Your password in programs"</h2>
            <p>{explanation}</p>
            {form}
        </section>
    }
}

/// Lets programs send the password, or no longer.
#[server(prefix = "/form", endpoint = "account/allow-password")]
pub async fn allow_password(#[server(default)] allowed: String) -> Result<(), ServerFnError> {
    let allow = !allowed.is_empty();
    match services().accounts.allow_password(&actor(), allow).await {
        Ok(()) => {
            let message = if allow {
                "Programs may send your password now."
            } else {
                "Programs cannot use your password any more."
            };
            see_other_with(route::SIGN_IN_METHODS, Flash::good(message)).await;
        }
        Err(AllowPasswordError::NotSignedIn(_)) => see_other(&route::sign_in_then(route::SIGN_IN_METHODS)),
        Err(AllowPasswordError::PasswordFirst) => {
            let refused = Refused::new("Sign in with your password once more, and allow it then.");
            see_other_with(route::SIGN_IN_METHODS, refused.flash()).await;
        }
        Err(AllowPasswordError::SecondFactor) => {
            let refused = Refused::new(
                "Your account asks for a second factor, which a program cannot bring. Use a token instead.",
            );
            see_other_with(route::SIGN_IN_METHODS, refused.flash()).await;
        }
        Err(error @ AllowPasswordError::Store(_)) => {
            see_other_with(route::SIGN_IN_METHODS, Refused::fault(&error).flash()).await;
        }
    }
    Ok(())
}

/// The question whether an identity is this person's.
#[component]
fn Confirm(
    proven: ProvenIdentity,
    /// Where they sign in with their password first, if they must.
    again: Option<String>,
) -> impl IntoView {
    let answer = match again {
        Some(again) => view! {
            <p>"Sign in with your password first, so that nobody else does this in your name."</p>
            <a class="btn btn-primary" href=again>"Sign in again"</a>
        }
        .into_any(),
        None => {
            view! { <Form action=LinkIdentity::PATH back=route::SIGN_IN_METHODS><SubmitButton text="Link it"/></Form> }
                .into_any()
        }
    };
    let sentence = format!(
        "You have just signed in to {} as {}. Once it is linked, whoever signs in there as {} is signed in here as you.",
        proven.provider_name, proven.label, proven.label,
    );
    view! {
        <section class="card form" aria-labelledby="confirm">
            <h2 id="confirm">{format!("Let {} open this account?", proven.provider_name)}</h2>
            <p>{sentence}</p>
            <div class="form-actions">
                {answer}
                <Form action=DeclineIdentity::PATH back=route::SIGN_IN_METHODS>
                    <button type="submit" class="btn">"That is not me"</button>
                </Form>
            </div>
        </section>
    }
}

#[component]
fn Row(
    one: LinkedIdentity,
    /// Whether its provider is switched off.
    off: bool,
    now: OffsetDateTime,
) -> impl IntoView {
    let name = one.provider_name.as_str().to_owned();
    view! {
        <tr>
            <td data-label="Method">
                <strong>{name.clone()}</strong>
                <p class="dim">{one.label.clone()}</p>
                {off.then(|| view! { <p class="dim">"Switched off by an admin: it opens nothing now."</p> })}
            </td>
            <td data-label="Linked"><RelativeTime at=one.linked_at now/></td>
            <td data-label="Last used">
                {match one.last_used_at {
                    Some(at) => view! { <RelativeTime at now/> }.into_any(),
                    None => view! { <span class="dim">"never"</span> }.into_any(),
                }}
            </td>
            <td>
                <Form action=UnlinkIdentity::PATH back=route::SIGN_IN_METHODS>
                    <input type="hidden" name="provider" value=one.identity.provider.to_string()/>
                    <input type="hidden" name="subject" value=one.identity.subject/>
                    <button type="submit" class="btn btn-small btn-danger">
                        "Unlink"<span class="sr-only">{format!(" {name}, {}", one.label)}</span>
                    </button>
                </Form>
            </td>
        </tr>
    }
}

async fn answer(outcome: Result<(), LinkedIdentityError>, next: &str, message: &str) {
    match outcome {
        Ok(()) => see_other_with(&route::local(next, route::SIGN_IN_METHODS), Flash::good(message)).await,
        Err(LinkedIdentityError::NotSignedIn(_)) => see_other(&route::sign_in_then(route::SIGN_IN_METHODS)),
        Err(error) => see_other_with(route::SIGN_IN_METHODS, Refused::from(error).flash()).await,
    }
}

/// Lets the identity that was just proven open the account, and leads on to where its person wanted to go.
#[server(prefix = "/form", endpoint = "linked-identity/link")]
pub async fn link_identity() -> Result<(), ServerFnError> {
    let may_link = services().linked_identities.may_link(&actor());
    // What cannot be linked yet is kept until it can.
    let proven = if may_link { take::<ProvenIdentity>().await } else { look().await };
    let outcome = match &proven {
        Some(proven) => services().linked_identities.link(&actor(), proven).await,
        None => actor().account().map_err(LinkedIdentityError::from).and(Err(LinkedIdentityError::TooLongAgo)),
    };
    let next = proven.map(|proven| proven.next).unwrap_or_default();
    answer(outcome, &next, "Linked. It opens this account from now on.").await;
    Ok(())
}

/// Forgets the identity that was just proven.
#[server(prefix = "/form", endpoint = "linked-identity/decline")]
pub async fn decline_identity() -> Result<(), ServerFnError> {
    let next = take::<ProvenIdentity>().await.map(|proven| proven.next).unwrap_or_default();
    answer(actor().account().map(drop).map_err(LinkedIdentityError::from), &next, "Nothing was linked.").await;
    Ok(())
}

/// Takes from an identity that it opens the account.
#[server(prefix = "/form", endpoint = "linked-identity/unlink")]
pub async fn unlink_identity(
    #[server(default)] provider: String,
    #[server(default)] subject: String,
) -> Result<(), ServerFnError> {
    let outcome = match provider.parse() {
        Ok(provider) => services().linked_identities.unlink(&actor(), &Identity { provider, subject }).await,
        Err(_) => actor().account().map_err(LinkedIdentityError::from).and(Err(LinkedIdentityError::NotFound)),
    };
    answer(outcome, "", "Unlinked. It opens this account no more.").await;
    Ok(())
}
