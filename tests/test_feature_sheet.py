"""The sheet of what excites channels and logits: every picture in its place, scores underneath."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from analysis.contact_sheet import write_sheets
from analysis.feature_sheet import feature_sheets
from tests.rows import Row, facts, frame

VGG, R50 = "vgg_c10.standard", "resnet50_c10.l2_05"
PRIORS = "fourier-decorrelated+transforms"
# two channels of the first tap, one of the second, whose name comes first in the alphabet
CASES = {
    VGG: ["stem.act2-c3", "stem.act2-c17", "stage-c0", "logit-0", "logit-1"],
    R50: ["act1-c5", "layer1-c2", "layer1-c9", "logit-0", "logit-1"],
}


def made(folder: Path, share: float = 0.25) -> pd.DataFrame:
    """Rows and black pictures of 8 pixels, of a first and of a further seed."""
    rows: list[Row] = []
    for model, cases in CASES.items():
        (folder / "artifacts" / "features" / model).mkdir(parents=True, exist_ok=True)
        for condition in ("pixel", PRIORS):
            for metric, level in (("high_frequency_share", share), ("spectral_slope", -1.5)):
                values = [level] * len(cases)
                found = facts(model, condition, metric, values, suite="features", cases=cases)
                rows += [*found, *((*row[:6], 1, 0.9) for row in found)]
            for case in cases:
                file = folder / "artifacts" / "features" / model / f"{condition}__{case}.png"
                Image.new("RGB", (8, 8)).save(file)
    return frame(rows)


def filled(content: bytes) -> np.ndarray:
    with Image.open(BytesIO(content)) as picture:
        grey = np.asarray(picture.convert("L"), float)
    wide, high, top = 112 + 6, 112 + 26 + 6, 26 + 6
    left = grey.shape[1] % wide + (wide if grey.shape[1] % wide < 60 else 0)
    return np.array(
        [[grey[y : y + 8, x : x + 8].mean() < 60 for x in range(left, grey.shape[1], wide)]
         for y in range(top, grey.shape[0], high)]
    )  # fmt: skip


def test_lines_are_networks_without_and_with_priors_columns_taps_then_logits(
    tmp_path: Path,
) -> None:
    rows = made(tmp_path)
    (lost,) = tmp_path.glob(f"artifacts/features/{VGG}/pixel__logit-1.png")
    lost.unlink()
    ((name, content),) = feature_sheets(tmp_path, rows)
    assert name == "features.webp"
    # taps 1 and 2 with two channels each, and two logits
    assert filled(content).tolist() == [
        [True, False, True, True, True, True],
        [True, False, True, True, True, True],
        [True, True, True, False, True, False],
        [True, True, True, False, True, True],
    ]


def test_the_sheet_is_written_with_the_others_and_follows_the_scores(tmp_path: Path) -> None:
    (file,) = write_sheets(tmp_path, made(tmp_path))
    first = file.read_bytes()
    assert file == tmp_path / "analysis" / "sheets" / "features.webp"
    write_sheets(tmp_path, made(tmp_path))
    assert file.read_bytes() == first
    write_sheets(tmp_path, made(tmp_path, share=0.75))
    assert file.read_bytes() != first


def test_lost_pictures_are_no_sheet(tmp_path: Path) -> None:
    rows = made(tmp_path / "elsewhere")
    assert list(feature_sheets(tmp_path, rows)) == []
    assert list(feature_sheets(tmp_path, rows[rows["suite"] == "style"])) == []
