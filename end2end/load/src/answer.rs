//! Reading answers: the status, and where the next answer begins. Nothing else of an answer is looked at.

/// Why an answer cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// It does not begin as an answer.
    #[error("it is not HTTP/1.1")]
    NotHttp,
    /// The head does not fit the buffer.
    #[error("its head is longer than {CAPACITY} bytes")]
    LongHead,
    /// A provisional answer: another would follow it, and nothing here asks for such.
    #[error("its status {0} is not a final one")]
    Interim(u16),
    /// Only `Content-Length` says cheaply where an answer ends.
    #[error("it has no valid Content-Length")]
    NoLength,
    /// More came than was asked for.
    #[error("nobody asked for it")]
    Unasked,
}

/// Room for the head, and for a piece of the body, of an answer; or for several pipelined answers.
const CAPACITY: usize = 16 * 1024;

/// An answer's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Bytes of the head itself.
    length: usize,
    /// Bytes of the body.
    body: usize,
}

/// The answers that arrive on one connection, however the network cuts them.
pub(crate) struct Answers {
    buffer: Box<[u8]>,
    /// What was read and is not consumed yet.
    start: usize,
    end: usize,
    /// The answer whose body is being skipped, and how much of that is left.
    current: Option<(u16, usize)>,
}

impl Answers {
    pub(crate) fn new() -> Self {
        Self { buffer: vec![0; CAPACITY].into_boxed_slice(), start: 0, end: 0, current: None }
    }

    /// Where to read into. What is left of an answer moves to the front first, so there is always room.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// So many bytes were read into [`Self::space`].
    pub(crate) fn filled(&mut self, bytes: usize) {
        self.end = self.end.saturating_add(bytes).min(self.buffer.len());
    }

    /// The status of the next answer that is there to its last byte.
    pub(crate) fn next_status(&mut self) -> Result<Option<u16>, AnswerFault> {
        let (status, body) = match self.current {
            Some(current) => current,
            None => match head(self.unread())? {
                Some(head) => {
                    self.start += head.length;
                    (head.status, head.body)
                }
                None if self.end - self.start == self.buffer.len() => return Err(AnswerFault::LongHead),
                None => return Ok(None),
            },
        };
        let here = body.min(self.end - self.start);
        self.start += here;
        let left = body - here;
        self.current = (left > 0).then_some((status, left));
        Ok((left == 0).then_some(status))
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }
}

/// Reads a head, if all of it is there.
fn head(bytes: &[u8]) -> Result<Option<Head>, AnswerFault> {
    const BEGINNING: &[u8] = b"HTTP/1.1 ";
    let shared = bytes.len().min(BEGINNING.len());
    if bytes.get(..shared) != BEGINNING.get(..shared) {
        return Err(AnswerFault::NotHttp);
    }
    let mut lines = Lines { bytes, at: 0 };
    let Some(first) = lines.next() else { return Ok(None) };
    let status =
        first.get(BEGINNING.len()..BEGINNING.len() + 3).and_then(number).and_then(|status| status.try_into().ok());
    let status: u16 = status.ok_or(AnswerFault::NotHttp)?;
    let mut body = None;
    for line in lines.by_ref() {
        if line.is_empty() {
            return Ok(Some(Head { status, length: lines.at, body: body_length(status, body)? }));
        }
        if let Some(value) = value_of(line, b"content-length:") {
            body = Some(number(value.trim_ascii()).ok_or(AnswerFault::NoLength)?);
        }
    }
    Ok(None)
}

/// How long the body is: the status may forbid one, otherwise the header says it.
fn body_length(status: u16, header: Option<usize>) -> Result<usize, AnswerFault> {
    match status {
        ..200 => Err(AnswerFault::Interim(status)),
        204 | 304 => Ok(0),
        _ => header.ok_or(AnswerFault::NoLength),
    }
}

/// What comes after a header's name, which is given in lower case and with its colon.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then_some(value)
}

fn number(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_usize, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| usize::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// The lines of a head, without their ends; a line whose end is not there yet is not given.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let length = rest.iter().position(|byte| *byte == b'\n')?;
        self.at += length + 1;
        let line = rest.get(..length)?;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] =
        b"HTTP/1.1 200 OK\r\nx-y: z\r\nContent-Length: 12\r\n\r\nHTTP/1.1 500HTTP/1.1 401 Unauthorized\r\n\
        content-length:0\r\ndate: today\r\n\r\n";

    fn read(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<Vec<u16>, AnswerFault> {
        let (mut answers, mut statuses) = (Answers::new(), Vec::new());
        for piece in pieces {
            let mut piece = piece.as_ref();
            while !piece.is_empty() {
                let space = answers.space();
                let taken = piece.len().min(space.len());
                space[..taken].copy_from_slice(&piece[..taken]);
                piece = &piece[taken..];
                answers.filled(taken);
                while let Some(status) = answers.next_status()? {
                    statuses.push(status);
                }
            }
        }
        Ok(statuses)
    }

    #[test]
    fn answers_are_read_wherever_they_are_cut() {
        for first in 0..TWO.len() {
            for second in first..TWO.len() {
                let pieces = [&TWO[..first], &TWO[first..second], &TWO[second..]];
                assert_eq!(read(pieces), Ok(vec![200, 401]), "cut at {first} and {second}");
            }
        }
        assert_eq!(read(TWO.chunks(1)), Ok(vec![200, 401]));
    }

    #[test]
    fn a_body_may_be_longer_than_the_buffer() {
        let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 3 * CAPACITY + 7).into_bytes();
        answer.resize(answer.len() + 3 * CAPACITY + 7, b'x');
        answer.extend_from_slice(TWO);
        assert_eq!(read([&answer]), Ok(vec![200, 200, 401]));
        assert_eq!(read(answer.chunks(1000)), Ok(vec![200, 200, 401]));
    }

    #[test]
    fn some_answers_have_no_body() {
        assert_eq!(
            read([b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 \r\ncontent-length: 9\r\n\r\n"]),
            Ok(vec![204, 304])
        );
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let fault = |answer: &[u8]| read([answer]).unwrap_err();
        assert_eq!(fault(b"SSH-2.0"), AnswerFault::NotHttp);
        assert_eq!(fault(b"HTTP/1.0 200 OK\r\n"), AnswerFault::NotHttp);
        assert_eq!(fault(b"HTTP/1.1 OK\r\n"), AnswerFault::NotHttp);
        assert_eq!(fault(b"HTTP/1.1 100 Continue\r\n\r\n"), AnswerFault::Interim(100));
        assert_eq!(fault(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), AnswerFault::NoLength);
        assert_eq!(fault(b"HTTP/1.1 200 OK\r\ncontent-length: 1x\r\n\r\n"), AnswerFault::NoLength);
        assert_eq!(fault(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n"), AnswerFault::NoLength);
        let long = [b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &[b'y'; CAPACITY]].concat();
        assert_eq!(fault(&long), AnswerFault::LongHead);
    }
}
