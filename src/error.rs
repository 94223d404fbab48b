//! The one error type of the crate.

use std::fmt;

/// Result of everything that can fail here.
pub type Result<T> = std::result::Result<T, Error>;

/// Result of something that knows what is wrong but not where; the caller adds the place.
pub(crate) type Explained<T> = std::result::Result<T, String>;

/// A place in a model's text, shown with the line and a caret below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file, or the name that was given to a text.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// The text of the line.
    pub text: String,
}

impl Location {
    /// The place of byte `offset` of `source`.
    pub(crate) fn of(file: &str, source: &str, offset: usize) -> Self {
        let before = source.get(..offset).unwrap_or(source);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            file: file.into(),
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
            text: source[start..].lines().next().unwrap_or("").into(),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // tabs stay tabs, so that the caret stands below its character
        let lead: String = self
            .text
            .chars()
            .take(self.column - 1)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        writeln!(f, "{margin}--> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "{number} | {}", self.text)?;
        write!(f, "{margin} | {lead}^")
    }
}

/// What can go wrong. Every message says what was wrong, where, and what would be right.
///
/// Bad input is found when a runner is built, or when a call is made, before anything has changed.
///
/// ```
/// use dsrunner::{DSRunner, Error, neurons};
///
/// let error = DSRunner::builder(neurons::lif(10)).monitor("v").build().unwrap_err();
/// assert!(matches!(error, Error::UnknownPath { .. }));
/// assert!(error.to_string().contains("did you mean `V`?"));
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A model's text is not valid WGSL.
    #[error("model `{model}`: {message}\n{location}{}", note(.help))]
    ModelSyntax {
        /// Name of the model.
        model: String,
        /// What the WGSL front end says.
        message: String,
        /// Where.
        location: Box<Location>,
        /// What would be right, where known.
        help: String,
    },
    /// A model's text is valid WGSL, but does not keep the contract of a model file.
    #[error("model `{model}`: {message}\n{location}\nhelp: {help}")]
    ModelContract {
        /// Name of the model.
        model: String,
        /// What is missing or wrong.
        message: String,
        /// Where.
        location: Box<Location>,
        /// What the contract wants.
        help: String,
    },
    /// The method `exp_euler` differentiates a model's right-hand side, and this one cannot be differentiated.
    #[error(
        "model `{model}`: `{function}` cannot be differentiated for the method `exp_euler`, because of {construct}\n\
         {location}\nhelp: {help}"
    )]
    NotDifferentiable {
        /// Name of the model.
        model: String,
        /// The function.
        function: String,
        /// What is in the way.
        construct: String,
        /// Where.
        location: Box<Location>,
        /// What to do instead.
        help: &'static str,
    },
    /// A parameter is NaN, or is not what its model wants; see the rules in [`Model`](crate::Model).
    #[error("{given}, but {wanted}{}", at(.location))]
    Parameter {
        /// Path of the parameter; where a rule reads several, of the first.
        path: String,
        /// What the rule reads, with the values of the first element that breaks it.
        given: String,
        /// The rule, as the model's text has it.
        wanted: String,
        /// Where in the model's text.
        location: Option<Box<Location>>,
    },
    /// A model uses WGSL that an engine cannot run.
    #[error("model `{model}`: the engines cannot run {construct}{}\nhelp: {help}", at(.location))]
    Unsupported {
        /// Name of the model.
        model: String,
        /// What is not supported.
        construct: String,
        /// Where, if it is in a text of the user's.
        location: Option<Box<Location>>,
        /// What to write instead.
        help: String,
    },
    /// A path names no node, variable or parameter.
    #[error("no {what} `{path}`{}", suggestion(.nearest, .known))]
    UnknownPath {
        /// What was looked for.
        what: &'static str,
        /// The path as given.
        path: String,
        /// Existing names that are near it, best first.
        nearest: Vec<String>,
        /// Existing names, where none is near.
        known: Vec<String>,
    },
    /// A value's shape does not broadcast to the shape of what it is for.
    #[error(
        "{what}: a value of shape {given:?} does not broadcast to shape {wanted:?}; give {hint}"
    )]
    Shape {
        /// What the value is for, by path.
        what: String,
        /// Shape of the value.
        given: Vec<usize>,
        /// Shape of the target.
        wanted: Vec<usize>,
        /// Shapes that would do.
        hint: String,
    },
    /// A name is taken, reserved or not an identifier.
    #[error("the name `{name}` {reason}")]
    Name {
        /// The name as given.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A monitor is malformed: its key, its index, what it combines, or what its closure gives.
    #[error("monitor `{key}`: {reason}")]
    Monitor {
        /// The monitor's key.
        key: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// An input is malformed.
    #[error("input to `{target}`: {reason}")]
    Input {
        /// Path of the target.
        target: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A setting has a value that it cannot have.
    #[error("`{setting}` is {given}, but must be {wanted}")]
    Setting {
        /// Name of the setting.
        setting: &'static str,
        /// The value as given.
        given: String,
        /// What it must be.
        wanted: String,
    },
    /// A node cannot be built.
    #[error("node `{node}`: {reason}")]
    Node {
        /// Path or name of the node.
        node: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The results hold other values than were asked for.
    #[error("`{key}` holds {held} values, not {asked}")]
    Kind {
        /// The monitor's key or the variable's path.
        key: String,
        /// Type of what is there.
        held: &'static str,
        /// Type that was asked for.
        asked: &'static str,
    },
    /// With `jit` off: an operation of a step left a value that is NaN or infinite, or was to use an index beyond the end.
    #[error("step {step}, node `{node}`: {found}; {what}")]
    Fault {
        /// Number of the step.
        step: u64,
        /// Path of the node.
        node: String,
        /// Which operation it was.
        what: &'static str,
        /// The value, its element and its variable; of an index also where it is used, as far as that is known.
        found: String,
    },
    /// The loops of a model or a kernel went round more often for an element in a step than
    /// [`loop_limit`](crate::RunnerBuilder::loop_limit) allows.
    #[error(
        "node `{node}`: the loops of `{function}` have not ended after {limit} iterations{}\nhelp: {help}",
        at(.location)
    )]
    EndlessLoop {
        /// Path of the node.
        node: String,
        /// The function.
        function: String,
        /// How many iterations are allowed.
        limit: u32,
        /// What would help.
        help: &'static str,
        /// The loop that was under way, where it is in a model's own text.
        location: Option<Box<Location>>,
    },
    /// A device that is not there.
    #[error("no device `{asked}`{}; there are:\n{}{}", asker(.by), .available.join("\n"), note(.help))]
    NoDevice {
        /// What was asked for.
        asked: String,
        /// Who asked for it, where it was not the call: an environment variable.
        by: Option<&'static str>,
        /// The devices that are there, a line each.
        available: Vec<String>,
        /// Why there are no more, where the crate is built without its feature `gpu`.
        help: &'static str,
    },
    /// The network needs more than a device has.
    #[error("{what}: {needed} is needed, but {device} has {available}; {help}")]
    Limit {
        /// What needs it.
        what: String,
        /// How much it needs.
        needed: String,
        /// How much there is.
        available: String,
        /// The device.
        device: String,
        /// What would be right.
        help: &'static str,
    },
    /// The device failed, or it refused a kernel.
    #[error("device {device}: {reason}")]
    Device {
        /// The device.
        device: String,
        /// What it reported.
        reason: String,
    },
    /// A file cannot be read, or what it holds is wrong.
    #[error("{path}{}: {reason}", within(.place))]
    File {
        /// The file.
        path: String,
        /// Where in it, where that is known: a line (counted from 1), or the member of an archive.
        place: Option<String>,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A picture cannot be drawn.
    #[error("cannot draw `{path}`: {reason}")]
    Plot {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

/// The message: what `unwrap` and a `main` that returns an error print is read by people.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn note(help: &str) -> String {
    if help.is_empty() { String::new() } else { format!("\nhelp: {help}") }
}

fn at(location: &Option<Box<Location>>) -> String {
    location.as_ref().map_or_else(String::new, |location| format!("\n{location}"))
}

fn asker(by: &Option<&'static str>) -> String {
    by.map_or_else(String::new, |by| format!(", which {by} asks for"))
}

fn within(place: &Option<String>) -> String {
    place.as_ref().map_or_else(String::new, |place| format!(", {place}"))
}

fn suggestion(nearest: &[String], known: &[String]) -> String {
    match (nearest, known) {
        ([], []) => "; there is none at all".into(),
        ([], known) => format!("; there are {}", quoted(known)),
        ([best, ..], _) => format!("; did you mean `{best}`?"),
    }
}

/// The names, each in quotes.
pub(crate) fn quoted(names: &[String]) -> String {
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

/// What would be right where no device is known but the CPU engine.
const WITHOUT_GPU: &str =
    "dsrunner is built without its feature `gpu`; with it, as by default, GPUs are among them";

/// A number as people read it, without hundreds of digits.
pub(crate) fn number(value: f64) -> String {
    let plain = value.to_string();
    if plain.len() <= 20 { plain } else { format!("{value:e}") }
}

/// Up to three of the names that are near what was asked for, best first.
pub(crate) fn nearest(asked: &str, known: &[String]) -> Vec<String> {
    let asked = asked.to_lowercase();
    let mut near: Vec<(f64, &String)> = known
        .iter()
        .map(|name| (strsim::jaro_winkler(&name.to_lowercase(), &asked), name))
        .filter(|(score, _)| *score > 0.75)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}

impl Error {
    /// An unknown path, with the existing names that are near it.
    pub(crate) fn unknown(
        what: &'static str,
        path: &str,
        known: impl IntoIterator<Item = String>,
    ) -> Self {
        let known: Vec<String> = known.into_iter().collect();
        let nearest = nearest(path, &known);
        Self::UnknownPath { what, path: path.into(), nearest, known }
    }

    /// A device that is not among those that are there.
    pub(crate) fn no_device<D: fmt::Display>(asked: &str, there: &[D]) -> Self {
        let available = there.iter().map(ToString::to_string).collect();
        let help = if cfg!(feature = "gpu") { "" } else { WITHOUT_GPU };
        Self::NoDevice { asked: asked.into(), by: None, available, help }
    }

    /// The same with who chose the device on which it occurred.
    pub(crate) fn chosen_by(mut self, who: &'static str) -> Self {
        match &mut self {
            Self::NoDevice { by, .. } => *by = Some(who),
            Self::Limit { device, .. } | Self::Device { device, .. } => {
                device.push_str(&format!(" (chosen by {who})"));
            }
            _ => {}
        }
        self
    }

    /// A value whose shape does not fit.
    pub(crate) fn shape(what: impl Into<String>, given: &[usize], wanted: &[usize]) -> Self {
        Self::Shape {
            what: what.into(),
            given: given.to_vec(),
            wanted: wanted.to_vec(),
            hint: match wanted {
                [] => "a scalar".into(),
                wanted => format!("a scalar or an array of shape {wanted:?}"),
            },
        }
    }

    /// A file that cannot be read, or that is wrong at a place in it.
    pub(crate) fn file(
        path: &std::path::Path,
        place: Option<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self::File { path: path.display().to_string(), place, reason: reason.into() }
    }
}
