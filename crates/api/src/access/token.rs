//! `/v1/auth/token`

use access::sign_in::{Grant, Session, SignInError, sign_in};
use edge::answer::{Json, StatusCode};
use edge::problem::Problem;
use edge::route::post;
use edge::wire::text;
use secrecy::ExposeSecret;
use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, OneOf, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::of_password_fault;
use super::secret::Secret;
use crate::app::App;
use crate::body::Body;
use crate::operation::{Access, Operation, schema};
use edge::request::{Peer, RequestId};

pub const OPERATIONS: &[Operation] = &[Operation::ask("/v1/auth/token", "token.issue", Access::Public, || post(token))
    .about("Access", "Sign in with a password, a refresh token or the credentials of an API client")
    .takes(schema::<TokenRequest>, r#"{"username": "wanjiru", "password": "four words in a row"}"#)
    .answers(200, schema::<TokenView>)];

/// One of three ways to sign in.
#[derive(Debug)]
pub struct TokenRequest(Grant);

/// All fields of the three. Which belong together, `grant` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    grant_type: Option<String>,
    username: Option<String>,
    password: Option<Secret>,
    refresh_token: Option<Secret>,
    client_id: Option<String>,
    client_secret: Option<Secret>,
}

impl<'de> Deserialize<'de> for TokenRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        grant(Fields::deserialize(deserializer)?).map(TokenRequest)
    }
}

fn grant<E: de::Error>(fields: Fields) -> Result<Grant, E> {
    let grant_type = fields.grant_type.as_deref().unwrap_or("password");
    let (password, refresh, client) =
        (grant_type == "password", grant_type == "refresh_token", grant_type == "client_credentials");
    if !(password || refresh || client) {
        return Err(E::custom("grant_type is password (or left out), refresh_token or client_credentials"));
    }
    let sent = [
        ("username", fields.username.is_some(), password),
        ("password", fields.password.is_some(), password),
        ("refresh_token", fields.refresh_token.is_some(), refresh),
        ("client_id", fields.client_id.is_some(), client),
        ("client_secret", fields.client_secret.is_some(), client),
    ];
    for (name, is_sent, belongs) in sent {
        if is_sent && !belongs {
            return Err(E::custom(format!("unknown field `{name}` with the grant_type {grant_type}")));
        }
    }
    Ok(if refresh {
        Grant::Refresh { token: needed(fields.refresh_token, "refresh_token")?.0 }
    } else if client {
        Grant::Client {
            client_id: needed(fields.client_id, "client_id")?,
            secret: needed(fields.client_secret, "client_secret")?.0,
        }
    } else {
        Grant::Password {
            username: needed(fields.username, "username")?,
            password: needed(fields.password, "password")?.0,
        }
    })
}

fn needed<T, E: de::Error>(field: Option<T>, name: &'static str) -> Result<T, E> {
    field.ok_or_else(|| E::missing_field(name))
}

impl PartialSchema for TokenRequest {
    fn schema() -> RefOr<Schema> {
        let password = one_way("password", false).property("username", text()).property("password", secret());
        let password = password.required("username").required("password");
        let refresh = one_way("refresh_token", true).property("refresh_token", secret()).required("refresh_token");
        let client = one_way("client_credentials", true).property("client_id", text());
        let client = client.property("client_secret", secret()).required("client_id").required("client_secret");
        OneOf::builder().item(password).item(refresh).item(client).into()
    }
}

/// One way to sign in: its name, which may be left out of the commonest.
fn one_way(grant_type: &str, is_named: bool) -> ObjectBuilder {
    let word = text().enum_values(Some([grant_type]));
    let way = Object::builder().schema_type(Type::Object).property("grant_type", word);
    let way = way.additional_properties(Some(AdditionalProperties::FreeForm(false)));
    if is_named { way.required("grant_type") } else { way }
}

fn secret() -> Ref {
    Ref::from_schema_name(Secret::name())
}

impl ToSchema for TokenRequest {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Secret::name().into_owned(), Secret::schema()));
    }
}

kernel::text_enum! {
    /// How the token is sent.
    pub enum TokenType {
        Bearer = "Bearer",
    }
}

#[derive(Serialize, ToSchema)]
pub struct TokenView {
    access_token: String,
    /// Exchange it once for a new pair; API clients sign in anew instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Seconds.
    expires_in: i64,
    token_type: TokenType,
}

