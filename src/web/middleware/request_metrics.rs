//! Counts requests and their database time by route.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web;
use actix_web::{Error, HttpMessage};
use tokio::time::Instant;

use crate::counters::NO_ROUTE;
use crate::store::with_payer;
use crate::web::{AppState, client_ip, problem};

/// Middleware: counts a request when its response begins, and the error code if
/// it was rejected.
///
/// # Errors
///
/// Errors of inner services that carry no response.
pub(in crate::web) async fn count_requests(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let began = Instant::now();
    let state = request.app_data::<web::Data<AppState>>().cloned();
    let Some(state) = state else {
        return next.call(request).await;
    };
    let from = client_ip::client_address(request.request(), &state.settings.trusted_proxies);
    let payer = state.engine.rates().payer_of_address(from);
    request.extensions_mut().insert(Arc::clone(&payer));
    let answer = with_payer(payer.clone(), next.call(request)).await;
    let counters = state.engine.counters();
    match &answer {
        Ok(response) => {
            let pattern = response.request().match_pattern();
            let status = response.status().as_u16();
            payer.set_route(pattern.as_deref().unwrap_or(NO_ROUTE));
            counters
                .requests
                .count_response(pattern.as_deref(), status, began.elapsed());
            if let Some(problem) = problem::find_problem(response.response()) {
                counters.count_refusal(problem.code);
            }
        }
        // The error carries no request, so the route is unknown.
        Err(error) => {
            let status = error.as_response_error().status_code().as_u16();
            payer.set_route(NO_ROUTE);
            counters
                .requests
                .count_response(None, status, began.elapsed());
        }
    }
    answer
}
