//! Row `target`: a compute kernel of a user's own as a node.

use dsrunner::{
    Batch, DynamicalSystem, Group, Init, Kernel, Model, Naming, Network, NodeClass, Result,
    StepBuilder, Steps,
};

use crate::common::{error, keep, now, on, rows};
use crate::engines::{all, on_every_engine};

/// A variable of each type; they stay as they are.
fn field(shape: impl Into<dsrunner::Shape>) -> Group {
    let text = "
        struct Params { gain: f32 }
        struct State { x: f32, y: f32, n: i32, m: u32 }
        struct Input { input: f32 }
        fn defaults() -> Params { return Params(2.0); }
        fn update(s: State) -> State { return s; }
    ";
    Group::new(&Model::from_wgsl("Field", text).unwrap(), shape)
}

fn kernel(text: &str) -> Kernel {
    Kernel::from_wgsl("Custom", text).unwrap()
}

/// A stencil on a torus, with what the kernel reads and what it writes bound to one variable.
const DIFFUSE: &str = "
    @group(0) @binding(0) var<storage, read> old: array<f32>;
    @group(0) @binding(1) var<storage, read_write> x: array<f32>;
    @group(0) @binding(2) var<storage, read> gain: array<f32>;
    @group(1) @binding(7) var<uniform> sh: Shared;
    const SIZE = vec2<u32>(40u, 23u);

    fn at(p: vec2<u32>) -> f32 {
        let q = p % SIZE;
        return old[q.y * SIZE.x + q.x];
    }

    @compute @workgroup_size(8, 4)
    fn diffuse(@builtin(global_invocation_id) id: vec3<u32>) {
        let p = id.xy;
        if any(p >= SIZE) {
            return;
        }
        let sum = at(p + vec2(1u, 0u)) + at(p + vec2(SIZE.x - 1u, 0u))
            + at(p + vec2(0u, 1u)) + at(p + vec2(0u, SIZE.y - 1u));
        let here = at(p);
        x[p.y * SIZE.x + p.x] = here + 0.1 * gain[0] * sh.dt * (sum - 4.0 * here) + 0.01 * sin(here);
    }
";

fn diffusion() -> Network {
    let grid = field([23, 40]).init("x", Init::uniform(-1.0, 1.0));
    let kernel = kernel(DIFFUSE)
        .bind("old", grid.variable("x"))
        .bind("x", "grid.x")
        .bind("gain", grid.variable("gain"))
        .invocations([40, 23, 1]);
    Network::new().with("grid", grid).with("diffuse", kernel)
}

fn a1_target_kernel_stencil(device: &str) {
    let mut runner = on(device, diffusion()).monitor("grid.x").build().unwrap();
    runner.set("grid.gain", 3.0).unwrap();
    let mut wanted: Vec<f32> = now(&mut runner, "grid.x");
    runner.run(Steps(20)).unwrap();
    for _ in 0..20 {
        let old = wanted.clone();
        let at = |x: usize, y: usize| old[y % 23 * 40 + x % 40];
        for (y, x) in (0..23).flat_map(|y| (0..40).map(move |x| (y, x))) {
            let sum = ((at(x + 1, y) + at(x + 39, y)) + at(x, y + 1)) + at(x, y + 22);
            let here = at(x, y);
            let rate = 0.1 * 3.0 * 0.5;
            wanted[y * 40 + x] = here + rate * (sum - 4.0 * here) + 0.01 * here.sin();
        }
    }
    let got: Vec<f32> = now(&mut runner, "grid.x");
    // the host's sine is not the pinned one, so some units in the last place
    let worst = got.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-5 && got.iter().any(|x| x.abs() > 0.01), "{worst}");
    assert_eq!(rows::<f32>(&runner, "grid.x")[19 * 920..], got);
}

