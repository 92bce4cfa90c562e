import re
from pathlib import Path

import pytest
from scipy.stats import pearsonr

from analysis.layer_columns import VERDICT_BUDGET
from bench.presets import PRESETS
from bench.suite_layers import Layers
from results.schema import dictionary
from zoo.catalog import ZOO
from zoo.listing import everything, page
from zoo.weights import manifest

LAYERS = next(
    suite
    for part in PRESETS["attack-lens"].experiments
    for suite in part.suites
    if isinstance(suite, Layers)
)
ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md", "CONTRIBUTING.md", "docs/attack_lens.md", "docs/columns.md",
    "docs/ilyas_fig3.md", "docs/imagenet.md", "docs/layer_robustness.md", "docs/style_lab.md",
    "results/README.md", "results/reference/cifar10/README.md", "zoo/README.md",
)  # fmt: skip


def test_the_data_dictionary_is_the_schema_s() -> None:
    assert (ROOT / "results/README.md").read_text().endswith(dictionary())


def test_every_suite_and_what_its_conditions_mean_is_told() -> None:
    text = (ROOT / "results/README.md").read_text()
    suites = {
        name
        for file in (ROOT / "bench").glob("suite_*.py")
        for name in re.findall(r'name: ClassVar\[str\] = "(\w+)"', file.read_text())
    }
    (listed,) = re.findall(r"^\| `suite` \|(.+)\|$", text, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", listed)) == suites
    conditions = text.partition("| suite | conditions |")[2].partition("## Data dictionary")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", conditions, re.MULTILINE)) == suites


def test_the_layer_page_tells_the_preset_s_steps_and_the_radius_drawn() -> None:
    text = (ROOT / "docs/layer_robustness.md").read_text()
    assert f"{LAYERS.steps} steps of eps / 5" in text
    drawn = float(VERDICT_BUDGET.partition("_")[2])
    assert f"read at {drawn:g}, over".replace("0.", ".") in text and "`layers.png` draws" in text


def test_what_is_said_of_the_published_figure_is_computed_from_its_points() -> None:
    text = (ROOT / "docs/ilyas_fig3.md").read_text()
    learned, fooled = (
        [float(cell) for cell in re.findall(r"\d+(?:\.\d)?", line)]
        for line in re.findall(r"^\| (?:accuracy|fooled), % \|(.+)\|$", text, re.MULTILINE)
    )
    assert len(learned) == len(fooled) == 5
    whole, without = (pearsonr(learned[:n], fooled[:n]) for n in (5, 4))  # VGG is the last
    ends = [
        f"[{end.low:.2f}, {end.high:.2f}]".replace("0.", ".")
        for end in (whole.confidence_interval(), without.confidence_interval())
    ]
    r = f"{whole.statistic:.3f}".removeprefix("0")
    assert f"r of the five is {r} with a 95 % interval of {ends[0]}" in text
    assert f"without VGG the interval is {ends[1]}" in text


def test_the_rates_said_to_be_chosen_are_those_of_the_manifest() -> None:
    text = (ROOT / "docs/ilyas_fig3.md").read_text()
    chosen = {}
    for arch in ("resnet18", "resnet50", "inception", "densenet", "vgg"):
        recipe = manifest()[f"{arch}_c10.det"]["recipe"]
        assert max(recipe["tried"]) == 0.8
        chosen[arch] = recipe["peak_lr"]
    assert chosen["resnet18"] == chosen["resnet50"] == 0.8
    assert chosen["inception"] == chosen["densenet"] == 0.2 and chosen["vgg"] == 0.1
    assert "the largest rate offered, .8, so" in text
    assert "Inception and DenseNet are best at .2, VGG at .1." in text


def test_the_list_of_models_is_the_zoo_s() -> None:
    assert (ROOT / "zoo/README.md").read_text() == page(everything())


@pytest.mark.parametrize("file", PAGES)
def test_links_and_pictures_exist(file: str) -> None:
    text = (ROOT / file).read_text()
    for target in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert ((ROOT / file).parent / target).exists(), target


@pytest.mark.parametrize("file", PAGES)
def test_models_and_presets_named_in_commands_exist(file: str) -> None:
    text = (ROOT / file).read_text()
    for preset in re.findall(r"--preset (\w[\w-]*)", text):
        assert preset in PRESETS
    for name in re.findall(r"`(\w+_c10\.(?:standard|l2_\d+))`", text):
        assert name in ZOO
