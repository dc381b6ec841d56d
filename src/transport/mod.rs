//! A URI becomes a stack of non-blocking layers: tcp, unix, proxy, tls, websocket.
