//! The tests of the library as a user sees it. Those that run a system are instantiated for each engine.

mod accumulation;
mod compare;
mod delays;
mod denormals;
mod determinism;
mod devices;
mod engines;
mod errors;
mod files;
mod inputs;
mod larva;
mod late;
mod loops;
mod models;
mod monitors;
mod moves;
mod order;
mod pinned;
mod ranges;
mod reference;
mod refractory;
mod runner;
mod slopes;
mod systems;
mod translation;
