//! Limits the database time of an address, for requests without a login.

use actix_web::HttpRequest;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use crate::engine::rates::RateExceeded;
use crate::web::{auth, problem};

/// Middleware: rejects a request if its address used too much database time.
/// For endpoints that don't authenticate.
pub(in crate::web) async fn limit_database_time(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if let Err(too_much) = check_payer(request.request()) {
        let refused = problem::problem_response(&too_much.into());
        return Ok(request.into_response(refused).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// Checks the budget of a request's payer, if there is one.
pub(super) fn check_payer(request: &HttpRequest) -> Result<(), RateExceeded> {
    auth::database_payer(request).map_or(Ok(()), |payer| payer.check_budget())
}
