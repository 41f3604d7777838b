"""The likelihood of Bradley, Terry and Davidson: wins, ties and losses of pairs of systems from one strength each.

With π = exp(β) the outcomes of a against b have the probabilities

    a preferred  π_a / D        tie  ν √(π_a π_b) / D        b preferred  π_b / D        D = π_a + π_b + ν √(π_a π_b)

In β and η = log ν this is a multinomial logit, so that the log-likelihood is concave. A small ridge, ½ λ (Σ β² + η²), keeps a
system finite that won every vote, and centres the strengths: Σ β = 0.

Sources: Bradley and Terry, Biometrika 39 (1952); Davidson, JASA 65 (1970).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fairprune.errors import BadInput, NumericError
from fairprune.uncertainty import FloatArray

RIDGE = 0.01
"""λ: less than the information of a tenth of a vote."""
MAX_STEP = 2.0
MAX_STEPS = 200
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Model:
    """Which pairs were compared; the same for all resamples of a study."""

    pairs: NDArray[np.intp]
    """(P, 2): positions of the systems a and b."""
    n_systems: int
    ties: bool = True
    """False: no tie was seen, and ν is 0: Bradley and Terry's own model."""
    ridge: float = RIDGE

    def __post_init__(self) -> None:
        if self.ridge <= 0:
            raise BadInput(
                f"a ridge of {self.ridge!r} cannot hold a system that won every vote: give one above 0"
            )

    @cached_property
    def contrasts(self) -> FloatArray:
        """(P, 3, K): the utility of each outcome (a, tie, b) is this times the K parameters β, η."""
        n = len(self.pairs)
        found = np.zeros((n, 3, self.n_systems + 1))
        rows = np.arange(n)
        a, b = self.pairs[:, 0], self.pairs[:, 1]
        found[rows, 0, a] = found[rows, 2, b] = 1.0
        found[rows, 1, a] = found[rows, 1, b] = 0.5
        found[:, 1, -1] = 1.0
        return found

    def probabilities(self, parameters: FloatArray) -> FloatArray:
        """(…, K) → (…, P, 3)."""
        x = self.contrasts
        utility = (parameters @ x.reshape(-1, x.shape[2]).T).reshape(*parameters.shape[:-1], *x.shape[:2])
        if not self.ties:
            utility[..., 1] = -np.inf
        utility = utility - utility.max(axis=-1, keepdims=True)
        weight = np.exp(utility)
        found: FloatArray = weight / weight.sum(axis=-1, keepdims=True)
        return found


def fit(model: Model, counts: FloatArray) -> FloatArray:
    """The parameters (K,) that maximise the penalised likelihood of counts (P, 3), by scipy.optimize.

    The last one is η = log ν, which says nothing where the model has no ties.

    Raises:
        NumericError: the optimiser did not converge.
    """
    from scipy.optimize import minimize  # slow to import, and pages read this package

    x = model.contrasts
    total = counts.sum(axis=1)
    scale = max(
        1.0, float(total.sum())
    )  # per vote: with thousands of votes an improvement would drown in rounding

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        p = model.probabilities(parameters)
        with np.errstate(divide="ignore"):
            logs = np.where(counts > 0, np.log(p), 0.0)
        value = -(counts * logs).sum() + 0.5 * model.ridge * (parameters**2).sum()
        gradient = -np.einsum("pc,pck->k", counts - total[:, None] * p, x) + model.ridge * parameters
        return float(value) / scale, gradient / scale

    def hessian(parameters: FloatArray) -> FloatArray:
        found: FloatArray = _information(model, parameters[None], total[None])[0] / scale
        return found

    start = np.zeros(model.n_systems + 1)
    found = minimize(loss, start, jac=True, hess=hessian, method="trust-exact", options={"gtol": 1e-7})
    last: FloatArray = fit_many(model, counts[None], found.x)[0]  # the last digits
    if not found.success and float(np.abs(last - found.x).max()) > 1e-3:
        raise NumericError(f"the strengths of {model.n_systems} systems did not converge: {found.message}")
    return last


def fit_many(model: Model, counts: FloatArray, start: FloatArray | None = None) -> FloatArray:
    """The same for many resamples at once, by Newton's steps: (R, P, 3) → (R, K).

    Args:
        start: (K,), where the steps begin; the fit of the data themselves saves steps.

    Raises:
        NumericError: a resample that did not converge.
    """
    x = model.contrasts
    total = counts.sum(axis=2)  # (R, P)
    first = np.zeros(x.shape[2]) if start is None else start
    found = np.tile(first, (len(counts), 1))
    moving = np.arange(len(counts))
    for _ in range(MAX_STEPS):
        at = found[moving]
        p = model.probabilities(at)
        residual = counts[moving] - total[moving][..., None] * p
        gradient = residual.reshape(len(moving), -1) @ x.reshape(-1, x.shape[2]) - model.ridge * at
        step = np.linalg.solve(_information(model, at, total[moving], p), gradient[..., None])[..., 0]
        # Strengths sum to 0, and the ridge alone says so: a small one would leave their sum to the rounding of this machine.
        own = slice(None, model.n_systems)
        step[:, own] -= (at[:, own] + step[:, own]).mean(axis=1, keepdims=True)
        size = np.abs(step).max(axis=1, keepdims=True)
        found[moving] = at + step * np.minimum(1.0, MAX_STEP / np.maximum(size, 1e-300))
        moving = moving[size[:, 0] > TOLERANCE]
        if not len(moving):
            return found
    raise NumericError(f"the strengths of {len(moving)} of {len(counts)} resamples did not converge")


def _information(
    model: Model, parameters: FloatArray, total: FloatArray, p: FloatArray | None = None
) -> FloatArray:
    """(R, K), (R, P) → (R, K, K): minus the second derivative of the penalised log-likelihood."""
    x = model.contrasts
    k = x.shape[2]
    p = model.probabilities(parameters) if p is None else p
    squares = (x[..., :, None] * x[..., None, :]).reshape(-1, k * k)
    weights = (total[..., None] * p).reshape(len(p), -1)
    means = np.einsum("rpc,pck->rpk", p, x)
    found: FloatArray = (
        (weights @ squares).reshape(-1, k, k)
        - np.swapaxes(means * total[..., None], 1, 2) @ means
        + model.ridge * np.eye(k)
    )
    return found
