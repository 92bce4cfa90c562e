"""The article's figure: untouched pictures first, networks down, weights across, or tiles."""

from pathlib import Path

import matplotlib.image as mpimg
import numpy as np
import pandas as pd
import pytest

from analysis import style_plots

NETS, STARTS = ("vgg19.tv_in1k", "resnet50.tv_in1k"), ("content-start", "noise-start")


def listed(folder: Path, weights: tuple[str, ...]) -> pd.DataFrame:
    """Pictures of their own grey, the untouched ones last."""
    made = [(model, start, weight) for model in NETS for start in STARTS for weight in weights]
    made += [("(content)", "", ""), ("(style)", "", "")]
    index = pd.DataFrame(made, columns=["model", "start", "weight"])
    index["case"] = ["cat+cup"] * (len(made) - 2) + ["cat", "cup"]  # under their own names
    index["file"] = [f"{i}.png" for i in range(len(made))]
    for i, file in enumerate(index["file"]):
        mpimg.imsave(folder / file, np.full((4, 4, 3), i / len(made)))
    return index


def grey(ax: object) -> float:
    return float(ax.images[0].get_array()[0, 0, 0])  # type: ignore[attr-defined]


def test_networks_go_down_and_weights_across(tmp_path: Path) -> None:
    index = listed(tmp_path, ("w1000", "w1", "w10"))
    (tmp_path / "3.png").unlink()
    axes = style_plots.weight_grid(index, tmp_path).axes
    assert len(axes) == 3 * (1 + 4)
    assert [ax.get_title(loc="left") for ax in axes[:6]] == [
        "content", "style", "", "style weight 1", "style weight 10", "style weight 1000",
    ]  # fmt: skip
    assert [ax.get_ylabel() for ax in axes[3::3]] == [f"{m}\n{s}" for m in NETS for s in STARTS]
    assert [len(ax.images) for ax in axes] == [1, 1, 0, 1, 1, 1, 1, 1, 0] + [1] * 6
    assert grey(axes[3]) == pytest.approx(1 / 14, abs=0.01)  # its smallest weight
    assert grey(axes[0]) == pytest.approx(12 / 14, abs=0.01)


def test_pictures_of_one_weight_are_tiles(tmp_path: Path) -> None:
    drawn = style_plots.weight_grid(listed(tmp_path, ("w100",)), tmp_path)
    assert [ax.get_title(loc="left") for ax in drawn.axes] == [
        "content", "style", *(f"{m}\n{s}" for m in NETS for s in STARTS), "", "",
    ]  # fmt: skip
    assert [len(ax.images) for ax in drawn.axes] == [1] * 6 + [0, 0]
    assert drawn.get_supxlabel() == "style weight 100"


def test_a_run_that_kept_no_untouched_pictures_has_none(tmp_path: Path) -> None:
    index = listed(tmp_path, ("w1", "w10"))
    axes = style_plots.weight_grid(index[index["weight"] != ""], tmp_path).axes
    assert [ax.get_title(loc="left") for ax in axes[:2]] == ["style weight 1", "style weight 10"]
