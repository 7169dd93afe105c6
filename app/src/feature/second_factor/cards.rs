//! What an account has beside its password, on the page about its security.

use super::{
    code_fn::{NewRecoveryCodes, RemoveTotp},
    passkey_fn::RemovePasskey,
};
use crate::{
    route,
    ssr::flash::Flash,
    ui::{Badge, DataTable, Form, Message, RelativeTime, Tone},
};
use latchkey_core::{port::second_factor::PasskeyRecord, second_factor::Factors};
use leptos::{prelude::*, server_fn::ServerFn};
use time::OffsetDateTime;

/// An app, passkeys, recovery codes; each with what can be done about it.
#[component]
pub fn FactorCards(factors: Factors, now: OffsetDateTime) -> impl IntoView {
    let any = factors.any();
    let missing = factors.required && !any;
    view! {
        <Message flash=missing.then(|| Flash::bad("Your role asks for a second factor. Set one up before you go on."))/>
        <AppCard totp=factors.totp now/>
        <PasskeyCard passkeys=factors.passkeys now/>
        {any.then(|| view! { <CodesCard left=factors.recovery_codes_left/> })}
    }
}

#[component]
fn AppCard(totp: Option<(OffsetDateTime, Option<OffsetDateTime>)>, now: OffsetDateTime) -> impl IntoView {
    let state = match totp {
        Some((since, used)) => view! {
            <p>
                <Badge tone=Tone::Good text="on"/>
                " since "
                <RelativeTime at=since now/>
                {used.map(|at| view! { ", last used " <RelativeTime at now/> })}
            </p>
            <Form action=RemoveTotp::PATH back=route::SECURITY>
                <button type="submit" class="btn btn-danger">"Remove the app"</button>
            </Form>
        }
        .into_any(),
        None => view! {
            <p>"An app on your phone shows a code of six digits, another one every half minute. It is asked for after your password."</p>
            <div class="form-actions"><a class="btn" href=route::NEW_TOTP>"Set up an app"</a></div>
        }
        .into_any(),
    };
    view! { <section class="card form" aria-labelledby="app"><h2 id="app">"Authenticator app"</h2>{state}</section> }
}

#[component]
fn PasskeyCard(passkeys: Vec<PasskeyRecord>, now: OffsetDateTime) -> impl IntoView {
    let table = (!passkeys.is_empty()).then(|| {
        let rows = passkeys.into_iter().map(|passkey| view! { <PasskeyRow passkey now/> }).collect_view();
        view! { <DataTable label="Passkeys" columns=vec!["Passkey", "Added", "Last used"] action="Action">{rows}</DataTable> }
    });
    view! {
        <section class="card form" aria-labelledby="passkeys">
            <h2 id="passkeys">"Passkeys"</h2>
            <p>"Your fingerprint, face or device PIN in place of a password, or a security key. Nobody can be led to give one away to the wrong site."</p>
            {table}
            <div class="form-actions"><a class="btn" href=route::NEW_PASSKEY>"Add a passkey"</a></div>
        </section>
    }
}

#[component]
fn PasskeyRow(passkey: PasskeyRecord, now: OffsetDateTime) -> impl IntoView {
    let name = passkey.name.as_str().to_owned();
    view! {
        <tr>
            <td data-label="Passkey"><strong>{name.clone()}</strong></td>
            <td data-label="Added"><RelativeTime at=passkey.created_at now/></td>
            <td data-label="Last used">
                {match passkey.last_used_at {
                    Some(at) => view! { <RelativeTime at now/> }.into_any(),
                    None => view! { <span class="dim">"never"</span> }.into_any(),
                }}
            </td>
            <td>
                <Form action=RemovePasskey::PATH back=route::SECURITY>
                    <input type="hidden" name="id" value=passkey.id.to_string()/>
                    <button type="submit" class="btn btn-small btn-danger">"Remove"<span class="sr-only">{format!(" {name}")}</span></button>
                </Form>
            </td>
        </tr>
    }
}

#[component]
fn CodesCard(left: u64) -> impl IntoView {
    let (tone, words) = match left {
        0 => (Tone::Bad, "none left".to_owned()),
        1..=3 => (Tone::Wait, format!("{left} left")),
        many => (Tone::Good, format!("{many} left")),
    };
    view! {
        <section class="card form" aria-labelledby="codes">
            <h2 id="codes">"Recovery codes"</h2>
            <p>"For when your app or passkey is gone: each code works once in its place. " <Badge tone text=words/></p>
            <Form action=NewRecoveryCodes::PATH back=route::SECURITY>
                <button type="submit" class="btn">"Make new codes"</button>
            </Form>
            <p class="dim">"The ones before end with that."</p>
        </section>
    }
}
