//! The reference for people: `/docs`, where every operation can be read and tried, and `/docs/error-codes`, which the `type` of a
//! problem points to.
//!
//! Everything comes from the binary. The page's policy forbids whatever would come from elsewhere, so that it works without a
//! network and tells nobody that it was read.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::map_response;
use axum::response::{Html, Redirect, Response};
use axum::routing::{get, get_service};
use swagger_ui_dist::{ApiDefinition, OpenApiSource, generate_routes};

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

pub fn routes() -> Router {
    // Of the crate only the files are taken: its own page asks a validator elsewhere and does not know the slash at its end.
    let reader = generate_routes(ApiDefinition {
        uri_prefix: "/docs",
        api_definition: OpenApiSource::Uri("/openapi.json"),
        title: None,
    });
    let files = Router::new()
        .route("/docs/swagger-ui.css", get_service(reader.clone()))
        .route("/docs/swagger-ui-bundle.js", get_service(reader))
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    async fn get(path: &str) -> (Response, String) {
        let response = routes().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        (Response::from_parts(head, Body::empty()), text)
    }

    fn quoted_paths(page: &str) -> Vec<&str> {
        page.split('"').filter(|text| text.starts_with('/')).collect()
    }

    #[tokio::test]
    async fn the_page_loads_what_is_served_here_and_nothing_else() {
        let (response, page) = get("/docs").await;
        assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
        assert!(!page.contains("//"), "something comes from elsewhere");
        assert_eq!(quoted_paths(START), ["/openapi.json"]);
        let files = quoted_paths(&page);
        assert_eq!(files.len(), 3);
        for file in files {
            let (response, text) = get(file).await;
            assert_eq!(response.status(), StatusCode::OK, "{file}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], A_DAY, "{file}");
            assert!(!text.is_empty(), "{file}");
        }
    }

    #[tokio::test]
    async fn the_error_codes_are_where_problems_point_to() {
        let body = crate::problem::Problem::not_found().body(uuid::Uuid::nil());
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let (path, code) = body["type"].as_str().unwrap().split_once('#').unwrap();
        let (response, page) = get(path).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(page.contains(&format!("id=\"{code}\"")), "{code}");
    }

    #[tokio::test]
    async fn the_slash_at_the_end_leads_to_the_page() {
        let (response, _) = get("/docs/").await;
        assert_eq!(
            (response.status(), &response.headers()[header::LOCATION]),
            (StatusCode::PERMANENT_REDIRECT, &HeaderValue::from_static("/docs"))
        );
    }
}
