//! What a function's log line says of a request, and the lines that are new since the last look.

use serde::Deserialize;

use crate::logs::Logs;

/// The line of one request.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct LogLine {
    pub(super) request_id: String,
    pub(super) write_units: f64,
    pub(super) read_units: f64,
    /// How often an append was tried, of what appends.
    pub(super) attempts: Option<u32>,
    pub(super) elapsed_us: u64,
}

impl LogLine {
    /// Reads a line; none if it is of no request: metrics, say.
    pub(super) fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

/// Reads each line of the functions once.
#[derive(Debug, Default)]
pub(super) struct LogReader {
    /// How many lines there were at the last look.
    read: u64,
}

impl LogReader {
    /// The lines of requests that are new.
    pub(super) fn read(&mut self, logs: &Logs) -> Vec<LogLine> {
        let (lines, count) = logs.since(self.read);
        self.read = count;
        lines.iter().filter_map(|line| LogLine::parse(line)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_a_line_and_metrics_have_none() {
        let line = r#"{"level":"INFO","request_id":"a","route":"POST /v1/accounts/{account_id}/debits",
            "status":201,"outcome":"debited","attempts":2,"requests":4,"read_units":1.5,"write_units":3.0,
            "elapsed_us":1234}"#;
        let read = LogLine::parse(line).unwrap();
        let expected = LogLine {
            request_id: "a".to_owned(),
            write_units: 3.0,
            read_units: 1.5,
            attempts: Some(2),
            elapsed_us: 1234,
        };
        assert_eq!(read, expected);
        for other in [r#"{"_aws":{},"Debits":1}"#, r#"{"request_id":"a","outcome":"done"}"#, "plain text"] {
            assert_eq!(LogLine::parse(other), None, "{other}");
        }
    }

    #[test]
    fn each_line_is_read_once() {
        let logs = Logs::new(false);
        let mut reader = LogReader::default();
        let line =
            |id: &str| format!(r#"{{"request_id":"{id}","write_units":0,"read_units":0.5,"elapsed_us":1}}"#);
        let mut ids =
            |logs: &Logs| -> Vec<_> { reader.read(logs).into_iter().map(|line| line.request_id).collect() };
        logs.add("debit", line("a"));
        logs.add("quote", line("b"));
        assert_eq!(ids(&logs), ["a", "b"]);
        assert!(ids(&logs).is_empty());
        logs.add("quote", line("c"));
        assert_eq!(ids(&logs), ["c"]);
    }
}
