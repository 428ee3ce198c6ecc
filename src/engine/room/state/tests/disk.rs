//! A model of the database: the conversation of the tested Room, as it is on
//! disk.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use entity::message::MessageKind;
use entity::participant::MemberRole;
use entity::{ConversationId, MessageId, Millis};

use super::marks::MemberMarks;
use crate::engine::room::state::*;
use crate::protocol::{
    ClientId, MemberSettingsPatch, Message, MessageStatus, MessageText, SubmittedMessage, User,
};
use crate::store::FormerMemberRecord;
use crate::store::RoomMember;
use crate::store::append::{CommittedChange, ConversationChange};

const HERE: ConversationId = ConversationId(7);

/// One conversation, as it is on disk.
pub(super) struct DiskModel {
    pub(super) record: RoomRecord,
    pub(super) messages: Vec<Arc<Message>>,
    /// The number of the request that wrote the message at a `seq`.
    pub(super) writers: HashMap<i64, usize>,
    /// The members after each version.
    pub(super) people: Vec<(i64, BTreeSet<UserId>)>,
    leavers: HashMap<UserId, FormerMemberRecord>,
    pub(super) marks: HashMap<UserId, MemberMarks>,
    /// The markers that moved since they were last taken.
    pub(super) moved: MarkerChanges,
}

impl DiskModel {
    pub(super) fn new(direct: bool) -> Self {
        let roles: &[MemberRole] = if direct {
            &[MemberRole::Member, MemberRole::Member]
        } else {
            &[MemberRole::Owner, MemberRole::Admin, MemberRole::Member]
        };
        let record = RoomRecord {
            id: HERE,
            kind: if direct {
                ConversationKind::Direct
            } else {
                ConversationKind::Group
            },
            open: true,
            opened_by: UserId(1),
            last_seq: 0,
            version: 0,
            members_version: 0,
            members: (1..)
                .zip(roles)
                .map(|(id, role)| member(id, *role))
                .collect(),
        };
        Self {
            record,
            messages: Vec::new(),
            writers: HashMap::new(),
            people: Vec::new(),
            leavers: HashMap::new(),
            marks: (1..=3)
                .map(|id| (UserId(id), MemberMarks::default()))
                .collect(),
            moved: MarkerChanges::default(),
        }
    }

    /// Locks, checks, assigns a version, writes; asserts that the check was
    /// right.
    pub(super) fn append(&mut self, append: &AppendEntry) -> AppendOutcome {
        if append.members_version != self.record.members_version {
            return AppendOutcome::Stale;
        }
        let actor = append.actor.id;
        if let ConversationAction::Send(message) = &append.action
            && let Some(name) = &message.client_id
            && let Some(first) = self.find_sent(actor, name.as_str())
        {
            return AppendOutcome::AlreadySent(first);
        }
        if let ConversationAction::UpdateSettings(settings) = append.action {
            return self.set(actor, settings);
        }
        if let Err(problem) = &append.verdict {
            return AppendOutcome::Refused(problem.clone());
        }
        assert!(self.role(actor).is_some(), "{append:?}");
        if let ConversationAction::Mark(marks) = &append.action {
            return self.mark(actor, marks);
        }
        assert!(self.record.open, "{append:?}");
        assert_eq!(append.has_others, self.record.members.len() > 1);
        AppendOutcome::Written(match &append.action {
            ConversationAction::ChangeGroup(change) => {
                self.check_rights(actor, change);
                let message = self.change(actor, change);
                let change = Arc::clone(change);
                CommittedChange::Changed { message, change }
            }
            ConversationAction::Send(submitted) => {
                let message = self.write(actor, submitted);
                let writer = request_number(submitted).expect("of a request");
                self.writers.insert(message.seq, writer);
                let returned = Vec::new();
                CommittedChange::Posted { message, returned }
            }
            ConversationAction::UpdateSettings(_) | ConversationAction::Mark(_) => {
                unreachable!("dealt with")
            }
            ConversationAction::Act { .. } => panic!("no request does that here"),
        })
    }

