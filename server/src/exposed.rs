//! What came where others can read it: in a URL, or over plain HTTP. It is refused like anything else; whose it is, is found out and
//! told beside the answer.

use crate::{door::fields, state::AppState};
use http::{HeaderMap, header};
use latchkey_core::{
    authn::{Asked, Basic, Facts, Verdict, credential::Credential},
    leak::{LeakPlace, finder},
};
use percent_encoding::percent_decode_str;
use std::net::IpAddr;

/// Ends a token of ours that was seen where it must not be. Of keys, the record tells their people.
pub(crate) fn end_token(state: &AppState, verdict: &Verdict) {
    let exposed = verdict.known.as_ref().filter(|entry| verdict.exposed && entry.token().is_some());
    let Some(entry) = exposed.cloned() else { return };
    let leaks = state.services.leaks.clone();
    beside(state, async move {
        if let Some(token) = entry.token() {
            leaks.end_sent_token(token).await;
        }
    });
}

/// Looks at a password or a session that came over plain HTTP, which the door refuses unread.
pub(crate) fn look_at_person(state: &AppState, facts: &Facts, credential: &Credential<'_>, headers: &HeaderMap) {
    let from = facts.address;
    // Whoever is kept out makes us compare nothing and ask nobody, as at the door.
    if state.services.memories.blocks.covering(from, facts.at).is_some() {
        return;
    }
    match credential {
        Credential::Password(_) if matches!(facts.asked, Asked::Demo { .. }) => {
            let Some(sent) = Basic::read(fields(headers, &header::AUTHORIZATION)) else { return };
            let leaks = state.services.leaks.clone();
            beside(state, async move {
                if let Err(error) = leaks.tell_of_password(&sent, from).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "whose password came over plain HTTP cannot be found out");
                }
            });
        }
        // A portal without TLS gives cookies that browsers send over plain HTTP.
        Credential::Session(session) if state.config.secure_cookies() && state.services.leaks.admit_sent(from) => {
            let (sessions, digest) = (state.services.sessions.clone(), session.digest);
            beside(state, async move {
                if let Err(error) = sessions.end_exposed(&digest, from).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "a session whose cookie came over plain HTTP cannot be ended");
                }
            });
        }
        _ => {}
    }
}

/// Reports every secret of ours in a text that came to this place as leaked. Nothing is asked about a text that has none.
pub(crate) fn report(state: &AppState, from: IpAddr, text: &str, place: &str) {
    let leaks = &state.services.leaks;
    // Some programs write `_` as `%5F` in a URL.
    let text = percent_decode_str(text).decode_utf8_lossy();
    if finder::find(text.as_bytes()).next().is_none() || !leaks.admit_sent(from) {
        return;
    }
    let (leaks, text, place) = (leaks.clone(), text.into_owned(), LeakPlace::new(place));
    beside(state, async move { leaks.report_patiently(&text, &place).await });
}

/// Works on something while the request is answered, if there is room.
fn beside(state: &AppState, work: impl Future<Output = ()> + Send + 'static) {
    let Some(room) = state.services.leaks.room_for_sent() else { return };
    tokio::spawn(async move {
        let _room = room;
        work.await;
    });
}
