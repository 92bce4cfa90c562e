"""The row, and the dictionary of everything a row can hold.

One measurement a row, unique on all columns but ``value``. Facts are stored, never rates: what one
model answered for one picture, one loss at one evaluation. Rates are made in analysis.
"""

import math
from dataclasses import dataclass

import pandas as pd

VERSION = 1

# suite: transfer, style, robustness, ...
# model: arch.tag of the network measured (the target of an attack, the optimised encoder)
# case: the picture, or the pair "content+style"
# condition: what was done to it, parts joined by "/" (see each suite's docstring)
# step: attack iterations, gradient evaluations, frequency bins or a tap's place in depth; 0 where
#     none applies
KEYS = ["suite", "model", "case", "condition", "metric", "step", "seed"]
COLUMNS = [*KEYS, "value"]


@dataclass(frozen=True)
class Metric:
    """What a number means: unit, bounds, which way is better (+1, -1, or 0), axis label, source."""

    label: str
    unit: str
    low: float
    high: float
    direction: int
    about: str
    citation: str = ""


class SchemaError(ValueError):
    """Rows or a run that do not fit this version of the schema."""


_INF = math.inf
_PERIODS = (2, 4, 8, 16)
_ODENA, _GATYS, _NAKANO = "Odena et al. 2016", "Gatys et al. 2016", "Nakano 2019"
_SWAG = "Wang et al. 2021"
_DEMONTIS = "Demontis et al. 2019"
_REPLY = "Ilyas et al. 2019 (reply to Nakano)"


def _at_periods(name: str, label: str, unit: str, about: str, citation: str) -> dict[str, Metric]:
    """One metric at each stride's period in the output, then the style picture's own."""
    own = ": what the output may rightly have"
    made: dict[str, Metric] = {}
    style: dict[str, Metric] = {}
    for p in _PERIODS:
        low, high = (1, p) if unit == "ratio" else (-_INF, _INF)
        key, said = f"{name}_{p}", label.format(p=p)
        made[key] = Metric(said, unit, low, high, -1, about.format(p=p), citation)
        of_style = f"{key} of the style picture itself{own}"
        style[f"{key}_style"] = Metric(f"{said}, style", unit, low, high, 0, of_style, _NAKANO)
    return made | style


