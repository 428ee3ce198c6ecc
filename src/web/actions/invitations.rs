//! Answers to invitations to groups that a user left.

use entity::{ConversationId, InvitationId, Millis};

use crate::protocol::invitation::{Invitation, InvitationState};
use crate::protocol::{ConversationAction, ErrorCode, GroupCommand, Problem, ServerEvent, User};
use crate::store::ActiveLogin;
use crate::web::AppData;

/// Accepts an invitation. The Room checks again whether the inviter may add
/// members.
pub(in crate::web) async fn accept_invitation(
    app: &AppData,
    login: &ActiveLogin,
    id: InvitationId,
) -> Result<ConversationId, Problem> {
    let invitation = app
        .store
        .group_invitations()
        .load(login.user.id, id)
        .await?;
    let (group, inviter) = (invitation.conversation_id, invitation.inviter.id);
    let join = GroupCommand::Invite {
        user: User::from(&login.user),
        is_agreed: true,
    };
    let join = ConversationAction::ChangeGroup(join);
    let joined = app.engine.execute_action(group, inviter, join).await;
    if let Err(problem) = &joined
        && is_transient(problem.code)
    {
        return Err(problem.clone());
    }
    app.store.group_invitations().delete(id).await?;
    send_invitation_end(app, login, invitation);
    match joined {
        Ok(_) => Ok(group),
        Err(_) => Err(Problem::new(
            ErrorCode::Conflict,
            "This invitation is no longer valid.",
        )),
    }
}

/// Declines an invitation.
pub(in crate::web) async fn decline_invitation(
    app: &AppData,
    login: &ActiveLogin,
    id: InvitationId,
) -> Result<(), Problem> {
    let invitation = app
        .store
        .group_invitations()
        .load(login.user.id, id)
        .await?;
    app.store
        .group_invitations()
        .decline(login.user.id, id, Millis::now())
        .await?;
    send_invitation_end(app, login, invitation);
    Ok(())
}

/// Returns whether a retry after this error could succeed.
fn is_transient(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Busy | ErrorCode::Unavailable | ErrorCode::Internal | ErrorCode::RateLimited
    )
}

fn send_invitation_end(app: &AppData, login: &ActiveLogin, mut invitation: Invitation) {
    invitation.state = InvitationState::None;
    app.engine
        .deliver_event(login.user.id, &ServerEvent::Invitation { invitation });
}
