//! Where the libraries under test and their headers are.

use std::env;
use std::path::{Path, PathBuf};

use super::root;

/// One of the shared libraries: the four by what follows `libpaho-mqtt3`, and that of our own API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// MQTTClient without TLS.
    C,
    /// MQTTClient with TLS.
    Cs,
    /// MQTTAsync without TLS.
    A,
    /// MQTTAsync with TLS.
    As,
    /// `MQTTOxide` without TLS.
    Oxide,
    /// `MQTTOxide` with TLS.
    OxideTls,
}

impl Flavour {
    /// The name for the linker: `-l<name>`.
    pub fn link_name(self) -> &'static str {
        match self {
            Self::C => "paho-mqtt3c",
            Self::Cs => "paho-mqtt3cs",
            Self::A => "paho-mqtt3a",
            Self::As => "paho-mqtt3as",
            Self::Oxide => "paho-oxide",
            Self::OxideTls => "paho-oxide-tls",
        }
    }

    /// The name that the dynamic loader looks for.
    pub fn soname(self) -> String {
        let version = u8::from(!matches!(self, Self::Oxide | Self::OxideTls));
        format!("lib{}.so.{version}", self.link_name())
    }
}

/// Where `make` puts the libraries and samples: `PAHO_OXIDE_OUTPUT`, else `build/output`.
pub fn output_dir() -> PathBuf {
    let dir =
        env::var_os("PAHO_OXIDE_OUTPUT").map_or_else(|| root().join("build/output"), PathBuf::from);
    assert!(
        dir.is_dir(),
        "{} does not exist: run `make` first, or set PAHO_OXIDE_OUTPUT to where the libraries are",
        dir.display()
    );
    dir
}

/// The headers that programs are compiled against: `PAHO_OXIDE_INCLUDE`, else `include`.
pub fn include_dir() -> PathBuf {
    let dir =
        env::var_os("PAHO_OXIDE_INCLUDE").map_or_else(|| root().join("include"), PathBuf::from);
    assert!(
        dir.join("MQTTClient.h").is_file(),
        "{} has no MQTTClient.h: generate the headers first, or set PAHO_OXIDE_INCLUDE",
        dir.display()
    );
    dir
}

/// The directory of the distribution's original library, which the differential tests compare with.
pub fn original_dir(flavour: Flavour) -> PathBuf {
    let candidates = [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
    ];
    candidates
        .iter()
        .map(Path::new)
        .find(|dir| dir.join(flavour.soname()).is_file())
        .unwrap_or_else(|| {
            panic!(
                "{} is in none of {candidates:?}: install the original library (Debian, Ubuntu: apt-get install libpaho-mqtt1.3)",
                flavour.soname()
            )
        })
        .to_path_buf()
}
