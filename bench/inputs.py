"""What a run is fed: labelled images, pictures, the source and the judge, loaded once."""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

from bench.pictures import Picture
from zoo.datasets import LabelledImages
from zoo.load import Encoder, load_encoder
from zoo.spec import ModelSpec, RandomInit


@dataclass(frozen=True)
class Inputs:
    """Everything a cell needs besides its own settings.

    Attributes:
        run: the run's directory; crafted pictures and PNGs go to its ``artifacts``.
        images: what is attacked.
        contents, styles: what is stylised with what.
        source, judge: the attacked network, and the network that only scores.
    """

    run: Path
    images: LabelledImages
    contents: tuple[Picture, ...]
    styles: tuple[Picture, ...]
    source: ModelSpec
    judge: ModelSpec
    device: str

    @cached_property
    def images_sha256(self) -> str:
        """Digest of the attacked images."""
        return self.images.sha256

    @property
    def pictures_sha256(self) -> tuple[str, ...]:
        """Digests of the pictures, contents first."""
        return tuple(p.sha256 for p in (*self.contents, *self.styles))


@lru_cache(maxsize=2)  # the judge and its untrained twin
def judge_model(spec: ModelSpec, device: str) -> Encoder:
    """The judge, kept between cells."""
    return load_encoder(spec, device=device)


def untrained_twin(judge: ModelSpec) -> ModelSpec:
    """The judge's architecture and taps with random weights."""
    name = f"{judge.arch}.random"
    return replace(judge, name=name, weights=RandomInit(), training="random", seed=0)
