//! Random names, and the superuser's password: made once, kept in a file that only its owner can read.

use std::fs;
use std::io;

use crate::error::{EmbeddedError, file};
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

/// `bytes` random bytes, as hexadecimal digits.
pub(crate) fn hex(bytes: usize) -> io::Result<String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(to_hex(&random))
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_hex() {
        assert_eq!(to_hex(&[0, 10, 255]), "000aff");
        let (one, other) = (hex(24).unwrap(), hex(24).unwrap());
        assert_eq!(one.len(), 48);
        assert_ne!(one, other);
    }
}
