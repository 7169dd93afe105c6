//! Personal access tokens on the account page. The page of one token is that of a key.
#![expect(clippy::too_many_arguments, reason = "a form has one for each field")]

use super::api_key::{
    AdviceCard, KeyBanners, KeyFields, KeyFormValues, KeyTable, NewSecret, Pair, Rotations, Unlisted, days_of,
    expiries, keep_typed,
};
use crate::{
    page::{Page, PageError, page, query, take_flash},
    route,
    ssr::{
        actor,
        again::sign_in_again,
        respond::{Refused, see_other, see_other_with, session},
        reveal, services,
    },
    ui::{EmptyState, Form, Message, PageHead, SubmitButton},
};
use latchkey_core::{
    api_key::{ApiKeyError, CreateApiKey, KeyForm},
    personal_token::MAX_DAYS,
    port::api_key::LISTED_AT_MOST,
};
use latchkey_model::{ApiKeyId, KeyKind};
use leptos::{prelude::*, server, server_fn::ServerFn};
use uuid::Uuid;

const EXPIRIES: [(&str, &str); 4] = [("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "One year")];

/// The account's own tokens.
#[component]
pub fn TokensPage() -> impl IntoView {
    page(async {
        let services = services();
        let tokens = services.personal_tokens.list(&actor()).await?;
        let advice = services.personal_tokens.advice(&actor(), &tokens).await?;
        let beyond = match tokens.len() {
            all if all < LISTED_AT_MOST => 0,
            listed => services.personal_tokens.count(&actor()).await?.saturating_sub(listed as u64),
        };
        let now = services.ports.now();
        let pairs = Pair::find(&tokens, now).await?;
        let flash = take_flash().await;
        let new = NewSecret::take().await;
        let list = if tokens.is_empty() {
            view! {
                <EmptyState title="No token yet">
                    <p>"A token stands for you, where a script of yours calls the API. It is shown once, when you create it."</p>
                    <a class="btn btn-primary" href=route::NEW_TOKEN>"Create token"</a>
                </EmptyState>
            }
            .into_any()
        } else {
            view! { <KeyTable label="Personal access tokens" keys=tokens.clone() now/> }.into_any()
        };
        let body = view! {
            <PageHead
                title="Personal access tokens"
                explanation="A token stands for you, not for an application. It always ends, and nobody else sees it."
            >
                <a class="btn btn-primary" href=route::NEW_TOKEN>"Create token"</a>
            </PageHead>
            <Message flash/>
            {new.map(|new| new.show(route::TOKENS.to_owned(), &tokens))}
            <KeyBanners keys=tokens now/>
            <Rotations pairs now can_write=true back=route::TOKENS/>
            <AdviceCard advice can_write=true back=route::TOKENS/>
            {list}
            <Unlisted beyond/>
        };
        Ok(Page::portal("Personal access tokens", body))
    })
}

/// The form for a new token; `?from=` fills it with the settings of another.
#[component]
pub fn NewTokenPage() -> impl IntoView {
    page(async {
        actor().account()?;
        let services = services();
        let known = services.api_keys.scopes().await?;
        let flash = take_flash().await;
        let (mut values, mut back) = (KeyFormValues::new("30"), route::NEW_TOKEN.to_owned());
        if let Some(from) = query("from") {
            let from: ApiKeyId = from.parse().map_err(|_| PageError::NotFound)?;
            let source = services.api_keys.get(&actor(), from).await?;
            if source.owner.kind() != KeyKind::Personal {
                return Err(PageError::NotFound);
            }
            values = KeyFormValues::of(&source.settings, days_of(&source, MAX_DAYS).as_deref().unwrap_or("30"));
            back = route::clone_token(from);
        }
        let values = values.or_typed(flash.as_ref());
        let expiries = expiries(&EXPIRIES, &values);
        let body = view! {
            <PageHead
                title="Create a token"
                explanation="It can do what you tick here, as you. You see it once, on the next page."
            />
            <Message flash/>
            <Form action=CreateToken::PATH back class="card form">
                <input type="hidden" name="form_id" value=services.ports.uuid().to_string()/>
                <KeyFields values known expiries/>
                <div class="form-actions">
                    <SubmitButton text="Create token"/>
                    <a class="btn" href=route::TOKENS>"Cancel"</a>
                </div>
            </Form>
        };
        Ok(Page::portal("Create a token", body))
    })
}

/// Creates a token and leads to the page that shows it once.
#[server(prefix = "/form", endpoint = "personal-token/create")]
pub async fn create_token(
    #[server(default)] form_id: String,
    #[server(default)] name: String,
    #[server(default)] scopes: Vec<String>,
    #[server(default)] expiry: String,
    #[server(default)] allowed_from: String,
    #[server(default)] report_only: String,
    #[server(default)] limits: String,
    #[server(default)] notes: String,
) -> Result<(), ServerFnError> {
    let Ok(form_id) = Uuid::try_parse(&form_id) else {
        see_other(route::NEW_TOKEN);
        return Ok(());
    };
    let form = KeyForm {
        name: &name,
        scopes: &scopes,
        expiry: &expiry,
        allowed_from: &allowed_from,
        report_only: !report_only.is_empty(),
        limits: &limits,
        notes: &notes,
    };
    match services().personal_tokens.create(&actor(), CreateApiKey { form, form_id }).await {
        Ok(created) => {
            if let Some(session) = session() {
                reveal::put(&session, created.id.as_uuid(), created.plain.expose()).await;
            }
            see_other(route::TOKENS);
        }
        Err(ApiKeyError::NotSignedIn(_)) => see_other(&route::sign_in_then(route::NEW_TOKEN)),
        Err(error @ ApiKeyError::ProveFirst) => {
            sign_in_again(route::NEW_TOKEN, keep_typed(Refused::from(error).flash(), &form)).await;
        }
        Err(error @ ApiKeyError::SentTwice) => see_other_with(route::TOKENS, Refused::from(error).flash()).await,
        Err(error) => see_other_with(route::NEW_TOKEN, keep_typed(Refused::from(error).flash(), &form)).await,
    }
    Ok(())
}
