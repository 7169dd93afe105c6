//! The page where a person types in the code that a device shows, and says yes or no (RFC 8628 section 3.3).

use crate::{
    feature::grant::{AnswerButtons, WhoAsks},
    page::{Page, PageError, page, query, take_flash},
    route,
    ssr::{
        actor,
        flash::Flash,
        respond::{Refused, see_other, see_other_with},
        services,
        session::peer,
    },
    ui::{CheckboxList, Choice, Field, Form, Message, PageHead, SubmitButton},
};
use latchkey_core::{
    authorization::{DeviceError, DeviceQuestion},
    lockout::TryError,
};
use leptos::{prelude::*, server, server_fn::ServerFn};

impl From<DeviceError> for Refused {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::NotSignedIn(_) => Self::new("Sign in first."),
            DeviceError::NotFound => Self::new(
                "No device waits with this code. Compare it with the device's screen, or let the device begin again.",
            ),
            DeviceError::Try(error) => error.into(),
            DeviceError::Store(_) => Self::fault(&error),
        }
    }
}

/// Where a device sends its person.
#[component]
pub fn DevicePage() -> impl IntoView {
    page(async {
        let actor = actor();
        actor.account()?;
        let flash = take_flash().await;
        let Some(code) = query("user_code").filter(|code| !code.is_empty()) else {
            return Ok(enter(flash, String::new()));
        };
        match services().devices.question(&actor, &code, peer()).await {
            Ok(question) => Ok(ask(question, code, flash)),
            Err(DeviceError::NotSignedIn(_)) => Err(PageError::NotSignedIn),
            Err(DeviceError::Store(error) | DeviceError::Try(TryError::Store(error))) => Err(PageError::Store(error)),
            Err(error) => Ok(enter(Some(Refused::from(error).flash()), code)),
        }
    })
}

fn enter(flash: Option<Flash>, code: String) -> Page {
    let body = view! {
        <PageHead title="Connect a device" explanation="Type in the code that the device shows. Nothing is given before you have read what it asks for."/>
        <Message flash/>
        <Form action=FindDevice::PATH back=route::DEVICE class="card form">
            <Field
                name="user_code"
                label="Code"
                value=code
                autocomplete="off"
                hint="Eight letters, such as WDJB-MJHT.".to_owned()
                required=true
            />
            <div class="form-actions"><SubmitButton text="Go on"/></div>
        </Form>
    };
    Page::portal("Connect a device", body)
}

fn ask(question: DeviceQuestion, code: String, flash: Option<Flash>) -> Page {
    let client = &question.client;
    let name = client.settings.name.as_str().to_owned();
    let scopes = question
        .scopes
        .iter()
        .map(|scope| Choice {
            value: scope.scope.to_string(),
            label: scope.description.clone(),
            description: scope.scope.to_string(),
            chosen: true,
        })
        .collect();
    let title = format!("Let {name} act for you on a device?");
    let back = format!("{}?user_code={}", route::DEVICE, code_for_url(&code));
    let body = view! {
        <section class="narrow consent">
            <h1>{title.clone()}</h1>
            <Message flash/>
            <WhoAsks client=client.clone() caution=""/>
            <p class="note">
                "Go on only if the device is in front of you and shows "<strong><code>{code.clone()}</code></strong>
                ". If somebody sent you this code, they want to act in your name: deny it."
            </p>
            <Form action=AnswerDevice::PATH back class="card form">
                <input type="hidden" name="user_code" value=code/>
                <CheckboxList
                    name="ticked"
                    legend="It may then"
                    items=scopes
                    hint="Untick what you do not want to allow.".to_owned()
                />
                <dl class="facts">
                    <div><dt>"As"</dt><dd>{format!("{}, {}", question.account.name, question.account.email)}</dd></div>
                    <div><dt>"For how long"</dt><dd>"Until you take it back, under Authorized apps."</dd></div>
                </dl>
                <AnswerButtons/>
            </Form>
        </section>
    };
    Page::portal(title, body)
}

fn code_for_url(code: &str) -> String {
    percent_encoding::utf8_percent_encode(code, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Leads to the question about the device with this code.
#[server(prefix = "/form", endpoint = "device/find")]
pub async fn find_device(#[server(default)] user_code: String) -> Result<(), ServerFnError> {
    let page = format!("{}?user_code={}", route::DEVICE, code_for_url(&user_code));
    match services().devices.question(&actor(), &user_code, peer()).await {
        Ok(_) => see_other(&page),
        Err(DeviceError::NotSignedIn(_)) => see_other(&route::sign_in_then(&page)),
        Err(error) => see_other_with(route::DEVICE, Refused::from(error).flash()).await,
    }
    Ok(())
}

/// Takes the answer about a device.
#[server(prefix = "/form", endpoint = "device/answer")]
pub async fn answer_device(
    #[server(default)] user_code: String,
    #[server(default)] ticked: Vec<String>,
    #[server(default)] answer: String,
) -> Result<(), ServerFnError> {
    let ticked = if answer == "allow" { ticked } else { Vec::new() };
    match services().devices.answer(&actor(), &user_code, &ticked, peer()).await {
        Ok(client) if ticked.is_empty() => {
            let told = format!("{} was told no. You can put the device away.", client.settings.name);
            see_other_with(route::DEVICE, Flash::good(told)).await;
        }
        Ok(client) => {
            let told = format!("{} goes on on your device.", client.settings.name);
            see_other_with(route::AUTHORIZED_APPS, Flash::good(told)).await;
        }
        Err(DeviceError::NotSignedIn(_)) => see_other(&route::sign_in_then(route::DEVICE)),
        Err(error) => see_other_with(route::DEVICE, Refused::from(error).flash()).await,
    }
    Ok(())
}
