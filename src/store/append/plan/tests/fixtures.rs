//! Rows and outcomes of the model.

use super::*;

/// Returns the outcomes and the plan of a batch without edits.
pub(super) fn finished(planned: PlannedBatch) -> (Vec<AppendOutcome>, BatchPlan) {
    let outcomes = planned.outcomes.into_iter().map(|outcome| match outcome {
        PlannedOutcome::Final(outcome) => outcome,
        PlannedOutcome::Edit(edit) => panic!("{edit:?} is read after the write"),
    });
    (outcomes.collect(), planned.plan)
}

pub(super) fn as_post(append: &AppendEntry) -> &SubmittedMessage {
    match &append.action {
        ConversationAction::Send(message) => message,
        _ => panic!("only messages are generated"),
    }
}

pub(super) fn row(id: i64) -> LockedConversation {
    LockedConversation {
        id: ConversationId(id),
        kind: entity::conversation::ConversationKind::Group,
        last_seq: 0,
        last_ord: 0,
        version: 10 * id,
        members_version: MEMBERS_VERSION,
        participant_count: 3,
        delivered_low: 0,
        read_low: 0,
        last_message_id: None,
        last_message_at: None,
        base_versions: ConversationVersions::default(),
    }
}

pub(super) fn quote(message: &Message) -> MessageQuote {
    MessageQuote {
        id: message.id,
        seq: message.seq,
        sender: message.sender.clone(),
        text: message.text.clone(),
    }
}
