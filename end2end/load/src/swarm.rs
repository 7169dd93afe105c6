//! Many connections, driven by one thread.

use crate::{LoadError, Target, client::Connection};
use mio::{Events, Interest, Poll, Token};
use std::{
    io,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

/// Connections, and what the system says of them.
pub(crate) struct Swarm {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    idle: Duration,
}

impl Swarm {
    pub(crate) fn connect(target: Target, count: NonZeroUsize) -> Result<Self, LoadError> {
        let poll = Poll::new().map_err(LoadError::Poll)?;
        let mut connections = Vec::with_capacity(count.get());
        for place in 0..count.get() {
            let mut connection = Connection::open(target)?;
            // Edge by edge: asking for both at once costs nothing until a socket that was full takes more.
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(connection.stream(), Token(place), interest).map_err(LoadError::Poll)?;
            connections.push(connection);
        }
        Ok(Self { poll, events: Events::with_capacity(256), connections, idle: Duration::ZERO })
    }

    /// Every connection, by its place.
    pub(crate) fn connections(&mut self) -> &mut [Connection] {
        &mut self.connections
    }

    /// Forgets how long it was idle.
    pub(crate) fn start_the_clock(&mut self) {
        self.idle = Duration::ZERO;
    }

    /// How long it found nothing to do. Without idle time it was the generator that was measured.
    pub(crate) fn idle(&self) -> Duration {
        self.idle
    }

    /// Looks for connections that have something to read, and calls `ready` once for each. What was left to write is written first.
    ///
    /// It never sleeps: whoever wakes a sleeper on another core pays a microsecond or two for it, and that would be the server, the more
    /// often the slower it is.
    pub(crate) fn turn(
        &mut self,
        mut ready: impl FnMut(usize, &mut Connection) -> Result<(), LoadError>,
    ) -> Result<(), LoadError> {
        let before = Instant::now();
        match self.poll.poll(&mut self.events, Some(Duration::ZERO)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(LoadError::Poll(error)),
        }
        if self.events.is_empty() {
            self.idle += before.elapsed();
        }
        for event in &self.events {
            let Token(place) = event.token();
            let Some(connection) = self.connections.get_mut(place) else { continue };
            if event.is_writable() {
                connection.flush()?;
            }
            if event.is_readable() {
                ready(place, connection)?;
            }
            // The news of an end comes once, maybe together with an answer that was read above.
            if event.is_read_closed() || event.is_error() {
                return Err(LoadError::Closed);
            }
        }
        Ok(())
    }
}
