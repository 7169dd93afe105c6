//! The portal's pages and forms: Leptos behind a session, a defence against forged requests, and headers for browsers.

mod asked_log;
pub mod audit_export;
pub(crate) mod cookie;
mod file;
pub mod guard;
pub mod headers;
pub mod live_log;
pub mod log_export;
pub mod personal_data;
pub mod session_store;
mod upload;
pub mod usage_export;

use crate::{state::AppState, tls::lead_to_pages};
use app::{
    shell::{App, shell},
    ssr::Portal,
};
use axum::{Router, middleware, routing::get};
use leptos::prelude::provide_context;
use leptos_axum::{LeptosRoutes, generate_route_list};
use session_store::PortalSessions;
use tower_http::compression::CompressionLayer;
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};

/// Every page and form, with a page for what is not there.
pub fn router(state: &AppState) -> Router<AppState> {
    let portal = state.portal();
    let context = {
        let portal = portal.clone();
        move || provide_context::<Portal>(portal.clone())
    };
    let options = state.leptos_options.clone();
    let document = {
        let options = options.clone();
        move || shell(options.clone())
    };
    let not_found = {
        let options = options.clone();
        leptos_axum::render_app_async_with_context(context.clone(), move || shell(options.clone()))
    };
    let sessions = SessionManagerLayer::new(PortalSessions::new(state))
        .with_name(cookie::session_cookie_name(state.config.secure_cookies()))
        .with_secure(state.config.secure_cookies())
        .with_http_only(true)
        // Lax, not Strict: a link from a mail must find its reader signed in.
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(state.config.session_idle));
    let logs = asked_log::PAGES.into_iter().fold(Router::new(), |router, page| {
        router
            .route(&format!("{page}/export"), get(log_export::export))
            .route(&format!("{page}/live"), get(live_log::watch_log))
    });
    Router::new()
        .leptos_routes_with_context(state, generate_route_list(App), context, document)
        .route(personal_data::PATH, get(personal_data::export))
        .route(audit_export::OWN, get(audit_export::own))
        .route(audit_export::TEAM, get(audit_export::team))
        .route(audit_export::PORTAL, get(audit_export::portal))
        .route(usage_export::ENVIRONMENT, get(usage_export::environment))
        .route(usage_export::APPLICATION, get(usage_export::application))
        .route(usage_export::PORTAL, get(usage_export::portal))
        .merge(logs)
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(state.clone(), guard::guard))
        .layer(sessions)
        .layer(middleware::map_response(guard::explain_session_failure))
        .layer(middleware::from_fn_with_state(state.clone(), headers::page_headers))
        .layer(CompressionLayer::new().br(true).gzip(true))
        .layer(middleware::from_fn_with_state(state.clone(), lead_to_pages))
}
