//! The server of the benchmark: Latchkey as it is served, and a bare handler of the same binary, each on its own port.

use crate::{
    machine::API,
    seed::{Place, config},
};
use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, Uri, header},
    routing::get,
    serve::ListenerExt,
};
use latchkey_core::{Ports, clock::SystemClock, random::SystemRandom};
use server::{
    assets::Assets,
    connection::Peer,
    data_folder,
    front::Front,
    plain_http,
    serve::{build, open_database},
    telemetry,
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::{net::TcpListener, sync::OnceCell};

/// As many bytes as `whoami` answers: what is left between the two is the door's.
const SAME: &str = include_str!("same.json");

/// Answers with the fields that a check was once answered: what is left between the two is the gateway's.
async fn checked_like(front: Front, checked: Arc<OnceCell<HeaderMap>>, request: Request) -> HeaderMap {
    let check = || async {
        let (mut parts, body) = request.into_parts();
        parts.uri = Uri::try_from(format!("/gateway/check/{API}")).unwrap_or_default();
        let proxy = Peer::Gateway((Ipv4Addr::LOCALHOST, 1).into());
        let Ok(answer) = front.of(proxy).answer(Request::from_parts(parts, body)).await;
        answer.into_parts().0.headers
    };
    checked.get_or_init(check).await.clone()
}

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
    let front = Front::new(server.state.clone());
    let (checked, asks) = (Arc::new(OnceCell::new()), front.clone());
    let handler = Router::new()
        .route("/", get(|| async { "ok" }))
        .route("/same", get(|| async { ([(header::CONTENT_TYPE, "application/json")], SAME) }))
        .route("/checked", get(move |request: Request| checked_like(asks.clone(), Arc::clone(&checked), request)))
        .into_make_service_with_connect_info::<SocketAddr>();
    println!("ready");
    let bare = tokio::spawn(async move { axum::serve(theirs, handler).await });
    let asked = tokio::spawn(plain_http::serve_gateway(asking, front.clone(), std::future::pending()));
    plain_http::serve(ours, front, std::future::pending()).await;
    asked.await?;
    bare.await??;
    Ok(())
}
