//! One connection that is kept alive.

use crate::{
    LoadError, Target,
    answer::{AnswerFault, Answers},
};
use mio::net::TcpStream;
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    time::Instant,
};

/// A request that was answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    /// The answer's status.
    pub(crate) status: u16,
    /// When the request was sent, or should have been.
    pub(crate) since: Instant,
    /// When the answer was there.
    pub(crate) at: Instant,
}

/// A connection. Answers come in the order of their requests, so a queue is all that matches them.
pub(crate) struct Connection {
    stream: TcpStream,
    answers: Answers,
    /// Requests that wait to be written; the front of it, `written` bytes, already was.
    outgoing: Vec<u8>,
    written: usize,
    /// When each request that has no answer yet was sent.
    in_flight: VecDeque<Instant>,
}

impl Connection {
    pub(crate) fn open(target: Target) -> Result<Self, LoadError> {
        let connect = || {
            let stream = std::net::TcpStream::connect(target.address())?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            Ok(TcpStream::from_std(stream))
        };
        Ok(Self {
            stream: connect().map_err(|source| LoadError::Connect { address: target.address(), source })?,
            answers: Answers::new(),
            outgoing: Vec::new(),
            written: 0,
            in_flight: VecDeque::new(),
        })
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Requests that have no answer yet.
    pub(crate) fn in_flight(&self) -> &VecDeque<Instant> {
        &self.in_flight
    }

    /// Queues a request that counts from `since`; [`Self::flush`] sends it.
    pub(crate) fn queue(&mut self, request: &[u8], since: Instant) {
        self.outgoing.extend_from_slice(request);
        self.in_flight.push_back(since);
    }

    /// Writes as much as the system takes now. The rest goes when the connection is writable again.
    pub(crate) fn flush(&mut self) -> Result<(), LoadError> {
        while let Some(rest) = self.outgoing.get(self.written..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(bytes) => self.written += bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LoadError::Connection(error)),
            }
        }
        self.outgoing.clear();
        self.written = 0;
        Ok(())
    }

    /// Reads what has come, and calls `each` for every request that is answered by it.
    pub(crate) fn receive(&mut self, mut each: impl FnMut(Answered)) -> Result<(), LoadError> {
        loop {
            let space = self.answers.space();
            let room = space.len();
            let bytes = match self.stream.read(space) {
                Ok(0) => return Err(LoadError::Closed),
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(LoadError::Connection(error)),
            };
            self.answers.filled(bytes);
            let at = Instant::now();
            while let Some(status) = self.answers.next_status()? {
                let since = self.in_flight.pop_front().ok_or(AnswerFault::Unasked)?;
                each(Answered { status, since, at });
            }
            // A read that leaves room has emptied the socket; asking again would cost a call for each request.
            if bytes < room {
                return Ok(());
            }
        }
    }
}
