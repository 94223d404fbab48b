//! What a report is made of. The table and the JSON object are two forms of the same rows.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value as Json, json};

use crate::gpu::Result;

/// What a row says.
pub enum Value {
    Text(String),
    /// A number in that unit, without prefixes: `s`, `B`, `B/s`, `1/s`, `ulp`, or none.
    Number(f64, &'static str),
}

/// A line of the report.
pub struct Row {
    pub name: String,
    /// Missing where there is only a problem.
    pub value: Option<Value>,
    /// The quartiles of a number that was measured many times.
    pub spread: Option<[f64; 2]>,
    pub note: String,
    pub problem: Option<String>,
}

impl Row {
    pub fn new(name: &str, value: Value) -> Self {
        Self {
            name: name.into(),
            value: Some(value),
            spread: None,
            note: String::new(),
            problem: None,
        }
    }

    pub fn text(name: &str, text: impl Into<String>) -> Self {
        Self::new(name, Value::Text(text.into()))
    }

    pub fn number(name: &str, number: f64, unit: &'static str) -> Self {
        Self::new(name, Value::Number(number, unit))
    }

    /// The median of samples, and their quartiles.
    pub fn median(name: &str, mut samples: Vec<f64>, unit: &'static str) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |quarter: usize| samples[quarter * (samples.len() - 1) / 4];
        let spread = Some([at(1), at(3)]);
        let sound = at(0) > 0.0 && at(4).is_finite();
        Self { spread, ..Self::number(name, at(2), unit) }
            .problem_unless(sound, || "a measured time is zero or negative".into())
    }

    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    pub fn problem_unless(mut self, right: bool, problem: impl FnOnce() -> String) -> Self {
        if !right {
            // errors of wgpu have several lines
            let line = problem().split_whitespace().collect::<Vec<_>>().join(" ");
            self.problem = Some(match self.problem {
                Some(before) => format!("{before}; {line}"),
                None => line,
            });
        }
        self
    }

    /// The row, and what a check of it found.
    pub fn checked(self, check: Result<()>) -> Self {
        match check {
            Ok(()) => self,
            Err(error) => self.problem_unless(false, || error.to_string()),
        }
    }

    fn value_text(&self) -> String {
        match &self.value {
            None => "-".into(),
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Number(number, unit)) => quantity(*number, unit),
        }
    }

    fn spread_text(&self) -> String {
        match (&self.value, self.spread) {
            (Some(Value::Number(_, unit)), Some([low, high])) => {
                format!("{} to {}", quantity(low, unit), quantity(high, unit))
            }
            _ => String::new(),
        }
    }

    fn json(&self) -> Json {
        let (value, unit) = match &self.value {
            None => (Json::Null, None),
            Some(Value::Text(text)) => (json!(text), None),
            Some(Value::Number(number, unit)) => (json!(number), Some(unit)),
        };
        json!({
            "name": self.name,
            "value": value,
            "unit": unit,
            "quartiles": self.spread,
            "note": self.note,
            "problem": self.problem,
        })
    }
}

/// A number with the prefix that leaves one to three digits before the point.
fn quantity(number: f64, unit: &str) -> String {
    let scaled = |base: f64, prefixes: &[(i32, &str)]| {
        let fits = |(power, _): &&(i32, &str)| number >= 0.9995 * base.powi(*power);
        let (power, prefix) = prefixes.iter().find(fits).or(prefixes.last()).unwrap_or(&(0, ""));
        let number = number / base.powi(*power);
        let digits = if number >= 99.95 {
            0
        } else if number >= 9.995 {
            1
        } else {
            2
        };
        // 5 M/s, not 5 M1/s
        format!("{number:.digits$} {prefix}{}", unit.trim_start_matches('1'))
    };
    match unit {
        "s" => scaled(1000.0, &[(0, ""), (-1, "m"), (-2, "µ"), (-3, "n"), (-4, "p")]),
        "B/s" | "1/s" => scaled(1000.0, &[(4, "T"), (3, "G"), (2, "M"), (1, "k"), (0, "")]),
        "B" => scaled(1024.0, &[(4, "Ti"), (3, "Gi"), (2, "Mi"), (1, "Ki"), (0, "")]),
        "ulp" => format!("{number} ulp"),
        _ if number.fract() != 0.0 => format!("{number:.2e}"),
        _ => format!("{number} {unit}").trim_end().into(),
    }
}

/// Rows that belong together.
pub struct Section {
    title: &'static str,
    rows: Vec<Row>,
}

impl Section {
    pub fn new(title: &'static str) -> Self {
        Self { title, rows: Vec::new() }
    }

    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Adds the rows that `work` makes, or else a row that says why there are none; a panic in a library is a reason, too.
    pub fn attempt(&mut self, name: &str, work: impl FnOnce() -> Result<Vec<Row>>) {
        let failed = |problem: String| {
            let row = Row { value: None, ..Row::text(name, "") };
            vec![row.problem_unless(false, || problem)]
        };
        let rows = match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(rows)) => rows,
            Ok(Err(error)) => failed(error.to_string()),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or(panic.downcast_ref::<&str>().copied());
                failed(format!("panic: {}", text.unwrap_or("without a message")))
            }
        };
        self.rows.extend(rows);
    }
}

/// All about one device.
pub struct DeviceReport {
    pub device: String,
    pub sections: Vec<Section>,
}

impl DeviceReport {
    pub fn problems(&self) -> usize {
        let rows = self.sections.iter().flat_map(|section| &section.rows);
        rows.filter(|row| row.problem.is_some()).count()
    }

    pub fn json(&self) -> Json {
        let section = |section: &Section| {
            let rows: Vec<Json> = section.rows.iter().map(Row::json).collect();
            json!({ "title": section.title, "rows": rows })
        };
        let sections: Vec<Json> = self.sections.iter().map(section).collect();
        json!({ "device": self.device, "sections": sections, "problems": self.problems() })
    }
}

impl fmt::Display for DeviceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.device)?;
        for section in &self.sections {
            writeln!(f, "\n  {}", section.title)?;
            let cells: Vec<[String; 3]> = section
                .rows
                .iter()
                .map(|row| [row.name.clone(), row.value_text(), row.spread_text()])
                .collect();
            let width = |k: usize| cells.iter().map(|c| c[k].chars().count()).max().unwrap_or(0);
            let (name, value, spread) = (width(0), width(1), width(2));
            for (row, [a, b, c]) in section.rows.iter().zip(&cells) {
                let line = format!("    {a:name$}  {b:value$}  {c:spread$}  {}", row.note);
                writeln!(f, "{}", line.trim_end())?;
                if let Some(problem) = &row.problem {
                    writeln!(f, "      PROBLEM: {problem}")?;
                }
            }
        }
        Ok(())
    }
}
