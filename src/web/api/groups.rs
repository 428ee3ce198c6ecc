//! Groups, and a member's own settings for a conversation. The Room checks each
//! change to a group, as it checks messages.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse};
use entity::participant::MemberRole;
use entity::{ConversationId, Millis, UserId, user};
use serde::Deserialize;
use serde_json::json;

use super::invitations;
use crate::engine::reply::CommandOutcome;
use crate::engine::room::messages::ConversationCommand;
use crate::engine::room::rights::GROUP_MAX;
use crate::protocol::fields::{FieldFaults, FieldReader, FromFields};
use crate::protocol::message::{encode_system_event, isolate_name};
use crate::protocol::{GroupTitle, Problem, User, Username};
use crate::store::append::MemberSettingsPatch;
use crate::store::{ActiveLogin, NewGroup};
use crate::web::auth::Authenticated;
use crate::web::body::JsonBody;
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::lookups::{find_active_user, require_participant};
use crate::web::{AppData, paging};

/// The bytes that each member of a new group adds to its creator's stored text.
const MEMBER_BYTES: usize = 64;

/// A group to create. `faults` keeps an error of the title until the users are
/// looked up, so that one response names all errors.
pub(in crate::web) struct NewGroupBody {
    title: Option<GroupTitle>,
    usernames: Vec<String>,
    faults: FieldFaults,
}

impl FromFields for NewGroupBody {
    const NAMES: &'static [&'static str] = &["title", "usernames"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let title = fields.required_as("title", |text: String| GroupTitle::parse(&text));
        let usernames = fields.required_as("usernames", |names: Vec<String>| {
            if names.len() > GROUP_MAX {
                Err(Problem::invalid_field("usernames", "1 to 999 others"))
            } else {
                Ok(names)
            }
        });
        Some(Self {
            title,
            usernames: usernames?,
            faults: fields.take_faults(),
        })
    }
}

/// A group's new title.
pub(in crate::web) struct RenameGroupBody {
    title: GroupTitle,
}

impl FromFields for RenameGroupBody {
    const NAMES: &'static [&'static str] = &["title"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let title = fields.required_as("title", |text: String| GroupTitle::parse(&text))?;
        Some(Self { title })
    }
}

/// The user to add.
pub(in crate::web) struct AddMemberBody {
    username: String,
}

impl FromFields for AddMemberBody {
    const NAMES: &'static [&'static str] = &["username"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let username = fields.required("username")?;
        Some(Self { username })
    }
}

/// A member's new role.
pub(in crate::web) struct SetRoleBody {
    role: MemberRole,
}

impl FromFields for SetRoleBody {
    const NAMES: &'static [&'static str] = &["role"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let role = fields.required("role")?;
        Some(Self { role })
    }
}

#[derive(Deserialize)]
pub(in crate::web) struct MembersQuery {
    after: Option<i64>,
    limit: Option<u64>,
}

/// The settings to change. A missing field stays unchanged; `muted_until: null`
/// unmutes.
pub(in crate::web) struct MemberSettingsBody {
    muted_until: Option<Option<Millis>>,
    archived: Option<bool>,
    pinned: Option<bool>,
}

impl FromFields for MemberSettingsBody {
    const NAMES: &'static [&'static str] = &["muted_until", "archived", "pinned"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let muted_until = fields.nullable("muted_until");
        let archived = fields.optional("archived");
        let pinned = fields.optional("pinned");
        Some(Self {
            muted_until: muted_until?,
            archived: archived?,
            pinned: pinned?,
        })
    }
}

