//! Sends changed names to sessions, whichever process changed
//! that: each looks for changes four times a second.
//!
//! A change that was sent has a version up to that of [`Engine::people_version`];
//! a session reads this version after it entered the Directory. So a change is
//! either sent to it or replayed after the version that its `hello` names.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entity::UserId;

use super::{Engine, Inner};
use crate::engine::ports::Frame;
use crate::protocol::Event;
use crate::store::{KnownByPlace, Result, paid_by};

/// Looks from now on, as long as there is an engine.
pub(super) fn watch(engine: &Engine) {
    let weak = Arc::downgrade(&engine.inner);
    let every = engine.inner.settings.timings.names_check_every;
    let was_well = Arc::new(AtomicBool::new(true));
    engine.inner.background.repeat(every, move || {
        let (inner, was_well) = (weak.upgrade(), Arc::clone(&was_well));
        async move {
            let Some(inner) = inner else {
                return false;
            };
            let told = tell_changes(&inner).await;
            let was_well = was_well.swap(told.is_ok(), Ordering::Relaxed);
            if let Err(error) = told
                && was_well
            {
                tracing::error!(%error, "can't look for changed names");
            }
            true
        }
    });
}

/// Sends all that changed since the last look.
async fn tell_changes(inner: &Inner) -> Result<()> {
    loop {
        let told = inner.history.people_version.load(Ordering::Acquire);
        let renamed = inner.store.renamed_since(told).await?;
        let Some(last) = renamed.last().map(|last| last.version) else {
            return Ok(());
        };
        for renamed in renamed {
            inner.hub.renamed(&renamed.user);
            if !inner.directory.is_empty() {
                let id = renamed.user.id;
                let event = Event::User { user: renamed.user };
                // The renamed user pays for the reading of the recipients.
                let payer = inner.rates.payer_of_socket(id);
                paid_by(payer, tell(inner, id, &event)).await?;
            }
        }
        inner.history.people_version.store(last, Ordering::Release);
    }
}

/// Sends a changed name once to each session of the user, and of the users who
/// may know them. A socket that is bound to a conversation gets it if both users
/// are in it.
async fn tell(inner: &Inner, id: UserId, event: &Event) -> Result<()> {
    let frame = Frame::passing(event);
    let frames: Arc<[Frame]> = [frame.clone()].into();
    let directory = &inner.directory;
    directory.deliver([id], &frames);
    let mut told = HashSet::from([id]);
    let mut place = Some(KnownByPlace::START);
    while let Some(from) = place {
        let part = inner.store.known_by(id, from).await?;
        let here = directory.present(&part.users);
        for (user, conversation) in directory.bound(&here) {
            if part.conversations.binary_search(&conversation).is_ok() {
                let conversation_id = Some(conversation);
                let frame = Frame {
                    conversation: conversation_id,
                    ..frame.clone()
                };
                directory.deliver_bound(user, conversation, &[frame].into());
            }
        }
        let fresh = here.into_iter().filter(|user| told.insert(*user));
        directory.deliver(fresh.collect::<Vec<_>>(), &frames);
        place = part.next;
    }
    Ok(())
}
