//! Whose address has an account is told by no text, no status, no question to the store, and no time (security: R-46, OWASP ASVS 6.3.8).
//! Time is measured by `scripts/timing.sh`, on a machine that does nothing else.

use crate::support::{Browser, LOOPBACK, PASSWORD, Portal, basic, between, form_request};
use axum::body::Body;
use http::{Request, header};
use server::config::{Given, SignUpPolicy};
use std::time::Instant;
use time::Duration;

const KNOWN: &str = "ada@example.org";
const UNKNOWN: &str = "bob@example.org";
const WRONG: &str = "not the password at all";

/// Where somebody can name an address.
#[derive(Debug, Clone, Copy)]
enum Surface {
    SignIn,
    Basic,
    SignUp,
    Reset,
    ChangeEmail,
    Invitation,
}

const SURFACES: [Surface; 6] =
    [Surface::SignIn, Surface::Basic, Surface::SignUp, Surface::Reset, Surface::ChangeEmail, Surface::Invitation];

/// A portal where one address has an account, and somebody who tries.
struct Scene {
    portal: Portal,
    visitor: Browser,
    csrf: String,
    team: String,
}

impl Scene {
    async fn new() -> Self {
        let portal = Portal::with(Given { sign_up: Some(SignUpPolicy::Confirmed), ..Given::default() }).await;
        // The one who asks from inside is an admin; the one whose address is asked for signed up while that was open.
        let mut visitor = portal.admin().await;
        let open = portal.restarted(Given { sign_up: Some(SignUpPolicy::Open), ..Given::default() }).await;
        let password = latchkey_core::account::PlainPassword::new(PASSWORD);
        let form = latchkey_core::account::SignUp { email: KNOWN, name: "Ada", password };
        open.accounts.sign_up(form, [127, 0, 0, 1].into()).await.unwrap();
        let csrf = visitor.token().await;
        let team = between(&visitor.get("/teams").await.text(), "href=\"/teams/", "\"").to_owned();
        Self { portal, visitor, csrf, team }
    }

    /// The request that names an address there.
    fn request(&self, surface: Surface, email: &str) -> Request<Body> {
        let form = |action: &str, fields: &[(&str, &str)], inside: bool| {
            let all = [&[("_csrf", self.csrf.as_str()), ("_back", "/")], fields].concat();
            let mut request = form_request(action, &all);
            let mut visitor = self.visitor.clone();
            if !inside {
                visitor.cookies.remove("latchkey");
                visitor.cookies.remove("latchkey_device");
            }
            request.headers_mut().insert(header::COOKIE, visitor.cookie_header().parse().unwrap());
            request
        };
        match surface {
            Surface::SignIn => form("/form/account/sign-in", &[("email", email), ("password", WRONG)], false),
            Surface::Basic => Request::builder()
                .uri("/api/v1/whoami")
                .header("authorization", basic(email, WRONG))
                .body(Body::empty())
                .unwrap(),
            Surface::SignUp => {
                form("/form/account/sign-up", &[("name", "Bob"), ("email", email), ("password", PASSWORD)], false)
            }
            Surface::Reset => form("/form/account/forgot", &[("email", email)], false),
            Surface::ChangeEmail => form("/form/account/change-email", &[("email", email)], true),
            Surface::Invitation => {
                form("/form/team/invite", &[("team", &self.team), ("email", email), ("role", "viewer")], true)
            }
        }
    }
}

