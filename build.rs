//! Makes the engines' elementary functions in Rust from the text that the GPU compiles: one source, so the same bits.

use std::fmt::Write as _;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rust = String::new();
    for name in ["builtins", "divide", "pinned"] {
        let path = format!("shaders/lib/{name}.wgsl");
        println!("cargo::rerun-if-changed={path}");
        for line in std::fs::read_to_string(&path)?.lines() {
            let kind = if line.starts_with("fn ") {
                "#[inline(always)]\npub(crate) "
            } else if line.starts_with("const ") {
                "pub(crate) "
            } else {
                ""
            };
            writeln!(rust, "{kind}{line}")?;
        }
    }
    let folder = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(folder.join("pinned.rs"), rust)?;
    Ok(())
}
