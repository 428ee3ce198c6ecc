//! Invitations to register, for admins to give.

use actix_web::{HttpRequest, HttpResponse};
use entity::Millis;
use serde::Serialize;

use crate::auth::random;
use crate::protocol::Problem;
use crate::protocol::fields::{FieldReader, FromFields};
use crate::store::NewInvite;
use crate::web::auth::Admin;
use crate::web::body::Body;
use crate::web::{App, admin, made};

/// As many as one code can be good for.
const USES_MAX: i32 = 100_000;

/// An invitation to be made.
pub(in crate::web) struct Create {
    uses: i32,
    expires_at: Option<Millis>,
}

impl FromFields for Create {
    const NAMES: &'static [&'static str] = &["uses", "expires_at"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let uses = fields.optional_as("uses", |uses: i32| match uses {
            1..=USES_MAX => Ok(uses),
            _ => Err(Problem::field("uses", "1 to 100000")),
        });
        let expires_at = fields.optional_as("expires_at", |at: Millis| match at > Millis::now() {
            true => Ok(at),
            false => Err(Problem::field("expires_at", "a moment to come")),
        });
        Some(Self {
            uses: uses?.unwrap_or(1),
            expires_at: expires_at?,
        })
    }
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
    let code = made::word()?;
    let new = NewInvite {
        code_hash: random::digest(&code),
        uses: body.uses,
        expires_at: body.expires_at,
        created_by: login.user.id,
    };
    let act = admin::act(&app, &login, &request);
    let made = app.store.create_invite(new, &act).await?;
    Ok(HttpResponse::Created().json(Invite {
        code,
        uses: made.uses_left,
        expires_at: made.expires_at,
    }))
}
