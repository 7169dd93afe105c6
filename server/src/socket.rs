//! A Unix socket to listen on: who connects is a proxy on this machine, that may open the file.

use axum::serve::Listener;
use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

/// The owner and its group connect, and nobody else: whoever does is believed for whom it asks.
const MODE: u32 = 0o660;

/// A socket that is listened on. Its file goes when it is dropped.
pub(crate) struct Socket {
    bound: Option<(UnixListener, Turn)>,
    path: PathBuf,
    /// Which file it is: another server may have taken the path over while this one answered its last requests.
    file: (u64, u64),
}

impl Socket {
    /// Listens on this path. What a server that is gone has left there is taken away.
    ///
    /// # Errors
    /// When somebody listens there, or something else than a socket is there, or the system says no.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let turn = Turn::take(path)?;
        check(path)?;
        // Made where nobody else comes, so that nobody connects before the mode is set; put in its place in one step.
        let private = Private::beside(path)?;
        let made = private.0.join("s");
        let listener = UnixListener::bind(&made)?;
        std::fs::set_permissions(&made, std::fs::Permissions::from_mode(MODE))?;
        let file = file_of(&made)?;
        std::fs::rename(&made, path)?;
        Ok(Self { bound: Some((listener, turn)), path: path.to_owned(), file })
    }

    /// Whether a server could listen on this path now.
    ///
    /// # Errors
    /// As [`Socket::bind`].
    pub(crate) fn check(path: &Path) -> io::Result<()> {
        let _turn = Turn::take(path)?;
        check(path)
    }

    /// The listener, to be served.
    ///
    /// # Errors
    /// When the system says no.
    pub(crate) fn listener(&mut self) -> io::Result<Proxies> {
        let (listener, turn) = self.bound.take().ok_or(io::ErrorKind::NotConnected)?;
        listener.set_nonblocking(true)?;
        Ok(Proxies { listener: tokio::net::UnixListener::from_std(listener)?, _turn: turn })
    }
}

/// The proxies that connect. Who stops listening gives its turn away, though it may have requests to answer still.
pub(crate) struct Proxies {
    listener: tokio::net::UnixListener,
    _turn: Turn,
}

impl Listener for Proxies {
    type Io = tokio::net::UnixStream;
    type Addr = tokio::net::unix::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        Listener::accept(&mut self.listener).await
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let is_ours = file_of(&self.path).is_ok_and(|found| found == self.file);
        if is_ours && let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the socket's file stays");
        }
    }
}

/// The device and the number of a file.
fn file_of(path: &Path) -> io::Result<(u64, u64)> {
    let found = std::fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// The right to listen on a path, which one server has at a time: of two that start at once, and find nobody there, one does.
struct Turn {
    /// Unlocked by the system when it is closed, however this process ends.
    _locked: File,
}

impl Turn {
    /// The file stays when the turn is over: whoever took it away might take the next one's.
    fn take(path: &Path) -> io::Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _locked: file }),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::AddrInUse.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// A folder that only this process's user may enter, until it is dropped.
struct Private(PathBuf);

impl Private {
    fn beside(path: &Path) -> io::Result<Self> {
        // No longer than the path itself in most cases: the system takes short ones only.
        let folder = path.with_file_name(format!(".{}", std::process::id()));
        // What one that died halfway has left: nobody else alive has our number.
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "a folder that a socket was made in stays");
        }
    }
}

/// Whether the path is free, or holds a socket on which nobody listens any more. Anything else is not ours to replace.
fn check(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if !found.file_type().is_socket() => Err(io::ErrorKind::AlreadyExists.into()),
        Ok(_) => match UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
            Err(error) => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_over_from_the_dead_and_from_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");
        let first = Socket::bind(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        assert_eq!(Socket::bind(&path).err().map(|error| error.kind()), Some(io::ErrorKind::AddrInUse));
        drop(first);
        assert!(!path.exists());
        // One that has stopped listening and still answers does not take away what its successor has put there.
        let mut old = Socket::bind(&path).unwrap();
        drop(old.bound.take());
        let new = Socket::bind(&path).unwrap();
        drop(old);
        assert!(UnixStream::connect(&path).is_ok());
        drop(new);
        // A server that was killed leaves its file.
        drop(UnixListener::bind(&path).unwrap());
        assert!(Socket::bind(&path).is_ok());
        std::fs::write(&path, "mine").unwrap();
        assert!(Socket::bind(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing but it and its lock is left behind");
    }

    #[test]
    fn of_two_that_start_at_once_one_listens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");
        // One that died halfway.
        std::fs::create_dir(folder.path().join(format!(".{}", std::process::id()))).unwrap();
        drop(Socket::bind(&path).unwrap());
        let turn = Turn::take(&path).unwrap();
        assert_eq!(Socket::bind(&path).err().map(|error| error.kind()), Some(io::ErrorKind::AddrInUse));
        assert_eq!(Socket::check(&path).map_err(|error| error.kind()), Err(io::ErrorKind::AddrInUse));
        drop(turn);
        Socket::check(&path).unwrap();
        assert!(!path.exists(), "looking makes nothing");
    }
}
