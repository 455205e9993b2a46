//! Who asks, and how a handler goes on: into a lane with a command, or to the database with a reading transaction.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderName};
use actix_web::http::{Method as HttpMethod, StatusCode};
use actix_web::{FromRequest, HttpRequest};
use db::caller::{Actor, Caller, admit, callers_by_ids};
use db::keys::Key;
use db::lane::{Order, Reply, Sent};
use db::tx::Tx;
use edge::answer::{Response, with, written};
use edge::layer::note_route;
use edge::problem::Problem;
use edge::request::{RequestId, path_of, text_header};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use kernel::permission::Permission;

use crate::app::{AnyCommand, App};
use crate::given::joined;
use crate::operation::{Method, Operation, Repeat};

/// An answer that was given before.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Finds a row of the one list by its operation's name.
pub type Find = fn(&str) -> Option<&'static Operation>;

/// The operations of a path, beside its routes.
#[derive(Debug, Clone)]
pub struct Here {
    pub operations: Vec<&'static Operation>,
    pub find: Find,
}

/// A caller with a valid token, asking for one operation.
#[derive(Debug, Clone)]
pub struct Asking {
    pub app: App,
    pub actor: Actor,
    pub operation: &'static Operation,
    /// The path's parameters, in the order of the template.
    pub path: Vec<String>,
    find: Find,
    key: Option<String>,
    if_match: Option<String>,
}

impl FromRequest for App {
    type Error = Problem;
    type Future = Ready<Result<App, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(app_of(request))
    }
}

fn app_of(request: &HttpRequest) -> Result<App, Problem> {
    request.app_data::<App>().cloned().ok_or_else(Problem::internal)
}

impl FromRequest for Asking {
    type Error = Problem;
    type Future = Ready<Result<Asking, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let asking = Asking::of(request);
        let query = asking.as_ref().ok().and_then(|asking| unknown_query(asking.operation, request.query_string()));
        ready(match (asking, query) {
            (Ok(_), Some(problem)) => Err(problem),
            (asking, _) => asking,
        })
    }
}

/// What is asked for in a query is never passed over: who sends `dry_run` to an operation without a dry run would else carry it out.
fn unknown_query(operation: &Operation, query: &str) -> Option<Problem> {
    if query.is_empty() || operation.query.is_some() || operation.has_dry_run() {
        return None;
    }
    let name = query.split(['=', '&']).next().unwrap_or_default();
    let detail = if name == "dry_run" {
        "this operation has no dry run: leave dry_run out, and what is sent is carried out".to_owned()
    } else {
        format!("this operation has no query parameters: leave {name:.60} out")
    };
    Some(Problem::malformed(detail))
}

fn operation_of(here: &Here, method: &HttpMethod) -> Option<&'static Operation> {
    let method = match *method {
        HttpMethod::POST => Method::Post,
        HttpMethod::PATCH => Method::Patch,
        _ => Method::Get,
    };
    here.operations.iter().copied().find(|operation| operation.method == method)
}

fn actor_of(request: &HttpRequest, app: &App) -> Result<Actor, Problem> {
    let token = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| {
            Problem::unauthenticated(
                "send the header Authorization: Bearer <access token> (POST /v1/auth/token gives one)",
            )
        })?;
    app.tokens.verify(token, db::clock::now(), RequestId::of(request).0).map_err(|error| {
        metrics::counter!("ayni_auth_failures", "reason" => "token").increment(1);
        Problem::unauthenticated(error.to_string())
    })
}

impl Asking {
    /// The caller of a request; refused without a valid token.
    pub fn of(request: &HttpRequest) -> Result<Asking, Problem> {
        note_route(request);
        let here = request.app_data::<Here>().ok_or_else(Problem::internal)?;
        let operation = operation_of(here, request.method()).ok_or_else(Problem::internal)?;
        let app = app_of(request)?;
        Ok(Asking {
            actor: actor_of(request, &app)?,
            app,
            operation,
            path: path_of(request)?,
            find: here.find,
            key: text_header(request.headers(), "idempotency-key"),
            if_match: text_header(request.headers(), header::IF_MATCH.as_str()),
        })
    }

    /// The key as it was sent; empty where none was.
    pub fn sent_key(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }

