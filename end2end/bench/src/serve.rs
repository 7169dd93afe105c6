//! The server of the benchmark: Latchkey as it is served, and a bare handler of the same binary, each on its own port.

use crate::{
    machine::check_path,
    seed::{Place, config},
};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
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

/// What one of our handlers once answered, for a bare one that answers the same: what is left between the two is the door's. A copied
/// refusal is seen by its status.
struct Copied {
    front: Front,
    /// As whom it was asked.
    peer: Peer,
    uri: Uri,
    answer: OnceCell<(StatusCode, HeaderMap, Bytes)>,
}

impl Copied {
    /// Shared by all requests: a bare handler pays for one count.
    fn of(front: &Front, peer: Peer, uri: Uri) -> Arc<Self> {
        Arc::new(Self { front: front.clone(), peer, uri, answer: OnceCell::new() })
    }

    async fn answer(self: Arc<Self>, request: Request) -> Response {
        let asked = || async {
            let (mut parts, body) = request.into_parts();
            parts.uri = self.uri.clone();
            let Ok(answer) = self.front.of(self.peer).answer(Request::from_parts(parts, body)).await;
            let (parts, body) = answer.into_parts();
            // Both are whole when they leave.
            (parts.status, parts.headers, to_bytes(body, usize::MAX).await.unwrap_or_default())
        };
        let (status, headers, body) = self.answer.get_or_init(asked).await;
        let mut response = Response::new(Body::from(body.clone()));
        *response.status_mut() = *status;
        *response.headers_mut() = headers.clone();
        response
    }
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
    let here = (Ipv4Addr::LOCALHOST, 1).into();
    let whoami = Copied::of(&front, Peer::Address(here), Uri::from_static("/api/v1/whoami"));
    let check = Copied::of(&front, Peer::Gateway(here), check_path().parse()?);
    let handler = Router::new()
        .route("/", get(|| async { "ok" }))
        .route("/same", get(move |request: Request| Arc::clone(&whoami).answer(request)))
        .route("/checked", get(move |request: Request| Arc::clone(&check).answer(request)))
        .into_make_service_with_connect_info::<SocketAddr>();
    println!("ready");
    let bare = tokio::spawn(async move { axum::serve(theirs, handler).await });
    let asked = tokio::spawn(plain_http::serve_gateway(asking, front.clone(), std::future::pending()));
    plain_http::serve(ours, front, std::future::pending()).await;
    asked.await?;
    bare.await??;
    Ok(())
}
