//! The dashboard, the list of applications, and making one.

use crate::{
    feature::api_key::KeyBanners,
    page::{Page, page, take_flash},
    route,
    ssr::{
        actor,
        flash::{Flash, error_at, typed},
        respond::{Refused, see_other_with},
        services,
    },
    ui::{
        Badge, Banner, EmptyState, EnvironmentBadge, Field, Form, Message, PageHead, RelativeTime, SubmitButton, Tone,
    },
};
use latchkey_core::{application::ApplicationError, port::application::MemberApplication};
use latchkey_model::Environment;
use leptos::{prelude::*, server, server_fn::ServerFn};

/// What a person sees first: their applications.
#[component]
pub fn DashboardPage() -> impl IntoView {
    page(async {
        let actor = actor();
        let name = actor.account()?.name.clone();
        let services = services();
        let applications = services.applications.list(&actor).await?;
        let leaked = services.api_keys.leaked(&actor).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let body = view! {
            <PageHead title=format!("Hello, {name}") explanation="Your applications, and the keys that are live in each environment.">
                <a class="btn btn-primary" href=route::NEW_APPLICATION>"Create application"</a>
            </PageHead>
            <Message flash/>
            <KeyBanners keys=leaked now/>
            <ApplicationList applications/>
        };
        Ok(Page::portal("Dashboard", body))
    })
}

/// That an application is suspended, since when and why: its pages say so before all else.
#[component]
pub fn SuspendedBanner(application: MemberApplication) -> impl IntoView {
    let MemberApplication { application, .. } = application;
    application.suspended.map(|suspended| {
        let now = services().ports.now();
        view! {
            <Banner tone=Tone::Bad>
                <strong>{application.name.as_str().to_owned()}</strong>
                " was suspended by an admin, "<RelativeTime at=suspended.suspension.at now/>
                {format!(": {}. Its keys and clients are refused, and work again as they are once it is reinstated. To ask for that, write to whoever runs this portal.", suspended.because)}
            </Banner>
        }
    })
}

/// The list by itself.
#[component]
pub fn ApplicationsPage() -> impl IntoView {
    page(async {
        let applications = services().applications.list(&actor()).await?;
        let flash = take_flash().await;
        let body = view! {
            <PageHead title="Applications" explanation="What you build on the API. Each has its own keys in three environments.">
                <a class="btn btn-primary" href=route::NEW_APPLICATION>"Create application"</a>
            </PageHead>
            <Message flash/>
            <ApplicationList applications/>
        };
        Ok(Page::portal("Applications", body))
    })
}

#[component]
fn ApplicationList(applications: Vec<MemberApplication>) -> impl IntoView {
    if applications.is_empty() {
        return view! {
            <EmptyState title="No application yet">
                <p>"An application is what calls the API. Create one, then take a development key for it."</p>
                <a class="btn btn-primary" href=route::NEW_APPLICATION>"Create your first application"</a>
            </EmptyState>
        }
        .into_any();
    }
    let cards = applications
        .into_iter()
        .map(|one| {
            let id = one.application.id;
            let rows = Environment::ALL
                .into_iter()
                .zip(one.live_keys)
                .map(|(environment, live)| {
                    let count = match live {
                        0 => "no live key".to_owned(),
                        1 => "1 live key".to_owned(),
                        many => format!("{many} live keys"),
                    };
                    view! {
                        <li>
                            <EnvironmentBadge environment/>
                            <a href=route::keys(id, environment)>{count}</a>
                        </li>
                    }
                })
                .collect_view();
            view! {
                <li class="card">
                    <h2>{one.application.name.as_str().to_owned()}</h2>
                    <p class="dim">{format!("Team {}", one.team_name)}</p>
                    {one.application.suspended.is_some().then(|| view! { <Badge tone=Tone::Bad text="Suspended"/> })}
                    <ul class="environments">{rows}</ul>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="cards">{cards}</ul> }.into_any()
}

/// Where an application is made.
#[component]
pub fn NewApplicationPage() -> impl IntoView {
    page(async {
        let teams: Vec<_> = services().teams.list(&actor()).await?;
        let teams: Vec<_> = teams.into_iter().filter(|team| team.role.may_write()).collect();
        let flash = take_flash().await;
        let chosen = typed(flash.as_ref(), "team");
        let team = (teams.len() > 1).then(|| {
            let options = teams
                .into_iter()
                .map(|team| {
                    let id = team.team_id.to_string();
                    view! { <option value=id.clone() selected=id == chosen>{team.team_name.as_str().to_owned()}</option> }
                })
                .collect_view();
            view! { <div class="field"><label for="team">"Team"</label><select id="team" name="team">{options}</select></div> }
        });
        let name = typed(flash.as_ref(), "name");
        let error = error_at(flash.as_ref(), "name");
        let body = view! {
            <PageHead
                title="Create an application"
                explanation="It comes with three environments: development, staging and production, each with keys of its own."
            />
            <Message flash/>
            <Form action=CreateApplication::PATH back=route::NEW_APPLICATION class="card form">
                <Field
                    name="name"
                    label="Name"
                    value=name
                    autocomplete="off"
                    hint="What people call it, for example Bookshelf.".to_owned()
                    error
                    required=true
                    autofocus=true
                />
                {team}
                <SubmitButton text="Create application"/>
            </Form>
        };
        Ok(Page::portal("Create an application", body))
    })
}

impl From<ApplicationError> for Refused {
    fn from(error: ApplicationError) -> Self {
        match error {
            ApplicationError::Invalid(errors) => Self::invalid(errors),
            ApplicationError::NotSignedIn(_) => Self::new("Sign in first."),
            ApplicationError::Forbidden => {
                Self::new("Your role in the team lets you look only. Ask one of its owners.")
            }
            ApplicationError::NotFound => Self::new("There is no such application."),
            ApplicationError::Store(_) => Self::fault(&error),
        }
    }
}

/// Makes an application and leads to its first key.
#[server(prefix = "/form", endpoint = "application/create")]
pub async fn create_application(
    #[server(default)] name: String,
    #[server(default)] team: String,
) -> Result<(), ServerFnError> {
    match services().applications.create(&actor(), &name, team.parse().ok()).await {
        Ok(application) => {
            let next = route::new_key(application.id, Environment::Development);
            let message = format!("{} is there. Now take a key for development.", application.name);
            see_other_with(&next, Flash::good(message)).await;
        }
        Err(ApplicationError::NotSignedIn(_)) => {
            let flash = Flash::bad("Sign in first.").keep("name", &name);
            see_other_with(&route::sign_in_then(route::NEW_APPLICATION), flash).await;
        }
        Err(error) => {
            see_other_with(
                route::NEW_APPLICATION,
                Refused::from(error).flash().keep("name", &name).keep("team", &team),
            )
            .await;
        }
    }
    Ok(())
}
