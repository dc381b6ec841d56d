//! What careless callers get: an error for each, and nothing else.

use std::ptr::{from_ref, null, null_mut};
use std::time::Duration;

use super::{ClientOf, failure, with_client};
use crate::events::Error;
use crate::ffi::exports::paho_oxide::*;
use crate::ffi::exports::paho_oxide_messages::*;
use crate::ffi::types::oxide_types::*;

fn create_options() -> MQTTOxide_createOptions {
    // SAFETY: all zeros are valid: numbers, and pointers that are NULL.
    let mut options: MQTTOxide_createOptions = unsafe { std::mem::zeroed() };
    options.size = super::read::size::<MQTTOxide_createOptions>();
    options
}

fn connect_options() -> MQTTOxide_connectOptions {
    // SAFETY: as above.
    let mut options: MQTTOxide_connectOptions = unsafe { std::mem::zeroed() };
    options.size = super::read::size::<MQTTOxide_connectOptions>();
    options.version = 4;
    options
}

/// Spoils options.
type Edit = fn(&mut MQTTOxide_connectOptions);

#[test]
fn the_layouts_are_those_of_the_manual() {
    use std::mem::offset_of;
    assert_eq!(size_of::<MQTTOxide_event>(), crate::events::HEAD);
    assert_eq!(offset_of!(MQTTOxide_event, topic_len), 12);
    assert_eq!(offset_of!(MQTTOxide_event, token), 24);
    assert_eq!(offset_of!(MQTTOxide_event, context), 32);
    assert_eq!(offset_of!(MQTTOxide_event, value), 40);
    assert_eq!(size_of::<MQTTOxide_createOptions>(), 104);
    assert_eq!(size_of::<MQTTOxide_connectOptions>(), 152);
    assert_eq!(size_of::<MQTTOxide_published>(), 16);
    assert_eq!(size_of::<MQTTOxide_message>(), 40);
    assert_eq!(size_of::<MQTTOxide_operation>(), 16);
}

#[test]
fn handles_that_are_none_are_errors_everywhere() {
    let mut buffer = [0_u64; 16];
    let bytes = buffer.as_mut_ptr().cast();
    for handle in [0, 1, 1 << 31, u64::MAX, 0xdead_beef_0000_0001] {
        // SAFETY: the pointers are NULL or of the lengths beside them.
        let codes: [i64; 24] = unsafe {
            [
                MQTTOxide_destroyQueue(handle).into(),
                MQTTOxide_eventFd(handle).into(),
                MQTTOxide_nextEvents(handle, bytes, 128, 0, null_mut()),
                MQTTOxide_interrupt(handle).into(),
                MQTTOxide_setLogLevel(handle, 1).into(),
                MQTTOxide_destroy(handle).into(),
                MQTTOxide_attachFd(handle, 0, from_ref(&connect_options())).into(),
                MQTTOxide_attachStream(handle, from_ref(&connect_options())).into(),
                MQTTOxide_abort(handle).into(),
                MQTTOxide_disconnect(handle, 0, 0, null(), 0).into(),
                MQTTOxide_auth(handle, 0x18, null(), 0).into(),
                MQTTOxide_address(handle, 0, null_mut(), 0),
                MQTTOxide_feed(handle, null(), 0),
                MQTTOxide_eof(handle, null(), 0).into(),
                MQTTOxide_take(handle, bytes, 128),
                MQTTOxide_setDriver(handle, 0).into(),
                MQTTOxide_drive(handle, 7).into(),
                MQTTOxide_driveEvents(handle, 7, bytes, 128, null_mut()),
                MQTTOxide_wants(handle).into(),
                MQTTOxide_cancel(handle, 1).into(),
                MQTTOxide_ack(handle, null(), 0, 0).into(),
                MQTTOxide_inFlight(handle, null_mut(), 0),
                MQTTOxide_deadlineMs(handle),
                MQTTOxide_publish(handle, null(), 0, null(), 0, null(), 0, 0, null_mut()).into(),
            ]
        };
        assert_eq!(codes, [i64::from(MQTTOxide_E_HANDLE); 24], "{handle:#x}");
    }
}

