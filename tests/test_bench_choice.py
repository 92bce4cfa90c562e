"""The command line of the bench: which models and pictures a run takes."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bench import __main__ as cli
from bench.choose import choose, find_preset, require
from bench.labelled import Gate
from bench.presets import PRESETS
from bench.suite_judges import Judges
from bench.suite_style import Diagonal
from bench.suite_transfer import Transfer
from tests.bench_command import SMALL, call, elsewhere, no_network  # noqa: F401  (a fixture)
from zoo.catalog import find
from zoo.evaluate import AccuracyError
from zoo.spec import ModelSpec
from zoo.weights import WeightsError

pytestmark = pytest.mark.usefixtures("elsewhere")


def test_full_takes_every_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = []
    monkeypatch.setattr(cli, "_do", lambda plan, *_, **__: seen.append(plan))
    options = ("--condition", "features", "--size", "64", "--run", str(tmp_path))
    for more in ((), ("--full",)):
        call(monkeypatch, "style", *options, *more)
    few, every = ({cell.spec.name for cell in plan.cells} for plan in seen)
    assert few < every and "vgg_c10.random" in every and "vgg_c10.random" not in few
    assert len(seen[1].inputs.styles) > len(seen[0].inputs.styles)


def test_the_article_s_preset_makes_pictures_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--models", "resnet18.random,densenet121.random", "--size", "64", "--dry-run")
    assert call(monkeypatch, "--preset", "article", *arguments, "--run", str(tmp_path)) == 0
    printed = capsys.readouterr().out
    cells = [f"style/resnet18.random/{start}-start/article/64px" for start in ("content", "noise")]
    assert all(cell in printed for cell in cells)
    assert "2 cells to do" in printed  # the article names no taps for DenseNet, and attacks none


def test_members_without_weights_are_skipped_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("httpx.head", no_network)
    monkeypatch.setattr("zoo.weights.try_to_load_from_cache", lambda *_: None)
    names = ("tf_efficientnet_lite1.pypi", "vgg11.tv_in1k", "resnet18.random")
    monkeypatch.setattr("bench.preset.members", lambda *_, **__: tuple(map(find, names)))
    mini = replace(PRESETS["imagenet-mini"], models=())
    for chosen in (choose(mini, ""), choose(mini, ",".join(names))):
        assert [spec.name for spec in chosen.here] == [names[0], names[2]]
        (sentence,) = chosen.skipped
        assert "skipped vgg11.tv_in1k: vgg11.tv_in1k needs https://huggingface.co" in sentence
        require(mini, chosen)
    alone = choose(mini, "vgg11.tv_in1k")
    assert not alone.skipped  # the error says it
    with pytest.raises(WeightsError, match=r"vgg11.tv_in1k needs https://huggingface.co"):
        require(mini, alone)


def test_a_preset_of_fixed_models_goes_on_with_those_that_are_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plans = []
    monkeypatch.setattr("zoo.weights.try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(cli, "_do", lambda plan, *_, **__: plans.append(plan))
    article = replace(PRESETS["article"], models=("resnet18.random", "vgg19.tv_in1k"))
    monkeypatch.setitem(PRESETS, "article", article)
    call(monkeypatch, "--preset", "article", "--offline", "--size", "64", "--run", str(tmp_path))
    assert {cell.spec.name for cell in plans[0].cells} == {"resnet18.random"}
    assert "vgg19.tv_in1k needs" in plans[0].skipped["vgg19.tv_in1k"]
    assert "skipped vgg19.tv_in1k" in capsys.readouterr().out


def test_a_dry_run_fetches_nothing_and_says_what_a_run_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("httpx.head", "httpx.stream", "zoo.weights.hf_hub_download"):
        monkeypatch.setattr(name, lambda *_, **__: pytest.fail("asked the network"))
    monkeypatch.setattr("zoo.weights.try_to_load_from_cache", lambda *_: None)
    models = ("--models", "vgg11.tv_in1k,tf_efficientnet_lite2.pypi")
    options = ("--images", "2", "--dry-run", "--run", str(tmp_path / "run"))
    mini = PRESETS["imagenet-mini"]
    small = replace(mini, experiments=mini.experiments[:1])
    monkeypatch.setitem(PRESETS, "imagenet-mini", small)
    assert call(monkeypatch, *models, *options) == 0  # no preset is named
    printed = capsys.readouterr().out
    assert "would fetch vgg11.tv_in1k: about 531 MB" in printed
    assert "1 files to fetch, about 0.5 GB" in printed
    assert "transfer/tf_efficientnet_lite2.pypi/seed0" in printed
    assert "transfer/vgg11.tv_in1k" not in printed
    assert not (tmp_path / "run").exists()


def test_a_model_that_is_refused_leaves_the_others_to_go_on(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    specs = tuple(find(f"tf_efficientnet_lite{i}.pypi") for i in (1, 2))
    plan = cli._plan(PRESETS["imagenet-mini"], specs, tmp_path, None, None, None, "cpu", 0)
    assert plan.inputs.source == specs[0]
    for refused in specs:
        gate = Gate({refused: AccuracyError("no")}, ())
        monkeypatch.setattr(cli, "check_published", lambda *_, gate=gate: gate)
        if refused == plan.inputs.source:
            with pytest.raises(AccuracyError):
                cli._check(plan, tmp_path)
        else:
            kept = cli._check(plan, tmp_path)
            assert {cell.spec for cell in kept.cells} == {specs[0]}
            assert len(kept.cells) == len(kept.digests) < len(plan.cells)


def test_the_source_of_the_attacks_passes_the_gate_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[str] = []

    def gate(specs: Iterable[ModelSpec], *_: object) -> Gate:
        held[:] = [spec.name for spec in specs]
        return Gate({spec: AccuracyError(f"{spec.name} is refused") for spec in specs}, ())

    monkeypatch.setattr(cli, "check_published", gate)
    mini, alone = PRESETS["imagenet-mini"], (find("tf_efficientnet_lite2.pypi"),)
    plan = cli._plan(mini, alone, tmp_path, None, None, None, "cpu", 0)
    with pytest.raises(AccuracyError, match=f"{mini.source} is refused"):
        cli._check(plan, tmp_path)
    assert held == [mini.source, alone[0].name]
    pictures = replace(plan, cells=plan.cells[-1:], digests=plan.digests[-1:])
    assert not isinstance(pictures.cells[0].suite, Transfer)
    with pytest.raises(AccuracyError, match=r"lite2\.pypi is refused"):
        cli._check(pictures, tmp_path)
    assert held == [alone[0].name]  # nobody is attacked


@pytest.mark.parametrize(
    "arguments", [(), ("--dry-run",), ("--models", f"resnet18_c10.random,{SMALL}")]
)
def test_damaged_weights_stop_a_run_and_are_not_skipped(
    arguments: tuple[str, ...], checkpoints: Callable[..., Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    checkpoints(SMALL).write_bytes(b"half a file")
    checkpoints("resnet18_c10.standard")
    options = ("--preset", "quick", "--run", str(tmp_path / "run"))
    assert call(monkeypatch, *options, *arguments) == 2
    (sentence,) = capsys.readouterr().err.strip().splitlines()
    assert f"{SMALL}.safetensors has sha256" in sentence


@pytest.mark.parametrize(
    ("models", "preset"),
    [
        ("", "quick"),
        (SMALL, "quick"),
        ("resnet18.random", "imagenet-mini"),
        ("resnet50.a1_in1k, resnet50.restricted_l2", "imagenet-mini"),
        (f"resnet18.random,{SMALL}", "quick"),
    ],
)
def test_models_of_imagenet_choose_a_preset_of_imagenet(models: str, preset: str) -> None:
    assert find_preset("", models).name == preset
    assert find_preset("smoke", models).name == "smoke"


@pytest.mark.parametrize(
    ("named", "contents", "styles"),
    [(("--content", "--style"), 3, 2), (("--content",), 3, 3), (("--style",), 1, 2)],
)
def test_every_picture_of_a_named_folder_is_used(
    named: tuple[str, ...],
    contents: int,
    styles: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Conditions take some of the bundled pictures; of a user's own they leave out none."""
    for option, count in (("--content", 3), ("--style", 2)):
        folder = tmp_path / option
        folder.mkdir()
        for i in range(count):
            Image.new("RGB", (80, 80), (40 * i, 90, 90)).save(folder / f"picture{i}.png")
    plans = []
    monkeypatch.setattr(cli, "_do", lambda plan, *_, **__: plans.append(plan))
    options = ("--condition", "fourier,grid,judges", "--models", SMALL, "--size", "64")
    folders = [part for option in named for part in (option, str(tmp_path / option))]
    call(monkeypatch, "style", *options, "--run", str(tmp_path / "run"), *folders)
    (plan,) = plans
    assert {cell.spec.name for cell in plan.cells} == {SMALL}
    for cell in plan.cells:
        suite = cell.suite.style if isinstance(cell.suite, Judges) else cell.suite
        used = [len(pictures) for pictures in suite.pictures(plan.inputs)]
        # judges see every pair of the plain condition, five, where the others have three
        more = 2 if isinstance(cell.suite, Judges) and "--style" not in named else 0
        assert used == [contents, styles + more]
        assert not isinstance(suite, Diagonal)
