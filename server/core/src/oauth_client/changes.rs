//! What the audit log says of a client's settings.

use super::ClientKeys;
use crate::{audit::Act, port::oauth_client::ClientSettings};
use std::fmt;

/// What was changed about a client; of a new one, everything that is set.
pub(super) fn changes_of(act: Act, before: Option<&ClientSettings>, after: &ClientSettings) -> Act {
    let (texts, switches) = written(after);
    let (texts_before, switches_before) = before.map(written).unwrap_or_default();
    let act = texts
        .into_iter()
        .zip(texts_before)
        .fold(act, |act, ((field, after), (_, before))| act.change(field, before, after));
    let word = |on| if on { "yes" } else { "no" };
    switches
        .into_iter()
        .zip(switches_before)
        .fold(act, |act, ((field, after), (_, before))| act.change(field, word(before), word(after)))
}

type Texts = [(&'static str, String); 13];
type Switches = [(&'static str, bool); 5];

/// Every setting as text, or as yes or no. The settings are taken apart here: one that is added to them is told of, or this does not build.
fn written(settings: &ClientSettings) -> (Texts, Switches) {
    let ClientSettings {
        name,
        auth_method,
        grants,
        redirect_uris,
        scopes,
        signing_algorithm,
        access_token_life,
        token_form,
        subject_type,
        keys,
        certificate_subject,
        dpop_required,
        certificate_bound,
        pushed_only,
        pkce_required,
        high_security,
        post_logout_redirect_uris,
        backchannel_logout_uri,
    } = settings;
    let texts = [
        ("name", name.to_string()),
        ("scopes", scopes.to_string()),
        ("redirect_uris", on_one_line(redirect_uris)),
        ("auth_method", auth_method.to_string()),
        ("grants", grants.to_string()),
        ("keys", keys.as_ref().map(keys_of).unwrap_or_default()),
        ("certificate_subject", certificate_subject.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("signing_algorithm", signing_algorithm.to_string()),
        ("access_token_life", access_token_life.to_string()),
        ("token_form", token_form.to_string()),
        ("subject_type", subject_type.to_string()),
        ("post_logout_redirect_uris", on_one_line(post_logout_redirect_uris)),
        ("backchannel_logout_uri", backchannel_logout_uri.as_ref().map(ToString::to_string).unwrap_or_default()),
    ];
    let switches = [
        ("dpop_required", *dpop_required),
        ("certificate_bound", *certificate_bound),
        ("pushed_only", *pushed_only),
        ("pkce_required", *pkce_required),
        ("high_security", *high_security),
    ];
    (texts, switches)
}

fn on_one_line(lines: &impl fmt::Display) -> String {
    lines.to_string().replace('\n', " ")
}

/// What tells the keys apart: their thumbprints, or where they are.
fn keys_of(keys: &ClientKeys) -> String {
    match keys {
        ClientKeys::Inline(keys) => keys.thumbprints().join(" "),
        ClientKeys::At(url) => url.to_string(),
        ClientKeys::Certificates(certificates) => {
            let thumbprints: Vec<_> = certificates.iter().map(|one| one.thumbprint.to_string()).collect();
            thumbprints.join(" ")
        }
    }
}
