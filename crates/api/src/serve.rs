//! The server: routes from the list of operations, one layer that every request passes, and a graceful end.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::header;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{App as HttpApp, HttpServer, Resource};
use edge::answer::{Response, StatusCode, with, written};
use edge::layer::{Template, observe};
use edge::problem::Problem;
use edge::request::IfNoneMatch;
use edge::route::{get, post};
use tokio::net::TcpListener;

use crate::admission::permission_first;
use crate::app::App;
use crate::asking::Here;
use crate::docs;
use crate::giving;
use crate::openapi;
use crate::operation::{Method, Operation};
use crate::operations::{all, by_id};

/// How long a caller may take to send the head of a request, and a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(20);

/// Seconds that running requests may take after the server was told to stop.
const DRAIN_SECONDS: u64 = 20;

/// One worker a core of a small machine: what they do between two looks at the database is short.
const WORKERS: usize = 2;

/// All routes.
pub fn routes(config: &mut ServiceConfig) {
    for (scope, paths) in scopes() {
        let resources = paths.into_iter().map(|(path, operations)| resource(scope, path, operations));
        config.service(resources.fold(web::scope(scope), |scope, resource| scope.service(resource)));
    }
    config
        .service(plain("/healthz").route(get(async || "ok\n")))
        .service(plain("/readyz").route(get(ready)))
        .service(plain("/metrics").route(get(metrics_text)))
        .service(plain("/openapi.json").route(get(openapi_json)))
        .configure(docs::routes)
        .default_service(web::to(async || {
            Err::<Response, _>(Problem::new(
                StatusCode::NOT_FOUND,
                "route.not_found",
                "there is no such path: see /docs",
            ))
        }));
}

/// The operations by the first two parts of their paths, and then by path: a router looks at one after the other.
fn scopes() -> BTreeMap<&'static str, BTreeMap<&'static str, Vec<&'static Operation>>> {
    let mut scopes: BTreeMap<&str, BTreeMap<&str, Vec<&Operation>>> = BTreeMap::new();
    for operation in all() {
        let ends = operation.path.match_indices('/').nth(2).map_or(operation.path.len(), |(at, _)| at);
        scopes.entry(&operation.path[..ends]).or_default().entry(operation.path).or_default().push(operation);
    }
    scopes
}

fn resource(scope: &str, path: &'static str, operations: Vec<&'static Operation>) -> Resource {
    let methods: Vec<&str> = operations.iter().map(|operation| allowed(operation.method)).collect();
    let allow = methods.join(",");
    let mut resource = Resource::new(&path[scope.len()..]).app_data(Template(path));
    for operation in &operations {
        resource = resource.route(match operation.route {
            Some(own) => own(),
            None => post(giving::give),
        });
    }
    resource.app_data(Here { operations, find: by_id }).default_service(web::to(move || refuse_method(allow.clone())))
}

fn allowed(method: Method) -> &'static str {
    match method {
        Method::Get => "GET,HEAD",
        Method::Post => "POST",
        Method::Patch => "PATCH",
    }
}

async fn refuse_method(allow: String) -> Response {
    let detail = "this path does not take this method: see /docs";
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "route.method_not_allowed", detail);
    with(problem.into_response(), header::ALLOW, &allow)
}

/// A path of the server itself, which no operation stands for.
pub fn plain(path: &'static str) -> Resource {
    Resource::new(path).app_data(Template(path)).default_service(web::to(|| refuse_method("GET,HEAD".to_owned())))
}

async fn ready(app: App) -> Result<&'static str, Problem> {
    // Reads the business day: the database answers and has its tables.
    db::tx::Tx::begin_reading(&app.pool).await?;
    Ok("ready\n")
}

async fn metrics_text(app: App) -> String {
    let (used, idle, most) = app.pool.usage();
    metrics::gauge!("ayni_pool_connections", "state" => "used").set(used as f64);
    metrics::gauge!("ayni_pool_connections", "state" => "idle").set(idle as f64);
    metrics::gauge!("ayni_pool_connections", "state" => "most").set(most as f64);
    app.metrics.render()
}

async fn openapi_json(seen: IfNoneMatch) -> Response {
    let (tag, text) = openapi::served();
    let response = match seen.0.as_deref() == Some(tag) {
        true => Response::new(StatusCode::NOT_MODIFIED),
        false => written(StatusCode::OK, "application/json", text),
    };
    // It may be kept, and is asked for again.
    with(with(response, header::ETAG, tag), header::CACHE_CONTROL, "no-cache")
}

/// Serves until `stop` resolves; running requests are finished, new connections are refused.
pub async fn serve(
    listener: TcpListener,
    app: App,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    server(listener, app, stop)?.await
}

/// What it is built of stays on its thread; the server itself can be awaited anywhere.
fn server(
    listener: TcpListener,
    app: App,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<actix_web::dev::Server> {
    let server = HttpServer::new(move || {
        HttpApp::new()
            .app_data(app.clone())
            .wrap(from_fn(permission_first))
            .wrap(Compress::default())
            .wrap(from_fn(observe))
            .configure(routes)
    });
    let server = server
        .workers(WORKERS)
        .tcp_nodelay(true)
        .keep_alive(HEAD_TIME)
        .client_request_timeout(HEAD_TIME)
        .shutdown_timeout(DRAIN_SECONDS)
        .shutdown_signal(stop)
        .listen(listener.into_std()?)?;
    Ok(server.run())
}
