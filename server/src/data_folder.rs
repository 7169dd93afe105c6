//! The data folder: where the database and the server's own secret are when nobody says otherwise.

use latchkey_core::{
    random::Random,
    secret::{MasterKey, hex},
};
use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

const SECRET_FILE: &str = "secret.key";

/// What is wrong with the data folder.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// It cannot be made or written to.
    #[error("the data folder {folder} cannot be written to: {source}")]
    NotWritable {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The secret cannot be read or written.
    #[error("the secret {file} cannot be used: {source}")]
    Secret {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others may read the secret.
    #[error("the secret {file} can be read by others: run `chmod 600 {file}`, and replace it if somebody has read it")]
    Exposed {
        /// The file.
        file: PathBuf,
    },
    /// The secret is not 64 hexadecimal digits.
    #[error("{place} is not a secret: 64 hexadecimal digits are needed, as `openssl rand -hex 32` makes them")]
    NotASecret {
        /// Where it was found; never what was found.
        place: String,
    },
}

/// Makes the folder if it is missing, for its owner alone, and tries to write into it.
///
/// # Errors
/// [`DataFolderError::NotWritable`], with what the system says.
pub fn prepare(folder: &Path) -> Result<(), DataFolderError> {
    let failed = |source| DataFolderError::NotWritable { folder: folder.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let probe = folder.join(".write-test");
    fs::write(&probe, b"latchkey").map_err(failed)?;
    fs::remove_file(&probe).map_err(failed)
}

/// The server's own secret: from the environment, from the folder, or made now and kept there.
///
/// # Errors
/// [`DataFolderError`].
pub fn master_key(folder: &Path, configured: Option<&str>, random: &dyn Random) -> Result<MasterKey, DataFolderError> {
    if let Some(text) = configured {
        return parse(text, "LATCHKEY_SECRET_KEY");
    }
    let file = folder.join(SECRET_FILE);
    let failed = |source| DataFolderError::Secret { file: file.clone(), source };
    match OpenOptions::new().read(true).open(&file) {
        Ok(mut opened) => {
            if opened.metadata().map_err(failed)?.mode() & 0o077 != 0 {
                return Err(DataFolderError::Exposed { file });
            }
            let mut text = Zeroizing::new(String::new());
            opened.read_to_string(&mut text).map_err(failed)?;
            parse(text.trim(), &file.display().to_string())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut bytes = Zeroizing::new([0; 32]);
            random.fill(&mut *bytes);
            let text = Zeroizing::new(hex(&*bytes));
            // `create_new`: of two first starts at once, one wins, and the other says so.
            let mut created =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file).map_err(failed)?;
            created.write_all(text.as_bytes()).and_then(|()| created.sync_all()).map_err(failed)?;
            Ok(MasterKey::new(*bytes))
        }
        Err(error) => Err(failed(error)),
    }
}

fn parse(text: &str, place: &str) -> Result<MasterKey, DataFolderError> {
    let wrong = || DataFolderError::NotASecret { place: place.to_owned() };
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong());
    }
    let mut bytes = Zeroizing::new([0; 32]);
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| wrong())?;
    }
    Ok(MasterKey::new(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_core::random::SystemRandom;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = master_key(folder.path(), None, &SystemRandom).unwrap();
        let second = master_key(folder.path(), None, &SystemRandom).unwrap();
        assert_eq!(first.derive("x").digest(b"y"), second.derive("x").digest(b"y"));
        let file = folder.path().join(SECRET_FILE);
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);

        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let error = master_key(folder.path(), None, &SystemRandom).unwrap_err();
        assert!(matches!(error, DataFolderError::Exposed { .. }));
        assert!(error.to_string().contains("chmod 600"));
    }

    #[test]
    fn a_wrong_secret_is_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let error = master_key(folder.path(), Some("hunter2"), &SystemRandom).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
