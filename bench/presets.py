"""Named, frozen settings: what a run measures, on which pictures, with which models."""

from dataclasses import dataclass, replace

from bench.cells import Cell
from bench.stylize import StyleSettings
from bench.suite_style import Style
from bench.suite_transfer import Transfer
from bench.transfer import Attack
from zoo.catalog import JUDGE, SOURCE
from zoo.spec import ModelSpec

_CLASSES = range(10)
_BUDGETS = (("l2", 0.25), ("l2", 0.5), ("l2", 1.0), ("linf", 8 / 255))
_CURVE = (1, 2, 5, 10, 20, 80)  # beside the 40 iterations every budget gets


@dataclass(frozen=True)
class Preset:
    """One set of settings.

    Attributes:
        about: one line for ``--help``.
        dataset: whose catalogue members are measured when no ``--models`` are named.
        models: the default models; None = every member of the data set.
        images: how many images are attacked at most, balanced over classes.
        transfer: None where only pictures are made.
        contents, styles: bundled pictures by name.
        source, judge: names of the attacked network and of the one that only scores; the judge is
            none of the models.
        side: of the attacked images, pixels: all models are shown the same ones.
        needs_data: whether the bundled images are too few to mean anything.
        headline: norm and radius of the main transfer columns, as in ``Attack.condition``.
    """

    name: str
    about: str
    dataset: str
    models: tuple[str, ...] | None
    images: int
    transfer: Transfer | None
    style: tuple[Style, ...]
    contents: tuple[str, ...]
    styles: tuple[str, ...]
    source: str = SOURCE
    judge: str = JUDGE
    side: int = 32
    needs_data: bool = False
    headline: str = "l2_0.50"

    @property
    def size(self) -> int:
        """Short side of the pictures, pixels: one for all settings, so that they compare."""
        return self.style[0].settings.size

    def at_size(self, size: int) -> "Preset":
        """The same settings with pictures of another size."""
        return replace(
            self, style=tuple(Style(replace(suite.settings, size=size)) for suite in self.style)
        )

    def cells(self, models: tuple[ModelSpec, ...], *, seed: int) -> tuple[Cell, ...]:
        """The plan: transfer for every model first, then style."""
        transfer = [Cell(spec, self.transfer, seed) for spec in models if self.transfer]
        style = [
            Cell(spec, suite, seed)
            for spec in models
            for suite in self.style
            if suite.settings.taps == "matched" or spec.style_layers is not None
        ]
        return (*transfer, *style)


def _attacks(targets: range) -> tuple[Attack, ...]:
    every = [
        attack
        for norm, eps in _BUDGETS
        for attack in (
            Attack(norm, eps, "untargeted", steps=40),
            *(Attack(norm, eps, "targeted", steps=40, target=t) for t in targets),
            Attack(norm, eps, "noise"),
        )
    ]
    return (*every, *(Attack("l2", 0.5, "untargeted", steps=steps) for steps in _CURVE))


def _large_attacks(steps: int, budgets: tuple[tuple[str, float], ...]) -> tuple[Attack, ...]:
    """Untargeted, two targets that both label spaces have, and noise, at each budget."""
    return tuple(
        attack
        for norm, eps in budgets
        for attack in (
            Attack(norm, eps, "untargeted", steps=steps),
            *(Attack(norm, eps, "targeted", steps=steps, target=t) for t in (0, 5)),
            Attack(norm, eps, "noise"),
        )
    )


_ARTICLE = StyleSettings(
    size=512, taps="article", weights=(1.0, 10.0, 100.0, 1000.0, 10_000.0), evaluations=500
)

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="smoke",
            about="two models, one pair of pictures, about a minute: shows that everything runs",
            dataset="cifar10",
            models=("vgg_c10.standard", "resnet50_c10.standard"),
            images=20,
            transfer=Transfer(
                (Attack("l2", 0.5, "untargeted", steps=10), Attack("l2", 0.5, "noise"))
            ),
            style=(Style(StyleSettings(size=64, weights=(100.0,), evaluations=20)),),
            contents=("chelsea",),
            styles=("coffee",),
        ),
        Preset(
            name="quick",
            about="the whole question on 20 images and 3 styles, offline, ten minutes on two cores",
            dataset="cifar10",
            models=None,
            images=20,
            transfer=Transfer(_attacks(_CLASSES)),
            style=(
                Style(StyleSettings(weights=(1.0, 100.0), evaluations=100)),
                Style(StyleSettings(weights=(100.0,), start="noise", evaluations=100)),
            ),
            contents=("chelsea",),
            styles=("ihc", "hubble_deep_field", "coffee"),
        ),
        Preset(
            name="imagenet-mini",
            about="real ImageNet networks from the package index on 20 images, offline, minutes",
            dataset="imagenet",
            # siblings of the judge, both: none of them is nearer to it than the other
            models=("tf_efficientnet_lite1.pypi", "tf_efficientnet_lite2.pypi"),
            images=20,
            transfer=Transfer(_large_attacks(20, (("l2", 3.0), ("linf", 4 / 255)))),
            style=(Style(StyleSettings(weights=(1.0, 100.0), evaluations=60)),),
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
            models=None,
            images=500,
            transfer=Transfer((
                *_large_attacks(40, (("l2", 1.0), ("l2", 3.0), ("linf", 4 / 255),
                                     ("linf", 16 / 255))),
                *(Attack("l2", 3.0, "untargeted", steps=steps) for steps in _CURVE),
            )),
            style=(
                Style(StyleSettings(size=256, evaluations=300)),
                Style(StyleSettings(size=256, weights=(100.0,), start="noise", evaluations=300)),
                Style(StyleSettings(size=256, taps="article", evaluations=300)),
            ),
            contents=("chelsea", "astronaut", "china"),
            styles=("ihc", "hubble_deep_field", "coffee"),
            source="resnet50.tv_in1k",
            side=224,
            needs_data=True,
            headline="l2_3.00",
        ),
        Preset(
            name="article",
            about="the article's figure: VGG-19, ResNet-50 and robust ResNet-50 over style weights",
            dataset="imagenet",
            models=("vgg19.tv_in1k", "resnet50.tv_in1k", "resnet50.restricted_l2"),
            images=20,
            transfer=None,
            style=(Style(_ARTICLE), Style(replace(_ARTICLE, start="noise"))),
            contents=("astronaut",),
            styles=("ihc", "hubble_deep_field"),
            source="resnet50.tv_in1k",
            side=224,
        ),
    )
}  # fmt: skip
