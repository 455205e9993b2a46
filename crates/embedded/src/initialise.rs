//! Makes a new cluster with `initdb`, all or nothing: under another name until it is whole, since an `initdb` that is
//! killed leaves a folder that looks much like a cluster.

use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use crate::account;
use crate::binaries::Binaries;
use crate::error::{EmbeddedError, file};
use crate::hexadecimal;
use crate::place::{Place, write_private};

/// The superuser. Roles with fewer rights are made by the migrations.
pub(crate) const SUPERUSER: &str = "ayni";

const HALF_MADE: &str = "pg.new";

pub(crate) fn initialise(
    place: &Place,
    binaries: &Binaries,
    password: &str,
    durable: bool,
) -> Result<(), EmbeddedError> {
    remove_half_made(&place.home)?;
    let made = make(place, binaries, password, durable);
    // Also takes the copy of the password away.
    let removed = remove_half_made(&place.home);
    made.and(removed)
}

fn make(place: &Place, binaries: &Binaries, password: &str, durable: bool) -> Result<(), EmbeddedError> {
    // A name of its own each time: an initdb whose Ayni was killed may still be writing to the one before.
    let suffix = hexadecimal::hex(8).map_err(file("make a name in", &place.home))?;
    let fresh = place.home.join(format!("{HALF_MADE}-{suffix}"));
    let password_file = place.home.join(format!("{HALF_MADE}-{suffix}-password"));
    fs::DirBuilder::new().mode(0o700).create(&fresh).map_err(file("make", &fresh))?;
    write_private(&password_file, password)?;
    if let Some(account) = &place.account {
        account.own(&fresh)?;
        account.own(&password_file)?;
    }
    let mut outcome = Err(String::new());
    // Not every system has C.UTF-8 (older macOS). C sorts the same and differs only in what counts as a letter.
    for locale in ["C.UTF-8", "C"] {
        outcome = run(place, binaries, &fresh, &password_file, locale, durable)?;
        if !matches!(&outcome, Err(output) if output.contains("locale name")) {
            break;
        }
    }
    outcome.map_err(|output| EmbeddedError::Initdb { cluster: fresh.clone(), output })?;
    let cluster = place.cluster();
    fs::rename(&fresh, &cluster).map_err(file("make", &cluster))?;
    File::open(&place.home).and_then(|home| home.sync_all()).map_err(file("write", &place.home))
}

/// The inner error is what initdb said.
fn run(
    place: &Place,
    binaries: &Binaries,
    fresh: &Path,
    password_file: &Path,
    locale: &str,
    durable: bool,
) -> Result<Result<(), String>, EmbeddedError> {
    let mut command = account::command(&binaries.initdb(), place.account.as_ref());
    command
        .arg("-D")
        .arg(fresh)
        .args(["-U", SUPERUSER, "-E", "UTF8", "--auth=scram-sha-256", "--no-instructions"])
        .arg(format!("--locale={locale}"))
        .arg("--pwfile")
        .arg(password_file)
        // A disk that returns other bytes than were written must be noticed in a bank.
        .arg(if durable { "--data-checksums" } else { "--no-sync" });
    let output = command.output().map_err(file("run", &binaries.initdb()))?;
    if output.status.success() {
        return Ok(Ok(()));
    }
    let text = [output.stdout, output.stderr].concat();
    Ok(Err(String::from_utf8_lossy(&text).trim().to_owned()))
}

fn remove_half_made(home: &Path) -> Result<(), EmbeddedError> {
    for entry in fs::read_dir(home).map_err(file("read", home))?.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(HALF_MADE.as_bytes()) {
            let path = entry.path();
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(file("remove", &path))?;
        }
    }
    Ok(())
}