#[tokio::test]
async fn r46_no_text_no_status_and_no_question_to_the_store_tells_whose_address_has_an_account() {
    for surface in SURFACES {
        let mut seen = Vec::new();
        for email in [KNOWN, UNKNOWN] {
            // What is asked first leaves a message for the next page, which would be told apart from the second.
            let scene = Scene::new().await;
            let request = scene.request(surface, email);
            let before = scene.portal.asked();
            let answer = scene.portal.send_from(LOOPBACK, request).await;
            let asked = scene.portal.asked() - before;
            let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort();
            let text = answer.text();
            // An API's answer names the request; nothing else in it differs.
            let text = match text.split_once("\"request_id\":\"") {
                Some((head, rest)) => format!("{head}{}", &rest[36..]),
                None => text,
            };
            seen.push((answer.status, answer.location().replace(&scene.team, "team"), names, text, asked));
        }
        let asked = [seen[0].4, seen[1].4];
        // What a known account is recorded under is found out after the verdict, where the caller is an API's.
        if matches!(surface, Surface::Basic) {
            seen[0].4 = 0;
            seen[1].4 = 0;
        }
        assert_eq!(seen[0], seen[1], "{surface:?}: {asked:?}");
    }
}

/// Welch's t of two samples, without the slowest tenth of both together, which is the machine's and not the server's.
fn welch(known: &[f64], unknown: &[f64]) -> f64 {
    let mut all: Vec<_> = known.iter().chain(unknown).copied().collect();
    all.sort_by(f64::total_cmp);
    let limit = all[all.len() * 9 / 10];
    let moments = |sample: &[f64]| {
        let kept: Vec<_> = sample.iter().copied().filter(|time| *time <= limit).collect();
        let count = f64::from(u32::try_from(kept.len()).unwrap());
        let mean = kept.iter().sum::<f64>() / count;
        let variance = kept.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    };
    let ((mean, spread), (other_mean, other_spread)) = (moments(known), moments(unknown));
    (mean - other_mean) / (spread + other_spread).sqrt()
}

#[test]
fn the_measure_finds_a_difference_and_no_other() {
    let sample = |shift: f64| (0..10_000).map(|n| f64::from(n * 7_919 % 1_000) + shift).collect::<Vec<_>>();
    assert!(welch(&sample(0.0), &sample(0.0)).abs() < 0.001);
    assert!(welch(&sample(30.0), &sample(0.0)) > 3.0, "3 % of a thousand microseconds");
}

#[tokio::test]
#[ignore = "it measures time: run scripts/timing.sh on a machine that does nothing else"]
#[expect(clippy::print_stdout, clippy::disallowed_methods, reason = "this is for the person who measures")]
async fn r46_no_time_tells_whose_address_has_an_account() {
    let tries: usize = std::env::var("LATCHKEY_TIMING_TRIES").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let only = std::env::var("LATCHKEY_TIMING_SURFACE").ok();
    let mut worst = 0.0_f64;
    for surface in SURFACES.into_iter().filter(|one| only.as_ref().is_none_or(|only| format!("{one:?}") == *only)) {
        let mut scene = Scene::new().await;
        let mut times = [Vec::with_capacity(tries), Vec::with_capacity(tries)];
        for round in 0..tries {
            // Whoever is inside signs in anew now and then; whoever was counted is forgotten.
            if matches!(surface, Surface::ChangeEmail | Surface::Invitation) {
                if round % 20 == 0 {
                    scene = Scene::new().await;
                }
                scene.portal.clock.advance(Duration::seconds(10));
            } else {
                scene.portal.clock.advance(Duration::days(1));
            }
            // Neither is always first, nor always the first of a scene.
            let order = if (round + round / 20) % 2 == 0 { [0, 1] } else { [1, 0] };
            for which in order {
                let request = scene.request(surface, [KNOWN, UNKNOWN][which]);
                let began = Instant::now();
                let _ = scene.portal.send_from(LOOPBACK, request).await;
                times[which].push(began.elapsed().as_secs_f64() * 1e6);
            }
        }
        let t = welch(&times[0], &times[1]);
        let mean = times[0].iter().sum::<f64>() / f64::from(u32::try_from(tries).unwrap());
        println!("{surface:?}: {tries} tries each, {mean:.0} us in the mean, t = {t:.2}");
        worst = worst.max(t.abs());
    }
    assert!(worst < 3.0, "t = {worst:.2}");
}
