use super::*;
use crate::transport::layer::MAX_EMPTY;

#[test]
fn masking_is_bytewise() {
    for length in 0..20 {
        let plain: Vec<u8> = (0..length).collect();
        let mut masked = plain.clone();
        apply_mask(&mut masked, [1, 2, 4, 128]);
        let slow: Vec<u8> = plain
            .iter()
            .zip([1, 2, 4, 128].iter().cycle())
            .map(|(a, b)| a ^ b)
            .collect();
        assert_eq!(masked, slow);
    }
}

/// A peer that sends pings without end and reads nothing.
struct Flood;

impl Layer for Flood {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<Input> {
        let pings: Vec<u8> = b"\x89\x7d".iter().chain(&[b'p'; 125]).copied().collect();
        let n = buf.len() / pings.len() * pings.len();
        buf[..n].copy_from_slice(&pings.repeat(n / pings.len()));
        Ok(Input::Bytes(n))
    }

    fn write(&mut self, _bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&mut self) {}

    fn wants(&self) -> Wants {
        Wants::OF_SOCKET
    }
}

#[test]
fn pongs_do_not_pile_up() {
    let mut websocket = WebSocket::new(Flood, b"");
    // Frames of 125 bytes are among those that a connection may have so many of.
    for _ in 0..MAX_EMPTY / MAX_EMPTY_FRAMES {
        assert_eq!(websocket.read(&mut [0; 9]).unwrap(), Input::Again);
    }
    assert_eq!(websocket.wants().write, Want::Writable);
    assert!(
        websocket.output.len() < MAX_UNSENT_FOR_PONG + 200,
        "{}",
        websocket.output.len()
    );
}

#[test]
fn a_flood_of_pings_leaves_the_reader_its_turn_and_ends_the_connection() {
    let mut websocket = WebSocket::new(Flood, b"");
    let mut turns = 0;
    let error = loop {
        match websocket.read(&mut [0; 9]) {
            Ok(Input::Again) => {
                // No event will tell of the rest.
                assert_eq!(websocket.wants().read, Want::Call);
                turns += 1;
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert!((1..=20).contains(&turns), "{turns}");
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("without data"), "{error}");
    assert_eq!(websocket.read(&mut [0; 9]).unwrap(), Input::End);
}

#[test]
fn an_error_behind_data_is_announced() {
    let mut websocket = WebSocket::new(Flood, b"\x82\x02ab\x81\x01c");
    assert_eq!(websocket.read(&mut [0; 9]).unwrap(), Input::Bytes(2));
    assert_eq!(websocket.wants().read, Want::Call);
    assert_eq!(
        websocket.read(&mut [0; 9]).unwrap_err().kind(),
        io::ErrorKind::InvalidData
    );
    assert_eq!(websocket.read(&mut [0; 9]).unwrap(), Input::End);
}
