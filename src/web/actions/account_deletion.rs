//! The deletion of an account, by its user or by an admin.

use entity::{LoginId, UserId};

use super::connections;
use crate::protocol::{ConversationAction, ErrorCode, GroupCommand, Problem, User};
use crate::store::{AuditContext, inherit_payer};
use crate::web::{AppData, AppState, tokens};

/// Deletes an account in a separate task, which completes even if the caller
/// disconnects.
pub(in crate::web) async fn delete_account(
    app: &AppData,
    id: UserId,
    context: &AuditContext,
) -> Result<(), Problem> {
    let (engine, app, context) = (app.engine.clone(), app.clone(), context.clone());
    let deletion = async move {
        // The name can't be guessed, so no user can have taken it.
        let word = tokens::generate_token()?;
        let tail: String = word
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(16)
            .collect();
        let name = format!("deleted-{tail}");
        let deleted = app.store.accounts().delete(id, name, &context).await?;
        end_logins(&app, id, deleted.ended_logins);
        app.engine.rename_user(&User::from(&deleted.user));
        for change in &deleted.connection_changes {
            connections::notify_both(&app, id, change).await;
        }
        leave_groups(&app, id).await
    };
    engine
        .spawn(inherit_payer(deletion))
        .await
        .unwrap_or_else(|error| {
            tracing::error!(%error, "an account may not have been deleted");
            Err(Problem::internal())
        })
}

/// Removes a user from all their groups, as if they had left: each group's
/// ownership passes to another member.
pub(in crate::web) async fn leave_groups(app: &AppState, id: UserId) -> Result<(), Problem> {
    for group in app.store.accounts().list_group_ids(id).await? {
        match app
            .engine
            .execute_action(
                group,
                id,
                ConversationAction::ChangeGroup(GroupCommand::Leave),
            )
            .await
        {
            Ok(_) => {}
            // Meanwhile, the group was closed or the user was removed from it.
            Err(problem) if problem.code == ErrorCode::NotAParticipant => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(())
}

/// Closes the sockets of logins that have ended.
pub(in crate::web) fn end_logins(app: &AppState, user: UserId, logins: Vec<LoginId>) {
    for login in logins {
        app.engine.end_login(user, login);
    }
}
