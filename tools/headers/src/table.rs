//! What is in which header, and what cbindgen has no notion of.

/// One header to write.
pub struct Header {
    /// File name in `include/`.
    pub name: &'static str,
    /// Name of the include guard.
    pub guard: &'static str,
    /// What it includes: system headers in angle brackets, ours in quotes.
    pub includes: &'static [&'static str],
    /// The Rust files, below `src/ffi/`, whose public items it has.
    pub sources: &'static [&'static str],
    /// Its introduction: Doxygen text.
    pub about: &'static str,
    /// Macros that initialise its structures.
    pub initializers: &'static [Initializer],
    /// C text to have before everything else, for what is not made of Rust items at all.
    pub verbatim: &'static str,
    /// Its structures have tags and no other names: functions may have the same.
    pub tagged: bool,
}

/// A macro for the initial value of a structure.
pub struct Initializer {
    /// The structure it follows.
    pub of: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The value: a braced list in the order of the members.
    pub value: &'static str,
    /// What it is for.
    pub about: &'static str,
}

/// An enumeration that Rust has as an alias of `c_int`, since a value from C need not be one of those listed, with one
/// constant an enumerator.
pub struct Enumeration {
    /// Name of the alias and tag of the C enumeration.
    pub name: &'static str,
    /// What the names of its constants begin with.
    pub prefix: &'static str,
}

/// All enumerations.
pub const ENUMERATIONS: &[Enumeration] = &[
    Enumeration {
        name: "MQTTPropertyCodes",
        prefix: "MQTTPROPERTY_CODE_",
    },
    Enumeration {
        name: "MQTTPropertyTypes",
        prefix: "MQTTPROPERTY_TYPE_",
    },
    Enumeration {
        name: "MQTTReasonCodes",
        prefix: "MQTTREASONCODE_",
    },
    Enumeration {
        name: "MQTTCLIENT_TRACE_LEVELS",
        prefix: "MQTTCLIENT_TRACE_",
    },
    Enumeration {
        name: "MQTTASYNC_TRACE_LEVELS",
        prefix: "MQTTASYNC_TRACE_",
    },
];

/// Function types that C names as pointers (`Persistence_open popen`). All others are named as functions, and used with
/// an asterisk (`MQTTAsync_messageArrived* ma`).
pub const POINTER_TYPES_BEGIN_WITH: &str = "Persistence_";

/// Rust types that C has no name for: they are written out where a member has the type.
pub const NAMELESS: &[&str] = &[
    "Binary",
    "MQTTPropertyStrings",
    "MQTTPropertyValue",
    "MQTTClient_returned",
    "MQTTAsync_published",
    "MQTTAsync_connection",
    "MQTTAsync_reasonCodeList",
    "MQTTAsync_successDetails",
    "MQTTAsync_successDetails5",
];

/// The member, of a nameless type, that has no name in C either: its own members are used directly.
pub const NAMELESS_MEMBER: &str = "strings";

/// Rust types that both APIs have under a name of their own: each alias becomes a structure.
pub const SHARED: &[&str] = &[
    "InitOptions",
    "Message",
    "WillOptions",
    "NameValue",
    "SslOptions",
];

/// Functions that the original's shared libraries do not export: its header declares them without `LIBMQTT_API`.
pub const NOT_EXPORTED: &[&str] = &[
    "MQTTProperties_len",
    "MQTTProperties_read",
    "MQTTProperties_write",
];

/// What the connect options have before the members that the initializers differ in, and after them.
macro_rules! client_connect {
    ($keep_alive:literal, $clean_session:literal, $version:literal, $clean_start:literal) => {
        concat!(
            "{ {'M', 'Q', 'T', 'C'}, 8, ",
            $keep_alive,
            ", ",
            $clean_session,
            ", 1, NULL, NULL, NULL, 30, 0, NULL, 0, NULL, \\\n",
            "  ",
            $version,
            ", {NULL, 0, 0}, {0, NULL}, -1, ",
            $clean_start,
            ", NULL, NULL, NULL }"
        )
    };
}

