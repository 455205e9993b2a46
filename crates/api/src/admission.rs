//! Who may not ask at all hears that before what is wrong with the request: the one place that holds this for all operations.

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use edge::answer::StatusCode;
use edge::problem::Problem;

use crate::asking::Asking;
use crate::operation::Access;

/// What a caller hears of a request that cannot be read, names nothing, or lacks its version.
const OF_THE_REQUEST: [StatusCode; 4] = [
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::PRECONDITION_FAILED,
    StatusCode::PRECONDITION_REQUIRED,
];

/// Looks at the permission of a request that was refused for what it says. Handlers read the parts of a request in any order.
pub async fn permission_first(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answered = next.call(request).await?.map_into_boxed_body();
    let is_refused =
        OF_THE_REQUEST.contains(&answered.status()) && answered.response().extensions().get::<Problem>().is_some();
    if !is_refused {
        return Ok(answered);
    }
    // A request without an operation, or without a valid token, was answered for that.
    let Ok(asking) = Asking::of(answered.request()) else { return Ok(answered) };
    if asking.operation.access == Access::Public {
        return Ok(answered);
    }
    match asking.read().await {
        Ok(_) => Ok(answered),
        Err(problem) => Ok(answered.into_response(problem.into_response())),
    }
}
