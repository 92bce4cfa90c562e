"""A preset: named, frozen settings of a whole run."""

from dataclasses import dataclass, replace

from bench.cells import Cell
from bench.experiment import Experiment
from bench.pictures import CONTENTS, STYLES
from bench.style_settings import StyleSettings
from bench.suite import Suite
from bench.suite_judges import Judges
from bench.suite_style import Style
from bench.suite_transfer import Transfer
from zoo.catalog import JUDGE, SOURCE, find, members
from zoo.spec import ROLES, ModelSpec


@dataclass(frozen=True)
class Preset:
    """What a run measures, on which pictures, with which models.

    Attributes:
        about: one line for ``--help``.
        dataset, roles: whose catalogue members are measured when no ``--models`` are named.
        models: the default models, where they are fewer.
        images: how many images are attacked at most, balanced over classes.
        images_full: the same for a run of everything; None = no more.
        contents, styles: bundled pictures by name.
        source, judge: names of the attacked network and of the one that scores pictures, and so
            makes none itself.
        side: of the attacked images, pixels: all models are shown the same ones.
        needs_data: whether the bundled images are too few to mean anything.
        chosen_size: short side of the pictures, pixels, where it is not the style suites' own; 0 =
            theirs.
        headline: norm and radius of the main transfer columns, as in ``Attack.condition``.
    """

    name: str
    about: str
    dataset: str
    images: int
    experiments: tuple[Experiment, ...]
    contents: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    roles: tuple[str, ...] = ("contestant",)
    models: tuple[str, ...] = ()
    source: str = SOURCE
    judge: str = JUDGE
    side: int = 32
    needs_data: bool = False
    headline: str = "l2_0.50"
    images_full: int | None = None
    chosen_size: int = 0

    @property
    def suites(self) -> tuple[Suite, ...]:
        """All suites of all experiments."""
        return tuple(suite for experiment in self.experiments for suite in experiment.suites)

    @property
    def attacks(self) -> bool:
        """Whether images are attacked at all."""
        return any(isinstance(suite, Transfer) for suite in self.suites)

    @property
    def size(self) -> int:
        """Short side of the pictures, pixels: one for all settings, so that they compare."""
        if self.chosen_size:  # suites that only look at pictures have no size of their own
            return self.chosen_size
        sizes = [suite.settings.size for suite in self.suites if isinstance(suite, Style | Judges)]
        return next(iter(sizes), StyleSettings().size)

    def at_size(self, size: int) -> "Preset":
        """The same settings with pictures of another size."""
        sized = tuple(e.at_size(size) for e in self.experiments)
        own = any(isinstance(suite, Style | Judges) for suite in self.suites)
        return replace(self, experiments=sized, chosen_size=0 if own else size)

    def all_pictures(self, *, contents: bool, styles: bool) -> "Preset":
        """The same settings on all contents, or styles, or both: a user means what is named."""
        wide = (e.all_pictures(contents=contents, styles=styles) for e in self.experiments)
        return replace(self, experiments=tuple(wide))

    def full(self) -> "Preset":
        """Every experiment on all models of the data set, and as many pictures as that allows."""
        roles = [role for role in ROLES if role not in ("judge", "nonrobust")]
        return replace(
            self,
            experiments=tuple(e.everywhere() for e in self.experiments if not e.covered),
            models=(),
            roles=tuple(dict.fromkeys([*self.roles, *roles])),
            images=self.images_full or self.images,
            contents=CONTENTS if self.contents else (),
            styles=STYLES if self.styles else (),
        )

    def members(self) -> tuple[ModelSpec, ...]:
        """The models measured when none are named: the fixed ones, or all of the roles."""
        if self.models:
            return tuple(find(name) for name in self.models)
        return tuple(spec for role in self.roles for spec in members(self.dataset, role=role))

    def cells(self, models: tuple[ModelSpec, ...], *, seed: int) -> tuple[Cell, ...]:
        """The plan, experiment by experiment; what two of them ask for is measured once."""
        planned = (cell for e in self.experiments for cell in e.cells(models, seed=seed))
        return tuple(dict.fromkeys(cell for cell in planned if not self._scores_itself(cell)))

    def without_style(self, models: tuple[ModelSpec, ...]) -> tuple[str, ...]:
        """A sentence for each model that was to make pictures and can make none."""
        reasons = {s.name: [r for e in self.experiments for r in e.refusals(s)] for s in models}
        return tuple(
            f"no pictures by {name}: {why[0]}" for name, why in reasons.items() if why and all(why)
        )

    def _scores_itself(self, cell: Cell) -> bool:
        return isinstance(cell.suite, Style | Judges) and cell.spec.name == self.judge
