//! Sparse matrices as scipy writes them.

use std::path::Path;

use super::npy::NpzFile;
use crate::connect::Connect;
use crate::error::{Explained, Result};

/// A sparse matrix in compressed rows: rows are sources, columns targets, and what it holds are weights.
///
/// ```
/// use dsrunner::{Network, Projection, SparseMatrix, neurons};
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/csr.npz");
/// let matrix = SparseMatrix::from_npz(path)?; // scipy.sparse.save_npz(path, matrix.tocsr())
/// let (sources, targets) = matrix.shape();
/// let (from, to) = (neurons::lif(sources), neurons::lif(targets));
/// let forward = Projection::new(&from, &to).connect(matrix.connect()).weight(matrix.data());
/// let net = Network::new().with("from", from).with("to", to).with("forward", forward);
/// # dsrunner::DSRunner::builder(net).device("cpu").build()?;
/// # Ok::<(), dsrunner::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SparseMatrix {
    shape: (usize, usize),
    indptr: Vec<u32>,
    indices: Vec<u32>,
    data: Vec<f64>,
}

impl SparseMatrix {
    /// Reads a matrix in CSR format from an archive as `scipy.sparse.save_npz` writes it, compressed or not, with
    /// weights of any real type. A weight that is stored is a synapse, even where it is 0. Integers of 64 bits are
    /// rounded to f64.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) where the archive cannot be read, or holds something else.
    pub fn from_npz(path: impl AsRef<Path>) -> Result<Self> {
        let mut npz = NpzFile::open(path.as_ref())?;
        let format = npz.text("format")?;
        if format != "csr" {
            let reason = format!(
                "the matrix is in format `{format}`, but must be `csr`; save `matrix.tocsr()`"
            );
            return Err(npz.wrong("format", reason));
        }
        let shape = npz.integers("shape")?;
        let shape = two_axes(&shape).map_err(|reason| npz.wrong("shape", reason))?;
        let indptr = npz.integers("indptr")?;
        let indices = npz.integers("indices")?;
        let indptr = rising(&indptr, shape.0, indices.len())
            .map_err(|reason| npz.wrong("indptr", reason))?;
        let indices =
            columns(&indices, &indptr, shape.1).map_err(|reason| npz.wrong("indices", reason))?;
        let data = npz.numbers("data")?;
        weights(&data, &indices).map_err(|reason| npz.wrong("data", reason))?;
        Ok(Self { shape, indptr, indices, data })
    }

    /// How many rows and columns it has, which are sources and targets.
    pub fn shape(&self) -> (usize, usize) {
        self.shape
    }

    /// Where rows begin: row k is at `indptr[k]..indptr[k + 1]` of indices and data.
    pub fn indptr(&self) -> &[u32] {
        &self.indptr
    }

    /// The columns.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// The weights, in the order of the indices.
    pub fn data(&self) -> &[f64] {
        &self.data
    }

    /// The places of the matrix as connectivity; give the weights to the projection too.
    pub fn connect(&self) -> Connect {
        Connect::csr(&self.indptr[..], &self.indices[..])
    }
}

fn two_axes(shape: &[i64]) -> Explained<(usize, usize)> {
    // every number of a row and of a column fits into 32 bits
    let axis = |length: i64| u32::try_from(length).ok().map(|length| length as usize);
    match *shape {
        [rows, columns] => axis(rows).zip(axis(columns)).ok_or_else(|| {
            format!("the shape is {shape:?}, but must be rows and columns of at most 2^32 - 1")
        }),
        _ => Err(format!(
            "the shape is {shape:?}, but must be rows and columns; save a matrix of two axes"
        )),
    }
}

fn rising(indptr: &[i64], rows: usize, count: usize) -> Explained<Vec<u32>> {
    if indptr.len() != rows + 1 {
        return Err(format!(
            "has {} entries, but must have one more than there are rows, {}",
            indptr.len(),
            rows + 1
        ));
    }
    if let Some(row) = indptr.windows(2).position(|w| w[0] > w[1]) {
        return Err(format!(
            "falls from {} to {} in row {row}, but must rise",
            indptr[row],
            indptr[row + 1]
        ));
    }
    let (first, last) = (indptr[0], indptr[rows]);
    if first != 0 || usize::try_from(last) != Ok(count) {
        return Err(format!(
            "goes from {first} to {last}, but must go from 0 to the number of indices, {count}"
        ));
    }
    let narrow: std::result::Result<_, _> = indptr.iter().map(|&at| u32::try_from(at)).collect();
    narrow.map_err(|_| {
        format!("{count} indices, but there must be at most 2^32 - 1; divide the matrix")
    })
}

fn columns(indices: &[i64], indptr: &[u32], columns: usize) -> Explained<Vec<u32>> {
    let column = |(at, &index): (usize, &i64)| {
        u32::try_from(index).ok().filter(|&column| (column as usize) < columns).ok_or_else(|| {
            // the last row that begins at or before it is the one that holds it
            let row = indptr.partition_point(|&start| start as usize <= at) - 1;
            format!("row {row} has index {index}; there are {columns} columns, numbered from 0")
        })
    };
    indices.iter().enumerate().map(column).collect()
}

fn weights(data: &[f64], indices: &[u32]) -> Explained<()> {
    if data.len() != indices.len() {
        return Err(format!(
            "has {} entries, but must have one for each index, {}",
            data.len(),
            indices.len()
        ));
    }
    match data.iter().position(|weight| !weight.is_finite()) {
        Some(at) => Err(format!("entry {at} is {}, but must be a finite number", data[at])),
        None => Ok(()),
    }
}
