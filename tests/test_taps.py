"""Tap sets: the matched taps, and choices among them by place."""

import pytest

from tests.tiny import spec
from zoo.catalog import find
from zoo.taps import matched_taps, skeleton, tap_set

RESNET = spec("resnet50_c10")
MATCHED = matched_taps(skeleton(RESNET))


@pytest.mark.parametrize(
    ("kind", "places"),
    [
        ("matched", (0, 1, 2, 3, 4)),
        ("without-first", (1, 2, 3, 4)),
        ("single/0", (0,)),
        ("single/4", (4,)),
        ("subset/0+2", (0, 2)),
        ("subset/3", (3,)),
    ],
)
def test_kinds_choose_among_the_matched_taps(kind: str, places: tuple[int, ...]) -> None:
    taps = tap_set(RESNET, kind)
    assert taps.style == tuple(MATCHED[place] for place in places)
    assert taps.content == tap_set(RESNET, "matched").content


def test_places_mean_the_same_in_every_family() -> None:
    for arch in ("vgg_c10", "resnet18_c10", "densenet_c10", "inception_c10"):
        assert len(matched_taps(skeleton(spec(arch)))) == 5


@pytest.mark.parametrize("kind", ["matched", "article", "single/1"])
def test_the_content_tap_can_be_chosen_alone(kind: str) -> None:
    plain, chosen = (tap_set(RESNET, kind, content=place) for place in (None, 2))
    assert chosen.content == MATCHED[2]
    assert chosen.style == plain.style


@pytest.mark.parametrize("kind", ["single/5", "single/-1", "subset/0+9"])
def test_a_place_that_does_not_exist_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="choose 0 to 4"):
        tap_set(RESNET, kind)
    with pytest.raises(ValueError, match="choose 0 to 4"):
        tap_set(find("vgg_c10.standard"), "article", content=7)


@pytest.mark.parametrize("kind", ["all", "single", "single/2/3", "matched/1"])
def test_a_kind_that_does_not_exist_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="choose matched, article"):
        tap_set(RESNET, kind)
