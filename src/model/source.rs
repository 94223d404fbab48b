//! Texts as they were given.

/// A text as a user gave it, or as the crate has it for a shipped model: that of a model, of an expression or of a kernel. A part of
/// an [`Explanation`](crate::Explanation).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceText {
    /// Name of the model or the kernel; what an expression is for.
    pub name: String,
    /// The file that it came from; the name where it came from none, and `expression` for an expression.
    pub file: String,
    /// The text itself.
    pub text: String,
}
