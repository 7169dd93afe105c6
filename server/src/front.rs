//! What every request meets first: the straight way to what is read behind the door, and the router for everything else.

use crate::{
    api,
    connection::Arrival,
    door::{Answering, Straight},
    router::router,
    routes::ROUTES,
    state::AppState,
};
use axum::{
    Router,
    extract::{ConnectInfo, Request},
    response::Response,
    routing::future::RouteFuture,
    serve::{IncomingStream, Listener},
};
use http::Method;
use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tower::Service;

/// The whole server, for as many connections as come.
#[derive(Clone)]
pub struct Front(Arc<Ways>);

struct Ways {
    state: AppState,
    straight: Vec<(&'static str, Straight)>,
    router: Router,
}

impl Front {
    /// The front of this server.
    pub fn new(state: AppState) -> Self {
        let straight = ROUTES.iter().filter_map(|route| Some((route.path, api::straight(route)?))).collect();
        Self(Arc::new(Ways { straight, router: router(state.clone()), state }))
    }

    /// For the requests of one connection by plain HTTP.
    pub fn of(&self, peer: SocketAddr) -> Connection {
        Connection { front: self.clone(), peer }
    }

    /// The router, which knows every way: for connections about which their listener notes more.
    pub fn router(&self) -> Router {
        self.0.router.clone()
    }
}

impl<L: Listener<Addr = SocketAddr>> Service<IncomingStream<'_, L>> for Front {
    type Response = Connection;
    type Error = Infallible;
    type Future = Ready<Result<Connection, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, stream: IncomingStream<'_, L>) -> Self::Future {
        ready(Ok(self.of(*stream.remote_addr())))
    }
}

/// What answers the requests of one connection.
#[derive(Clone)]
pub struct Connection {
    front: Front,
    peer: SocketAddr,
}

impl Service<Request> for Connection {
    type Response = Response;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Answer {
        let ways = &*self.front.0;
        let path = request.uri().path();
        // What is read is the most of what is asked, and these few compare faster than any router finds.
        let found = ways.straight.iter().find(|(known, _)| *known == path && request.method() == Method::GET);
        if let Some((_, straight)) = found {
            return Answer::Straight(straight(Arrival::plain(self.peer), request, &ways.state));
        }
        request.extensions_mut().insert(ConnectInfo(self.peer));
        Answer::Routed(Box::pin(ways.router.clone().call(request)))
    }
}

/// An answer on its way.
pub enum Answer {
    /// From behind the door.
    Straight(Answering),
    /// From wherever the router led.
    Routed(Pin<Box<RouteFuture<Infallible>>>),
}

impl Future for Answer {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Straight(answering) => Pin::new(answering).poll(context).map(Ok),
            Self::Routed(routed) => routed.as_mut().poll(context),
        }
    }
}
