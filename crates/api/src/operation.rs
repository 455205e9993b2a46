//! One operation of the API: a row of the one list that routes, permissions, documentation and access tests are made from.

use access::permission::Permission;
use axum::routing::MethodRouter;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::app::App;

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
    /// Each item of the body carries a key.
    ByItemKeys,
    /// With the header If-Match.
    ByVersion,
}

pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

pub struct Operation {
    pub method: Method,
    pub path: &'static str,
    /// The stable name: in the OpenAPI file, in fingerprints, in logs.
    pub id: &'static str,
    pub tag: &'static str,
    pub summary: &'static str,
    pub access: Access,
    pub repeat: Repeat,
    pub query: Option<SchemaOf>,
    pub body: Option<SchemaOf>,
    /// A full example of the body.
    pub example: Option<&'static str>,
    pub status: u16,
    pub answer: Option<SchemaOf>,
    pub route: fn() -> MethodRouter<App>,
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {} {:?}", self.method, self.path, self.access)
    }
}

/// The schema of a type, as a value for the table.
pub fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Operation {
    const fn new(
        method: Method,
        path: &'static str,
        id: &'static str,
        access: Access,
        repeat: Repeat,
        route: fn() -> MethodRouter<App>,
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
            route,
        }
    }

    pub const fn get(
        path: &'static str,
        id: &'static str,
        access: Access,
        route: fn() -> MethodRouter<App>,
    ) -> Operation {
        Operation::new(Method::Get, path, id, access, Repeat::Freely, route)
    }

    /// A command, repeatable by its key.
    pub const fn post(
        path: &'static str,
        id: &'static str,
        access: Access,
        route: fn() -> MethodRouter<App>,
    ) -> Operation {
        Operation::new(Method::Post, path, id, access, Repeat::ByKey, route)
    }

    /// A POST that stores nothing.
    pub const fn ask(
        path: &'static str,
        id: &'static str,
        access: Access,
        route: fn() -> MethodRouter<App>,
    ) -> Operation {
        Operation::new(Method::Post, path, id, access, Repeat::Freely, route)
    }

    pub const fn patch(
        path: &'static str,
        id: &'static str,
        access: Access,
        route: fn() -> MethodRouter<App>,
    ) -> Operation {
        Operation::new(Method::Patch, path, id, access, Repeat::ByVersion, route)
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

    pub const fn query(mut self, query: SchemaOf) -> Operation {
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

    /// The permission that the caller must hold, where one is asked.
    pub fn permission(&self) -> Option<&'static str> {
        match self.access {
            Access::Needs(permission) => Some(permission.as_str()),
            Access::Public | Access::SignedIn => None,
        }
    }
}
