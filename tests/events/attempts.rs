//! Attempts that end before there is a connection.

use std::os::unix::net::UnixListener;

use paho_oxide::events::{Connect, Create, Kind};

use crate::server::{PATIENCE, Program, Server};
use crate::stores::Scratch;
use crate::told::bytes_out;

/// CONNECT is counted where its attempt is given up, too.
#[test]
fn an_attempt_that_is_given_up_has_written() {
    let scratch = Scratch::new();
    let path = scratch.0.join("server");
    let listener = UnixListener::bind(&path).expect("a socket");
    let program = Program::new(Create::default());
    let mut out = 0;
    for _ in 0..2 {
        let uri = format!("unix://{}", path.display());
        program
            .client
            .connect(vec![uri], Connect::default(), None)
            .expect("begun");
        let mut server = Server(listener.accept().expect("the client").0);
        server
            .0
            .set_read_timeout(Some(PATIENCE))
            .expect("a time-out");
        out += server.packet().len();
        program.client.abort().expect("connecting");
        program.expect(Kind::ConnectFailed);
        bytes_out(&program, out);
    }
    drop(program.reconnect(Connect::default(), false));
    program.expect(Kind::Lost);
    let counters = program.client.counters();
    assert_eq!((counters.bytes_in, counters.connections), (4, 1));
}
