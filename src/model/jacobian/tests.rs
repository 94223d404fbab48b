//! Derivatives against central differences in f64, at random states.

use super::*;
use crate::model::Model;
use crate::random::RandomStream;
use crate::scalar::{Origin, ValueId};

/// All that can be differentiated, in one right-hand side.
const EVERYTHING: &str = "
    struct Params { a: f32, b: f32 }
    struct State { x: f32, y: f32, z: f32, w: f32 }
    struct Derivative { x: f32, y: f32, z: f32, w: f32 }
    struct Pair { low: f32, high: f32 }
    fn bump(v: f32) -> Pair {
        if v > 0.7 { return Pair(v * v, sqrt(v)); }
        return Pair(exp(v), inverseSqrt(v + 1.0));
    }
    fn scaled(out_value: ptr<function, f32>, by: f32) { *out_value *= by; }
    fn derivative(s: State, p: Params) -> Derivative {
        var sum = sin(s.x) * cos(p.a * s.x) + tan(0.3 * s.x) + log(s.x + 2.0) - log2(s.x + 3.0);
        scaled(&sum, s.x);
        var y = pow(s.y, p.b) + pow(p.b, s.y) + atan2(s.y, p.a) + atan2(p.a, s.y) + exp2(s.y);
        if s.y > 0.6 { y += s.y * s.x; } else { y = y / (1.0 + s.y * s.y); }
        let pair = bump(s.y);
        let v = vec3<f32>(s.z, s.z * s.z, p.a);
        var z = dot(v.zyx, vec3<f32>(1.0, s.x, 3.0)) + mix(s.z, s.x, s.z) + smoothstep(0.0, 2.0, s.z);
        switch i32(s.x * 10.0) % 3 {
            case 0: { z += sinh(s.z) + cosh(s.z) - tanh(s.z); }
            case 1: { z += asin(0.5 * s.z) + acos(0.4 * s.z) + atan(s.z); }
            default: { z += asinh(s.z) + acosh(2.0 + s.z) + atanh(0.5 * s.z); }
        }
        let w = exprel(s.w - 0.8) + exprel(8.0 * s.w) + max(s.w, p.a) * min(s.w, 0.5)
            + abs(s.w - 1.0) + sign(s.w) * clamp(s.w, 0.3, 0.9) + fract(s.w) - (5.0 * s.w) % 1.7
            + select(s.w, -s.w, s.w < 0.6) + f32(i32(floor(s.w) + ceil(s.w) + round(s.w) + trunc(s.w)))
            + select(0.0, 2.0 * s.w, is_finite(s.w)) + fma(s.w, s.w, 1.0) + degrees(s.w) + step(0.5, s.w);
        return Derivative(sum, y * pair.low + pair.high, z, w);
    }
";

/// The operations in f64. Truths are 0 and 1.
fn evaluate(lowered: &Lowered, streams: &[f64]) -> Vec<f64> {
    let mut values = vec![f64::NAN; lowered.values.len()];
    for (id, origin) in lowered.values.iter().enumerate() {
        match *origin {
            Origin::Column(stream) => values[id] = streams[stream],
            Origin::Constant(bits) => values[id] = constant(bits),
            _ => {}
        }
    }
    for op in lowered.prologue.iter().chain(&lowered.body) {
        let [a, b, c] = op.args.map(|id: ValueId| values[id as usize]);
        let truth = |t: bool| if t { 1.0 } else { 0.0 };
        use Code::*;
        values[op.dst as usize] = match op.code {
            Copy => a,
            Not => 1.0 - a,
            NegF | NegI => -a,
            AbsF => a.abs(),
            SignF => a.signum(),
            FloorF => a.floor(),
            CeilF => a.ceil(),
            RoundF => a.round_ties_even(),
            TruncF | FtoI => a.trunc(),
            FractF => a - a.floor(),
            SqrtF => a.sqrt(),
            InverseSqrtF => 1.0 / a.sqrt(),
            ExpF => a.exp(),
            Exp2F => a.exp2(),
            LogF => a.ln(),
            Log2F => a.log2(),
            SinF => a.sin(),
            CosF => a.cos(),
            TanF => a.tan(),
            AsinF => a.asin(),
            AcosF => a.acos(),
            AtanF => a.atan(),
            SinhF => a.sinh(),
            CoshF => a.cosh(),
            TanhF => a.tanh(),
            AsinhF => a.asinh(),
            AcoshF => a.acosh(),
            AtanhF => a.atanh(),
            ExprelF => a.exp_m1() / a,
            ItoF | UtoF | BtoF | BtoI => a,
            AddF | AddI => a + b,
            SubF | SubI => a - b,
            MulF | MulI => a * b,
            DivF => a / b,
            RemF | RemI => a - b * (a / b).trunc(),
            MinF => a.min(b),
            MaxF => a.max(b),
            PowF => a.powf(b),
            Atan2F => a.atan2(b),
            // of these the model masks exponent bits only, to see whether a number is finite
            And if lowered.kinds[op.dst as usize] == crate::scalar::LaneKind::U => 0.0,
            // of these one makes an angle of the time, which the state does not enter: any number will do
            Shl | ShrI | ShrU | Xor => 0.0,
            And => a * b,
            Or => a.max(b),
            EqF | EqI => truth(a == b),
            NeF | NeI => truth(a != b),
            LtF | LtI | LtU => truth(a < b),
            LeF | LeI | LeU => truth(a <= b),
            Select => [c, b][a as usize],
            other => panic!("{other:?} is not in the test's models"),
        };
    }
    lowered.outputs.iter().map(|&id| values[id as usize]).collect()
}

