//! The models that come with the crate.

/// Declares shipped models: `STATIC = "Name", "file below shaders"`.
macro_rules! models {
    ($($model:ident = $name:literal, $file:literal;)*) => {$(
        static $model: std::sync::LazyLock<crate::model::Shipped> =
            std::sync::LazyLock::new(|| {
                let text = include_str!(concat!("../../shaders/", $file));
                crate::model::Model::shipped($name, concat!("shaders/", $file), text)
            });
    )*};
}

models! {
    VALUE = "Value", "value.wgsl";
}

/// A variable `value` that stays as it is, unless inputs change it.
pub(crate) fn variable(shape: impl Into<crate::terms::Shape>) -> crate::system::Group {
    crate::system::Group::shipped(VALUE.clone(), shape)
}

/// Spiking neurons. Times in ms, potentials in mV.
pub mod neurons {
    use crate::system::Group;
    use crate::terms::Shape;

    models! {
        HH = "HH", "neurons/hh.wgsl";
        IZHIKEVICH = "Izhikevich", "neurons/izhikevich.wgsl";
        LIF = "LIF", "neurons/lif.wgsl";
        LIF_REF = "LIFRef", "neurons/lif_ref.wgsl";
    }

    /// Leaky integrate-and-fire neurons without a refractory period (Lapicque 1907; Gerstner et al. 2014, section 1.3).
    ///
    /// `tau dV/dt = -(V - V_rest) + R input`; where `V >= V_th` a spike, and `V = V_reset`.
    ///
    /// | parameter | default | unit |
    /// |---|---|---|
    /// | `V_rest` resting potential | 0 | mV |
    /// | `V_reset` potential after a spike | -5 | mV |
    /// | `V_th` threshold | 20 | mV |
    /// | `R` membrane resistance | 1 | Ohm |
    /// | `tau` membrane time constant, above 0 | 10 | ms |
    ///
    /// `V_reset` is below `V_th`. State: `V`, at first 0. Input: `input`. Method: exponential Euler, which is exact here.
    ///
    /// ```
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let mut runner = DSRunner::builder(neurons::lif(1))
    ///     .input(("input", 25.0))
    ///     .monitor("spike")
    ///     .progress_bar(false)
    ///     .build()?;
    /// runner.run(100.0)?;
    /// // the period is tau ln((25 + 5) / (25 - 20)), about 17.9 ms
    /// assert_eq!(runner.mon().events("spike")?.steps.len(), 5);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn lif(shape: impl Into<Shape>) -> Group {
        Group::shipped(LIF.clone(), shape)
    }

    /// Leaky integrate-and-fire neurons with a refractory period: as [`lif`], and in the `round(tau_ref / dt)` steps after that of a
    /// spike `V` is held at `V_reset`, and the neuron does not spike. What currents, inputs to `V`, closures or kernels do to `V`
    /// meanwhile is lost.
    ///
    /// Parameters as [`lif`], and `tau_ref`, default 0 ms, not negative and of fewer than 2^31 steps. State: `V`, at first 0, and `refractory` (i32), the steps that
    /// are left. Input: `input`. Method: exponential Euler.
    ///
    /// ```
    /// use dsrunner::neurons;
    ///
    /// let group = neurons::lif_ref(4000).param("tau_ref", 5.0);
    /// ```
    pub fn lif_ref(shape: impl Into<Shape>) -> Group {
        Group::shipped(LIF_REF.clone(), shape)
    }

    /// Hodgkin-Huxley neurons (Hodgkin and Huxley 1952), with rates shifted to a resting potential of -65 mV:
    ///
    /// `C dV/dt = -g_Na m^3 h (V - E_Na) - g_K n^4 (V - E_K) - g_L (V - E_L) + input`, and for the gates m, h, n
    /// `dx/dt = a_x (1 - x) - b_x x` with
    ///
    /// | gate | `a` | `b` |
    /// |---|---|---|
    /// | m | `0.1 (V + 40) / (1 - exp(-(V + 40) / 10))` | `4 exp(-(V + 65) / 18)` |
    /// | h | `0.07 exp(-(V + 65) / 20)` | `1 / (1 + exp(-(V + 35) / 10))` |
    /// | n | `0.01 (V + 55) / (1 - exp(-(V + 55) / 10))` | `0.125 exp(-(V + 65) / 80)` |
    ///
    /// A spike is where `V` crosses `V_th` upwards; nothing is reset.
    ///
    /// | parameter | default | unit |
    /// |---|---|---|
    /// | `E_Na`, `E_K`, `E_L` reversal potentials | 50, -77, -54.387 | mV |
    /// | `g_Na`, `g_K` largest conductances, not negative | 120, 36 | mS/cm² |
    /// | `g_L` leak conductance; the paper has 0.3, the default is the original's; not negative | 0.03 | mS/cm² |
    /// | `C` capacitance, above 0 | 1 | µF/cm² |
    /// | `V_th` threshold | 20 | mV |
    ///
    /// State: `V`, at first -65, and `m`, `h`, `n`, at rest there. Input: `input` (µA/cm²). Method: exponential Euler.
    ///
    /// ```
    /// use dsrunner::{DSRunner, neurons};
    ///
    /// let mut runner = DSRunner::builder(neurons::hh(1).param("g_L", 0.3))
    ///     .input(("input", 10.0))
    ///     .monitor("spike")
    ///     .progress_bar(false)
    ///     .build()?;
    /// runner.run(100.0)?;
    /// assert_eq!(runner.mon().events("spike")?.steps.len(), 7);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn hh(shape: impl Into<Shape>) -> Group {
        Group::shipped(HH.clone(), shape)
    }

    /// Izhikevich's neurons (Izhikevich 2003, "Simple model of spiking neurons"):
    ///
    /// `dV/dt = 0.04 V^2 + 5 V + 140 - u + input`, `du/dt = a (b V - u)`; where `V >= V_th` a spike, `V = c` and
    /// `u = u + d`.
    ///
    /// | parameter | default |
    /// |---|---|
    /// | `a`, `b` rate and slope of the recovery | 0.02, 0.2 |
    /// | `c`, `d` reset, `c` below `V_th` | -65, 8 |
    /// | `V_th` top of a spike | 30 |
    ///
    /// The defaults are those of regular spiking cells; the paper has others for intrinsically bursting (`c` -55, `d` 4),
    /// chattering (`c` -50, `d` 2) and fast spiking ones (`a` 0.1, `d` 2). State: `V`, at first -70, and `u`, at first
    /// `b V`. Input: `input`. Method: exponential Euler.
    ///
    /// ```
    /// use dsrunner::neurons;
    ///
    /// let chattering = neurons::izhikevich(100).param("c", -50.0).param("d", 2.0);
    /// ```
    pub fn izhikevich(shape: impl Into<Shape>) -> Group {
        Group::shipped(IZHIKEVICH.clone(), shape)
    }
}

