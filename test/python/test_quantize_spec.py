"""Names, options and activations of a spec, and what they mean in numbers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import lutra
import numpy as np
import pytest
from native_model import compile_native

FOLDER = Path(os.environ["LUTRA_TEST_FOLDER"])  # of test/Pipeline/Inputs/calibrate.py
MODEL = FOLDER / "model.mlir"


def product_of(values: np.ndarray, path: Path) -> Path:
    """A model that multiplies rows with a matrix [k, n]."""
    k, n = values.shape
    path.write_text(
        f'lutra.global @w : tensor<{k}x{n}xf32> = dense<"0x{values.tobytes().hex()}"> : tensor<{k}x{n}xf32>\n'
        f"""func.func @main(%x: tensor<?x{k}xf32> {{lutra.name = "x", lutra.dim_names = ["n", ""]}})
            -> (tensor<?x{n}xf32> {{lutra.name = "y", lutra.dim_names = ["n", ""]}}) {{
          %w = lutra.weight @w : tensor<{k}x{n}xf32>
          %y = lutra.matmul %x, %w : (tensor<?x{k}xf32>, tensor<{k}x{n}xf32>) -> tensor<?x{n}xf32>
          return %y : tensor<?x{n}xf32>
        }}"""
    )
    return path


def random_matrix(k: int, n: int) -> np.ndarray:
    random = np.random.default_rng(7)
    return (random.standard_normal((k, n)) * np.exp2(random.integers(-9, 9, (1, n)))).astype(np.float32)


# Elements and the exponent of their greatest value, as in table 1 and 2 of the OCP Microscaling specification 1.0.
MX = {
    "mxfp4": ("float4_e2m1fn", 2),
    "mxfp6": ("float6_e2m3fn", 2),
    "mxfp6e3m2": ("float6_e3m2fn", 4),
    "mxfp8": ("float8_e4m3fn", 8),
    "mxfp8e5m2": ("float8_e5m2", 15),
}


@pytest.mark.parametrize("name", MX)
def test_microscaling_formats_are_those_of_ocp(name: str, tmp_path: Path) -> None:
    """Section 6.3: the scale is 2^(floor(log2(max)) - emax) for 32 elements, whose values saturate."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    element, greatest = MX[name]
    kind = getattr(ml_dtypes, element)
    values = random_matrix(96, 20)
    blocks = values.reshape(3, 32, 20)
    scale = np.exp2(np.floor(np.log2(np.abs(blocks).max(1, keepdims=True))) - greatest)
    most = float(ml_dtypes.finfo(kind).max)
    expected = (np.clip(blocks / scale, -most, most).astype(kind).astype(np.float32) * scale).reshape(96, 20)
    model = compile_native(product_of(values, tmp_path / "m.mlir"), quantize=f"weights={name}:rtn")
    (got,) = model(np.eye(96, dtype=np.float32))
    assert np.array_equal(got, expected)


@pytest.mark.parametrize("spec", ["int8", "int4", "nf4", "mxfp6"])
@pytest.mark.parametrize("bits", [8, 6, 4])
def test_one_scale_serves_a_tensor(spec: str, bits: int, tmp_path: Path) -> None:
    """The greatest magnitude of all rows gets the greatest code."""
    values = random_matrix(128, 24)
    path = product_of(values, tmp_path / "m.mlir")
    (decoded,) = compile_native(path, quantize=spec)(np.eye(128, dtype=np.float32))
    # Strategy "coded" keeps the scales of groups.
    model = compile_native(path, quantize=f"weights={spec},activations=int{bits}:tensor", strategy="coded,auto")
    random = np.random.default_rng(3)
    most = 2 ** (bits - 1) - 1
    for rows in (1, 3, 33):
        x = random.standard_normal((rows, 128)).astype(np.float32)
        (got,) = model(x)
        scale = np.abs(x).max() / np.float32(most)
        codes = np.rint(x / scale).clip(-most, most).astype(np.float64)
        expected = codes @ decoded.astype(np.float64) * float(scale)
        # Tables of reals may move by a tenth of their steps where codes are multiplied (nf4).
        bound = (0.05 if spec == "nf4" else 1e-5) * (np.abs(codes) @ np.abs(decoded)) * float(scale)
        assert (np.abs(got - expected) <= bound).all()
    assert not np.any(model(np.zeros((2, 128), np.float32))[0])
    assert model(np.zeros((0, 128), np.float32))[0].shape == (0, 24)


def test_integers_beside_one_scale(tmp_path: Path) -> None:
    """A weight of bytes is multiplied as integers, also without a calibration."""
    path, report = product_of(random_matrix(128, 64), tmp_path / "m.mlir"), tmp_path / "report.json"
    lutra.compile(path, quantize="int8,activations=int8:tensor", target_cpu="avx2", report=report)
    chosen = [one["chosen"] for one in json.loads(report.read_text())["decisions"] if "chosen" in one]
    assert chosen == ["dot"]  # of integers


def layers_of(spec: object, tmp_path: Path) -> tuple[list[dict[str, object]], lutra.Model]:
    report = tmp_path / "report.json"
    model = compile_native(MODEL, quantize=spec, calibrate=FOLDER / "set", quantize_report=report)
    return json.loads(report.read_text())["layers"], model


