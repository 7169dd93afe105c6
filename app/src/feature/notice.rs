//! Notices: on the page that is being read, on a page of their own, and which of them come as mail.

use crate::{
    page::{Page, PageError, here, page, take_flash},
    route,
    ssr::{
        actor,
        again::form_page,
        flash::Flash,
        respond::{Refused, see_other, see_other_with},
        services,
    },
    ui::{Badge, Banner, CheckboxList, Choice, EmptyState, Form, Message, PageHead, RelativeTime, SubmitButton, Tone},
};
use latchkey_core::{
    notice::{NoticeError, NoticeKind, NoticeService},
    port::notice::Notice,
};
use leptos::{prelude::*, server, server_fn::ServerFn};
use time::OffsetDateTime;

impl From<NoticeError> for PageError {
    fn from(error: NoticeError) -> Self {
        match error {
            NoticeError::NotSignedIn(_) => Self::NotSignedIn,
            NoticeError::NotFound => Self::NotFound,
            NoticeError::Store(error) => Self::Store(error),
        }
    }
}

impl From<NoticeError> for Refused {
    fn from(error: NoticeError) -> Self {
        match error {
            NoticeError::NotSignedIn(_) => Self::new("Sign in first."),
            NoticeError::NotFound => Self::new("There is no such notice any more."),
            NoticeError::Store(_) => Self::fault(&error),
        }
    }
}

/// What its reader has not seen yet, above the page. A page is worth more than the notices on it: without them, it is shown all the same.
pub async fn banners() -> AnyView {
    if here().split('?').next() == Some(route::NOTICES) {
        return ().into_any();
    }
    let services = services();
    let now = services.ports.now();
    match services.notices.unseen(&actor()).await {
        Ok(notices) => notices.into_iter().map(|notice| view! { <NoticeBanner notice now/> }).collect_view().into_any(),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "notices could not be read");
            ().into_any()
        }
    }
}

const fn tone(kind: NoticeKind) -> Tone {
    match kind {
        NoticeKind::KeyFound | NoticeKind::Suspension | NoticeKind::Portal => Tone::Bad,
        NoticeKind::Account
        | NoticeKind::NewBrowser
        | NoticeKind::KeyEnds
        | NoticeKind::KeyIdle
        | NoticeKind::LimitNear
        | NoticeKind::Refusals
        | NoticeKind::NewNetwork
        | NoticeKind::ServerErrors
        | NoticeKind::WebhookOff
        | NoticeKind::Team => Tone::Wait,
    }
}

#[component]
fn NoticeBanner(notice: Notice, now: OffsetDateTime) -> impl IntoView {
    view! {
        <Banner tone=tone(notice.kind)>
            <div class="notice">
                <p>{notice.subject} " " <span class="dim"><RelativeTime at=notice.created_at now/></span></p>
                <a class="btn btn-small" href=route::NOTICES>"Read"</a>
                <Form action=DismissNotice::PATH back=here()>
                    <input type="hidden" name="id" value=notice.id.to_string()/>
                    <button type="submit" class="btn btn-small">"Dismiss"</button>
                </Form>
            </div>
        </Banner>
    }
}

/// What somebody was told, and what they want as mail.
#[component]
pub fn NoticesPage() -> impl IntoView {
    page(async {
        let (actor, services) = (actor(), services());
        let notices = services.notices.list(&actor).await?;
        let muted = services.notices.muted(&actor).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let unseen = notices.iter().any(|notice| notice.seen_at.is_none());
        let choices = NoticeService::choices(&actor).map(move |kind| Choice {
            value: kind.as_str().to_owned(),
            label: kind.label().to_owned(),
            description: String::new(),
            chosen: !muted.contains(&kind),
        });
        let always = NoticeKind::ALL.into_iter().filter(|kind| !kind.may_be_muted());
        let body = view! {
            <PageHead title="Notices" explanation="What you were told of your account, your keys and your teams.">
                {unseen.then(|| view! {
                    <Form action=DismissNotices::PATH back=route::NOTICES>
                        <button type="submit" class="btn">"Mark all as seen"</button>
                    </Form>
                })}
            </PageHead>
            <Message flash/>
            <List notices now/>
            <Form action=ChooseNotices::PATH back=route::NOTICES class="card form">
                <h2>"By mail, too"</h2>
                <CheckboxList name="wanted" legend="Mail me when" items=choices.collect()/>
                <p class="dim">"Always mailed, since whoever takes your account could switch it off: "
                    {always.map(|kind| kind.label().to_lowercase()).collect::<Vec<_>>().join("; ")}"."
                </p>
                <SubmitButton text="Save"/>
            </Form>
        };
        Ok(Page::portal("Notices", body))
    })
}

#[component]
fn List(notices: Vec<Notice>, now: OffsetDateTime) -> impl IntoView {
    if notices.is_empty() {
        return view! {
            <EmptyState title="Nothing yet">
                <p>"When a new browser signs in to your account, or a key is about to end, it says so here."</p>
            </EmptyState>
        }
        .into_any();
    }
    let notices = notices.into_iter().map(|notice| {
        view! {
            <article class="card mail">
                <h2>
                    {notice.subject}
                    {notice.seen_at.is_none().then(|| view! { " " <Badge tone=Tone::Wait text="new"/> })}
                </h2>
                <p class="dim"><RelativeTime at=notice.created_at now/></p>
                <p class="mail-text">{notice.text}</p>
            </article>
        }
    });
    view! { <div class="mails">{notices.collect_view()}</div> }.into_any()
}

/// Answers a form about notices.
async fn answer(outcome: Result<(), NoticeError>, said: Option<&str>) {
    let page = form_page(route::NOTICES);
    match (outcome, said) {
        (Ok(()), Some(said)) => see_other_with(&page, Flash::good(said)).await,
        (Ok(()), None) => see_other(&page),
        (Err(NoticeError::NotSignedIn(_)), _) => see_other(&route::sign_in_then(&page)),
        (Err(error), _) => see_other_with(&page, Refused::from(error).flash()).await,
    }
}

/// Notes that a notice was seen.
#[server(prefix = "/form", endpoint = "notice/dismiss")]
pub async fn dismiss_notice(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let outcome = match id.parse() {
        Ok(id) => services().notices.dismiss(&actor(), id).await,
        Err(_) => actor().account().map_err(NoticeError::from).and(Err(NoticeError::NotFound)),
    };
    answer(outcome, None).await;
    Ok(())
}

/// Notes that all were seen.
#[server(prefix = "/form", endpoint = "notice/dismiss-all")]
pub async fn dismiss_notices() -> Result<(), ServerFnError> {
    answer(services().notices.dismiss_all(&actor()).await, None).await;
    Ok(())
}

/// Says which notices come as mail.
#[server(prefix = "/form", endpoint = "notice/choose")]
pub async fn choose_notices(#[server(default)] wanted: Vec<String>) -> Result<(), ServerFnError> {
    let wanted: Vec<_> = wanted.iter().filter_map(|kind| kind.parse().ok()).collect();
    answer(services().notices.choose(&actor(), &wanted).await, Some("Saved.")).await;
    Ok(())
}
