import foolbox
import pytest
import torch

from bench.gram import grams, style_distance
from bench.inputs import untrained_twin
from bench.judge import gram_distances, picture_scores
from bench.pictures import bundled
from results.schema import METRICS
from zoo.catalog import JUDGE, find
from zoo.load import Encoder, load_classifier, load_encoder

CONTENT = bundled("chelsea", size=64).pixels[None]
STYLE = bundled("ihc", size=64).pixels[None]


@pytest.fixture(scope="module")
def judge() -> Encoder:
    return load_encoder(find(JUDGE))


@pytest.fixture(scope="module")
def untrained() -> Encoder:
    return load_encoder(untrained_twin(find(JUDGE)))


def test_the_style_itself_has_reached_the_style(judge: Encoder, untrained: Encoder) -> None:
    scores = picture_scores(judge, untrained, STYLE, CONTENT, STYLE)
    assert scores["judge_style_distance"].item() == pytest.approx(0, abs=1e-6)
    assert scores["random_style_distance"].item() == pytest.approx(0, abs=1e-6)
    assert scores["palette_distance"].item() == pytest.approx(0, abs=1e-9)
    assert scores["texture_distance"].item() == 0
    assert scores["judge_style_distance_content"].item() > 0.1
    for name in ("peak_2", "peak_4", "peak_8", "lattice_2", "lattice_8"):
        assert torch.equal(scores[name], scores[f"{name}_style"])


def test_the_untouched_content_has_kept_the_content(judge: Encoder, untrained: Encoder) -> None:
    scores = picture_scores(judge, untrained, CONTENT, CONTENT, STYLE)
    assert scores["judge_content_distance"].item() == 0
    assert scores["content_ssim"].item() == pytest.approx(1)
    assert scores["content_edges"].item() == pytest.approx(1)
    distances = ("judge_style_distance", "random_style_distance", "palette_distance",
                 "texture_distance")  # fmt: skip
    for name in distances:
        assert scores[name].item() == pytest.approx(scores[f"{name}_content"].item())


def test_a_blend_lies_between(judge: Encoder, untrained: Encoder) -> None:
    steps = [0.0, 0.5, 1.0]
    blends = torch.cat([(1 - t) * CONTENT + t * STYLE for t in steps])
    scores = picture_scores(
        judge, untrained, blends, CONTENT.expand(3, -1, -1, -1), STYLE.expand(3, -1, -1, -1)
    )
    for name in ("palette_distance", "judge_style_distance", "texture_distance"):
        assert scores[name][0] > scores[name][2]
    assert scores["judge_content_distance"].diff().min() > 0
    assert scores["content_ssim"].diff().max() < 0


def test_the_untrained_twin_differs_in_its_weights_alone(
    judge: Encoder, untrained: Encoder
) -> None:
    assert judge.taps == untrained.taps
    found, again = (gram_distances(e, CONTENT, CONTENT, STYLE) for e in (judge, untrained))
    assert found[0] == found[1] and again[0] == again[1]
    assert abs(found[0] - again[0]) > 0.01
    wanted, plain = (grams(untrained(x)) for x in (STYLE, CONTENT))
    assert again[0].item() == pytest.approx(style_distance(plain, wanted).item(), rel=1e-4)


def test_every_score_is_in_the_dictionary(judge: Encoder, untrained: Encoder) -> None:
    assert set(picture_scores(judge, untrained, CONTENT, CONTENT, STYLE)) <= set(METRICS)


def test_the_judge_knows_its_pictures() -> None:
    """Real weights, rightly mapped: 17 of foolbox's 20 ImageNet pictures at least."""
    model = load_classifier(find(JUDGE))
    foolbox_model = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")
    images, labels = foolbox.samples(foolbox_model, dataset="imagenet", batchsize=20)
    with torch.no_grad():
        assert int((model(images).argmax(1) == labels).sum()) >= 17
