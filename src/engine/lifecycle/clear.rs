//! A session that ends before the next connection begins.

use crate::engine::core::Guard;
use crate::engine::host::Host;
use crate::options::ConnectOptions;
use crate::protocol::session::Policy;

/// Ends the session before the connection begins where the program of `events` says so: whether a server is reached or not, and
/// whatever it answers. Returns true if it did.
pub(super) fn clear_where_asked<H: Host>(
    options: &ConnectOptions,
    core: &mut Guard<'_, H>,
) -> bool {
    let extras = options.extras.as_ref();
    let clears = extras.is_some_and(|extras| extras.session == Policy::Clear);
    if clears {
        let (session, outputs) = core.parts();
        session.clear(outputs);
    }
    clears
}
