use std::io::BufReader;
use std::path::PathBuf;

use ndarray::{Array2, array};

use super::{RasterGroup, Span, colour, field, phase, raster, traces};

/// A file in the temporary folder that goes away with the value.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let name = format!("dsrunner-plot-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn pixels(&self) -> RgbImage {
        let file = BufReader::new(std::fs::File::open(&self.0).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
        let pixels = bytes.chunks_exact(3).map(|p| Rgb([p[0], p[1], p[2]])).collect();
        RgbImage { width: info.width, pixels }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

#[derive(Debug, PartialEq)]
struct Rgb([u8; 3]);

struct RgbImage {
    width: u32,
    pixels: Vec<Rgb>,
}

impl RgbImage {
    fn dimensions(&self) -> (u32, u32) {
        (self.width, self.pixels.len() as u32 / self.width)
    }

    fn get_pixel(&self, x: u32, y: u32) -> &Rgb {
        &self.pixels[(y * self.width + x) as usize]
    }
}

const SPAN: Span = Span { t0_ms: 0.0, dt_ms: 0.1, steps: 10_000 };

/// Spikes of `size` neurons spread over [`SPAN`].
fn events(size: u32, count: u32) -> (Vec<u64>, Vec<u32>) {
    let scattered = |i: u32, below: u64| u64::from(i.wrapping_mul(2_654_435_761)) % below;
    let steps = (0..count).map(|i| scattered(i, SPAN.steps)).collect();
    let indices = (0..count).map(|i| i % size).collect();
    (steps, indices)
}

fn group<'a>(name: &'a str, size: usize, events: &'a (Vec<u64>, Vec<u32>)) -> RasterGroup<'a> {
    RasterGroup { name, size, steps: &events.0, indices: &events.1 }
}

/// Share of the pixels from `from` to `to` that have about the hue of the
/// `index`-th series, at any opacity of at least a half.
fn share(image: &RgbImage, index: usize, from: (u32, u32), to: (u32, u32)) -> f64 {
    let full = colour::pick(index);
    let full = [full.0, full.1, full.2].map(f64::from);
    let alike = |pixel: &Rgb| {
        let seen = pixel.0.map(f64::from);
        // The opacity that explains the channel in which the hue is darkest.
        let darkest = (0..3).min_by(|&a, &b| full[a].total_cmp(&full[b])).unwrap();
        let alpha = (255.0 - seen[darkest]) / (255.0 - full[darkest]);
        alpha >= 0.5 && (0..3).all(|c| (255.0 - alpha * (255.0 - full[c]) - seen[c]).abs() < 6.0)
    };
    let inside = (from.0..to.0).flat_map(|x| (from.1..to.1).map(move |y| (x, y)));
    let hits = inside.filter(|&(x, y)| alike(image.get_pixel(x, y))).count();
    hits as f64 / f64::from((to.0 - from.0) * (to.1 - from.1))
}

/// Panics unless every tag is closed in order and no bare `&` or `<` occurs.
fn assert_well_formed(svg: &str) {
    let mut open = Vec::new();
    let mut rest = svg;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').unwrap();
        let tag = &rest[start + 1..end];
        let name = tag.split_whitespace().next().unwrap();
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        assert!(!tag.contains('<'), "{tag}");
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?}");
    for entity in svg.split('&').skip(1) {
        let name = entity.split(';').next().unwrap();
        assert!(["lt", "gt", "amp", "quot", "apos"].contains(&name), "{name}");
    }
}

