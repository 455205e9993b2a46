//! The superuser's password: made once, kept in a file that only its owner can read.

use std::fs;
use std::io;

use crate::error::{EmbeddedError, file};
use crate::hexadecimal::hex;
use crate::place::{Place, write_private};

/// The password in the data directory; makes one for a cluster that does not exist yet.
pub(crate) fn password(place: &Place) -> Result<String, EmbeddedError> {
    let path = place.password_file();
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file("read", &path)(error)),
        _ if place.cluster().exists() => {
            return Err(EmbeddedError::PasswordMissing { file: path, cluster: place.cluster() });
        }
        _ => {}
    }
    let password = hex(24).map_err(file("make a password for", &path))?;
    write_private(&path, &format!("{password}\n"))?;
    Ok(password)
}
