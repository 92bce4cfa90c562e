"""The zoo's command line, called as a user calls it."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torchvision
from PIL import Image

from tests.toys import toy_images
from zoo import __main__ as cli
from zoo import nonrobust, produce, search, terminal, weights
from zoo.catalog import SOURCE, ZOO, find
from zoo.datasets import load_cifar10
from zoo.load import load_classifier
from zoo.recipes import RECIPES
from zoo.spec import Hub
from zoo.weights import OFFLINE

ROOT = Path(__file__).parents[1]
NAME = "vgg_c10.standard"
KEYS = {
    "name", "family", "dataset", "training", "seed", "residual", "downsampling", "batch_norm",
    "role", "weights", "params", "sha256", "accuracies",
}  # fmt: skip
COUNTS = {
    "cifar10_test": {"correct": 8752, "n": 10_000},
    "pgd20_l2_0.5": {"correct": 5, "n": 100},
    "foolbox_cifar10": {"correct": 19, "n": 20},
}
Pretend = Callable[..., Path]


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], checkpoints: Pretend
) -> Callable[..., tuple[int, str, str]]:
    """call("list") is python -m zoo list: exit code, standard output, standard error."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["zoo", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return int(stop.value.code or 0), *capsys.readouterr()

    return run


def refused(answer: tuple[int, str, str], sentence: str) -> None:
    code, out, err = answer
    assert code == 2
    assert err.startswith("error: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert out == ""


def write_cifar10(folder: Path) -> None:
    for split, n in (("train", 64), ("test", 20)):
        images = toy_images(n, 32, seed=n)
        structs = []
        for pixels in images.pixels:
            buffer = io.BytesIO()
            Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(buffer, "PNG")
            structs.append({"bytes": buffer.getvalue()})
        table = pa.table({"img": structs, "label": images.labels.tolist()})
        pq.write_table(table, folder / f"{split}.parquet")


def test_the_list_as_json_has_every_model_and_key(call, checkpoints: Pretend) -> None:
    file = checkpoints(NAME, accuracies=COUNTS)
    code, out, err = call("list", "--format", "json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert (code, err) == (0, "")
    assert list(rows) == list(ZOO)
    assert all(set(row) == KEYS for row in rows.values())
    assert rows[NAME]["accuracies"] == COUNTS
    assert rows[NAME]["sha256"] == weights.sha256(file)
    assert rows[NAME]["params"] == 1_175_786
    assert rows["resnet18_c10.standard"]["sha256"] is None
    kinds = {name: row["weights"] for name, row in rows.items()}
    assert kinds[NAME] == "committed"
    assert kinds["resnet50.tv_in1k"] == "hub"
    assert kinds["tf_efficientnet_lite0.pypi"] == "pypi"


def test_the_list_has_no_other_format(call) -> None:
    code, _, err = call("list", "--format", "yaml")
    assert code == 2
    assert "'yaml' is not one of 'table', 'json', 'markdown'" in " ".join(err.split())


def test_the_list_as_a_table_shows_rates(call, checkpoints: Pretend) -> None:
    checkpoints(NAME, accuracies=COUNTS)
    code, out, _ = call("list")
    assert code == 0
    row = next(line.split() for line in out.splitlines() if line.split()[:1] == [NAME])
    assert row == [NAME, "VGG", "contestant", "1.18", "M", "87.5", "19/20", "5.0"]
    assert all(name in out for name in ZOO)


@pytest.mark.parametrize("name", ZOO)
def test_every_model_can_be_shown(name: str, call) -> None:
    code, out, _ = call("show", name)
    shown = json.loads(out)
    assert code == 0
    assert shown["spec"]["name"] == name
    assert shown["spec"]["arch_options"] == dict(ZOO[name].arch_options)
    assert shown["manifest"] == {}


def test_a_trained_model_is_shown_with_its_record(call, checkpoints: Pretend) -> None:
    checkpoints(NAME, accuracies=COUNTS, recipe={"epochs": 18})
    shown = json.loads(call("show", NAME)[1])
    assert shown["manifest"]["recipe"] == {"epochs": 18}
    assert shown["manifest"]["accuracies"] == COUNTS


def test_check_loads_a_model_and_lists_its_taps(call, checkpoints: Pretend) -> None:
    checkpoints(NAME)
    code, out, _ = call("check", NAME, "--size", "64")
    assert code == 0
    assert "tap stages.conv1_1: (32, 64, 64) from 64 px" in out
    assert "tap stages.conv4_2: (256, 8, 8) from 64 px" in out
    assert "of 20 pictures right (foolbox's, cifar10)" in out


def test_check_takes_an_architecture_nobody_prepared(call) -> None:
    code, out, err = call("check", "mobilenetv3_small_100", "--weights", "random", "--size", "64")
    assert (code, err) == (0, "")
    assert "tap bn1: (16, 32, 32) from 64 px" in out
    assert "tap blocks.5: (576, 2, 2) from 64 px" in out


def test_check_offline_names_the_file_and_its_place(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OFFLINE, "0")  # so that what --offline sets ends with the test
    monkeypatch.setenv("WHYVGG_CACHE", str(tmp_path))
    code, out, err = call("check", "resnet50.salman_l2_eps3", "--offline")
    assert (code, out) == (2, "")
    assert str(tmp_path) in err and "huggingface.co" in err


def test_check_takes_a_transformer_at_its_own_size(call) -> None:
    code, out, err = call("check", "deit_tiny_patch16_224", "--weights", "random")
    assert (code, err) == (0, "")
    assert "tap blocks.0.mlp.act: (768, 14, 14) from 224 px" in out


def test_check_refuses_what_was_not_published(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    untrained = find("mobilenetv3_small_100.random")
    spec = replace(untrained, weights=Hub(accuracy=0.676))
    for name in ("load_classifier", "load_encoder"):
        real = getattr(cli, name)
        monkeypatch.setattr(cli, name, lambda _, real=real, **options: real(untrained, **options))
    monkeypatch.setattr(cli, "find", lambda _: spec)
    code, out, err = call("check", "mobilenetv3_small_100.lamb_in1k", "--size", "64")
    assert (code, err) == (0, "")
    assert "these 20 pictures show 19 classes" in " ".join(out.split())
    monkeypatch.setattr(cli, "shows_all_classes", lambda _: True)
    code, out, err = call("check", "mobilenetv3_small_100.lamb_in1k", "--size", "64")
    assert code == 2
    assert "of 20 pictures right (foolbox's, imagenet)" in out
    assert "67.6% are published" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show", "vgg_c10.standart"], "is not in the catalogue: did you mean vgg_c10.standard"),
        (["check", "resnet50"], "names no weights: did you mean resnet50.tv_in1k"),
        (["check", "resnet18_c10.standard"], "has no trained weights yet: python -m zoo train"),
        (["check", "tf_efficientnet_lite1.pypi+box-kernels"], "conv_stem is no plain convolution"),
        (["check", NAME, "--size", "4"], "a 4x4 picture is too small"),
        (["check", NAME, "--device", "cuda:77"], "no device cuda:77 here"),
        (["check", NAME, "--device", "abacus"], "no device abacus here"),
        (["train", "resnet50.tv_in1k", "--data", "."], "only committed ones are trained"),
        (["train", "tf_efficientnet_lite0.pypi", "--data", "."], "only committed ones"),
        (["train", NAME, "--data", "/no/[such] place"], "no CIFAR-10 in /no/[such] place and no"),
    ],
)
def test_what_a_user_can_mend_is_one_sentence(
    arguments: list[str], sentence: str, call, checkpoints: Pretend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def offline(*_: object, **__: object) -> None:
        raise URLError("no route")

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", offline)
    checkpoints(NAME)
    refused(call(*arguments), sentence)


def test_a_training_is_recorded_and_repeatable(
    call, checkpoints: Pretend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(RECIPES["standard"], epochs=2, batch_size=16, peak_lr=0.02)
    monkeypatch.setitem(RECIPES, "standard", recipe)
    faster = iter(("float32", "bfloat16", "float32"))  # a machine that finds now this, now that
    monkeypatch.setattr(produce, "fastest", lambda *_: next(faster))
    write_cifar10(tmp_path)
    arguments = ["train", NAME, "--data", str(tmp_path), "--threads", "1", "--work"]
    code, out, err = call(*arguments, str(tmp_path / "work"))
    assert code == 0, err
    entry = weights.manifest()[NAME]
    assert out == f"{NAME}: {json.dumps(entry['accuracies'])}\n"
    assert "epoch 2/2: loss" in err
    assert entry["recipe"]["epochs"] == 2
    assert entry["recipe"]["precision"] == "float32"
    assert entry["data"]["n"] == 64
    assert {kind: count["n"] for kind, count in entry["accuracies"].items()} == {
        "cifar10_test": 20, "pgd20_l2_0.5": 20, "foolbox_cifar10": 20,
    }  # fmt: skip
    call(*arguments, str(tmp_path / "work"))  # finished: measured once more, not trained
    call(*arguments, str(tmp_path / "elsewhere"))  # from the beginning
    assert weights.manifest()[NAME] == entry
    assert call("check", NAME)[0] == 0
    assert {file.name for file in weights.CHECKPOINTS.iterdir()} == {
        "MANIFEST.json", f"{NAME}.safetensors",
    }  # fmt: skip


def test_an_empty_command_line_shows_the_commands() -> None:
    command = [sys.executable, "-m", "zoo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    said = done.stdout + done.stderr
    assert all(word in said for word in ("list", "show", "check", "train", "Usage"))
    assert "Traceback" not in said


def test_a_bar_can_jump_count_and_speak(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.bar("baking", total=10) as progress:
        progress.to(4)
        progress.step("loss 0.5")
        progress.say("epoch [1]")
    said = capsys.readouterr()
    assert said.out == ""
    assert "baking" in said.err
    assert "5/10" in said.err
    assert "epoch [1]" in said.err


def test_unexpected_errors_are_not_hidden() -> None:
    def app() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        terminal.run_app(app, cli.EXPECTED)


def test_recorded_accuracies_are_compared_with_those_found(
    call, checkpoints: Pretend, tmp_path: Path
) -> None:
    write_cifar10(tmp_path)
    again = ["check", "--all", "--data", str(tmp_path), "--work", str(tmp_path / "work")]
    checkpoints(NAME)
    found = produce.measured(load_classifier(ZOO[NAME]), load_cifar10(tmp_path, "test"), title="")
    checkpoints(NAME, accuracies=found)
    code, out, _ = call(*again)
    assert (code, out) == (0, f"{NAME}: as recorded\n")
    better = {"correct": found["cifar10_test"]["correct"] + 1, "n": 20}
    checkpoints(NAME, accuracies=found | {"cifar10_test": better})
    code, out, err = call(*again)
    assert code == 2
    assert f"cifar10_test: {better['correct']} recorded, {better['correct'] - 1} found" in out
    assert f"not what is recorded: {NAME}: train them again" in err
    checkpoints(NAME, accuracies=found | {"cifar10_test": {**better, "data_sha256": "another"}})
    code, _, err = call(*again)
    assert code == 2
    assert f"{tmp_path} has other pixels than they were counted on" in err


def test_a_network_never_measured_is_named(call, checkpoints: Pretend, tmp_path: Path) -> None:
    write_cifar10(tmp_path)
    checkpoints(NAME)
    code, out, err = call(
        "check", "--all", "--data", str(tmp_path), "--work", str(tmp_path / "work")
    )
    assert (code, out) == (2, f"{NAME}: never measured\n")
    assert "train them again" in err


@pytest.mark.parametrize("arguments", [["check"], ["check", NAME, "--all"]])
def test_checking_wants_one_name_or_all(arguments: list[str], call) -> None:
    refused(call(*arguments), "name one model, or say --all")


def test_a_non_robust_data_set_is_made_once_and_learned(
    call, checkpoints: Pretend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(RECIPES["det"], epochs=2, batch_size=16, tried=(0.01, 0.02))
    monkeypatch.setitem(RECIPES, "det", recipe)
    monkeypatch.setattr(nonrobust, "MOST_STEPS", 10)
    monkeypatch.setattr(search, "EPOCHS", 1)
    write_cifar10(tmp_path)
    checkpoints(SOURCE)
    where = ["--data", str(tmp_path), "--work", str(tmp_path / "work")]
    code, out, err = call("nonrobust", "det", *where)
    assert code == 0, err
    (file,) = (tmp_path / "work").iterdir()
    about = json.loads(out.removeprefix("det: "))
    assert about["n"] == 64
    assert about["sha256"] == nonrobust.load(file).images.sha256
    made = file.stat().st_mtime_ns
    code, _, err = call("train", "vgg_c10.det", *where)
    assert code == 0, err
    entry = weights.manifest()["vgg_c10.det"]
    assert file.stat().st_mtime_ns == made
    assert entry["data"] == about
    assert entry["data"]["source"] == weights.weights_digest(ZOO[SOURCE])
    assert entry["data"]["sha256"] == nonrobust.load(file).images.sha256
    assert set(entry["search"]) == {"0.01", "0.02"}
    assert entry["recipe"]["peak_lr"] == max((0.01, 0.02), key=lambda r: entry["search"][str(r)])