#[test]
fn raster_shows_each_population_in_its_colour() {
    let file = File::new("groups.png");
    let (e, i) = (events(3200, 60_000), events(800, 20_000));
    let groups = [group("E", 3200, &e), group("I", 800, &i)];
    raster(&file.0, "Two populations", &groups, SPAN).unwrap();
    let image = file.pixels();
    assert_eq!(image.dimensions(), (1600, 1000));
    assert_eq!(image.get_pixel(3, 3), &Rgb([255; 3]));

    // The upper panel: 550 pixels, of which the lower four fifths are E.
    let (low, high) = (((200, 230), (1300, 640)), ((200, 110), (1300, 200)));
    let e = share(&image, 0, low.0, low.1);
    let i = share(&image, 1, high.0, high.1);
    assert!((0.02..0.5).contains(&e), "{e}");
    assert!((0.02..0.5).contains(&i), "{i}");
    assert_eq!(share(&image, 1, low.0, low.1), 0.0);
    assert_eq!(share(&image, 0, high.0, high.1), 0.0);
    // Both rates in the lower panel.
    assert!(share(&image, 0, (200, 700), (1300, 900)) > 0.001);
    assert!(share(&image, 1, (200, 700), (1300, 900)) > 0.001);
}

#[test]
fn raster_names_sizes_and_mean_rates() {
    let file = File::new("names.svg");
    let (e, i) = (events(3200, 64_000), events(10, 5));
    let groups = [group("E", 3200, &e), group("<I & \"co\">", 10, &i)];
    raster(&file.0, "a < b & 'c'\u{1}", &groups, SPAN).unwrap();
    let svg = file.text();
    assert_well_formed(&svg);
    for text in [
        "3200 neurons",
        "mean 20.0 Hz",
        "10 neurons",
        "mean 0.5 Hz",
        "&lt;I &amp; &quot;co&quot;&gt;",
        "a &lt; b &amp; &apos;c&apos;",
        "time (ms)",
        "rate (Hz)",
        "neuron index",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    assert!(!svg.contains("shown"));
}

#[test]
fn raster_says_when_neurons_are_left_out() {
    let file = File::new("thinned.svg");
    let all = events(1000, 400_000);
    raster(&file.0, "Many spikes", &[group("E", 1000, &all)], SPAN).unwrap();
    let svg = file.text();
    assert!(svg.contains("neuron index (every 3rd shown)"));
    assert!(svg.contains("mean 400.0 Hz"));
}

#[test]
fn nothing_to_show_is_said() {
    let file = File::new("empty.svg");
    let none = (Vec::new(), Vec::new());
    let still = Span { steps: 0, ..SPAN };
    for (groups, span) in [
        (&[group("E", 5, &none)][..], SPAN),
        (&[group("E", 0, &none)], SPAN),
        (&[], SPAN),
        (&[group("E", 5, &none)], still),
        (&[], still),
    ] {
        raster(&file.0, "Silence", groups, span).unwrap();
        assert_well_formed(&file.text());
        assert!(file.text().contains("no spikes"));
    }

    traces(&file.0, "None", "v", &[], &[], None).unwrap();
    assert!(file.text().contains("no data"));
    let nan = [f32::NAN; 2];
    traces(&file.0, "None", "v", &[0.0, 1.0], &[("a", &nan)], Some(&[])).unwrap();
    assert!(file.text().contains("no data"));
    phase(&file.0, "None", ("x", "y"), &[(&nan, &nan)], Some((&nan, &nan))).unwrap();
    assert_well_formed(&file.text());
    assert!(file.text().contains("no data"));
}

#[test]
fn a_gap_in_a_trace_stays_empty() {
    let file = File::new("gap.png");
    let t: Vec<f64> = (0..1000).map(f64::from).collect();
    let mut v = vec![1.0_f32; 1000];
    v[0] = 0.0;
    v[400..600].fill(f32::NAN);
    v[500] = f32::INFINITY;
    traces(&file.0, "A gap", "v", &t, &[("v", &v)], Some(&[500.0])).unwrap();
    let image = file.pixels();
    // The panel ends at x = 1400; its left edge lies left of x = 130.
    let blue = |from, to| share(&image, 0, (from, 130), (to, 890));
    assert!(blue(200, 600) > 0.001);
    assert!(blue(900, 1300) > 0.001);
    assert_eq!(blue(700, 830), 0.0);
}

#[test]
fn many_series_get_strips_or_thin_lines() {
    let file = File::new("many.svg");
    let t = [0.0, 1.0, 2.0];
    for count in [1, 3, 4, 12, 13, 90] {
        let values: Vec<[f32; 3]> = (0..count).map(|i| [0.0, i as f32, 1.0]).collect();
        let names: Vec<String> = (0..count).map(|i| format!("series {i}")).collect();
        let pairs = names.iter().zip(&values);
        let series: Vec<(&str, &[f32])> = pairs.map(|(n, v)| (n.as_str(), &v[..])).collect();
        traces(&file.0, "Many", "v", &t, &series, None).unwrap();
        let svg = file.text();
        assert_well_formed(&svg);
        assert!(svg.contains("series 0"));
        assert_eq!(svg.contains("named:"), count == 90);
    }
}

#[test]
fn a_dense_cloud_is_darker_where_points_are_many() {
    let file = File::new("cloud.png");
    // A loose square of points, and a spot with many of them in its middle.
    let place = |i: u32, factor: u32| (i.wrapping_mul(factor) >> 8) as f32 / 16_777_216.0;
    let mut x: Vec<f32> = (0..40_000).map(|i| place(i, 2_654_435_761)).collect();
    let mut y: Vec<f32> = (0..40_000).map(|i| place(i, 2_246_822_519)).collect();
    x.extend([0.5; 5000]);
    y.extend([0.5; 5000]);
    x.push(f32::NAN);
    y.push(0.0);
    phase(&file.0, "Cloud", ("x", "y"), &[], Some((&x, &y))).unwrap();
    let image = file.pixels();
    let dark = |from: (u32, u32), to: (u32, u32)| {
        let inside = (from.0..to.0).flat_map(|x| (from.1..to.1).map(move |y| (x, y)));
        inside.map(|at| image.get_pixel(at.0, at.1).0[0]).min()
    };
    // The panel spans about 100 to 1130 in x and 100 to 900 in y.
    assert!(dark((560, 450), (680, 550)) < Some(0x20));
    let loose = dark((250, 200), (500, 400));
    assert!((Some(0x60)..Some(0xf0)).contains(&loose), "{loose:?}");
}

#[test]
fn a_field_has_its_values_at_their_places() {
    let file = File::new("field.png");
    // low at the bottom left, high at the top right, nothing in between
    let (n, low, high) = (f32::NAN, -1.0, 3.0);
    let values = array![[low, n, n], [n, n, high]];
    field(&file.0, "Field", ("x", "y"), (0.0..3.0, 0.0..2.0), values.view()).unwrap();
    let image = file.pixels();
    // the panel spans about 100 to 1130 in x and 100 to 900 in y
    let at = |x, y| image.get_pixel(x, y).0;
    assert_eq!(at(300, 700), [0x44, 0x01, 0x54]);
    assert_eq!(at(1000, 300), [0xfd, 0xe7, 0x25]);
    for (x, y) in [(300, 300), (600, 300), (600, 700), (1000, 700)] {
        assert_eq!(at(x, y), [255; 3], "{x} {y}");
    }
    // more values than pixels: means
    let fine = Array2::from_shape_fn((10, 5000), |(_, x)| if x < 2500 { x % 2 } else { 3 } as f32);
    field(&file.0, "Fine", ("x", "y"), (0.0..1.0, 0.0..1.0), fine.view()).unwrap();
    let image = file.pixels();
    let [r, g, _] = image.get_pixel(300, 500).0;
    assert!((0x38..0x3f).contains(&r) && (0x30..0x48).contains(&g), "{r:x} {g:x}");
    // no gaps between the tiles
    let row = (200..1100).map(|x| image.get_pixel(x, 500).0);
    assert!(row.into_iter().all(|pixel| pixel != [255; 3]));
}

#[test]
fn extreme_values_do_not_break_a_picture() {
    let file = File::new("extreme.svg");
    let wild = [f32::MAX, f32::MIN, 0.0, f32::NAN, f32::MIN_POSITIVE, f32::INFINITY];
    let t = [0.0, f64::MAX, f64::MIN, f64::NAN, 1.0, f64::INFINITY];
    traces(&file.0, "Wild", "v", &t, &[("v", &wild)], Some(&t)).unwrap();
    phase(&file.0, "Wild", ("x", "y"), &[(&wild, &wild)], Some((&wild, &wild))).unwrap();
    traces(&file.0, "One", "v", &[5.0], &[("v", &[3.0])], None).unwrap();
    let point: (&[f32], &[f32]) = (&[1.0], &[2.0]);
    phase(&file.0, "One", ("x", "y"), &[point; 2], None).unwrap();
    let same = vec![1.0; 5000];
    phase(&file.0, "Same", ("x", "y"), &[], Some((&same, &same))).unwrap();
    let ranges = || (0.0..1.0, 0.0..1.0);
    for values in
        [array![[5.0f32]], array![[f32::NAN]], Array2::zeros((0, 3)), array![[0.0, f32::MAX]]]
    {
        field(&file.0, "Field", ("x", "y"), ranges(), values.view()).unwrap();
    }
    assert_well_formed(&file.text());
    let wild = File::new("extreme.png");
    traces(&wild.0, "Wild", "v", &t, &[("v", &[f32::MAX; 6])], Some(&t)).unwrap();
}

#[test]
fn errors_say_what_is_wrong() {
    let file = File::new("wrong.png");
    let message = |result: crate::Result<()>| result.unwrap_err().to_string();
    let ending = "the file name must end in .png or .svg";
    for name in ["picture.pdf", "picture"] {
        let text = message(traces(name, "", "", &[], &[], None));
        assert_eq!(text, format!("cannot draw `{name}`: {ending}"));
    }
    assert!(message(raster("a.jpeg", "", &[], SPAN)).contains(ending));
    assert!(message(phase("a.tex", "", ("", ""), &[], None)).contains(ending));

    let has = |result, part: &str| {
        let text = message(result);
        assert!(text.contains(part), "{text}");
        assert!(text.contains("wrong."), "{text}");
    };
    let e = (vec![1, 2, 3], vec![0, 1]);
    let part = "population `E` has 3 spike steps but 2 spike indices";
    has(raster(&file.0, "", &[group("E", 5, &e)], SPAN), part);
    let e = (vec![1, 2], vec![0, 5]);
    let part = "population `E` has 5 neurons but a spike with index 5";
    has(raster(&file.0, "", &[group("E", 5, &e)], SPAN), part);
    for dt_ms in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let span = Span { dt_ms, ..SPAN };
        has(raster(&file.0, "", &[], span), "a positive step");
    }
    let part = "series `v` has 1 values for 2 times";
    has(traces(&file.0, "", "", &[0.0, 1.0], &[("v", &[1.0])], None), part);
    let (one, two) = ([1.0], [1.0, 2.0]);
    let part = "trajectory 1 has 1 x values but 2 y values";
    let lines: [(&[f32], &[f32]); 2] = [(&one, &one), (&one, &two)];
    has(phase(&file.0, "", ("", ""), &lines, None), part);
    let part = "the points have 2 x values but 1 y values";
    has(phase(&file.0, "", ("", ""), &[], Some((&two, &one))), part);
    for range in [0.0..0.0, 1.0..0.0, f64::NAN..1.0, 0.0..f64::INFINITY] {
        let ranges = (0.0..1.0, range);
        has(field(&file.0, "", ("", ""), ranges, array![[1.0]].view()), "of an axis is empty");
    }
    assert!(!file.0.exists());

    let lost = std::env::temp_dir().join("dsrunner-no-such-folder");
    for name in ["wrong.png", "wrong.svg"] {
        has(traces(lost.join(name), "", "", &[], &[], None), "os error");
    }
}
