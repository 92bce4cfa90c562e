"""Synthetic runs with known answers, written through results.store like real ones."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.image as mpimg
import numpy as np
import pandas as pd

from results.schema import COLUMNS
from results.store import write_cell, write_manifest

SOURCE = "resnet50_c10.standard"
MODELS: dict[str, tuple[str, float, float]] = {  # family, chance to be fooled, style progress
    "vgg_c10.standard": ("VGG", 0.30, 0.45),
    "resnet18_c10.standard": ("ResNet", 0.62, 0.24),
    SOURCE: ("ResNet", 0.97, 0.20),
    "densenet_c10.standard": ("DenseNet", 0.55, 0.27),
    "inception_c10.standard": ("Inception", 0.48, 0.33),
    "vgg_c10.l2_05": ("VGG", 0.04, 0.48),
    "resnet50_c10.l2_05": ("ResNet", 0.06, 0.52),
}
STYLES = ["ihc", "hubble", "coffee"]
WEIGHTS = ["w10", "w100", "w1000"]

Row = tuple[str, str, str, str, str, int, int, float]


def frame(rows: Iterable[Row]) -> pd.DataFrame:
    """Rows as the store wants them."""
    return pd.DataFrame(list(rows), columns=COLUMNS)


def facts(
    model: str, condition: str, metric: str, values: Sequence[float], *,
    suite: str = "transfer", step: int = 0, cases: Sequence[str] | None = None,
) -> list[Row]:  # fmt: skip
    """One metric of one model, one value a case (image0, image1, ... unless named)."""
    names = cases or [f"image{i}" for i in range(len(values))]
    return [(suite, model, case, condition, metric, step, 0, float(value))
            for case, value in zip(names, values, strict=True)]  # fmt: skip


def manifest(models: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """A manifest with these models (name to family)."""
    entries = {
        name: {
            "family": family, "arch": name.partition(".")[0],
            "training": name.split(".", 1)[1], "robust": ".l2" in name,
            "residual": family == "ResNet", "params": 1_000_000, "sha256": "0" * 64, "seed": 0,
        }
        for name, family in models.items()
    }  # fmt: skip
    return {"preset": "synthetic", "source": SOURCE, "models": entries, "versions": {}, **more}


def store(run: Path, rows: Iterable[Row], models: Mapping[str, str], **more: Any) -> Path:
    """A run of these rows, one cell a suite and model."""
    cells = {}
    for (suite, model), part in frame(rows).groupby(["suite", "model"]):
        write_cell(run, str(suite), f"{model}", part.reset_index(drop=True))
        cells[f"{suite}/{model}"] = f"{suite}/{model}"
    write_manifest(run, manifest(models, **{"cells": cells, **more}))
    return run


def build_run(
    run: Path, *, models: Sequence[str] = tuple(MODELS), images: int = 60,
    suites: Sequence[str] = ("transfer", "style"), seed: int = 0,
) -> Path:  # fmt: skip
    """A complete run like the quick preset's: every metric, pictures, costs; drawn from seed."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for model in models:
        if "transfer" in suites:
            rows += _transfer(model, images, rng)
        if "style" in suites:
            rows += _style(model, rng)
    if "style" in suites:
        _artifacts(run, models, rng)
    _costs(run, models)
    return store(run, rows, {name: MODELS[name][0] for name in models})


def _transfer(model: str, images: int, rng: np.random.Generator) -> list[Row]:
    clean = rng.random(images) < 0.85
    rows = facts(model, "clean", "clean_correct", clean)
    fooled, hard = MODELS[model][1], rng.random(images)
    for norm, share in [("l2_0.25", 0.6), ("l2_0.50", 1.0), ("linf_0.031", 1.1)]:
        for step in (1, 2, 5, 10, 20, 50) if norm == "l2_0.50" else (20,):
            right = clean & (hard > min(fooled * share * (1 - 0.6**step), 0.99))
            rows += _answers(model, f"{norm}/untargeted", step, right, rng)
        rows += _answers(model, f"{norm}/noise", 0, clean & (hard > 0.02), rng)
    for target in (0, 1):
        hits = rng.random(images) < fooled * 0.3
        condition = f"l2_0.50/targeted/{target}"
        rows += _answers(model, condition, 20, clean & ~hits & (hard > fooled), rng)
        for metric in ("adv_hits_target", "adv_hits_target_8bit"):
            rows += facts(model, condition, metric, hits, step=20)
    return rows


