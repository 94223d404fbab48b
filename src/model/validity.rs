//! Whether naga takes a module for valid.

/// What naga's validator finds, with places.
pub(crate) type Invalid = Box<naga::WithSpan<naga::valid::ValidationError>>;

/// naga's validator under default capabilities.
pub(crate) fn validate(
    module: &naga::Module,
) -> std::result::Result<naga::valid::ModuleInfo, Invalid> {
    naga::valid::Validator::new(
        naga::valid::ValidationFlags::all(),
        naga::valid::Capabilities::empty(),
    )
    .validate(module)
    .map_err(Box::new)
}
