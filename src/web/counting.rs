//! Counts requests by the route that answered them, and their database time.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web;
use actix_web::{Error, HttpMessage};
use tokio::time::Instant;

use super::{State, peer, problem};
use crate::counters::NO_ROUTE;
use crate::store::paid_by;

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
    let Some(state) = state else {
        return next.call(request).await;
    };
    let from = peer::address(request.request(), &state.settings.trusted_proxies);
    let payer = state.engine.rates().payer_of_address(from);
    request.extensions_mut().insert(Arc::clone(&payer));
    let answer = paid_by(payer.clone(), next.call(request)).await;
    let counters = state.engine.counters();
    match &answer {
        Ok(response) => {
            let pattern = response.request().match_pattern();
            let status = response.status().as_u16();
            payer.count_for(pattern.as_deref().unwrap_or(NO_ROUTE));
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
            payer.count_for(NO_ROUTE);
            counters.requests.answered(None, status, began.elapsed());
        }
    }
    answer
}
