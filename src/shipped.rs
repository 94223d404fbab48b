//! The models that come with the crate.

/// Spiking neurons. Times in ms, potentials in mV.
pub mod neurons {
    use crate::model::{Model, Shipped};
    use crate::system::{Group, Shape};
    use std::sync::LazyLock;

    static LIF: LazyLock<Shipped> = LazyLock::new(|| {
        Model::shipped(
            "LIF",
            "shaders/neurons/lif.wgsl",
            include_str!("../shaders/neurons/lif.wgsl"),
        )
    });
    static LIF_REF: LazyLock<Shipped> = LazyLock::new(|| {
        let file = "shaders/neurons/lif_ref.wgsl";
        Model::shipped("LIFRef", file, include_str!("../shaders/neurons/lif_ref.wgsl"))
    });

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
    /// | `tau` membrane time constant | 10 | ms |
    ///
    /// State: `V`, at first 0. Input: `input`. Method: exact.
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

    /// Leaky integrate-and-fire neurons with a refractory period: as [`lif`], and after a spike `V` is held for
    /// `round(tau_ref / dt)` steps.
    ///
    /// Parameters as [`lif`], and `tau_ref`, default 0 ms. State: `V`, at first 0, and `refractory` (i32), the steps that
    /// are left. Input: `input`. Method: exact.
    ///
    /// ```
    /// use dsrunner::neurons;
    ///
    /// let group = neurons::lif_ref(4000).param("tau_ref", 5.0);
    /// ```
    pub fn lif_ref(shape: impl Into<Shape>) -> Group {
        Group::shipped(LIF_REF.clone(), shape)
    }
}

/// Dynamics of synapses.
pub mod synapses {
    use crate::model::{Model, Shipped};
    use crate::system::Component;
    use std::sync::LazyLock;

    static EXPON: LazyLock<Shipped> = LazyLock::new(|| {
        let file = "shaders/synapses/expon.wgsl";
        Model::shipped("Expon", file, include_str!("../shaders/synapses/expon.wgsl"))
    });

    /// Exponential synapse (Gerstner et al. 2014, section 3.1): `tau dg/dt = -g`, and each event adds its weight to `g`,
    /// after the decay of its step.
    ///
    /// Parameter: `tau`, default 8 ms. State: `g`, at first 0. Input: `x`, the sum of what arrives. Method: exact.
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
    use crate::model::{Model, Shipped};
    use crate::system::Component;
    use std::sync::LazyLock;

    static COBA: LazyLock<Shipped> = LazyLock::new(|| {
        Model::shipped(
            "COBA",
            "shaders/outputs/coba.wgsl",
            include_str!("../shaders/outputs/coba.wgsl"),
        )
    });
    static CUBA: LazyLock<Shipped> = LazyLock::new(|| {
        Model::shipped(
            "CUBA",
            "shaders/outputs/cuba.wgsl",
            include_str!("../shaders/outputs/cuba.wgsl"),
        )
    });

    /// Conductance-based: `I = g (E - V)`, with `V` at the start of the step. Parameter: reversal potential `E`, default 0 mV.
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
    use crate::model::{Model, Shipped};
    use crate::system::{Group, Shape};
    use std::sync::LazyLock;

    static LORENZ: LazyLock<Shipped> = LazyLock::new(|| {
        Model::shipped(
            "Lorenz",
            "shaders/odes/lorenz.wgsl",
            include_str!("../shaders/odes/lorenz.wgsl"),
        )
    });

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
        Group::shipped(LORENZ.clone(), shape)
    }
}
