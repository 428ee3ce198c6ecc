//! Invitation codes for registration, created by admins.

use actix_web::{HttpRequest, HttpResponse};
use entity::Millis;
use serde::Serialize;

use crate::auth::random;
use crate::protocol::Problem;
use crate::protocol::fields::{FieldReader, FromFields};
use crate::store::NewInvite;
use crate::web::audit_context::audit_context;
use crate::web::auth::AdminLogin;
use crate::web::body::JsonBody;
use crate::web::{AppData, tokens};

/// The maximum number of accounts that can be created with one code.
const USES_MAX: i32 = 100_000;

/// An invitation to create.
pub(in crate::web) struct NewInviteBody {
    uses: i32,
    expires_at: Option<Millis>,
}

impl FromFields for NewInviteBody {
    const NAMES: &'static [&'static str] = &["uses", "expires_at"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let uses = fields.optional_as("uses", |uses: i32| match uses {
            1..=USES_MAX => Ok(uses),
            _ => Err(Problem::invalid_field("uses", "1 to 100000")),
        });
        let expires_at = fields.optional_as("expires_at", |at: Millis| {
            if at > Millis::now() {
                Ok(at)
            } else {
                Err(Problem::invalid_field("expires_at", "a time in the future"))
            }
        });
        Some(Self {
            uses: uses?.unwrap_or(1),
            expires_at: expires_at?,
        })
    }
}

#[derive(Serialize)]
struct InviteResponse {
    code: String,
    uses: i32,
    expires_at: Option<Millis>,
}

/// `POST /api/admin/invites/`: creates a code, for one use by default.
pub(in crate::web) async fn create(
    app: AppData,
    request: HttpRequest,
    AdminLogin(login): AdminLogin,
    JsonBody(body): JsonBody<NewInviteBody>,
) -> Result<HttpResponse, Problem> {
    let code = tokens::generate_token()?;
    let new = NewInvite {
        code_hash: random::digest(&code),
        uses: body.uses,
        expires_at: body.expires_at,
        created_by: login.user.id,
    };
    let act = audit_context(&app, &login, &request);
    let made = app.store.invites().create(new, &act).await?;
    Ok(HttpResponse::Created().json(InviteResponse {
        code,
        uses: made.uses_left,
        expires_at: made.expires_at,
    }))
}
