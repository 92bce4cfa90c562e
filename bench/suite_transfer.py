"""The transfer suite: adversarial pictures of the source, shown to one target."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from bench.crafted import crafted
from bench.estimate import timed
from bench.inputs import Inputs, source_model
from bench.suite import Row, Tick
from bench.transfer import Attack, answers, facts
from zoo.datasets import to_float
from zoo.exchange import load_contestant
from zoo.robust import input_gradient
from zoo.spec import ModelSpec
from zoo.weights import weights_digest


@dataclass(frozen=True)
class Transfer:
    """The attacks made on the source and shown to the target."""

    attacks: tuple[Attack, ...]
    name: ClassVar[str] = "transfer"
    version: ClassVar[int] = 1

    @property
    def label(self) -> str:
        """Nothing: a run has one set of attacks."""
        return ""

    def depends(self, inputs: Inputs) -> list[str]:
        """The source's weights and the attacked images."""
        return [weights_digest(inputs.source), inputs.images_sha256]

    def work(self, inputs: Inputs) -> int:
        """One tick an attack."""
        return len(self.attacks)

    def seconds(self, spec: ModelSpec, inputs: Inputs) -> float:
        """Two forward passes an attack; the source's cell also makes the pictures."""
        model = load_contestant(spec, space=inputs.images.space, device=inputs.device)
        part = inputs.images.subset(range(min(len(inputs.images), inputs.images.batch)))
        x, y = to_float(part.pixels).to(inputs.device), part.labels.to(inputs.device)
        shown = 2 * len(self.attacks) / 3  # a forward pass is a third of a step
        made = sum(a.steps for a in self.attacks) if spec == inputs.source else 0
        batches = len(inputs.images) / len(part)
        return timed(lambda: input_gradient(model, x, y)) * batches * (shown + made)

    def measure(self, spec: ModelSpec, inputs: Inputs, seed: int, tick: Tick) -> Iterable[Row]:
        """Facts for each image under each attack."""
        space = inputs.images.space
        target = load_contestant(spec, space=space, device=inputs.device)
        source = source_model(inputs.source, inputs.device, space)
        ids, labels = inputs.images.ids, inputs.images.labels.to(inputs.device)
        clean = to_float(inputs.images.pixels).to(inputs.device)
        right = answers(target, clean) == labels
        for case, value in zip(ids, right, strict=True):
            yield case, "clean", "clean_correct", 0, float(value)
        for attack in self.attacks:
            made = crafted(source, inputs, attack, seed=seed)
            # a class is no target for its own pictures
            shown = [i for i, label in enumerate(labels.tolist()) if label != attack.target]
            for metric, values in facts(target, clean, labels, made).items():
                for i in shown:
                    yield ids[i], attack.condition, metric, attack.steps, float(values[i])
            tick(0.0)
