//! The example `larva`: a whole brain on both engines.

use std::path::Path;

use dsrunner::{DSRunner, Steps};

use crate::compare::equal;
use crate::engines::gpu;

#[path = "../../examples/larva/network.rs"]
mod network;

use network::{Cells, network};

fn data(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data").join(name)
}

/// Steps and cells of all spikes in the first 300 ms.
fn raster(device: &str) -> (Vec<u64>, Vec<u32>) {
    let cells = Cells::read(&data("larva_neurons.csv")).unwrap();
    let net = network(&cells, &data("larva_edges.csv"), 0.6, 20.0).unwrap();
    let mut runner = DSRunner::builder(net)
        .monitor("cells.spike")
        .seed(1)
        .progress_bar(false)
        .device(device)
        .build()
        .unwrap();
    runner.run(Steps(3000)).unwrap();
    let events = runner.mon().events("cells.spike").unwrap();
    (events.steps, events.indices)
}

#[test]
fn the_same_raster_on_both_engines() {
    let Some(device) = gpu() else { return };
    let (cpu, other) = (raster("cpu"), raster(&device));
    assert!(cpu.0.len() > 3000, "only {} spikes", cpu.0.len());
    equal("steps", &other.0, &cpu.0).must();
    equal("cells", &other.1, &cpu.1).must();
}

#[test]
fn the_tables_fit_together() {
    let cells = Cells::read(&data("larva_neurons.csv")).unwrap();
    assert_eq!(cells.groups[0].name, "sensories");
    assert_eq!(cells.groups.iter().map(|g| g.cells.len()).sum::<usize>(), cells.ids.len());
    let net = network(&cells, &data("larva_edges.csv"), 0.6, 20.0).unwrap();
    let runner = DSRunner::builder(net).device("cpu").build().unwrap();
    // a synapse for each line of the table, and one for each sensory cell
    let lines = std::fs::read_to_string(data("larva_edges.csv")).unwrap().lines().count() - 1;
    assert_eq!(runner.synapses(), lines + cells.groups[0].cells.len());
}
