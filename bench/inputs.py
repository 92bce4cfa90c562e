"""What a run is fed: labelled images, pictures, the source and the judge, loaded once."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from torch import nn

from bench.pictures import Picture
from zoo.datasets import LabelledImages
from zoo.exchange import load_contestant
from zoo.load import Encoder, load_encoder
from zoo.spec import ModelSpec


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


@lru_cache(maxsize=1)
def source_model(spec: ModelSpec, device: str, space: str | None = None) -> nn.Module:
    """The source, kept between cells; its answers in this label space (None: its own)."""
    return load_contestant(spec, space=space or spec.dataset, device=device)


@lru_cache(maxsize=1)
def judge_model(spec: ModelSpec, device: str) -> Encoder:
    """The judge, kept between cells."""
    return load_encoder(spec, device=device)