#[test]
fn null_wrong_sizes_and_wrong_values_are_errors_and_change_nothing() {
    let (mut queue, mut client) = (0, 0);
    // SAFETY: as above, here and below.
    unsafe {
        assert_eq!(MQTTOxide_createQueue(null_mut()), MQTTOxide_E_NULL);
        assert_eq!(MQTTOxide_createQueue(&raw mut queue), 0);
        assert_eq!(
            MQTTOxide_create(&raw mut client, queue, null()),
            MQTTOxide_E_NULL
        );
        let mut options = create_options();
        assert_eq!(
            MQTTOxide_create(null_mut(), queue, &raw const options),
            MQTTOxide_E_NULL
        );
        options.size += 1;
        assert_eq!(
            MQTTOxide_create(&raw mut client, queue, &raw const options),
            MQTTOxide_E_SIZE
        );
        for wrong in 0..4 {
            let mut options = create_options();
            match wrong {
                0 => options.flags = 1 << 20,
                1 => options.version = 6,
                2 => options.store = 9,
                _ => options.driver = 64,
            }
            let code = MQTTOxide_create(&raw mut client, queue, &raw const options);
            assert_eq!(code, MQTTOxide_E_ARGUMENT, "{wrong}");
        }
        assert_eq!(
            MQTTOxide_create(&raw mut client, queue, from_ref(&create_options())),
            0
        );
        assert_eq!(MQTTOxide_destroyQueue(queue), MQTTOxide_E_STATE);
        assert_eq!(MQTTOxide_destroyQueue(client), MQTTOxide_E_HANDLE);
        assert_eq!(MQTTOxide_destroy(queue), MQTTOxide_E_HANDLE);
        assert_eq!(
            MQTTOxide_attachFd(client, -1, from_ref(&connect_options())),
            MQTTOxide_E_ARGUMENT
        );
        assert_eq!(
            MQTTOxide_attachFd(client, 1 << 20, from_ref(&connect_options())),
            MQTTOxide_E_ARGUMENT
        );
        assert_eq!(MQTTOxide_attachStream(client, null()), MQTTOxide_E_NULL);
        let edits: [(Edit, i32); 10] = [
            (|options| options.version = 2, MQTTOxide_E_ARGUMENT),
            (|options| options.session = 4, MQTTOxide_E_ARGUMENT),
            (
                |options| options.keep_alive_s = 65_536,
                MQTTOxide_E_ARGUMENT,
            ),
            (|options| options.flags = 1, MQTTOxide_E_ARGUMENT),
            (|options| options.clean = 2, MQTTOxide_E_ARGUMENT),
            // A will without a topic.
            (
                |options| (options.version, options.will_topic_len) = (5, 1),
                MQTTOxide_E_NULL,
            ),
            (
                |options| (options.version, options.will_payload_len) = (5, 1),
                MQTTOxide_E_NULL,
            ),
            (
                |options| (options.version, options.will_props_len) = (5, 1),
                MQTTOxide_E_NULL,
            ),
            (
                |options| (options.version, options.will_qos) = (5, 1),
                MQTTOxide_E_NULL,
            ),
            (
                |options| (options.version, options.will_retain) = (5, 1),
                MQTTOxide_E_NULL,
            ),
        ];
        for (nth, (edit, refused)) in edits.into_iter().enumerate() {
            let mut options = connect_options();
            edit(&mut options);
            let code = MQTTOxide_attachStream(client, &raw const options);
            assert_eq!(code, refused, "{nth}");
        }
        for (path, host, headers) in [
            (c"/a b", c"h", c""),
            (c"/a\r\nName: value", c"h", c""),
            (c"/", c"", c""),
            (c"/", c"a b", c""),
            (c"/", c"h/path", c""),
            (c"/", c"user@h", c""),
            (c"/", c"h:99999", c""),
            (c"/", c"h\r\nName: value", c""),
            (c"/", c"h", c"no colon\r\n"),
            (c"/", c"h", c": no name\r\n"),
            (c"/", c"h", c"Two words: value\r\n"),
            (c"/", c"h", c"Name : value\r\n"),
            (c"/", c"h", c"Name: two\nlines\r\n"),
        ] {
            let len = |text: &std::ffi::CStr| u32::try_from(text.count_bytes()).expect("short");
            let mut options = connect_options();
            (options.ws_path, options.ws_path_len) = (path.as_ptr(), len(path));
            (options.ws_host, options.ws_host_len) = (host.as_ptr(), len(host));
            (options.headers, options.headers_len) = (headers.as_ptr(), len(headers));
            let code = MQTTOxide_attachStream(client, &raw const options);
            assert_eq!(code, MQTTOxide_E_ARGUMENT, "{path:?} {host:?} {headers:?}");
        }
        let topic = c"t".as_ptr();
        let publish = |topic, len, flags| {
            MQTTOxide_publish(client, topic, len, null(), 0, null(), 0, flags, null_mut())
        };
        assert_eq!(publish(topic, 1, 0), MQTTOxide_E_DISCONNECTED);
        assert_eq!(publish(null(), 1, 0), MQTTOxide_E_NULL);
        assert_eq!(publish(topic, 1, 3), MQTTOxide_E_ARGUMENT);
        assert_eq!(publish(topic, 1, 64), MQTTOxide_E_ARGUMENT);
        assert_eq!(MQTTOxide_feed(client, null(), 1), MQTTOxide_E_NULL.into());
        assert_eq!(
            MQTTOxide_take(client, null_mut(), 1),
            MQTTOxide_E_NULL.into()
        );
        assert_eq!(MQTTOxide_ack(client, null(), 1, 0), MQTTOxide_E_NULL);
        assert_eq!(MQTTOxide_abort(client), MQTTOxide_E_STATE);
        assert_eq!(
            MQTTOxide_nextEvents(queue, null_mut(), 8, 0, null_mut()),
            MQTTOxide_E_NULL.into()
        );
        assert_eq!(MQTTOxide_destroy(client), 0);
        assert_eq!(MQTTOxide_destroy(client), MQTTOxide_E_HANDLE);
        assert_eq!(MQTTOxide_destroyQueue(queue), 0);
        assert_eq!(MQTTOxide_destroyQueue(queue), MQTTOxide_E_HANDLE);
    }
}

