//! Local time without the C library: that guards its time zone by a lock which a fork may catch held, by OpenSSL's look at a
//! certificate's dates for instance. In the child the next call would never return.

use std::error::Error;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;

use tz::{DateTime, TimeZone, TimeZoneSettings};

use super::{PerProcess, environment};

/// What the crate calls the system's own zone, `/etc/localtime`.
const SYSTEM: &str = "localtime";
/// Where the others are, unless `TZDIR` names another folder.
const FOLDER: &str = "/usr/share/zoneinfo";
/// More than any file of a zone has: the largest have 4 KiB.
const MOST: u64 = 1 << 20;
/// When summer time begins and ends where `TZ` has one and does not say: what the C library takes where its system does not either.
const USUAL: &str = ",M3.2.0,M11.1.0";

/// The process's zone: as it is when a process needs it first, whatever becomes of `TZ` later.
static ZONE: PerProcess<TimeZone> = PerProcess::new(|_| {
    let named = environment("TZ").map(|named| named.into_string().unwrap_or_default());
    zone(named.as_deref())
});

/// Splits seconds since the epoch as `TZ` says, or the system's zone. None: in a year that no calendar has.
pub fn local_time(seconds: i64) -> Option<DateTime> {
    DateTime::from_timespec(seconds, 0, ZONE.get().as_ref()).ok()
}

/// Returns the zone that `TZ` names as POSIX and the C library have it: a file, or a rule. Nonsense is UTC.
fn zone(named: Option<&str>) -> TimeZone {
    let folder = environment("TZDIR").and_then(|folder| folder.into_string().ok());
    let folders = [folder.as_deref().unwrap_or(FOLDER)];
    let settings = TimeZoneSettings::new(&folders, read);
    let named = named.unwrap_or(SYSTEM);
    settings
        .parse_posix_tz(named)
        .or_else(|_| settings.parse_posix_tz(&format!("{named}{USUAL}")))
        .unwrap_or_else(|_| TimeZone::utc())
}

/// Reads a zone's file.
fn read(path: &str) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let mut options = std::fs::OpenOptions::new();
    // Nothing that is no file can hold the caller up.
    let file = options
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err("no regular file".into());
    }
    let mut content = Vec::new();
    file.take(MOST).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{local_time, zone};

    /// The environment variable that has this test's child look at one zone.
    const ONE: &str = "PAHO_OXIDE_ONE_ZONE";

    /// What the C library says.
    fn theirs(seconds: i64) -> [i32; 6] {
        // SAFETY: `tm` is plain data for which all zeroes is a value; localtime_r fills it and keeps no reference.
        let tm = unsafe {
            let mut tm: libc::tm = std::mem::zeroed();
            libc::localtime_r(&raw const seconds, &raw mut tm);
            tm
        };
        let (year, month) = (tm.tm_year + 1900, tm.tm_mon + 1);
        [year, month, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec]
    }

    fn ours(seconds: i64) -> [i32; 6] {
        let at = local_time(seconds).expect("a year");
        let (month, day) = (at.month(), at.month_day());
        let rest = [month, day, at.hour(), at.minute(), at.second()];
        let [month, day, hour, minute, second] = rest.map(i32::from);
        [at.year(), month, day, hour, minute, second]
    }

    #[test]
    fn each_zone_is_the_c_librarys() {
        if std::env::var_os(ONE).is_some() {
            // 2008 to 2029, every five days and some: both sides of each change to and from summer time.
            for seconds in (1_199_145_600..1_893_456_000).step_by(433_007) {
                assert_eq!(ours(seconds), theirs(seconds), "at {seconds}");
            }
            return;
        }
        for named in [
            None,
            Some(""),
            Some("UTC0"),
            Some("Europe/Berlin"),
            Some(":America/New_York"),
            Some("/usr/share/zoneinfo/Asia/Kathmandu"),
            Some("CET-1CEST,M3.5.0,M10.5.0/3"),
            Some("<+0330>-3:30"),
            Some("no such zone"),
            Some("../../../dev/null"),
        ] {
            let mut alone = Command::new(std::env::current_exe().expect("this test"));
            alone.args([
                "--exact",
                "os::local_time::tests::each_zone_is_the_c_librarys",
            ]);
            alone.env(ONE, "1").env_remove("TZ");
            if let Some(named) = named {
                alone.env("TZ", named);
            }
            let output = alone.output().expect("runs");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{named:?}: {said}");
        }
    }

    /// The C library takes the dates from a file of its system's, if there is one.
    #[test]
    fn summer_time_without_dates_begins_and_ends_as_usual() {
        let zone = zone(Some("XYZ5XYS4"));
        let hour = |seconds| {
            let at = tz::DateTime::from_timespec(seconds, 0, zone.as_ref());
            at.expect("a year").hour()
        };
        let (january, july) = (1_704_110_400, 1_719_835_200);
        assert_eq!((hour(january), hour(july)), (7, 8), "noon in UTC");
    }

    #[test]
    fn a_pipe_is_no_zone() {
        let path = std::env::temp_dir().join(format!("paho-zone-{}", std::process::id()));
        let name = std::ffi::CString::new(path.to_str().expect("UTF-8")).expect("no NUL");
        // SAFETY: a path that ends in NUL.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        let found = zone(path.to_str());
        std::fs::remove_file(&path).expect("is there");
        assert_eq!(found, tz::TimeZone::utc());
    }

    /// Other threads are inside the C library's time zone functions all the time, as OpenSSL is when it verifies.
    #[test]
    fn a_forked_child_may_ask_for_the_time() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let stop = AtomicBool::new(false);
        let mut ended = Vec::new();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let _both = (theirs(0), ours(0));
                    }
                });
            }
            for _ in 0..200 {
                let mut status = 0;
                // SAFETY: the child calls what may be called in one, and ends; a hang ends it by a signal.
                unsafe {
                    let child = libc::fork();
                    if child == 0 {
                        libc::alarm(60);
                        local_time(1);
                        libc::_exit(0);
                    }
                    libc::waitpid(child, &raw mut status, 0);
                }
                ended.push(status);
                if status != 0 {
                    break;
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
        assert_eq!(ended, [0; 200]);
    }
}
