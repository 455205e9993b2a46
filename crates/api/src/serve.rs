//! The server: routes from the list of operations, one outer layer that every request passes, and a graceful end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method as HttpMethod, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, ServiceExt};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::app::App;
use crate::asking::with_request_id;
use crate::docs;
use crate::giving;
use crate::openapi;
use crate::operation::Find;
use crate::operations::{all, by_id};
use crate::peer::Peer;
use crate::problem::Problem;
use crate::unread::Shared;

/// How long a caller may take to send the head of a request, and a connection may be idle.
const HEADER_TIME: Duration = Duration::from_secs(20);

/// How long running requests may take after the server was told to stop.
const DRAIN_TIME: Duration = Duration::from_secs(20);

/// All routes.
pub fn router(app: App) -> Router {
    let mut router: Router<App> = Router::new();
    for operation in all() {
        let route = match operation.route {
            Some(own) => own(),
            None => post(giving::give),
        };
        router = router.route(operation.path, route.layer((Extension(operation), Extension(Find(by_id)))));
    }
    router
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .route("/openapi.json", get(openapi_json))
        .merge(docs::routes().with_state(()))
        .fallback(|| async {
            Problem::new(StatusCode::NOT_FOUND, "route.not_found", "there is no such path: see /docs")
        })
        .method_not_allowed_fallback(|| async {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "route.method_not_allowed",
                "this path does not take this method: see /docs",
            )
        })
        // One layer of three, the outermost first: each of its own would cost every request a box and a copy of what is below it.
        .layer(
            ServiceBuilder::new()
                .layer(CompressionLayer::new())
                .layer(from_fn(observe))
                .layer(CatchPanicLayer::custom(|_| Problem::internal().into_response())),
        )
        .with_state(app)
}

async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    // Reads the business day: the database answers and has its tables.
    db::tx::Tx::begin_reading(&app.pool).await?;
    Ok("ready\n")
}

async fn metrics_text(State(app): State<App>) -> String {
    let (used, idle, most) = app.pool.usage();
    metrics::gauge!("ayni_pool_connections", "state" => "used").set(used as f64);
    metrics::gauge!("ayni_pool_connections", "state" => "idle").set(idle as f64);
    metrics::gauge!("ayni_pool_connections", "state" => "most").set(most as f64);
    app.metrics.render()
}

async fn openapi_json() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], openapi::document().to_string()).into_response()
}

/// Every request passes here: it gets its id, its problem body, its log line and its metrics. Logged are the route and the
/// outcome, never a path value, a query or a body: those may be personal.
async fn observe(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (request_id, request) = with_request_id(request);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str).to_owned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = keep_headers(&response, problem.into_response_for(request_id));
    }
    if let Ok(value) = HeaderValue::from_str(&request_id.to_string()) {
        response.headers_mut().insert("x-request-id", value);
    }
    // Answers are not kept by anybody on the way; files that say so may be.
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    record(&method, &route, response.status(), began.elapsed());
    tracing::info!(
        %request_id, %method, route, status = response.status().as_u16(), microseconds = began.elapsed().as_micros() as u64,
        "request"
    );
    response
}

/// A refusal by the router itself (405) says in a header what would be allowed.
fn keep_headers(from: &Response, mut to: Response) -> Response {
    if let Some(allow) = from.headers().get(header::ALLOW) {
        to.headers_mut().insert(header::ALLOW, allow.clone());
    }
    to
}

const STANDARD_METHODS: [HttpMethod; 7] = [
    HttpMethod::GET,
    HttpMethod::POST,
    HttpMethod::PATCH,
    HttpMethod::PUT,
    HttpMethod::DELETE,
    HttpMethod::HEAD,
    HttpMethod::OPTIONS,
];

fn record(method: &HttpMethod, route: &str, status: StatusCode, took: Duration) {
    // A caller may invent methods; a measure has a closed list of them.
    let method = if STANDARD_METHODS.contains(method) { method.as_str() } else { "other" };
    let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.as_str().to_owned())];
    metrics::counter!("ayni_http_requests", &labels).increment(1);
    metrics::histogram!("ayni_http_seconds", "route" => route.to_owned()).record(took);
}

/// Serves until `stop` resolves; running requests are finished, new connections are refused.
pub async fn serve(listener: TcpListener, app: App, stop: impl Future<Output = ()>) -> std::io::Result<()> {
    let router = router(app);
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                // Out of file handles, or the peer is gone: the next may do better.
                Err(_) => { tokio::time::sleep(Duration::from_millis(10)).await; continue }
            },
            () = &mut stop => break,
        };
        let _ = stream.set_nodelay(true);
        let peer = stream.peer_addr().ok();
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .serve_connection(TokioIo::new(stream), service(router.clone(), peer));
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // A connection that breaks concerns only its caller.
            let _ = watched.await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN_TIME, graceful.shutdown()).await;
    Ok(())
}

fn service(
    router: Router,
    peer: Option<SocketAddr>,
) -> impl hyper::service::Service<
    hyper::Request<hyper::body::Incoming>,
    Response = Response,
    Error = Infallible,
    Future = impl Future<Output = Result<Response, Infallible>> + Send,
> {
    hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (head, body) = request.into_parts();
        let body = Shared::new(Body::new(body));
        let mut request = Request::from_parts(head, Body::new(body.clone()));
        request.extensions_mut().insert(Peer(peer));
        let answered = router.clone().oneshot(request);
        async move { Ok(body.settle(answered.await?).await) }
    })
}
