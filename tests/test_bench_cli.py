"""The command line of the bench: what is said, and when it stops."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from bench import __main__ as cli
from bench.presets import PRESETS
from tests.bench_command import SMALL, call, elsewhere, no_network  # noqa: F401  (a fixture)
from tests.toys import toy_images
from zoo.catalog import find

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--preset", "enormous"], "choose one of smoke, quick"),
        (
            ["style", "--condition", "oil"],
            "no condition oil: choose some of plain, matched, random",
        ),
        (
            ["style", "--condition", "box-kernels", "--models", "vgg_c10.random"],
            "has nothing to measure on vgg_c10.random",
        ),
        (["--models", f"{SMALL}+facelift"], "no surgery facelift: choose one of average-pool"),
        (["--models", "vgg_c11.standard"], "did you mean vgg_c10.standard"),
        (["--models", "vgg_c10"], "names no weights: did you mean vgg_c10.standard"),
        (["--preset", "smoke", "--size", "31"], "A size is at least 32 pixels, got 31"),
        (
            ["--models", "tf_efficientnet_lite1.pypi+box-kernels", "--dry-run"],
            "conv_stem is no plain convolution",
        ),
        (["--content", "/no/such/folder"], "/no/such/folder"),
        (["--device", "cuda:77"], "choose --device cpu"),
        (["--device", "toaster"], "no device toaster here"),
        (["--data", "/no/such/folder"], "no CIFAR-10 in /no/such/folder"),
        (["--preset", "imagenet"], "preset imagenet needs --data"),
        (["--preset", "imagenet", "--data", "."], "resnet50.tv_in1k needs https://huggingface.co"),
        (["--preset", "article"], "none of the 3 models can be measured"),
        (["--preset", "article", "--models", "vgg19.tv_in1k"], "vgg19.tv_in1k needs https://hugg"),
        (
            ["--preset", "imagenet-mini", "--data", "/no/such/folder"],
            "no ImageNet pictures in /no/such/folder",
        ),
        (
            ["--preset", "article", "--models", "vgg19.tv_in1k,vgg11.tv_in1k"],
            "none of the 2 models can be measured",
        ),
        (
            ["--models", f"resnet18.random,{SMALL}"],
            "answers in cifar10 and imagenet do not compare",
        ),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(
    arguments: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("torchvision.datasets.CIFAR10", no_network)
    monkeypatch.setattr("httpx.head", no_network)
    monkeypatch.setattr("zoo.weights.try_to_load_from_cache", lambda *_: None)
    assert call(monkeypatch, *arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
    assert len(error.strip().splitlines()) == 1


def test_a_run_of_another_schema_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "manifest.json").write_text('{"schema": 0}')
    assert call(monkeypatch, "--preset", "smoke", "--run", str(tmp_path)) == 2
    assert "has schema version 0" in capsys.readouterr().err


def test_a_picture_that_is_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    assert call(monkeypatch, "--preset", "smoke", "--style", str(tmp_path)) == 2
    assert "broken.png" in capsys.readouterr().err


def test_a_picture_too_small_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "stamp.png")
    assert call(monkeypatch, "--preset", "smoke", "--content", str(tmp_path)) == 2
    assert "stamp.png" in capsys.readouterr().err


def test_a_dry_run_prints_the_plan_and_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert call(monkeypatch, "--preset", "smoke", "--run", str(run), "--dry-run") == 0
    printed = capsys.readouterr().out
    assert f"style/{SMALL}/content-start/matched/64px/seed0" in printed
    assert "4 cells to do, 0 done; about" in printed
    assert not run.exists()


def test_a_dry_run_shares_time_and_threads_among_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[int] = []

    def minute(*_: object) -> float:
        asked.append(torch.get_num_threads())
        return 60.0

    monkeypatch.setattr("bench.suite_style.Diagonal.seconds", minute)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 5)
    monkeypatch.setattr(torch, "set_num_threads", lambda n: asked.append(-n))
    options = ("--condition", "texture", "--models", SMALL, "--run", str(tmp_path), "--dry-run")
    assert call(monkeypatch, "style", *options, "--device", "cpu,cpu") == 0
    printed = capsys.readouterr().out
    assert "1 cell to do, 0 done; about 0.5 minutes on cpu,cpu with 2 threads each," in printed
    assert asked == [-2, 5, -5]


def test_pictures_too_large_for_the_memory_are_refused_with_both_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.style_memory.free_bytes", lambda _: 2_000_000)
    options = ("--condition", "texture", "--models", SMALL, "--size", "64")
    assert call(monkeypatch, "style", *options, "--run", str(tmp_path / "run")) == 2
    (sentence,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert re.search(
        rf"stylising 64x64 pixels with {SMALL} takes about 0\.0 GB of memory and 0\.0 GB are free: "
        "use a smaller --size", sentence,
    )  # fmt: skip


@pytest.mark.parametrize("condition", ["activations", "judges"])
def test_pictures_too_large_to_be_looked_at_are_refused_too(
    condition: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("bench.style_memory.free_bytes", lambda _: 2_000_000)
    options = ("--condition", condition, "--models", SMALL, "--size", "64", "--dry-run")
    assert call(monkeypatch, "style", *options, "--run", str(tmp_path / "run")) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"looking at 64x64 pixels with {SMALL} takes about" in said


def test_the_size_of_the_pictures_can_be_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--preset", "smoke", "--size", "96", "--run", str(tmp_path / "run"), "--dry-run")
    assert call(monkeypatch, *arguments) == 0
    assert f"style/{SMALL}/content-start/matched/96px/seed0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("condition", "model", "keys"),
    [
        ("fourier", SMALL, [f"style/{SMALL}/content-start/matched/fourier/64px/seed0"]),
        (
            "average-pool, coverage",
            SMALL,
            [
                f"style/{SMALL}+average-pool/content-start/matched/64px/seed0",
                f"coverage/{SMALL}+average-pool/matched/seed0",
                f"coverage/{SMALL}/matched/seed0",
            ],
        ),
    ],
)
def test_conditions_of_the_laboratory_are_a_command(
    condition: str,
    model: str,
    keys: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ("--models", model, "--size", "64", "--run", str(tmp_path / "run"), "--dry-run")
    assert call(monkeypatch, "style", "--condition", condition, *options) == 0
    printed = capsys.readouterr().out
    assert all(key in printed for key in keys)
    assert f"{len(keys)} cell{'s' * (len(keys) > 1)} to do, 0 done; about" in printed


def test_ctrl_c_says_that_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "execute", interrupted)
    assert call(monkeypatch, "--preset", "smoke", "--run", str(tmp_path / "run")) == 130
    assert "finished cells are kept" in capsys.readouterr().out


def test_help_has_examples(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "--help") == 0
    assert "python -m bench --models vgg_c10.standard,resnet50_c10.standard" in " ".join(
        capsys.readouterr().out.split()
    )


@pytest.mark.parametrize(("asked", "given"), [(0, 20), (40, 40)])
def test_the_number_of_attacked_images_can_be_chosen(
    asked: int, given: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.labelled.load_cifar10", lambda *_: toy_images(200, 32, classes=10))
    smoke = PRESETS["smoke"]
    smoke = replace(smoke, images=asked or smoke.images)
    plan = cli._plan(smoke, (find(SMALL),), tmp_path, tmp_path, None, None, "cpu", 0)
    assert len(plan.inputs.images) == given
    assert plan.inputs.images.labels.bincount().tolist() == [given // 10] * 10


def test_a_forecast_needs_no_weights(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--preset", "imagenet-mini", "--models", "vgg19.tv_in1k", "--tflops", "2"]
    assert call(monkeypatch, "forecast", *options) == 0
    out = capsys.readouterr().out
    assert "transfer: " in out and "operations" in out and "all: " in out
