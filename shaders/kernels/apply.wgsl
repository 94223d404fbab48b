// What an input of that kind and operation makes of a word.
fn applied(old: u32, value: u32, code: u32) -> u32 {
    let a = bitcast<f32>(old);
    let b = bitcast<f32>(value);
    let x = bitcast<i32>(old);
    let y = bitcast<i32>(value);
    switch code {
        case 0u: { return bitcast<u32>(a + b); }
        case 1u: { return bitcast<u32>(a - b); }
        case 2u: { return bitcast<u32>(a * b); }
        case 3u: { return bitcast<u32>(a / b); }
        case 5u: { return old + value; }
        case 6u: { return old - value; }
        case 7u: { return old * value; }
        case 8u: { return bitcast<u32>(x / y); }
        case 13u: { return old / value; }
        default: { return value; }
    }
}
