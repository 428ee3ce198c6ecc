//! Groups, and a member's own settings for a conversation. The Room checks each
//! change to a group, as it checks messages.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse};
use entity::participant::MemberRole;
use entity::{ConversationId, Millis, UserId};
use serde::Deserialize;
use serde_json::json;

use super::invitations;
use crate::engine::room::rights::GROUP_MAX;
use crate::protocol::fields::{FieldFaults, FieldReader, FromFields};
use crate::protocol::message::{encode_system_event, isolate_name};
use crate::protocol::{
    ConversationAction, GroupCommand, GroupTitle, MemberSettingsPatch, Problem, User, Username,
};
use crate::store::append::AppendOutcome;
use crate::store::{ActiveLogin, NewGroup};
use crate::web::auth::Authenticated;
use crate::web::body::JsonBody;
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::lookups::{find_active_user, find_user, require_participant};
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
                Err(Problem::invalid_field("usernames", "1 to 999 other users"))
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
            Problem::invalid_field("usernames", "1 to 999 other users"),
        );
    }
    let title = faults.finish(group.title)?;
    let everybody: Vec<UserId> = people.iter().copied().chain([me]).collect();
    let new = NewGroup {
        people,
        text: format!(
            "{} created the group “{}”",
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
            let detail = "no account with this username";
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
        ConversationAction::ChangeGroup(GroupCommand::Rename(body.title)),
    )
    .await
}

/// `PATCH /api/conversations/{id}/me/`.
pub(in crate::web) async fn update_settings(
    app: AppData,
    Authenticated(login): Authenticated,
    id: StrictPath<i64>,
    JsonBody(settings): JsonBody<MemberSettingsPatch>,
) -> Result<HttpResponse, Problem> {
    apply_and_reload(
        &app,
        &login,
        ConversationId(*id),
        ConversationAction::UpdateSettings(settings),
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
        ConversationAction::ChangeGroup(GroupCommand::Leave),
    )
    .await
}

/// Executes a command and returns the conversation in its new state.
async fn apply_and_reload(
    app: &AppData,
    login: &ActiveLogin,
    id: ConversationId,
    action: ConversationAction<GroupCommand>,
) -> Result<HttpResponse, Problem> {
    app.engine.execute_action(id, login.user.id, action).await?;
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
    let join = GroupCommand::Invite {
        user: User::from(&them),
        is_agreed: false,
    };
    let outcome = change_group(&app, &login, id, join).await?;
    permit.mark_used();
    if outcome.needs_consent() {
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
    let (id, username) = path.into_inner();
    let id = ConversationId(id);
    let them = find_user(&app, &username).await?;
    let command = GroupCommand::SetRole(them.id, body.role);
    change_group(&app, &login, id, command).await?;
    Ok(HttpResponse::Ok().json(load_member(&app, id, them.id).await?))
}

/// `DELETE /api/conversations/{id}/members/{username}/`.
pub(in crate::web) async fn remove(
    app: AppData,
    Authenticated(login): Authenticated,
    path: StrictPath<(i64, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, username) = path.into_inner();
    let id = ConversationId(id);
    let them = find_user(&app, &username).await?;
    change_group(&app, &login, id, GroupCommand::Remove(them.id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn change_group(
    app: &AppData,
    login: &ActiveLogin,
    id: ConversationId,
    command: GroupCommand,
) -> Result<AppendOutcome, Problem> {
    let change = ConversationAction::ChangeGroup(command);
    app.engine.execute_action(id, login.user.id, change).await
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
