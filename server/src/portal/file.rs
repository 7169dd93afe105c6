//! Files of rows, as CSV or as JSON Lines, which leave as they are read: however many there are, few are held at once.

use app::route;
use axum::{
    body::Body,
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Format {
    /// RFC 4180, with a line of names at its head.
    #[default]
    Csv,
    /// One object a line.
    Json,
}

impl Format {
    /// The format of a word; anything else is CSV.
    pub(super) fn of_word(word: &str) -> Self {
        if word == "json" { Self::Json } else { Self::Csv }
    }

    const fn content_type(self) -> HeaderValue {
        match self {
            Self::Csv => HeaderValue::from_static("text/csv; charset=utf-8; header=present"),
            Self::Json => HeaderValue::from_static("application/jsonl"),
        }
    }

    const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "jsonl",
        }
    }

    /// Rows in this format; `first` where the file begins with them.
    fn write<R: Serialize>(self, rows: &[R], first: bool) -> Bytes {
        let mut text = Vec::new();
        match self {
            Self::Csv => {
                let mut writer = csv::WriterBuilder::new().has_headers(first).from_writer(&mut text);
                for row in rows {
                    if let Err(error) = writer.serialize(row) {
                        tracing::error!(%error, "a row cannot be written to a file");
                    }
                }
                drop(writer);
            }
            Self::Json => {
                for row in rows {
                    if let Err(error) = serde_json::to_writer(&mut text, row) {
                        tracing::error!(%error, "a row cannot be written to a file");
                    }
                    text.push(b'\n');
                }
            }
        }
        text.into()
    }
}

/// Answers with a file that leaves as it is read. An error breaks the connection off: half a file never looks like a whole one.
fn file<S, E>(name: &str, format: Format, rows: S) -> Response
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    let mut response = Body::from_stream(rows).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, format.content_type());
    let disposition = format!("attachment; filename=\"{name}.{}\"", format.ending());
    if let Ok(disposition) = HeaderValue::try_from(disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

/// Rows that are read part after part.
pub(super) trait Reading: Send + 'static {
    /// What is written of each.
    type Row: Serialize + Send;
    /// Why a part could not be read.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Reads the next part.
    fn read(&mut self) -> impl Future<Output = Result<Part<Self::Row>, Self::Error>> + Send;
}

/// Rows that were read, and whether there are more.
pub(super) struct Part<Row> {
    pub(super) rows: Vec<Row>,
    pub(super) more: bool,
}

/// What comes next in a file.
enum Next<Row> {
    Ready(Part<Row>),
    Unread,
    End,
}

/// Answers with a file of rows whose first part was read before the answer begins: what is wrong with that one has a status.
pub(super) fn file_in_parts<R: Reading>(name: &str, format: Format, reading: R, first: Part<R::Row>) -> Response {
    let begun = (reading, Next::Ready(first), true);
    let blocks = stream::unfold(begun, move |(mut reading, next, is_first)| async move {
        let part = match next {
            Next::Ready(part) => part,
            Next::Unread => match reading.read().await {
                Ok(part) => part,
                Err(error) => return Some((Err(error), (reading, Next::End, is_first))),
            },
            Next::End => return None,
        };
        let text = format.write(&part.rows, is_first);
        let next = if part.more { Next::Unread } else { Next::End };
        Some((Ok(text), (reading, next, is_first && part.rows.is_empty())))
    });
    file(name, format, blocks)
}

/// What somebody wrote that is not us, as a cell: a spreadsheet takes what begins like this for a formula, and runs it.
pub(super) fn foreign(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// Leads whoever is not signed in to sign in, and on to the page that has the link to the file.
pub(super) fn sign_in_first(page: &str) -> Response {
    Redirect::to(&route::sign_in_then(page)).into_response()
}

/// There is no such file, or it is a stranger's.
pub(super) fn nothing_here() -> Response {
    (StatusCode::NOT_FOUND, "There is nothing here, or it is not for you.\n").into_response()
}

/// The store is out of reach, for what was to be read.
pub(super) fn unavailable(error: &(dyn std::error::Error + 'static), what: &str) -> Response {
    tracing::error!(error, "{what} could not be read");
    (StatusCode::SERVICE_UNAVAILABLE, "Temporarily unavailable. Try again in a moment.\n").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Row {
        path: String,
        status: u16,
    }

    #[test]
    fn rows_are_cells_and_nothing_that_strangers_write_is_a_formula() {
        let rows = ["/a,\"b\"", "=1+1"].map(|path| Row { path: foreign(path), status: 200 });
        assert_eq!(Format::Csv.write(&rows, true), "path,status\n\"/a,\"\"b\"\"\",200\n'=1+1,200\n");
        assert_eq!(Format::Csv.write(&rows[1..], false), "'=1+1,200\n");
        assert_eq!(Format::Json.write(&rows[1..], true), "{\"path\":\"'=1+1\",\"status\":200}\n");
    }
}
