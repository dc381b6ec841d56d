//! The 27 property identifiers: type of the value and the packets each may be in (table 2-4).

/// Which packet, or part of one, a list of properties is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Context {
    /// CONNECT.
    Connect,
    /// The will properties in a CONNECT.
    Will,
    /// CONNACK.
    ConnAck,
    /// PUBLISH.
    Publish,
    /// PUBACK.
    PubAck,
    /// PUBREC.
    PubRec,
    /// PUBREL.
    PubRel,
    /// PUBCOMP.
    PubComp,
    /// SUBSCRIBE.
    Subscribe,
    /// SUBACK.
    SubAck,
    /// UNSUBSCRIBE.
    Unsubscribe,
    /// UNSUBACK.
    UnsubAck,
    /// DISCONNECT.
    Disconnect,
    /// AUTH.
    Auth,
}

/// Type of a property's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropertyType {
    /// Byte.
    Byte,
    /// Two Byte Integer.
    Two,
    /// Four Byte Integer.
    Four,
    /// Variable Byte Integer.
    Var,
    /// Binary Data.
    Binary,
    /// UTF-8 Encoded String.
    Utf8,
    /// UTF-8 String Pair.
    Pair,
}

/// Defines [`PropertyId`] from one row a property: name, identifier, type, packets.
macro_rules! properties {
    ($($name:ident = $id:literal: $ty:ident in $($context:ident)|+, $text:literal;)*) => {
        /// Property identifier.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum PropertyId {
            $(#[doc = $text] $name = $id,)*
        }

        impl PropertyId {
            /// Every identifier, ascending.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the identifier with this value on the wire.
            pub const fn from_u8(id: u8) -> Option<Self> {
                match id {
                    $($id => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Returns the type of its value.
            pub const fn ty(self) -> PropertyType {
                match self {
                    $(Self::$name => PropertyType::$ty,)*
                }
            }

            /// Returns the specification's name of the property.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// Returns the words for a packet that it may not be in.
            pub(super) const fn misplaced(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($text, ": not for this packet"),)*
                }
            }

            /// Returns the words for a packet that has it twice.
            pub(super) const fn repeated(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($text, ": more than once"),)*
                }
            }

            /// Returns the words for a value of another type.
            pub(super) const fn mistyped(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($text, ": the value has the wrong type"),)*
                }
            }

            /// Returns the words for a value that is neither 0 nor 1.
            pub(super) const fn no_flag(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($text, ": neither 0 nor 1"),)*
                }
            }

            /// Returns the words for a string or binary value that is too long.
            pub(super) const fn too_long(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($text, ": longer than 65,535 bytes"),)*
                }
            }

            /// Returns the words for a string that is none.
            pub(super) const fn no_string(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($text, ": not well-formed UTF-8, or with U+0000"),)*
                }
            }

            /// Returns true if the specification allows it in that packet.
            pub const fn allowed_in(self, context: Context) -> bool {
                let packets: u16 = match self {
                    $(Self::$name => $(in_context!($context))|+,)*
                };
                packets & (1 << context as u8) != 0
            }
        }
    };
}

/// The bit, or bits, of a packet name in the rows below.
macro_rules! in_context {
    (Every) => {
        u16::MAX
    };
    (Acks) => {
        in_context!(PubAck)
            | in_context!(PubRec)
            | in_context!(PubRel)
            | in_context!(PubComp)
            | in_context!(SubAck)
            | in_context!(UnsubAck)
    };
    ($context:ident) => {
        1 << Context::$context as u16
    };
}

properties! {
    PayloadFormatIndicator = 1: Byte in Publish | Will, "Payload Format Indicator";
    MessageExpiryInterval = 2: Four in Publish | Will, "Message Expiry Interval";
    ContentType = 3: Utf8 in Publish | Will, "Content Type";
    ResponseTopic = 8: Utf8 in Publish | Will, "Response Topic";
    CorrelationData = 9: Binary in Publish | Will, "Correlation Data";
    SubscriptionIdentifier = 11: Var in Publish | Subscribe, "Subscription Identifier";
    SessionExpiryInterval = 17: Four in Connect | ConnAck | Disconnect, "Session Expiry Interval";
    AssignedClientIdentifier = 18: Utf8 in ConnAck, "Assigned Client Identifier";
    ServerKeepAlive = 19: Two in ConnAck, "Server Keep Alive";
    AuthenticationMethod = 21: Utf8 in Connect | ConnAck | Auth, "Authentication Method";
    AuthenticationData = 22: Binary in Connect | ConnAck | Auth, "Authentication Data";
    RequestProblemInformation = 23: Byte in Connect, "Request Problem Information";
    WillDelayInterval = 24: Four in Will, "Will Delay Interval";
    RequestResponseInformation = 25: Byte in Connect, "Request Response Information";
    ResponseInformation = 26: Utf8 in ConnAck, "Response Information";
    ServerReference = 28: Utf8 in ConnAck | Disconnect, "Server Reference";
    ReasonString = 31: Utf8 in ConnAck | Acks | Disconnect | Auth, "Reason String";
    ReceiveMaximum = 33: Two in Connect | ConnAck, "Receive Maximum";
    TopicAliasMaximum = 34: Two in Connect | ConnAck, "Topic Alias Maximum";
    TopicAlias = 35: Two in Publish, "Topic Alias";
    MaximumQoS = 36: Byte in ConnAck, "Maximum QoS";
    RetainAvailable = 37: Byte in ConnAck, "Retain Available";
    UserProperty = 38: Pair in Every, "User Property";
    MaximumPacketSize = 39: Four in Connect | ConnAck, "Maximum Packet Size";
    WildcardSubscriptionAvailable = 40: Byte in ConnAck, "Wildcard Subscription Available";
    SubscriptionIdentifierAvailable = 41: Byte in ConnAck, "Subscription Identifier Available";
    SharedSubscriptionAvailable = 42: Byte in ConnAck, "Shared Subscription Available";
}
