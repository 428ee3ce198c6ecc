//! Changes of conversations and members' own settings.

use super::*;

pub(super) const HERE: ConversationId = ConversationId(1);
const NOW: Millis = Millis(1_000);

/// A conversation with the users 1 to 3, of which the third has left.
pub(super) fn found() -> BatchInput {
    let at = |user: i64| (HERE, UserId(user));
    let marks = MemberMarkers {
        joined: 0,
        delivered: 0,
        read: 0,
        read_ord: 0,
    };
    let own = |user: i64| MemberSettings {
        left_seq: (user == 3).then_some(9),
        ..MemberSettings::default()
    };
    BatchInput {
        conversations: HashMap::from([(HERE, row(1))]),
        marks: (1..=3).map(|user| (at(user), marks)).collect(),
        settings: (1..=3).map(|user| (at(user), own(user))).collect(),
        connected: [(UserId(1), UserId(8))].into(),
        ..BatchInput::default()
    }
}

pub(super) fn entry_by(
    actor: i64,
    action: ConversationAction<Arc<ConversationChange>>,
) -> AppendEntry {
    AppendEntry {
        action,
        ..GeneratedEntry {
            conversation: HERE.0,
            sender: actor,
            name: None,
            answers: None,
            is_stale: false,
            is_refused: false,
        }
        .append()
    }
}

pub(super) fn post(actor: i64) -> AppendEntry {
    let message = SubmittedMessage {
        text: Ok(MessageText::parse("hello").unwrap()),
        client_id: None,
        reply_to: None,
    };
    entry_by(actor, ConversationAction::Send(Arc::new(message)))
}

fn change(change: ConversationChange) -> AppendEntry {
    let change = ConversationChange {
        event: r#"{"type":"test"}"#.to_owned(),
        text: "Something happened".to_owned(),
        ..change
    };
    entry_by(1, ConversationAction::ChangeGroup(Arc::new(change)))
}

fn join(user: i64) -> AppendEntry {
    let joined = vec![User {
        id: UserId(user),
        username: String::new(),
        display_name: String::new(),
    }];
    change(ConversationChange {
        joined,
        needs_connection: Some(UserId(user)),
        ..ConversationChange::default()
    })
}

pub(super) fn leave() -> AppendEntry {
    change(ConversationChange {
        left: vec![UserId(1)],
        roles: [(UserId(2), entity::participant::MemberRole::Owner)].into(),
        ..ConversationChange::default()
    })
}

pub(super) fn rename() -> AppendEntry {
    rename_to("New")
}

pub(super) fn rename_to(title: &str) -> AppendEntry {
    change(ConversationChange {
        title: Some(title.to_owned()),
        ..ConversationChange::default()
    })
}

fn set(actor: i64, settings: MemberSettingsPatch) -> AppendEntry {
    entry_by(actor, ConversationAction::UpdateSettings(settings))
}

fn archived(is_archived: bool) -> MemberSettingsPatch {
    MemberSettingsPatch {
        archived: Some(is_archived),
        ..MemberSettingsPatch::default()
    }
}

fn muted(until: i64) -> MemberSettingsPatch {
    MemberSettingsPatch {
        muted_until: Some(Some(Millis(until))),
        ..MemberSettingsPatch::default()
    }
}

fn assigned(batch: &[AppendEntry]) -> (Vec<AppendOutcome>, BatchPlan) {
    assigned_with(batch, found())
}

pub(super) fn assigned_with(
    batch: &[AppendEntry],
    found: BatchInput,
) -> (Vec<AppendOutcome>, BatchPlan) {
    let ids = (1..).take(batch.len()).collect();
    finished(plan_batch(batch, found, BatchStamp { ids, now: NOW }))
}

/// The version of an outcome, and the members whose conversation it restored.
/// Otherwise the error code; none if stale.
type VersionOutcome = Result<(i64, Vec<i64>), Option<ErrorCode>>;

