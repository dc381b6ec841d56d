//! Re-authentication: AUTH packets after CONNACK (section 4.12.1 of MQTT 5).

use super::{Fault, Refused, Session, Sink};
use crate::protocol::error::Malformed;
use crate::protocol::handshake::{check_method, encode_auth_with};
use crate::protocol::packet::Auth;
use crate::protocol::property::PropertiesRef;
use crate::protocol::reason;
use crate::trace;

/// Where the connection's authentication stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Authentication {
    /// CONNECT named no method: no AUTH may be sent, none may come.
    #[default]
    None,
    /// Done with, by that method.
    Idle(Box<[u8]>),
    /// The server's answer is awaited.
    Server(Box<[u8]>),
    /// The program's answer is awaited.
    Program(Box<[u8]>),
}

impl Authentication {
    /// Begins a connection, whose CONNECT may have named a method.
    pub fn begin(method: Option<&[u8]>) -> Self {
        method.map_or(Self::None, |method| Self::Idle(method.into()))
    }
}

impl<M, O> Session<M, O> {
    /// Begins to authenticate anew: sends an AUTH with these properties, to which CONNECT's method is added
    /// ([MQTT-4.12.1-1]). The session goes on meanwhile; [`Sink::authentication`] tells what the server answers.
    pub fn reauthenticate<S: Sink<Message = M, Op = O>>(
        &mut self,
        properties: PropertiesRef<'_>,
        sink: &mut S,
    ) -> Result<(), Refused> {
        let Authentication::Idle(method) = &self.authentication else {
            return Err(protocol_error(match self.authentication {
                Authentication::None => "AUTH: CONNECT had no Authentication Method",
                _ => "AUTH: a re-authentication is under way",
            })
            .into());
        };
        let method = method.clone();
        self.send_auth(reason::RE_AUTHENTICATE, method, properties, sink)
    }

    /// Returns true if the server has asked, and waits for [`authenticate`](Self::authenticate).
    pub fn is_asked(&self) -> bool {
        matches!(self.authentication, Authentication::Program(_))
    }

    /// Returns true if [`reauthenticate`](Self::reauthenticate) has its turn: CONNECT named a method, and nothing is under way.
    pub fn may_reauthenticate(&self) -> bool {
        matches!(self.authentication, Authentication::Idle(_))
    }

    /// Answers the server's AUTH.
    pub fn authenticate<S: Sink<Message = M, Op = O>>(
        &mut self,
        properties: PropertiesRef<'_>,
        sink: &mut S,
    ) -> Result<(), Refused> {
        let Authentication::Program(method) = &self.authentication else {
            return Err(protocol_error("AUTH: the server has not asked for it").into());
        };
        let method = method.clone();
        self.send_auth(reason::CONTINUE_AUTHENTICATION, method, properties, sink)
    }

    fn send_auth<S: Sink<Message = M, Op = O>>(
        &mut self,
        reason: u8,
        method: Box<[u8]>,
        properties: PropertiesRef<'_>,
        sink: &mut S,
    ) -> Result<(), Refused> {
        if !self.online {
            return Err(Refused::Offline);
        }
        let out = sink.out().tail();
        let start = out.len();
        encode_auth_with(reason, &method, properties, out)?;
        self.check_size(out, start)?;
        trace!(
            Protocol,
            "{} {} -> AUTH ({reason})", self.socket, self.client_id
        );
        self.authentication = Authentication::Server(method);
        Ok(())
    }

    /// Processes an AUTH of the server's: it answers one of ours, with the same method.
    pub(super) fn on_auth<S: Sink<Message = M, Op = O>>(
        &mut self,
        auth: &Auth<'_>,
        sink: &mut S,
    ) -> Result<(), Fault> {
        trace!(
            Protocol,
            "{} {} <- AUTH ({})", self.socket, self.client_id, auth.reason
        );
        let Authentication::Server(method) = &self.authentication else {
            // [MQTT-4.12.0-6], and the server never begins (section 4.12.1).
            return Err(protocol_error("AUTH that answers none of ours").into());
        };
        // The short form of success has no properties at all.
        if !auth.properties.is_empty() || auth.reason != reason::SUCCESS {
            check_method(method, auth.properties)?;
        }
        let method = method.clone();
        self.authentication = if auth.reason == reason::SUCCESS {
            Authentication::Idle(method)
        } else {
            Authentication::Program(method)
        };
        sink.authentication(auth.reason, auth.properties);
        Ok(())
    }
}

const fn protocol_error(what: &'static str) -> Malformed {
    Malformed::new(reason::PROTOCOL_ERROR, what)
}