/// Makes a client, or says why not.
fn create(queue: u64, edit: fn(&mut MQTTOxide_createOptions)) -> Result<u64, i32> {
    let mut options = create_options();
    edit(&mut options);
    let mut client = 0;
    // SAFETY: the pointers are NULL or of the lengths beside them.
    match unsafe { MQTTOxide_create(&raw mut client, queue, &raw const options) } {
        0 => Ok(client),
        refused => Err(refused),
    }
}

#[test]
fn what_would_be_without_effect_at_create_is_an_error() {
    type Edit = fn(&mut MQTTOxide_createOptions);
    let edits: [(Edit, bool); 20] = [
        (|options| options.flags = MQTTOxide_ACK_ORDERED, false),
        (
            |options| options.flags = MQTTOxide_ACK_ORDERED | MQTTOxide_ACK_BY_PROGRAM,
            true,
        ),
        (|options| options.flags = MQTTOxide_BUFFER_QOS0, false),
        (
            |options| options.flags = MQTTOxide_BUFFER_QOS0 | MQTTOxide_BUFFER_OFFLINE,
            true,
        ),
        // No store, then Paho's, then the Go clients'.
        (|options| options.store_name = c"".as_ptr(), false),
        (|options| options.server = c"".as_ptr(), false),
        (|options| options.store_prefix = c"".as_ptr(), false),
        (|options| options.store_extension = c"".as_ptr(), false),
        (|options| options.store = MQTTOxide_STORE_NONE, true),
        (
            |options| (options.store, options.store_prefix) = (MQTTOxide_STORE_FILE, c"".as_ptr()),
            false,
        ),
        (
            |options| {
                (options.store, options.store_extension) = (MQTTOxide_STORE_FILE, c"".as_ptr());
            },
            false,
        ),
        (
            |options| (options.store, options.server) = (MQTTOxide_STORE_GO, c"".as_ptr()),
            false,
        ),
        (
            |options| {
                (options.store, options.server) = (MQTTOxide_STORE_FILE, c"tcp://u:p@h".as_ptr());
                options.server_len = 11;
            },
            false,
        ),
        (
            |options| {
                (options.store, options.server) = (MQTTOxide_STORE_GO, c"tcp://h".as_ptr());
                options.server_len = 7;
            },
            false,
        ),
        (
            |options| {
                (options.store, options.store_prefix) = (MQTTOxide_STORE_GO, c"../".as_ptr());
                options.store_prefix_len = 3;
            },
            false,
        ),
        (
            |options| {
                (options.store, options.store_prefix) = (MQTTOxide_STORE_GO, c"o1".as_ptr());
                options.store_prefix_len = 2;
            },
            false,
        ),
        (
            |options| {
                (options.store, options.store_extension) = (MQTTOxide_STORE_GO, c".tmp".as_ptr());
                options.store_extension_len = 4;
            },
            false,
        ),
        // An empty text may be NULL.
        (|options| options.store_name = null(), true),
        (|options| options.store_prefix = null(), true),
        (|options| options.server = null(), true),
    ];
    let mut queue = 0;
    // SAFETY: as above.
    assert_eq!(unsafe { MQTTOxide_createQueue(&raw mut queue) }, 0);
    for (nth, (edit, is_fine)) in edits.into_iter().enumerate() {
        let made = create(queue, edit);
        assert_eq!(
            made.err(),
            (!is_fine).then_some(MQTTOxide_E_ARGUMENT),
            "{nth}"
        );
        if let Ok(client) = made {
            // SAFETY: as above.
            assert_eq!(unsafe { MQTTOxide_destroy(client) }, 0);
        }
    }
    // SAFETY: as above.
    assert_eq!(unsafe { MQTTOxide_destroyQueue(queue) }, 0);
}

