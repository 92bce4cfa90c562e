import pytest
import torch

from bench.gram import gram_matrix, relative_distance
from bench.optimize import LossError
from bench.smoothing import smooth
from bench.stylize import StyleSettings, stylize
from tests.nets import ONE, ZERO, pixels_as_features
from zoo.catalog import find
from zoo.load import Classifier, Encoder, SizeError, untrained
from zoo.taps import matched_taps

GENERATOR = torch.Generator().manual_seed(0)
CONTENT = 0.2 + 0.6 * torch.rand(2, 3, 16, 16, generator=GENERATOR)
STYLE = 0.2 + 0.6 * torch.rand(2, 3, 16, 16, generator=GENERATOR) ** 2
FIELDS = {"parameterization", "transforms", "smoothing", "layer_weights", "texture"}
LAYERS = {"content_layer": "pixels", "style_layers": ("pixels",)}


def run(weight: float, *, start: str = "content", evaluations: int = 60, seed: int = 0, **more):
    fields = {key: more.pop(key) for key in FIELDS & more.keys()}
    settings = StyleSettings(size=16, start=start, evaluations=evaluations, **fields)
    arguments = {"content": CONTENT, "style": STYLE} | LAYERS | more
    encoder = arguments.pop("encoder", None) or pixels_as_features()
    content, style = arguments.pop("content"), arguments.pop("style")
    return stylize(encoder, content, style, weight=weight, settings=settings, seed=seed,
                   **arguments)  # fmt: skip


def test_without_style_the_noise_becomes_the_content() -> None:
    made = run(0.0, start="noise")
    torch.testing.assert_close(made.images, CONTENT, atol=1e-3, rtol=0)


def test_without_style_the_content_stays_as_it_is() -> None:
    made = run(0.0, evaluations=5)
    assert torch.equal(made.images, CONTENT)
    assert made.clipped == (0.0, 0.0)


def test_with_much_style_the_gram_matrix_is_reached() -> None:
    made = run(1e6)
    torch.testing.assert_close(gram_matrix(made.images), gram_matrix(STYLE), rtol=1e-2, atol=1e-3)
    for trace in made.trace:
        assert trace[-1, 1] < 1e-5 * trace[0, 1]


def test_the_trace_is_the_loss_at_every_evaluation() -> None:
    seen: list[float] = []
    made = run(10.0, evaluations=12, tick=seen.append)
    assert [float(v) for trace in made.trace for v in trace[:, 0]] == pytest.approx(seen)
    start = ((CONTENT - CONTENT) ** 2).sum()  # the content loss is nothing at its own start
    first = made.trace[0][0]
    distance = (gram_matrix(CONTENT) - gram_matrix(STYLE))[0].square().sum()
    relative = float(distance / gram_matrix(STYLE)[0].square().sum() + start)
    assert float(first[1]) == pytest.approx(relative, rel=1e-5)
    assert float(first[0]) == pytest.approx(10 * relative, rel=1e-5)


def test_raw_distances_and_energies_are_kept_beside_relative_ones() -> None:
    made = run(10.0, evaluations=12)
    for i, layers in enumerate(made.layers):
        found, wanted = gram_matrix(made.images[i : i + 1]), gram_matrix(STYLE[i : i + 1])
        expected = [float((found - wanted).square().sum()), float(wanted.square().sum())]
        assert layers.shape == (1, 2)
        assert layers[0].tolist() == pytest.approx(expected, rel=1e-4)
    assert all(0 < n < len(trace) for n, trace in zip(made.iterations, made.trace, strict=True))
    assert made.failures == (0, 0)


def test_the_budget_holds_up_to_one_line_search() -> None:
    made = run(10.0, evaluations=10)
    assert all(len(trace) <= 10 + 25 for trace in made.trace)


def test_a_batch_gives_what_single_pairs_give() -> None:
    both = run(10.0, evaluations=8)
    second = run(10.0, evaluations=8, content=CONTENT[1:], style=STYLE[1:])
    torch.testing.assert_close(both.images[1:], second.images)


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, again, other = (run(10.0, start="noise", evaluations=3, seed=s) for s in (1, 1, 2))
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, other.images)


