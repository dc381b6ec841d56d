//! A client of either Paho API, and how it is found by its handle.

use std::sync::{Arc, OnceLock};

use libc::c_void;

use super::{Refused, Routes};
use crate::engine::{Client, Error, Host, LastError};
use crate::events::Counters;
use crate::options::Preferences;

/// The host of a Paho API.
pub trait PahoHost: Host {
    /// Publishes may wait for a connection or for quota.
    const BUFFERS: bool;

    /// Returns the client's routes.
    fn routes(&self) -> &Routes;
}

/// A client, whichever API made it.
pub trait PahoClient: Send + Sync {
    fn buffers(&self) -> bool;
    fn is_asynchronous(&self) -> bool;
    fn preferences(&self) -> Preferences;
    fn prefer(
        &self,
        change: &mut dyn FnMut(&mut Preferences) -> Result<(), Refused>,
    ) -> Result<(), Refused>;
    fn acknowledge(&self, message_id: i32) -> Result<bool, Error>;
    fn last_error(&self) -> Option<(u64, LastError)>;
    fn note_error(&self, error: LastError);
    fn counters(&self) -> Counters;
    fn routes(&self) -> &Routes;
}

impl<H: PahoHost> PahoClient for Client<H> {
    fn buffers(&self) -> bool {
        H::BUFFERS
    }

    fn is_asynchronous(&self) -> bool {
        self.is_asynchronous()
    }

    fn preferences(&self) -> Preferences {
        self.preferences()
    }

    fn prefer(
        &self,
        change: &mut dyn FnMut(&mut Preferences) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        self.prefer(change)
    }

    fn acknowledge(&self, message_id: i32) -> Result<bool, Error> {
        self.acknowledge_message(message_id)
    }

    fn last_error(&self) -> Option<(u64, LastError)> {
        self.last_error()
    }

    fn note_error(&self, error: LastError) {
        self.note_error(error);
    }

    fn counters(&self) -> Counters {
        self.counters()
    }

    fn routes(&self) -> &Routes {
        self.host().routes()
    }
}

/// One of the two APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Client,
    Async,
}

/// Finds the client of a handle among those of one API.
type Finder = fn(*mut c_void) -> Option<Arc<dyn PahoClient>>;

/// The finders of the APIs that have made a client.
static FINDERS: [OnceLock<Finder>; 2] = [const { OnceLock::new() }; 2];

/// An API makes a client: its handles can be found from now on.
pub fn introduce(api: Api, finder: Finder) {
    let _ = FINDERS[api as usize].set(finder);
}

/// Returns the client of a handle; none for one that this library has not given, or that is none any more.
pub fn find(handle: *mut c_void) -> Option<Arc<dyn PahoClient>> {
    FINDERS
        .iter()
        .filter_map(OnceLock::get)
        .find_map(|finder| finder(handle))
}