#[test]
fn what_would_be_without_effect_on_a_connection_is_an_error() {
    type TlsEdit = fn(&mut MQTTOxide_tlsOptions);
    let path: Edit = |options| (options.ws_path, options.ws_path_len) = (c"/".as_ptr(), 1);
    let host: Edit = |options| (options.ws_host, options.ws_host_len) = (c"h".as_ptr(), 1);
    let headers: Edit = |options| {
        (options.headers, options.headers_len) = (c"Name: value\r\n".as_ptr(), 13);
    };
    let password: Edit = |options| {
        (options.password, options.password_len) = (c"p".as_ptr().cast(), 1);
    };
    let username: Edit = |options| (options.username, options.username_len) = (c"u".as_ptr(), 1);
    let version_5: Edit = |options| options.version = 5;
    let mut queue = 0;
    // SAFETY: as above.
    assert_eq!(unsafe { MQTTOxide_createQueue(&raw mut queue) }, 0);
    let refused =
        |at: &str, edits: &[Edit], refused: bool, server: Option<&str>, tls: Option<TlsEdit>| {
            let mut options = connect_options();
            options.clean = 1;
            for edit in edits {
                edit(&mut options);
            }
            let client = create(queue, |_| ()).expect("a client");
            // SAFETY: as above.
            let code = unsafe {
                let mut secured: MQTTOxide_tlsOptions = std::mem::zeroed();
                secured.size = super::read::size::<MQTTOxide_tlsOptions>();
                match server {
                    None => MQTTOxide_attachStream(client, &raw const options),
                    Some(uri) => MQTTOxide_connect(
                        client,
                        uri.as_ptr().cast(),
                        u32::try_from(uri.len()).expect("short"),
                        &raw const options,
                        tls.map_or(null(), |edit| {
                            edit(&mut secured);
                            from_ref(&secured)
                        }),
                    ),
                }
            };
            let said = if refused { MQTTOxide_E_ARGUMENT } else { 0 };
            assert_eq!(code, said, "{at}: {server:?}");
            // SAFETY: as above.
            assert_eq!(unsafe { MQTTOxide_destroy(client) }, 0);
        };
    refused("nothing", &[], false, None, None);
    refused("host", &[host], true, None, None);
    refused("headers", &[headers], true, None, None);
    refused("all", &[path, host, headers], false, None, None);
    refused("password", &[password], true, None, None);
    refused("both", &[username, password], false, None, None);
    refused("password", &[version_5, password], false, None, None);
    let tcp = "tcp://127.0.0.1:1";
    let web = "tcp://127.0.0.1:1 ws://127.0.0.1:1";
    refused("nothing", &[], false, Some(tcp), None);
    refused("headers", &[headers], true, Some(tcp), None);
    refused("headers", &[headers], false, Some(web), None);
    refused("path", &[path], true, Some(web), None);
    refused("host", &[host], true, Some(web), None);
    refused("password", &[password], true, Some(tcp), None);
    if crate::transport::TLS_SUPPORTED {
        let secured = "tcp://127.0.0.1:1 ssl://127.0.0.1:1";
        refused("TLS", &[], true, Some(web), Some(|_| ()));
        refused("TLS", &[], false, Some(secured), Some(|_| ()));
        let key: TlsEdit = |tls| (tls.key, tls.key_len) = (c"k".as_ptr(), 1);
        refused("key", &[], true, Some(secured), Some(key));
        let password: TlsEdit = |tls| {
            (tls.password, tls.password_len) = (c"p".as_ptr().cast(), 1);
        };
        refused("password", &[], true, Some(secured), Some(password));
        refused("headers", &[headers], true, Some(secured), Some(|_| ()));
        let both = "wss://127.0.0.1:1";
        refused("headers", &[headers], false, Some(both), Some(|_| ()));
    }
    // SAFETY: as above.
    assert_eq!(unsafe { MQTTOxide_destroyQueue(queue) }, 0);
}

