//! What a processor notes of the numbers that it computes with. Hardly ever is a number denormal; that none was is known for the
//! price of an instruction that has all results for an operand, and a look at the status register when all lanes are done.

use std::arch::asm;
use std::sync::LazyLock;

/// Set in the status register from the first operand on that is denormal.
pub(super) const DENORMAL: u32 = 1 << 1;

/// How the register is when a program begins: nothing noted, no exception.
const INITIAL: u32 = 0x1f80;

/// Whether denormal operands are noted. Processors do, some programs that stand for one do not.
pub(super) fn is_noted() -> bool {
    static NOTED: LazyLock<bool> = LazyLock::new(|| {
        let mut words = [0, INITIAL, 0];
        let least = f32::from_bits(1);
        // SAFETY: it writes the words and a register that it names, and leaves the status register as it was.
        unsafe {
            asm!(
                "stmxcsr [{words}]",
                "ldmxcsr [{words} + 4]",
                "addss {sum}, {sum}",
                "stmxcsr [{words} + 8]",
                "ldmxcsr [{words}]",
                words = in(reg) words.as_mut_ptr(),
                sum = inout(xmm_reg) least => _,
                options(nostack),
            );
        }
        words[2] & DENORMAL != 0
    });
    *NOTED
}
