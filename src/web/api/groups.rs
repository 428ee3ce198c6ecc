//! Groups, and one's own settings for a conversation. What changes a group is
//! judged by its Room, like a message.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse};
use entity::participant::Role;
use entity::{ConversationId, Millis, UserId, user};
use serde::Deserialize;
use serde_json::json;

use super::{invitations, must_be_in, named};
use crate::engine::reply::Done;
use crate::engine::room::messages::Ask;
use crate::engine::room::rights::GROUP_MAX;
use crate::protocol::fields::{FieldFaults, FieldReader, FromFields};
use crate::protocol::message::{isolate, system_event};
use crate::protocol::{GroupTitle, Problem, User, Username};
use crate::store::append::Settings;
use crate::store::{Login, NewGroup};
use crate::web::auth::Auth;
use crate::web::body::Body;
use crate::web::decoding::{Path, Query};
use crate::web::{App, paging};

/// What a member's row weighs, in bytes.
const MEMBER_BYTES: usize = 64;

/// A group to be made. Who its people are has to be looked up: until then,
/// what is wrong with the title waits in `faults`.
pub(in crate::web) struct Create {
    title: Option<GroupTitle>,
    usernames: Vec<String>,
    faults: FieldFaults,
}

impl FromFields for Create {
    const NAMES: &'static [&'static str] = &["title", "usernames"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let title = fields.required_as("title", |text: String| GroupTitle::parse(&text));
        let usernames = fields.required_as("usernames", |names: Vec<String>| {
            match names.len() > GROUP_MAX {
                true => Err(Problem::field("usernames", "1 to 999 others")),
                false => Ok(names),
            }
        });
        Some(Self {
            title,
            usernames: usernames?,
            faults: fields.take_faults(),
        })
    }
}

/// What a group is called from now on.
pub(in crate::web) struct Rename {
    title: GroupTitle,
}

impl FromFields for Rename {
    const NAMES: &'static [&'static str] = &["title"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let title = fields.required_as("title", |text: String| GroupTitle::parse(&text))?;
        Some(Self { title })
    }
}

/// Whom somebody brings in.
pub(in crate::web) struct Invite {
    username: String,
}

impl FromFields for Invite {
    const NAMES: &'static [&'static str] = &["username"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let username = fields.required("username")?;
        Some(Self { username })
    }
}

/// What a member becomes.
pub(in crate::web) struct SetRole {
    role: Role,
}

