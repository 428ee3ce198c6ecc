//! The results: a line for each figure when it is measured, and a table.

#[derive(Default)]
pub(crate) struct ClientFigures {
    rows: Vec<String>,
}

impl ClientFigures {
    /// Adds a figure without a target.
    pub(crate) fn add(&mut self, scenario: &str, name: &str, value: f64) {
        self.add_row(scenario, name, value, "");
    }

    /// Adds a figure that should be at most `target`.
    pub(crate) fn add_with_target(
        &mut self,
        scenario: &str,
        (name, target): (&str, f64),
        value: f64,
    ) {
        let met = if value <= target { "yes" } else { "not yet" };
        self.add_row(scenario, name, value, &format!("{target}: {met}"));
    }

    fn add_row(&mut self, scenario: &str, name: &str, value: f64, target: &str) {
        let value = if value < 100.0 {
            format!("{value:.2}")
        } else {
            format!("{value:.0}")
        };
        let row = format!("| {scenario} | {name} | {value} | {target} |");
        println!("{row}");
        self.rows.push(row);
    }

    pub(crate) fn print_table(&self) {
        println!("\n| scenario | figure | value | target |\n|---|---|---|---|");
        for row in &self.rows {
            println!("{row}");
        }
    }
}
