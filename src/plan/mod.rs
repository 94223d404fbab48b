//! One step as data: what lies where, and what is done to it. Nothing here knows wgpu, and nothing here knows neurons.
//!
//! All variables and parameters are ranges of one *arena* of 32-bit words, and all fixed-point sums ranges of another,
//! the *accumulators*. Both engines have the same arenas, so the state has one layout.

mod build;
mod components;
mod constants;
mod couplings;
mod data;
mod delay_lines;
mod delays;
mod display;
mod expressions;
mod fixed;
mod host;
mod inputs;
mod kernels;
mod layout;
mod offsets;
mod packed;
mod parameters;
mod records;
mod rules;
mod select;
mod sites;
mod sources;
mod state;
mod step;

pub(crate) use build::{Description, Host, RecordedSystem, build};
pub(crate) use data::{
    Binding, Column, DeliveryBlock, Gather, InputOp, ParameterRef, Plan, PlanVariable, Population,
    PopulationMember, Record, Role, Scale, Source, Space, longest,
};
pub(crate) use inputs::{check_offsets, check_target};
pub(crate) use offsets::Offsets;
pub(crate) use packed::{packed, packed_words, unpacked};
pub(crate) use records::HostRecord;
pub(crate) use select::Selected;
pub(crate) use sources::{RowSource, Rows, array, words};
pub(crate) use state::State;
pub(crate) use step::{
    BEYOND, DelayLine, DerivedColumn, DerivedLoad, DerivedWork, Fold, KernelArray, KernelGive,
    KernelOp, Number, SamplingSchedule, Schedule, ScheduleEntry, StepOp,
};