impl FromFields for SetRole {
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

/// What is left out stays; a `muted_until` of null unmutes.
pub(in crate::web) struct Mine {
    muted_until: Option<Option<Millis>>,
    archived: Option<bool>,
    pinned: Option<bool>,
}

impl FromFields for Mine {
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

/// `POST /api/conversations/create/` with a title: a new group.
pub(super) async fn create(
    app: &App,
    login: &Login,
    group: Create,
) -> Result<HttpResponse, Problem> {
    let me = login.user.id;
    let mut faults = group.faults;
    let mut people = invited(app, &group.usernames, &mut faults).await?;
    people.remove(&me);
    let are_fine = !faults.has("usernames");
    if are_fine && !(1..GROUP_MAX).contains(&people.len()) {
        faults.add("usernames", Problem::field("usernames", "1 to 999 others"));
    }
    let title = faults.finish(group.title)?;
    let everybody: Vec<UserId> = people.iter().copied().chain([me]).collect();
    let new = NewGroup {
        people,
        text: format!(
            "{} made the group “{}”",
            isolate(&login.user.display_name),
            isolate(title.as_str())
        ),
        event: system_event("created", &json!({ "title": title.as_str() })),
        title,
    };
    let bytes = new.text.len() + new.event.len() + MEMBER_BYTES * new.people.len();
    app.engine.store_text(me, bytes)?;
    let others: Vec<UserId> = new.people.iter().copied().collect();
    let strangers = app.store.strangers_of(me, &others).await?;
    let permit = app.engine.rates().make_group(me, &strangers)?;
    let id = app.store.create_group(me, new, Millis::now()).await?;
    permit.used();
    app.engine.show(&everybody, id).await;
    let conversation = app.store.conversation(me, id).await?;
    Ok(HttpResponse::Created().json(conversation))
}

/// Resolves `usernames`; each that no account has is at fault.
async fn invited(
    app: &App,
    usernames: &[String],
    faults: &mut FieldFaults,
) -> Result<BTreeSet<UserId>, Problem> {
    let parsed = usernames
        .iter()
        .map(|name| Username::parse(name.trim()).ok());
    let parsed: Vec<Option<Username>> = parsed.collect();
    let names: Vec<Username> = parsed.iter().flatten().cloned().collect();
    let mut found = app.store.users_named(&names).await?;
    found.retain(|user| user.deactivated_at.is_none());
    let known: BTreeSet<&str> = found.iter().map(|user| &*user.username_key).collect();
    for (at, name) in parsed.iter().enumerate() {
        let key = name.as_ref().map(Username::key);
        if !key.is_some_and(|key| known.contains(&*key)) {
            let field = format!("usernames[{at}]");
            let detail = "somebody who has an account here";
            faults.add("usernames", Problem::field(field, detail));
        }
    }
    Ok(found.iter().map(|user| user.id).collect())
}

/// `PATCH /api/conversations/{id}/`.
pub(in crate::web) async fn rename(
    app: App,
    Auth(login): Auth,
    id: Path<i64>,
    Body(body): Body<Rename>,
) -> Result<HttpResponse, Problem> {
    asked(&app, &login, ConversationId(*id), Ask::Rename(body.title)).await
}

/// `PATCH /api/conversations/{id}/me/`.
pub(in crate::web) async fn settings(
    app: App,
    Auth(login): Auth,
    id: Path<i64>,
    Body(body): Body<Mine>,
) -> Result<HttpResponse, Problem> {
    let settings = Settings {
        muted_until: body.muted_until,
        archived: body.archived,
        pinned: body.pinned,
    };
    asked(&app, &login, ConversationId(*id), Ask::Settings(settings)).await
}

/// `POST /api/conversations/{id}/leave/`.
pub(in crate::web) async fn leave(
    app: App,
    Auth(login): Auth,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    asked(&app, &login, ConversationId(*id), Ask::Leave).await
}

/// Has it done, and answers with the conversation in its new state.
async fn asked(
    app: &App,
    login: &Login,
    id: ConversationId,
    ask: Ask,
) -> Result<HttpResponse, Problem> {
    app.engine.ask(id, login.user.id, ask).await?;
    let conversation = app.store.conversation(login.user.id, id).await?;
    Ok(HttpResponse::Ok().json(conversation))
}

/// `GET /api/conversations/{id}/members/`.
pub(in crate::web) async fn members(
    app: App,
    Auth(login): Auth,
    request: HttpRequest,
    (id, query): (Path<i64>, Query<MembersQuery>),
) -> Result<HttpResponse, Problem> {
    let id = ConversationId(*id);
    must_be_in(&app, login.user.id, id).await?;
    let limit = paging::limit(query.limit);
    let after = query.after.map(UserId);
    let mut found = app.store.members(id, after, limit + 1).await?;
    let next = paging::cut(&mut found, limit).map(|last| ("after", last.user.id.to_string()));
    Ok(paging::page(&request, &found, limit, &[("next", next)]))
}

/// `POST /api/conversations/{id}/members/`: 201 with the member, or 202 if the
/// user left by themself and is asked.
pub(in crate::web) async fn invite(
    app: App,
    Auth(login): Auth,
    id: Path<i64>,
    Body(body): Body<Invite>,
) -> Result<HttpResponse, Problem> {
    let id = ConversationId(*id);
    let them = named(&app, &body.username).await?;
    let strangers = app.store.strangers_of(login.user.id, &[them.id]).await?;
    let permit = app.engine.rates().add_to_group(&strangers)?;
    let ask = Ask::Invite {
        user: User::from(&them),
        is_agreed: false,
    };
    let done = app.engine.ask(id, login.user.id, ask).await?;
    permit.used();
    if matches!(done, Done::NeedsConsent) {
        return invitations::invite(&app, id, (&login, &them)).await;
    }
    let member = member(&app, id, them.id).await?;
    Ok(HttpResponse::Created().json(member))
}

/// `PATCH /api/conversations/{id}/members/{username}/`.
pub(in crate::web) async fn set_role(
    app: App,
    Auth(login): Auth,
    path: Path<(i64, String)>,
    Body(body): Body<SetRole>,
) -> Result<HttpResponse, Problem> {
    let (id, them) = addressed(&app, &path).await?;
    let ask = Ask::SetRole(them.id, body.role);
    app.engine.ask(id, login.user.id, ask).await?;
    Ok(HttpResponse::Ok().json(member(&app, id, them.id).await?))
}

/// `DELETE /api/conversations/{id}/members/{username}/`.
pub(in crate::web) async fn remove(
    app: App,
    Auth(login): Auth,
    path: Path<(i64, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, them) = addressed(&app, &path).await?;
    app.engine
        .ask(id, login.user.id, Ask::Remove(them.id))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The member whom a path names; nobody of that name is not found.
async fn addressed(
    app: &App,
    (id, username): &(i64, String),
) -> Result<(ConversationId, user::Model), Problem> {
    let username = Username::parse(username).map_err(|_| Problem::not_found())?;
    let them = app.store.user_named(&username).await?;
    Ok((ConversationId(*id), them.ok_or_else(Problem::not_found)?))
}

async fn member(
    app: &App,
    id: ConversationId,
    user: UserId,
) -> Result<crate::protocol::conversation::Member, Problem> {
    let before = Some(UserId(user.0 - 1));
    let found = app.store.members(id, before, 1).await?;
    let found = found.into_iter().find(|member| member.user.id == user);
    found.ok_or_else(Problem::not_found)
}
