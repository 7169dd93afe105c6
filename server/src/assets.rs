//! Scripts, styles, fonts and pictures: read once, kept in memory compressed, served under a path that changes with their
//! content, so that browsers may keep them for ever.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use latchkey_core::secret::hex;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    io,
    path::{Path as FilePath, PathBuf},
};

use crate::state::AppState;

/// One file.
struct Asset {
    content_type: HeaderValue,
    plain: Vec<u8>,
    /// As `cargo leptos build -P` made it.
    brotli: Option<Vec<u8>>,
}

/// Every file that pages ask for.
pub struct Assets {
    files: BTreeMap<String, Asset>,
    root: String,
    /// Where each file is read again for each request, while somebody is changing them.
    watched: Option<PathBuf>,
}

/// Why the assets cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("the assets in {folder} cannot be read; run `make serve`, which builds them")]
pub struct AssetsError {
    folder: PathBuf,
    #[source]
    source: io::Error,
}

impl Assets {
    /// Reads the assets of a release binary, which carries them inside.
    #[cfg(feature = "embed-assets")]
    pub fn embedded() -> Self {
        static SITE: include_dir::Dir<'_> = include_dir::include_dir!("$LATCHKEY_SITE");
        fn collect(dir: &include_dir::Dir<'_>, files: &mut BTreeMap<String, Vec<u8>>) {
            for file in dir.files() {
                files.insert(file.path().to_string_lossy().into_owned(), file.contents().to_vec());
            }
            for dir in dir.dirs() {
                collect(dir, files);
            }
        }
        let mut files = BTreeMap::new();
        collect(&SITE, &mut files);
        Self::new(files)
    }

    /// Reads the assets from a folder.
    ///
    /// # Errors
    /// When the folder has none.
    pub fn from_folder(folder: &FilePath) -> Result<Self, AssetsError> {
        let failed = |source| AssetsError { folder: folder.to_owned(), source };
        let mut files = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(&next).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(name) = path.strip_prefix(folder) {
                    files.insert(name.to_string_lossy().into_owned(), std::fs::read(&path).map_err(failed)?);
                }
            }
        }
        Ok(Self::new(files))
    }

    /// Reads each file again for each request, and lets no browser keep it.
    #[must_use]
    pub fn read_anew(self, folder: &FilePath) -> Self {
        Self { watched: Some(folder.to_owned()), ..self }
    }

    /// No assets: for tests of everything else.
    pub fn none() -> Self {
        Self::new(BTreeMap::new())
    }

    fn new(mut found: BTreeMap<String, Vec<u8>>) -> Self {
        let mut hash = Sha256::new();
        for (name, content) in &found {
            hash.update(name.as_bytes());
            hash.update(content);
        }
        let version = hex(&hash.finalize()[..8]);
        let names: Vec<String> = found
            .keys()
            .filter(|name| FilePath::new(name).extension().is_none_or(|ending| ending != "br" && ending != "gz"))
            .cloned()
            .collect();
        let files = names
            .into_iter()
            .filter_map(|name| {
                let plain = found.remove(&name)?;
                let brotli = found.remove(&format!("{name}.br"));
                let content_type = HeaderValue::from_static(content_type(&name));
                Some((name, Asset { content_type, plain, brotli }))
            })
            .collect();
        Self { files, root: format!("/assets/{version}"), watched: None }
    }

    /// The path under which the files are: it changes when any of them does.
    pub fn root(&self) -> &str {
        &self.root
    }

    fn answer(&self, name: &str, accept_encoding: Option<&HeaderValue>) -> Option<Response> {
        let asset = self.files.get(name)?;
        if let Some(folder) = &self.watched {
            let content = std::fs::read(folder.join(name)).ok()?;
            let headers = [
                (header::CONTENT_TYPE, asset.content_type.clone()),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            return Some((headers, content).into_response());
        }
        let takes_brotli = accept_encoding
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.split(',').any(|one| one.trim() == "br"));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, asset.content_type.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        let body = match &asset.brotli {
            Some(brotli) if takes_brotli => {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
                brotli
            }
            _ => &asset.plain,
        };
        Some((headers, body.clone()).into_response())
    }
}

/// Serves a file; the version in the path only keeps browsers from using an old one.
pub async fn serve(
    State(state): State<AppState>,
    Path((_version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let found = state.assets.answer(&name, headers.get(header::ACCEPT_ENCODING));
    found.unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

/// Serves `/robots.txt` and `/favicon.ico`, which have to be at the root.
pub async fn robots(State(state): State<AppState>) -> Response {
    state.assets.answer("robots.txt", None).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

fn content_type(name: &str) -> &'static str {
    match FilePath::new(name).extension().and_then(|ending| ending.to_str()) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: &str) -> (String, Vec<u8>) {
        (name.to_owned(), content.as_bytes().to_vec())
    }

    #[test]
    fn the_path_changes_with_the_content() {
        let one = Assets::new(BTreeMap::from([file("a.css", "x")]));
        let other = Assets::new(BTreeMap::from([file("a.css", "y")]));
        assert_ne!(one.root(), other.root());
    }

    #[test]
    fn compressed_files_go_to_those_who_take_them() {
        let assets = Assets::new(BTreeMap::from([file("pkg/a.js", "plain"), file("pkg/a.js.br", "small")]));
        let takes = HeaderValue::from_static("gzip, br");
        let answer = assets.answer("pkg/a.js", Some(&takes)).unwrap();
        assert_eq!(answer.headers()[header::CONTENT_ENCODING], "br");
        assert!(assets.answer("pkg/a.js", None).unwrap().headers().get(header::CONTENT_ENCODING).is_none());
        assert!(assets.answer("pkg/a.js.br", None).is_none());
        assert!(assets.answer("../secret.key", None).is_none());
    }
}
