"""Named, frozen settings: what a run measures, on which pictures, with which models."""

from dataclasses import dataclass, replace

from bench.attacks import DI, LOGIT, MI, MI_DI_TI, PGD, TI
from bench.cells import Cell
from bench.distances import Search
from bench.edits import Edit
from bench.stylize import StyleSettings
from bench.suite import Suite
from bench.suite_edits import Edits
from bench.suite_layers import Layers
from bench.suite_mediators import Alignment, Sensitivity
from bench.suite_robustness import Robustness
from bench.suite_style import Style
from bench.suite_transfer import Transfer
from bench.transfer import Attack
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
        contents, styles: bundled pictures by name.
        lens: further measurements of every model.
        from_each: measurements of every model, repeated with every model as the source.
    """

    name: str
    about: str
    dataset: str
    models: tuple[str, ...] | None
    images: int
    transfer: Transfer
    style: tuple[Style, ...]
    contents: tuple[str, ...]
    styles: tuple[str, ...]
    lens: tuple[Suite, ...] = ()
    from_each: tuple[Transfer | Edits | Alignment, ...] = ()

    @property
    def size(self) -> int:
        """Short side of the pictures, pixels: one for all settings, so that they compare."""
        settings = self.style[0].settings if self.style else StyleSettings()
        return settings.size

    def at_size(self, size: int) -> "Preset":
        """The same settings with pictures of another size."""
        return replace(
            self, style=tuple(Style(replace(suite.settings, size=size)) for suite in self.style)
        )

    def cells(self, models: tuple[ModelSpec, ...], *, seed: int) -> tuple[Cell, ...]:
        """The plan: transfer for every model first, then the lens, then style.

        All sources of one target follow one another, so that a target is loaded once.
        """
        transfer = [Cell(spec, self.transfer, seed) for spec in models]
        lens = [Cell(spec, suite, seed) for spec in models for suite in self.lens]
        pairs = [
            Cell(spec, replace(suite, sources=(source.name,)), seed)
            for spec in models
            for suite in self.from_each
            for source in models
        ]
        style = [
            Cell(spec, suite, seed)
            for spec in models
            for suite in self.style
            if suite.settings.taps == "matched" or spec.style_layers is not None
        ]
        return (*transfer, *lens, *pairs, *style)


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


_HEADLINE = Attack("l2", 0.5, "untargeted", steps=40)


def _lens_attacks() -> tuple[Attack, ...]:
    """Every method at one budget, PGD at others, curves, and targets for plain and logit loss."""
    methods = (PGD, MI, DI, TI, MI_DI_TI)
    curve = (5, 10, 20, 80)
    return (
        *(replace(_HEADLINE, method=method) for method in methods),
        *(replace(_HEADLINE, steps=n, method=m) for n in curve for m in (PGD, MI_DI_TI)),
        *(Attack("l2", eps, "untargeted", steps=40) for eps in (0.25, 1.0)),
        *(Attack("linf", 8 / 255, "untargeted", steps=40, method=m) for m in (PGD, MI_DI_TI)),
        *(Attack("l2", 0.5, "targeted", 80, target, m) for target in (0, 3, 6, 9)
          for m in (PGD, LOGIT)),
        Attack("l2", 0.5, "noise"),
        Attack("linf", 8 / 255, "noise"),
    )  # fmt: skip


_SEARCHES = (
    Search("l2", "pgd", steps=20, eps=(0.1, 0.25, 0.5, 1.0, 2.0), restarts=2),
    Search("l2", "ddn", steps=50),
    Search("l2", "hop_skip_jump", steps=10, first=30),
    Search("linf", "pgd", steps=20, eps=tuple(k / 255 for k in (1, 2, 4, 8, 16)), restarts=2),
    Search("linf", "fmn", steps=50),
)
_BANDS = tuple(Edit(kind, cutoff) for kind in ("low", "high") for cutoff in (1 / 16, 1 / 8, 1 / 4))
# shifts by 2 and 8 keep the lattices of strides 2 and 8, a shift by 1 keeps none
_SHIFTS = tuple(Edit("shift", pixels) for pixels in (1, 2, 8))
_FEW_EDITS = (
    Edit("whole"), Edit("low", 1 / 8), Edit("high", 1 / 8), *_SHIFTS[:2], Edit("swap"),
)  # fmt: skip
_ENSEMBLE = ("resnet50_c10.standard", "densenet_c10.standard", "inception_c10.standard")

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
            name="attack-lens",
            about="robustness, layers and transfer of all pairs on 100 images, with --data; "
            "about an hour for thirty models on two cores",
            dataset="cifar10",
            models=None,
            images=100,
            transfer=Transfer(_lens_attacks()),
            style=(),
            contents=(),
            styles=(),
            lens=(
                Robustness(_SEARCHES),
                Layers(eps=(0.25, 0.5, 1.0), steps=20, first=50),
                Sensitivity(),
                Transfer((_HEADLINE,), sources=_ENSEMBLE),
                Edits(_HEADLINE, (Edit("whole"), *_BANDS, *_SHIFTS, Edit("swap"))),
            ),
            from_each=(
                Transfer((_HEADLINE,)),
                Edits(_HEADLINE, _FEW_EDITS),
                Alignment(),
            ),
        ),
    )
}
