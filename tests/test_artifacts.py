"""A picture's place says what it is."""

from pathlib import Path

import pytest

from results.artifacts import condition_and_case, feature_file, picture_file

NAMES = ("content-start/matched/w100", "chelsea+hubble_deep_field")


@pytest.mark.parametrize("place", [picture_file, feature_file])
@pytest.mark.parametrize("seed", [0, 12])
def test_what_a_picture_is_can_be_read_off_its_place(place, seed: int) -> None:  # type: ignore[no-untyped-def]
    file = place(Path("run"), "vgg_c10.standard", *NAMES, seed=seed)
    assert condition_and_case(file) == NAMES
    assert file.parent.name == "vgg_c10.standard"


def test_seeds_and_suites_have_places_of_their_own() -> None:
    places = {
        place(Path("run"), "vgg_c10.standard", *NAMES, seed=seed)
        for place in (picture_file, feature_file) for seed in (0, 1, 12)
    }  # fmt: skip
    assert len(places) == 6
