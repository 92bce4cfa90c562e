"""The figure of tap choices: a line a choice, in the order of depth, and nobody's mean."""

import pandas as pd

from analysis.comparisons import TAP_CHOICE
from analysis.tap_plot import SCORES, tap_choices, taps


def test_every_choice_of_each_network_is_drawn_in_order() -> None:
    choices = ("matched/content2", "single/4", "single/0", "subset/0+1")
    lines = [
        {"group": TAP_CHOICE, "comparison": f"{who}: {choice} - matched", "score": score,
         "effect": 0.1, "low": -0.1, "high": 0.4, "n_pictures": 3}
        for who in ("vgg_c10.standard", "resnet50_c10.standard", "mean over networks")
        for choice in choices for score in (*SCORES, "excess_2")
    ]  # fmt: skip
    lines.append(lines[0] | {"group": "taps", "comparison": "vgg_c10.standard: article - matched"})
    found = tap_choices(pd.DataFrame(lines))
    assert len(found) == 2 * 4 * 2 and set(found["choice"]) == set(choices)
    assert len(taps(found[found["score"] == "progress"]).axes) == 1
    ax = taps(found).axes[0]
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == ["style from tap 0", "style from tap 4", "style from taps 0+1",
                     "content from tap 2"]  # fmt: skip
    assert len(ax.containers) == 2  # a network each
    (low, high) = ax.containers[0][2][0].get_segments()[0][:, 0]
    assert (round(low, 6), round(high, 6)) == (-0.1, 0.4)
