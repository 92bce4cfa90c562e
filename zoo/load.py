"""From a spec to a network: classifier or encoder, pixels in [0,1] in, frozen, channels-last."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from textwrap import shorten
from typing import Any

import torch
from jaxtyping import Float
from timm.models import create_model, get_pretrained_cfg
from torch import Tensor, nn

from zoo.activations import TapError, own_size
from zoo.fit import fitted
from zoo.fold import fold_batch_norm
from zoo.maps import as_map
from zoo.spec import Committed, ModelSpec
from zoo.surgery import operate
from zoo.taps import default_taps, skeleton, tap_set
from zoo.weights import WeightsError, load_state


class SizeError(ValueError):
    """A picture too small for the layers it must pass; the message says what to do."""


class OneSizeError(SizeError):
    """A picture of another size than the only one a network takes."""


class DeviceError(ValueError):
    """A device that this machine or this torch does not have."""


def usable(device: str) -> str:
    """The device's name, once something could be put there.

    Raises:
        DeviceError: nothing could.
    """
    try:
        torch.empty(1, device=device)
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise DeviceError(f"no device {device} here ({reason}): choose --device cpu") from error
    return device


class Classifier(nn.Module):
    """A network behind its own input normalisation: "b 3 h w" in [0,1] to logits "b k"."""

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b k"]:
        """Images in [0,1] to logits."""
        logits: Tensor = self.net((images - self.mean) / self.std)
        return logits


# words of the errors that layers raise at pictures of a wrong size
_OF_SIZES = ("size", "broadcast", "shape")


class _Done(Exception):
    """Raised by the last tap: nothing behind it is computed."""


class Encoder(nn.Module):
    """The named inner activations of a classifier; work stops at the last one.

    Args:
        classifier: pixels in [0,1] to logits.
        taps: module names inside the network, each called once in a forward pass.
    """

    def __init__(self, classifier: Classifier, taps: Sequence[str]) -> None:
        super().__init__()
        self.classifier = classifier
        self.taps = tuple(dict.fromkeys(taps))
        self._seen: dict[str, Tensor] = {}
        modules = dict(classifier.net.named_modules())
        for tap in self.taps:
            modules[tap].register_forward_hook(self._hook(tap))

    def _hook(self, tap: str):  # type: ignore[no-untyped-def]
        def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            self._seen[tap] = output
            if len(self._seen) == len(self.taps):
                raise _Done

        return keep

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Tensor]:
        """Images in [0,1] to activations "b c h w", in the taps' order.

        Raises:
            SizeError: the picture is smaller than the taps need, or not of the one size the
                network takes.
            zoo.taps.TapError: a tap's activations are no maps.
        """
        self._seen = {}
        try:
            self.classifier(images)
        except _Done:
            pass
        except (AssertionError, RuntimeError) as error:  # timm's transformers assert their size
            raise self._refusal(error, images) from error
        seen, self._seen = self._seen, {}
        return {tap: self._map(tap, seen[tap], images) for tap in self.taps}

    def _refusal(self, error: Exception, images: Tensor) -> Exception:
        height, width = images.shape[-2:]
        _, *own = own_size(self.classifier.net)
        fixed = getattr(self.classifier.net, "pretrained_cfg", {}).get("fixed_input_size", False)
        if isinstance(error, RuntimeError) and not any(w in str(error) for w in _OF_SIZES):
            return error
        if fixed and [height, width] != own:
            return OneSizeError(
                f"this network is made for pictures of {own[1]}x{own[0]}, not {width}x{height} "
                f"({shorten(str(error), 80) or 'it refuses them'}): use square pictures and "
                f"--size {own[0]}"
            )
        if isinstance(error, AssertionError):
            return SizeError(f"{error}: use another --size")
        return SizeError(
            f"a {width}x{height} picture is too small for the tap behind "
            f"{next(reversed(self._seen), 'the input')}: use a larger --size"
        )

    def _map(self, tap: str, activation: Tensor, images: Tensor) -> Tensor:
        prefix = getattr(self.classifier.net, "num_prefix_tokens", 0)
        height, width = images.shape[-2:]
        found = as_map(activation, height, width, prefix=prefix)
        if found is None:
            shape = "x".join(map(str, activation.shape[1:]))
            raise TapError(f"{tap} gives {shape} numbers, which are no map: tap another layer")
        return found


def style_refusal(spec: ModelSpec, size: int) -> str:
    """Why style cannot be read from size x size pixels by this architecture; empty if it can.

    Told from shapes, without weights. A picture that is merely too small is no reason.
    """
    try:
        taps = tap_set(replace(spec, surgery=()), "matched").style
    except TapError as error:
        return str(error)
    return _refused(spec.arch, tuple(spec.arch_options.items()), taps, size)


@cache
def _refused(
    arch: str, options: tuple[tuple[str, Any], ...], taps: tuple[str, ...], size: int
) -> str:
    with torch.device("meta"), torch.no_grad():
        net = create_model(arch, **dict(options)).eval()
        encoder = Encoder(Classifier(net, (0.0,) * 3, (1.0,) * 3), taps)
        try:
            encoder(torch.zeros(1, 3, size, size))
        except (TapError, OneSizeError) as error:
            return str(error)
        except SizeError:
            return ""
    return ""


def untrained(spec: ModelSpec) -> Classifier:
    """The spec's architecture under its own initialisation, drawn from ``spec.seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        net = create_model(spec.arch, **spec.arch_options)
    cfg = get_pretrained_cfg(spec.arch)
    return Classifier(net, spec.mean or cfg.mean, spec.std or cfg.std)


