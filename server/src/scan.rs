//! `latchkey scan`: looks for keys of ours in files, folders and standard input, and tells where each one is, never the key.

use clap::{
    ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use latchkey_core::leak::{
    finder::{Finder, Sighting},
    rules::{RuleFormat, rules},
};
use serde::Serialize;
use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};
use walkdir::{DirEntry, WalkDir};

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// What to look at, and how to tell.
#[derive(Debug, clap::Args)]
pub struct ScanArgs {
    /// Files and folders to look at; - is standard input, as in git log -p --all | latchkey scan -
    #[arg(value_name = "PATH", required_unless_present = "rules", conflicts_with = "rules")]
    pub paths: Vec<PathBuf>,
    /// How to write what is found: a line of text, or a line of JSON
    #[arg(long, value_enum, default_value = "text")]
    pub format: ScanFormat,
    /// Print rules for another scanner instead
    #[arg(long, value_name = "PROGRAM", value_parser = rule_format())]
    pub rules: Option<RuleFormat>,
}

/// How a finding is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScanFormat {
    /// path:line:column: kind hint
    Text,
    /// One object on a line: path, line, column, hint, kind
    Json,
}

/// How a scan ended; the exit status of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanOutcome {
    /// 0: everything was read, and no key is in it.
    Clean,
    /// 1: everything was read, and there are keys.
    Found,
    /// 2: something could not be read or written. There may be keys, told or not.
    Incomplete,
}

impl From<ScanOutcome> for ExitCode {
    fn from(outcome: ScanOutcome) -> Self {
        match outcome {
            ScanOutcome::Clean => Self::SUCCESS,
            ScanOutcome::Found => Self::from(1),
            ScanOutcome::Incomplete => Self::from(2),
        }
    }
}

// The rules know no clap; this way their names are in the help.
fn rule_format() -> impl TypedValueParser<Value = RuleFormat> {
    PossibleValuesParser::new(RuleFormat::ALL.map(RuleFormat::as_str)).try_map(|name| name.parse::<RuleFormat>())
}

/// Looks at every path, and at every file below a folder: links are not followed, and Git's own store of objects is passed over,
/// because it is compressed. A file of any size is read in pieces. Findings go to `out`; a summary, and what cannot be read, to
/// `err`.
pub fn scan(args: &ScanArgs, out: &mut dyn Write, err: &mut dyn Write) -> ScanOutcome {
    scan_with(args, &mut io::stdin().lock(), out, err)
}

fn scan_with(args: &ScanArgs, stdin: &mut dyn Read, out: &mut dyn Write, err: &mut dyn Write) -> ScanOutcome {
    if let Some(format) = args.rules {
        return match out.write_all(rules(format).as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => ScanOutcome::Clean,
            Err(error) => cannot_write(err, &error),
        };
    }
    let mut scan = Scan { format: args.format, out, err, chunk: vec![0; CHUNK], files: 0, found: 0, unreadable: 0 };
    match scan.all(&args.paths, stdin).and_then(|()| scan.out.flush()) {
        Ok(()) => scan.conclude(),
        Err(error) => cannot_write(scan.err, &error),
    }
}

fn cannot_write(err: &mut dyn Write, error: &io::Error) -> ScanOutcome {
    complain(err, format_args!("cannot write: {error}"));
    ScanOutcome::Incomplete
}

fn complain(err: &mut dyn Write, sentence: std::fmt::Arguments<'_>) {
    // Where nobody hears complaints, there is nobody to tell.
    let _ = writeln!(err, "latchkey: {sentence}");
}

/// A scan under way. Its methods fail only if a finding cannot be written: then nothing is gained by going on.
struct Scan<'a> {
    format: ScanFormat,
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    chunk: Vec<u8>,
    files: u64,
    found: u64,
    unreadable: u64,
}

#[derive(Serialize)]
struct Finding<'a> {
    path: &'a str,
    line: u64,
    column: u64,
    hint: &'a str,
    kind: &'a str,
}