#[test]
fn properties_and_filters_are_written_and_read() {
    let mut buffer = [0_u8; 64];
    let mut used = 0;
    let at = &raw mut used;
    let bytes = buffer.as_mut_ptr().cast();
    // SAFETY: as above.
    unsafe {
        assert_eq!(MQTTOxide_putNumber(bytes, 64, at, 0x11, 30), 0);
        assert_eq!(
            MQTTOxide_putPair(
                bytes,
                64,
                at,
                0x26,
                b"a".as_ptr().cast(),
                1,
                b"b".as_ptr().cast(),
                1
            ),
            0
        );
        assert_eq!(
            MQTTOxide_putNumber(bytes, 64, at, 0x26, 1),
            MQTTOxide_E_ARGUMENT
        );
        assert_eq!(
            MQTTOxide_putNumber(bytes, 64, at, 0x7f, 1),
            MQTTOxide_E_ARGUMENT
        );
        assert_eq!(
            MQTTOxide_putNumber(bytes, used, at, 0x11, 1),
            MQTTOxide_E_TOO_SMALL
        );
        assert_eq!(used, 12);
        let mut property: MQTTOxide_property = std::mem::zeroed();
        property.size = super::read::size::<MQTTOxide_property>();
        let mut read = 0;
        let mut next = |property: *mut MQTTOxide_property| {
            MQTTOxide_nextProperty(bytes, 12, &raw mut read, property)
        };
        assert_eq!(next(&raw mut property), 1);
        assert_eq!((property.id, property.number), (0x11, 30));
        assert_eq!(next(&raw mut property), 1);
        assert_eq!(
            (property.id, property.name_len, property.value_len),
            (0x26, 1, 1)
        );
        assert_eq!(next(&raw mut property), 0);
        assert_eq!(next(null_mut()), MQTTOxide_E_NULL);
        let mut used = 0;
        let filter = c"a/+".as_ptr();
        assert_eq!(
            MQTTOxide_putFilter(bytes, 64, &raw mut used, filter, 3, 1),
            0
        );
        assert_eq!((used, &buffer[..6]), (6, &[0, 3, b'a', b'/', b'+', 1][..]));
    }
}

/// A thread that has found the client when another one destroys it finds no stream and no connection then. It is told that
/// there is no client, as the threads that come a moment later are.
#[test]
fn what_fails_in_a_client_that_is_destroyed_meanwhile_fails_for_its_handle() {
    type Call = fn(&ClientOf) -> Result<usize, Error>;
    let calls: [Call; 7] = [
        |client| client.feed(b"\xd0\0"),
        |client| client.take(&mut [0; 8]),
        |client| client.eof("").map(|()| 0),
        |client| client.abort().map(|()| 0),
        |client| {
            let properties = crate::protocol::property::Properties::default();
            client.disconnect(Duration::ZERO, 0, properties).map(|()| 0)
        },
        |client| client.peer_address().map(|address| address.len()),
        |client| {
            let no_properties = crate::protocol::property::PropertiesRef::EMPTY;
            client.unsubscribe(&[b"t"], no_properties).map(|_| 0)
        },
    ];
    for (at, call) in calls.iter().enumerate() {
        let (mut queue, mut client) = (0, 0);
        // SAFETY: as above, here and below.
        unsafe {
            assert_eq!(MQTTOxide_createQueue(&raw mut queue), 0);
            let options = create_options();
            assert_eq!(
                MQTTOxide_create(&raw mut client, queue, from_ref(&options)),
                0
            );
            assert_eq!(
                MQTTOxide_attachStream(client, from_ref(&connect_options())),
                0
            );
        }
        let answer = with_client(client, |found| {
            // SAFETY: as above.
            assert_eq!(unsafe { MQTTOxide_destroy(client) }, 0);
            let code = call(found).map_err(|error| failure(&error));
            assert!(code.is_err(), "call {at}: {code:?}");
            code
        });
        assert_eq!(answer, Err(MQTTOxide_E_HANDLE), "call {at}");
        // SAFETY: as above.
        assert_eq!(unsafe { MQTTOxide_destroyQueue(queue) }, 0);
    }
}
