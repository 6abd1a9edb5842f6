"""Calibration through the package: samples in files and in memory are the same."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import lutra
import numpy as np
import pytest
from native_model import compile_native

FOLDER = Path(os.environ["LUTRA_TEST_FOLDER"])  # of test/Pipeline/Inputs/calibrate.py
MODEL = FOLDER / "model.mlir"


def samples() -> list[dict[str, np.ndarray]]:
    return [dict(np.load(path)) for path in sorted((FOLDER / "set").glob("*.npz"))]


def weights_of(model: lutra.Model) -> list[np.ndarray]:
    (own, *_) = samples()
    return list(model(**own))


def test_samples_in_memory_are_those_in_files() -> None:
    spec = "weights=int4:g32"
    by_path = weights_of(compile_native(MODEL, quantize=spec, calibrate=FOLDER / "set"))
    by_iterator = weights_of(compile_native(MODEL, quantize=spec, calibrate=iter(samples())))
    plain = weights_of(compile_native(MODEL, quantize=spec))
    for one, other in zip(by_path, by_iterator, strict=True):
        assert np.array_equal(one, other)
    assert not np.array_equal(plain[0], by_path[0])


class Reader:
    """As onnxruntime's CalibrationDataReader."""

    def __init__(self) -> None:
        self.rest = iter(samples())

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.rest, None)


class Numbered:
    """As a torch Dataset: samples by their numbers."""

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        return tuple(samples()[index].values())


def test_samples_come_in_any_form(tmp_path: Path) -> None:
    """Places are those of the model's inputs."""
    torch = pytest.importorskip("torch")
    tensors = [{name: torch.from_numpy(array) for name, array in sample.items()} for sample in samples()]
    tensors[0]["x"].requires_grad_()
    np.savez(tmp_path / "named.npz", **samples()[0])
    np.savez(tmp_path / "placed.npz", *samples()[0].values())
    report = tmp_path / "report.json"

    def layers(calibrate: object) -> list[dict[str, object]]:
        compile_native(MODEL, quantize="weights=int4:g32", calibrate=calibrate, quantize_report=report)
        return json.loads(report.read_text())["layers"]

    assert [*samples()[0]] == ["x", "attention_mask"]
    expected = layers(FOLDER / "set")
    for given in (
        tuple(samples()),
        tensors,
        [tuple(tensor.values()) for tensor in tensors],
        (list(sample.values()) for sample in samples()),  # as data loaders give lists
        (list(tensor.values()) for tensor in tensors),
        Reader(),
        Reader().get_next,
        lambda: iter(samples()),
        Numbered(),
        [Reader()],
        ((*samples(),),),
    ):
        assert layers(given) == expected
    assert layers(tmp_path / "named.npz") == layers(tmp_path / "placed.npz")
    two = [samples()[:2], samples()[2:]]
    assert layers([Reader(), Numbered()]) == layers([samples(), samples()])
    assert layers([[tuple(sample.values()) for sample in part] for part in two]) == layers(two)
    with pytest.raises(lutra.CompileError, match="holds 3 arrays without names, but the model has 2 inputs: x, attent"):
        layers([(np.ones((3, 96), np.float32),) * 3])