/// Workgroups share memory and wait for each other's invocations; integers are added up by atomics.
const HISTOGRAM: &str = "
    @group(0) @binding(0) var<storage, read> value: array<u32>;
    @group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;
    @group(0) @binding(2) var<storage, read_write> most: array<atomic<i32>, 2>;
    @group(0) @binding(3) var<storage, read_write> sums: array<f32>;
    var<workgroup> own: array<atomic<u32>, 8>;
    var<workgroup> parts: array<f32, 50>;
    var<workgroup> first: u32;
    var<private> seen: u32 = 3u;

    fn add(bin: u32) { atomicAdd(&own[bin], 1u); seen += 1u; }

    @compute @workgroup_size(50)
    fn count(
        @builtin(global_invocation_id) id: vec3<u32>,
        @builtin(local_invocation_index) k: u32,
        @builtin(workgroup_id) group: vec3<u32>,
        @builtin(num_workgroups) groups: vec3<u32>,
    ) {
        let there = id.x < arrayLength(&value);
        if k == 0u { first = id.x; }
        if there { add(value[id.x] & 7u); }
        parts[k] = select(0.0, f32(value[id.x]), there);
        workgroupBarrier();
        if k < 8u { atomicAdd(&counts[k], atomicLoad(&own[k])); }
        // halves of 25 are uneven
        for (var width = 50u; width > 1u;) {
            let half = (width + 1u) / 2u;
            if k + half < width { parts[k] += parts[k + half]; }
            width = half;
            workgroupBarrier();
        }
        if k == 0u { sums[group.x] = parts[0] + f32(first) * 1000.0; }
        if there {
            atomicMax(&most[0], i32(value[id.x]) - 700);
            atomicMin(&most[1], i32(value[id.x]) - 700);
            if seen != 4u || groups.x != 7u { atomicAdd(&counts[0], 1000u); }
        }
    }
";

fn a1_target_kernel_shares_memory(device: &str) {
    let value: Vec<u32> = (0..337).map(|k| k * 7919 % 1400).collect();
    let source = field(337).init("m", value.iter().map(|&v| f64::from(v)).collect::<Vec<_>>());
    let (bins, pair, sums) = (field(8), field(2), field(7));
    let counting = kernel(HISTOGRAM)
        .bind("value", source.variable("m"))
        .bind("counts", bins.variable("m"))
        .bind("most", pair.variable("n"))
        .bind("sums", sums.variable("x"))
        .invocations([337, 1, 1]);
    let net = Network::new()
        .with("source", source)
        .with("bins", bins)
        .with("pair", pair)
        .with("sums", sums)
        .with("counting", counting);
    let mut runner = on(device, net).build().unwrap();
    runner.run(Steps(3)).unwrap();
    let counts = (0..8).map(|b| 3 * value.iter().filter(|&&v| v % 8 == b).count() as u32);
    assert_eq!(now::<u32>(&mut runner, "bins.m"), counts.collect::<Vec<_>>());
    let (least, most) = (value.iter().min().unwrap(), value.iter().max().unwrap());
    // what was there, zeros, counts too
    let wanted = [(*most as i32 - 700).max(0), (*least as i32 - 700).min(0)];
    assert_eq!(now::<i32>(&mut runner, "pair.n"), wanted);
    let sums = value.chunks(50).enumerate();
    let sums = sums.map(|(k, part)| part.iter().sum::<u32>() as f32 + 50_000.0 * k as f32);
    assert_eq!(now::<f32>(&mut runner, "sums.x"), sums.collect::<Vec<_>>());
}

