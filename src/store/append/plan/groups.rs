//! In how many groups those are who join or leave one.

use super::Desk;
use crate::protocol::Problem;
use crate::store::append::{Change, MemberMove};
use crate::store::group_counts::{self, GROUPS_MAX};

impl Desk {
    /// Counts the groups of those who join and leave by a change.
    ///
    /// # Errors
    /// `conflict` for a user who is in too many.
    pub(super) fn count_groups(&mut self, change: &Change) -> Result<(), Problem> {
        for (user, by) in change.moves.iter().filter_map(MemberMove::counts) {
            let groups = self.found.groups.entry(user).or_default();
            if by > 0 && *groups >= GROUPS_MAX {
                return Err(group_counts::conflict());
            }
            *groups += by;
        }
        Ok(())
    }
}
