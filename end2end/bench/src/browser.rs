//! A browser of the benchmark: it asks for pages and watches lines of events, and says how long that took.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

/// In which time zone somebody looks: its days are not UTC's, and are added up from hours.
pub(crate) const ZONE: &str = "America/New_York";

/// A browser that is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    address: SocketAddr,
    session: String,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) took: Duration,
}

impl Answer {
    fn read(bytes: &[u8], took: Duration) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let status = text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
        Self { status, text, took }
    }

    /// A field of its head.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next()?;
        head.lines().filter_map(|line| line.split_once(": ")).find(|(found, _)| *found == name).map(|(_, value)| value)
    }
}

impl Browser {
    pub(crate) fn new(address: SocketAddr, session: String) -> Self {
        Self { address, session }
    }

    /// A page, whole, over a connection of its own.
    pub(crate) async fn page(&self, path: &str) -> io::Result<Answer> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\ncookie: latchkey={}; latchkey_zone={ZONE}\r\nconnection: close\r\n\r\n",
            self.address, self.session
        );
        ask(TcpStream::connect(self.address).await?, &request).await
    }

    /// Opens a line of events, and is back once its head is there.
    pub(crate) async fn watch(&self, path: &str) -> io::Result<Line> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\ncookie: latchkey={}\r\naccept: text/event-stream\r\n\r\n",
            self.address, self.session
        );
        stream.write_all(request.as_bytes()).await?;
        let mut line = Line { stream, seen: String::new() };
        line.until("\r\n\r\n").await?;
        if !line.seen.starts_with("HTTP/1.1 200") {
            let head = line.seen.lines().next().unwrap_or_default().to_owned();
            return Err(io::Error::other(format!("no line of events: {head}")));
        }
        Ok(line)
    }
}

/// A line of events.
pub(crate) struct Line {
    stream: TcpStream,
    seen: String,
}

impl Line {
    /// Reads until a text has come, or the line ends.
    pub(crate) async fn until(&mut self, text: &str) -> io::Result<()> {
        let mut part = [0; 4_096];
        while !self.seen.contains(text) {
            let read = self.stream.read(&mut part).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.seen.push_str(&String::from_utf8_lossy(&part[..read]));
        }
        Ok(())
    }
}

/// Calls the API with a key, from one of this machine's addresses, each of which is in a network of its own.
pub(crate) async fn call(address: SocketAddr, from: u8, key: &str) -> io::Result<Answer> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, from, 1)), 0))?;
    let request = format!(
        "GET /api/v1/whoami HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
    );
    ask(socket.connect(address).await?, &request).await
}

async fn ask(mut stream: TcpStream, request: &str) -> io::Result<Answer> {
    stream.set_nodelay(true)?;
    let began = Instant::now();
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::with_capacity(1 << 18);
    stream.read_to_end(&mut bytes).await?;
    Ok(Answer::read(&bytes, began.elapsed()))
}