macro_rules! async_connect {
    ($keep_alive:literal, $clean_session:literal, $version:literal, $clean_start:literal) => {
        concat!(
            "{ {'M', 'Q', 'T', 'C'}, 8, ",
            $keep_alive,
            ", ",
            $clean_session,
            ", 65535, NULL, NULL, NULL, 30, 0, NULL, NULL, \\\n",
            "  NULL, NULL, 0, NULL, ",
            $version,
            ", 0, 1, 60, {0, NULL}, ",
            $clean_start,
            ", NULL, NULL, NULL, NULL, NULL, \\\n",
            "  NULL, NULL }"
        )
    };
}

/// Initial value of the TLS options.
const SSL_OPTIONS: &str = "{ {'M', 'Q', 'T', 'S'}, 5, NULL, NULL, NULL, NULL, NULL, 1, MQTT_SSL_VERSION_DEFAULT, 0, NULL, NULL, \\\n  NULL, NULL, NULL, 0, NULL, 0 }";
/// Initial value of the will options.
const WILL_OPTIONS: &str = "{ {'M', 'Q', 'T', 'W'}, 1, NULL, NULL, 0, 0, {0, NULL} }";
/// Initial value of a message.
const MESSAGE: &str =
    "{ {'M', 'Q', 'T', 'M'}, 1, 0, NULL, 0, 0, 0, 0, MQTTProperties_initializer }";
/// Initial value of the process-wide options.
const INIT_OPTIONS: &str = "{ {'M', 'Q', 'T', 'G'}, 0, 0 }";

