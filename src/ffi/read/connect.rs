//! What the connect functions of both APIs have in common.

use std::ptr;
use std::time::Duration;

use libc::{c_char, c_int};

use super::versioned::{Versioned, field};
use crate::ffi::last_error;
use crate::ffi::read::{self, Code};
use crate::ffi::types::async_types::{
    MQTTASYNC_BAD_MQTT_OPTION, MQTTASYNC_NULL_PARAMETER, MQTTAsync_connectOptions,
};
use crate::ffi::types::client_types::MQTTClient_connectOptions;
use crate::ffi::types::reason_codes::MQTTReasonCodes;
use crate::ffi::types::shared_types::{
    Binary, MQTTVERSION_3_1, MQTTVERSION_3_1_1, MQTTVERSION_5, MQTTVERSION_DEFAULT, NameValue,
    SslOptions, WillOptions,
};
use crate::options::{
    ConnectOptions, ReconnectOptions, Secret, SecretText, TlsOptions, VersionChoice,
    WillOptions as Will,
};
use crate::protocol::Version;
use crate::protocol::property::Properties;
use crate::transport::uri::ServerUri;

/// Newest version of the connect options, in both APIs.
pub const OPTIONS_VERSION: c_int = 8;

/// No binary password.
const NO_BINARY: Binary = Binary {
    len: 0,
    data: ptr::null(),
};

/// The members that the connect options of both APIs have, as the program gave them. Made from [`Versioned`] options
/// only, whose promise covers all that the pointers here lead to.
pub struct Members {
    keep_alive: c_int,
    clean_session: c_int,
    clean_start: c_int,
    will: *const WillOptions,
    username: *const c_char,
    password: *const c_char,
    binary_password: Binary,
    connect_timeout: c_int,
    ssl: *const SslOptions,
    server_uri_count: c_int,
    server_uris: *const *mut c_char,
    version: Option<c_int>,
    http_headers: *const NameValue,
    http_proxy: *const c_char,
    https_proxy: *const c_char,
}

/// Reads [`Members`] from the options of either API, which name them alike.
macro_rules! members {
    ($options:ident) => {
        Self {
            keep_alive: field!($options.keepAliveInterval),
            clean_session: field!($options.cleansession),
            clean_start: field!($options.cleanstart since 6 else 0),
            will: field!($options.will),
            username: field!($options.username),
            password: field!($options.password),
            binary_password: field!($options.binarypwd since 5 else NO_BINARY),
            connect_timeout: field!($options.connectTimeout),
            ssl: field!($options.ssl since 1 else ptr::null_mut()),
            server_uri_count: field!($options.serverURIcount since 2 else 0),
            server_uris: field!($options.serverURIs since 2 else ptr::null()),
            version: ($options.version() >= 3).then(|| field!($options.MQTTVersion)),
            http_headers: field!($options.httpHeaders since 7 else ptr::null()),
            http_proxy: field!($options.httpProxy since 8 else ptr::null()),
            https_proxy: field!($options.httpsProxy since 8 else ptr::null()),
        }
    };
}

impl From<Versioned<MQTTClient_connectOptions>> for Members {
    fn from(options: Versioned<MQTTClient_connectOptions>) -> Self {
        members!(options)
    }
}

impl From<Versioned<MQTTAsync_connectOptions>> for Members {
    fn from(options: Versioned<MQTTAsync_connectOptions>) -> Self {
        members!(options)
    }
}

/// What is read before the MQTT version is looked at, as in the original: its codes come first.
pub struct Security {
    will: Option<Will>,
    tls: Option<TlsOptions>,
    username: Option<String>,
}

/// What the two APIs find out in ways of their own.
pub struct Particulars {
    pub version: VersionChoice,
    pub clean: bool,
    pub max_inflight: u32,
    pub reconnect: Option<ReconnectOptions>,
    pub properties: Properties,
    pub will_properties: Properties,
}

impl Members {
    /// Reads will, TLS options and user name, for a client that was created with this URI; checks the password.
    pub fn security(&self, server_uri: &str) -> Result<Security, Code> {
        check_tls(server_uri, self.ssl)?;
        // SAFETY: as documented, by the promise of the `Versioned` options that these members are from.
        unsafe {
            let security = Security {
                will: read::will(self.will)?,
                tls: read::tls(self.ssl)?,
                username: read::text(self.username).map_err(of("username"))?,
            };
            read::check_text(self.password).map_err(of("password"))?;
            Ok(security)
        }
    }

    /// Returns the MQTT version asked for; none from options that are too old to have one.
    pub fn version(&self) -> Option<c_int> {
        self.version
    }

    /// Tells whether the session begins anew; the flag of the other MQTT version is a mistake.
    pub fn clean(&self, v5: bool) -> Result<bool, Code> {
        let (flag, others, why) = if v5 {
            let why = "cleansession is not of MQTT 5, which has cleanstart";
            (self.clean_start, self.clean_session, why)
        } else {
            let why = "cleanstart is of MQTT 5 only";
            (self.clean_session, self.clean_start, why)
        };
        if others == 0 {
            Ok(flag != 0)
        } else {
            Err(last_error::fail(MQTTASYNC_BAD_MQTT_OPTION, why))
        }
    }