    fn set(&mut self, user: UserId, settings: MemberSettingsPatch) -> AppendOutcome {
        self.record.version += 1;
        self.record_members();
        let mut members = self.record.members.iter_mut();
        if let Some(member) = members.find(|member| member.user.id == user) {
            member.archived = settings.archived.unwrap_or(member.archived);
        }
        AppendOutcome::Written(CommittedChange::SettingsChanged {
            user,
            version: self.record.version,
            settings,
        })
    }

    pub(super) fn joined(&self, user: UserId) -> i64 {
        let mut members = self.record.members.iter();
        let member = members.find(|member| member.user.id == user);
        member.map_or(0, |member| member.joined_seq)
    }

    /// Returns the record as it is read, with each member's unread count.
    pub(super) fn record(&self) -> RoomRecord {
        let mut record = self.record.clone();
        record.last_seq = self.messages.len() as i64;
        for member in &mut record.members {
            member.unread = self.unread(member.user.id);
        }
        record
    }

    /// Checks the rights of a change, independently of the Room's code.
    fn check_rights(&self, actor: UserId, change: &ConversationChange) {
        assert_eq!(self.record.kind, ConversationKind::Group);
        let me = self.role(actor).expect("in");
        assert!(change.title.is_none() || me >= MemberRole::Admin);
        for user in &change.joined {
            assert!(me >= MemberRole::Admin && self.role(user.id).is_none());
        }
        for user in &change.left {
            let them = self.role(*user).expect("in");
            assert!(*user == actor || me > them);
        }
        for user in change.roles.keys() {
            assert!(me == MemberRole::Owner && self.role(*user).is_some());
            assert!(!change.left.contains(user));
        }
    }

    /// Returns whether a user was an initial member.
    pub(super) fn started_with(&self, user: UserId) -> bool {
        let people = if self.record.kind == ConversationKind::Direct {
            2
        } else {
            3
        };
        (1..=people).contains(&user.0)
    }

    fn role(&self, user: UserId) -> Option<MemberRole> {
        let mut members = self.record.members.iter();
        let member = members.find(|member| member.user.id == user);
        member.map(|member| member.role)
    }

    pub(super) fn write(&mut self, sender: UserId, post: &SubmittedMessage) -> Arc<Message> {
        let text = post.text.as_ref().expect("valid").as_str();
        let name = post.client_id.as_ref().map(|name| name.as_str().to_owned());
        let message = self.write_message(sender, MessageKind::Text, text, name);
        self.record_members();
        if let Some(before) = self.marks.get(&sender).copied() {
            self.record_move(sender, before, MemberMarks::at(message.seq));
        }
        message
    }

    /// Writes a change by any actor.
    pub(super) fn change(&mut self, actor: UserId, change: &ConversationChange) -> Arc<Message> {
        let message = self.write_message(actor, MessageKind::System, "a change", None);
        let members = &mut self.record.members;
        for user in &change.joined {
            members.push(RoomMember {
                joined_at: message.created_at,
                joined_seq: message.seq - 1,
                ..member(user.id.0, MemberRole::Member)
            });
            members.sort_by_key(|member| member.user.id);
            self.leavers.remove(&user.id);
            self.marks.insert(user.id, MemberMarks::at(message.seq));
        }
        for user in &change.left {
            let at = members.iter().position(|member| member.user.id == *user);
            let gone = members.remove(at.expect("in"));
            let leaver = FormerMemberRecord {
                user: *user,
                first: gone.joined_seq,
                last: message.seq - 1,
                version: message.version,
            };
            self.leavers.insert(*user, leaver);
        }
        for (user, role) in &change.roles {
            let mut members = members.iter_mut();
            let them = members.find(|member| member.user.id == *user);
            them.expect("in").role = *role;
        }
        if change.has_member_changes() {
            self.record.members_version += 1;
        }
        let members = self.record.members.iter();
        let owners = members.filter(|member| member.role == MemberRole::Owner);
        let expected = usize::from(!self.record.members.is_empty());
        assert_eq!(
            owners.count(),
            expected,
            "one owner, while there are members"
        );
        self.record_members();
        message
    }

