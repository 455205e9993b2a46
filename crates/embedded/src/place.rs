//! Where things lie.
//!
//! ```text
//! DATA_DIR/ayni.lock           held while an Ayni uses the directory
//! DATA_DIR/pg/                 the cluster; complete, or not there (see `initialise`)
//! DATA_DIR/postgres-location   only where the cluster had to go elsewhere: that folder, which then holds pg/
//! DATA_DIR/postgres-password   of the superuser `ayni`
//! DATA_DIR/postgres.json       port and process id, while it runs and is ready
//! DATA_DIR/postgres.log
//! ```

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::error::{EmbeddedError, file};
use crate::hexadecimal;

/// Where root keeps what the user whom it drops to must reach.
pub(crate) const SHARED: &str = "/var/lib/ayni";

#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub data_dir: PathBuf,
    /// Holds the cluster: the data directory, or what `postgres-location` names.
    pub home: PathBuf,
    /// Who runs Postgres, where that is not us.
    pub account: Option<Account>,
}

impl Place {
    /// Decides where the cluster of `data_dir` (canonical) lies, and who runs it.
    pub fn settle(data_dir: &Path, notify: &dyn Fn(&str)) -> Result<Place, EmbeddedError> {
        let data_dir = data_dir.to_owned();
        let home = match read_pointer(&data_dir)? {
            Some(home) => Some(home),
            None => data_dir.join("pg").exists().then(|| data_dir.clone()),
        };
        let cluster = home.as_ref().map(|home| home.join("pg")).filter(|cluster| cluster.exists());
        let account = Account::choose(cluster.as_deref())?;
        let home = match (home, &account) {
            (Some(home), _) => home,
            (None, None) => data_dir.clone(),
            (None, Some(account)) => new_home(&data_dir, account, notify)?,
        };
        if let Some(account) = &account {
            make_folder(&home).map_err(file("make", &home))?;
            if let Some(directory) = account.blocked_at(&home).map_err(file("look at", &home))? {
                let (account, cluster) = (account.name.clone(), home.join("pg"));
                return Err(EmbeddedError::CannotEnter { account, directory, cluster });
            }
        }
        Ok(Place { data_dir, home, account })
    }

    pub fn cluster(&self) -> PathBuf {
        self.home.join("pg")
    }

    pub fn password_file(&self) -> PathBuf {
        self.data_dir.join("postgres-password")
    }

    pub fn status_file(&self) -> PathBuf {
        status_file(&self.data_dir)
    }

    pub fn log(&self) -> PathBuf {
        log(&self.data_dir)
    }

    /// The major version that the cluster was made by; `None` where there is no cluster yet.
    pub fn cluster_major(&self) -> Result<Option<u32>, EmbeddedError> {
        let cluster = self.cluster();
        let path = cluster.join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => match text.trim().parse() {
                Ok(major) => Ok(Some(major)),
                Err(_) => Err(EmbeddedError::Damaged { cluster }),
            },
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file("read", &path)(error)),
            Err(_) if is_empty_or_absent(&cluster)? => Ok(None),
            // Only a whole cluster gets this name, so this is no interrupted start but a loss: never start over by
            // ourselves.
            Err(_) => Err(EmbeddedError::Damaged { cluster }),
        }
    }
}

pub(crate) fn status_file(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres.json")
}

pub(crate) fn log(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres.log")
}

pub(crate) fn lock_file(data_dir: &Path) -> PathBuf {
    data_dir.join("ayni.lock")
}

/// Makes the data directory where it is absent and gives its canonical path.
pub(crate) fn data_directory(path: &Path) -> Result<PathBuf, EmbeddedError> {
    if !path.is_dir() {
        fs::create_dir_all(path).map_err(file("make", path))?;
        // Root's must be passable for the user that it drops to; the files in it are private either way.
        let mode = if rustix::process::geteuid().is_root() { 0o711 } else { 0o700 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(file("set the mode of", path))?;
    }
    fs::canonicalize(path).map_err(file("look at", path))
}

/// Takes `ayni.lock` in `directory` for as long as the file is kept open. `data_dir` is what to name when it is taken.
pub(crate) fn lock(directory: &Path, data_dir: &Path) -> Result<File, EmbeddedError> {
    let path = lock_file(directory);
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let opened = opened.map_err(file("open", &path))?;
    // An `attach` looks by holding it for an instant; that must not turn a start away.
    for _ in 0..10 {
        match opened.try_lock() {
            Ok(()) => return Ok(opened),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(20)),
            Err(TryLockError::Error(error)) => return Err(file("lock", &path)(error)),
        }
    }
    Err(EmbeddedError::InUse { directory: data_dir.to_owned() })
}

/// Replaces `path` as a whole; only its owner can read it.
pub(crate) fn write_private(path: &Path, content: &str) -> Result<(), EmbeddedError> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let write = || {
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().map_err(file("write", path))
}

/// Makes a folder and those above it that are absent, open to everybody whatever the umask.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_folder(parent)?;
    }
    match fs::DirBuilder::new().mode(0o755).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755))),
    }
}