/// Sources of spikes.
pub mod sources {
    use crate::system::Group;
    use crate::terms::Shape;

    models! {
        POISSON = "Poisson", "sources/poisson.wgsl";
    }

    /// Elements that spike at random, independently of each other and of the past: in each step with probability
    /// `freqs dt / 1000`, however small that is. A spike is a flag, so an element spikes once a step at most: for rates near
    /// one spike a step and above, take a smaller `dt`, or several sources whose rates add up to it.
    ///
    /// Parameter: `freqs`, default 10 Hz, not negative, and not more than one event a step: `freqs dt <= 1000`. State: `silent` (u32), the steps since the last spike.
    ///
    /// ```
    /// use dsrunner::{DSRunner, sources};
    ///
    /// let mut runner = DSRunner::builder(sources::poisson(1000).param("freqs", 20.0))
    ///     .monitor("spike")
    ///     .progress_bar(false)
    ///     .build()?;
    /// runner.run(1000.0)?;
    /// let spikes = runner.mon().events("spike")?.steps.len() as f64;
    /// // 1000 elements for 1 s at 20 Hz; the standard deviation of the count is its root, 141
    /// assert!((spikes - 20_000.0).abs() < 5.0 * 141.0);
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn poisson(shape: impl Into<Shape>) -> Group {
        Group::shipped(POISSON.clone(), shape)
    }
}

