//! The files that a report goes to: opened before the run, written after it.
//!
//! A run may take an hour, and a file that cannot be written should not be found out after it. So each is opened first,
//! and what it held is kept until there is something better to put there.

use super::{Report, csv, hgrm, svg};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where to write what; `-` is the standard output.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    /// All figures, for programs.
    pub json: Option<PathBuf>,
    /// The latencies, for HdrHistogram's plotter.
    pub hgrm: Option<PathBuf>,
    /// The seconds, for spreadsheets.
    pub csv: Option<PathBuf>,
    /// The curves, for people.
    pub svg: Option<PathBuf>,
}

/// The same, opened.
#[derive(Debug)]
pub struct Files {
    sinks: Vec<Sink>,
}

/// A file that cannot be written.
#[derive(Debug)]
pub struct FileError {
    path: PathBuf,
    error: io::Error,
}

impl FileError {
    /// That this path cannot be written, for this reason.
    pub fn new(path: &Path, error: io::Error) -> FileError {
        FileError { path: path.to_owned(), error }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write {}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for FileError {}

#[derive(Debug)]
struct Sink {
    path: PathBuf,
    /// None for the standard output.
    file: Option<File>,
    render: Render,
}

type Render = fn(&Report) -> String;

impl Files {
    /// Opens them all, or says which one cannot be.
    pub fn open(paths: &Paths) -> Result<Files, FileError> {
        let asked: [(&Option<PathBuf>, Render); 4] = [
            (&paths.json, Report::json),
            (&paths.hgrm, |report| hgrm::render(&report.runs())),
            (&paths.csv, |report| csv::render(&report.runs())),
            (&paths.svg, svg::render),
        ];
        let mut files = Files { sinks: Vec::new() };
        for (path, render) in asked {
            let Some(path) = path else { continue };
            files.check_unused(path)?;
            files.sinks.push(Sink::open(path, render)?);
        }
        Ok(files)
    }

    /// Refuses a path to which one of them is written.
    pub fn check_unused(&self, path: &Path) -> Result<(), FileError> {
        match self.sinks.iter().any(|sink| sink.path == path) {
            true => {
                let error = io::Error::new(io::ErrorKind::InvalidInput, "two things cannot be written there");
                Err(FileError::new(path, error))
            }
            false => Ok(()),
        }
    }

    /// Whether one of them is the standard output: then the table goes elsewhere.
    pub fn take_stdout(&self) -> bool {
        self.sinks.iter().any(|sink| sink.file.is_none())
    }

    /// Writes them all, the others also if one fails.
    pub fn write(self, report: &Report) -> Result<(), FileError> {
        let mut result = Ok(());
        for sink in self.sinks {
            result = result.and(sink.write(report));
        }
        result
    }
}

impl Sink {
    fn open(path: &Path, render: Render) -> Result<Sink, FileError> {
        let file = match path == "-" {
            true => None,
            false => {
                let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
                Some(file.map_err(|error| FileError { path: path.to_owned(), error })?)
            }
        };
        Ok(Sink { path: path.to_owned(), file, render })
    }

    fn write(self, report: &Report) -> Result<(), FileError> {
        let text = (self.render)(report);
        let written = match self.file {
            // A reader that has gone has read enough.
            None => match io::stdout().lock().write_all(text.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                written => written,
            },
            Some(file) => replace(&file, &text),
        };
        written.map_err(|error| FileError { path: self.path, error })
    }
}

/// Puts `text` into a file instead of what it held. Pipes and devices hold nothing.
fn replace(mut file: &File, text: &str) -> io::Result<()> {
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use std::fs;

    fn all_in(folder: &Path) -> Paths {
        let at = |name: &str| Some(folder.join(name));
        Paths { json: at("run.json"), hgrm: at("run.hgrm"), csv: at("run.csv"), svg: at("run.svg") }
    }

    #[test]
    fn each_file_has_what_it_was_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::open(&all_in(folder.path())).expect("they can be written");
        assert!(!files.take_stdout());
        files.write(&sample::report(vec![sample::fanout()])).expect("there is space");
        for (name, start) in [
            ("run.json", "{\n"),
            ("run.hgrm", "       Value"),
            ("run.csv", "run,second"),
            ("run.svg", "<svg "),
        ] {
            let text = fs::read_to_string(folder.path().join(name)).expect(name);
            assert!(text.starts_with(start), "{name}: {text}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_found_before_the_run_and_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = Paths { csv: Some(folder.path().join("none/run.csv")), ..Paths::default() };
        let error = Files::open(&paths).expect_err("no such folder").to_string();
        assert!(error.contains("none/run.csv: No such file"), "{error}");
    }

    #[test]
    fn a_file_keeps_what_it_held_until_the_run_is_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run.csv");
        let longer = "what was found yesterday\n".repeat(1000);
        fs::write(&path, &longer).expect("a file");
        let files = Files::open(&Paths { csv: Some(path.clone()), ..Paths::default() }).expect("it is there");
        assert_eq!(fs::read_to_string(&path).expect("a file"), longer);
        let report = sample::report(vec![sample::fanout()]);
        files.write(&report).expect("there is space");
        assert_eq!(fs::read_to_string(&path).expect("a file"), csv::render(&report.runs()));
    }

    #[test]
    fn two_things_do_not_go_to_one_place() {
        let both = |path: &str| Paths { json: Some(path.into()), svg: Some(path.into()), ..Paths::default() };
        assert!(Files::open(&both("-")).is_err());
        let one =
            Files::open(&Paths { json: Some("-".into()), ..Paths::default() }).expect("nothing to open");
        assert!(one.take_stdout());
    }
}
