//! An end to connections on which nothing happens: each holds a place that somebody else may need.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// How long nothing may happen, at least; at most twice as long.
const PATIENCE: Duration = Duration::from_secs(75);
/// For how many times as long there may be something to read and nothing to answer: a request has at least twice as long to arrive.
const UNANSWERED: u8 = 3;
/// How long a connection may take to ask for anything.
const FIRST_REQUEST: Duration = Duration::from_secs(30);

/// A connection that ends when nothing was read or written for a while, or when what is read becomes no request.
///
/// Its timer is set once for as long as it takes, and asked again only when it is over: a request costs no more than noting that
/// there was one.
pub(crate) struct Patient<Io> {
    io: Io,
    patience: Duration,
    over: Pin<Box<Sleep>>,
    moved: bool,
    answered: bool,
    /// For how many turns of the timer something was read and nothing written.
    unanswered: u8,
    /// Whether it has asked for anything, until that was looked at.
    asked: Option<Arc<AtomicBool>>,
}

impl<Io> Patient<Io> {
    pub(crate) fn new(io: Io) -> Self {
        Self::with(io, PATIENCE)
    }

    fn with(io: Io, patience: Duration) -> Self {
        let over = Box::pin(sleep_until(Instant::now() + patience));
        Self { io, patience, over, moved: false, answered: false, unanswered: 0, asked: None }
    }

    /// One that ends soon, unless it is noted here that its first request has come.
    pub(crate) fn until_asked(io: Io, asked: Arc<AtomicBool>) -> Self {
        let over = Box::pin(sleep_until(Instant::now() + FIRST_REQUEST));
        Self { over, asked: Some(asked), ..Self::new(io) }
    }

    /// Is ready when nothing has happened for long enough.
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.over.as_mut().poll(context));
            if !self.goes_on() {
                return Poll::Ready(());
            }
            self.over.as_mut().reset(Instant::now() + self.patience);
        }
    }

    /// Whether enough has happened since the timer was set.
    fn goes_on(&mut self) -> bool {
        let (moved, answered) = (std::mem::take(&mut self.moved), std::mem::take(&mut self.answered));
        if let Some(asked) = self.asked.take() {
            return asked.load(Ordering::Relaxed);
        }
        self.unanswered = if answered { 0 } else { self.unanswered.saturating_add(1) };
        moved && self.unanswered < UNANSWERED
    }

    /// Notes that something has happened; or ends it, where nothing has for too long.
    fn judge<T>(&mut self, outcome: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if outcome.is_pending() && self.poll_over(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.moved |= outcome.is_ready();
        outcome
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Patient<Io> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.io).poll_read(context, buffer);
        this.judge(read, context)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Patient<Io> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write(context, bytes);
        this.answered |= written.is_ready();
        this.judge(written, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write_vectored(context, bytes);
        this.answered |= written.is_ready();
        this.judge(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(context);
        // That there was nothing to be written is nothing that has happened.
        if flushed.is_pending() { this.judge(flushed, context) } else { flushed }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.io).poll_shutdown(context);
        // TLS has a last word, too, which the other end may not take.
        if shut.is_pending() { this.judge(shut, context) } else { shut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    const SHORT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_is_not_waited_for() {
        let (ours, _theirs) = duplex(64);
        let mut ours = Patient::with(ours, SHORT);
        let before = Instant::now();
        assert_eq!(ours.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(before.elapsed(), SHORT);
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_something_now_and_then_and_is_answered_stays() {
        let (ours, mut theirs) = duplex(64);
        let mut ours = Patient::with(ours, SHORT);
        let speaking = tokio::spawn(async move {
            for _ in 0..10 {
                tokio::time::sleep(SHORT * 9 / 10).await;
                theirs.write_u8(7).await.unwrap();
            }
            std::future::pending::<()>().await;
        });
        for _ in 0..10 {
            assert_eq!(ours.read_u8().await.unwrap(), 7);
            ours.write_u8(8).await.unwrap();
        }
        let before = Instant::now();
        assert!(ours.read_u8().await.is_err());
        assert!(before.elapsed() <= SHORT * 2);
        speaking.abort();
    }

    /// How long a connection stays on which a byte comes every second, and nothing is answered.
    async fn stays(patient: impl FnOnce(DuplexStream) -> Patient<DuplexStream>) -> Duration {
        let (ours, mut theirs) = duplex(64);
        let mut ours = patient(ours);
        let dripping = tokio::spawn(async move {
            while theirs.write_u8(7).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let before = Instant::now();
        while ours.read_u8().await.is_ok() {}
        dripping.abort();
        before.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn what_becomes_no_request_is_not_listened_to_for_ever() {
        let about = |stayed: Duration, expected: Duration| {
            assert!(stayed >= expected && stayed < expected + Duration::from_secs(1), "{stayed:?} {expected:?}");
        };
        about(stays(|ours| Patient::with(ours, SHORT)).await, SHORT * u32::from(UNANSWERED));
        let asked = Arc::new(AtomicBool::new(false));
        about(stays(|ours| Patient::until_asked(ours, Arc::clone(&asked))).await, FIRST_REQUEST);
        asked.store(true, Ordering::Relaxed);
        let longest = FIRST_REQUEST + PATIENCE * u32::from(UNANSWERED);
        about(stays(|ours| Patient::until_asked(ours, asked)).await, longest);
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_not_written_to_for_ever() {
        let (ours, _theirs) = duplex(64);
        let mut ours = Patient::with(ours, SHORT);
        let before = Instant::now();
        assert_eq!(ours.write_all(&[7; 1_000]).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(before.elapsed() <= SHORT * 2);
    }

    /// A connection whose other end does not take the last word.
    struct Unheard;

    impl AsyncWrite for Unheard {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_take_the_last_word_is_not_waited_for() {
        let mut ours = Patient::with(Unheard, SHORT);
        let before = Instant::now();
        assert_eq!(ours.shutdown().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(before.elapsed(), SHORT);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_counts_while_its_reader_only_listens() {
        let (ours, mut theirs) = duplex(1024);
        let (mut reading, mut writing) = tokio::io::split(Patient::with(ours, SHORT));
        let listening = tokio::spawn(async move { reading.read_u8().await.map_err(|error| error.kind()) });
        for _ in 0..10 {
            tokio::time::sleep(SHORT * 9 / 10).await;
            writing.write_u8(7).await.unwrap();
            assert_eq!(theirs.read_u8().await.unwrap(), 7);
            assert!(!listening.is_finished());
        }
        assert_eq!(listening.await.unwrap(), Err(io::ErrorKind::TimedOut));
    }
}
