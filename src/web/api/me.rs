//! The caller's own account.

use actix_web::{HttpRequest, HttpResponse};

use crate::protocol::Problem;
use crate::store::ProfileChange;
use crate::web::AppData;
use crate::web::actions::own_account::{
    ChangePasswordBody, DeleteAccountBody, delete_own_account, own_account, replace_password,
    update_profile,
};
use crate::web::auth::Authenticated;
use crate::web::body::JsonBody;

/// `GET /api/me/`.
pub(in crate::web) async fn show(Authenticated(login): Authenticated) -> HttpResponse {
    HttpResponse::Ok().json(own_account(login.user))
}

/// `PATCH /api/me/`: missing fields stay unchanged.
pub(in crate::web) async fn change(
    app: AppData,
    Authenticated(login): Authenticated,
    JsonBody(change): JsonBody<ProfileChange>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(own_account(update_profile(&app, &login, change).await?)))
}

/// `POST /api/me/password/`: ends every other login.
pub(in crate::web) async fn change_password(
    app: AppData,
    Authenticated(login): Authenticated,
    request: HttpRequest,
    JsonBody(body): JsonBody<ChangePasswordBody>,
) -> Result<HttpResponse, Problem> {
    replace_password(&app, &login, &request, body).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /api/me/`: deletes the account.
pub(in crate::web) async fn delete(
    app: AppData,
    Authenticated(login): Authenticated,
    request: HttpRequest,
    JsonBody(body): JsonBody<DeleteAccountBody>,
) -> Result<HttpResponse, Problem> {
    delete_own_account(&app, &login, &request, body).await?;
    Ok(HttpResponse::NoContent().finish())
}
