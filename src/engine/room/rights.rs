//! The rights in a conversation, and the changes that follow from a command.
//! Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use entity::UserId;
use entity::conversation::ConversationKind;
use entity::participant::MemberRole;
use serde_json::json;

use super::state::RoomMembers;
use crate::protocol::message::{encode_system_event as event, isolate_name};
use crate::protocol::{ConversationAction, ErrorCode, GroupCommand, GroupTitle, Problem, User};
use crate::store::append::ConversationChange;
use crate::store::{RoomMember, RoomRecord};

/// The maximum number of members of a group.
pub(crate) const GROUP_MAX: usize = 1000;

type ChangeVerdict = Result<ConversationChange, Problem>;

/// Returns the member if they may write here.
pub(super) fn check_writer<'a>(
    record: &RoomRecord,
    members: &'a RoomMembers,
    actor: UserId,
) -> Result<&'a RoomMember, Problem> {
    let member = require_member(members, actor)?;
    if member.is_deactivated {
        return Err(deactivated());
    }
    match (record.open, record.kind) {
        (true, _) => Ok(member),
        (false, ConversationKind::Direct) => Err(Problem::new(
            ErrorCode::NotConnected,
            "You can only message people you are connected with.",
        )),
        (false, ConversationKind::Group) => Err(forbidden("This conversation is closed.")),
    }
}

/// Checks that a user may remove their own content here. Connection, block,
/// membership and closure do not matter; the Journal checks whose content it
/// is.
pub(super) fn check_remover(members: &RoomMembers, actor: UserId) -> Result<(), Problem> {
    match members.get(&actor) {
        Some(member) if member.is_deactivated => Err(deactivated()),
        _ => Ok(()),
    }
}

fn deactivated() -> Problem {
    Problem::new(ErrorCode::Deactivated, "This account is deactivated.")
}

pub(super) fn require_member(members: &RoomMembers, actor: UserId) -> Result<&RoomMember, Problem> {
    members.get(&actor).ok_or_else(Problem::not_a_participant)
}

/// Checks an action. A change of the group is planned at the same time, because
/// only a permitted change can be planned.
pub(super) fn judge_action(
    record: &RoomRecord,
    members: &RoomMembers,
    actor: UserId,
    action: &ConversationAction<GroupCommand>,
) -> (
    ConversationAction<Arc<ConversationChange>>,
    Result<(), Problem>,
) {
    let mut verdict = check_action(record, members, actor, action);
    let action = action.with_change(|command| {
        let planned = plan_change(record, members, actor, command);
        Arc::new(planned.unwrap_or_else(|problem| {
            verdict = Err(problem);
            ConversationChange::default()
        }))
    });
    (action, verdict)
}

fn check_action(
    record: &RoomRecord,
    members: &RoomMembers,
    actor: UserId,
    action: &ConversationAction<GroupCommand>,
) -> Result<(), Problem> {
    match action {
        ConversationAction::Send(message) => match &message.text {
            Ok(_) => check_writer(record, members, actor).map(drop),
            // Sent to the Journal anyway: it may be the retry of a message that
            // is on disk.
            Err(fault) => Err(fault.clone()),
        },
        ConversationAction::Act { action, .. } if action.is_removal() => {
            check_remover(members, actor)
        }
        ConversationAction::Act { .. } => check_writer(record, members, actor).map(drop),
        // Members may move their markers even if they may not write.
        ConversationAction::Mark(_) => require_member(members, actor).map(drop),
        // Users may change their own settings, also after leaving. The plan of
        // a change checks the group's rules.
        ConversationAction::UpdateSettings(_) | ConversationAction::ChangeGroup(_) => Ok(()),
    }
}

/// Returns whether the user may delete others' messages here.
pub(super) fn may_moderate(record: &RoomRecord, members: &RoomMembers, actor: UserId) -> bool {
    let writer = check_writer(record, members, actor);
    record.kind == ConversationKind::Group && writer.is_ok_and(|me| me.role >= MemberRole::Admin)
}

/// Plans the change of a group that a command makes.
fn plan_change(
    record: &RoomRecord,
    members: &RoomMembers,
    actor: UserId,
    command: &GroupCommand,
) -> ChangeVerdict {
    // Checked first: a user who is no member must not learn anything about the
    // conversation.
    let me = require_member(members, actor)?;
    if record.kind == ConversationKind::Direct {
        return Err(conflict(
            "This is a direct conversation: it has no title and no roles.",
        ));
    }
    match check_writer(record, members, actor) {
        // A deactivated user may leave: the server sends that command for them.
        Err(problem)
            if *command == GroupCommand::Leave && problem.code == ErrorCode::Deactivated => {}
        judged => drop(judged?),
    }
    match command {
        GroupCommand::Rename(title) => rename(me, title),
        GroupCommand::Invite { user, is_agreed } => invite(members, me, user, *is_agreed),
        GroupCommand::Leave => Ok(leave(members, me)),
        GroupCommand::Remove(user) if *user == actor => Ok(leave(members, me)),
        GroupCommand::Remove(user) => remove(members, me, *user),
        GroupCommand::SetRole(user, role) => set_role(members, me, *user, *role),
    }
}

