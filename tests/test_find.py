"""Names are found, listed or not; a wrong one is answered with what was meant."""

from dataclasses import replace

import pytest

from zoo.catalog import JUDGE, SOURCE, UnknownModelError, find, members
from zoo.spec import Hub, RandomInit
from zoo.taps import matched_taps, skeleton


def test_members_are_contestants_of_one_data_set() -> None:
    contestants = members("cifar10")
    assert {spec.family for spec in contestants} == {"VGG", "ResNet", "DenseNet", "Inception"}
    assert {spec.role for spec in contestants} == {"contestant"}
    assert len(members("cifar10", role="matched")) == 32
    assert JUDGE not in {spec.name for spec in members("imagenet")}
    assert [spec.name for spec in members("imagenet", role="judge")] == [JUDGE]
    assert SOURCE in {spec.name for spec in members("cifar10")}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vgg_c10.standrad", "is not in the catalogue: did you mean vgg_c10.standard"),
        ("resnet50_c10.l2_5", "did you mean resnet50_c10.l2_05"),
        ("resnet50", "resnet50 names no weights: did you mean resnet50.tv_in1k"),
        ("lcnet_050", "lcnet_050 names no weights: did you mean lcnet_050.ra2_in1k?"),
        ("resnet50.nobody_in1k", "is not in the catalogue: did you mean resnet50.tv_in1k"),
        ("resnet50.random-s0", "is not in the catalogue"),
        ("eva02_base_patch14_224.mim_in22k", "is not in the catalogue"),  # it answers no classes
        ("vgg_c10", "names no weights: did you mean vgg_c10.standard or vgg_c10.l2_05 or"),
        ("QQQ", "python -m zoo list shows all names"),
        ("", "python -m zoo list shows all names"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, message: str) -> None:
    with pytest.raises(UnknownModelError) as raised:
        find(name)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("name", "family", "residual"),
    [
        ("resnet50.a1_in1k", "ResNet", True),
        ("vgg19.random", "VGG", False),
        ("densenetblur121d.ra_in1k", "DenseNet", False),
        ("mobilenetv3_small_100.lamb_in1k", "other", True),
        ("mobilenetv3_small_100.random-s2", "other", True),
    ],
)
def test_a_model_without_a_line_is_found_by_its_timm_name(
    name: str, family: str, residual: bool
) -> None:
    spec = find(name)
    assert (spec.name, spec.family, spec.residual, spec.dataset) == (
        name, family, residual, "imagenet",
    )  # fmt: skip
    random = ".random" in name
    assert isinstance(spec.weights, RandomInit if random else Hub)
    assert spec.training == ("random" if random else "standard")
    assert find(name) == spec
    assert set(matched_taps(skeleton(spec))) <= set(dict(skeleton(spec).named_modules()))


def test_an_untrained_network_takes_what_its_line_says() -> None:
    spec, line = find("vgg_c10.random-s3"), find("vgg_c10.standard")
    assert spec.seed == 3
    assert spec == replace(
        line, name="vgg_c10.random-s3", training="random", weights=RandomInit(), seed=3
    )
    assert find("tf_efficientnet_lite0.random").role == "contestant"
