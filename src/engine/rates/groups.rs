//! Limits of groups: how many a user may create, and to how many groups
//! strangers may add a user. A stranger is a user that the added user never
//! wrote to.

use entity::UserId;

use super::{RateExceeded, RateLimiters};

/// The tokens taken for a new group or a new member. Dropping the permit before
/// [`GroupPermit::mark_used`] returns them.
pub struct GroupPermit<'a> {
    rates: &'a RateLimiters,
    creator: Option<UserId>,
    strangers: Vec<UserId>,
    is_used: bool,
}

impl RateLimiters {
    /// Counts a new group of `creator`; `strangers` are members who never wrote
    /// to the creator.
    ///
    /// # Errors
    /// If the creator or one of the strangers exceeds a limit.
    pub fn check_new_group(
        &self,
        creator: UserId,
        strangers: &[UserId],
    ) -> Result<GroupPermit<'_>, RateExceeded> {
        self.groups.take(creator)?;
        let mut permit = self.new_permit();
        permit.creator = Some(creator);
        permit.take_strangers(strangers)?;
        Ok(permit)
    }

    /// Counts an addition to a group; `strangers` never wrote to the user who
    /// adds them.
    ///
    /// # Errors
    /// If one of the strangers exceeds a limit.
    pub fn check_group_addition(
        &self,
        strangers: &[UserId],
    ) -> Result<GroupPermit<'_>, RateExceeded> {
        let mut permit = self.new_permit();
        permit.take_strangers(strangers)?;
        Ok(permit)
    }

    fn new_permit(&self) -> GroupPermit<'_> {
        GroupPermit {
            rates: self,
            creator: None,
            strangers: Vec::new(),
            is_used: false,
        }
    }
}

impl GroupPermit<'_> {
    /// Keeps the tokens, because the group was created or the member added.
    pub fn mark_used(mut self) {
        self.is_used = true;
    }

    fn take_strangers(&mut self, strangers: &[UserId]) -> Result<(), RateExceeded> {
        for user in strangers {
            self.rates.unsolicited_groups.take(*user)?;
            self.strangers.push(*user);
        }
        Ok(())
    }
}

impl Drop for GroupPermit<'_> {
    fn drop(&mut self) {
        if self.is_used {
            return;
        }
        if let Some(creator) = self.creator {
            self.rates.groups.refund(creator);
        }
        for user in self.strangers.drain(..) {
            self.rates.unsolicited_groups.refund(user);
        }
    }
}