    /// Hands a command to its lane under the caller's key and waits for the answer. `canonical` is the body as sent.
    pub async fn submit(&self, canonical: &str, command: impl Into<AnyCommand>) -> Result<Response, Problem> {
        let sent = Sent { path: joined(&self.path), body: canonical.to_owned() };
        let key = match self.operation.repeat {
            Repeat::ByKey => Some(self.key(&sent)?),
            Repeat::ByVersion | Repeat::Freely | Repeat::ByItemKeys => None,
        };
        let permissions = self.operation.permission().into_iter().collect();
        respond(self.app.lanes.submit(self.order(permissions, key, sent, command.into())).await)
    }

    /// A single command of this caller, for a lane.
    pub fn order(
        &self,
        permissions: Vec<Permission>,
        key: Option<Key>,
        sent: Sent,
        command: AnyCommand,
    ) -> Order<AnyCommand> {
        Order { actor: self.actor.clone(), share: None, permissions, key, sent: Some(sent), command }
    }

    /// The row of another operation.
    pub fn find(&self, operation: &str) -> Option<&'static Operation> {
        (self.find)(operation)
    }

    /// The key in the header, for this operation and what was sent.
    pub fn key(&self, sent: &Sent) -> Result<Key, Problem> {
        let key = self.key.as_deref().filter(|key| is_key(key));
        let Some(key) = key else {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "idempotency.key_missing",
                "send the header Idempotency-Key with 1 to 255 visible ASCII characters (a new UUID for each new command, \
                 the same one when you send the command again)",
            ));
        };
        Ok(Key::of(self.actor.namespace, key, self.operation.id, &sent.path, &sent.body))
    }

    /// The version that the caller saw, which a change must quote.
    pub fn if_match(&self) -> Result<i64, Problem> {
        let Some(text) = self.if_match.as_deref() else {
            return Err(Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "version.required",
                "send the header If-Match with the ETag that the last GET of this record gave",
            ));
        };
        text.trim_matches('"').parse().map_err(|_| {
            Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "version.stale",
                "If-Match is not an ETag of this record: read it again",
            )
        })
    }

    /// One snapshot of the database and what the caller may do now; refused where the operation's permission is lacking.
    pub async fn read(&self) -> Result<Reading, Problem> {
        let tx = Tx::begin_reading(&self.app.pool).await?;
        let known = callers_by_ids(&tx, &[self.actor.user_id]).await?;
        let caller = admit(&self.actor, &known, self.operation.permission().as_slice()).map_err(|denied| {
            metrics::counter!("ayni_auth_failures", "reason" => "denied").increment(1);
            Problem::of_denied(denied)
        })?;
        Ok(Reading { tx, caller })
    }
}

/// Whether a text can be an idempotency key.
pub fn is_key(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A GET: the caller and one snapshot. Ends by itself.
#[derive(Debug)]
pub struct Reading {
    pub tx: Tx,
    pub caller: Caller,
}

impl FromRequest for Reading {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Reading, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let asking = Asking::from_request(request, payload);
        async move { asking.await?.read().await }.boxed_local()
    }
}

/// The HTTP answer of a lane's reply.
pub fn respond(reply: Reply) -> Result<Response, Problem> {
    match reply {
        Reply::Answer(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
            let mut response = written(status, kind, answer.body);
            if let Some(seconds) = answer.retry_after {
                response = with(response, header::RETRY_AFTER, &seconds.to_string());
            }
            if answer.replayed {
                response = with(response, IDEMPOTENT_REPLAYED, "true");
            }
            Ok(response)
        }
        other => Err(problem_of(&other)),
    }
}

/// The problem of a reply that is no answer.
pub fn problem_of(reply: &Reply) -> Problem {
    match reply {
        Reply::Denied(denied) => Problem::of_denied(*denied),
        Reply::Absent => Problem::not_found(),
        Reply::InProgress => Problem::new(
            StatusCode::CONFLICT,
            "idempotency.in_progress",
            "the same command, or one that names the same number or id, is being carried out now: ask again with the same key",
        )
        .retry_after(1),
        Reply::KeyReused => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency.key_reused",
            "this Idempotency-Key was used for another request: use a new key for a new command",
        ),
        Reply::Unavailable => Problem::unavailable(),
        Reply::TooMany => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate.too_many_commands",
            "you have as many commands on their way as one may have: send this one again, with the same key, when some are answered",
        )
        .retry_after(1),
        Reply::Answer(_) | Reply::Failed => Problem::internal(),
    }
}