    pub(super) fn record_members(&mut self) {
        let members = self.record.members.iter();
        let people = members.map(|member| member.user.id).collect();
        self.people.push((self.record.version, people));
    }

    fn write_message(
        &mut self,
        sender: UserId,
        kind: MessageKind,
        text: &str,
        client_id: Option<String>,
    ) -> Arc<Message> {
        self.record.version += 1;
        let seq = self.messages.len() as i64 + 1;
        let message = Arc::new(Message {
            id: MessageId(seq),
            conversation_id: HERE,
            seq,
            version: self.record.version,
            kind,
            text: text.to_owned(),
            event: None,
            sender: user(sender.0),
            client_id,
            reply_to: None,
            reactions: Vec::new(),
            created_at: Millis(seq),
            edited_at: None,
            deleted: false,
            status: MessageStatus::Sent,
            delivered_at: None,
            is_read: false,
            read_at: None,
            is_changed: false,
            own_version: self.record.version,
            posted_version: self.record.version,
        });
        self.messages.push(Arc::clone(&message));
        message
    }

    pub(super) fn find_sent(&self, sender: UserId, name: &str) -> Option<Arc<Message>> {
        let mut messages = self.messages.iter();
        let is_it = |message: &&Arc<Message>| {
            message.sender.id == sender && message.client_id.as_deref() == Some(name)
        };
        messages.find(is_it).cloned()
    }

    pub(super) fn missed(&self, after: i64) -> MissedChanges {
        let messages = self.messages.iter().filter(|it| it.version > after);
        let leavers = self.leavers.values().filter(|it| it.version > after);
        MissedChanges {
            messages: messages.map(|message| Message::clone(message)).collect(),
            has_more: false,
            record: self.record(),
            leavers: leavers.copied().collect(),
        }
    }

    /// Adds or removes a user without the Room, as another node does.
    pub(super) fn join_or_leave(&mut self, user_id: i64) {
        let id = UserId(user_id);
        let (joined, left) = match (self.role(id), self.record.members.len()) {
            (None, _) => (vec![user(user_id)], Vec::new()),
            (Some(MemberRole::Owner), _) | (_, 1) => return,
            (Some(_), _) => (Vec::new(), vec![id]),
        };
        let change = ConversationChange {
            joined,
            left,
            ..ConversationChange::default()
        };
        // A direct conversation has no joins, and an empty group stays empty.
        if self.record.kind == ConversationKind::Group && !self.record.members.is_empty() {
            self.change(UserId(9), &change);
        }
    }
}

/// Returns the number of the request that sent a post.
fn request_number(post: &SubmittedMessage) -> Option<usize> {
    let text = post.text.as_ref().ok()?.as_str();
    text.strip_prefix("request ")?.parse().ok()
}

pub(super) fn post(name: Option<u8>, text: &str) -> SubmittedMessage {
    SubmittedMessage {
        text: Ok(MessageText::parse(text).unwrap()),
        client_id: name.map(|name| ClientId::parse(&format!("name-{name}")).unwrap()),
        reply_to: None,
    }
}

pub(super) fn user(id: i64) -> User {
    User {
        id: UserId(id),
        username: format!("user{id}"),
        display_name: format!("User {id}"),
    }
}

fn member(id: i64, role: MemberRole) -> RoomMember {
    RoomMember {
        user: user(id),
        role,
        joined_at: Millis(0),
        joined_seq: 0,
        is_deactivated: false,
        unread: 0,
        muted_until: None,
        archived: false,
    }
}
