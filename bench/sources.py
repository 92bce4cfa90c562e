"""Who an attack is made on: the run's source, any other network, or several at once.

A suite names its sources; none means the run's own. Conditions of the rows say so in front:
``l2_0.50/untargeted`` on the run's source, ``from=vgg_c10.standard/l2_0.50/untargeted`` on another,
``from=vgg_c10.standard+densenet_c10.standard/...`` on an ensemble.
"""

from functools import lru_cache

from torch import nn

from bench.attacks import Ensemble
from bench.inputs import Inputs
from zoo.catalog import find
from zoo.exchange import load_contestant
from zoo.spec import ModelSpec
from zoo.weights import weights_digest

Names = tuple[str, ...]


def source_specs(names: Names, inputs: Inputs) -> tuple[ModelSpec, ...]:
    """The named networks; the run's source when none is named.

    Raises:
        zoo.catalog.UnknownModelError: a name that is not in the catalogue.
    """
    return tuple(find(name) for name in names) or (inputs.source,)


def source_digests(names: Names, inputs: Inputs) -> list[str]:
    """What identifies the sources in an address.

    The name goes with the weights: untrained networks of one seed differ by it alone.
    """
    specs = source_specs(names, inputs)
    return [f"{s.name} {sorted(s.arch_options.items())} {weights_digest(s)}" for s in specs]


def source_model(names: Names, inputs: Inputs) -> nn.Module:
    """The network attacks are made on: pixels in [0,1] to logits of the images' label space."""
    members = [contestant(spec, inputs) for spec in source_specs(names, inputs)]
    return members[0] if len(members) == 1 else Ensemble(members).eval()


def contestant(spec: ModelSpec, inputs: Inputs) -> nn.Module:
    """A network that is shown the run's images, kept between cells."""
    return _loaded(spec, inputs.images.space, inputs.device)


@lru_cache(maxsize=2)  # a source and a target: cells of one target follow one another
def _loaded(spec: ModelSpec, space: str, device: str) -> nn.Module:
    return load_contestant(spec, space=space, device=device)


class OnSources:
    """What suites share that show a model what was made on sources.

    Attributes:
        sources: names in the catalogue, several for an ensemble; none = the run's source.
    """

    sources: Names

    @property
    def label(self) -> str:
        """The sources, where they are not the run's."""
        return prefix(self.sources).rstrip("/")

    def depends(self, inputs: Inputs) -> list[str]:
        """The sources' weights and the images."""
        return [*source_digests(self.sources, inputs), inputs.images_sha256]


def prefix(names: Names) -> str:
    """What conditions begin with."""
    return f"from={'+'.join(names)}/" if names else ""
