//! Records of a store that anybody may have written.

use paho_oxide::persistence::RecordKey;
use paho_oxide::persistence::record::command::QueuedCommand;
use paho_oxide::persistence::record::message::QueuedMessage;

/// Reads the bytes as each kind of record; what is accepted is written as the same bytes again.
pub fn run(bytes: &[u8]) {
    for v5 in [false, true] {
        if let Ok(message) = QueuedMessage::read(v5, bytes) {
            let written = message.write(v5, |parts| parts.concat());
            assert_eq!(
                QueuedMessage::read(v5, &written.expect("it was read")),
                Ok(message)
            );
        }
        if let Ok(command) = QueuedCommand::read(v5, bytes) {
            let written = command.write(v5, |parts| parts.concat());
            assert_eq!(
                QueuedCommand::read(v5, &written.expect("it was read")),
                Ok(command.clone())
            );
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Some(key) = RecordKey::parse(text) {
            assert_eq!(key.to_string(), text);
        }
    }
}