def test_a_real_network_lowers_its_loss() -> None:
    classifier = untrained(find("vgg_c10.standard")).eval().requires_grad_(False)
    taps = matched_taps(classifier.net)
    made = run(
        100.0, evaluations=6, encoder=Encoder(classifier, taps), content_layer=taps[-1],
        style_layers=taps,
    )  # fmt: skip
    assert all(trace[:, 0].min() < 0.8 * trace[0, 0] for trace in made.trace)
    assert made.images.min() >= 0
    assert made.images.max() <= 1


def test_a_picture_too_small_for_the_taps_is_refused() -> None:
    classifier = untrained(find("inception_c10.standard")).eval().requires_grad_(False)
    taps = matched_taps(classifier.net)
    with pytest.raises(SizeError, match="use a larger"):
        run(
            1.0, encoder=Encoder(classifier, taps), content_layer=taps[-1], style_layers=taps,
            content=CONTENT[..., :4, :4], style=STYLE[..., :4, :4],
        )  # fmt: skip


class Explodes(torch.nn.Module):
    """Features that are pixels for a while and no numbers afterwards."""

    def __init__(self, good: int) -> None:
        super().__init__()
        self.calls, self.good = 0, good

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        self.calls += 1
        return {"pixels": images * (1.0 if self.calls <= self.good else float("nan"))}


def test_a_loss_that_becomes_no_number_is_recorded_and_the_last_good_picture_kept() -> None:
    made = run(10.0, encoder=Explodes(6), content=CONTENT[:1], style=STYLE[:1])
    assert made.diverged == (True,)
    assert len(made.trace[0]) == 4  # two of the six good calls encoded the content and the style
    assert torch.isfinite(made.trace[0]).all()
    assert torch.isfinite(made.images).all()
    assert not torch.equal(made.images, CONTENT[:1])


def test_a_loss_that_never_was_a_number_is_refused() -> None:
    with pytest.raises(LossError, match="no number at its first evaluation: check the weights"):
        run(10.0, encoder=Explodes(2), content=CONTENT[:1], style=STYLE[:1])


def test_a_run_that_goes_well_has_not_diverged() -> None:
    assert run(10.0, evaluations=5).diverged == (False, False)


