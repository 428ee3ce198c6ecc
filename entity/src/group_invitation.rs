//! An invitation to a group that the invited user left.

use sea_orm::entity::prelude::*;

use crate::{ConversationId, InvitationId, Millis, UserId};

/// A row of `group_invitation`: one for each group and user.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "group_invitation")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: InvitationId,
    #[sea_orm(unique_key = "group_user")]
    pub conversation_id: ConversationId,
    #[sea_orm(unique_key = "group_user")]
    pub user_id: UserId,
    /// The member who invited last.
    pub inviter_id: UserId,
    pub created_at: Millis,
    /// Set if the user declined. Until this time, repeated invitations are not
    /// delivered.
    pub declined_until: Option<Millis>,
    #[sea_orm(belongs_to, from = "conversation_id", to = "id")]
    pub conversation: BelongsTo<super::conversation::Entity>,
    #[sea_orm(belongs_to, from = "inviter_id", to = "id")]
    pub inviter: BelongsTo<super::user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
