//! Compares the conversation cache with input that is loaded.

use entity::receipt;

use super::*;
use crate::store::append::MarkerUpdate;
use crate::store::append::batch_input::MessagePosition;
use crate::store::append::conversation_cache::ConversationCache;

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
            let kind = receipt::ReceiptKind::Read;
            append.operation = AppendOperation::Markers(vec![MarkerUpdate {
                kind,
                message: last,
            }]);
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
            let judge = |found| plan_batch(&appends, found, ids.clone(), Millis(1_000));
            let (expected, plan, loaded) = judge(found(&disk));
            match cache.take_input(&appends).map(judge) {
                Some((outcomes, remembered, recalled)) if takes(&disk, &remembered) => {
                    let (ours, theirs) = ((outcomes, &remembered), (expected, &plan));
                    prop_assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
                    write(&mut disk, &plan);
                    cache.update(recalled, &plan);
                }
                _ => {
                    write(&mut disk, &plan);
                    cache.update(loaded, &plan);
                }
            }
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
        let ids = vec![7 + user];
        let (_, plan, found) = plan_batch(&batch, found, ids, Millis(1_000));
        let seq = plan.messages[0].message.seq;
        cache.update(found, &plan);
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
    let archive = changes::entry_by(1, AppendOperation::Settings(settings));
    let batch = [changes::post(1), archive.clone(), elsewhere.clone()];
    let (_, plan, found) = plan_batch(&batch, disk.found(), vec![7, 8], Millis(1_000));
    cache.update(found, &plan);
    assert!(cache.take_input(&[changes::post(1)]).is_none());
    assert!(cache.take_input(&[archive]).is_none());
    assert!(cache.take_input(&[elsewhere]).is_some());
}
