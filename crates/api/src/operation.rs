//! One operation of the API: a row of the one list that routes, permissions, documentation and access tests are made from.

use edge::route::Route;
use kernel::permission::Permission;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{IntoParams, ToSchema};

use crate::given::Parse;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Patch,
}

/// Who may call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without signing in.
    Public,
    /// Every user.
    SignedIn,
    /// Users with a role that grants this.
    Needs(Permission),
}

/// How a caller may repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing, or repeats by itself.
    Freely,
    /// With the header Idempotency-Key.
    ByKey,
    /// Each item of the body carries a key; an atomic call has one, in the header Idempotency-Key.
    ByItemKeys,
    /// With the header If-Match.
    ByVersion,
}

/// Schemas by their names, as the document's components have them.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// Adds the schema of a type, and of all that it is made of. Returns the reference to it.
pub type SchemaOf = fn(&mut Schemas) -> RefOr<Schema>;

/// The query parameters that a type reads.
pub type ParametersOf = fn() -> Vec<Parameter>;

pub struct Operation {
    pub method: Method,
    pub path: &'static str,
    /// The stable name, `aggregate.verb`: in fingerprints, in logs, and with `_` in the OpenAPI file.
    pub id: &'static str,
    pub tag: &'static str,
    pub summary: &'static str,
    pub access: Access,
    pub repeat: Repeat,
    pub query: Option<ParametersOf>,
    pub body: Option<SchemaOf>,
    /// A full example of the body.
    pub example: Option<&'static str>,
    pub status: u16,
    pub answer: Option<SchemaOf>,
    /// Reads the command that a request of it is; the one handler of all commands then takes it. `None`: it has a handler of its own.
    pub command: Option<Parse>,
    /// The office takes it, not the desk.
    pub is_of_office: bool,
    /// The handler of its own.
    pub route: Option<fn() -> Route>,
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {} {:?}", self.method, self.path, self.access)
    }
}

/// The schema of a type, as a value for the table.
pub fn schema<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
    Ref::from_schema_name(T::name()).into()
}

/// The query parameters of a type, as a value for the table.
pub fn parameters<T: IntoParams>() -> Vec<Parameter> {
    T::into_params(|| Some(ParameterIn::Query))
}

impl Operation {
    const fn new(
        method: Method,
        path: &'static str,
        id: &'static str,
        access: Access,
        repeat: Repeat,
        route: Option<fn() -> Route>,
    ) -> Operation {
        Operation {
            method,
            path,
            id,
            tag: "",
            summary: "",
            access,
            repeat,
            query: None,
            body: None,
            example: None,
            status: 200,
            answer: None,
            command: None,
            is_of_office: false,
            route,
        }
    }

    pub const fn get(path: &'static str, id: &'static str, access: Access, route: fn() -> Route) -> Operation {
        Operation::new(Method::Get, path, id, access, Repeat::Freely, Some(route))
    }

    /// A command, repeatable by its key.
    pub const fn post(path: &'static str, id: &'static str, access: Access, route: fn() -> Route) -> Operation {
        Operation::new(Method::Post, path, id, access, Repeat::ByKey, Some(route))
    }

    /// A command that is read by one function, wherever it comes from.
    pub const fn command(path: &'static str, id: &'static str, access: Access, parse: Parse) -> Operation {
        let row = Operation::new(Method::Post, path, id, access, Repeat::ByKey, None);
        Operation { command: Some(parse), ..row }
    }

    /// A POST that stores nothing.
    pub const fn ask(path: &'static str, id: &'static str, access: Access, route: fn() -> Route) -> Operation {
        Operation::new(Method::Post, path, id, access, Repeat::Freely, Some(route))
    }

    pub const fn patch(path: &'static str, id: &'static str, access: Access, route: fn() -> Route) -> Operation {
        Operation::new(Method::Patch, path, id, access, Repeat::ByVersion, Some(route))
    }

    pub const fn about(mut self, tag: &'static str, summary: &'static str) -> Operation {
        self.tag = tag;
        self.summary = summary;
        self
    }

    pub const fn repeat(mut self, repeat: Repeat) -> Operation {
        self.repeat = repeat;
        self
    }

    pub const fn of_office(mut self) -> Operation {
        self.is_of_office = true;
        self
    }

    pub const fn query(mut self, query: ParametersOf) -> Operation {
        self.query = Some(query);
        self
    }

    pub const fn takes(mut self, body: SchemaOf, example: &'static str) -> Operation {
        self.body = Some(body);
        self.example = Some(example);
        self
    }

    pub const fn answers(mut self, status: u16, answer: SchemaOf) -> Operation {
        self.status = status;
        self.answer = Some(answer);
        self
    }

    /// Whether it can be tried without being carried out: every command of the desk can.
    pub fn has_dry_run(&self) -> bool {
        self.command.is_some() && !self.is_of_office
    }

    /// The names of the path's parameters, in their order.
    pub fn path_names(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The operationId of the OpenAPI file.
    pub fn operation_id(&self) -> String {
        self.id.replace('.', "_")
    }

    /// The permission that the caller must hold, where one is asked.
    pub fn permission(&self) -> Option<Permission> {
        match self.access {
            Access::Needs(permission) => Some(permission),
            Access::Public | Access::SignedIn => None,
        }
    }
}
