//! Secrets and usernames as they come in a request.

use edge::wire::text;
use std::borrow::Cow;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

const LONGEST_SECRET: usize = 1024;

/// A password, a token, a client's secret. Prints nothing.
#[derive(Debug, Clone)]
pub struct Secret(pub SecretString);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() || text.len() > LONGEST_SECRET {
            return Err(de::Error::custom("a secret has 1 to 1024 bytes"));
        }
        Ok(Secret(text.into()))
    }
}

impl PartialSchema for Secret {
    fn schema() -> RefOr<Schema> {
        let secret = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Password))).write_only(true);
        let secret = secret.min_length(Some(1)).max_length(Some(LONGEST_SECRET));
        secret.description(Some("Never answered, never logged")).into()
    }
}

impl ToSchema for Secret {
    fn name() -> Cow<'static, str> {
        "Secret".into()
    }
}

/// The name under which a user signs in. Written in lower case whatever was sent; ASCII, so that no two look alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(pub String);

impl<'de> Deserialize<'de> for Username {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?.to_ascii_lowercase();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte);
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if !begins || text.len() > 64 || !text.bytes().all(fits) {
            return Err(de::Error::custom(
                "a username has 1 to 64 of the characters a-z, 0-9, ., _, -, @ and +, and begins with a letter or a digit",
            ));
        }
        Ok(Username(text))
    }
}

impl PartialSchema for Username {
    fn schema() -> RefOr<Schema> {
        let pattern = "^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$";
        text().pattern(Some(pattern)).description(Some("Upper and lower case are one")).into()
    }
}

impl ToSchema for Username {
    fn name() -> Cow<'static, str> {
        "Username".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_are_lower_case_and_of_closed_characters() {
        let read = |text: &str| serde_json::from_value::<Username>(text.into()).ok().map(|name| name.0);
        assert_eq!(read("Wanjiru.K"), Some("wanjiru.k".to_owned()));
        assert_eq!(read("joe@example.org"), Some("joe@example.org".to_owned()));
        for refused in ["", ".joe", "joe smith", "api:1", "wаnjiru", "joe\n", &"x".repeat(65)] {
            assert_eq!(read(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_secret_does_not_print() {
        let secret: Secret = serde_json::from_value("river stone cloud".into()).unwrap();
        assert!(!format!("{secret:?}").contains("river"));
    }
}