def features(images: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = pixels_as_features()(
        images.contiguous(memory_format=torch.channels_last)
    )["pixels"]
    return found


def test_plain_settings_are_l_bfgs_on_the_pixels() -> None:
    """Written out once more without any of the variants: the same bytes."""
    x = CONTENT[:1].clone().requires_grad_()
    content, wanted = features(CONTENT[:1]), gram_matrix(features(STYLE[:1]))
    optimizer = torch.optim.LBFGS(
        [x], max_iter=12, max_eval=12, history_size=50, tolerance_grad=0, tolerance_change=0,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> torch.Tensor:
        found = features(x)
        style = relative_distance(gram_matrix(found), wanted).sum()
        total = 10.0 * style + relative_distance(found, content).sum()
        (x.grad,) = torch.autograd.grad(total, x)
        return total.detach()

    optimizer.step(closure)
    made = run(10.0, evaluations=12, content=CONTENT[:1], style=STYLE[:1])
    assert torch.equal(made.images, x.detach().clamp(0, 1))


FOURIER = pytest.mark.parametrize("kind", ["fourier", "fourier-decorrelated"])


@FOURIER
def test_fourier_coefficients_start_at_the_content_too(kind: str) -> None:
    made = run(0.0, evaluations=3, parameterization=kind)
    torch.testing.assert_close(made.images, CONTENT, atol=1e-5, rtol=0)


@FOURIER
def test_fourier_coefficients_reach_the_gram_matrix(kind: str) -> None:
    made = run(1e6, evaluations=80, parameterization=kind)
    torch.testing.assert_close(gram_matrix(made.images), gram_matrix(STYLE), rtol=2e-2, atol=2e-3)


def test_the_parameterisation_changes_the_way_not_the_start() -> None:
    plain, fourier = (run(10.0, evaluations=3, parameterization=k) for k in ("pixel", "fourier"))
    assert plain.trace[0][0].tolist() == pytest.approx(fourier.trace[0][0].tolist(), rel=1e-4)
    assert not torch.allclose(plain.images, fourier.images, atol=1e-3)


@pytest.mark.parametrize("kind", ["pixel", "fourier"])
def test_under_random_views_the_loss_falls(kind: str) -> None:
    made = run(100.0, evaluations=60, parameterization=kind, transforms=True)
    for trace in made.trace:
        assert len(trace) == 60
        assert trace[-10:, 0].mean() < 0.5 * trace[0, 0]


def test_views_come_from_the_seed_alone() -> None:
    before = torch.get_rng_state()
    first, again, other = (run(10.0, evaluations=4, transforms=True, seed=s) for s in (1, 1, 2))
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, other.images)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_content_is_seen_from_where_the_picture_is() -> None:
    """Any view of the content picture has the content of the same view of itself."""
    made = run(0.0, evaluations=3, transforms=True)
    assert all(trace[0, 0] == 0 for trace in made.trace)


@pytest.mark.parametrize(
    ("changes", "condition"),
    [
        ({}, "content-start/matched/w100"),
        ({"start": "noise", "taps": "article"}, "noise-start/article/w100"),
        ({"transforms": True}, "content-start/matched/pixel+transforms/w100"),
        ({"parameterization": "fourier"}, "content-start/matched/fourier/w100"),
        (
            {"parameterization": "fourier-decorrelated", "transforms": True},
            "content-start/matched/fourier-decorrelated+transforms/w100",
        ),
        ({"taps": "single/2", "content_tap": 3}, "content-start/single/2/content3/w100"),
        ({"smoothing": "softmax"}, "content-start/matched/softmax/w100"),
        ({"layer_weights": (0.5, 1e-12)}, "content-start/matched/layers0.5+1e-12/w100"),
        ({"start": "noise", "texture": True}, "noise-start/matched/texture/w100"),
    ],
)
def test_conditions_name_what_departs_from_the_plain_settings(
    changes: dict[str, object], condition: str
) -> None:
    assert StyleSettings(**changes).condition(100.0) == condition
    assert "_" not in condition  # file names have underscores for slashes


def two_taps() -> Encoder:
    """The picture, and its square."""

    class Square(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.square()

    net = torch.nn.Sequential(torch.nn.Identity(), Square(), torch.nn.Identity())
    return Encoder(Classifier(net, ZERO, ONE), ["0", "1"])


BOTH = {"content_layer": "0", "style_layers": ("0", "1")}


def test_layers_of_no_weight_do_not_matter() -> None:
    first = run(10.0, evaluations=5, encoder=two_taps(), content_layer="0", style_layers=("0",))
    weighed = run(10.0, evaluations=5, encoder=two_taps(), layer_weights=(0.0,), **BOTH)
    torch.testing.assert_close(weighed.images, first.images)
    equal = run(10.0, evaluations=5, encoder=two_taps(), **BOTH)
    same = run(10.0, evaluations=5, encoder=two_taps(), layer_weights=(3.0, 3.0), **BOTH)
    torch.testing.assert_close(same.images, equal.images, atol=1e-4, rtol=0)
    assert not torch.allclose(equal.images, first.images, atol=1e-3)


def test_more_layer_weights_than_taps_are_refused() -> None:
    with pytest.raises(ValueError, match="3 layer weights for 2 style taps"):
        run(10.0, encoder=two_taps(), layer_weights=(1.0, 1.0, 1.0), **BOTH)


def test_a_texture_knows_its_style_only() -> None:
    made = run(1.0, start="noise", texture=True, evaluations=150)
    torch.testing.assert_close(gram_matrix(made.images), gram_matrix(STYLE), rtol=1e-2, atol=1e-3)
    other = run(1.0, start="noise", texture=True, evaluations=150, content=1 - CONTENT)
    assert torch.equal(other.images, made.images)
    assert all(torch.equal(trace[:, 0], trace[:, 1]) for trace in made.trace)


@pytest.mark.parametrize("kind", ["softmax", "softmax-channel"])
def test_smoothed_activations_are_what_is_compared(kind: str) -> None:
    made = run(10.0, evaluations=6, smoothing=kind)
    found, wanted = (gram_matrix(smooth(features(x[:1]), kind)) for x in (CONTENT, STYLE))
    expected = float(relative_distance(found, wanted))
    assert float(made.trace[0][0, 1]) == pytest.approx(expected, rel=1e-4)
    assert all(trace[-1, 0] < trace[0, 0] for trace in made.trace)
