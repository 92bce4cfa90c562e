"""Operations are those of the shapes: closed-form for one layer, additive over a plan."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bench import estimate, suite_style
from bench.estimate import FILLS_CPU, FORWARD, step_seconds, timed
from bench.forecast import forecast
from bench.presets import PRESETS
from bench.suite_style import Style
from tests.tiny import STYLE, inputs
from zoo.catalog import find
from zoo.datasets import LabelledImages
from zoo.load import load_classifier
from zoo.spec import RandomInit, operated

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


def test_a_forward_pass_is_half_a_step_where_weights_are_frozen() -> None:
    model = load_classifier(find("vgg_c10.standard"), device="meta")
    x = torch.empty(4, 3, 32, 32, device="meta").requires_grad_()
    forward = timed(lambda: model(x.detach()), device="meta")
    both = timed(lambda: torch.autograd.grad(model(x).sum(), x), device="meta")
    assert forward == pytest.approx(FORWARD * both, rel=0.01)


def test_networks_of_one_shape_are_timed_once_without_their_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def counted(call: Callable[[], object], *, device: str) -> float:
        call()
        calls.append(device)
        return 0.25

    monkeypatch.setattr(
        "zoo.load.load_state",
        lambda spec, names: (
            None if spec.weights == RandomInit() else pytest.fail(f"read {spec.name}")
        ),
    )
    for module in (estimate, suite_style):
        monkeypatch.setattr(module, "timed", counted)
    estimate._step_seconds.cache_clear()
    suite_style._evaluation_seconds.cache_clear()
    fed, style = inputs(tmp_path), Style(STYLE)
    seeds = [find(f"vgg_c10.{tag}") for tag in ("standard", "standard-s1", "l2_05", "random")]
    other = find("resnet18_c10.standard")
    assert {step_seconds(spec, fed) for spec in (*seeds, other)} == {0.25}
    assert len(calls) == 2
    assert len({style.seconds(spec, fed) for spec in (*seeds, other)}) == 1
    assert len(calls) == 4
    operated_on = operated(seeds[0], "average-pool")
    step_seconds(operated_on, fed)
    assert len(calls) == 5
    many = LabelledImages(
        tuple(map(str, range(10 * FILLS_CPU))),
        torch.zeros(10 * FILLS_CPU, 3, 32, 32, dtype=torch.uint8),
        torch.zeros(10 * FILLS_CPU, dtype=torch.int64),
    )
    assert step_seconds(other, replace(fed, images=many)) == pytest.approx(10 * 0.25)
    estimate._step_seconds.cache_clear()
    suite_style._evaluation_seconds.cache_clear()