def test_layers_have_activations_of_their_own(tmp_path: Path) -> None:
    """The last rule holds, whose names are those of weights or of products; static ones stand beside others."""
    sample = dict(np.load(sorted((FOLDER / "set").glob("*.npz"))[0]))
    outputs = {}
    for spec, expected in {
        "int8": (None, None),
        "int8,activations=int8:token": ("int8:token", "int8:token"),
        "int8,activations=int8:token,layer(w2).activations=none": ("int8:token", None),
        "int8,layer(second).activations=int8:static=p99.9": (None, "int8:static=p99.9"),
        "int8,activations=int8:tensor,layer(/first|x{1,2}/).activations=int8:static=entropy:smooth=0.6": (
            "int8:static=entropy",
            "int8:tensor",
        ),
        "int8,layer(w1).activations=int8:static,activations=int8:token:asym": ("int8:token:asym",) * 2,
    }.items():
        layers, model = layers_of(spec, tmp_path)
        assert tuple(layer.get("activations") for layer in layers) == expected
        outputs[spec] = model(**sample)[0]
    plain, both, first, second, *_ = outputs.values()
    assert not np.array_equal(first, both)
    assert not np.array_equal(first, plain)
    assert not np.array_equal(second, plain)
    for got in outputs.values():
        assert np.linalg.norm(got - plain) < 0.1 * np.linalg.norm(plain)
    with pytest.raises(lutra.CompileError, match=r"names 'w4' for activations, which is no weight that gets codes"):
        layers_of("int8,layer(w4).activations=int8", tmp_path)


def test_a_power_of_smoothing_is_taken(tmp_path: Path) -> None:
    layers, _ = layers_of("int8,activations=int8:token:smooth=0.7", tmp_path)
    assert {layer["inputPower"] for layer in layers} == {0.7}


def test_damping_is_taken(tmp_path: Path) -> None:
    layers, _ = layers_of({"weights": "int4", "damp": 0.35}, tmp_path)
    assert {layer["damp"] for layer in layers} == {0.35}


# What a name means in others.
NAMES = {
    "uint4": "int4:asym",
    "uint8:g64": "int8:asym:g64",
    "Q4_0": "int4:g32:sym",
    "q5_0": "int5:g32:sym",
    "q8_0": "int8:g32:sym:scale=f16",
    "IQ4_NL": "iq4nl",
    "tq1_0": "ternary:g256",
    "mxint8": "bfp8",
    "codebook3": "table3",
    "fp4e2m1 : g64": "fp4:g64",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_of_others_are_types(name: str, tmp_path: Path) -> None:
    values = random_matrix(96, 20)
    path = product_of(values, tmp_path / "m.mlir")
    x = np.eye(96, dtype=np.float32)
    (got,) = compile_native(path, quantize=f" {name} ")(x)
    assert np.array_equal(got, compile_native(path, quantize=f"weights={NAMES[name]}")(x)[0])


def test_patterns_hold_commas(tmp_path: Path) -> None:
    for spec in (
        "int4 , exclude = /w[2,3]/;/(first|x{1,2}y)$/ , layer(/w{1,2}1/).weights=int8",
        {"weights": "int4", "exclude": ["/w[2,3]/", "/(first|x{1,2}y)$/"], "layer(/w{1,2}1/).weights": "int8"},
    ):
        layers, _ = layers_of(spec, tmp_path)
        assert [(layer["weight"], layer["format"]) for layer in layers] == [("w1", "int8:channel:sym")]


def test_presets_need_no_tables(tmp_path: Path) -> None:
    for preset, form in {"small": "int4:g32:asym", "fast": "int4:g32:asym", "best": "int8:channel:sym"}.items():
        layers, _ = layers_of(preset, tmp_path)
        assert {layer["format"] for layer in layers} == {form}
        assert {layer.get("activations") for layer in layers} == {"int8:group" if preset == "fast" else None}


@pytest.mark.parametrize("weights", ["int8", "int4:g32", "int4:g128", "nf4:g64", "int8:g256"])
@pytest.mark.parametrize("points", ["", ":asym"])
def test_activations_have_groups_of_their_own(weights: str, points: str, tmp_path: Path) -> None:
    """Each 64 elements of a row have a scale, whatever the groups of the weight, the last 32 too."""
    values = random_matrix(288, 24)
    path = product_of(values, tmp_path / "m.mlir")
    (decoded,) = compile_native(path, quantize=f"weights={weights}")(np.eye(288, dtype=np.float32))
    report = tmp_path / "report.json"
    spec = f"weights={weights},activations=int8:g64{points}"
    model = compile_native(path, quantize=spec, quantize_report=report)
    (layer,) = json.loads(report.read_text())["layers"]
    assert layer["activations"] == f"int8:g64{points}"
    random = np.random.default_rng(3)
    for rows in (1, 3, 33):
        x = random.standard_normal((rows, 288)).astype(np.float32) * np.exp2(np.arange(288) // 64 * 4 % 9)
        x = x.astype(np.float32)
        (got,) = model(x)
        expected = np.zeros_like(x)
        for low in range(0, 288, 64):
            part = x[:, low : low + 64]
            least = np.minimum(part.min(1, keepdims=True), 0) if points else -np.abs(part).max(1, keepdims=True)
            most = np.maximum(part.max(1, keepdims=True), 0) if points else -least
            expected[:, low : low + 64] = (most - least) / (255 if points else 254)
        exact = x.astype(np.float64) @ decoded
        # Half a step of each element, and what tables of reals are moved by where codes are multiplied.
        bound = (expected / 2) @ np.abs(decoded) + 0.12 * ("nf4" in weights) * np.abs(x) @ np.abs(decoded)
        assert np.all(np.abs(got - exact) <= bound * 1.01 + 1e-4 * np.abs(exact).max())
