"""Named, frozen settings: what a run measures, on which pictures, with which models."""

from dataclasses import dataclass, replace

from bench.cells import Cell
from bench.lab import CONDITIONS, Experiment
from bench.stylize import StyleSettings
from bench.suite_nonrobust import NonRobust
from bench.suite_style import Style
from bench.suite_transfer import Transfer
from bench.transfer import Attack
from zoo.catalog import find, members
from zoo.spec import ModelSpec

_CLASSES = range(10)
_BUDGETS = (("l2", 0.25), ("l2", 0.5), ("l2", 1.0), ("linf", 8 / 255))
_CURVE = (1, 2, 5, 10, 20, 80)  # beside the 40 iterations every budget gets


@dataclass(frozen=True)
class Preset:
    """One set of settings.

    Attributes:
        about: one line for ``--help``.
        dataset, roles: whose catalogue members are measured when no ``--models`` are named.
        models: the default models, where they are fewer.
        images: how many images are attacked at most, balanced over classes.
        contents, styles: bundled pictures by name.
        experiments: further suites, each on models of its own.
    """

    name: str
    about: str
    dataset: str
    images: int
    transfer: Transfer
    style: tuple[Style, ...]
    contents: tuple[str, ...]
    styles: tuple[str, ...]
    roles: tuple[str, ...] = ("contestant",)
    models: tuple[str, ...] = ()
    experiments: tuple[Experiment, ...] = ()

    @property
    def size(self) -> int:
        """Short side of the pictures, pixels: one for all settings, so that they compare."""
        suites = [*self.style, *(suite for e in self.experiments for suite in e.suites)]
        sizes = [suite.settings.size for suite in suites if isinstance(suite, Style)]
        return next(iter(sizes), StyleSettings().size)

    def at_size(self, size: int) -> "Preset":
        """The same settings with pictures of another size."""
        return replace(
            self,
            style=tuple(suite.at_size(size) for suite in self.style),
            experiments=tuple(experiment.at_size(size) for experiment in self.experiments),
        )

    def members(self) -> tuple[ModelSpec, ...]:
        """The models measured when none are named: the fixed ones, or all of the roles."""
        if self.models:
            return tuple(find(name) for name in self.models)
        return tuple(spec for role in self.roles for spec in members(self.dataset, role=role))

    def cells(self, models: tuple[ModelSpec, ...], *, seed: int) -> tuple[Cell, ...]:
        """The plan: transfer for every model first, then style, then the experiments.

        Networks trained on non-robust features answer one question only, what they learned.
        """
        learned = [Cell(spec, NonRobust(), seed) for spec in models if spec.role == "nonrobust"]
        rivals = tuple(spec for spec in models if spec.role != "nonrobust")
        attacked = rivals if self.transfer.attacks else ()
        transfer = [Cell(spec, self.transfer, seed) for spec in attacked]
        style = [
            Cell(spec, suite, seed) for spec in rivals for suite in self.style if suite.fits(spec)
        ]
        further = [c for e in self.experiments for c in e.cells(rivals, seed=seed)]
        return (*learned, *transfer, *style, *further)


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


_BASIC = tuple(
    Attack(norm, eps, goal, steps=steps)
    for norm, eps in _BUDGETS
    for goal, steps in (("untargeted", 40), ("noise", 0))
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
            name="cifar10",
            about="every CIFAR-10 network on 1,000 test images (--data), an hour on two cores",
            dataset="cifar10",
            images=1000,
            transfer=Transfer(_BASIC),
            style=(Style(StyleSettings(weights=(100.0,), evaluations=100)),),
            contents=("chelsea",),
            styles=("ihc", "hubble_deep_field", "coffee"),
            roles=("contestant", "twin", "replicate", "matched", "control", "nonrobust"),
        ),
        Preset(
            name="style-lab",
            about="every condition of the style laboratory on its own models, about an hour",
            dataset="cifar10",
            images=20,
            transfer=Transfer(()),
            style=(),
            contents=("chelsea",),
            styles=("ihc", "coffee"),
            roles=("contestant", "twin", "matched"),
            experiments=tuple(CONDITIONS.values()),
        ),
    )
}