impl std::fmt::Debug for TokenView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenView(***)")
    }
}

impl TokenView {
    fn of(session: &Session) -> TokenView {
        TokenView {
            access_token: session.access_token.expose_secret().to_owned(),
            refresh_token: session.refresh_token.as_ref().map(|token| token.expose_secret().to_owned()),
            expires_in: session.expires_in.num_seconds(),
            token_type: TokenType::Bearer,
        }
    }
}

async fn token(
    app: App,
    peer: Peer,
    request_id: RequestId,
    body: Body<TokenRequest>,
) -> Result<Json<TokenView>, Problem> {
    let address = peer.0.map(|address| address.ip());
    match sign_in(&app.pool, &app.tokens, body.value.0, address).await {
        Ok(session) => Ok(Json(TokenView::of(&session))),
        Err(error) => Err(problem_of(error, request_id)),
    }
}

fn problem_of(error: SignInError, RequestId(request_id): RequestId) -> Problem {
    let detail = error.to_string();
    let (reason, problem) = match error {
        SignInError::Password(fault) => return of_password_fault(&fault),
        SignInError::Fault(fault) => return fault.into(),
        SignInError::Throttled { wait_seconds } => (
            "throttled",
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "access.throttled", detail).retry_after(wait_seconds),
        ),
        SignInError::WrongCredentials => {
            ("credentials", Problem::new(StatusCode::UNAUTHORIZED, "access.wrong_credentials", detail))
        }
        SignInError::RefreshRefused => ("refresh", refused(detail)),
        SignInError::RefreshReused { user_id } => {
            tracing::warn!(%user_id, %request_id, "an exchanged refresh token came again: its sessions were ended");
            ("refresh_reused", refused(detail))
        }
    };
    metrics::counter!("ayni_auth_failures", "reason" => reason).increment(1);
    problem
}

fn refused(detail: String) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "access.refresh_refused", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: RequestId = RequestId(uuid::Uuid::nil());

    fn read(body: &str) -> Result<Grant, String> {
        serde_json::from_str::<TokenRequest>(body).map(|request| request.0).map_err(|error| error.to_string())
    }

    #[test]
    fn three_ways_to_sign_in() {
        assert!(matches!(read(r#"{"username":"a","password":"b"}"#), Ok(Grant::Password { .. })));
        assert!(matches!(
            read(r#"{"grant_type":"password","username":"a","password":"b"}"#),
            Ok(Grant::Password { .. })
        ));
        assert!(matches!(read(r#"{"grant_type":"refresh_token","refresh_token":"a"}"#), Ok(Grant::Refresh { .. })));
        let client = r#"{"grant_type":"client_credentials","client_id":"a","client_secret":"b"}"#;
        assert!(matches!(read(client), Ok(Grant::Client { .. })));
    }

    #[test]
    fn fields_that_do_not_belong_together_are_refused() {
        let cases = [
            ("{}", "missing field `username`"),
            (r#"{"username":"a"}"#, "missing field `password`"),
            (r#"{"grant_type":"refresh_token"}"#, "missing field `refresh_token`"),
            (r#"{"username":"a","password":"b","scope":"all"}"#, "unknown field `scope`"),
            (r#"{"username":"a","password":"b","refresh_token":"c"}"#, "unknown field `refresh_token` with"),
            (r#"{"grant_type":"client_credentials","username":"a"}"#, "unknown field `username` with"),
            (r#"{"grant_type":"magic"}"#, "grant_type is"),
            (r#"{"username":"a","username":"b","password":"c"}"#, "duplicate field"),
        ];
        for (body, begins) in cases {
            let error = read(body).unwrap_err();
            assert!(error.starts_with(begins), "{body}: {error}");
        }
    }

    #[test]
    fn whoever_holds_a_stolen_token_learns_nothing() {
        let reused = problem_of(SignInError::RefreshReused { user_id: uuid::Uuid::nil() }, REQUEST);
        assert_eq!(reused, problem_of(SignInError::RefreshRefused, REQUEST));
        let throttled = problem_of(SignInError::Throttled { wait_seconds: 42 }, REQUEST);
        assert_eq!((throttled.status, throttled.retry_after), (StatusCode::TOO_MANY_REQUESTS, Some(42)));
    }
}
