//! Counts the groups of each user who joins or leaves a group.

use super::Planner;
use crate::protocol::Problem;
use crate::store::append::ConversationChange;
use crate::store::group_counts::{self, GROUPS_MAX};

impl Planner {
    /// Updates the number of groups of each user who joins or leaves by
    /// `change`.
    ///
    /// # Errors
    /// `conflict` if a user who joins already is in the maximum number of
    /// groups.
    pub(super) fn count_groups(&mut self, change: &ConversationChange) -> Result<(), Problem> {
        for (user, by) in change.group_count_deltas() {
            let groups = self.input.group_counts.entry(user).or_default();
            if by > 0 && *groups >= GROUPS_MAX {
                return Err(group_counts::too_many_groups());
            }
            *groups += by;
        }
        Ok(())
    }
}
