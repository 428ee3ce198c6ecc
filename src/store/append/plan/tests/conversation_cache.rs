//! Compares the conversation cache with input that is loaded.

use entity::receipt;

use super::*;
use crate::store::append::batch_input::MessagePosition;
use crate::store::append::conversation_cache::ConversationCache;
use crate::store::append::marker_changes::RaisedWatermarks;

/// Generates mostly messages. If the flag is true, the entry becomes a read
/// marker at the newest message.
fn entries() -> impl Strategy<Value = Vec<(GeneratedEntry, bool)>> {
    let plain = (1..CONVERSATIONS, 1..USERS).prop_map(|(conversation, sender)| GeneratedEntry {
        conversation,
        sender,
        name: None,
        answers: None,
        is_stale: false,
        is_refused: false,
    });
    let some = prop_oneof![9 => plain, 1 => entry()];
    prop::collection::vec((some, prop::bool::weighted(0.3)), 1..4)
}

fn appends(entries: &[(GeneratedEntry, bool)], disk: &DatabaseModel) -> Vec<AppendEntry> {
    let appends = entries.iter().map(|(entry, marks)| {
        let mut append = entry.append();
        let row = disk.rows.get(&append.conversation);
        if let (true, Some(last)) = (marks, row.and_then(|row| row.last_message_id)) {
            append.action = ConversationAction::mark(receipt::ReceiptKind::Read, last);
        }
        append
    });
    appends.collect()
}

/// Adds the positions of all messages to the model's input.
fn found(disk: &DatabaseModel) -> BatchInput {
    let mut found = disk.found();
    for message in &disk.messages {
        let place = MessagePosition {
            conversation: message.conversation_id,
            seq: message.seq,
            ord: message.seq,
            created_at: message.created_at,
        };
        found.positions.insert(message.id, place);
    }
    found
}

fn stamp(ids: Vec<i64>) -> BatchStamp {
    let now = Millis(1_000);
    BatchStamp { ids, now }
}

/// Writes a plan to the model.
fn write(disk: &mut DatabaseModel, plan: &BatchPlan) {
    for (id, row) in &plan.conversations {
        disk.rows.insert(*id, row.clone());
    }
    for (key, moved) in &plan.marker_advances {
        disk.marks.insert(*key, moved.final_markers());
    }
    let new = plan.messages.iter();
    disk.messages
        .extend(new.map(|new| Arc::clone(&new.message)));
}

/// Returns whether the conditional writes of a plan succeed: the conversations
/// have their base versions, and no `client_id` was used before.
fn takes(disk: &DatabaseModel, plan: &BatchPlan) -> bool {
    let mut rows = plan.conversations.values();
    let mut new = plan.messages.iter();
    rows.all(|row| disk.rows[&row.id].clone().into_base().base_versions == row.base_versions)
        && new.all(|new| {
            let mut there = disk.messages.iter();
            there.all(|old| {
                let (old, new) = (&**old, &*new.message);
                old.client_id.is_none()
                    || (old.sender.id, &old.client_id) != (new.sender.id, &new.client_id)
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Other writes may change the database in between. A plan from the cache
    /// that the database accepts equals the plan from loaded input.
    #[test]
    fn cached_input_plans_like_loaded_input(
        batches in prop::collection::vec((entries(), batch()), 1..20),
    ) {
        let (mut disk, cache) = (DatabaseModel::new(), ConversationCache::default());
        for (entries, elsewhere) in batches {
            if elsewhere.now % 3 == 0 {
                disk.read(&elsewhere);
            }
            let appends = appends(&entries, &disk);
            let ids = disk.fresh_ids(appends.len());
            let plan = |found| plan_batch(&appends, found, stamp(ids.clone()));
            let loaded = plan(found(&disk));
            let recalled = cache.take_input(&appends).map(plan);
            let used = match recalled.filter(|recalled| takes(&disk, &recalled.plan)) {
                Some(recalled) => {
                    let ours = (&recalled.outcomes, &recalled.plan);
                    let theirs = (&loaded.outcomes, &loaded.plan);
                    prop_assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
                    recalled
                }
                None => loaded,
            };
            write(&mut disk, &used.plan);
            cache.update(used.input, &used.plan, &RaisedWatermarks::new());
        }
    }
}

#[test]
fn second_batch_uses_conversation_cache() {
    let (disk, cache) = (DatabaseModel::new(), ConversationCache::default());
    let again = |user| {
        let batch = [changes::post(user)];
        let recalled = cache.take_input(&batch);
        let was_known = recalled.is_some();
        let found = recalled.unwrap_or_else(|| disk.found());
        let planned = plan_batch(&batch, found, stamp(vec![7 + user]));
        let seq = planned.plan.messages[0].message.seq;
        cache.update(planned.input, &planned.plan, &RaisedWatermarks::new());
        (was_known, seq)
    };
    assert_eq!(again(1), (false, 1));
    assert_eq!(again(1), (true, 2));
    assert_eq!(again(2), (true, 3));
}

/// Changes other than messages and markers drop only their own conversation
/// from the cache.
#[test]
fn other_changes_drop_cached_conversation() {
    let (disk, cache) = (DatabaseModel::new(), ConversationCache::default());
    let elsewhere = AppendEntry {
        conversation: ConversationId(2),
        ..changes::post(1)
    };
    let settings = MemberSettingsPatch {
        archived: Some(true),
        ..MemberSettingsPatch::default()
    };
    let archive = changes::entry_by(1, ConversationAction::UpdateSettings(settings));
    let batch = [changes::post(1), archive.clone(), elsewhere.clone()];
    let planned = plan_batch(&batch, disk.found(), stamp(vec![7, 8]));
    cache.update(planned.input, &planned.plan, &RaisedWatermarks::new());
    assert!(cache.take_input(&[changes::post(1)]).is_none());
    assert!(cache.take_input(&[archive]).is_none());
    assert!(cache.take_input(&[elsewhere]).is_some());
}
