//! `/v1/api-clients`

use access::api_clients::{ApiClient, CreateApiClient, new_secret, secret_hash};
use actix_web::body::{BoxBody, to_bytes};
use chrono::{DateTime, Utc};
use edge::answer::{Json, Response, StatusCode};
use edge::cursor::{self, List};
use edge::problem::Problem;
use edge::request::Parameters;
use edge::route::{get, post};
use edge::wire::{Code, Name};
use flows::office::OfficeCommand;
use kernel::permission::Permission;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::of_password_fault;
use super::users::codes;
use crate::asking::{Asking, IDEMPOTENT_REPLAYED, Reading};
use crate::body::Body;
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/api-clients", "api_client.list", Access::Needs(Permission::UserRead), || get(list))
        .about("Access", "The API clients of your branches, newest first")
        .query(parameters::<ApiClientQuery>)
        .answers(200, schema::<List<ApiClientView>>),
    Operation::post("/v1/api-clients", "api_client.create", Access::Needs(Permission::UserManage), || post(create))
        .about("Access", "Make client credentials for an integration; disable them with PATCH /v1/users/{user_id}")
        .takes(
            schema::<ApiClientRequest>,
            r#"{"name": "mobile-money", "roles": ["integrator"], "branch_id": "0198c0de-0000-7000-8000-000000000001"}"#,
        )
        .answers(201, schema::<NewApiClientView>),
];

/// What stands in a stored answer in place of the secret.
const NOT_KEPT: &str = "the client_secret was in the first answer and is not kept: if that was lost, disable this client with \
     PATCH /v1/users/{user_id} and make another";
const SHOWN_ONCE: &str = "keep the client_secret: it is not shown again";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ApiClientQuery {
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiClientRequest {
    /// The integration. Clients of one name share their idempotency keys.
    name: Name,
    roles: Vec<Code>,
    /// The client acts in this branch and all below it.
    branch_id: Uuid,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ApiClientView {
    id: Uuid,
    client_id: String,
    name: String,
    /// As which user it acts.
    user_id: Uuid,
    roles: Vec<String>,
    branch_id: Uuid,
    active: bool,
    created_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct NewApiClientView {
    #[serde(flatten)]
    client: ApiClientView,
    /// Only in the first answer; null when the command is sent again.
    client_secret: Option<String>,
    note: String,
}

impl NewApiClientView {
    /// As it is stored: without the secret, which only the first answer shows.
    pub fn of(client: &ApiClient) -> NewApiClientView {
        NewApiClientView { client: ApiClientView::of(client), client_secret: None, note: NOT_KEPT.to_owned() }
    }
}

impl ApiClientView {
    pub fn of(client: &ApiClient) -> ApiClientView {
        ApiClientView {
            id: client.id,
            client_id: client.client_id.clone(),
            name: client.name.clone(),
            user_id: client.user_id,
            roles: client.roles.clone(),
            branch_id: client.branch_id,
            active: client.active,
            created_at: client.created_at,
        }
    }
}

async fn list(reading: Reading, query: Parameters<ApiClientQuery>) -> Result<Json<List<ApiClientView>>, Problem> {
    let page = cursor::page(query.0.limit, query.0.cursor.as_deref(), "")?;
    let rows = access::store::api_clients_page(&reading.tx, &reading.caller.scope, &page).await?;
    Ok(Json(cursor::list(rows, "", |client| ApiClientView::of(&client))))
}

async fn create(asking: Asking, body: Body<ApiClientRequest>) -> Result<Response, Problem> {
    let request = body.value;
    let secret = new_secret().map_err(|error| of_password_fault(&error.into()))?;
    let command = CreateApiClient {
        id: Uuid::now_v7(),
        user_id: Uuid::now_v7(),
        name: request.name.0,
        roles: codes(request.roles),
        branch_id: request.branch_id,
        secret_hash: secret_hash(&secret),
    };
    let response = asking.submit(&body.canonical, OfficeCommand::CreateApiClient(command)).await?;
    with_secret(response, &secret).await
}

/// Adds the secret to the answer of a command that has just been carried out, after that was stored without it. An answer
/// that is repeated is about another secret, which is gone.
async fn with_secret(response: Response, secret: &SecretString) -> Result<Response, Problem> {
    let repeated = response.headers().contains_key(IDEMPOTENT_REPLAYED);
    if response.status() != StatusCode::CREATED || repeated {
        return Ok(response);
    }
    let (answer, body) = response.into_parts();
    let stored = to_bytes(body).await.map_err(|_| Problem::internal())?;
    let mut view: serde_json::Value = serde_json::from_slice(&stored).map_err(|_| Problem::internal())?;
    view["client_secret"] = secret.expose_secret().into();
    view["note"] = SHOWN_ONCE.into();
    Ok(answer.set_body(BoxBody::new(view.to_string())))
}

#[cfg(test)]
mod tests {
    use edge::answer::{with, written};

    use super::*;

    async fn answered(response: Response) -> serde_json::Value {
        let answer = with_secret(response, &"the secret".into()).await.unwrap();
        serde_json::from_slice(&to_bytes(answer.into_body()).await.unwrap()).unwrap()
    }

    #[actix_web::test]
    async fn only_the_first_answer_has_the_secret() {
        let stored = r#"{"client_id":"a","client_secret":null,"note":"gone"}"#;
        let first = answered(written(StatusCode::CREATED, "application/json", stored)).await;
        assert_eq!((first["client_secret"].as_str(), first["note"].as_str()), (Some("the secret"), Some(SHOWN_ONCE)));
        let replay = with(written(StatusCode::CREATED, "application/json", stored), IDEMPOTENT_REPLAYED, "true");
        let again = answered(replay).await;
        assert!(again["client_secret"].is_null());
        assert_eq!(again["note"], "gone");
    }
}
