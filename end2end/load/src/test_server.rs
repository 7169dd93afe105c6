//! A server for tests: `GET /401` is answered 401; some other paths misbehave.

use crate::{Target, request};
use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

pub(crate) struct TestServer(SocketAddr);

impl TestServer {
    /// Serves until the tests end.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                // Otherwise the second piece of an answer waits 40 ms for the first to be acknowledged.
                stream.set_nodelay(true).unwrap();
                thread::spawn(move || serve(&stream));
            }
        });
        Self(address)
    }

    /// Where nobody listens.
    pub(crate) fn nobody() -> Target {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Target::new(listener.local_addr().unwrap()).unwrap()
    }

    pub(crate) fn target(&self) -> Target {
        Target::new(self.0).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        request::render(self.target(), "GET", path, &[], b"")
    }
}

fn serve(mut stream: &TcpStream) {
    let mut path = String::new();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if let Some(request) = line.strip_prefix("GET /") {
            request.split(' ').next().unwrap_or_default().clone_into(&mut path);
        }
        if !line.is_empty() {
            continue;
        }
        let status = match path.as_str() {
            "close" => return,
            "silent" => continue,
            "slow" => {
                thread::sleep(Duration::from_millis(10));
                "200"
            }
            status => status,
        };
        // In two pieces, as a network may cut it.
        let answer = format!("HTTP/1.1 {status} Some\r\ncontent-length: 5\r\n\r\nhello");
        let (start, rest) = answer.split_at(30);
        if stream.write_all(start.as_bytes()).and_then(|()| stream.write_all(rest.as_bytes())).is_err() {
            return;
        }
    }
}