def parameters(spec: ModelSpec) -> int:
    """How many numbers training sets, counted without allocating any."""
    return _counted(spec.arch, tuple(spec.arch_options.items()))


@cache
def _counted(arch: str, options: tuple[tuple[str, Any], ...]) -> int:
    with torch.device("meta"):
        net = create_model(arch, **dict(options))
    return sum(p.numel() for p in net.parameters())


def load_classifier(
    spec: ModelSpec, *, device: torch.device | str = "cpu", fold: bool = True
) -> Classifier:
    """The spec's network with its weights: operated on, evaluation mode, frozen, channels-last.

    Args:
        device: on ``meta`` nothing is read or drawn: a network of shapes, to count operations on.
        fold: merge batch norms into the convolutions before them; equal up to rounding, faster.

    Raises:
        WeightsError: the weights are missing, damaged, unreachable or do not fit.
    """
    if torch.device(device).type == "meta":
        return _shapes(spec)
    model = untrained(spec)
    state = load_state(spec, list(model.net.state_dict()))
    if state is not None:
        try:
            model.net.load_state_dict(fitted(state, model.net))
        except (KeyError, RuntimeError) as error:  # a translation may miss what it looks for
            reason = shorten(str(error).partition(":")[2] or str(error), 120)  # of every tensor
            mended = "train it again" if isinstance(spec.weights, Committed) else "replace the file"
            raise WeightsError(
                f"the weights of {spec.name} do not fit {spec.arch} ({reason}): {mended}"
            ) from error
    operate(model.net, spec.surgery)
    for module in model.modules():
        if hasattr(module, "inplace"):
            # an activation in place would overwrite the tap before it
            setattr(module, "inplace", False)  # noqa: B010  (a plain assignment is no Tensor)
    model.eval().requires_grad_(False)
    if fold:
        # at its own size, which is the only one some take
        probe = torch.rand(1, *own_size(model.net), generator=torch.Generator().manual_seed(0))
        fold_batch_norm(model, probe)
    return model.to(device).to(memory_format=torch.channels_last)


def _shapes(spec: ModelSpec) -> Classifier:
    cfg = get_pretrained_cfg(spec.arch)
    with torch.device("meta"):
        model = Classifier(skeleton(spec), spec.mean or cfg.mean, spec.std or cfg.std)
    return model.eval().requires_grad_(False)


def load_encoder(
    spec: ModelSpec, *, taps: Sequence[str] | None = None, device: torch.device | str = "cpu"
) -> Encoder:
    """The spec's network as an encoder of these taps (None: ``zoo.taps.default_taps``).

    Raises:
        WeightsError: as ``load_classifier``.
    """
    classifier = load_classifier(spec, device=device)
    return Encoder(classifier, taps or default_taps(spec))
