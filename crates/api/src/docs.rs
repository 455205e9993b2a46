//! The reference for people: `/docs`, where every operation can be read and tried, and `/docs/error-codes`, which the `type` of a
//! problem points to.
//!
//! Everything comes from the binary. The page's policy forbids whatever would come from elsewhere, so that it works without a
//! network and tells nobody that it was read.

use std::sync::{Arc, LazyLock};

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, ServiceConfig};
use edge::answer::{Response, with, written};
use edge::problem::{ERROR_CODES, Problem};
use edge::route::get;
use utoipa_swagger_ui::Config;

use crate::error_codes;
use crate::serve::plain;

/// The reader's files change with the program only.
const A_DAY: &str = "public, max-age=86400";

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

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(plain("/docs").route(get(async || page(PAGE))))
        .service(
            plain("/docs/").route(get(async || {
                with(HttpResponse::new(StatusCode::PERMANENT_REDIRECT), header::LOCATION, "/docs")
            })),
        )
        .service(plain(ERROR_CODES).route(get(async || page(error_codes::page()))))
        .service(
            plain("/docs/swagger-ui.css").route(get(async || reader_file("swagger-ui.css", "text/css; charset=utf-8"))),
        )
        .service(plain("/docs/swagger-ui-bundle.js").route(get(async || reader_file("swagger-ui-bundle.js", SCRIPT))))
        .service(plain("/docs/start.js").route(get(async || kept_a_day(written(StatusCode::OK, SCRIPT, START)))));
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

fn page(html: impl Into<String>) -> Response {
    with(written(StatusCode::OK, "text/html; charset=utf-8", html), header::CONTENT_SECURITY_POLICY, POLICY)
}

fn kept_a_day(response: Response) -> Response {
    with(response, header::CACHE_CONTROL, A_DAY)
}

/// Of the crate only the files are taken: its own page asks a validator elsewhere.
fn reader_file(name: &str, kind: &'static str) -> Result<Response, Problem> {
    static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| Arc::new(Config::from("/openapi.json")));
    let file = utoipa_swagger_ui::serve(name, CONFIG.clone()).ok().flatten().ok_or_else(Problem::internal)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, kind));
    Ok(kept_a_day(response.body(Bytes::from(file.bytes.into_owned()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};

    async fn get(path: &str) -> (StatusCode, header::HeaderMap, String) {
        let app = init_service(actix_web::App::new().configure(routes)).await;
        let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        (status, headers, String::from_utf8(read_body(response).await.to_vec()).unwrap())
    }

    fn quoted_paths(page: &str) -> Vec<&str> {
        page.split('"').filter(|text| text.starts_with('/')).collect()
    }

    #[actix_web::test]
    async fn the_page_loads_what_is_served_here_and_nothing_else() {
        let (_, headers, page) = get("/docs").await;
        assert_eq!(headers.get(header::CONTENT_SECURITY_POLICY).unwrap(), POLICY);
        assert!(!page.contains("//"), "something comes from elsewhere");
        assert_eq!(quoted_paths(START), ["/openapi.json"]);
        let files = quoted_paths(&page);
        assert_eq!(files.len(), 3);
        for file in files {
            let (status, headers, text) = get(file).await;
            assert_eq!(status, StatusCode::OK, "{file}");
            assert_eq!(headers.get(header::CACHE_CONTROL).unwrap(), A_DAY, "{file}");
            assert!(!text.is_empty(), "{file}");
        }
    }

    #[actix_web::test]
    async fn the_error_codes_are_where_problems_point_to() {
        let body = Problem::not_found().body(uuid::Uuid::nil());
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let (path, code) = body["type"].as_str().unwrap().split_once('#').unwrap();
        let (status, _, page) = get(path).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains(&format!("id=\"{code}\"")), "{code}");
    }

    #[actix_web::test]
    async fn the_slash_at_the_end_leads_to_the_page() {
        let (status, headers, _) = get("/docs/").await;
        assert_eq!(status, StatusCode::PERMANENT_REDIRECT);
        assert_eq!(headers.get(header::LOCATION).unwrap(), "/docs");
    }
}
