//! Flags, 32 to a word.

/// Words of a packed row of flags.
pub(crate) fn packed_words(flags: usize) -> usize {
    flags.div_ceil(32)
}

/// Sets the flags of the elements in a packed row.
pub(crate) fn packed(row: &mut [u32], elements: &[u32]) {
    elements.iter().for_each(|&e| row[e as usize / 32] |= 1 << (e % 32));
}

/// The elements whose flags are set in a packed row, in order.
pub(crate) fn unpacked(row: &[u32]) -> Vec<u32> {
    let mut elements = Vec::new();
    for (k, &word) in (0..).zip(row) {
        let mut left = word;
        // most words of a row of spikes are empty
        while left != 0 {
            elements.push(32 * k + left.trailing_zeros());
            left &= left - 1;
        }
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::{packed, packed_words, unpacked};

    #[test]
    fn flags_come_back() {
        for elements in [vec![], vec![0], vec![31, 32, 63], vec![0, 5, 95]] {
            let mut row = vec![0; packed_words(96)];
            packed(&mut row, &elements);
            assert_eq!(unpacked(&row), elements);
        }
        assert_eq!([0, 1, 32, 33].map(packed_words), [0, 1, 1, 2]);
    }
}
