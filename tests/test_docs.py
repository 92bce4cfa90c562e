import re
from pathlib import Path

import pytest

from analysis.tables import Run  # noqa: F401  (analysis is documented, so it must import)
from bench.presets import PRESETS
from results.schema import dictionary
from zoo.catalog import ZOO
from zoo.listing import everything, page

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md", "CONTRIBUTING.md", "docs/ilyas_fig3.md", "docs/layer_robustness.md",
    "results/README.md", "zoo/README.md",
)  # fmt: skip


def test_the_data_dictionary_is_the_schema_s() -> None:
    assert (ROOT / "results/README.md").read_text().endswith(dictionary())


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
