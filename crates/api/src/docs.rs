//! The reference for people: `/docs`, where every operation can be read and tried, and `/docs/error-codes`, which the `type` of a
//! problem points to.
//!
//! Everything comes from the binary. The page's policy forbids whatever would come from elsewhere, so that it works without a
//! network and tells nobody that it was read.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::map_response;
use axum::response::{Html, Redirect, Response};
use axum::routing::get;
use swagger_ui_dist::{ApiDefinition, OpenApiSource, generate_routes};

use crate::app::App;
use crate::error_codes;

/// Where the list of error codes is served; a code is an anchor in it.
pub const ERROR_CODES: &str = "/docs/error-codes";

/// The reader's files change with the program only.
const A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// The reader styles elements in place; it loads nothing and runs nothing but what stands here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ayni: reference of the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"#;

/// The validator would be asked over the network.
const START: &str = r##"window.onload = () => SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#reference", validatorUrl: null, deepLinking: true, filter: true,
  docExpansion: "list", defaultModelsExpandDepth: 0, displayRequestDuration: true,
});
"##;

pub fn routes() -> Router<App> {
    // Of the crate only the files are taken: its own page asks a validator elsewhere and does not know the slash at its end.
    let reader = generate_routes(ApiDefinition {
        uri_prefix: "/docs",
        api_definition: OpenApiSource::Uri("/openapi.json"),
        title: None,
    });
    let files = Router::new()
        .route_service("/docs/swagger-ui.css", reader.clone())
        .route_service("/docs/swagger-ui-bundle.js", reader)
        .route("/docs/start.js", get(|| async { ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], START) }))
        .layer(map_response(|response: Response| async { with(response, header::CACHE_CONTROL, A_DAY) }));
    Router::new()
        .route("/docs", get(|| async { Html(PAGE) }))
        .route("/docs/", get(|| async { Redirect::permanent("/docs") }))
        .route(ERROR_CODES, get(|| async { Html(error_codes::page()) }))
        .layer(map_response(|response: Response| async {
            with(response, header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))
        }))
        .merge(files)
}

fn with(mut response: Response, name: HeaderName, value: HeaderValue) -> Response {
    response.headers_mut().insert(name, value);
    response
}
