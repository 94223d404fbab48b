//! Damage, at random.

use fastrand::Rng;

/// Numbers that lengths, offsets and shapes are afraid of.
const NUMBERS: [u64; 14] = [
    0,
    1,
    2,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 32,
    1_000_000_000_000_000,
    1 << 60,
    i64::MAX as u64,
    u64::MAX,
];

/// Changes an input in one to a few ways; `others` are inputs to take pieces from, `words` what the format is made of.
pub fn mutate(rng: &mut Rng, input: &[u8], others: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    let times = 1 + rng.usize(..8) * rng.usize(..2);
    for _ in 0..times {
        once(rng, &mut bytes, others, words);
    }
    bytes
}

fn once(rng: &mut Rng, bytes: &mut Vec<u8>, others: &[Vec<u8>], words: &[&str]) {
    if bytes.is_empty() {
        bytes.push(rng.u8(..));
    }
    let at = rng.usize(..bytes.len());
    let rest = bytes.len() - at;
    match rng.u8(..10) {
        0 | 1 => bytes[at] ^= 1 << rng.u8(..8),
        2 => bytes.truncate(at),
        // a piece twice, or many times
        3 => {
            let piece = bytes[at..at + rng.usize(..rest.min(256)) + 1].to_vec();
            for _ in 0..rng.usize(..16) + 1 {
                bytes.splice(at..at, piece.iter().copied());
            }
        }
        // a piece of another input in the place of one of this
        4 => {
            let other = &others[rng.usize(..others.len())];
            let from = rng.usize(..other.len());
            let piece = &other[from..from + rng.usize(..(other.len() - from).min(1024)) + 1];
            let end = at + rng.usize(..rest.min(1024)) + 1;
            bytes.splice(at..end, piece.iter().copied());
        }
        // a number as bytes, over what is there
        5 => {
            let number = number(rng);
            let width = [1, 2, 4, 8][rng.usize(..4)].min(rest);
            let little = number.to_le_bytes();
            bytes[at..at + width].copy_from_slice(&little[..width]);
        }
        // a number as digits, in the place of digits where there are some
        6 => {
            let from = (at..bytes.len()).find(|&k| bytes[k].is_ascii_digit()).unwrap_or(at);
            let end = (from..bytes.len()).find(|&k| !bytes[k].is_ascii_digit());
            let text = number(rng).to_string();
            bytes.splice(from..end.unwrap_or(bytes.len()), text.bytes());
        }
        7 => {
            let length = rng.usize(..rest.min(64)) + 1;
            let byte = [0, 0xff, b' ', b'(', b'[', b'{', rng.u8(..)][rng.usize(..7)];
            bytes[at..at + length].fill(byte);
        }
        8 => {
            let word = words[rng.usize(..words.len())];
            let end = if rng.bool() { at } else { (at + word.len()).min(bytes.len()) };
            bytes.splice(at..end, word.bytes());
        }
        _ => {
            let end = at + rng.usize(..rest.min(256)) + 1;
            bytes.drain(at..end);
        }
    }
}

fn number(rng: &mut Rng) -> u64 {
    let number = NUMBERS[rng.usize(..NUMBERS.len())];
    if rng.bool() { number } else { number.wrapping_sub(rng.u64(..16)) }
}
