"""Synthetic model tables whose causes are known, for the hypotheses to find."""

from itertools import product

import numpy as np
import pandas as pd

FAMILIES = ("VGG", "ResNet", "DenseNet", "Inception", "AlexNet")
DOWN = ("max22", "avg22", "conv32", "conv42")


def zoo(rng: np.random.Generator, n: int = 20) -> pd.DataFrame:
    """n models of five families, all scores pure noise."""
    return pd.DataFrame({
        "model": [f"net{i}.standard" for i in range(n)],
        "family": [FAMILIES[i % 5] for i in range(n)],
        "arch": [f"net{i}" for i in range(n)],
        "role": "contestant", "training": "standard", "robust": False, "is_source": False,
        "seed": 0, "residual": False, "downsampling": "", "batch_norm": True,
        "params": rng.integers(1_000_000, 9_000_000, n),
        "fooling": rng.random(n), "accuracy": rng.random(n), "progress": rng.random(n),
        "peak_excess": rng.normal(0, 5, n),
    })  # fmt: skip


def pictures(table: pd.DataFrame) -> pd.DataFrame:
    """Pictures by the plain method that have every model's progress and peak on average."""
    cases, offsets = ("a+x", "b+x", "c+x"), (-1, 0, 1)
    return pd.concat(
        table[["model", "progress"]].assign(
            case=case, condition="content-start/matched/w100", weight="w100", run=0,
            progress=table["progress"] + 0.1 * offset, excess_2=table["peak_excess"] + offset,
        )
        for case, offset in zip(cases, offsets, strict=True)
    )  # fmt: skip


def nets(rng: np.random.Generator, *, seeds: int = 2, noise: float = 0.02) -> pd.DataFrame:
    """The factory's cells with seeds; residual costs .15, average pools .05 with batch norm."""
    lines = []
    for residual, down, norm, seed in product((False, True), DOWN, (False, True), range(seeds)):
        lines.append({
            "model": f"matched_c10.res{residual:d}_{down}_bn{norm:d}-s{seed}",
            "family": "Matched net", "arch": "matched_c10", "role": "matched",
            "training": "standard", "robust": False, "is_source": False, "seed": seed,
            "residual": residual, "downsampling": down, "batch_norm": norm, "params": 1_000_000,
            "progress": 0.5 - 0.15 * residual - 0.05 * (norm and down == "avg22")
            + rng.normal(0, noise),
            "peak_excess": 6.0 * (down == "conv32") + rng.normal(0, 0.5),
        })  # fmt: skip
    return pd.DataFrame(lines)
