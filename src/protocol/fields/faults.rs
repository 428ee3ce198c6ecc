//! Faults of several fields at once.

use crate::protocol::{ErrorCode, Problem};

/// The faults of a body's fields, to be answered in the order in which the
/// body has them.
#[derive(Debug, Default)]
pub struct FieldFaults {
    /// The fields that were sent, in order.
    order: Vec<&'static str>,
    found: Vec<(&'static str, Problem)>,
}

impl FieldFaults {
    /// Creates an empty set of faults for a body with these fields.
    pub(super) fn in_order(order: Vec<&'static str>) -> Self {
        let found = Vec::new();
        Self { order, found }
    }

    /// Returns the validated value of a field, or records the problem as the
    /// field's fault.
    pub fn check<T>(&mut self, name: &'static str, made: Result<T, Problem>) -> Option<T> {
        made.map_err(|problem| self.add(name, problem)).ok()
    }

    /// Records a problem as a field's fault.
    pub fn add(&mut self, name: &'static str, problem: Problem) {
        self.found.push((name, problem.attribute_to_field(name)));
    }

    /// Returns whether a field has a fault.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.found.iter().any(|(known, _)| *known == name)
    }

    /// Returns whether no field has a fault.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Removes and returns the faults, and keeps the order of the fields.
    pub(super) fn take(&mut self) -> Self {
        Self {
            order: self.order.clone(),
            found: std::mem::take(&mut self.found),
        }
    }

    /// Returns the value made of the fields.
    ///
    /// # Errors
    /// See [`FieldFaults::into_problem`].
    pub fn finish<T>(self, made: Option<T>) -> Result<T, Problem> {
        match self.into_problem() {
            Some(problem) => Err(problem),
            None => made.ok_or_else(Problem::internal),
        }
    }

    /// Returns one fault as itself, and several as one `invalid` that lists
    /// them, missing fields last. A problem that isn't the fault of a field
    /// takes precedence and is returned alone.
    #[must_use]
    pub fn into_problem(mut self) -> Option<Problem> {
        let is_other = |(_, problem): &(_, Problem)| problem.code.status() != 422;
        if let Some(at) = self.found.iter().position(is_other) {
            return Some(self.found.swap_remove(at).1);
        }
        let order = self.order;
        let place = |name: &str| order.iter().position(|known| *known == name);
        self.found
            .sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
        let problems = self.found.into_iter().map(|(_, problem)| problem);
        problems.reduce(Problem::merge)
    }
}

impl Problem {
    /// Attributes the problem to the field `name` of the body.
    fn attribute_to_field(mut self, name: &str) -> Self {
        if self.code.status() != 422 {
            return self;
        }
        match self.errors.as_mut_slice() {
            [] => {
                let detail = self.detail.clone();
                self.with_field(name, detail)
            }
            // The check of the value used another name for the field.
            [error] if !is_within(&error.field, name) => {
                name.clone_into(&mut error.field);
                self
            }
            _ => self,
        }
    }

    /// Merges two problems into one `invalid`.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.errors.extend(other.errors);
        Self {
            errors: self.errors,
            ..Self::new(ErrorCode::Invalid, "Several fields are invalid.")
        }
    }
}

/// Returns whether the path `field` is the field `name` or inside it.
fn is_within(field: &str, name: &str) -> bool {
    let rest = field.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
}
