//! Limits of groups: how many a user makes, and how many are put on a user by
//! users that they never wrote to.

use entity::UserId;

use super::{Rates, TooMuch};

/// A group that is made, or a member who is added. If dropped before
/// [`GroupPermit::used`], it counts against no limit.
pub struct GroupPermit<'a> {
    rates: &'a Rates,
    creator: Option<UserId>,
    strangers: Vec<UserId>,
    is_used: bool,
}

impl Rates {
    /// Counts a new group of `creator`, with these users who never wrote to
    /// them.
    ///
    /// # Errors
    /// If that is too much for the creator or for one of the others.
    pub fn make_group(
        &self,
        creator: UserId,
        strangers: &[UserId],
    ) -> Result<GroupPermit<'_>, TooMuch> {
        self.groups.take(creator)?;
        let mut permit = self.permit();
        permit.creator = Some(creator);
        permit.add(strangers)?;
        Ok(permit)
    }

    /// Counts a group to which these users are added who never wrote to the
    /// one who adds them.
    ///
    /// # Errors
    /// If that is too much for one of them.
    pub fn add_to_group(&self, strangers: &[UserId]) -> Result<GroupPermit<'_>, TooMuch> {
        let mut permit = self.permit();
        permit.add(strangers)?;
        Ok(permit)
    }

    fn permit(&self) -> GroupPermit<'_> {
        GroupPermit {
            rates: self,
            creator: None,
            strangers: Vec::new(),
            is_used: false,
        }
    }
}

impl GroupPermit<'_> {
    /// The group was made, or the member added.
    pub fn used(mut self) {
        self.is_used = true;
    }

    fn add(&mut self, strangers: &[UserId]) -> Result<(), TooMuch> {
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
            self.rates.groups.give_back(creator);
        }
        for user in self.strangers.drain(..) {
            self.rates.unsolicited_groups.give_back(user);
        }
    }
}
