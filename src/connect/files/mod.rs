//! Connectivity from files: tables of edges and ids (CSV), sparse matrices as scipy writes them (npz).

mod csv;
mod edges;
mod ids;
mod npy;
mod sparse;

pub use csv::Csv;
pub use edges::{EdgeList, EdgeReader, Pairs};
pub use ids::{Id, Ids};
pub use sparse::SparseMatrix;
