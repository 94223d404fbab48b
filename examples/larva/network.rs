//! The network: cells and connections from two tables, drive of the sensory cells.

use std::path::Path;

use dsrunner::{
    Connect, EdgeList, Group, Ids, Init, Network, Pairs, Projection, neurons, outputs, sources,
    synapses,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Cell groups from the senses to the outputs of the brain. Others stand behind them.
const ORDER: [&str; 17] = [
    "sensories",
    "ascendings",
    "PNs",
    "PNs-somato",
    "LNs",
    "LHNs",
    "FFNs",
    "KCs",
    "MBINs",
    "MBONs",
    "MB-FBNs",
    "CNs",
    "pre-dSEZs",
    "dSEZs",
    "pre-dVNCs",
    "dVNCs",
    "RGNs",
];

/// The group that is driven.
const SENSES: &str = "sensories";

/// Groups whose synapses inhibit; all others are taken to excite, since the data name no transmitters. Local neurons are
/// mostly GABAergic or glutamatergic; of the mushroom body, its input neurons have the GABAergic APL and modulatory cells,
/// and of its output neurons about half are GABAergic or glutamatergic.
const INHIBITORY: [&str; 3] = ["LNs", "MBINs", "MBONs"];

/// Delay of all connections. It and the cells' constants are those of the whole-brain model of the adult fly by Shiu et al.
/// (2024), which has leaky integrate-and-fire cells and weights in proportion to the number of synapses too.
const DELAY_MS: f64 = 1.8;

/// What a spike of the stimulus adds to a sensory cell's drive: enough for a spike at once.
const STIMULUS_MV: f64 = 70.0;

/// The cells of a group.
pub struct CellGroup {
    pub name: String,
    pub cells: std::ops::Range<usize>,
}

/// The cells sorted by group.
pub struct Cells {
    pub ids: Ids,
    pub groups: Vec<CellGroup>,
}

impl Cells {
    /// Reads a table with the columns `id` and `group`.
    pub fn read(path: &Path) -> Result<Self> {
        let wrong = |error: csv::Error| format!("{}: {error}", path.display());
        let mut table = csv::Reader::from_path(path).map_err(wrong)?;
        let headers = table.headers().map_err(wrong)?.clone();
        let column = |name: &str| {
            headers
                .iter()
                .position(|h| h.trim() == name)
                .ok_or_else(|| format!("{}: no column `{name}`", path.display()))
        };
        let (id, group) = (column("id")?, column("group")?);
        let mut names: Vec<String> = ORDER.map(String::from).into();
        let mut cells: Vec<(usize, String)> = Vec::new();
        for row in table.records() {
            let row = row.map_err(wrong)?;
            let name = row.get(group).unwrap_or_default();
            let place = names.iter().position(|n| n == name).unwrap_or_else(|| {
                names.push(name.into());
                names.len() - 1
            });
            cells.push((place, row.get(id).unwrap_or_default().into()));
        }
        cells.sort_by_key(|(place, _)| *place);
        let groups = cells
            .chunk_by(|a, b| a.0 == b.0)
            .scan(0, |start, chunk| {
                let cells = *start..*start + chunk.len();
                *start = cells.end;
                Some(CellGroup { name: names[chunk[0].0].clone(), cells })
            })
            .collect();
        Ok(Self { ids: Ids::new(cells.into_iter().map(|(_, id)| id))?, groups })
    }

    fn group_of(&self, cell: u32) -> &str {
        let inside = |g: &&CellGroup| g.cells.contains(&(cell as usize));
        self.groups.iter().find(inside).map_or("", |g| &g.name)
    }
}

/// Leaky integrate-and-fire cells, connected as the table `edges` (`source`, `target`, `synapses`) says, each synapse with
/// `weight_mv`. Each sensory cell gets spikes of its own at `rate_hz`, each of which makes it fire.
pub fn network(cells: &Cells, edges: &Path, weight_mv: f64, rate_hz: f64) -> Result<Network> {
    let edges = EdgeList::from_csv_weighted(edges, "source", "target", "synapses")?;
    let pairs = edges.between(&cells.ids, &cells.ids)?;
    let brain: Group = neurons::lif_ref(cells.ids.len())
        .param("V_rest", -52.0)
        .param("V_reset", -52.0)
        .param("V_th", -45.0)
        .param("tau", 20.0)
        .param("tau_ref", 2.2)
        .init("V", Init::uniform(-52.0, -45.0));
    let sign = |&pre: &u32| if INHIBITORY.contains(&cells.group_of(pre)) { -1.0 } else { 1.0 };
    let Pairs { pre, weights, .. } = &pairs;
    let weights: Vec<f64> =
        pre.iter().zip(weights).map(|(pre, count)| sign(pre) * weight_mv * count).collect();
    let wiring = Projection::new(&brain, &brain)
        .connect(pairs.connect())
        .weight(weights)
        .delay(DELAY_MS)
        .synapse(synapses::expon().param("tau", 5.0))
        .output(outputs::cuba());

    let senses = cells.groups.iter().find(|g| g.name == SENSES).map(|g| g.cells.clone());
    let senses = senses.ok_or(format!("no cell is of the group `{SENSES}`"))?;
    let drive = sources::poisson(senses.len()).param("freqs", rate_hz);
    let targets: Vec<u32> = senses.map(|cell| cell as u32).collect();
    let stimulus = Projection::new(&drive, &brain)
        .connect(Connect::coo((0..targets.len() as u32).collect::<Vec<_>>(), targets))
        .weight(STIMULUS_MV)
        .synapse(synapses::expon().param("tau", 5.0))
        .output(outputs::cuba());
    Ok(Network::new()
        .with("cells", brain)
        .with("wiring", wiring)
        .with("drive", drive)
        .with("stimulus", stimulus))
}
