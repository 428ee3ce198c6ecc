//! Invitations to register, for admins to give.

use actix_web::{HttpRequest, HttpResponse};
use entity::Millis;
use serde::{Deserialize, Serialize};

use super::super::auth::Admin;
use super::super::body::Body;
use super::super::{App, admin, made};
use crate::protocol::Problem;
use crate::store::NewInvite;

/// As many as one code can be good for.
const USES_MAX: i32 = 100_000;

#[derive(Deserialize)]
pub(in crate::web) struct Create {
    uses: Option<i32>,
    expires_at: Option<Millis>,
}

#[derive(Serialize)]
struct Invite {
    code: String,
    uses: i32,
    expires_at: Option<Millis>,
}

/// `POST /api/admin/invites/`: for one use, unless said otherwise.
pub(in crate::web) async fn create(
    app: App,
    request: HttpRequest,
    Admin(login): Admin,
    Body(body): Body<Create>,
) -> Result<HttpResponse, Problem> {
    let now = Millis::now();
    let uses = body.uses.unwrap_or(1);
    if !(1..=USES_MAX).contains(&uses) {
        return Err(Problem::field("uses", "1 to 100000"));
    }
    if body.expires_at.is_some_and(|at| at <= now) {
        return Err(Problem::field("expires_at", "a moment to come"));
    }
    let new = NewInvite {
        code: made::word()?,
        uses,
        expires_at: body.expires_at,
        created_by: login.user.id,
    };
    let act = admin::act(&app, &login, &request);
    let made = app.store.create_invite(new, &act).await?;
    Ok(HttpResponse::Created().json(Invite {
        code: made.code,
        uses: made.uses_left,
        expires_at: made.expires_at,
    }))
}
