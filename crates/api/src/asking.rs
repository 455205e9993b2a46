//! Who asks, and how a handler goes on: into a lane with a command, or to the database with a reading transaction.

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use db::caller::{Actor, Caller, admit, callers_by_ids};
use db::keys::Key;
use db::lane::{Order, Reply, Sent};
use db::tx::Tx;
use kernel::permission::Permission;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::app::{AnyCommand, App};
use crate::body::{Body, RawBody};
use crate::given::joined;
use crate::operation::{Find, Operation, Repeat};
use crate::problem::Problem;

/// The id of the request, in its answer, its logs and its audit row.
#[derive(Debug, Clone, Copy)]
pub struct RequestId(pub Uuid);

/// A caller with a valid token, asking for one operation.
#[derive(Debug)]
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

impl FromRequestParts<App> for Asking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let operation = parts.extensions.get::<&'static Operation>().copied().ok_or_else(Problem::internal)?;
        let find = parts.extensions.get::<Find>().copied().ok_or_else(Problem::internal)?;
        let actor = actor_of(parts, app)?;
        let path = RawPathParams::from_request_parts(parts, app).await;
        let path = path.map(|path| path.iter().map(|(_, value)| value.to_owned()).collect()).unwrap_or_default();
        let asking = Asking {
            app: app.clone(),
            actor,
            operation,
            path,
            find,
            key: text_header(&parts.headers, "idempotency-key"),
            if_match: text_header(&parts.headers, header::IF_MATCH.as_str()),
        };
        match unknown_query(operation, parts.uri.query().unwrap_or_default()) {
            Some(problem) => Err(asking.after_permission(problem).await),
            None => Ok(asking),
        }
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

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let problem = match Body::receive(&parts.headers, body).await {
            Ok(body) => return Ok(body),
            Err(problem) => problem,
        };
        Err(after_permission(&mut parts, app, problem).await)
    }
}

impl FromRequest<App> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let problem = match RawBody::receive(&parts.headers, body).await {
            Ok(body) => return Ok(body),
            Err(problem) => problem,
        };
        Err(after_permission(&mut parts, app, problem).await)
    }
}

/// What is wrong with a request, unless its caller may not ask at all.
async fn after_permission(parts: &mut Parts, app: &App, problem: Problem) -> Problem {
    let operation = parts.extensions.get::<&'static Operation>();
    if operation.and_then(|operation| operation.permission()).is_none() {
        return problem;
    }
    match Asking::from_request_parts(parts, app).await {
        Ok(asking) => asking.after_permission(problem).await,
        Err(unauthenticated) => unauthenticated,
    }
}

fn actor_of(parts: &Parts, app: &App) -> Result<Actor, Problem> {
    let request_id = parts.extensions.get::<RequestId>().map(|id| id.0).unwrap_or_default();
    let token = parts
        .headers
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
    app.tokens.verify(token, db::clock::now(), request_id).map_err(|error| {
        metrics::counter!("ayni_auth_failures", "reason" => "token").increment(1);
        Problem::unauthenticated(error.to_string())
    })
}

fn text_header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

impl Asking {
    /// Hands a command to its lane under the caller's key and waits for the answer. `canonical` is the body as sent.
    pub async fn submit(&self, canonical: &str, command: impl Into<AnyCommand>) -> Result<Response, Problem> {
        let sent = Sent { path: joined(&self.path), body: canonical.to_owned() };
        let key = match self.operation.repeat {
            Repeat::ByKey => Some(self.key(&sent).await?),
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
        self.find.0(operation)
    }

    /// The key in the header, for this operation and what was sent.
    pub async fn key(&self, sent: &Sent) -> Result<Key, Problem> {
        let key = self.key.as_deref().filter(|key| is_key(key));
        let Some(key) = key else {
            // A caller who may not do this at all hears that first.
            self.read().await?;
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
    pub async fn if_match(&self) -> Result<i64, Problem> {
        let Some(text) = self.if_match.as_deref() else {
            // A caller who may not do this at all hears that first.
            self.read().await?;
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

    /// What is wrong with a request, unless its caller may not do this at all: who may not hears that first. What is too large or of
    /// another kind is said before.
    pub async fn after_permission(&self, problem: Problem) -> Problem {
        if problem.status != StatusCode::BAD_REQUEST && problem.status != StatusCode::NOT_FOUND {
            return problem;
        }
        self.read().await.err().unwrap_or(problem)
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

impl FromRequestParts<App> for Reading {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Asking::from_request_parts(parts, app).await?.read().await
    }
}

/// The HTTP answer of a lane's reply.
pub fn respond(reply: Reply) -> Result<Response, Problem> {
    match reply {
        Reply::Answer(answer) => {
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
            let mut response = (status, [(header::CONTENT_TYPE, kind)], answer.body).into_response();
            if let Some(seconds) = answer.retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            if answer.replayed {
                response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
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

/// A resource with its version as ETag.
pub fn versioned<T: Serialize>(version: i64, view: T) -> Response {
    ([(header::ETAG, format!("\"{version}\""))], axum::Json(view)).into_response()
}

/// Gives each request its id before anything else sees it.
pub fn with_request_id(mut request: Request) -> (Uuid, Request) {
    let id = Uuid::now_v7();
    request.extensions_mut().insert(RequestId(id));
    (id, request)
}
