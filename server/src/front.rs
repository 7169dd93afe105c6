//! What every request meets first: the straight way to what is read behind the door, and the router for everything else.

use crate::{
    api,
    connection::{Arrival, Peer},
    door::{Answering, Head, Straight, came},
    gateway,
    router::router,
    routes::ROUTES,
    state::AppState,
    telemetry::{Followed, follow},
};
use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    response::Response,
    routing::future::RouteFuture,
};
use http::Method;
use hyper::body::Incoming;
use std::{
    convert::Infallible,
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
    /// The front of this server. Where requests are traced, every one takes the router, which knows its route.
    pub fn new(state: AppState) -> Self {
        let routes = if state.is_traced() { &[] } else { ROUTES };
        let straight = routes.iter().filter_map(|route| Some((route.path, api::straight(route)?))).collect();
        Self(Arc::new(Ways { straight, router: router(state.clone()), state }))
    }

    /// For the requests of one connection by plain HTTP.
    pub fn of(&self, peer: Peer) -> Connection {
        Connection { front: self.clone(), peer }
    }

    /// What its handlers share.
    pub(crate) fn state(&self) -> &AppState {
        &self.0.state
    }

    /// The router, which knows every way: for connections about which their listener notes more.
    pub fn router(&self) -> Router {
        self.0.router.clone()
    }
}

/// What answers the requests of one connection.
#[derive(Clone)]
pub struct Connection {
    front: Front,
    peer: Peer,
}

impl Connection {
    /// Answers one request.
    pub fn answer<B>(&self, request: http::Request<B>) -> Answer
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let ways = &*self.front.0;
        if let Peer::Gateway(_) = self.peer {
            // A proxy sends no body along, and would have no use for one that is read.
            let (parts, _) = request.into_parts();
            let arrival = Arrival::plain(&ways.state.config, self.peer, &parts.headers);
            let came = came(&ways.state);
            let is_traced = ways.state.is_traced();
            if !is_traced && let Some(response) = gateway::check_at_once(&ways.state, &arrival, &parts, came) {
                return Answer::Ready(std::future::ready(response));
            }
            let state = ways.state.clone();
            return Answer::Straight(Answering::new(came.1, async move {
                if !is_traced {
                    return gateway::check(&state, &arrival, &parts, came).await;
                }
                let (method, path) = (&parts.method, parts.uri.path());
                let route = Some(gateway::CHECK);
                let span = Followed { arrival: &arrival, method, path, route, headers: &parts.headers }.span();
                follow(span, gateway::check(&state, &arrival, &parts, came)).await
            }));
        }
        let path = request.uri().path();
        // What is read is the most of what is asked, and these few compare faster than any router finds.
        let found = ways.straight.iter().find(|(known, _)| *known == path && request.method() == Method::GET);
        if let Some((_, straight)) = found {
            let arrival = Arrival::plain(&ways.state.config, self.peer, request.headers());
            if let Some(response) = straight.at_once(&arrival, Head::of(&request), &ways.state) {
                return Answer::Ready(std::future::ready(response));
            }
            return Answer::Straight(straight.in_time(arrival, request.map(Body::new), &ways.state));
        }
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.peer);
        Answer::Routed(Box::pin(ways.router.clone().call(request)))
    }
}

impl hyper::service::Service<http::Request<Incoming>> for Connection {
    type Response = Response;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: http::Request<Incoming>) -> Answer {
        self.answer(request)
    }
}

/// An answer on its way.
pub enum Answer {
    /// It is there.
    Ready(std::future::Ready<Response>),
    /// From behind the door.
    Straight(Answering),
    /// From wherever the router led.
    Routed(Pin<Box<RouteFuture<Infallible>>>),
}

impl Future for Answer {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Ready(response) => Pin::new(response).poll(context).map(Ok),
            Self::Straight(answering) => Pin::new(answering).poll(context).map(Ok),
            Self::Routed(routed) => routed.as_mut().poll(context),
        }
    }
}