/// A constant's bits are those of an f32, of a small whole number, or of a truth.
fn constant(bits: u32) -> f64 {
    match bits {
        u32::MAX => 1.0,
        bits if bits < 1 << 16 => f64::from(bits),
        bits => f64::from(f32::from_bits(bits)),
    }
}

/// Compares each derivative at 200 states.
fn check(model: &Model, range: impl Fn(&str) -> (f64, f64)) {
    let inner = model.inner();
    let arguments = inner.functions.derivative.as_deref().unwrap();
    let state = arguments.iter().position(|a| *a == Argument::State).unwrap();
    let variables: Vec<(usize, usize)> = inner.derivative.iter().map(|&m| (state, m)).collect();
    let field = Field {
        module: &inner.module,
        function: "derivative",
        primitive: &primitive,
        variables: &variables,
    };
    let (jacobian, names) = field.differentiated().unwrap();
    let inputs: Vec<Access> = (0..names.len()).map(Access::Column).collect();
    let options = Options { primitive: &primitive, loops: false, ..Options::default() };
    let function = lower(&inner.module, "derivative", &inputs, &options).unwrap();
    let first = field.leaves().iter().position(|(a, _)| *a == state).unwrap();
    let mut largest = 0.0f64;
    for case in 0..200 {
        let mut draws = RandomStream::new([1, 0], case);
        let at: Vec<f64> = names
            .iter()
            .map(|name| range(name))
            .map(|(low, high)| low + (high - low) * draws.uniform())
            .collect();
        let found = evaluate(&jacobian, &at);
        for (k, &(_, member)) in variables.iter().enumerate() {
            let step = 1e-5 * (1.0 + at[first + member].abs());
            let beside = |sign: f64| {
                let mut moved = at.clone();
                moved[first + member] += sign * step;
                evaluate(&function, &moved)[k]
            };
            let wanted = (beside(1.0) - beside(-1.0)) / (2.0 * step);
            // the difference has a relative error of some step^2, and constants are f32
            let tolerance = 1e-6 * (1.0 + wanted.abs());
            assert!(
                (found[k] - wanted).abs() < tolerance,
                "{}, equation {k}, {names:?} = {at:?}: {} but differences give {wanted}",
                model.name(),
                found[k]
            );
            largest = largest.max(wanted.abs());
        }
    }
    assert!(largest > 0.01, "{}: nothing depends on anything", model.name());
}

#[test]
fn everything_against_differences() {
    let model = Model::from_wgsl("Everything", EVERYTHING).unwrap();
    check(&model, |_| (0.2, 1.3));
}

#[test]
fn shipped_models_against_differences() {
    let groups = [
        crate::neurons::hh(1),
        crate::neurons::izhikevich(1),
        crate::neurons::lif_ref(1),
        crate::odes::forced(1),
        crate::odes::lorenz(1),
        crate::odes::van_der_pol(1),
    ];
    let components = groups.iter().map(|g| g.inner().component.clone());
    for component in components.chain([crate::synapses::expon()]) {
        let potential = |name: &str| name.ends_with(".V") || name.contains(".E_");
        check(&component.model.unwrap(), |n| if potential(n) { (-90.0, 40.0) } else { (0.1, 1.5) });
    }
}

#[test]
fn what_cannot_be_differentiated() {
    let message = |body: &str| {
        let text = format!(
            "struct State {{ x: f32 }}\nstruct Derivative {{ x: f32 }}\nfn derivative(s: State) -> Derivative {{\n{body}\n}}\n"
        );
        let model = Model::from_wgsl("Test", &text).unwrap();
        model.inner().check_derivative(GIVE_IT).map_err(|e| e.to_string())
    };
    let help = "\nhelp: give `fn jacobian(..) -> Derivative`, the derivative of each member of `Derivative` with respect \
                to its own variable, or use another method, such as `Method::RK4`";
    assert_eq!(
        message("    var sum = 0.0;\n    for (var k = 0; k < 3; k++) { sum += s.x; }\n    return Derivative(sum);")
            .unwrap_err(),
        format!(
            "model `Test`: `derivative` cannot be differentiated for the method `exp_euler`, because of a loop\n --> \
             Test:5:5\n5 |     for (var k = 0; k < 3; k++) {{ sum += s.x; }}\n  |     ^{help}"
        )
    );
    assert_eq!(
        message(
            "    let bits = bitcast<u32>(s.x) ^ 1u;\n    return Derivative(bitcast<f32>(bits));"
        )
        .unwrap_err(),
        format!(
            "model `Test`: `derivative` cannot be differentiated for the method `exp_euler`, because of the bits of a \
             number that depends on the state\n --> Test:4:16\n4 |     let bits = bitcast<u32>(s.x) ^ 1u;\n  |                ^{help}"
        )
    );
    // what does not depend on the variable, or is constant between jumps, is no obstacle
    message("    return Derivative(f32(i32(s.x) ^ 3));").unwrap();
    message("    return Derivative(select(1.0, s.x, is_nan(s.x)));").unwrap();
}
