//! The server of the benchmark: Latchkey as it is served, and a bare handler of the same binary, each on its own port.

use crate::seed::{Place, config};
use axum::{Router, http::header, routing::get, serve::ListenerExt};
use latchkey_core::{Ports, clock::SystemClock, random::SystemRandom};
use server::{
    assets::Assets,
    data_folder,
    front::Front,
    plain_http,
    serve::{build, open_database},
    telemetry,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;

/// As many bytes as `whoami` answers: what is left between the two is the door's.
const SAME: &str = include_str!("same.json");

/// Serves until it is killed. Says `ready` once both listen.
pub(crate) async fn serve(
    place: &Place,
    listen: SocketAddr,
    proxies: SocketAddr,
    bare: SocketAddr,
) -> Result<(), Box<dyn std::error::Error>> {
    let config = config(place)?;
    telemetry::start(&config);
    data_folder::prepare(&config.data)?;
    let store = open_database(&config).await?;
    let ports = Ports::new(Arc::new(store.clone()), Arc::new(SystemClock), Arc::new(SystemRandom));
    let server = build(config, store, ports, Assets::none())?;
    let no_delay = |stream: &mut tokio::net::TcpStream| {
        // A connection whose delay cannot be switched off is slower, not wrong.
        let _ = stream.set_nodelay(true);
    };
    let ours = TcpListener::bind(listen).await?;
    let asking = TcpListener::bind(proxies).await?;
    let theirs = TcpListener::bind(bare).await?.tap_io(no_delay);
    let handler = Router::new()
        .route("/", get(|| async { "ok" }))
        .route("/same", get(|| async { ([(header::CONTENT_TYPE, "application/json")], SAME) }))
        .into_make_service_with_connect_info::<SocketAddr>();
    println!("ready");
    let bare = tokio::spawn(async move { axum::serve(theirs, handler).await });
    let front = Front::new(server.state.clone());
    let asked = tokio::spawn(plain_http::serve_gateway(asking, front.clone(), std::future::pending()));
    plain_http::serve(ours, front, std::future::pending()).await;
    asked.await?;
    bare.await??;
    Ok(())
}