def test_arrays_are_samples_of_one_input(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    torch = pytest.importorskip("torch")
    rows = [np.arange(30, dtype=np.int64).reshape(3, 10) + start for start in (0, 30, 60)]

    def bytes_of(calibrate: object) -> bytes:
        compile_native(looked_up(), quantize="int4", calibrate=calibrate, output=tmp_path / "model.so")
        return (tmp_path / "model.so").read_bytes()

    expected = bytes_of([{"input_ids": row} for row in rows])
    assert bytes_of(rows) == expected
    assert bytes_of(map(torch.from_numpy, rows)) == expected
    assert bytes_of([(row,) for row in rows]) == expected


def test_sets_are_paths_or_samples(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    sets = [FOLDER / "set", samples()[:2]]
    compile_native(MODEL, quantize="int4,holdout=50", calibrate=sets, quantize_report=report)
    found = json.loads(report.read_text())
    assert found["calibration"]["samples"] == 8
    assert not found["outputsOfFittedSamples"]
    assert {layer["weight"] for layer in found["layers"]} == {"w1", "w2"}
    assert [layer["weight"] for layer in found["kept"]] == ["w3"]
    assert all(layer["tokens"] == 280 and layer["method"] == "gptq" for layer in found["layers"])


@pytest.mark.parametrize("spec", ["weights=int2:g32", "weights=int3:mse", "int8", "int4,activations=int8:static"])
def test_errors_of_layers_add_up(spec: str, tmp_path: Path) -> None:
    """The second product gives `y`, and the first reads what it reads in the float model."""
    report = tmp_path / "report.json"
    compile_native(MODEL, quantize=spec, calibrate=FOLDER / "set", quantize_report=report)
    found = json.loads(report.read_text())
    first, second = found["layers"]
    assert first["inputSqnr"] is None
    if "activations" not in spec:  # outputSqnr is of exact inputs; both round sums of 160 products to f32
        share = 2 * 160 * np.finfo(np.float32).eps * 10 ** (first["outputSqnr"] / 20)  # of errors
        assert abs(first["accumulatedSqnr"] - first["outputSqnr"]) <= 20 * np.log10(1 + share)
    (y,) = (output for output in found["outputs"] if output["name"] == "y")
    share = 2 * 280 * 96 * np.finfo(float).eps  # squares that are added, in either order
    assert abs(second["accumulatedSqnr"] - y["sqnr"]) <= 10 * np.log10(1 + share)
    greatest = np.max([np.abs(sample["x"]).max(0) for sample in samples()], 0)
    assert first["outlierChannel"] == greatest.argmax()
    ratio = greatest.max() / np.sort(greatest)[48]
    assert abs(first["outlierRatio"] - ratio) <= np.spacing(ratio)
    if spec != "weights=int2:g32":
        return
    assert first["outputSqnr"] < 20
    blamed = found["firstToBlame"]
    assert (blamed["name"], blamed["remedy"]) == ("first", "layer(w1).weights=int8")
    assert blamed["cause"] == "int2:g32:asym is too coarse"


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("activations", ["", ",activations=int8:group"])
def test_symmetric_scales_have_either_sign(bits: int, activations: str, tmp_path: Path) -> None:
    """Groups whose codes reach the least stay exact, whichever sign their extreme has, also in machine code."""
    random = np.random.default_rng(bits)
    reach = 1 << (bits - 1)
    codes = random.integers(-reach, reach, (64, 48))
    codes[[0, 32], :] = -reach
    values = (codes * np.where(np.arange(48) % 2, 0.125, -0.125)).astype(np.float32)
    model = tmp_path / "model.mlir"
    model.write_text(
        f'lutra.global @w : tensor<64x48xf32> = dense<"0x{values.tobytes().hex()}"> : tensor<64x48xf32>\n'
        """func.func @main(%x: tensor<?x64xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]})
            -> (tensor<?x48xf32> {lutra.name = "y", lutra.dim_names = ["n", ""]}) {
          %w = lutra.weight @w : tensor<64x48xf32>
          %y = lutra.matmul %x, %w : (tensor<?x64xf32>, tensor<64x48xf32>) -> tensor<?x48xf32>
          return %y : tensor<?x48xf32>
        }"""
    )
    compiled = compile_native(model, quantize=f"weights=int{bits}:g32:sym{activations}")
    for rows in (1, 64):
        (y,) = compiled(np.eye(64, dtype=np.float32)[:rows])
        # A scale of activations, a code times it, and the scale of the weight are rounded.
        assert (np.abs(y - values[:rows]) <= 3 * np.spacing(np.abs(values[:rows]))).all()


def distributions(rows: np.ndarray) -> np.ndarray:
    """Logarithms of softmax."""
    shifted = rows - rows.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def ranks(values: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(values))


def test_outputs_are_measured_in_several_ways(tmp_path: Path) -> None:
    """As NumPy measures the outputs of the float model and of the one that was compiled."""
    report = tmp_path / "report.json"
    spec = "weights=int3:g32:mse"
    compiled = compile_native(MODEL, quantize=spec, calibrate=FOLDER / "set", quantize_report=report)
    found = json.loads(report.read_text())
    output = found["outputs"][0]
    plain = compile_native(MODEL)
    pairs = [(plain(**sample)[0].astype(float), compiled(**sample)[0].astype(float)) for sample in samples()]
    exact, other = (np.concatenate(rows) for rows in zip(*pairs, strict=True))
    assert output["topAgreement"] == (exact.argmax(1) == other.argmax(1)).mean()
    a, b = distributions(exact), distributions(other)
    terms = np.exp(a) * (a - b)
    # Exponents are off by some units of their greatest magnitude, and so is what is summed.
    share = 8 * np.finfo(float).eps * np.abs(exact).max()
    assert abs(output["meanDivergence"] - terms.sum(1).mean()) <= share * (1 + np.abs(terms).sum(1).mean())
    cosines = [(x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()) for x, y in pairs]
    share = 4 * exact.size * np.finfo(float).eps
    assert abs(output["meanCosine"] - np.mean(cosines)) <= share
    assert abs(output["standardError"] - np.std(cosines, ddof=1) / np.sqrt(len(cosines))) <= share
    similarities = []
    for rows in zip(*pairs, strict=True):
        means = np.array([own.mean(0) for own in rows])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        similarities.append((means @ means.T)[np.triu_indices(len(means), 1)])
    expected = np.corrcoef(ranks(similarities[0]), ranks(similarities[1]))[0, 1]
    assert abs(output["rankCorrelation"] - expected) <= 2 * len(similarities[0]) * np.finfo(float).eps
    assert found["size"]["products"] == found["bytes"]
    (one,) = found["calibration"]["sets"]
    assert (one["samples"], one["rows"], one["weight"]) == (6, 420, 1)


def test_hashes_tell_models_and_samples_apart(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    other = tmp_path / "other.mlir"
    text = MODEL.read_text()
    place = text.index('dense<"0x') + 12
    other.write_text(text[:place] + ("1" if text[place] == "0" else "0") + text[place + 1 :])
    hashes = []
    for model, calibrate in ((MODEL, samples()), (MODEL, FOLDER / "set"), (MODEL, samples()[1:]), (other, samples())):
        compile_native(model, quantize="weights=int4:mse", calibrate=calibrate, quantize_report=report)
        found = json.loads(report.read_text())
        hashes.append((found["model"], found["calibration"]["sets"][0]["hash"]))
    (first, set_one), second, third, fourth = hashes
    assert second == (first, set_one)
    assert third[0] == first
    assert third[1] != set_one
    assert fourth[0] != first
    assert fourth[1] == set_one


def test_a_bound_has_a_verdict(tmp_path: Path) -> None:
    """Of the outputs with what the bound does not count, such as rounded activations."""
    report = tmp_path / "report.json"
    for activations, verdicts in (("", {"pass"}), (",activations=int3:token", {"warn", "fail"})):
        spec = f"weights=auto,loss<=0.02{activations}"
        compile_native(MODEL, quantize=spec, calibrate=FOLDER / "set", quantize_report=report)
        assert json.loads(report.read_text())["verdict"] in verdicts


def test_good_layers_are_not_to_blame(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    compile_native(MODEL, quantize="int8", calibrate=FOLDER / "set", quantize_report=report)
    assert "firstToBlame" not in json.loads(report.read_text())
    compile_native(MODEL, quantize="weights=int2:g32", calibrate=samples()[:2], quantize_report=report)
    assert json.loads(report.read_text())["firstToBlame"]["cause"] == "140 rows of inputs are fewer than 2 K = 192"


def test_refuses_what_is_no_sample() -> None:
    for single in (samples()[0], samples()[0]["x"], 3.0):
        with pytest.raises(lutra.UsageError, match="calibrate is a single .*dicts of arrays by input name, tuples"):
            compile_native(MODEL, quantize="int4", calibrate=single)
    with pytest.raises(lutra.UsageError, match="calibrate is a object, neither path nor samples"):
        compile_native(MODEL, quantize="int4", calibrate=object())
    mixtures = {"list": [samples()[0], [1.0]], "str": [samples()[0], "a.npz"], "NoneType": [samples()[0], None]}
    for kind, mixture in mixtures.items():
        with pytest.raises(lutra.UsageError, match=f"sample 1 of calibrate is a {kind}; samples are dicts"):
            compile_native(MODEL, quantize="int4", calibrate=mixture)
    with pytest.raises(lutra.UsageError, match="sample 1 of calibrate is a dict, beside what is a set of samples"):
        compile_native(MODEL, quantize="int4", calibrate=[FOLDER / "set", samples()[0]])
    for empty in ([], [samples(), []]):
        with pytest.raises(lutra.UsageError, match="a set without samples"):
            compile_native(MODEL, quantize="int4", calibrate=empty)
    for wrong in ([[1], [2, 3]], np.array([None])):
        with pytest.raises(lutra.UsageError, match="sample 0 of calibrate has 'x'"):
            compile_native(MODEL, quantize="int4", calibrate=[samples()[0] | {"x": wrong}])
    with pytest.raises(lutra.CompileError, match="has no array 'x'"):
        compile_native(MODEL, quantize="int4", calibrate=[{"attention_mask": np.ones(3, np.int64)}])


class Letters:
    """A tokenizer of the kind of transformers: letters are tokens, and each text is filled up to eight."""

    def __call__(self, text: str) -> dict[str, list[int]]:
        ids = [ord(letter) % 100 for letter in text][:8]
        return {"input_ids": ids + [0] * (8 - len(ids)), "attention_mask": [1] * len(ids) + [0] * (8 - len(ids))}


def looked_up() -> bytes:
    """Rows of E, by input_ids [batch, tokens], times W."""
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(4)
    nodes = [helper.make_node("Gather", ["E", "input_ids"], ["a"]), helper.make_node("MatMul", ["a", "W"], ["y"])]
    graph = helper.make_graph(
        nodes,
        "letters",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "tokens", 96])],
        [
            numpy_helper.from_array(random.standard_normal((rows, 96)).astype(np.float32), name)
            for name, rows in (("E", 100), ("W", 96))
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


@pytest.mark.filterwarnings("ignore")
def test_tokenizers_make_samples_of_texts(tmp_path: Path) -> None:
    """As samples of their ids, whose padding counts for nothing though the model takes no mask."""
    pytest.importorskip("onnx")
    random = np.random.default_rng(1)
    texts = ["".join(random.choice(list("abcdefghij"), random.integers(3, 8))) for _ in range(40)]
    (tmp_path / "a.txt").write_text("\n\n".join(texts))
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    encode = Letters()
    ids = [np.array([[ord(letter) % 100 for letter in text[:8]]]) for text in texts]

    def tokens(calibrate: object, tokenizer: object = None) -> tuple[int, float]:
        report = tmp_path / "report.json"
        compile_native(looked_up(), quantize="int4", calibrate=calibrate, tokenizer=tokenizer, quantize_report=report)
        (layer,) = json.loads(report.read_text())["layers"]
        return layer["tokens"], layer["outputSqnr"]

    expected = tokens([{"input_ids": row} for row in ids])
    assert expected[0] == sum(map(len, texts))
    assert tokens(tmp_path / "a.txt", encode) == expected
    assert tokens(f"{tmp_path / 'a.jsonl'}:0.5;{tmp_path / 'a.txt'}:2", encode)[0] == 2 * expected[0]
    # A folder holds texts beside arrays.
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    half = len(texts) // 2
    np.savez(mixed / "0.npz", input_ids=ids[0])
    (mixed / "1.txt").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(texts[1:half]).encode())
    (mixed / "2.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts[half:]))
    assert tokens(mixed, encode) == expected
    assert tokens(f"{mixed}:0.5;{mixed}", lambda text: {name: np.array(own) for name, own in encode(text).items()})
    for wrong in (3, False, lambda text: [1, 2]):
        with pytest.raises(lutra.UsageError, match="give the path of a tokenizer.json, or a tokenizer of the packages"):
            tokens(tmp_path / "a.txt", wrong)
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(lutra.UsageError, match="latin.txt is no text of UTF-8"):
        tokens(tmp_path / "latin.txt", encode)
    with pytest.raises(lutra.CompileError, match="is text, which the model's tokenizer alone"):
        tokens(tmp_path / "a.txt")
    with pytest.raises(lutra.UsageError, match="tokenizer goes with calibrate"):
        compile_native(looked_up(), quantize="int4", tokenizer=encode)
    pytest.importorskip("tokenizers")
    with pytest.raises(lutra.UsageError, match="absent.json cannot be read"):
        tokens(tmp_path / "a.txt", tmp_path / "absent.json")


def test_a_tokenizer_may_be_a_file(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    words = {"a": 0, "b": 1, "c": 2}
    own = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="a"))
    own.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    own.enable_padding(length=30)
    own.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "a.txt").write_text("a b c\n" * 40)
    report = tmp_path / "report.json"
    for tokenizer in (tmp_path / "tokenizer.json", own):
        compile_native(
            looked_up(),
            quantize="weights=int4:mse",
            calibrate=tmp_path / "a.txt",
            tokenizer=tokenizer,
            quantize_report=report,
        )
        assert json.loads(report.read_text())["layers"][0]["tokens"] == 120


def test_a_dict_is_the_spec_of_its_items(tmp_path: Path) -> None:
    """In its order, in which later items win; as a TOML file gives it."""
    items = tomllib.loads("""
        weights = "int4:g64"
        "layer(first).weights" = "int8"
        exclude = ["second", "w3"]
        holdout = 50.0
    """)
    text = "weights=int4:g64,layer(first).weights=int8,exclude=second;w3,holdout=50"
    path = tmp_path / "spec.toml"
    path.write_text("".join(f"{json.dumps(key)} = {json.dumps(value)}\n" for key, value in items.items()))
    found = []
    for spec in (items, text, path, str(path)):
        report = tmp_path / "report.json"
        compile_native(MODEL, quantize=spec, calibrate=FOLDER / "set", quantize_report=report)
        found.append(json.loads(report.read_text()))
        assert found[-1].pop("peakMemory") > 1 << 20
        assert min(found[-1].pop("seconds").values()) >= 0
    assert found[0] == found[1] == found[2] == found[3]
    assert [layer["format"] for layer in found[0]["layers"]] == ["int8:channel:sym"]
    assert found[0]["spec"] == text
    bound = {"weights": "auto", "loss<=": 0.05, "exclude": [], "layer(/^w{1,2}$/).weights": "f32"}
    with pytest.raises(lutra.CompileError, match=r"names '/\^w\{1,2\}\$/', which is no weight"):
        compile_native(MODEL, quantize=bound, calibrate=FOLDER / "set")
    compile_native(MODEL, quantize={"weights": "auto", "loss<=": 0.05, "exclude": []}, calibrate=FOLDER / "set")


def test_refuses_what_is_no_spec() -> None:
    for spec in ({}, ["int4"], 4):
        with pytest.raises(lutra.UsageError, match="a spec as text, a dict of its items or the path of a TOML file"):
            compile_native(MODEL, quantize=spec)
    with pytest.raises(lutra.UsageError, match="'int4,activations=int8', whose comma would start another item"):
        compile_native(MODEL, quantize={"weights": "int4,activations=int8"})
    for value in (True, None, {"bits": 4}, ["int3", "int4"]):
        with pytest.raises(lutra.UsageError, match="an item is a text, a number or, of exclude, a list"):
            compile_native(MODEL, quantize={"weights": value})
    with pytest.raises(lutra.UsageError, match="quantize absent.toml cannot be read"):
        compile_native(MODEL, quantize="absent.toml")
    with pytest.raises(lutra.CompileError, match="does not know 'wieghts=int4'"):
        compile_native(MODEL, quantize={"wieghts": "int4"})


def tied() -> bytes:
    """rows of E looked up, multiplied twice and by E turned over: an input of rank 0, one that is called `file`."""
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(3)
    fixed = {"E": random.standard_normal((120, 96)), "W": random.standard_normal((96, 96)) / 10}
    nodes = [
        helper.make_node("Gather", ["E", "file"], ["a"], name="look"),
        helper.make_node("Mul", ["a", "s"], ["b"]),
        helper.make_node("MatMul", ["b", "W"], ["c"], name="one"),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("MatMul", ["d", "W"], ["e"], name="two"),
        helper.make_node("Transpose", ["E"], ["t"], perm=[1, 0]),
        helper.make_node("MatMul", ["e", "t"], ["y"], name="head"),
    ]
    graph = helper.make_graph(
        nodes,
        "tied",
        [
            helper.make_tensor_value_info("file", TensorProto.INT64, ["n"]),
            helper.make_tensor_value_info("s", TensorProto.FLOAT, []),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 120])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in fixed.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def token_samples() -> list[dict[str, np.ndarray]]:
    return [{"file": np.arange(120, dtype=np.int64), "s": np.float32(0.5)}]


def test_reports_on_tied_weights(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    report = tmp_path / "report.json"
    compile_native(tied(), quantize="int4", calibrate=token_samples(), quantize_report=report)
    found = json.loads(report.read_text())
    assert len(found["layers"]) == 3
    assert found["outputs"][0]["meanCosine"] > 0.9


# With the greatest share of the outputs' size that the loss of a form takes, and bits of a weight of 160 x 96.
FORMS = {
    "fp6e3m2": (0.1, 6.4),
    "fp8e5m2": (0.15, 8.4),
    "pot3": (0.5, 3.6),
    "pot4": (0.4, 4.6),
    "bfp4": (0.3, 4.3),
    "bfp8:sorted": (0.02, 8.7),
    "table2": (0.6, 2.5),
    "table6": (0.1, 6.6),
    "dynamic8": (0.1, 9.4),
    "q2_k": (0.6, 3.2),
    "q3_k": (0.4, 3.8),
    "q4_k": (0.2, 5.2),
    "q5_k": (0.1, 6.2),
    "q6_k": (0.05, 7.0),
    "ternary": (0.7, 2.0),
    "binary": (0.8, 1.4),
    "int4:hqq": (0.2, 5.1),
    "int4:rows8=10%": (0.2, 5.4),
    "int2:g16:groups4=25%": (0.6, 5.0),
    "int3:outliers=1%:scattered": (0.4, 4.8),
}


@pytest.fixture(scope="module")
def exact() -> np.ndarray:
    return weights_of(compile_native(MODEL))[0]


@pytest.mark.parametrize("form", FORMS)
def test_forms_compile_and_keep_outputs(form: str, exact: np.ndarray, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    model = compile_native(MODEL, quantize=f"weights={form}", calibrate=FOLDER / "set", quantize_report=report)
    (got, *_) = weights_of(model)
    loss, bits = FORMS[form]
    assert np.linalg.norm(got - exact) <= loss * np.linalg.norm(exact)
    layers = json.loads(report.read_text())["layers"]
    assert all(layer["bitsPerWeight"] <= bits and layer["format"].startswith(form.split(":")[0]) for layer in layers)


def test_embeddings_are_looked_up_in_bytes(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    report = tmp_path / "report.json"
    exact = compile_native(tied())(**token_samples()[0])[0]
    spec = "embeddings=int8,layer(one).weights=int8,layer(two).weights=int8"
    got = compile_native(tied(), quantize=spec, quantize_report=report)(**token_samples()[0])[0]
    assert 0 < np.linalg.norm(got - exact) < 0.02 * np.linalg.norm(exact)
    (table,) = json.loads(report.read_text())["embeddings"]
    assert table == {"weight": "E", "rows": 120, "columns": 96, "format": "int8:channel:sym", "bytes": 120 * 100}
    with pytest.raises(lutra.CompileError, match="no lookup reads rows"):
        compile_native(tied(), quantize="int8,embeddings=int8,exclude=E")


def test_shared_weights_have_one_choice() -> None:
    pytest.importorskip("onnx")
    spec = "weights=int3|int4,layer(two).weights=auto,budget=100bpw"
    with pytest.raises(lutra.CompileError, match="'one' and 'two', which share weight @W"):
        compile_native(tied(), quantize=spec, calibrate=token_samples())
    with pytest.raises(lutra.CompileError, match="are weights without a choice"):
        compile_native(tied(), quantize="weights=auto,exclude=two,budget=0.07MB", calibrate=token_samples())
