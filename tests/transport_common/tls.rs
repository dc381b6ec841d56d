//! What the TLS tests share: servers on the same OpenSSL, each made for one case.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslStream};
use paho_oxide::options::{ConnectOptions, TlsOptions};
use paho_oxide::transport::{ConnectError, Connector, Link, Stage};

use super::certs::Identity;
use super::transport_common::{TempDir, connect_with, options, pump, receive, temp_dir};

/// A CA, a server certificate for localhost signed by it, and their files.
pub struct Site {
    pub dir: TempDir,
    pub ca: Identity,
    pub server: Identity,
}

impl Site {
    pub fn new() -> Self {
        let ca = Identity::authority();
        let server = Identity::localhost(Some(&ca));
        let site = Self {
            dir: temp_dir(),
            ca,
            server,
        };
        site.write("ca.pem", &site.ca.certificate_pem());
        site
    }

    pub fn write(&self, name: &str, content: &[u8]) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// Options that trust this site's CA and verify everything.
    pub fn tls(&self) -> TlsOptions {
        TlsOptions {
            trust_store: Some(self.path("ca.pem")),
            verify: true,
            ..TlsOptions::default()
        }
    }
}

pub fn with(tls: TlsOptions) -> ConnectOptions {
    ConnectOptions {
        tls: Some(Box::new(tls)),
        ..options()
    }
}

pub fn server_context(identity: &Identity) -> SslContextBuilder {
    let mut builder = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
    builder.set_certificate(&identity.certificate).unwrap();
    builder.set_private_key(&identity.key).unwrap();
    builder.set_session_id_context(b"test").unwrap();
    builder
}

pub type Accepted = Result<SslStream<TcpStream>, String>;

/// Serves every client of a port, one after the other, and returns what `handle` made of each of `count`.
pub fn serve<T: Send + 'static>(
    context: SslContext,
    count: usize,
    mut handle: impl FnMut(Accepted) -> T + Send + 'static,
) -> (u16, JoinHandle<Vec<T>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let mut results = Vec::new();
        for _ in 0..count {
            let (socket, _) = listener.accept().unwrap();
            let mut stream = SslStream::new(Ssl::new(&context).unwrap(), socket).unwrap();
            let accepted = stream.accept().map(|()| stream).map_err(|e| e.to_string());
            results.push(handle(accepted));
        }
        results
    });
    (port, thread)
}

/// Sends back what comes until the client is done.
pub fn echo(accepted: Accepted) -> Result<(), String> {
    let mut stream = accepted?;
    let mut buf = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut buf).map_err(|e| e.to_string())? {
            0 => return Ok(()),
            n => stream.write_all(&buf[..n]).map_err(|e| e.to_string())?,
        }
    }
}

pub fn connect(uri: &str, tls: TlsOptions) -> Result<Link, ConnectError> {
    connect_with(&Connector::default(), uri, &with(tls))
}

pub fn ping(link: &Link) {
    pump(link, b"ping", 0, |_| ());
    assert_eq!(receive(link, 4), b"ping");
}

/// Connects to a new echo server with `identity`.
pub fn attempt(identity: &Identity, host: &str, tls: TlsOptions) -> Result<(), ConnectError> {
    let (port, server) = serve(server_context(identity).build(), 1, echo);
    let result = connect(&format!("ssl://{host}:{port}"), tls).map(|link| {
        ping(&link);
        link.shutdown();
    });
    let _ = server.join().unwrap();
    result
}

pub fn refused(result: Result<(), ConnectError>, reason: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.stage, Stage::Tls, "{error}");
    assert!(error.message.contains(reason), "{error}");
}
