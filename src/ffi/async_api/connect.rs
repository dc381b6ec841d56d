//! Connecting and disconnecting.

use std::time::Duration;

use libc::c_int;

use super::op::{Kind, Op};
use crate::ffi::read::connect;
use crate::ffi::read::{self, Code, Context};
#[allow(clippy::wildcard_imports)] // this module is about them
use crate::ffi::types::async_types::*;
use crate::ffi::types::shared_types::{MQTTVERSION_5, MQTTVERSION_DEFAULT};
use crate::options::{ConnectOptions, ReconnectOptions, SecretText};
use crate::protocol::property::{Context as PropertyContext, Properties};

/// Newest version of the connect options.
const OPTIONS_VERSION: c_int = 8;

pub unsafe fn connect(handle: MQTTAsync, options: *const MQTTAsync_connectOptions) -> c_int {
    super::code(super::of(handle).and_then(|client| {
        // SAFETY: as documented.
        let (options, op) = unsafe { read(&client, options) }?;
        client
            .connect(options, op)
            .map_err(|error| super::error(&error))
    }))
}

unsafe fn read(
    client: &super::AsyncClient,
    options: *const MQTTAsync_connectOptions,
) -> Result<(ConnectOptions, Op), Code> {
    if options.is_null() {
        return Err(MQTTASYNC_NULL_PARAMETER);
    }
    let setup = client.setup();
    // SAFETY: not NULL; read member by member, each only in a version that has it.
    unsafe {
        let version = read::check_struct(options.cast(), b"MQTC", OPTIONS_VERSION)?;
        let ssl = if version >= 1 {
            (*options).ssl
        } else {
            std::ptr::null_mut()
        };
        connect::check_tls(&setup.server_uri, ssl)?;
        let will = read::will((*options).will, Properties::new())?;
        let tls = read::tls(ssl)?;
        let username = read::text((*options).username)?;
        read::check_text((*options).password)?;
        let mqtt_version = if version >= 3 {
            (*options).MQTTVersion
        } else {
            MQTTVERSION_DEFAULT
        };
        let v5 = mqtt_version == MQTTVERSION_5;
        if v5 && !setup.create.v5 {
            return Err(MQTTASYNC_WRONG_MQTT_VERSION);
        }
        // A client created for MQTT 5 may well connect with an older version.
        let choice = connect::version(mqtt_version).ok_or(MQTTASYNC_BAD_MQTT_OPTION)?;
        let (clean_session, clean_start) = (
            (*options).cleansession,
            if version >= 6 {
                (*options).cleanstart
            } else {
                0
            },
        );
        if v5 && clean_session != 0 || !v5 && clean_start != 0 {
            return Err(MQTTASYNC_BAD_MQTT_OPTION);
        }
        let mut op = Op {
            context: Context((*options).context),
            on_success: (*options).onSuccess,
            on_failure: (*options).onFailure,
            ..Op::silent(Kind::Connect)
        };
        let (mut properties, mut will_properties) = (Properties::new(), Properties::new());
        if version >= 6 {
            op.on_success5 = (*options).onSuccess5;
            op.on_failure5 = (*options).onFailure5;
            let given =
                !(*options).connectProperties.is_null() || !(*options).willProperties.is_null();
            if given && !v5 {
                return Err(MQTTASYNC_BAD_MQTT_OPTION);
            }
            properties = read::properties((*options).connectProperties, PropertyContext::Connect)?;
            will_properties = read::properties((*options).willProperties, PropertyContext::Will)?;
        }
        // Unlike other calls this one takes the plain callbacks with MQTT 5 too.
        if op.has_callbacks5() && !v5 {
            return Err(MQTTASYNC_BAD_MQTT_OPTION);
        }
        let will = will.map(|will| crate::options::WillOptions {
            properties: will_properties,
            ..will
        });
        let password = if version >= 5 {
            read::password((*options).password, (*options).binarypwd)
        } else {
            read::password((*options).password, connect::NO_BINARY)
        };
        let server_uris = if version >= 2 && (*options).serverURIcount > 0 {
            read::texts((*options).serverURIs, (*options).serverURIcount)?
        } else {
            Vec::new()
        };
        let reconnect =
            (version >= 4 && (*options).automaticReconnect != 0).then(|| ReconnectOptions {
                min: read::seconds((*options).minRetryInterval).max(Duration::from_secs(1)),
                max: read::seconds((*options).maxRetryInterval).max(Duration::from_secs(1)),
            });
        let options = ConnectOptions {
            extras: None,
            keep_alive: read::seconds((*options).keepAliveInterval),
            clean: if v5 {
                clean_start != 0
            } else {
                clean_session != 0
            },
            max_inflight: connect::max_inflight((*options).maxInflight),
            will: will.map(Box::new),
            username,
            password,
            connect_timeout: connect::timeout((*options).connectTimeout),
            tls: tls.map(Box::new),
            server_uris,
            version: choice,
            reconnect,
            properties,
            http_headers: if version >= 7 {
                read::headers((*options).httpHeaders)?
            } else {
                Vec::new()
            },
            http_proxy: if version >= 8 {
                read::text((*options).httpProxy)?.map(SecretText::from)
            } else {
                None
            },
            https_proxy: if version >= 8 {
                read::text((*options).httpsProxy)?.map(SecretText::from)
            } else {
                None
            },
            network: None,
        };
        Ok((options, op))
    }
}

pub unsafe fn reconnect(handle: MQTTAsync) -> c_int {
    super::code(super::of(handle).and_then(|client| {
        client
            .reconnect(Op::silent(Kind::Connect))
            .map_err(|error| super::error(&error))
    }))
}

pub unsafe fn disconnect(handle: MQTTAsync, options: *const MQTTAsync_disconnectOptions) -> c_int {
    super::code(super::of(handle).and_then(|client| {
        let mut op = Op::silent(Kind::Disconnect);
        let (mut timeout, mut reason, mut properties) = (Duration::ZERO, 0, Properties::new());
        if !options.is_null() {
            // SAFETY: not NULL; read member by member, each only in a version that has it.
            unsafe {
                let version = read::check_struct(options.cast(), b"MQTD", 1)?;
                timeout = Duration::from_millis(u64::try_from((*options).timeout).unwrap_or(0));
                op.context = Context((*options).context);
                op.on_success = (*options).onSuccess;
                op.on_failure = (*options).onFailure;
                let v5 = client.is_v5();
                if v5 {
                    // Whatever version the struct states, as in the original: its C++ library states 0. A program that
                    // made a MQTT 5 client was compiled against a header that has these members.
                    op.on_success5 = (*options).onSuccess5;
                    op.on_failure5 = (*options).onFailure5;
                }
                if version >= 1 && v5 {
                    reason = u8::try_from((*options).reasonCode)
                        .map_err(|_| MQTTASYNC_BAD_MQTT_OPTION)?;
                    properties = read::properties(
                        &raw const (*options).properties,
                        PropertyContext::Disconnect,
                    )?;
                }
            }
        }
        client
            .disconnect(timeout, reason, properties, Some(op))
            .map_err(|error| super::error(&error))
    }))
}

pub unsafe fn is_connected(handle: MQTTAsync) -> c_int {
    super::of(handle).map_or(0, |client| c_int::from(client.is_connected()))
}
