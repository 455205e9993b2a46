//! What a request gives to the command that it becomes: the parameters of its path and its body.
//!
//! The handler, an item of a bulk call, a dry run and an approval all read it with the same function, which stands in the operation's
//! row. The body is read before the path: a body that cannot be read is a 400, a path that names nothing a 404.

use edge::problem::Problem;
use kernel::currency::Currency;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::app::AnyCommand;
use edge::body;

#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The path's parameters, in the order of the template.
    pub path: &'a [String],
    /// JSON.
    pub body: &'a str,
    pub base_currency: Currency,
}

/// Reads a command.
pub type Parse = fn(&Given<'_>) -> Result<AnyCommand, Problem>;

impl Given<'_> {
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        body::read::<T>(self.body.as_bytes())
    }

    /// The id in the path. One that is no id names nothing.
    pub fn id(&self) -> Result<Uuid, Problem> {
        self.id_at(0)
    }

    /// The two ids of a path: a record and one of its parts.
    pub fn ids(&self) -> Result<(Uuid, Uuid), Problem> {
        Ok((self.id_at(0)?, self.id_at(1)?))
    }

    fn id_at(&self, index: usize) -> Result<Uuid, Problem> {
        self.path.get(index).and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)
    }

    /// The first parameter, whatever it is.
    pub fn first(&self) -> &str {
        self.path.first().map(String::as_str).unwrap_or_default()
    }
}

/// The path's parameters in one text, as fingerprints and approvals have them.
pub fn joined(path: &[String]) -> String {
    path.join("/")
}

/// Takes such a text apart again.
pub fn parted(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
