"""Which models a run measures: the named ones or the preset's, of those whose weights are here."""

from dataclasses import dataclass, replace

from bench.lab import CONDITIONS
from bench.preset import Preset
from bench.presets import PRESETS
from zoo.catalog import UnknownModelError, find
from zoo.spec import Committed, ModelSpec
from zoo.weights import DamagedError, WeightsError, manifest, require_weights


@dataclass(frozen=True)
class Chosen:
    """The models that can be measured, and those that cannot with the reason."""

    here: tuple[ModelSpec, ...]
    absent: tuple[tuple[ModelSpec, str], ...] = ()

    @property
    def skipped(self) -> tuple[str, ...]:
        """A sentence for each absent model that others go on without."""
        if not self.here and len(self.absent) == 1:
            return ()
        return tuple(f"skipped {spec.name}: {reason}" for spec, reason in self.absent)


def find_preset(name: str, models: str = "") -> Preset:
    """The preset of this name; none named: ``quick``, or ``imagenet-mini`` for ImageNet's models.

    Raises:
        UnknownModelError: no such preset, or no such model.
    """
    if not name:
        spaces = {spec.dataset for spec in _named(models)}
        name = "imagenet-mini" if spaces and "cifar10" not in spaces else "quick"
    if name not in PRESETS:
        raise UnknownModelError(f"no preset {name}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def find_conditions(names: str) -> Preset:
    """The laboratory with these conditions only, their names joined by commas.

    Raises:
        UnknownModelError: no such condition.
    """
    chosen = [name.strip() for name in names.split(",")]
    for name in chosen:
        if name not in CONDITIONS:
            raise UnknownModelError(f"no condition {name}: choose some of {', '.join(CONDITIONS)}")
    experiments = tuple(CONDITIONS[name] for name in dict.fromkeys(chosen))
    return replace(PRESETS["style-lab"], name="style", experiments=experiments)


def choose(preset: Preset, names: str) -> Chosen:
    """The named models, or the preset's members, parted by whether they can be measured.

    Weights are fetched here where that is allowed.

    Raises:
        DamagedError, DiskError: as ``missing``.
    """
    specs = _named(names) or preset.members()
    reasons = {spec: missing(spec) for spec in specs}
    absent = tuple((spec, reason) for spec, reason in reasons.items() if reason)
    return Chosen(tuple(spec for spec, reason in reasons.items() if not reason), absent)


def require(preset: Preset, chosen: Chosen) -> None:
    """Stop a run that would be none.

    Raises:
        WeightsError: the source of its attacks is missing.
        UnknownModelError: no model is left.
    """
    if preset.attacks:
        require_weights(find(preset.source))
    if not chosen.here:
        _refuse_all(chosen)


def _refuse_all(chosen: Chosen) -> None:
    if len(chosen.absent) == 1:  # its own reason says it all
        raise WeightsError(chosen.absent[0][1])
    raise UnknownModelError(
        f"none of the {len(chosen.absent)} models can be measured: see the reasons above"
    )


def _named(names: str) -> tuple[ModelSpec, ...]:
    return tuple(dict.fromkeys(find(name.strip()) for name in names.split(",") if name.strip()))


def missing(spec: ModelSpec) -> str:
    """Why a model cannot be measured; empty if it can.

    Raises:
        DamagedError: its weights are here, but not those listed.
        DiskError: there is no room for them.
    """
    if isinstance(spec.weights, Committed) and spec.intact not in manifest():
        return f"{spec.name} is not trained yet (python -m zoo train {spec.intact})"
    try:
        require_weights(spec)
    except DamagedError:  # not absent: a run without it would pass for one of all models
        raise
    except WeightsError as error:
        return str(error)
    return ""