/// Every atomic operation, on words that one invocation each uses.
fn a1_target_kernel_atomics(device: &str) {
    let text = "
        @group(0) @binding(0) var<storage, read_write> m: array<atomic<u32>>;
        @group(0) @binding(1) var<storage, read_write> n: array<atomic<i32>>;
        @group(0) @binding(2) var<storage, read_write> old: array<f32>;
        @compute @workgroup_size(16)
        fn run(@builtin(global_invocation_id) id: vec3<u32>) {
            let k = id.x;
            var was = 0.0;
            switch k {
                case 0u: { was = f32(atomicAdd(&m[k], 5u)); atomicAdd(&n[k], -5); }
                case 1u: { was = f32(atomicSub(&m[k], 5u)); atomicSub(&n[k], 5); }
                case 2u: { was = f32(atomicAnd(&m[k], 6u)); atomicAnd(&n[k], 6); }
                case 3u: { was = f32(atomicOr(&m[k], 6u)); atomicOr(&n[k], 6); }
                case 4u: { was = f32(atomicXor(&m[k], 6u)); atomicXor(&n[k], -1); }
                case 5u: { was = f32(atomicMin(&m[k], 6u)); atomicMin(&n[k], -6); }
                case 6u: { was = f32(atomicMax(&m[k], 60u)); atomicMax(&n[k], -6); }
                case 7u: { was = f32(atomicExchange(&m[k], 6u)); atomicExchange(&n[k], -6); }
                case 8u: {
                    let a = atomicCompareExchangeWeak(&m[k], 19u, 1u);
                    let b = atomicCompareExchangeWeak(&n[k], 20, 1);
                    was = f32(a.old_value) + select(0.0, 0.5, a.exchanged) + select(0.0, 0.25, b.exchanged);
                }
                case 9u: { atomicStore(&m[k], 9u); atomicStore(&n[k], -9); was = f32(atomicLoad(&n[k])); }
                default: {}
            }
            if k < 11u { old[k] = was; }
        }
    ";
    let field = field(11).init("m", 19.0).init("n", 19.0);
    let all = kernel(text)
        .bind("m", field.variable("m"))
        .bind("n", field.variable("n"))
        .bind("old", field.variable("x"));
    let net = Network::new().with("f", field).with("all", all);
    let mut runner = on(device, net).build().unwrap();
    runner.run(Steps(1)).unwrap();
    assert_eq!(now::<u32>(&mut runner, "f.m"), [24, 14, 2, 23, 21, 6, 60, 6, 1, 9, 19]);
    assert_eq!(now::<i32>(&mut runner, "f.n"), [14, 14, 2, 23, -20, -6, 19, -6, 19, -9, 19]);
    let old = [19.0, 19.0, 19.0, 19.0, 19.0, 19.0, 19.0, 19.0, 19.5, -9.0, 0.0];
    assert_eq!(now::<f32>(&mut runner, "f.x"), old);
}

/// All that tells an invocation from others, in three dimensions that workgroups do not divide.
fn a1_target_kernel_invocations(device: &str) {
    let text = "
        @group(0) @binding(0) var<storage, read_write> m: array<u32>;
        @compute @workgroup_size(3, 2, 5)
        fn run(
            @builtin(global_invocation_id) id: vec3<u32>,
            @builtin(local_invocation_id) local: vec3<u32>,
            @builtin(local_invocation_index) index: u32,
            @builtin(workgroup_id) group: vec3<u32>,
            @builtin(num_workgroups) groups: vec3<u32>,
        ) {
            let size = vec3<u32>(3u, 2u, 5u);
            let right = all(id == group * size + local)
                && index == local.x + 3u * (local.y + 2u * local.z)
                && all(groups == vec3<u32>(3u, 3u, 2u));
            if all(id < vec3<u32>(7u, 5u, 6u)) {
                m[id.x + 7u * (id.y + 5u * id.z)] += select(100u, 1u, right);
            }
        }
    ";
    let field = field([6, 5, 7]);
    let all = kernel(text).bind("m", field.variable("m")).invocations([7, 5, 6]);
    let net = Network::new().with("f", field).with("all", all);
    let mut runner = on(device, net).build().unwrap();
    runner.run(Steps(2)).unwrap();
    assert_eq!(now::<u32>(&mut runner, "f.m"), [2; 210]);
}

/// Spins that a heat bath turns, each from draws of its own.
fn noisy() -> Network {
    let text = "
        @group(0) @binding(0) var<storage, read_write> x: array<f32>;
        @group(0) @binding(1) var<uniform> random: Random;
        @group(0) @binding(2) var<uniform> sh: Shared;
        @compute @workgroup_size(64)
        fn turn(@builtin(global_invocation_id) id: vec3<u32>) {
            if id.x >= arrayLength(&x) || id.x % 2u != sh.i % 2u { return; }
            var r = random;
            r.element = id.x;
            let left = x[(id.x + arrayLength(&x) - 1u) % arrayLength(&x)];
            let right = x[(id.x + 1u) % arrayLength(&x)];
            x[id.x] = tanh(left + right + random_normal(r, 0u));
        }
    ";
    let spins = field(150).init("x", 0.1);
    let turn = kernel(text).bind("x", spins.variable("x"));
    Network::new().with("spins", spins).with("turn", turn)
}

