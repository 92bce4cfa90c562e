"""The features suite: what excites a network's channels and logits, with priors and without."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch

from bench.estimate import timed
from bench.featurevis import Objective, VisSettings, alive, channels, logits, maximise
from bench.inputs import Inputs
from bench.pictures import save_png
from bench.spectrum import artifact_scores
from bench.suite import Row, Tick
from results.artifacts import feature_file
from zoo.load import load_classifier, load_encoder
from zoo.spec import ModelSpec
from zoo.taps import tap_set


@dataclass(frozen=True)
class Features:
    """Activation maximisation of channels of every matched tap, and of logits.

    The rows' case is ``<tap>-c<channel>`` or ``logit-<class>``, their condition what was optimised.

    Attributes:
        channels: pictures a tap, at most.
        logits: pictures of classes, the first ones.
    """

    settings: VisSettings
    channels: int = 2
    logits: int = 4
    name: ClassVar[str] = "features"
    version: ClassVar[int] = 2

    @property
    def label(self) -> str:
        """What is optimised, and the size."""
        return f"{self.settings.condition}/{self.settings.size}px"

    def depends(self, inputs: Inputs) -> list[str]:
        """Nothing but the network."""
        return []

    def work(self, inputs: Inputs) -> int:
        """One tick a step, for five taps and the logits."""
        return 6 * self.settings.steps

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """As if every tap were the last one: too much by about a half."""
        classifier, size = load_classifier(spec, device=inputs.device), self.settings.size
        x = torch.rand(self.logits, 3, size, size, device=inputs.device).requires_grad_()
        step = timed(lambda: torch.autograd.grad(classifier(x).sum(), x), device=inputs.device)
        return step * self.work(inputs)

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """Objectives and spectral scores; the pictures go to the run's artifacts."""
        for cases, objective in self._objectives(spec, inputs, seed):
            made = maximise(
                objective, len(cases), settings=self.settings, seed=seed, device=inputs.device,
                tick=tick,
            )  # fmt: skip
            scores = {
                "objective_start": made.start,
                "objective_end": made.end,
                **artifact_scores(made.images),
            }
            for i, case in enumerate(cases):
                for metric, values in scores.items():
                    if not torch.isnan(values[i]):  # a peak the picture is too small for is no row
                        yield case, self.settings.condition, metric, 0, float(values[i])
                file = feature_file(inputs.run, spec.name, self.settings.condition, case, seed=seed)
                file.parent.mkdir(parents=True, exist_ok=True)
                save_png(made.images[i].cpu(), file)

    def _objectives(
        self, spec: ModelSpec, inputs: Inputs, seed: int
    ) -> Iterable[tuple[list[str], Objective]]:
        for tap in tap_set(spec, "matched").style:
            encoder = load_encoder(spec, taps=[tap], device=inputs.device)
            chosen = alive(encoder, tap, self.channels, size=self.settings.size, seed=seed)
            if chosen:
                yield [f"{tap}-c{c}" for c in chosen], channels(encoder, tap, chosen)
        classifier = load_classifier(spec, device=inputs.device)
        classes = range(self.logits)
        yield [f"logit-{k}" for k in classes], logits(classifier, classes)
