//! One table of all scenarios, for a terminal and for a document.

use crate::rounds::{Ratio, Row};
use std::{fmt, time::Duration};

/// Below this share of idle time, a scenario is limited by the generator, not by the server.
const TOO_BUSY: f64 = 0.05;

/// A table; it is drawn for a terminal.
#[derive(Debug, Clone)]
pub struct Table {
    cells: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    const HEADINGS: [&str; 8] = ["scenario", "requests/s", "ratio (range)", "p50", "p99", "p99.9", "max", "statuses"];
    /// Words; the other columns are numbers.
    const TO_THE_LEFT: [usize; 2] = [0, 7];

    /// A table of these rows; each is compared with the first.
    pub fn new(rows: &[Row]) -> Self {
        let headings = Self::HEADINGS.map(str::to_owned).to_vec();
        let cells = std::iter::once(headings).chain(rows.iter().map(|row| cells(row).to_vec())).collect();
        Self { cells, notes: rows.iter().flat_map(notes).collect() }
    }

    /// The same for a document.
    pub fn markdown(&self) -> String {
        let rule =
            (0..Self::HEADINGS.len()).map(|column| if is_left(column) { "---" } else { "---:" }.to_owned()).collect();
        let (headings, rows) = self.cells.split_at(1.min(self.cells.len()));
        let line = |cells: &Vec<String>| format!("| {} |\n", cells.join(" | ").replace('\n', " "));
        let table: String = headings.iter().chain([&rule]).chain(rows).map(line).collect();
        self.notes.iter().fold(table, |text, note| text + "\n" + note + "\n")
    }

    fn widths(&self) -> Vec<usize> {
        let of = |column: usize| self.cells.iter().filter_map(move |cells| Some(cells.get(column)?.chars().count()));
        (0..Self::HEADINGS.len()).map(|column| of(column).max().unwrap_or(0)).collect()
    }
}

fn is_left(column: usize) -> bool {
    Table::TO_THE_LEFT.contains(&column)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for cells in &self.cells {
            let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
                if is_left(column) { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            writeln!(f, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

fn cells(row: &Row) -> [String; 8] {
    [
        row.scenario.clone(),
        thousands(row.per_second),
        ratio(row.ratio),
        latency(row.p50),
        latency(row.p99),
        latency(row.p999),
        latency(row.longest),
        row.statuses.to_string(),
    ]
}

/// What a reader must know before believing the row.
fn notes(row: &Row) -> Vec<String> {
    let name = &row.scenario;
    let mut notes = Vec::new();
    if row.idle_share < TOO_BUSY {
        let busy = 100.0 * (1.0 - row.idle_share);
        notes.push(format!(
            "{name}: the generator was busy {busy:.0} % of the time; the server may be faster than it says."
        ));
    }
    if row.unanswered > 0 {
        notes.push(format!("{name}: {} requests had no answer in time; their latency so far counts.", row.unanswered));
    }
    notes
}

/// The median, and from where to where the rounds went: a wide range is a noisy machine.
fn ratio(ratio: Ratio) -> String {
    format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.low, ratio.high)
}

/// A whole number with a comma at every thousand.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three digits are more than such a measurement is worth.
fn latency(latency: Duration) -> String {
    let seconds = latency.as_secs_f64();
    let (number, unit) = match seconds {
        ..0.001 => (seconds * 1e6, "µs"),
        ..1.0 => (seconds * 1e3, "ms"),
        _ => (seconds, "s"),
    };
    let decimals = match number {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{number:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Statuses;

    fn rows() -> [Row; 2] {
        let mut statuses = Statuses::new();
        for status in [200, 200, 200, 401] {
            statuses.count(status);
        }
        let bare = Row {
            scenario: "bare handler".to_owned(),
            per_second: 71_234.4,
            ratio: Ratio { median: 1.0, low: 1.0, high: 1.0 },
            p50: Duration::from_micros(812),
            p99: Duration::from_micros(1_234),
            p999: Duration::from_micros(12_340),
            longest: Duration::from_millis(1_200),
            statuses,
            unanswered: 0,
            idle_share: 0.4,
        };
        let ratio = Ratio { median: 0.8, low: 0.79, high: 0.834 };
        let door = Row {
            scenario: "door".to_owned(),
            per_second: 999.6,
            ratio,
            unanswered: 3,
            idle_share: 0.01,
            ..bare.clone()
        };
        [bare, door]
    }

    #[test]
    fn columns_are_aligned() {
        let expected = "\
scenario      requests/s     ratio (range)     p50      p99    p99.9     max  statuses
bare handler      71,234  1.00 (1.00–1.00)  812 µs  1.23 ms  12.3 ms  1.20 s  200: 75.0 %, 401: 25.0 %
door               1,000  0.80 (0.79–0.83)  812 µs  1.23 ms  12.3 ms  1.20 s  200: 75.0 %, 401: 25.0 %
door: the generator was busy 99 % of the time; the server may be faster than it says.
door: 3 requests had no answer in time; their latency so far counts.
";
        assert_eq!(Table::new(&rows()).to_string(), expected);
    }

    #[test]
    fn a_document_gets_the_same_table() {
        let [bare, _] = rows();
        let expected = "\
| scenario | requests/s | ratio (range) | p50 | p99 | p99.9 | max | statuses |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
| bare handler | 71,234 | 1.00 (1.00–1.00) | 812 µs | 1.23 ms | 12.3 ms | 1.20 s | 200: 75.0 %, 401: 25.0 % |
";
        assert_eq!(Table::new(&[bare]).markdown(), expected);
        assert!(
            Table::new(&rows())
                .markdown()
                .ends_with("\n\ndoor: 3 requests had no answer in time; their latency so far counts.\n")
        );
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, 1.0, 999.0, 1_000.0, 123_456.0, 1_234_567.0].map(thousands);
        assert_eq!(numbers, ["0", "1", "999", "1,000", "123,456", "1,234,567"]);
        let latencies =
            [400, 9_990, 45_600, 999_400, 45_600_000, 2_000_000_000].map(|nanos| latency(Duration::from_nanos(nanos)));
        assert_eq!(latencies, ["0.40 µs", "9.99 µs", "45.6 µs", "999 µs", "45.6 ms", "2.00 s"]);
    }

    #[test]
    fn a_table_of_nothing_is_its_headings() {
        assert_eq!(Table::new(&[]).to_string().lines().count(), 1);
    }
}