/// Returns the version of each outcome.
fn versions(outcomes: &[AppendOutcome]) -> Vec<VersionOutcome> {
    let became = outcomes.iter().map(|outcome| match outcome {
        AppendOutcome::Written(change) => {
            let returned = match change {
                CommittedChange::Posted { returned, .. } => returned.as_slice(),
                _ => &[],
            };
            let returned = returned.iter().map(|user| user.0).collect();
            Ok((change.version(), returned))
        }
        AppendOutcome::Unchanged(_) => Ok((0, Vec::new())),
        AppendOutcome::Refused(problem) => Err(Some(problem.code)),
        AppendOutcome::Stale => Err(None),
        AppendOutcome::AlreadySent(_)
        | AppendOutcome::NeedsConsent
        | AppendOutcome::Unmoved { .. } => panic!("unexpected outcome"),
    });
    became.collect()
}

fn new(version: i64) -> VersionOutcome {
    Ok((version, Vec::new()))
}

#[test]
fn only_messages_take_a_seq() {
    let batch = [
        post(1),
        rename(),
        set(2, muted(NOW.0 + 1)),
        post(2),
        rename_to("Newer"),
    ];
    let (outcomes, plan) = assigned(&batch);
    assert_eq!(versions(&outcomes), [11, 12, 13, 14, 15].map(new));
    let places = plan.messages.iter().map(|new| (new.message.seq, new.ord));
    let places: Vec<_> = places.collect();
    assert_eq!(places, [(1, 1), (2, 1), (3, 2), (4, 2)]);
    let row = &plan.conversations[&HERE];
    assert_eq!((row.version, row.last_seq, row.last_ord), (15, 4, 2));
    assert_eq!(
        row.members_version, MEMBERS_VERSION,
        "a new title changes no membership"
    );
    assert_eq!(row.last_message_id, Some(MessageId(4)));
}

#[test]
fn unchanged_title_takes_no_version() {
    let mut found = found();
    found.titles.insert(HERE, "New".to_owned());
    let batch = [
        rename(),
        set(2, archived(false)),
        rename_to("Newer"),
        rename_to("Newer"),
        set(2, archived(true)),
        set(2, archived(true)),
        rename(),
    ];
    let (outcomes, plan) = assigned_with(&batch, found);
    let expected = [0, 0, 11, 0, 12, 0, 13].map(new);
    assert_eq!(versions(&outcomes), expected);
    assert_eq!((plan.changes.len(), plan.settings.len()), (2, 1));
}

#[test]
fn change_moves_only_actor_markers() {
    let (_, plan) = assigned(&[rename()]);
    let moved: Vec<i64> = plan
        .marker_advances
        .keys()
        .map(|(_, user)| user.0)
        .collect();
    assert_eq!(moved, [1]);
    assert_eq!(plan.messages[0].message.kind, MessageKind::System);
}

#[test]
fn membership_change_makes_later_entries_stale() {
    for membership in [join(8), leave()] {
        let batch = [
            post(2),
            membership,
            post(2),
            rename(),
            set(2, archived(true)),
            leave(),
        ];
        let (outcomes, plan) = assigned(&batch);
        let stale = || Err(None);
        let expected = [new(11), new(12), stale(), stale(), stale(), stale()];
        assert_eq!(versions(&outcomes), expected);
        let row = &plan.conversations[&HERE];
        assert_eq!(row.members_version, MEMBERS_VERSION + 1);
        assert_eq!((row.version, row.last_seq), (12, 2));
        assert_eq!(plan.changes.len(), 1);
        assert!(plan.settings.is_empty());
    }
}

#[test]
fn membership_changes_update_participant_count() {
    let (_, plan) = assigned(&[join(8)]);
    assert_eq!(plan.conversations[&HERE].participant_count, 4);
    assert_eq!(plan.conversations_with_member_changes(), [HERE]);
    let (_, plan) = assigned(&[leave()]);
    assert_eq!(plan.conversations[&HERE].participant_count, 2);
    assert_eq!(plan.conversations_with_member_changes(), [HERE]);
}