/// Dynamics of synapses.
pub mod synapses {
    use crate::system::Component;

    models! {
        EXPON = "Expon", "synapses/expon.wgsl";
    }

    /// Exponential synapse (Gerstner et al. 2014, section 3.1): `tau dg/dt = -g`, and each event adds its weight to `g`,
    /// after the decay of its step.
    ///
    /// Parameter: `tau`, default 8 ms, above 0. State: `g`, at first 0. Input: `x`, the sum of what arrives. Method: exponential
    /// Euler, which is exact here.
    ///
    /// ```
    /// use dsrunner::synapses;
    ///
    /// let ampa = synapses::expon().param("tau", 5.0);
    /// ```
    pub fn expon() -> Component {
        Component::shipped(EXPON.clone())
    }
}

/// Outputs: how a synapse's state becomes a current into the target.
pub mod outputs {
    use crate::system::Component;

    models! {
        COBA = "COBA", "outputs/coba.wgsl";
        CUBA = "CUBA", "outputs/cuba.wgsl";
    }

    /// Conductance-based: `I = g (E - V)`, with `V` at the start of the step, or within the step where the target has the
    /// form [`ltc`](crate::Group::ltc). Parameter: reversal potential `E`, default 0 mV.
    ///
    /// ```
    /// use dsrunner::outputs;
    ///
    /// let inhibitory = outputs::coba().param("E", -80.0);
    /// ```
    pub fn coba() -> Component {
        Component::shipped(COBA.clone())
    }

    /// Current-based: `I = g`.
    pub fn cuba() -> Component {
        Component::shipped(CUBA.clone())
    }
}

/// Ordinary differential equations.
pub mod odes {
    use crate::integrate::Method;
    use crate::system::Group;
    use crate::terms::Shape;

    models! {
        FORCED = "Forced", "odes/forced.wgsl";
        LORENZ = "Lorenz", "odes/lorenz.wgsl";
        VAN_DER_POL = "VanDerPol", "odes/van_der_pol.wgsl";
    }

    /// The Lorenz system (Lorenz 1963, "Deterministic nonperiodic flow"), one trajectory an element:
    /// `x' = sigma (y - x)`, `y' = x (rho - z) - y`, `z' = x y - beta z`.
    ///
    /// Parameters: `sigma` 10, `rho` 28, `beta` 8/3. State: `x`, `y`, `z`, at first 1. Method: RK4.
    ///
    /// ```
    /// use dsrunner::{DSRunner, odes};
    ///
    /// let mut runner = DSRunner::builder(odes::lorenz(10)).dt(0.001).progress_bar(false).build()?;
    /// runner.run(1.0)?;
    /// # Ok::<(), dsrunner::Error>(())
    /// ```
    pub fn lorenz(shape: impl Into<Shape>) -> Group {
        Group::shipped(LORENZ.clone(), shape).method(Method::RK4)
    }

    /// Van der Pol's oscillator (van der Pol 1926, "On relaxation-oscillations"): `x' = y`, `y' = mu (1 - x^2) y - x`.
    ///
    /// Parameter: `mu`, default 1. State: `x`, `y`, at first 2 and 0. Method: RK4.
    ///
    /// ```
    /// use dsrunner::odes;
    ///
    /// let stiff = odes::van_der_pol(100).param("mu", 5.0);
    /// ```
    pub fn van_der_pol(shape: impl Into<Shape>) -> Group {
        Group::shipped(VAN_DER_POL.clone(), shape).method(Method::RK4)
    }

    /// Relaxation under a periodic force: `x' = -x + sin(omega t)`, whose solution is known in closed form. The force is right at any
    /// time, however late.
    ///
    /// Parameter: `omega`, default 3. State: `x`, at first 0.25. Method: RK4.
    ///
    /// ```
    /// use dsrunner::odes;
    ///
    /// let fast = odes::forced(1).param("omega", 10.0);
    /// ```
    pub fn forced(shape: impl Into<Shape>) -> Group {
        Group::shipped(FORCED.clone(), shape).method(Method::RK4)
    }
}