impl Scan<'_> {
    fn all(&mut self, paths: &[PathBuf], stdin: &mut dyn Read) -> io::Result<()> {
        for path in paths {
            if path.as_os_str() == "-" {
                self.read(path, stdin)?;
            } else {
                self.walk(path)?;
            }
        }
        Ok(())
    }

    fn walk(&mut self, root: &Path) -> io::Result<()> {
        let entries = WalkDir::new(root).sort_by_file_name().into_iter();
        for entry in entries.filter_entry(|entry| !is_object_store(entry)) {
            match entry {
                Ok(entry) if is_to_be_read(&entry) => match File::open(entry.path()) {
                    Ok(mut file) => self.read(entry.path(), &mut file)?,
                    Err(error) => self.cannot_read(entry.path(), &error),
                },
                Ok(_) => {}
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_owned();
                    // The cause alone: the sentence around it names the path once more.
                    let cause =
                        error.into_io_error().unwrap_or_else(|| io::Error::other("links lead round in a circle"));
                    self.cannot_read(&path, &cause);
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, path: &Path, reader: &mut dyn Read) -> io::Result<()> {
        let mut finder = Finder::new();
        loop {
            match reader.read(&mut self.chunk) {
                Ok(0) => break,
                Ok(length) => {
                    for sighting in finder.push(&self.chunk[..length]) {
                        self.tell(path, &sighting)?;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.cannot_read(path, &error);
                    return Ok(());
                }
            }
        }
        self.files += 1;
        Ok(())
    }

    fn tell(&mut self, path: &Path, sighting: &Sighting) -> io::Result<()> {
        self.found += 1;
        let Sighting { line, column, key, .. } = sighting;
        let (hint, kind) = (key.hint(), key.kind().label());
        match self.format {
            ScanFormat::Text => writeln!(self.out, "{}:{line}:{column}: {kind} {hint}", in_one_line(path)),
            ScanFormat::Json => {
                let path = path.to_string_lossy();
                let finding = Finding { path: &path, line: *line, column: *column, hint: &hint, kind };
                serde_json::to_writer(&mut *self.out, &finding)?;
                writeln!(self.out)
            }
        }
    }

    fn cannot_read(&mut self, path: &Path, error: &io::Error) {
        self.unreadable += 1;
        complain(self.err, format_args!("cannot read {}: {error}", in_one_line(path)));
    }

    fn conclude(self) -> ScanOutcome {
        let Self { files, found, unreadable, .. } = self;
        complain(self.err, format_args!("keys found: {found}, files read: {files}, not readable: {unreadable}"));
        match (unreadable, found) {
            (0, 0) => ScanOutcome::Clean,
            (0, _) => ScanOutcome::Found,
            _ => ScanOutcome::Incomplete,
        }
    }
}

/// A file below a folder; of what was named itself, anything that is no folder, such as a pipe or a link to a file.
fn is_to_be_read(entry: &DirEntry) -> bool {
    if entry.depth() == 0 { !entry.path().is_dir() } else { entry.file_type().is_file() }
}

/// `.git/objects`, unless it was named itself. What is in it is compressed: no key can be seen there.
fn is_object_store(entry: &DirEntry) -> bool {
    entry.depth() > 0
        && entry.file_type().is_dir()
        && entry.file_name() == "objects"
        && entry.path().parent().and_then(Path::file_name).is_some_and(|parent| parent == ".git")
}

/// A file's name may hold line ends and commands for a terminal: they are written as escapes.
fn in_one_line(path: &Path) -> String {
    let mut text = String::new();
    for character in path.to_string_lossy().chars() {
        if character.is_control() {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use latchkey_core::{api_key::PlainApiKey, random::SystemRandom};
    use latchkey_model::{Environment, KeyKind};
    use std::fs;
    use tempfile::{TempDir, tempdir};

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: ScanArgs,
    }

    fn parse(words: &[&str]) -> Result<ScanArgs, clap::Error> {
        Command::try_parse_from([&["scan"], words].concat()).map(|command| command.args)
    }

    /// What a scan of these words says.
    fn run(words: &[&str], mut stdin: &[u8]) -> (ScanOutcome, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let outcome = scan_with(&parse(words).unwrap(), &mut stdin, &mut out, &mut err);
        (outcome, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    fn key(kind: KeyKind) -> PlainApiKey {
        PlainApiKey::generate(&SystemRandom, kind)
    }

    const DEVELOPMENT: KeyKind = KeyKind::Api(Environment::Development);

    /// A folder with these files, and its path.
    fn folder(files: &[(&str, &[u8])]) -> (TempDir, String) {
        let folder = tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let path = folder.path().to_str().unwrap().to_owned();
        (folder, path)
    }

    #[test]
    fn every_kind_is_told_by_its_hint_and_never_itself() {
        for kind in KeyKind::ALL {
            let key = key(kind);
            let (_folder, path) =
                folder(&[("a/.env", format!("ONE=1\nKEY={}\n", key.expose()).as_bytes()), ("b", b"x")]);
            let (outcome, out, err) = run(&[&path], b"");
            assert_eq!(outcome, ScanOutcome::Found);
            assert_eq!(out, format!("{path}/a/.env:2:5: {} {}\n", kind.label(), key.hint()));
            assert_eq!(err, "latchkey: keys found: 1, files read: 2, not readable: 0\n");
            assert!(!out.contains(key.expose()));
        }
    }

    #[test]
    fn a_clean_folder_is_clean() {
        let (_folder, path) = folder(&[("a", b"lk_dev_7Gq2mZ0aVx3T_"), ("b/c", &[0xff; 100])]);
        let (outcome, out, err) = run(&[&path], b"");
        assert_eq!((outcome, out.as_str()), (ScanOutcome::Clean, ""));
        assert_eq!(err, "latchkey: keys found: 0, files read: 2, not readable: 0\n");
    }

    #[test]
    fn json_is_one_object_on_a_line() {
        let key = key(KeyKind::Personal);
        let (_folder, path) = folder(&[("a\n\"b", format!("{0}{0}", key.expose()).as_bytes())]);
        let (outcome, out, _) = run(&["--format", "json", &path], b"");
        assert_eq!(outcome, ScanOutcome::Found);
        let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let finding = |column: usize| {
            serde_json::json!({
                "path": format!("{path}/a\n\"b"),
                "line": 1,
                "column": column,
                "hint": key.hint(),
                "kind": "personal access token",
            })
        };
        assert_eq!(lines, [finding(1), finding(1 + key.expose().len())]);
    }

    #[test]
    fn a_dash_is_standard_input() {
        let key = key(DEVELOPMENT);
        let (outcome, out, _) = run(&["-"], format!("+ {}", key.expose()).as_bytes());
        assert_eq!(outcome, ScanOutcome::Found);
        assert_eq!(out, format!("-:1:3: development key {}\n", key.hint()));
    }

    #[test]
    fn a_key_across_two_pieces_of_a_file_is_found_once() {
        let key = key(DEVELOPMENT);
        for before in CHUNK - 60..CHUNK + 2 {
            let text = format!("{}{}", "\n".repeat(before), key.expose());
            let (_, out, _) = run(&["-"], text.as_bytes());
            assert_eq!(out, format!("-:{}:1: development key {}\n", before + 1, key.hint()));
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_rest_is_read() {
        let key = key(DEVELOPMENT);
        let (_folder, path) = folder(&[("a", key.expose().as_bytes())]);
        let missing = format!("{path}/missing");
        let (outcome, out, err) = run(&[&missing, &path], b"");
        assert_eq!(outcome, ScanOutcome::Incomplete);
        assert!(out.starts_with(&format!("{path}/a:1:1: ")));
        assert!(err.starts_with(&format!("latchkey: cannot read {missing}: No such file")), "{err}");
        assert!(err.ends_with("keys found: 1, files read: 1, not readable: 1\n"), "{err}");
    }

    #[test]
    fn a_reader_that_breaks_off_is_told() {
        struct Broken<'a>(&'a [u8]);
        impl Read for Broken<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if self.0.is_empty() { Err(io::Error::other("broken")) } else { self.0.read(buffer) }
            }
        }
        let key = key(DEVELOPMENT);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut stdin = Broken(key.expose().as_bytes());
        let outcome = scan_with(&parse(&["-"]).unwrap(), &mut stdin, &mut out, &mut err);
        assert_eq!(outcome, ScanOutcome::Incomplete);
        assert!(String::from_utf8(out).unwrap().starts_with("-:1:1: "));
        assert!(String::from_utf8(err).unwrap().starts_with("latchkey: cannot read -: broken\n"));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_unless_named() {
        use std::os::unix::fs::symlink;
        let key = key(DEVELOPMENT);
        let (_elsewhere, elsewhere) = folder(&[("secret", key.expose().as_bytes())]);
        let (_folder, path) = folder(&[]);
        symlink(&elsewhere, format!("{path}/folder")).unwrap();
        symlink(format!("{elsewhere}/secret"), format!("{path}/file")).unwrap();
        symlink(&path, format!("{path}/round")).unwrap();
        let (outcome, _, err) = run(&[&path], b"");
        assert_eq!(
            (outcome, err.as_str()),
            (ScanOutcome::Clean, "latchkey: keys found: 0, files read: 0, not readable: 0\n")
        );
        for named in ["folder", "file"] {
            let (outcome, _, err) = run(&[&format!("{path}/{named}")], b"");
            assert_eq!(outcome, ScanOutcome::Found, "{named}");
            assert!(err.ends_with("keys found: 1, files read: 1, not readable: 0\n"), "{err}");
        }
    }

    #[test]
    fn only_git_s_store_of_objects_is_passed_over() {
        let key = key(DEVELOPMENT);
        let content = key.expose().as_bytes();
        let (_folder, path) = folder(&[
            (".git/objects/pack/pack-1.pack", content),
            (".git/config", content),
            (".git/logs/objects", content),
            (".gitignore", content),
            ("objects/x", content),
            ("node_modules/x", content),
        ]);
        let (_, out, _) = run(&[&path], b"");
        let files: Vec<_> =
            out.lines().map(|line| line.split(':').next().unwrap().strip_prefix(&path).unwrap()).collect();
        assert_eq!(files, ["/.git/config", "/.git/logs/objects", "/.gitignore", "/node_modules/x", "/objects/x"]);
        let (outcome, ..) = run(&[&format!("{path}/.git/objects")], b"");
        assert_eq!(outcome, ScanOutcome::Found);
    }

    #[test]
    fn a_file_s_name_does_not_forge_a_line() {
        assert_eq!(in_one_line(Path::new("é\n\u{1b}[2J'")), "é\\n\\u{1b}[2J'");
    }

    #[test]
    fn a_finding_that_cannot_be_written_ends_the_scan() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::other("full"))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let key = key(DEVELOPMENT);
        for words in [&["-"][..], &["--format", "json", "-"], &["--rules", "gitleaks"]] {
            let mut err = Vec::new();
            let outcome = scan_with(&parse(words).unwrap(), &mut key.expose().as_bytes(), &mut Full, &mut err);
            assert_eq!(outcome, ScanOutcome::Incomplete);
            assert_eq!(String::from_utf8(err).unwrap(), "latchkey: cannot write: full\n");
        }
    }

    #[test]
    fn rules_are_printed_instead() {
        for format in RuleFormat::ALL {
            let (outcome, out, err) = run(&["--rules", format.as_str()], b"");
            assert_eq!((outcome, out, err.as_str()), (ScanOutcome::Clean, rules(format), ""));
        }
    }

    #[test]
    fn something_must_be_named() {
        for words in [&[][..], &["--rules", "semgrep"], &["--rules", "gitleaks", "x"], &["--format", "xml", "x"]] {
            assert!(parse(words).is_err(), "{words:?}");
        }
        assert_eq!(parse(&["a", "-", "b"]).unwrap().paths.len(), 3);
    }

    #[test]
    fn the_exit_status_tells_how_it_ended() {
        let statuses = [(ScanOutcome::Clean, 0), (ScanOutcome::Found, 1), (ScanOutcome::Incomplete, 2)];
        for (outcome, status) in statuses {
            assert_eq!(ExitCode::from(outcome), ExitCode::from(status));
        }
    }
}
