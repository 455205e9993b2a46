//! Who runs Postgres. It refuses to run as root, so root hands it to `postgres`, else to `nobody`; everybody else runs
//! it as themselves.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{EmbeddedError, file};

/// An unprivileged user that root drops to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// `None` for an ordinary user, who drops to nobody. The owner of an existing cluster comes first: only that user
    /// may run it.
    pub fn choose(cluster: Option<&Path>) -> Result<Option<Account>, EmbeddedError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        if let Some(cluster) = cluster {
            let owner = fs::metadata(cluster).map_err(file("look at", cluster))?;
            if owner.uid() != 0 {
                let name = format!("the user with id {}", owner.uid());
                return Ok(Some(Account { name, uid: owner.uid(), gid: owner.gid() }));
            }
        }
        ["postgres", "nobody"].into_iter().find_map(look_up).map(Some).ok_or(EmbeddedError::NoAccount)
    }

    /// A cluster that root copied here, say from a backup, belongs to root, as which nobody can run it.
    pub fn own_cluster(&self, cluster: &Path) -> Result<(), EmbeddedError> {
        let owner = fs::metadata(cluster).map_err(file("look at", cluster))?;
        if owner.uid() == 0 { self.own(cluster) } else { Ok(()) }
    }

    /// Gives all below `path` to this account, then itself: its owner shows that nothing is left to do.
    pub fn own(&self, path: &Path) -> Result<(), EmbeddedError> {
        if fs::symlink_metadata(path).map_err(file("look at", path))?.is_dir() {
            for entry in fs::read_dir(path).map_err(file("read", path))? {
                self.own(&entry.map_err(file("read", path))?.path())?;
            }
        }
        std::os::unix::fs::lchown(path, Some(self.uid), Some(self.gid)).map_err(file("change the owner of", path))
    }

    /// The first folder on the way to `directory`, itself included, that this account cannot enter.
    pub fn blocked_at(&self, directory: &Path) -> io::Result<Option<PathBuf>> {
        for ancestor in directory.ancestors() {
            let metadata = fs::metadata(ancestor)?;
            if !self.may_enter(metadata.mode(), metadata.uid(), metadata.gid()) {
                return Ok(Some(ancestor.to_owned()));
            }
        }
        Ok(None)
    }

    /// Like the kernel: the first class that fits decides, even where a later one would allow more.
    fn may_enter(&self, mode: u32, uid: u32, gid: u32) -> bool {
        let execute = if self.uid == uid {
            0o100
        } else if self.gid == gid {
            0o010
        } else {
            0o001
        };
        mode & execute != 0
    }
}

/// A command for a program of Postgres: as `account`, from a folder that everybody can enter, and without the
/// environment variables that would change what the programs do.
pub(crate) fn command(program: &Path, account: Option<&Account>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env("LC_ALL", "C").env_remove("NOTIFY_SOCKET");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
        command.env_remove(name);
    }
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

/// `/etc/passwd` first; `getent` knows of directory services too, but not every system has it.
fn look_up(name: &str) -> Option<Account> {
    let local = fs::read_to_string("/etc/passwd").ok().and_then(|passwd| parse_passwd(&passwd, name));
    local.or_else(|| {
        let output = Command::new("getent").args(["passwd", name]).output().ok()?;
        parse_passwd(&String::from_utf8_lossy(&output.stdout), name)
    })
}

fn parse_passwd(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next().filter(|found| *found == name)?;
        let (uid, gid) = (parse_id(fields.nth(1)?)?, parse_id(fields.next()?)?);
        (uid != 0).then(|| Account { name: found.to_owned(), uid, gid })
    })
}

/// macOS writes `nobody` as -2.
fn parse_id(text: &str) -> Option<u32> {
    text.parse::<u32>().ok().or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n# comment\nnobody:*:-2:-2:Nobody:/var/empty:/usr/bin/false\n\
                          postgres2:x:7:7::/:/bin/sh\npostgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";

    #[test]
    fn passwd_lines() {
        let postgres = Account { name: "postgres".into(), uid: 101, gid: 104 };
        assert_eq!(parse_passwd(PASSWD, "postgres"), Some(postgres));
        assert_eq!(parse_passwd(PASSWD, "nobody").map(|account| account.uid), Some(4_294_967_294));
        assert_eq!(parse_passwd(PASSWD, "absent"), None);
        assert_eq!(parse_passwd(PASSWD, "root"), None, "dropping to root is no drop");
        assert_eq!(parse_passwd("postgres:x", "postgres"), None);
    }

    #[test]
    fn entering_goes_by_the_first_class_that_fits() {
        let account = Account { name: "postgres".into(), uid: 101, gid: 104 };
        let check =
            |mode, uid, gid, expect| assert_eq!(account.may_enter(mode, uid, gid), expect, "{mode:o} {uid} {gid}");
        check(0o700, 101, 0, true);
        check(0o700, 0, 0, false);
        check(0o711, 0, 0, true);
        check(0o750, 0, 104, true);
        check(0o705, 0, 104, false);
        check(0o077, 101, 104, false);
        check(0o644, 101, 104, false);
    }

    #[test]
    fn a_closed_folder_on_the_way_is_found() {
        let account = Account { name: "nobody".into(), uid: u32::MAX - 1, gid: u32::MAX - 1 };
        let closed = std::env::temp_dir().canonicalize().unwrap().join(format!("ayni-closed-{}", std::process::id()));
        fs::create_dir_all(closed.join("below")).unwrap();
        fs::set_permissions(closed.join("below"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(account.blocked_at(&closed.join("below")).unwrap(), Some(closed.clone()));
        fs::remove_dir_all(closed).unwrap();
        assert_eq!(account.blocked_at(Path::new("/")).unwrap(), None);
    }
}
