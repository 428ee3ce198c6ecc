//! Counts requests by the route that answered them.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web;
use tokio::time::Instant;

use super::{State, problem};

/// Counts a request once its answer begins, and why it was refused.
///
/// # Errors
/// Where what is inside has no answer of its own.
pub async fn count_requests(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let began = Instant::now();
    let state = request.app_data::<web::Data<State>>().cloned();
    let answer = next.call(request).await;
    let Some(state) = state else {
        return answer;
    };
    let counters = state.engine.counters();
    match &answer {
        Ok(response) => {
            let pattern = response.request().match_pattern();
            let status = response.status().as_u16();
            counters
                .requests
                .answered(pattern.as_deref(), status, began.elapsed());
            if let Some(problem) = problem::of(response.response()) {
                counters.refused(problem.code);
            }
        }
        // The request is gone with it, and so is its route.
        Err(error) => {
            let status = error.as_response_error().status_code().as_u16();
            counters.requests.answered(None, status, began.elapsed());
        }
    }
    answer
}
