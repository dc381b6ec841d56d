//! A TLS server that knows as much of MQTT as the tests need.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslStream, SslVersion};

use crate::certs::Identity;
use crate::tls::server_context;
use crate::transport_common::PATIENCE;

/// A message to this topic is answered with bytes that are no TLS.
pub const GARBAGE: &str = "garbage";

/// The key of a server with one.
pub const KEY: &[u8; 4] = b"\x01\x02\x03\x04";

pub struct Server {
    port: u16,
    broken: Receiver<()>,
    versions: Receiver<String>,
}

impl Server {
    pub fn with_certificate(identity: &Identity) -> Self {
        Self::start(server_context(identity).build())
    }

    /// That knows no newer version of TLS.
    pub fn with_newest(identity: &Identity, newest: SslVersion) -> Self {
        let mut context = server_context(identity);
        context.set_max_proto_version(Some(newest)).unwrap();
        Self::start(context.build())
    }

    /// The version of the next connection, which must come.
    pub fn version(&self) -> String {
        self.versions.recv_timeout(PATIENCE).unwrap()
    }

    /// With the certificate of its authority behind its own.
    pub fn with_chain(identity: &Identity, issuer: &Identity) -> Self {
        let mut context = server_context(identity);
        context
            .add_extra_chain_cert(issuer.certificate.clone())
            .unwrap();
        Self::start(context.build())
    }

    pub fn with_key() -> Self {
        let mut context = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
        context
            .set_max_proto_version(Some(SslVersion::TLS1_2))
            .unwrap();
        context.set_psk_server_callback(|_, _, buffer| {
            buffer[..KEY.len()].copy_from_slice(KEY);
            Ok(KEY.len())
        });
        Self::start(context.build())
    }

    fn start(context: SslContext) -> Self {
        let (sender, broken) = channel();
        let (negotiated, versions) = channel();
        let port = serve(move |socket| {
            let mut stream = SslStream::new(Ssl::new(&context).unwrap(), socket).unwrap();
            if stream.accept().is_ok() {
                // Nobody listens where the tests do not ask.
                let _ = negotiated.send(stream.ssl().version_str().to_owned());
                // The client goes away whenever it likes.
                let _ = talk(&mut stream, &sender);
            }
        });
        Self {
            port,
            broken,
            versions,
        }
    }

    pub fn uri(&self) -> String {
        format!("ssl://127.0.0.1:{}", self.port)
    }

    /// Waits until garbage has been sent.
    pub fn wait_broken(&self) {
        self.broken.recv_timeout(PATIENCE).unwrap();
    }
}

fn serve(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let handle = &handle;
        thread::scope(|scope| {
            for socket in listener.incoming() {
                let socket = socket.unwrap();
                socket.set_nodelay(true).unwrap();
                scope.spawn(move || handle(socket));
            }
        });
    });
    port
}

/// A server that says this to whoever comes.
pub fn talking(text: Vec<u8>) -> String {
    let port = serve(move |mut socket| {
        let _ = socket.write_all(&text);
        drain(&mut socket);
    });
    format!("ssl://127.0.0.1:{port}")
}

fn drain(socket: &mut TcpStream) {
    while socket.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {}
}

fn talk(stream: &mut SslStream<TcpStream>, broken: &Sender<()>) -> std::io::Result<()> {
    loop {
        let mut head = [0; 2];
        stream.read_exact(&mut head)?;
        assert!(head[1] < 0x80, "packets of the tests are short");
        let mut body = vec![0; usize::from(head[1])];
        stream.read_exact(&mut body)?;
        match head[0] >> 4 {
            1 => stream.write_all(b"\x20\x02\x00\x00")?,
            3 if head[0] & 0x06 == 0 => {
                assert_eq!(&body[2..], GARBAGE.as_bytes());
                // Below TLS. A record of application data, which cannot be decrypted.
                let socket = stream.get_mut();
                socket.write_all(b"\x17\x03\x03\x00\x20")?;
                socket.write_all(&[0x55; 32])?;
                // Nobody listens where the tests do not ask.
                let _ = broken.send(());
                drain(socket);
                return Ok(());
            }
            3 => {
                let topic = usize::from(u16::from_be_bytes([body[0], body[1]]));
                stream.write_all(&[0x40, 2, body[2 + topic], body[3 + topic]])?;
            }
            12 => stream.write_all(b"\xd0\x00")?,
            _ => return Ok(()),
        }
    }
}
