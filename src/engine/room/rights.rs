//! Who may do what in a conversation, and what follows for those in it. Pure.

use entity::UserId;
use entity::conversation::Kind;
use entity::participant::Role;
use serde_json::json;

use super::messages::Ask;
use super::state::Members;
use crate::protocol::message::{isolate, system_event as event};
use crate::protocol::{Code, GroupTitle, Problem, User};
use crate::store::append::{Change, MemberMove};
use crate::store::{RoomMember, RoomRecord};

/// The most people in a group.
pub(crate) const GROUP_MAX: usize = 1000;

type Judged = Result<Change, Problem>;

/// Whether somebody may write here at all.
pub(super) fn writer<'a>(
    record: &RoomRecord,
    members: &'a Members,
    actor: UserId,
) -> Result<&'a RoomMember, Problem> {
    let member = inside(members, actor)?;
    if member.is_deactivated {
        return Err(deactivated());
    }
    match (record.open, record.kind) {
        (true, _) => Ok(member),
        (false, Kind::Direct) => Err(Problem::new(
            Code::NotConnected,
            "You can only message people you are connected with.",
        )),
        (false, Kind::Group) => Err(forbidden("This conversation is closed.")),
    }
}

/// Whether a user may remove own content here. Connection, block, membership
/// and closure do not matter; the Journal checks whose content it is.
pub(super) fn remover(members: &Members, actor: UserId) -> Result<(), Problem> {
    match members.get(&actor) {
        Some(member) if member.is_deactivated => Err(deactivated()),
        _ => Ok(()),
    }
}

fn deactivated() -> Problem {
    Problem::new(Code::Deactivated, "This account is switched off.")
}

pub(super) fn inside(members: &Members, actor: UserId) -> Result<&RoomMember, Problem> {
    members
        .get(&actor)
        .ok_or_else(|| Problem::new(Code::NotAParticipant, "You are not in this conversation."))
}

/// A change of a group, as it follows from what is asked. What isn't a change
/// of a group gives none.
pub(super) fn change(record: &RoomRecord, members: &Members, actor: UserId, ask: &Ask) -> Judged {
    // First of all, since who isn't in it may not even learn what it is.
    let me = inside(members, actor)?;
    if record.kind == Kind::Direct {
        return Err(conflict(
            "This is a conversation of two: it has no title and no roles.",
        ));
    }
    match writer(record, members, actor) {
        // Who is switched off may still go, which is asked for them.
        Err(problem) if matches!(ask, Ask::Leave) && problem.code == Code::Deactivated => {}
        judged => drop(judged?),
    }
    match ask {
        Ask::Post(_)
        | Ask::FindSent(_)
        | Ask::Touch(..)
        | Ask::Mark(_)
        | Ask::Type { .. }
        | Ask::Settings(_) => Ok(Change::default()),
        Ask::Rename(title) => rename(me, title),
        Ask::Invite { user, is_agreed } => invite(members, me, (user, *is_agreed)),
        Ask::Leave => Ok(leave(members, me)),
        Ask::Remove(user) if *user == actor => Ok(leave(members, me)),
        Ask::Remove(user) => remove(members, me, *user),
        Ask::SetRole(user, role) => set_role(members, me, (*user, *role)),
    }
}

fn rename(me: &RoomMember, title: &GroupTitle) -> Judged {
    admin(me)?;
    let title = title.as_str();
    Ok(Change {
        title: Some(title.to_owned()),
        event: event("renamed", &json!({ "title": title })),
        text: format!("{} renamed the group to “{}”", name(me), isolate(title)),
        ..Change::default()
    })
}

fn invite(members: &Members, me: &RoomMember, (user, is_agreed): (&User, bool)) -> Judged {
    admin(me)?;
    if members.contains_key(&user.id) {
        return Err(conflict("They are in this group already."));
    }
    if members.len() >= GROUP_MAX {
        return Err(conflict("A group has at most 1,000 people."));
    }
    Ok(Change {
        moves: vec![MemberMove::Join(user.clone())],
        needs_connection: Some(user.id),
        needs_consent: !is_agreed,
        event: event("invited", &json!({ "user": user })),
        text: format!("{} added {}", name(me), isolate(&user.display_name)),
        ..Change::default()
    })
}

/// When the owner goes, the longest-serving admin, else member, takes over.
fn leave(members: &Members, me: &RoomMember) -> Change {
    let others = members
        .values()
        .filter(|member| member.user.id != me.user.id);
    let heir = others
        .min_by_key(|member| {
            (
                // Who can't act can't lead, where somebody else can.
                member.is_deactivated,
                std::cmp::Reverse(member.role),
                member.joined_at,
                member.user.id,
            )
        })
        .filter(|_| me.role == Role::Owner);
    let mut moves = vec![MemberMove::Leave(me.user.id)];
    moves.extend(heir.map(|heir| MemberMove::Become(heir.user.id, Role::Owner)));
    let (facts, text) = match heir {
        None => (json!({}), format!("{} left", name(me))),
        Some(heir) => (
            json!({ "owner": heir.user }),
            format!("{} left; {} owns the group now", name(me), name(heir)),
        ),
    };
    Change {
        moves,
        event: event("left", &facts),
        text,
        ..Change::default()
    }
}

fn remove(members: &Members, me: &RoomMember, user: UserId) -> Judged {
    admin(me)?;
    let them = other(members, user)?;
    if them.role >= me.role {
        return Err(forbidden("Only the owner removes admins."));
    }
    Ok(Change {
        moves: vec![MemberMove::Leave(them.user.id)],
        event: event("removed", &json!({ "user": them.user })),
        text: format!("{} removed {}", name(me), name(them)),
        ..Change::default()
    })
}

fn set_role(members: &Members, me: &RoomMember, (user, role): (UserId, Role)) -> Judged {
    if me.role != Role::Owner {
        return Err(forbidden("Only the owner gives and takes roles."));
    }
    let them = other(members, user)?;
    if them.user.id == me.user.id {
        return Err(conflict(
            "Hand the group over to somebody else, or leave it.",
        ));
    }
    if them.role == role {
        return Err(conflict("They have this role already."));
    }
    let mut moves = vec![MemberMove::Become(them.user.id, role)];
    let what = match role {
        Role::Owner => {
            moves.push(MemberMove::Become(me.user.id, Role::Admin));
            "the owner"
        }
        Role::Admin => "an admin",
        Role::Member => "a member",
    };
    Ok(Change {
        moves,
        event: event("role", &json!({ "user": them.user, "role": role })),
        text: format!("{} made {} {what}", name(me), name(them)),
        ..Change::default()
    })
}

fn admin(me: &RoomMember) -> Result<(), Problem> {
    if me.role >= Role::Admin {
        return Ok(());
    }
    Err(forbidden("Only admins do this."))
}

fn other(members: &Members, user: UserId) -> Result<&RoomMember, Problem> {
    members.get(&user).ok_or_else(Problem::not_found)
}

fn name(member: &RoomMember) -> String {
    isolate(&member.user.display_name)
}

fn forbidden(detail: &'static str) -> Problem {
    Problem::new(Code::Forbidden, detail)
}

fn conflict(detail: &'static str) -> Problem {
    Problem::new(Code::Conflict, detail)
}