fn bits(values: Vec<f32>) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

fn a3_9_kernels_change_no_bit(device: &str) {
    type Target = fn() -> Network;
    for (net, path) in [(noisy as Target, "spins.x"), (diffusion, "grid.x")] {
        let run = |device: &str, chunk: usize, jit: bool| {
            let builder = on(device, net()).monitor(path).seed(9).chunk(chunk).jit(jit);
            let mut runner = builder.build().unwrap();
            runner.run(Steps(30)).unwrap();
            bits(rows(&runner, path))
        };
        let wanted = run("cpu", 64, true);
        for (chunk, jit) in [(1, true), (7, true), (64, true), (64, false)] {
            assert_eq!(run(device, chunk, jit), wanted, "{path}, chunk {chunk}, jit {jit}");
        }
    }
}

fn a3_9_kernels_of_copies_are_apart(device: &str) {
    let run = |replicas: usize, first: u32| {
        let batch = Batch::new(noisy(), replicas).first_replica(first);
        let mut runner = on(device, batch).monitor("spins.x").data_first_axis("B").build().unwrap();
        runner.run(Steps(20)).unwrap();
        runner.mon().get::<f32>("spins.x").unwrap().to_owned()
    };
    let three = run(3, 0);
    let copy = |k: usize| three.index_axis(ndarray::Axis(0), k).to_owned();
    assert_ne!(copy(0), copy(1));
    for k in 0..3 {
        assert_eq!(run(1, k as u32).index_axis(ndarray::Axis(0), 0), copy(k), "copy {k}");
    }
    let mut alone = on(device, noisy()).monitor("spins.x").build().unwrap();
    alone.run(Steps(20)).unwrap();
    assert_eq!(alone.mon().get::<f32>("spins.x").unwrap().to_owned(), copy(0));
}

/// A kernel's variables are those of groups: states, and moves between devices.
fn a3_10_kernels_have_no_state_of_their_own(device: &str) {
    let mut whole = on(device, noisy()).monitor("spins.x").build().unwrap();
    whole.run(Steps(11)).unwrap();
    let state = whole.state_dict().unwrap();
    whole.run(Steps(10)).unwrap();
    let wanted = bits(rows(&whole, "spins.x"));
    for other in all() {
        let mut resumed = on(&other, noisy()).monitor("spins.x").build().unwrap();
        resumed.load_state_dict(&state, false, Default::default()).unwrap();
        resumed.run(Steps(10)).unwrap();
        assert_eq!(bits(rows(&resumed, "spins.x")), wanted, "{other}");
    }
}

/// What a kernel leaves in an input is used by the update of a later stage.
struct Pushed {
    group: Group,
    push: Kernel,
    first: bool,
}

impl DynamicalSystem for Pushed {
    fn name(&self) -> &str {
        "pushed"
    }

    fn update(&self, step: &mut StepBuilder) -> Result<()> {
        if self.first {
            step.child("push", &self.push)?;
            step.then();
            step.child("group", &self.group)
        } else {
            step.child("group", &self.group)?;
            step.child("push", &self.push)
        }
    }
}

fn a3_3_kernels_come_after_updates_or_before(device: &str) {
    for first in [true, false] {
        let text = "
            @group(0) @binding(0) var<storage, read_write> input: array<f32>;
            @group(0) @binding(1) var<storage, read> x: array<f32>;
            @compute @workgroup_size(1)
            fn push(@builtin(global_invocation_id) id: vec3<u32>) { input[id.x] += 10.0 + x[id.x]; }
        ";
        let group = crate::common::count(2);
        let push =
            kernel(text).bind("input", group.variable("input")).bind("x", group.variable("x"));
        let built = on(device, Pushed { group, push, first })
            .input(("group.input", 1.0))
            .monitors(["group.x", "group.input"])
            .build();
        if !first {
            // it would be cleared before the next update
            assert!(error(built).contains("what its array `input` writes there would be lost"));
            continue;
        }
        let mut runner = built.unwrap();
        runner.run(Steps(2)).unwrap();
        // x grows by 1 and by its input
        assert_eq!(rows::<f32>(&runner, "group.x"), [12.0, 12.0, 36.0, 36.0]);
        assert_eq!(rows::<f32>(&runner, "group.input"), [11.0, 11.0, 23.0, 23.0]);
    }
}

