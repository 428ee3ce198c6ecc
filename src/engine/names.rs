//! Sends changed names to sessions. Each process checks four times a second,
//! and so also finds changes made by other processes.
//!
//! [`Engine::people_version`] is the version up to which changes were sent. A
//! session enters the Directory before it reads this version for its `hello`. A
//! newer change is therefore sent to the session, or replayed when its client
//! resumes from that version.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entity::UserId;

use super::{Engine, EngineInner};
use crate::engine::ports::EventFrame;
use crate::protocol::ServerEvent;
use crate::store::{RenameAudienceCursor, Result, with_payer};

/// Checks periodically until the engine stops.
pub(super) fn watch_names(engine: &Engine) {
    let weak = Arc::downgrade(&engine.inner);
    let every = engine.inner.settings.timings.names_check_every;
    let was_well = Arc::new(AtomicBool::new(true));
    engine.inner.background.repeat(every, move || {
        let (inner, was_well) = (weak.upgrade(), Arc::clone(&was_well));
        async move {
            let Some(inner) = inner else {
                return false;
            };
            let sent = deliver_changes(&inner).await;
            let was_well = was_well.swap(sent.is_ok(), Ordering::Relaxed);
            if let Err(error) = sent
                && was_well
            {
                tracing::error!(%error, "can't check for changed names");
            }
            true
        }
    });
}

/// Sends all names that changed since the last check.
async fn deliver_changes(inner: &EngineInner) -> Result<()> {
    loop {
        let sent_up_to = inner.history.people_version.load(Ordering::Acquire);
        let renamed = inner.store.name_changes().list_since(sent_up_to).await?;
        let Some(last) = renamed.last().map(|last| last.version) else {
            return Ok(());
        };
        for renamed in renamed {
            inner.hub.rename_user(&renamed.user);
            if !inner.directory.is_empty() {
                let id = renamed.user.id;
                let event = ServerEvent::User { user: renamed.user };
                // The renamed user pays for the reading of the recipients.
                let payer = inner.rates.payer_of_socket(id);
                with_payer(payer, deliver_name(inner, id, &event)).await?;
            }
        }
        inner.history.people_version.store(last, Ordering::Release);
    }
}

/// Sends a changed name once to each session of the user, and of the users who
/// may know them. A socket that is bound to a conversation gets the name if
/// both users are members.
async fn deliver_name(inner: &EngineInner, id: UserId, event: &ServerEvent) -> Result<()> {
    let frame = EventFrame::transient(event);
    let frames: Arc<[EventFrame]> = [frame.clone()].into();
    let directory = &inner.directory;
    directory.deliver([id], &frames);
    let mut sent = HashSet::from([id]);
    let mut place = Some(RenameAudienceCursor::START);
    while let Some(from) = place {
        let part = inner.store.name_changes().load_audience(id, from).await?;
        let present = directory.filter_present(&part.users);
        for (user, conversation) in directory.bound_conversations(&present) {
            if part.conversations.binary_search(&conversation).is_ok() {
                let conversation_id = Some(conversation);
                let frame = EventFrame {
                    conversation: conversation_id,
                    ..frame.clone()
                };
                directory.deliver_bound(user, conversation, &[frame].into());
            }
        }
        let fresh = present.into_iter().filter(|user| sent.insert(*user));
        directory.deliver(fresh.collect::<Vec<_>>(), &frames);
        place = part.next;
    }
    Ok(())
}