METRICS: dict[str, Metric] = {
    "clean_correct": Metric(
        "clean accuracy", "0/1", 0, 1, +1, "the model names the unperturbed picture's class"
    ),
    "adv_correct": Metric(
        "accuracy under attack", "0/1", 0, 1, +1,
        "the model names the true class of the perturbed picture", "Ilyas et al. 2019",
    ),
    "adv_same_as_source": Metric(
        "same mistake as the source", "0/1", 0, 1, 0,
        "the model errs on the perturbed picture, to the class the source errs to",
        "Waseda et al. 2021",
    ),
    "adv_hits_target": Metric(
        "targeted hits", "0/1", 0, 1, -1,
        "the model answers the class the attack aimed at", "Zhao et al. 2022",
    ),
    "adv_correct_8bit": Metric(
        "accuracy under attack, 8-bit", "0/1", 0, 1, +1,
        "adv_correct after rounding the perturbed picture to 256 levels",
    ),
    "adv_hits_target_8bit": Metric(
        "targeted hits, 8-bit", "0/1", 0, 1, -1,
        "adv_hits_target after rounding the perturbed picture to 256 levels",
    ),
    "perturbation_l2": Metric(
        "realised L2 norm", "pixels in [0,1]", 0, _INF, 0, "length of the perturbation as made"
    ),
    "perturbation_linf": Metric(
        "realised Linf norm", "pixels in [0,1]", 0, 1, 0, "largest change of one channel value"
    ),
    "nonrobust_answer": Metric(
        "answer after training on non-robust features", "class", 0, _INF, 0,
        "index of the class that a model trained on perturbed, relabelled pictures names",
        "Ilyas et al. 2019",
    ),
    "nonrobust_label": Metric(
        "true class", "class", 0, _INF, 0, "index of the picture's own class, beside that answer"
    ),
    "adv_distance": Metric(
        "distance to the nearest error", "pixels in [0,1]", 0, _INF, +1,
        "norm of the smallest perturbation one attack finds that makes the model err; 0 where it "
        "errs anyway, inf where the attack finds none", "Moosavi-Dezfooli et al. 2016",
    ),
    "layer_displacement": Metric(
        "layer displacement", "activation, L2", 0, _INF, -1,
        "largest ||f(x') - f(x)|| that gradient ascent finds in the ball, f the activation of a "
        "tap, step its place in depth", _REPLY,
    ),
    "layer_displacement_noise": Metric(
        "layer displacement by noise", "activation, L2", 0, _INF, -1,
        "||f(x') - f(x)|| for a random x' on the same sphere", _REPLY,
    ),
    "layer_spread": Metric(
        "spread of a layer", "activation, L2", 0, _INF, 0,
        "mean ||f(x) - f(x2)|| over the other pictures x2: the unit of layer displacements", _REPLY,
    ),
    "gradient_norm": Metric(
        "input-gradient norm", "nats / pixels in [0,1]", 0, _INF, -1,
        "L2 norm of the cross-entropy's gradient with respect to the pixels", _DEMONTIS,
    ),
    "gradient_alignment": Metric(
        "gradient alignment", "cosine", -1, 1, 0,
        "cosine between the model's and the source's input gradients", _DEMONTIS,
    ),
    "loss_variance": Metric(
        "loss variance under noise", "nats^2", 0, _INF, -1,
        "variance of the cross-entropy over random perturbations of one norm",
        f"after {_DEMONTIS}",
    ),
    "loss_total": Metric(
        "total loss", "relative", 0, _INF, -1,
        "style weight x style loss + content loss, at one gradient evaluation", _GATYS,
    ),
    "loss_style": Metric(
        "relative Gram loss", "relative", 0, _INF, -1,
        "mean over taps of ||G(x)-G(s)||^2 / ||G(s)||^2, at one gradient evaluation", _GATYS,
    ),
    "diverged": Metric(
        "diverged", "0/1", 0, 1, -1, "the loss became no number, or ended above its start"
    ),
    "evaluations": Metric("gradient evaluations used", "count", 0, _INF, 0, "closures of L-BFGS"),
    "iterations": Metric(
        "iterations", "count", 0, _INF, 0, "search directions of L-BFGS, or steps of Adam"
    ),
    "line_search_failures": Metric(
        "failed line searches", "count", 0, _INF, -1,
        "line searches that found no step, or took more than 20 evaluations", "Zhu et al. 1997",
    ),
    "gram_distance_raw": Metric(
        "raw Gram distance", "network's own", 0, _INF, 0,
        "||G(x)-G(s)||^2 of the picture made, at one style tap (step, from 0)", _GATYS,
    ),
    "gram_energy_style": Metric(
        "the style's Gram energy", "network's own", 0, _INF, 0,
        "||G(s)||^2 at one style tap (step, from 0): the unit of relative losses", _GATYS,
    ),
    "clipped_share": Metric(
        "clipped values", "share", 0, 1, -1, "pixel values outside [0,1] before the final clamp"
    ),
    "judge_style_distance": Metric(
        "judge's Gram distance to the style", "relative", 0, _INF, -1,
        "mean over the judge's taps of ||G(o)-G(s)||^2 / ||G(s)||^2", _GATYS,
    ),
    "judge_style_distance_content": Metric(
        "judge's Gram distance, untouched content", "relative", 0, _INF, 0,
        "judge_style_distance of the content picture: where progress starts",
    ),
    "random_style_distance": Metric(
        "untrained network's Gram distance to the style", "relative", 0, _INF, -1,
        "judge_style_distance by the judge's architecture with random weights",
        "Ustyuzhaninov et al. 2017",
    ),
    "random_style_distance_content": Metric(
        "untrained network's Gram distance, untouched content", "relative", 0, _INF, 0,
        "random_style_distance of the content picture",
    ),
    "texture_distance": Metric(
        "texture distance to the style", "relative", 0, _INF, -1,
        "sliced 2-Wasserstein distance of 7x7 patches in three octaves over the style's energy: "
        "1 for a flat picture", "Rabin et al. 2011",
    ),
    "texture_distance_content": Metric(
        "texture distance, untouched content", "relative", 0, _INF, 0,
        "texture_distance of the content picture",
    ),
    "palette_distance": Metric(
        "palette distance to the style", "pixels^2 in [0,1]", 0, _INF, -1,
        "squared 2-Wasserstein distance between Gaussians fitted to the two pictures' colours",
    ),
    "palette_distance_content": Metric(
        "palette distance, untouched content", "pixels^2 in [0,1]", 0, _INF, 0,
        "palette_distance of the content picture",
    ),
    "judge_content_distance": Metric(
        "judge's content distance", "relative", 0, _INF, -1,
        "||F(o)-F(c)||^2 / ||F(c)||^2 at the judge's stride-16 tap", _GATYS,
    ),
    "content_ssim": Metric(
        "SSIM with the content", "", -1, 1, +1, "structural similarity of the grey pictures",
        "Wang et al. 2004",
    ),
    "content_edges": Metric(
        "edge SSIM with the content", "", -1, 1, +1,
        "structural similarity of the Sobel gradients' lengths", "Chen et al. 2006",
    ),
    "high_frequency_share": Metric(
        "high-frequency share", "share", 0, 1, 0,
        "power beyond a quarter cycle a pixel over all power but the mean",
    ),
    "spectral_slope": Metric(
        "spectral slope", "log power / log frequency", -_INF, _INF, 0,
        "slope of the azimuthally averaged power spectrum",
    ),
    "total_variation": Metric(
        "total variation", "mean |dx| + |dy|", 0, 2, 0, "mean absolute difference of neighbours"
    ),
    "radial_power": Metric(
        "radial power", "dB", -_INF, _INF, 0,
        "azimuthally averaged power at one frequency bin (step), in dB",
    ),
    "radial_power_style": Metric(
        "radial power of the style", "dB", -_INF, _INF, 0,
        "radial_power of the style picture itself",
    ),
    **_at_periods(
        "peak", "stride-locked peak K({p})", "dB",
        "power at period {p} on the two axes over its local ring, in the output", _ODENA,
    ),
    **_at_periods(
        "board", "checkerboard peak at period {p}", "dB",
        "power at period {p} on the two diagonals over its local ring, in the output", _ODENA,
    ),
    **_at_periods(
        "lattice", "lattice of {p} pixels", "ratio",
        "largest over mean |dx|, |dy| at equal places modulo {p}", "Wang et al. 2002",
    ),
    "objective_start": Metric(
        "objective at the start", "network's own", -_INF, _INF, 0,
        "mean of the channel, or the logit, on the grey start", "Engstrom et al. 2019",
    ),
    "objective_end": Metric(
        "objective at the end", "network's own", -_INF, _INF, 0,
        "mean of the channel, or the logit, on the picture made for it", "Engstrom et al. 2019",
    ),
    "coverage_unevenness": Metric(
        "unevenness of backward coverage", "std / mean", 0, _INF, 0,
        "how unevenly a stride's gradients cover their input, at one period (step), from the "
        "layers alone", _ODENA,
    ),
    **{
        f"{name}_{key}": Metric(f"{label}, {what}", unit, 0, high, 0, f"{about} {what}", _SWAG)
        for name, what in (("activation", "of a tap's activations"), ("gram", "of its Gram matrix"))
        for key, label, unit, high, about in (
            ("max", "maximum", "network's own", _INF, "largest entry"),
            ("peak_to_mean", "maximum over mean", "ratio", _INF, "largest entry over the mean"),
            ("entropy", "entropy", "nats", _INF, "entropy of the entries' shares of their sum,"),
            ("entropy_share", "entropy / log n", "share", 1, "entropy over that of an even map,"),
        )
    },
}  # fmt: skip