fn a1_jit_off_names_a_kernels_fault(device: &str) {
    let text = |body: &str| {
        format!(
            "@group(0) @binding(0) var<storage, read_write> x: array<f32>;
             @group(0) @binding(1) var<uniform> sh: Shared;
             @compute @workgroup_size(4)
             fn run(@builtin(global_invocation_id) id: vec3<u32>) {{ {body} }}"
        )
    };
    let fault = |body: &str| {
        let field = field(6);
        let run = kernel(&text(body)).bind("x", field.variable("x"));
        let net = Network::new().with("f", field).with("run", run);
        let mut runner = on(device, net).jit(false).build().unwrap();
        let text = error(runner.run(Steps(9)));
        // nothing of the step was kept by the kernel
        (text, runner.i(), now::<f32>(&mut runner, "f.x"))
    };
    let (message, step, x) = fault("if id.x < 6u { x[id.x + sh.i] = 1.0; }");
    assert_eq!(
        message,
        "step 1, node `run`: index 6 of invocation [5, 0, 0] is outside the 6 elements of `x` (`x[..]` in the kernel \
         Custom); found before it ran"
    );
    assert_eq!((step, x), (1, vec![1.0; 6]));
    let (message, ..) = fault("let k = i32(id.x) - 1; if id.x < 6u { x[0] = x[k]; }");
    assert!(
        message.starts_with("step 0, node `run`: index -1 of invocation [0, 0, 0]"),
        "{message}"
    );
    let (message, step, _) = fault("if id.x == 4u { x[4] = 1.0 / (3.0 - f32(sh.i)); }");
    assert_eq!(message, "step 3, node `f`: inf of element 4 of `f.x`; found after a kernel");
    assert_eq!(step, 3);
    // where jit is on, the nearest element is meant, and nothing else is touched
    let field = field(6);
    let run =
        kernel(&text("x[id.x + 3u] = f32(id.x); if id.x == 7u { x[4294967294u] = x[99] + 0.5; }"));
    let run = run.bind("x", field.variable("x"));
    let other = keep(300).init("x", 4.0);
    let net = Network::new().with("a", keep(7)).with("f", field).with("run", run).with("o", other);
    let mut runner = on(device, net).build().unwrap();
    runner.run(Steps(1)).unwrap();
    let x: Vec<f32> = now(&mut runner, "f.x");
    assert_eq!(x[..5], [0.0, 0.0, 0.0, 0.0, 1.0]);
    assert!(x[5] >= 2.0 && x[5] <= 7.5, "{x:?}");
    assert_eq!(now::<f32>(&mut runner, "o.x"), [4.0; 300]);
    assert_eq!(now::<f32>(&mut runner, "a.x"), [0.0; 7]);
}