/// `POST /api/conversations/create/` with a title: creates a group.
pub(super) async fn create(
    app: &AppData,
    login: &ActiveLogin,
    group: NewGroupBody,
) -> Result<HttpResponse, Problem> {
    let me = login.user.id;
    let mut faults = group.faults;
    let mut people = resolve_usernames(app, &group.usernames, &mut faults).await?;
    people.remove(&me);
    let are_fine = !faults.has("usernames");
    if are_fine && !(1..GROUP_MAX).contains(&people.len()) {
        faults.add(
            "usernames",
            Problem::invalid_field("usernames", "1 to 999 others"),
        );
    }
    let title = faults.finish(group.title)?;
    let everybody: Vec<UserId> = people.iter().copied().chain([me]).collect();
    let new = NewGroup {
        people,
        text: format!(
            "{} made the group “{}”",
            isolate_name(&login.user.display_name),
            isolate_name(title.as_str())
        ),
        event: encode_system_event("created", &json!({ "title": title.as_str() })),
        title,
    };
    let bytes = new.text.len() + new.event.len() + MEMBER_BYTES * new.people.len();
    app.engine.reserve_text(me, bytes)?;
    let others: Vec<UserId> = new.people.iter().copied().collect();
    let strangers = app
        .store
        .conversations()
        .list_strangers(me, &others)
        .await?;
    let permit = app.engine.rates().check_new_group(me, &strangers)?;
    let id = app.store.groups().create(me, new, Millis::now()).await?;
    permit.mark_used();
    app.engine.show_conversation(&everybody, id).await;
    let conversation = app.store.conversations().load(me, id).await?;
    Ok(HttpResponse::Created().json(conversation))
}

/// Resolves `usernames`; each unknown one is an invalid field.
async fn resolve_usernames(
    app: &AppData,
    usernames: &[String],
    faults: &mut FieldFaults,
) -> Result<BTreeSet<UserId>, Problem> {
    let parsed = usernames
        .iter()
        .map(|name| Username::parse(name.trim()).ok());
    let parsed: Vec<Option<Username>> = parsed.collect();
    let names: Vec<Username> = parsed.iter().flatten().cloned().collect();
    let mut found = app.store.users().list_by_name(&names).await?;
    found.retain(|user| user.deactivated_at.is_none());
    let known: BTreeSet<&str> = found.iter().map(|user| &*user.username_key).collect();
    for (at, name) in parsed.iter().enumerate() {
        let key = name.as_ref().map(Username::key);
        if !key.is_some_and(|key| known.contains(&*key)) {
            let field = format!("usernames[{at}]");
            let detail = "somebody who has an account here";
            faults.add("usernames", Problem::invalid_field(field, detail));
        }
    }
    Ok(found.iter().map(|user| user.id).collect())
}

/// `PATCH /api/conversations/{id}/`.
pub(in crate::web) async fn rename(
    app: AppData,
    Authenticated(login): Authenticated,
    id: StrictPath<i64>,
    JsonBody(body): JsonBody<RenameGroupBody>,
) -> Result<HttpResponse, Problem> {
    apply_and_reload(
        &app,
        &login,
        ConversationId(*id),
        ConversationCommand::Rename(body.title),
    )
    .await
}

/// `PATCH /api/conversations/{id}/me/`.
pub(in crate::web) async fn update_settings(
    app: AppData,
    Authenticated(login): Authenticated,
    id: StrictPath<i64>,
    JsonBody(body): JsonBody<MemberSettingsBody>,
) -> Result<HttpResponse, Problem> {
    let settings = MemberSettingsPatch {
        muted_until: body.muted_until,
        archived: body.archived,
        pinned: body.pinned,
    };
    apply_and_reload(
        &app,
        &login,
        ConversationId(*id),
        ConversationCommand::UpdateSettings(settings),
    )
    .await
}

/// `POST /api/conversations/{id}/leave/`.
pub(in crate::web) async fn leave(
    app: AppData,
    Authenticated(login): Authenticated,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    apply_and_reload(
        &app,
        &login,
        ConversationId(*id),
        ConversationCommand::Leave,
    )
    .await
}

/// Executes a command and returns the conversation in its new state.
async fn apply_and_reload(
    app: &AppData,
    login: &ActiveLogin,
    id: ConversationId,
    ask: ConversationCommand,
) -> Result<HttpResponse, Problem> {
    app.engine.execute_command(id, login.user.id, ask).await?;
    let conversation = app.store.conversations().load(login.user.id, id).await?;
    Ok(HttpResponse::Ok().json(conversation))
}