/// The last member's markers are the lowest.
#[test]
fn lone_member_triggers_watermark_query() {
    let mut found = found();
    let row = found.conversations.get_mut(&HERE).unwrap();
    row.participant_count = 2;
    let (_, plan) = assigned_with(&[leave()], found);
    assert_eq!(plan.conversations[&HERE].participant_count, 1);
    assert_eq!(plan.conversations_with_member_changes(), [HERE]);
}

#[test]
fn unconnected_invitee_is_refused() {
    let (outcomes, plan) = assigned(&[join(9), post(2)]);
    let refused = Err(Some(ErrorCode::NotConnected));
    assert_eq!(versions(&outcomes), [refused, new(11)]);
    assert!(plan.changes.is_empty());
}

#[test]
fn former_member_may_change_settings() {
    let pin = MemberSettingsPatch {
        pinned: Some(true),
        ..MemberSettingsPatch::default()
    };
    let (outcomes, plan) = assigned(&[set(3, pin), set(4, pin)]);
    assert_eq!(
        versions(&outcomes),
        [new(11), Err(Some(ErrorCode::NotFound))]
    );
    let own = PlannedSettings {
        conversation: HERE,
        user: UserId(3),
        settings: pin,
        version: 11,
    };
    assert_eq!(plan.settings, [own]);
    assert!(plan.messages.is_empty());
    assert!(!plan.is_empty());
}

#[test]
fn message_restores_archived_conversation_once() {
    let mut found = found();
    found.archived.insert(HERE, vec![UserId(2)]);
    let (outcomes, plan) = assigned_with(&[rename(), post(1), post(1)], found);
    assert_eq!(versions(&outcomes), [new(11), Ok((12, vec![2])), new(13)]);
    assert_eq!(plan.settings.len(), 1);
    let back = plan.settings[0];
    assert_eq!((back.user, back.version), (UserId(2), 12));
    assert_eq!(back.settings, archived(false));
}

/// Guards against a race: the read under the lock doesn't see a setting that is
/// earlier in the same batch.
#[test]
fn message_restores_archive_of_same_batch() {
    let batch = [set(2, archived(true)), post(1), post(1)];
    let (outcomes, _) = assigned(&batch);
    assert_eq!(versions(&outcomes), [new(11), Ok((12, vec![2])), new(13)]);
    let batch = [post(1), set(2, archived(true))];
    let (outcomes, _) = assigned(&batch);
    assert_eq!(versions(&outcomes), [new(11), new(12)]);
}

#[test]
fn earlier_unarchive_or_mute_prevents_restore() {
    for settings in [archived(false), muted(NOW.0 + 1)] {
        let mut found = found();
        found.archived.insert(HERE, vec![UserId(2)]);
        found.settings.get_mut(&(HERE, UserId(2))).unwrap().archived = true;
        let (outcomes, _) = assigned_with(&[set(2, settings), post(1)], found);
        assert_eq!(versions(&outcomes), [new(11), new(12)]);
    }
    let batch = [set(2, archived(true)), set(2, muted(NOW.0)), post(1)];
    let (outcomes, _) = assigned(&batch);
    assert_eq!(
        versions(&outcomes),
        [new(11), new(12), Ok((13, vec![2]))],
        "a mute that ends now has ended"
    );
}

#[test]
fn message_restores_nothing_for_former_member() {
    let (outcomes, _) = assigned(&[set(3, archived(true)), post(1)]);
    assert_eq!(versions(&outcomes), [new(11), new(12)]);
}

/// After a message restored it, another setting doesn't make the next message
/// restore it again.
#[test]
fn restored_conversation_isnt_restored_again() {
    let pin = MemberSettingsPatch {
        pinned: Some(true),
        ..MemberSettingsPatch::default()
    };
    let batch = [set(2, archived(true)), post(1), set(2, pin), post(1)];
    let (outcomes, _) = assigned(&batch);
    assert_eq!(
        versions(&outcomes),
        [new(11), Ok((12, vec![2])), new(13), new(14)]
    );
}