fn a3_7_kernels_that_cannot_be(device: &str) {
    let of = |text: &str| error(Kernel::from_wgsl("Custom", text));
    let whole = "
        @group(0) @binding(0) var<storage, read_write> x: array<f32>;
        @compute @workgroup_size(4) fn run() { x[0] = 1.0; }";
    let text = of("@compute @workgroup_size(4) fn run() {}");
    assert!(text.contains("it changes nothing"), "{text}");
    let text = of("fn run() {}");
    assert!(text.contains("it changes nothing"), "{text}");
    let text = of(&whole.replace("@compute @workgroup_size(4)", ""));
    assert!(text.contains("it has 0 entry points"), "{text}");
    let text = of(&whole.replace("size(4)", "size(512)"));
    assert!(text.contains("which is 512 invocations") && text.contains("room for 256"), "{text}");
    let text = of(&whole.replace("array<f32>", "array<vec4<f32>>").replace("= 1.0", "= vec4(1.0)"));
    assert!(
        text.contains("Custom:2:") && text.contains("`x` is of a type that no variable has"),
        "{text}"
    );
    let text = of(&format!("{whole}\n@group(0) @binding(1) var<uniform> speed: f32;"));
    assert!(text.contains("Custom:4:") && text.contains("var<uniform> sh: Shared"), "{text}");
    let text = of(&format!("{whole}\nvar<workgroup> big: array<f32, 5000>;"));
    assert!(text.contains("makes it 20000 bytes"), "{text}");
    let text = of(&whole.replace("run()", "run(@builtin(subgroup_size) n: u32)"));
    assert!(text.contains("Custom"), "{text}");
    let text = of(&whole.replace("x[0] = 1.0", "x[0] = 1u"));
    assert!(text.contains("Custom"), "{text}");
    let text = of(&whole.replace("x[0] = 1.0", "x[0] = y"));
    assert!(text.contains("Custom:3:"), "{text}");
    assert!(error(Kernel::from_wgsl("2x", whole)).contains("is not an identifier"));

    type Change = fn(Kernel) -> Kernel;
    let built = |text: &str, change: Change| {
        let field = field(6);
        let net = Network::new().with("f", field).with("k", change(kernel(text)));
        error(on(device, net).build())
    };
    let text = built(whole, |k| k);
    assert_eq!(text, "node `k`: its array `x` is no variable yet; say which by `.bind(\"x\", ..)`");
    let text = built(whole, |k| k.bind("y", "f.x"));
    assert!(text.starts_with("no array in the kernel's text `y`"), "{text}");
    let text = built(whole, |k| k.bind("x", "f.x").bind("x", "f.y"));
    assert!(text.contains("is bound twice"), "{text}");
    let text = built(whole, |k| k.bind("x", "f.z"));
    assert!(text.starts_with("no variable or parameter `f.z`"), "{text}");
    let text = built(whole, |k| k.bind("x", "f.n"));
    assert!(text.contains("its array `x` is of f32, but `f.n` of i32"), "{text}");
    let text = built(whole, |k| k.bind("x", "f.gain"));
    assert!(text.contains("it is a parameter, which inputs cannot change"), "{text}");
    let text = built(&whole.replace("array<f32>", "array<f32, 7>"), |k| k.bind("x", "f.x"));
    assert!(text.contains("its array `x` has 7 elements, but `f.x` has 6"), "{text}");
    let text = built(whole, |k| k.bind("x", "f.x").invocations([1, 0, 1]));
    assert!(text.contains("there must be from 1 to 65535"), "{text}");
    let text = built(whole, |k| k.bind("x", "f.x").invocations([300_000, 1, 1]));
    assert!(text.contains("75000 workgroups"), "{text}");
    let two = format!(
        "{}\n@group(0) @binding(1) var<storage, read_write> y: array<f32>;",
        whole.replace("x[0] = 1.0", "x[0] = y[0]")
    );
    let text = built(&two, |k| k.bind("x", "f.x").bind("y", "f.x"));
    assert!(text.contains("two of its arrays write `f.x`"), "{text}");
    let sliced = field(6);
    let part = sliced.slice(..3).variable("x");
    let net = Network::new().with("f", sliced).with("k", kernel(whole).bind("x", part));
    assert!(error(on(device, net).build()).contains("its array `x` is a slice"));
}

fn a2_kernels_are_nodes(device: &str) {
    let net = diffusion();
    let runner = on(device, net).build().unwrap();
    let kernels = runner.nodes(Naming::Relative, -1, true).subset(NodeClass::Kernel);
    assert_eq!(kernels.keys().collect::<Vec<_>>(), ["target.diffuse"]);
    let plan = runner.plan();
    assert!(plan.contains("kernel   diffuse: 5 x 6 x 1 workgroups, on grid.x"), "{plan}");
    assert!(runner.wgsl().unwrap().iter().any(|(name, _)| name == "kernel diffuse"));
}

on_every_engine!(
    a1_jit_off_names_a_kernels_fault,
    a1_target_kernel_atomics,
    a1_target_kernel_invocations,
    a1_target_kernel_shares_memory,
    a1_target_kernel_stencil,
    a2_kernels_are_nodes,
    a3_10_kernels_have_no_state_of_their_own,
    a3_3_kernels_come_after_updates_or_before,
    a3_7_kernels_that_cannot_be,
    a3_9_kernels_change_no_bit,
    a3_9_kernels_of_copies_are_apart,
);