/// `GET /api/conversations/{id}/members/`.
pub(in crate::web) async fn list_members(
    app: AppData,
    Authenticated(login): Authenticated,
    request: HttpRequest,
    id: StrictPath<i64>,
    query: StrictQuery<MembersQuery>,
) -> Result<HttpResponse, Problem> {
    let id = ConversationId(*id);
    require_participant(&app, login.user.id, id).await?;
    let limit = paging::page_limit(query.limit);
    let after = query.after.map(UserId);
    let mut found = app
        .store
        .groups()
        .list_members(id, after, limit + 1)
        .await?;
    let next =
        paging::truncate_page(&mut found, limit).map(|last| ("after", last.user.id.to_string()));
    Ok(paging::page_response(
        &request,
        &found,
        limit,
        &[("next", next)],
    ))
}

/// `POST /api/conversations/{id}/members/`: 201 with the member. 202 if the
/// user left by themself before and has to consent.
pub(in crate::web) async fn invite(
    app: AppData,
    Authenticated(login): Authenticated,
    id: StrictPath<i64>,
    JsonBody(body): JsonBody<AddMemberBody>,
) -> Result<HttpResponse, Problem> {
    let id = ConversationId(*id);
    let them = find_active_user(&app, &body.username).await?;
    let strangers = app
        .store
        .conversations()
        .list_strangers(login.user.id, &[them.id])
        .await?;
    let permit = app.engine.rates().check_group_addition(&strangers)?;
    let ask = ConversationCommand::Invite {
        user: User::from(&them),
        is_agreed: false,
    };
    let done = app.engine.execute_command(id, login.user.id, ask).await?;
    permit.mark_used();
    if matches!(done, CommandOutcome::NeedsConsent) {
        return invitations::invite(&app, id, &login, &them).await;
    }
    let member = load_member(&app, id, them.id).await?;
    Ok(HttpResponse::Created().json(member))
}

/// `PATCH /api/conversations/{id}/members/{username}/`.
pub(in crate::web) async fn set_role(
    app: AppData,
    Authenticated(login): Authenticated,
    path: StrictPath<(i64, String)>,
    JsonBody(body): JsonBody<SetRoleBody>,
) -> Result<HttpResponse, Problem> {
    let (id, them) = find_addressed_user(&app, path.0, &path.1).await?;
    let ask = ConversationCommand::SetRole(them.id, body.role);
    app.engine.execute_command(id, login.user.id, ask).await?;
    Ok(HttpResponse::Ok().json(load_member(&app, id, them.id).await?))
}

/// `DELETE /api/conversations/{id}/members/{username}/`.
pub(in crate::web) async fn remove(
    app: AppData,
    Authenticated(login): Authenticated,
    path: StrictPath<(i64, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, them) = find_addressed_user(&app, path.0, &path.1).await?;
    app.engine
        .execute_command(id, login.user.id, ConversationCommand::Remove(them.id))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Returns the conversation and user of a path; `not_found` for an unknown
/// name.
async fn find_addressed_user(
    app: &AppData,
    id: i64,
    username: &str,
) -> Result<(ConversationId, user::Model), Problem> {
    let username = Username::parse(username).map_err(|_| Problem::not_found())?;
    let them = app.store.users().find_by_name(&username).await?;
    Ok((ConversationId(id), them.ok_or_else(Problem::not_found)?))
}

async fn load_member(
    app: &AppData,
    id: ConversationId,
    user: UserId,
) -> Result<crate::protocol::conversation::GroupMember, Problem> {
    let before = Some(UserId(user.0 - 1));
    let found = app.store.groups().list_members(id, before, 1).await?;
    let found = found.into_iter().find(|member| member.user.id == user);
    found.ok_or_else(Problem::not_found)
}
