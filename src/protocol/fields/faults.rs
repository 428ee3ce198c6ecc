//! What is wrong with several fields at once.

use crate::protocol::{Code, Problem};

/// The faults of a body's fields, to be answered in the order in which the
/// body has them.
#[derive(Debug, Default)]
pub struct FieldFaults {
    /// The fields that came, in order.
    order: Vec<&'static str>,
    found: Vec<(&'static str, Problem)>,
}

impl FieldFaults {
    /// None so far, of a body with these fields.
    pub(super) fn in_order(order: Vec<&'static str>) -> Self {
        let found = Vec::new();
        Self { order, found }
    }

    /// What was made of a field; a problem is noted as the field's fault.
    pub fn check<T>(&mut self, name: &'static str, made: Result<T, Problem>) -> Option<T> {
        made.map_err(|problem| self.add(name, problem)).ok()
    }

    /// Notes a problem as the fault of a field.
    pub fn add(&mut self, name: &'static str, problem: Problem) {
        self.found.push((name, problem.of_field(name)));
    }

    /// Whether a field is at fault.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.found.iter().any(|(known, _)| *known == name)
    }

    /// Whether no field is at fault.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Takes the faults out, and leaves the order of the fields.
    pub(super) fn take(&mut self) -> Self {
        Self {
            order: self.order.clone(),
            found: std::mem::take(&mut self.found),
        }
    }

    /// What was made of the fields.
    ///
    /// # Errors
    /// See [`FieldFaults::into_problem`].
    pub fn finish<T>(self, made: Option<T>) -> Result<T, Problem> {
        match self.into_problem() {
            Some(problem) => Err(problem),
            None => made.ok_or_else(Problem::internal),
        }
    }

    /// One fault as itself; several as one `invalid` that lists them, those of
    /// missing fields last. What isn't the fault of a field comes first, alone.
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
        problems.reduce(Problem::and)
    }
}

impl Problem {
    /// The same, naming the field `name` of the body.
    fn of_field(mut self, name: &str) -> Self {
        if self.code.status() != 422 {
            return self;
        }
        match self.errors.as_mut_slice() {
            [] => {
                let detail = self.detail.clone();
                self.at(name, detail)
            }
            // Who checked the value knows it by another name.
            [error] if !is_within(&error.field, name) => {
                name.clone_into(&mut error.field);
                self
            }
            _ => self,
        }
    }

    /// Both at once.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.errors.extend(other.errors);
        Self {
            errors: self.errors,
            ..Self::new(Code::Invalid, "Several fields are wrong.")
        }
    }
}

/// Whether `field` is the field `name`, or in it.
fn is_within(field: &str, name: &str) -> bool {
    let rest = field.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
}
