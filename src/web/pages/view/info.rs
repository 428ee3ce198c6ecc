//! The info of the open conversation: the other user, or the group with a page
//! of its members.

use entity::participant::MemberRole;
use entity::{Millis, UserId};

use super::PresenceMark;
use super::closed::return_query;
use super::thread::{OpenThread, ThreadView, conversation_url};
use crate::protocol::conversation::GroupMember;
use crate::protocol::user::{Relationship, find_lookalikes};
use crate::web::display::avatars::Avatar;
use crate::web::display::times;

/// The loaded data of the info.
#[derive(Default)]
pub(in crate::web) struct OpenInfo {
    /// A page of a group's members.
    pub(in crate::web) members: Vec<GroupMember>,
    /// The last member of the page, if there are more.
    pub(in crate::web) next: Option<UserId>,
}

/// The info as the page shows it.
pub(in crate::web) struct InfoView {
    /// The URL of the page without the info.
    pub(in crate::web) close: String,
    pub(in crate::web) name: String,
    pub(in crate::web) avatar: Avatar,
    pub(in crate::web) is_group: bool,
    pub(in crate::web) presence: PresenceMark,
    /// The username and the status, or the number of members.
    pub(in crate::web) hint: String,
    pub(in crate::web) about: String,
    /// `None` for a group.
    pub(in crate::web) relation: Option<Relationship>,
    pub(in crate::web) username: String,
    /// The query of the URLs that lead back to this conversation.
    pub(in crate::web) from: String,
    pub(in crate::web) members: Vec<InfoMember>,
    pub(in crate::web) more: Option<String>,
}

/// A member of the group as the page shows it.
pub(in crate::web) struct InfoMember {
    pub(in crate::web) name: String,
    pub(in crate::web) avatar: Avatar,
    pub(in crate::web) href: String,
    pub(in crate::web) hint: String,
    /// The role, if it is a special one.
    pub(in crate::web) role: Option<&'static str>,
}

impl InfoView {
    /// Returns `None` if the info isn't open.
    pub(in crate::web) fn new(
        open: &OpenThread,
        thread: &ThreadView<'_>,
        me: UserId,
        now: Millis,
    ) -> Option<Self> {
        let (info, conversation) = (open.info.as_ref()?, open.conversation.as_ref()?);
        let them = open.them.as_ref();
        let from = return_query(Some(conversation.id));
        let hint = them.map_or_else(
            || thread.about.clone(),
            |them| {
                let status = times::format_presence(them.is_online, them.last_seen, now);
                let username = format!("@{}", them.user.username);
                if status.is_empty() {
                    username
                } else {
                    format!("{username} · {status}")
                }
            },
        );
        let page = conversation_url(conversation.id);
        let next = info.next;
        Some(Self {
            name: thread.name.clone(),
            avatar: thread.avatar.clone(),
            is_group: thread.is_group,
            presence: thread.presence,
            hint,
            about: them.map_or_else(String::new, |them| them.about.clone()),
            relation: them.map(|them| them.connection),
            username: them.map_or_else(String::new, |them| them.user.username.clone()),
            members: member_views(&info.members, &from, me),
            more: next.map(|last| format!("{page}&info=1&members={last}")),
            close: page,
            from,
        })
    }
}

fn member_views(members: &[GroupMember], from: &str, me: UserId) -> Vec<InfoMember> {
    let alike = find_lookalikes(members.iter().map(|member| &member.user));
    let view = |member: &GroupMember| {
        let user = &member.user;
        let username = format!("@{}", user.username);
        InfoMember {
            name: user.display_name.clone(),
            avatar: Avatar::from_name(&user.display_name),
            href: format!("/profile/{}{from}", user.username),
            hint: match (user.id == me, alike.contains(&user.id)) {
                (true, true) => format!("{username} · you"),
                (true, false) => "you".to_owned(),
                (false, _) => username,
            },
            role: match member.role {
                MemberRole::Owner => Some("owner"),
                MemberRole::Admin => Some("admin"),
                MemberRole::Member => None,
            },
        }
    };
    members.iter().map(view).collect()
}
