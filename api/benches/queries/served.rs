//! The server as a separate process, and a client with little overhead.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The server process, which is stopped on drop.
pub(crate) struct Served {
    child: Child,
    /// The address that the server listens on.
    pub(crate) address: String,
    _output: BufReader<ChildStdout>,
}

impl Served {
    /// Starts `program` on the database and waits until the server accepts requests.
    pub(crate) fn start(program: &Path, database: &str) -> Self {
        let mut child = Command::new(program)
            .args(["--database", database, "serve", "--no-demo", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        output.read_line(&mut greeting).unwrap();
        let address = greeting.split("http://").nth(1).unwrap();
        let address = address.trim_end().trim_end_matches("/graphql").to_owned();
        Self { child, address, _output: output }
    }

    pub(crate) fn process(&self) -> String {
        self.child.id().to_string()
    }

    /// The memory usage in MiB as reported by Linux: `VmHWM` is the peak, including pages of mapped files;
    /// `RssAnon` is the anonymous memory alone.
    pub(crate) fn memory(&self, kind: &str) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let text = text.unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(':'));
        let kilobytes =
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kilobytes.unwrap_or(0.0) / 1_024.0
    }

    pub(crate) async fn connect(&self) -> Client {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, host: self.address.clone(), buffer: Vec::with_capacity(64 * 1_024) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One keep-alive connection.
pub(crate) struct Client {
    stream: TcpStream,
    host: String,
    buffer: Vec<u8>,
}

impl Client {
    /// Sends a request; returns the response body.
    pub(crate) async fn ask(&mut self, document: &str, variables: &Value, more: &str) -> &[u8] {
        let body = json!({ "query": document, "variables": variables }).to_string();
        let request = format!(
            "POST /graphql HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Accept: application/graphql-response+json\r\n{more}Content-Length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(read > 0, "the server closed the connection");
            if let Some(end) = self.end_of_head()
                && self.buffer.len() >= end + self.length(end)
            {
                return &self.buffer[end..];
            }
        }
    }

    fn end_of_head(&self) -> Option<usize> {
        let place = self.buffer.windows(4).position(|four| four == b"\r\n\r\n")?;
        Some(place + 4)
    }

    fn length(&self, end: usize) -> usize {
        let head = std::str::from_utf8(&self.buffer[..end]).unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let line = head.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")
                .map(str::trim)
                .map(String::from)
        });
        line.expect("a response with a content length").parse().unwrap()
    }
}