fn rename(me: &RoomMember, title: &GroupTitle) -> ChangeVerdict {
    require_admin(me)?;
    let title = title.as_str();
    Ok(ConversationChange {
        title: Some(title.to_owned()),
        event: event("renamed", &json!({ "title": title })),
        text: format!(
            "{} renamed the group to “{}”",
            isolated_name(me),
            isolate_name(title)
        ),
        ..ConversationChange::default()
    })
}

fn invite(members: &RoomMembers, me: &RoomMember, user: &User, is_agreed: bool) -> ChangeVerdict {
    require_admin(me)?;
    if members.contains_key(&user.id) {
        return Err(conflict("This user is already a member."));
    }
    if members.len() >= GROUP_MAX {
        return Err(conflict("A group has at most 1,000 members."));
    }
    Ok(ConversationChange {
        joined: vec![user.clone()],
        needs_connection: Some(user.id),
        needs_consent: !is_agreed,
        event: event("invited", &json!({ "user": user })),
        text: format!(
            "{} added {}",
            isolated_name(me),
            isolate_name(&user.display_name)
        ),
        ..ConversationChange::default()
    })
}

/// Returns the change when a member leaves. After the owner, the
/// longest-serving admin takes over, or else the longest-serving member.
fn leave(members: &RoomMembers, me: &RoomMember) -> ConversationChange {
    let others = members
        .values()
        .filter(|member| member.user.id != me.user.id);
    let heir = others
        .min_by_key(|member| {
            (
                // A deactivated member becomes owner only if all are
                // deactivated.
                member.is_deactivated,
                std::cmp::Reverse(member.role),
                member.joined_at,
                member.user.id,
            )
        })
        .filter(|_| me.role == MemberRole::Owner);
    let (facts, text) = match heir {
        None => (json!({}), format!("{} left", isolated_name(me))),
        Some(heir) => (
            json!({ "owner": heir.user }),
            format!(
                "{} left; {} is now the owner",
                isolated_name(me),
                isolated_name(heir)
            ),
        ),
    };
    ConversationChange {
        left: vec![me.user.id],
        roles: heir
            .map(|heir| (heir.user.id, MemberRole::Owner))
            .into_iter()
            .collect(),
        event: event("left", &facts),
        text,
        ..ConversationChange::default()
    }
}

fn remove(members: &RoomMembers, me: &RoomMember, user: UserId) -> ChangeVerdict {
    require_admin(me)?;
    let them = find_member(members, user)?;
    if them.role >= me.role {
        return Err(forbidden("Only the owner can remove an admin."));
    }
    Ok(ConversationChange {
        left: vec![them.user.id],
        event: event("removed", &json!({ "user": them.user })),
        text: format!("{} removed {}", isolated_name(me), isolated_name(them)),
        ..ConversationChange::default()
    })
}

fn set_role(
    members: &RoomMembers,
    me: &RoomMember,
    user: UserId,
    role: MemberRole,
) -> ChangeVerdict {
    if me.role != MemberRole::Owner {
        return Err(forbidden("Only the owner can change roles."));
    }
    let them = find_member(members, user)?;
    if them.user.id == me.user.id {
        return Err(conflict(
            "Make another member the owner, or leave the group.",
        ));
    }
    if them.role == role {
        return Err(conflict("This member already has this role."));
    }
    let mut roles = BTreeMap::from([(them.user.id, role)]);
    let what = match role {
        MemberRole::Owner => {
            roles.insert(me.user.id, MemberRole::Admin);
            "the owner"
        }
        MemberRole::Admin => "an admin",
        MemberRole::Member => "a member",
    };
    Ok(ConversationChange {
        roles,
        event: event("role", &json!({ "user": them.user, "role": role })),
        text: format!("{} made {} {what}", isolated_name(me), isolated_name(them)),
        ..ConversationChange::default()
    })
}

fn require_admin(me: &RoomMember) -> Result<(), Problem> {
    if me.role >= MemberRole::Admin {
        return Ok(());
    }
    Err(forbidden("Only admins can do this."))
}

fn find_member(members: &RoomMembers, user: UserId) -> Result<&RoomMember, Problem> {
    members.get(&user).ok_or_else(Problem::not_found)
}

fn isolated_name(member: &RoomMember) -> String {
    isolate_name(&member.user.display_name)
}

fn forbidden(detail: &'static str) -> Problem {
    Problem::new(ErrorCode::Forbidden, detail)
}

fn conflict(detail: &'static str) -> Problem {
    Problem::new(ErrorCode::Conflict, detail)
}