    /// Returns how many server URIs there are to be, as the program says.
    pub fn server_uri_count(&self) -> c_int {
        self.server_uri_count
    }

    /// Returns the password: the text where there is one.
    fn password(&self) -> Result<Option<Secret>, Code> {
        // SAFETY: as documented, by the promise of the `Versioned` options that these members are from.
        unsafe { read::password(self.password, self.binary_password) }
    }

    /// Reads what is left, and joins it all.
    pub fn options(&self, security: Security, own: Particulars) -> Result<ConnectOptions, Code> {
        let secret = |text: Option<String>| text.map(SecretText::from);
        // SAFETY: as documented, by the promise of the `Versioned` options that these members are from.
        let (server_uris, http_headers, http_proxy, https_proxy) = unsafe {
            (
                read::texts("serverURIs", self.server_uris, self.server_uri_count)?,
                read::headers(self.http_headers)?,
                secret(read::text(self.http_proxy).map_err(of("httpProxy"))?),
                secret(read::text(self.https_proxy).map_err(of("httpsProxy"))?),
            )
        };
        let will = security.will.map(|will| Will {
            properties: own.will_properties,
            ..will
        });
        Ok(ConnectOptions {
            extras: None,
            keep_alive: read::seconds(self.keep_alive),
            clean: own.clean,
            max_inflight: own.max_inflight,
            will: will.map(Box::new),
            username: security.username,
            password: self.password()?,
            connect_timeout: timeout(self.connect_timeout),
            tls: security.tls.map(Box::new),
            server_uris,
            version: own.version,
            reconnect: own.reconnect,
            properties: own.properties,
            http_headers,
            http_proxy,
            https_proxy,
            network: None,
        })
    }
}

/// Says which member a reader refuses.
fn of(name: &str) -> impl Fn(Code) -> Code + '_ {
    move |code| last_error::named(code, name)
}

/// Longest wait for a connection: a timeout in seconds, as the program gives it, bounded below.
const MIN_TIMEOUT: Duration = Duration::from_secs(1);

/// Refuses a TLS scheme without TLS options.
fn check_tls(server_uri: &str, ssl: *const SslOptions) -> Result<(), Code> {
    let tls = ServerUri::parse(server_uri).is_ok_and(|uri| uri.is_tls());
    if tls && ssl.is_null() {
        let why = "ssl is NULL, and the server's URI asks for TLS";
        Err(last_error::fail(MQTTASYNC_NULL_PARAMETER, why))
    } else {
        Ok(())
    }
}

/// Returns the versions to try; the API's `bad` code for a number that is no version.
pub fn version(version: c_int, bad: Code) -> Result<VersionChoice, Code> {
    match version {
        MQTTVERSION_5 => Ok(VersionChoice::Only(Version::V5)),
        MQTTVERSION_DEFAULT => Ok(VersionChoice::Default),
        MQTTVERSION_3_1 => Ok(VersionChoice::Only(Version::V31)),
        MQTTVERSION_3_1_1 => Ok(VersionChoice::Only(Version::V311)),
        _ => Err(last_error::fail(
            bad,
            format_args!("MQTTVersion is {version}"),
        )),
    }
}

/// Reads the reason code of a disconnect.
pub fn reason(reason: MQTTReasonCodes) -> Result<u8, Code> {
    u8::try_from(reason).map_err(|_| {
        let why = format!("the reason code is {reason}");
        last_error::fail(MQTTASYNC_BAD_MQTT_OPTION, why)
    })
}

/// Returns a server's URI as a client created with it is told of it: without its scheme, whichever it is. So does the
/// original; a program that wants the scheme has it in what it passed.
pub fn reported_uri(uri: &str) -> &str {
    uri.split_once("://").map_or(uri, |(_, address)| address)
}

/// Reads how many messages may be in flight; none or a negative number is no limit of the program's.
pub fn max_inflight(max: c_int) -> u32 {
    u32::try_from(max)
        .ok()
        .filter(|max| *max > 0)
        .unwrap_or(u16::MAX.into())
}

/// Returns the time for one attempt to connect.
fn timeout(seconds: c_int) -> Duration {
    read::seconds(seconds).max(MIN_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::reported_uri;

    #[test]
    fn a_server_is_reported_without_its_scheme() {
        for (uri, reported) in [
            ("tcp://localhost:1883", "localhost:1883"),
            ("mqtt://localhost:1883", "localhost:1883"),
            ("ssl://localhost:8883", "localhost:8883"),
            ("mqtts://[::1]:8883", "[::1]:8883"),
            ("ws://localhost:8080/mqtt", "localhost:8080/mqtt"),
            ("wss://localhost", "localhost"),
            ("unix:///run/broker", "/run/broker"),
            ("localhost:1883", "localhost:1883"),
        ] {
            assert_eq!(reported_uri(uri), reported);
        }
    }
}