def _answers(
    model: str, condition: str, step: int, right: Any, rng: np.random.Generator
) -> list[Row]:
    same = ~right & (rng.random(len(right)) < 0.6)
    size = np.full(len(right), 0.5)
    return [
        row
        for metric, values in [
            ("adv_correct", right), ("adv_same_as_source", same), ("adv_correct_8bit", right),
            ("perturbation_l2", size), ("perturbation_linf", size / 10),
        ]
        for row in facts(model, condition, metric, values, step=step)
    ]  # fmt: skip


def _style(model: str, rng: np.random.Generator) -> list[Row]:
    rows: list[Row] = []
    family, _, progress = MODELS[model]
    for start, taps in [("content-start", "matched"), ("content-start", "article"),
                        ("noise-start", "matched")]:  # fmt: skip
        for style in STYLES:
            for weight in WEIGHTS:
                done = progress + 0.05 * np.log10(float(weight[1:])) + rng.normal(0, 0.03)
                single = {
                    "judge_style_distance": 1 - done,
                    "judge_style_distance_content": 1.0,
                    "palette_distance": 0.5 * (1 - done),
                    "palette_distance_content": 0.5,
                    "texture_distance": 0.3 * (1 - done),
                    "texture_distance_content": 0.3,
                    "random_style_distance": 0.2 * (1 - done),
                    "random_style_distance_content": 0.2,
                    "judge_content_distance": 0.4,
                    "content_edges": 0.5,
                    "content_ssim": 0.5,
                    "clipped_share": 0.01,
                    "high_frequency_share": 0.1,
                    "spectral_slope": -2.0,
                    "total_variation": 0.1,
                    "diverged": 0.0,
                    "evaluations": 60.0,
                    "line_search_failures": 1.0,
                }
                peak = 4.0 if family == "VGG" else 16.0
                for period in (2, 4, 8, 16):
                    single[f"peak_{period}"] = peak / period * 2 + rng.normal(0, 1)
                    single[f"peak_{period}_style"] = 1.0
                key = ("style", model, f"chelsea+{style}", f"{start}/{taps}/{weight}")
                rows += [(*key, name, 0, 0, float(value)) for name, value in single.items()]
                rows += _curves(key, progress, peak, rng)
    return rows


def _curves(
    key: tuple[str, str, str, str], progress: float, peak: float, rng: np.random.Generator
) -> list[Row]:
    steps = np.arange(61)
    loss = 0.8 * np.exp(-steps * progress / 2) + 0.0004 / progress
    bins = np.arange(81)
    power = 40 - 20 * np.log10(bins + 1) + rng.normal(0, 0.4, 81)
    power[[40, 80]] += peak / 2
    return [
        *((*key, "loss_style", int(k), 0, float(v)) for k, v in enumerate(loss)),
        *((*key, "loss_total", int(k), 0, float(v * 100 + 1)) for k, v in enumerate(loss)),
        *((*key, "radial_power", int(k), 0, float(v)) for k, v in enumerate(power)),
    ]


def _artifacts(run: Path, models: Sequence[str], rng: np.random.Generator) -> None:
    names = ["(content)/original__chelsea", *(f"(style)/original__{style}" for style in STYLES)]
    names += [f"{model}/content-start_matched_w{weight}__chelsea+{style}"
              for model in models for style in STYLES for weight in (10, 1000)]  # fmt: skip
    for name in names:
        file = run / "artifacts" / "style" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        mpimg.imsave(file, rng.random((32, 32, 3)), metadata={"Software": None})


def _costs(run: Path, models: Sequence[str]) -> None:
    found = [
        {"name": f"{test}[{name}]", "stats": {"median": 0.25}}
        for test in ("test_attack_step", "test_style_closure")
        for name in models
    ]
    run.mkdir(parents=True, exist_ok=True)
    (run / "benchmark.json").write_text(json.dumps({"benchmarks": found}))