/// All headers.
pub const HEADERS: &[Header] = &[
    Header {
        name: "MQTTExportDeclarations.h",
        guard: "EXPORTDECLARATIONS_H",
        includes: &[],
        sources: &[],
        about: "\
How the functions of the library are declared: the macro LIBMQTT_API stands before each declaration.

It matters on Windows, where a program that uses the DLL is compiled with PAHO_MQTT_IMPORTS defined.",
        initializers: &[],
        verbatim: EXPORT_DECLARATIONS,
        tagged: false,
    },
    Header {
        name: "MQTTSubscribeOpts.h",
        guard: "SUBOPTS_H",
        includes: &[],
        sources: &["types/subscribe_types.rs"],
        about: "Options of MQTT 5 subscriptions.",
        initializers: &[Initializer {
            of: "MQTTSubscribe_options",
            name: "MQTTSubscribe_options_initializer",
            value: "{ {'M', 'Q', 'S', 'O'}, 0, 0, 0, 0 }",
            about: "Options with which a subscription is like one of MQTT 3.1.1.",
        }],
        verbatim: "",
        tagged: false,
    },
    Header {
        name: "MQTTReasonCodes.h",
        guard: "MQTTREASONCODES_H",
        includes: &["\"MQTTExportDeclarations.h\""],
        sources: &["types/reason_codes.rs"],
        about: "MQTT 5 reason codes, and their names.",
        initializers: &[],
        verbatim: "",
        tagged: false,
    },
    Header {
        name: "MQTTProperties.h",
        guard: "MQTTPROPERTIES_H",
        includes: &["<stddef.h>", "<stdint.h>", "\"MQTTExportDeclarations.h\""],
        sources: &["types/property_types.rs", "exports/properties.rs", "exports/properties_wire.rs"],
        about: "\
MQTT 5 properties: name and value pairs that go with most packets, kept in lists.

@code
MQTTProperties props = MQTTProperties_initializer;
MQTTProperty property;

property.identifier = MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL;
property.value.integer4 = 60;
MQTTProperties_add(&props, &property);
// ... use the list ...
MQTTProperties_free(&props);
@endcode",
        initializers: &[Initializer {
            of: "MQTTProperties",
            name: "MQTTProperties_initializer",
            value: "{ 0, 0, 0, NULL }",
            about: "An empty list.",
        }],
        verbatim: "",
        tagged: false,
    },
    Header {
        name: "MQTTClientPersistence.h",
        guard: "MQTTCLIENTPERSISTENCE_H",
        includes: &[],
        sources: &["types/persistence_types.rs"],
        about: "\
Where messages in flight are stored, so that they survive a lost connection and a crash of the program, and how a
program brings its own store along.

A store keeps records, byte strings that are found by a key. For the library's own store that is one file a record, in a
directory named after the client identifier and the server.",
        initializers: &[],
        verbatim: "",
        tagged: false,
    },
    Header {
        name: "MQTTClient.h",
        guard: "MQTTCLIENT_H",
        includes: &[
            "<stddef.h>",
            "<stdio.h>",
            "\"MQTTExportDeclarations.h\"",
            "\"MQTTProperties.h\"",
            "\"MQTTReasonCodes.h\"",
            "\"MQTTSubscribeOpts.h\"",
            "\"MQTTClientPersistence.h\"",
        ],
        sources: &["types/shared_types.rs", "types/client_types.rs", "exports/mqtt_client.rs", "exports/mqtt_client_messages.rs"],
        about: "\
The blocking API: calls wait for the server's answer. Link with `-lpaho-mqtt3c`, or with `-lpaho-mqtt3cs` for TLS.

@code
MQTTClient client;
MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;

MQTTClient_create(&client, \"tcp://localhost:1883\", \"me\", MQTTCLIENT_PERSISTENCE_NONE, NULL);
if (MQTTClient_connect(client, &options) == MQTTCLIENT_SUCCESS) {
  MQTTClient_publish(client, \"greetings\", 5, \"hello\", 1, 0, NULL);
  MQTTClient_disconnect(client, 1000);
}
MQTTClient_destroy(&client);
@endcode

Without callbacks a client is in synchronous mode: the program asks for messages with MQTTClient_receive(), and
acknowledgements are processed inside calls of the API. After MQTTClient_setCallbacks() it is in asynchronous mode: the
callbacks are called, on a thread of the library's, as messages and acknowledgements come in.

Threads: every function may be called from any thread at any time, from callbacks too. The callbacks of one client are
called one after another; those of different clients do not wait for each other.

Memory: what the program passes in is copied. What the library hands over says which function gives it back.

Errors: functions return #MQTTCLIENT_SUCCESS or a negative code, for which MQTTClient_strerror() has a text. Where a
server's answer is returned, it is positive. A handle that is NULL, or of a client destroyed, is an error and nothing
worse.",
        initializers: &[
            Initializer {
                of: "MQTTClient_init_options",
                name: "MQTTClient_init_options_initializer",
                value: INIT_OPTIONS,
                about: "The program takes care of OpenSSL.",
            },
            Initializer {
                of: "MQTTClient_message",
                name: "MQTTClient_message_initializer",
                value: MESSAGE,
                about: "An empty message of QoS 0, not retained.",
            },
            Initializer {
                of: "MQTTClient_createOptions",
                name: "MQTTClient_createOptions_initializer",
                value: "{ {'M', 'Q', 'C', 'O'}, 0, MQTTVERSION_DEFAULT }",
                about: "A client for MQTT 3.1.1 and 3.1.",
            },
            Initializer {
                of: "MQTTClient_willOptions",
                name: "MQTTClient_willOptions_initializer",
                value: WILL_OPTIONS,
                about: "A will of QoS 0, not retained, that still lacks its topic.",
            },
            Initializer {
                of: "MQTTClient_SSLOptions",
                name: "MQTTClient_SSLOptions_initializer",
                value: SSL_OPTIONS,
                about: "The server's certificate is checked against the authorities that the system trusts.",
            },
            Initializer {
                of: "MQTTClient_connectOptions",
                name: "MQTTClient_connectOptions_initializer",
                value: client_connect!("60", "1", "MQTTVERSION_DEFAULT", "0"),
                about: "MQTT 3.1.1 (or 3.1), a clean session, a keep alive interval of 60 seconds.",
            },
            Initializer {
                of: "MQTTClient_connectOptions",
                name: "MQTTClient_connectOptions_initializer5",
                value: client_connect!("60", "0", "MQTTVERSION_5", "1"),
                about: "MQTT 5, a clean start, a keep alive interval of 60 seconds.",
            },
            Initializer {
                of: "MQTTClient_connectOptions",
                name: "MQTTClient_connectOptions_initializer_ws",
                value: client_connect!("45", "1", "MQTTVERSION_DEFAULT", "0"),
                about: "For WebSockets, with a keep alive interval below the minute after which proxies like to close a\nconnection: 45 seconds. MQTT 3.1.1 (or 3.1), a clean session.",
            },
            Initializer {
                of: "MQTTClient_connectOptions",
                name: "MQTTClient_connectOptions_initializer5_ws",
                value: client_connect!("45", "0", "MQTTVERSION_5", "1"),
                about: "For WebSockets, with a keep alive interval of 45 seconds. MQTT 5, a clean start.",
            },
            Initializer {
                of: "MQTTResponse",
                name: "MQTTResponse_initializer",
                value: "{ 1, MQTTREASONCODE_SUCCESS, 0, NULL, NULL }",
                about: "A success with nothing to say.",
            },
        ],
        verbatim: "",
        tagged: false,
    },
    Header {
        name: "MQTTAsync.h",
        guard: "MQTTASYNC_H",
        includes: &[
            "<stddef.h>",
            "<stdio.h>",
            "\"MQTTExportDeclarations.h\"",
            "\"MQTTProperties.h\"",
            "\"MQTTReasonCodes.h\"",
            "\"MQTTSubscribeOpts.h\"",
            "\"MQTTClientPersistence.h\"",
        ],
        sources: &["types/shared_types.rs", "types/async_types.rs", "exports/mqtt_async.rs"],
        about: "\
The asynchronous API: calls return at once, and callbacks tell how it went. Link with `-lpaho-mqtt3a`, or with
`-lpaho-mqtt3as` for TLS.

@code
void connected(void* context, MQTTAsync_successData* response) {
  MQTTAsync client = (MQTTAsync)context;
  MQTTAsync_send(client, \"greetings\", 5, \"hello\", 1, 0, NULL);
}

MQTTAsync client;
MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;

MQTTAsync_create(&client, \"tcp://localhost:1883\", \"me\", MQTTCLIENT_PERSISTENCE_NONE, NULL);
options.onSuccess = connected;
options.context = client;
MQTTAsync_connect(client, &options);
@endcode

Requests: connect, disconnect, subscribe, unsubscribe and send take options with two callbacks, of which exactly one is
called, once, if the call returned #MQTTASYNC_SUCCESS. If it returned anything else, none is. There is one exception: a
connect that MQTTAsync_destroy() breaks off calls neither.

Threads: every function may be called from any thread at any time, from callbacks too, waiting ones included. The
callbacks of one client are called one after another, on a thread of the library's; those of different clients do not
wait for each other.

Memory: what the program passes in is copied. What the library hands over says which function gives it back.

Errors: functions return #MQTTASYNC_SUCCESS or a negative code, for which MQTTAsync_strerror() has a text. A handle that
is NULL, or of a client destroyed, is an error and nothing worse.",
        initializers: &[
            Initializer {
                of: "MQTTAsync_init_options",
                name: "MQTTAsync_init_options_initializer",
                value: INIT_OPTIONS,
                about: "The program takes care of OpenSSL.",
            },
            Initializer {
                of: "MQTTAsync_message",
                name: "MQTTAsync_message_initializer",
                value: MESSAGE,
                about: "An empty message of QoS 0, not retained.",
            },
            Initializer {
                of: "MQTTAsync_connectData",
                name: "MQTTAsync_connectData_initializer",
                value: "{ {'M', 'Q', 'C', 'D'}, 0, NULL, {0, NULL} }",
                about: "No user name, no password.",
            },
            Initializer {
                of: "MQTTAsync_failureData5",
                name: "MQTTAsync_failureData5_initializer",
                value: "{ {'M', 'Q', 'F', 'D'}, 0, 0, MQTTREASONCODE_SUCCESS, MQTTProperties_initializer, 0, NULL, 0 }",
                about: "Nothing to say.",
            },
            Initializer {
                of: "MQTTAsync_successData5",
                name: "MQTTAsync_successData5_initializer",
                value: "{ {'M', 'Q', 'S', 'D'}, 0, 0, MQTTREASONCODE_SUCCESS, MQTTProperties_initializer, { {0, NULL} } }",
                about: "Nothing to say.",
            },
            Initializer {
                of: "MQTTAsync_responseOptions",
                name: "MQTTAsync_responseOptions_initializer",
                value: "{ {'M', 'Q', 'T', 'R'}, 1, NULL, NULL, NULL, 0, NULL, NULL, MQTTProperties_initializer, \\\n  MQTTSubscribe_options_initializer, 0, NULL }",
                about: "No callbacks, no properties.",
            },
            Initializer {
                of: "MQTTAsync_callOptions",
                name: "MQTTAsync_callOptions_initializer",
                value: "MQTTAsync_responseOptions_initializer",
                about: "Another name of #MQTTAsync_responseOptions_initializer.",
            },
            Initializer {
                of: "MQTTAsync_createOptions",
                name: "MQTTAsync_createOptions_initializer",
                value: "{ {'M', 'Q', 'C', 'O'}, 2, 0, 100, MQTTVERSION_DEFAULT, 0, 0, 1, 1 }",
                about: "A client for MQTT 3.1.1 and 3.1 that does not buffer messages while it is not connected.",
            },
            Initializer {
                of: "MQTTAsync_createOptions",
                name: "MQTTAsync_createOptions_initializer5",
                value: "{ {'M', 'Q', 'C', 'O'}, 2, 0, 100, MQTTVERSION_5, 0, 0, 1, 1 }",
                about: "A client for MQTT 5 that does not buffer messages while it is not connected.",
            },
            Initializer {
                of: "MQTTAsync_willOptions",
                name: "MQTTAsync_willOptions_initializer",
                value: WILL_OPTIONS,
                about: "A will of QoS 0, not retained, that still lacks its topic.",
            },
            Initializer {
                of: "MQTTAsync_SSLOptions",
                name: "MQTTAsync_SSLOptions_initializer",
                value: SSL_OPTIONS,
                about: "The server's certificate is checked against the authorities that the system trusts.",
            },
            Initializer {
                of: "MQTTAsync_connectOptions",
                name: "MQTTAsync_connectOptions_initializer",
                value: async_connect!("60", "1", "MQTTVERSION_DEFAULT", "0"),
                about: "MQTT 3.1.1 (or 3.1), a clean session, a keep alive interval of 60 seconds.",
            },
            Initializer {
                of: "MQTTAsync_connectOptions",
                name: "MQTTAsync_connectOptions_initializer5",
                value: async_connect!("60", "0", "MQTTVERSION_5", "1"),
                about: "MQTT 5, a clean start, a keep alive interval of 60 seconds.",
            },
            Initializer {
                of: "MQTTAsync_connectOptions",
                name: "MQTTAsync_connectOptions_initializer_ws",
                value: async_connect!("45", "1", "MQTTVERSION_DEFAULT", "0"),
                about: "For WebSockets, with a keep alive interval below the minute after which proxies like to close a\nconnection: 45 seconds. MQTT 3.1.1 (or 3.1), a clean session.",
            },
            Initializer {
                of: "MQTTAsync_connectOptions",
                name: "MQTTAsync_connectOptions_initializer5_ws",
                value: async_connect!("45", "0", "MQTTVERSION_5", "1"),
                about: "For WebSockets, with a keep alive interval of 45 seconds. MQTT 5, a clean start.",
            },
            Initializer {
                of: "MQTTAsync_disconnectOptions",
                name: "MQTTAsync_disconnectOptions_initializer",
                value: "{ {'M', 'Q', 'T', 'D'}, 0, 0, NULL, NULL, NULL, MQTTProperties_initializer, \\\n  MQTTREASONCODE_SUCCESS, NULL, NULL }",
                about: "MQTT 3.1 and 3.1.1; no waiting for messages in flight.",
            },
            Initializer {
                of: "MQTTAsync_disconnectOptions",
                name: "MQTTAsync_disconnectOptions_initializer5",
                value: "{ {'M', 'Q', 'T', 'D'}, 1, 0, NULL, NULL, NULL, MQTTProperties_initializer, \\\n  MQTTREASONCODE_SUCCESS, NULL, NULL }",
                about: "MQTT 5; no waiting for messages in flight.",
            },
        ],
        verbatim: "",
        tagged: false,
    },
    Header {
        name: "paho_oxide.h",
        guard: "PAHO_OXIDE_H",
        includes: &["<stddef.h>", "<stdint.h>", "\"MQTTExportDeclarations.h\""],
        sources: &[
            "types/oxide_types.rs",
            "types/for_paho_types.rs",
            "exports/paho_oxide.rs",
            "exports/paho_oxide_messages.rs",
            "exports/for_paho.rs",
        ],
        about: "\
Events in batches instead of callbacks: for programs with an event loop, sockets or TLS of their own, for thousands of
connections, and for bindings to other languages. Link with `-lpaho-oxide`, or with `-lpaho-oxide-tls` for TLS.

@code
uint64_t queue, client, buffer[8192];
struct MQTTOxide_createOptions create = { sizeof(create) };
struct MQTTOxide_connectOptions options = { sizeof(options), 4, 1 };

MQTTOxide_createQueue(&queue);
MQTTOxide_create(&client, queue, &create);
MQTTOxide_connect(client, \"tcp://localhost:1883\", 20, &options, NULL);
for (;;) {
  int64_t at, bytes = MQTTOxide_nextEvents(queue, buffer, sizeof(buffer), -1, NULL);
  for (at = 0; at < bytes;) {
    const struct MQTTOxide_event* event = (const void*)((const char*)buffer + at);
    if (event->kind == MQTTOxide_CONNECTED)
      MQTTOxide_publish(client, \"greetings\", 9, \"hello\", 5, NULL, 0, 1, NULL);
    at += event->size;
  }
}
@endcode

Handles are numbers, never pointers; 0 is none. Every function may be called from any thread at any time. None blocks, but
MQTTOxide_nextEvents() with a time-out, MQTTOxide_destroy(), MQTTOxide_addRoute() and MQTTOxide_removeRoute(). No pointer of the
caller's is kept after a call, but that of a callback and its context. Structures begin with their size. Strings and bytes have
their length beside them and need no NUL. Functions return 0 or a count, or a negative MQTTOxide_E_... code, after which nothing
has changed, but for what MQTTOxide_publishMany() and MQTTOxide_ack() had done before they came upon it. Besides the codes that
it lists each function has #MQTTOxide_E_HANDLE for a handle that is none, #MQTTOxide_E_NULL for a pointer that is NULL and must
not be, or whose length is not 0, #MQTTOxide_E_SIZE for a struct of another size, and #MQTTOxide_E_PANIC.

Programs on MQTTClient.h and MQTTAsync.h need neither library: the functions that take a `void*` handle are in
`-lpaho-mqtt3a`, `-lpaho-mqtt3as`, `-lpaho-mqtt3c` and `-lpaho-mqtt3cs`, and work on a MQTTAsync or a MQTTClient:
MQTTOxide_setOption(), MQTTOxide_getOption(), MQTTOxide_acknowledge(), MQTTOxide_lastError(), MQTTOxide_statistics(),
MQTTOxide_addRoute() and MQTTOxide_removeRoute(). Only this header's other functions need `-lpaho-oxide`.

Properties are MQTT 5 properties as they stand in a packet, without the length in front. The manual with the kinds of events
and their members is docs/oxide-api.md.",
        initializers: &[],
        verbatim: "",
        tagged: true,
    },
];

/// The macro for declarations.
const EXPORT_DECLARATIONS: &str = "\
#if defined(_WIN32)
  #if defined(PAHO_MQTT_EXPORTS)
    #define LIBMQTT_API __declspec(dllexport)
  #elif defined(PAHO_MQTT_IMPORTS)
    #define LIBMQTT_API __declspec(dllimport)
  #else
    #define LIBMQTT_API
  #endif
#elif defined(PAHO_MQTT_EXPORTS)
  #define LIBMQTT_API __attribute__((visibility(\"default\")))
#else
  /** Stands before the declaration of each function that the libraries export. */
  #define LIBMQTT_API extern
#endif
";
