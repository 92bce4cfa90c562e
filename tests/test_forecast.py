"""Operations are those of the shapes: closed-form for one layer, additive over a plan."""

from dataclasses import replace

import pytest
import torch

from bench.estimate import timed
from bench.forecast import forecast
from bench.presets import PRESETS
from zoo.catalog import find
from zoo.load import load_classifier

SMOKE = PRESETS["smoke"]
NAMES = ("vgg_c10.standard", "resnet50_c10.standard")


def test_a_convolution_costs_two_operations_a_weight_and_place() -> None:
    x, kernel = torch.empty(2, 3, 8, 8, device="meta"), torch.empty(5, 3, 3, 3, device="meta")
    counted = timed(lambda: torch.nn.functional.conv2d(x, kernel, padding=1), device="meta")
    assert counted == pytest.approx(2 * (2 * 5 * 8 * 8) * (3 * 3 * 3) / 1e12)


def test_nothing_is_loaded_on_the_device_of_shapes() -> None:
    model = load_classifier(find("vgg19.tv_in1k"), device="meta")  # no file of it is here
    assert {t.device.type for t in (*model.parameters(), *model.buffers())} == {"meta"}
    assert model(torch.empty(2, 3, 224, 224, device="meta")).shape == (2, 1000)


def test_a_plan_costs_the_sum_of_its_models_and_scales_with_its_images() -> None:
    first, second = (find(name) for name in NAMES)
    both, one, other = (forecast(SMOKE, specs) for specs in [(first, second), (first,), (second,)])
    assert set(both) == {"transfer", "style"}
    assert all(both[suite] == pytest.approx(one[suite] + other[suite]) for suite in both)
    twice = forecast(replace(SMOKE, images=2 * SMOKE.images), (first,))
    assert twice["transfer"] == pytest.approx(2 * one["transfer"])
    assert twice["style"] == one["style"]


def test_more_than_one_batch_is_counted_whole() -> None:
    spec = find("vgg_c10.standard")
    some, many = (forecast(replace(SMOKE, images=n), (spec,))["transfer"] for n in (20, 2000))
    assert many == pytest.approx(100 * some)


def test_a_gradient_of_frozen_weights_costs_two_forward_passes() -> None:
    """With frozen weights the way back costs as much as the way there."""
    model = load_classifier(find("vgg_c10.standard"), device="meta")
    x = torch.empty(4, 3, 32, 32, device="meta").requires_grad_()
    forward = timed(lambda: model(x.detach()), device="meta")
    both = timed(lambda: torch.autograd.grad(model(x).sum(), x), device="meta")
    assert both == pytest.approx(2 * forward, rel=0.01)