def validate(rows: pd.DataFrame) -> pd.DataFrame:
    """Check rows against the schema and return them in column order.

    Raises:
        SchemaError: columns missing or surplus, an unknown metric, a value out of its bounds,
            a missing value, or two rows with one key.
    """
    if set(rows.columns) != set(COLUMNS):
        raise SchemaError(f"rows have columns {sorted(rows.columns)}, not {sorted(COLUMNS)}")
    unknown = sorted(set(rows["metric"]) - set(METRICS))
    if unknown:
        raise SchemaError(f"unknown metric {', '.join(unknown)}: add it to results/schema.py")
    for name, values in rows.groupby("metric")["value"]:
        metric = METRICS[str(name)]
        if not values.between(metric.low, metric.high).all():  # NaN is outside, too
            worst = values[~values.between(metric.low, metric.high)].iloc[0]
            raise SchemaError(f"{name} = {worst} is outside [{metric.low}, {metric.high}]")
    twice = rows.duplicated(KEYS)
    if twice.any():
        raise SchemaError(f"two rows share the key {rows.loc[twice, KEYS].iloc[0].to_dict()}")
    return rows[COLUMNS].astype({"step": "int64", "seed": "int64", "value": "float64"})


def dictionary() -> str:
    """The data dictionary as a Markdown table, one line a metric."""
    lines = ["| metric | unit | bounds | better | meaning | source |", "|---|---|---|---|---|---|"]
    better = {+1: "higher", -1: "lower", 0: ""}
    for key, m in METRICS.items():
        bounds = f"{m.low:g} .. {m.high:g}"
        lines.append(
            f"| `{key}` | {m.unit} | {bounds} | {better[m.direction]} | {m.about} | {m.citation} |"
        )
    return "\n".join(lines) + "\n"
