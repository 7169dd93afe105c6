//! Asking a server in a process of its own, over a real connection.

use crate::support::Answer;
use axum::body::{Body, Bytes, to_bytes};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Asks, and reads the whole answer; none when the server goes away before it has answered.
pub(crate) async fn ask(server: SocketAddr, request: Request<Body>) -> Option<Answer> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.ok()?;
    // With HTTP/1.0 the end of the answer is the end of the connection.
    let mut text =
        format!("{} {} HTTP/1.0\r\nHost: {server}\r\nContent-Length: {}\r\n", parts.method, parts.uri, body.len());
    for (name, value) in &parts.headers {
        text.extend([name.as_str(), ": ", value.to_str().ok()?, "\r\n"]);
    }
    text.push_str("\r\n");
    let mut stream = TcpStream::connect(server).await.ok()?;
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.write_all(&body).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(answer[..end].to_vec()).ok()?;
    let mut lines = head.lines();
    let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        headers.append(name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?);
    }
    let body = Bytes::copy_from_slice(&answer[end + 4..]);
    let whole = headers.get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
    if whole.is_some_and(|length: usize| length != body.len()) {
        return None;
    }
    Some(Answer { status: StatusCode::from_u16(status).ok()?, headers, body })
}
