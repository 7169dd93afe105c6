//! A Unix socket to listen on: who connects is a proxy on this machine, that may open the file.

use std::{
    io,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

/// The owner and its group connect, and nobody else: whoever does is believed for whom it asks.
const MODE: u32 = 0o660;

/// A socket that is listened on. Its file goes when it is dropped.
pub(crate) struct Socket {
    listener: Option<UnixListener>,
    path: PathBuf,
}

impl Socket {
    /// Listens on this path. What a server that is gone has left there is taken away.
    ///
    /// # Errors
    /// When somebody listens there, or something else than a socket is there, or the system says no.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        if is_left_over(path)? {
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        let socket = Self { listener: Some(listener), path: path.to_owned() };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE))?;
        Ok(socket)
    }

    /// The listener, to be served.
    ///
    /// # Errors
    /// When the system says no.
    pub(crate) fn listener(&mut self) -> io::Result<tokio::net::UnixListener> {
        let listener = self.listener.take().ok_or(io::ErrorKind::NotConnected)?;
        listener.set_nonblocking(true)?;
        tokio::net::UnixListener::from_std(listener)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the socket's file stays");
        }
    }
}

/// Whether there is a socket on which nobody listens.
fn is_left_over(path: &Path) -> io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        // Something else is not ours to take away: binding will say that it is there.
        Ok(found) if !found.file_type().is_socket() => Ok(false),
        Ok(_) => match UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(true),
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
        // A server that was killed leaves its file.
        drop(UnixListener::bind(&path).unwrap());
        assert!(Socket::bind(&path).is_ok());
        std::fs::write(&path, "mine").unwrap();
        assert!(Socket::bind(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }
}