fn is_empty_or_absent(directory: &Path) -> Result<bool, EmbeddedError> {
    match fs::read_dir(directory) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(file("read", directory)(error)),
    }
}

fn pointer(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres-location")
}

fn read_pointer(data_dir: &Path) -> Result<Option<PathBuf>, EmbeddedError> {
    let path = pointer(data_dir);
    match fs::read(&path) {
        Ok(mut bytes) => {
            bytes.truncate(bytes.trim_ascii_end().len());
            Ok(Some(PathBuf::from(OsString::from_vec(bytes))))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(file("read", &path)(error)),
    }
}

/// The data directory, or where `account` cannot enter it a folder of its own that it can.
fn new_home(data_dir: &Path, account: &Account, notify: &dyn Fn(&str)) -> Result<PathBuf, EmbeddedError> {
    let blocked = account.blocked_at(data_dir).map_err(file("look at", data_dir))?;
    let Some(blocked) = blocked else { return Ok(data_dir.to_owned()) };
    let home = unused_home(Path::new(SHARED), data_dir);
    make_folder(&home).map_err(file("make", &home))?;
    write_private(&pointer(data_dir), &home.to_string_lossy())?;
    notify(&format!(
        "PostgreSQL runs as {}, who cannot enter {}: the database is kept in {}, as {} says.",
        account.name,
        blocked.display(),
        home.display(),
        pointer(data_dir).display(),
    ));
    Ok(home)
}

/// Named for the data directory. A data directory that was deleted and made anew starts empty: it does not take up, nor
/// remove, what its predecessor left.
fn unused_home(shared: &Path, data_dir: &Path) -> PathBuf {
    let hash = hexadecimal::to_hex(&Sha256::digest(data_dir.as_os_str().as_bytes()));
    let name = hash.get(..16).unwrap_or(&hash);
    let first = shared.join(name);
    let others = (2_u32..).map(|number| shared.join(format!("{name}-{number}")));
    std::iter::once(first.clone()).chain(others).find(|home| !home.exists()).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("ayni-place-{name}-{}", std::process::id()));
        data_directory(&path).unwrap()
    }

    fn place(data_dir: &Path) -> Place {
        Place { data_dir: data_dir.to_owned(), home: data_dir.to_owned(), account: None }
    }

    #[test]
    fn a_lock_is_held_by_one_and_names_the_directory() {
        let data_dir = folder("lock");
        let held = lock(&data_dir, &data_dir).unwrap();
        let refusal = lock(&data_dir, &data_dir).unwrap_err().to_string();
        assert!(refusal.contains(&*data_dir.to_string_lossy()), "{refusal}");
        drop(held);
        lock(&data_dir, &data_dir).unwrap();
        fs::remove_dir_all(data_dir).unwrap();
    }

    #[test]
    fn a_cluster_is_absent_whole_or_damaged() {
        let data_dir = folder("major");
        let place = place(&data_dir);
        assert_eq!(place.cluster_major().unwrap(), None);
        fs::create_dir(place.cluster()).unwrap();
        assert_eq!(place.cluster_major().unwrap(), None);
        fs::write(place.cluster().join("postgresql.conf"), "").unwrap();
        assert!(matches!(place.cluster_major(), Err(EmbeddedError::Damaged { .. })));
        fs::write(place.cluster().join("PG_VERSION"), "15\n").unwrap();
        assert_eq!(place.cluster_major().unwrap(), Some(15));
        fs::remove_dir_all(data_dir).unwrap();
    }

    #[test]
    fn a_lost_password_is_not_made_anew_beside_a_cluster() {
        let data_dir = folder("password");
        let place = place(&data_dir);
        let made = secret::password(&place).unwrap();
        assert_eq!(secret::password(&place).unwrap(), made);
        let mode = fs::metadata(place.password_file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::create_dir(place.cluster()).unwrap();
        assert_eq!(secret::password(&place).unwrap(), made);
        fs::remove_file(place.password_file()).unwrap();
        assert!(matches!(secret::password(&place), Err(EmbeddedError::PasswordMissing { .. })));
        fs::remove_dir_all(data_dir).unwrap();
    }

    #[test]
    fn a_pointer_survives_and_a_taken_home_is_left_alone() {
        let data_dir = folder("pointer");
        assert_eq!(read_pointer(&data_dir).unwrap(), None);
        write_private(&pointer(&data_dir), "/var/lib/ayni/x y\n").unwrap();
        assert_eq!(read_pointer(&data_dir).unwrap(), Some(PathBuf::from("/var/lib/ayni/x y")));
        let first = unused_home(&data_dir, Path::new("/srv/bank"));
        assert_eq!(first, unused_home(&data_dir, Path::new("/srv/bank")));
        assert_ne!(first, unused_home(&data_dir, Path::new("/srv/bank2")));
        make_folder(&first).unwrap();
        assert_ne!(first, unused_home(&data_dir, Path::new("/srv/bank")));
        fs::remove_dir_all(data_dir).unwrap();
    }
}
