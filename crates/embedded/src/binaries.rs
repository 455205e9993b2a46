//! Finds the PostgreSQL to run: among what is installed, else the one that `fetch` brings.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::account::{self, Account};
use crate::error::EmbeddedError;
use crate::fetch;

/// The oldest that Ayni is tested with.
const MINIMUM_MAJOR: u32 = 15;

/// Where packages put their binaries; Debian and Red Hat keep them out of PATH.
const PLACES: [(&str, &str, &str); 4] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    pub major: u32,
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

/// A directory that holds both `initdb` and `postgres`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binaries {
    pub directory: PathBuf,
    pub version: Version,
}

impl Binaries {
    pub fn initdb(&self) -> PathBuf {
        self.directory.join("initdb")
    }

    pub fn postgres(&self) -> PathBuf {
        self.directory.join("postgres")
    }

    /// Asks `postgres` itself, as the user who will run it: what that user cannot run is no candidate.
    pub fn probe(directory: &Path, account: Option<&Account>) -> Option<Binaries> {
        // Through the link, not the directory: /usr/local/bin/postgres may be the only one of the two that is linked.
        let postgres = fs::canonicalize(directory.join("postgres")).ok()?;
        let directory = postgres.parent()?.to_owned();
        if !directory.join("initdb").is_file() {
            return None;
        }
        let output = account::command(&postgres, account).arg("--version").output().ok()?;
        let version = parse_version(&String::from_utf8_lossy(&output.stdout)).filter(|_| output.status.success())?;
        Some(Binaries { directory, version })
    }
}

/// The binaries for a cluster that `wanted` made (PG_VERSION), or for a new one.
pub(crate) fn find_or_fetch(
    cluster: &Path,
    wanted: Option<u32>,
    account: Option<&Account>,
    allow_fetch: bool,
    notify: &dyn Fn(&str),
) -> Result<Binaries, EmbeddedError> {
    let found = match std::env::var_os("AYNI_PG_BIN").filter(|value| !value.is_empty()) {
        // Who names a directory means that one, even beside a newer version.
        Some(named) => vec![probe_named(&named, account)?],
        None => installed(account),
    };
    if let Some(best) = choose(&found, wanted) {
        return Ok(best.clone());
    }
    if allow_fetch && wanted.is_none_or(|wanted| wanted == fetch::MAJOR) {
        let directory = fetch::fetch(account, notify)?;
        let binaries = Binaries::probe(&directory, account).ok_or_else(|| EmbeddedError::NoPostgres {
            reason: format!("the one fetched into {} does not run here", directory.display()),
        })?;
        notify(&format!("PostgreSQL {} is ready in {}", binaries.version, directory.display()));
        return Ok(binaries);
    }
    let (cluster, found) = (cluster.to_owned(), list(&found));
    Err(match wanted {
        Some(wanted) => EmbeddedError::OtherMajor { cluster, wanted, found },
        None => EmbeddedError::NoPostgres { reason: format!("fetching one is not allowed (found: {found})") },
    })
}

fn probe_named(named: &OsStr, account: Option<&Account>) -> Result<Binaries, EmbeddedError> {
    let directory = Path::new(named);
    Binaries::probe(directory, account)
        .filter(|binaries| binaries.version.major >= MINIMUM_MAJOR)
        .ok_or_else(|| EmbeddedError::NamedBinaries { directory: directory.to_owned() })
}

fn installed(account: Option<&Account>) -> Vec<Binaries> {
    let mut directories: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    for (base, prefix, below) in PLACES {
        directories.extend(matching(Path::new(base), prefix).into_iter().map(|directory| directory.join(below)));
    }
    directories.push(fetch::directory(account));
    let mut found: Vec<Binaries> = Vec::new();
    for directory in directories.iter().filter(|directory| directory.is_absolute()) {
        let known = |binaries: &Binaries| fs::canonicalize(directory).is_ok_and(|real| real == binaries.directory);
        if !found.iter().any(known) {
            found.extend(Binaries::probe(directory, account).filter(|new| !found.contains(new)));
        }
    }
    found
}

/// The folders of `base` whose names begin with `prefix`.
fn matching(base: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(base) else { return Vec::new() };
    let names = |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes());
    entries.flatten().filter(names).map(|entry| entry.path()).collect()
}

/// The highest version; for existing data the highest of the same major, since no other can read it.
fn choose(found: &[Binaries], wanted: Option<u32>) -> Option<&Binaries> {
    let fits = |major: u32| wanted.map_or(major >= MINIMUM_MAJOR, |wanted| major == wanted);
    found.iter().filter(|binaries| fits(binaries.version.major)).max_by_key(|binaries| binaries.version)
}

fn list(found: &[Binaries]) -> String {
    if found.is_empty() {
        return "none".to_owned();
    }
    let versions: Vec<String> =
        found.iter().map(|binaries| format!("{} ({})", binaries.version, binaries.directory.display())).collect();
    versions.join(", ")
}

/// Reads `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`; betas (`18beta1`) count as minor 0.
fn parse_version(text: &str) -> Option<Version> {
    let number = text.split_once("(PostgreSQL)")?.1.split_whitespace().next()?;
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let major = digits(number).parse().ok()?;
    let minor = number.split_once('.').and_then(|(_, rest)| digits(rest).parse().ok()).unwrap_or(0);
    Some(Version { major, minor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let check = |text: &str, expect: Option<(u32, u32)>| {
            assert_eq!(parse_version(text).map(|version| (version.major, version.minor)), expect, "{text}");
        };
        check("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n", Some((15, 13)));
        check("postgres (PostgreSQL) 18.6\n", Some((18, 6)));
        check("postgres (PostgreSQL) 19beta2", Some((19, 0)));
        check("postgres (PostgreSQL) 9.6.24", Some((9, 6)));
        check("postgres (PostgreSQL)", None);
        check("sh: postgres: not found", None);
        check("", None);
    }

    fn binaries(versions: &[(u32, u32)]) -> Vec<Binaries> {
        let one = |&(major, minor): &(u32, u32)| Binaries {
            directory: PathBuf::from(format!("/{major}.{minor}")),
            version: Version { major, minor },
        };
        versions.iter().map(one).collect()
    }

    #[test]
    fn the_highest_wins_and_existing_data_wants_its_own_major() {
        let found = binaries(&[(14, 9), (15, 13), (17, 2), (15, 4)]);
        let check = |wanted, expect: Option<&str>| {
            let directory = choose(&found, wanted).and_then(|binaries| binaries.directory.to_str());
            assert_eq!(directory, expect, "{wanted:?}");
        };
        check(None, Some("/17.2"));
        check(Some(15), Some("/15.13"));
        check(Some(16), None);
        assert_eq!(choose(&binaries(&[(14, 9)]), None), None, "too old for a new cluster");
        assert_eq!(choose(&[], None), None);
    }

    #[test]
    fn the_message_lists_what_is_there() {
        assert_eq!(list(&[]), "none");
        assert_eq!(list(&binaries(&[(14, 9), (15, 13)])), "14.9 (/14.9), 15.13 (/15.13)");
    }
}
