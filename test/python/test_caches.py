"""Decoding with keys and values of earlier tokens in few bits (--quantize=kv=int8, kv=int8:asym, kv=int4)."""

from __future__ import annotations

import json
from pathlib import Path

import lutra
import numpy as np
import numpy.typing as npt
import pytest
from native_model import compile_native

torch = pytest.importorskip("torch")

HEADS, SHARED, DIM, VOCABULARY = 4, 2, 20, 64
SIZE = HEADS * DIM
TENTH = 0.1  # of a decibel: sums of f32 differ by 130 dB, and now and then a code by one step
SINGLE = 100  # decibels over sums of f32 in another order, which have 120 to 140
DECIBELS = 40  # over the noise of rounded rows; rows of 20 elements alone have 44 to 50


class Layer(torch.nn.Module):
    """Attention of queries with grouped keys, whose sizes fill no vector."""

    def __init__(self) -> None:
        super().__init__()
        self.query = torch.nn.Linear(SIZE, SIZE, bias=False)
        self.key = torch.nn.Linear(SIZE, SHARED * DIM, bias=False)
        self.value = torch.nn.Linear(SIZE, SHARED * DIM, bias=False)
        self.out = torch.nn.Linear(SIZE, SIZE, bias=False)

    def forward(self, x: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, ...]:
        batch, tokens, _ = x.shape
        query = self.query(x).view(batch, tokens, HEADS, DIM).transpose(1, 2)
        key = torch.cat([key, self.key(x).view(batch, tokens, SHARED, DIM).transpose(1, 2)], 2)
        value = torch.cat([value, self.value(x).view(batch, tokens, SHARED, DIM).transpose(1, 2)], 2)
        total = key.shape[2]
        wide = (batch, SHARED, HEADS // SHARED, total, DIM)
        keys = key[:, :, None].expand(wide).reshape(batch, HEADS, total, DIM)
        values = value[:, :, None].expand(wide).reshape(batch, HEADS, total, DIM)
        scores = query @ keys.transpose(2, 3) * DIM**-0.5
        place = torch.arange(total)
        mask = place[None, :] > place[total - tokens :, None]
        weights = torch.softmax(scores.masked_fill(mask, -1e30), -1)
        return x + self.out((weights @ values).transpose(1, 2).reshape(batch, tokens, SIZE)), key, value


class Decoder(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.embed = torch.nn.Embedding(VOCABULARY, SIZE)
        self.layers = torch.nn.ModuleList(Layer() for _ in range(2))

    def forward(self, ids: torch.Tensor, *past: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x, present = self.embed(ids), []
        for index, layer in enumerate(self.layers):
            x, *rows = layer(x, *past[2 * index : 2 * index + 2])
            present += rows
        return (x @ self.embed.weight.T, *present)


Array = npt.NDArray[np.generic]


@pytest.fixture(scope="module")
def program() -> torch.export.ExportedProgram:
    return export()


def export() -> torch.export.ExportedProgram:
    batch, tokens, past = torch.export.Dim("batch"), torch.export.Dim("tokens"), torch.export.Dim("past")
    sample = (torch.zeros(2, 3, dtype=torch.int64), *[torch.zeros(2, SHARED, 5, DIM) for _ in range(4)])
    shapes = {"ids": {0: batch, 1: tokens}, "past": tuple({0: batch, 2: past} for _ in range(4))}
    return torch.export.export(Decoder().eval(), sample, dynamic_shapes=shapes)


def ratio(exact: Array, other: Array) -> float:
    """Signal over noise in decibels."""
    noise = np.square(exact - other).sum()
    return float(10 * np.log10(np.square(exact).sum() / noise)) if noise > 0 else np.inf


def begin(model: lutra.Model, batch: int) -> list[Array]:
    """Caches of one token of zeros (torch.export takes no empty ones), as the model's inputs are."""
    caches: list[Array] = []
    for one in model.inputs[1:]:
        sizes = (batch, SHARED, 1, one.shape[3])
        caches.append(np.zeros([size for size in sizes if isinstance(size, int)], one.dtype))
    return caches


def decode(model: lutra.Model, ids: Array, steps: list[int]) -> tuple[list[Array], list[Array]]:
    """The scores of each step, and the caches after the last. What a step is given it returns, bit for bit."""
    caches, scores, at = begin(model, len(ids)), [], 0
    for count in steps:
        first, *present = (np.array(one) for one in model(ids[:, at : at + count], *caches))
        for old, new in zip(caches, present, strict=True):
            assert new.shape[2] == old.shape[2] + count
            assert old.tobytes() == new[:, :, : old.shape[2]].tobytes()
        caches, at = present, at + count
        scores.append(first)
    return scores, caches


def sides(coded: lutra.Model, start: int) -> dict[str, int]:
    """Where, counted from the first cache, what a cache has beside codes lies."""
    return {one.name: index for index, one in enumerate(coded.inputs[1:]) if index >= start}


@pytest.mark.parametrize("form", ["int8", "int8:asym"])
def test_decodes(program: torch.export.ExportedProgram, form: str) -> None:
    plain = compile_native(program, threads=1)
    coded = compile_native(program, threads=1, quantize=f"kv={form}")
    names = [one.name for one in coded.inputs[1:5]]
    suffixes = [".scale", ".zero_point"] if form.endswith("asym") else [".scale"]
    assert [one.name for one in coded.inputs[5:]] == [name + suffix for name in names for suffix in suffixes]
    assert [one.dtype for one in coded.inputs[1:5]] == ["int8"] * 4
    assert [one.dtype for one in coded.inputs[5:]] == ["float32", "int8"][: len(suffixes)] * 4
    presents = [one.name for one in coded.outputs[1:5]]
    assert [one.name for one in coded.outputs[5:]] == [name + suffix for name in presents for suffix in suffixes]
    ids = np.random.default_rng(5).integers(0, VOCABULARY, (2, 41))
    results = {}
    for steps in ([17, 1, 1, 1, 2, 19], [1] * 41, [41]):
        exact, rows = decode(plain, ids, steps)
        scores, caches = decode(coded, ids, steps)
        for a, b in zip(exact, scores, strict=True):
            assert ratio(a, b) > DECIBELS
        results[len(steps)] = np.concatenate(scores, 1)
        # Of the first layer, whose rows depend on no codes, values are the nearest.
        at = sides(coded, 4)
        for row, code, name in zip(rows[:2], caches[:2], names[:2], strict=True):
            scale = caches[at[f"{name}.scale"]]
            wide = code.astype(np.float32)
            if form == "int8:asym":  # a range begins at 0 or below and ends there or above, in whole steps
                wide -= caches[at[f"{name}.zero_point"]]
                assert (np.ptp(wide[:, :, 1:], axis=-1) >= 253).mean() > 0.9
            assert np.abs(code).max() == 127
            assert (np.abs(row - wide * scale) <= scale / 2 * 1.0001 + 4 * np.spacing(np.abs(row))).all()
    assert ratio(results[41], results[1]) > DECIBELS


def unpacked(codes: Array) -> Array:
    """Codes of 4 bits in two's complement: the first half of a row lies below the second."""
    both = np.concatenate([codes & 15, (codes >> 4) & 15], -1)
    return ((both ^ 8) - 8).astype(np.float32)


@pytest.mark.parametrize("form", ["int4", "int4:sym"])
@pytest.mark.parametrize(("dim", "group"), [(20, 20), (32, 32), (64, 32), (96, 32)])
def test_decodes_in_four_bits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: str, dim: int, group: int) -> None:
    """Two codes in a byte; rows that 32 divides have a scale, and a zero point, for each 32 elements."""
    monkeypatch.setitem(globals(), "DIM", dim)
    monkeypatch.setitem(globals(), "SIZE", HEADS * dim)
    program, path = export(), tmp_path / "report.json"
    plain = compile_native(program, threads=1)
    coded = compile_native(program, threads=1, quantize=f"kv={form}", quantize_report=path)
    has_points, groups = form == "int4", dim // group
    kind = f"int4:{'g32' if groups > 1 else 'token'}:{'asym' if has_points else 'sym'}"
    caches = json.loads(path.read_text())["caches"]
    assert {(one["format"], one["bytesPerToken"]) for one in caches} == {
        (kind, SHARED * (dim // 2 + groups * (5 if has_points else 4)))
    }
    names = [one.name for one in coded.inputs[1:5]]
    assert [(one.dtype, one.shape[3]) for one in coded.inputs[1:5]] == [("int8", dim // 2)] * 4
    assert [one.shape[3] for one in coded.inputs[5:]] == [groups] * (8 if has_points else 4)
    ids = np.random.default_rng(5).integers(0, VOCABULARY, (2, 41))
    results = {}
    for steps in ([17, 1, 1, 1, 2, 19], [1] * 41, [41]):
        exact, rows = decode(plain, ids, steps)
        scores, made = decode(coded, ids, steps)
        for a, b in zip(exact, scores, strict=True):
            assert ratio(a, b) > 12
        results[len(steps)] = np.concatenate(scores, 1)
        at = sides(coded, 4)
        for row, code, name in zip(rows[:2], made[:2], names[:2], strict=True):
            scale = np.repeat(made[at[f"{name}.scale"]], group, -1)
            wide = unpacked(code)
            assert wide.min() == (-8 if has_points else -7)
            assert wide.max() == 7
            if has_points:
                wide -= np.repeat(made[at[f"{name}.zero_point"]], group, -1)
            assert (np.abs(row - wide * scale) <= scale / 2 * 1.0001 + 4 * np.spacing(np.abs(row))).all()
    assert ratio(results[41], results[1]) > 20  # now and then a code by one step


@pytest.mark.parametrize("form", ["int4", "int4:sym"])
def test_loss_of_four_bits(program: torch.export.ExportedProgram, samples: Path, tmp_path: Path, form: str) -> None:
    """Less than all that 8 bits lose is not to be had; a bound of the loss counts it."""
    reports = []
    for spec in (f"kv={form}", "kv=int8"):
        compile_native(program, threads=1, quantize=spec, calibrate=samples, quantize_report=tmp_path / "report.json")
        reports.append(json.loads((tmp_path / "report.json").read_text()))
    assert reports[0]["cachesLoss"] > 20 * reports[1]["cachesLoss"]
    for cache in reports[0]["caches"]:
        assert 14 < cache["rowSqnr"] < 26
    with pytest.raises(lutra.CompileError, match="and caches alone"):
        compile_native(program, quantize=f"weights=int8|int6,loss<=0.000001,kv={form}", calibrate=samples)


def test_refuses_odd_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "DIM", 5)
    monkeypatch.setitem(globals(), "SIZE", HEADS * 5)
    with pytest.raises(lutra.CompileError, match="kv=int4:sym, but .*has rows of an odd length, .* take int8"):
        compile_native(export(), quantize="kv=int4:sym")


def transformers_step(kind: str) -> torch.export.ExportedProgram:
    """A decoder of transformers with random weights, which takes and returns the keys and values of each layer."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(9)
    common = {"vocab_size": VOCABULARY, "attn_implementation": "eager", "bos_token_id": 0, "eos_token_id": 0}
    if kind == "gpt2":
        network = transformers.GPT2LMHeadModel(
            transformers.GPT2Config(n_positions=64, n_embd=SIZE, n_layer=2, n_head=SHARED, **common)
        )
    else:
        network = transformers.LlamaForCausalLM(
            transformers.LlamaConfig(
                hidden_size=SIZE,
                intermediate_size=112,
                num_hidden_layers=2,
                num_attention_heads=HEADS,
                num_key_value_heads=SHARED,
                max_position_embeddings=64,
                **common,
            )
        )

    class Step(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network.eval()

        def forward(self, ids: torch.Tensor, *past: torch.Tensor) -> tuple[torch.Tensor, ...]:
            cache = transformers.cache_utils.DynamicCache()
            for index in range(len(past) // 2):
                cache.update(past[2 * index], past[2 * index + 1], index)
            scores = self.network(input_ids=ids, past_key_values=cache, use_cache=True).logits
            return (scores, *(rows for layer in cache.layers for rows in (layer.keys, layer.values)))

    dims = {name: torch.export.Dim(name) for name in ("batch", "tokens", "past")}
    width = SIZE // (SHARED if kind == "gpt2" else HEADS)
    sample = (torch.zeros(2, 3, dtype=torch.int64), *[torch.zeros(2, SHARED, 5, width) for _ in range(4)])
    past = {0: dims["batch"], 2: dims["past"]}
    shapes = {"ids": {0: dims["batch"], 1: dims["tokens"]}, "past": (past,) * 4}
    with torch.no_grad():
        return torch.export.export(Step(), sample, dynamic_shapes=shapes)


@pytest.mark.parametrize("form", ["int8", "int8:asym"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_decodes_transformers(kind: str, form: str) -> None:
    step = transformers_step(kind)
    plain = compile_native(step, threads=1)
    coded = compile_native(step, threads=1, quantize=f"kv={form}")
    assert [one.dtype for one in coded.inputs[1:5]] == ["int8"] * 4
    ids = np.random.default_rng(5).integers(0, VOCABULARY, (2, 41))
    exact, _ = decode(plain, ids, [17, 1, 1, 2, 20])
    scores, _ = decode(coded, ids, [17, 1, 1, 2, 20])
    for a, b in zip(exact, scores, strict=True):
        assert ratio(a, b) > DECIBELS


@pytest.mark.parametrize(
    ("mode", "axis", "why"),
    [("ring", 2, 'has mode "ring"; use linear or circular'), ("linear", 0, "has axis 0, along which samples lie")],
)
def test_refuses_to_write(tmp_path: Path, mode: str, axis: int, why: str) -> None:
    path = tmp_path / "written.onnx"
    path.write_bytes(written_model(mode, axis))
    with pytest.raises(lutra.CompileError, match=why):
        compile_native(path)


PLACES = 48


def static_step() -> torch.export.ExportedProgram:
    """A Llama of transformers whose caches have a fixed length, into which index_copy writes."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(9)
    config = transformers.LlamaConfig(
        hidden_size=SIZE,
        intermediate_size=112,
        num_hidden_layers=2,
        num_attention_heads=HEADS,
        num_key_value_heads=SHARED,
        max_position_embeddings=64,
        vocab_size=VOCABULARY,
        attn_implementation="eager",
        bos_token_id=0,
        eos_token_id=0,
    )
    network = transformers.LlamaForCausalLM(config).eval()

    class Step(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, ids: torch.Tensor, at: torch.Tensor, *past: torch.Tensor) -> tuple[torch.Tensor, ...]:
            cache = transformers.StaticCache(config=config, max_cache_len=PLACES)
            rows = [one.clone() for one in past]  # inputs are not changed in place
            for index, layer in enumerate(cache.layers):
                layer.keys, layer.values = rows[2 * index : 2 * index + 2]
                layer.is_initialized, layer.max_batch_size = True, 1
                layer.dtype, layer.device = torch.float32, past[0].device
                layer.cumulative_length = at.clone()  # where the new row goes
            given = {"past_key_values": cache, "cache_position": at, "position_ids": at[None]}
            scores = self.network(input_ids=ids, use_cache=True, **given).logits
            return (scores, *(one for layer in cache.layers for one in (layer.keys, layer.values)))

    past = [torch.zeros(1, SHARED, PLACES, SIZE // HEADS) for _ in range(4)]
    with torch.no_grad():
        return torch.export.export(Step(), (torch.zeros(1, 1, dtype=torch.int64), torch.tensor([0]), *past))


@pytest.mark.parametrize("form", ["int8", "int8:asym"])
def test_decodes_static_caches(form: str) -> None:
    step = static_step()
    plain = compile_native(step, threads=1)
    coded = compile_native(step, threads=1, quantize=f"kv={form}")
    assert [one.dtype for one in coded.inputs[2:6]] == ["int8"] * 4
    ids = np.random.default_rng(5).integers(0, VOCABULARY, PLACES)
    exact, given = ([np.zeros(one.shape, one.dtype) for one in model.inputs[2:]] for model in (plain, coded))
    for at, token in enumerate(ids):
        where = (np.array([[token]]), np.array([at]))
        eager = step.module()(*(torch.from_numpy(one) for one in (*where, *exact)))
        expected, *exact = (np.array(one) for one in plain(*where, *exact))
        for a, b in zip(eager, (expected, *exact), strict=True):
            assert ratio(a.detach().numpy(), b) > SINGLE
        scores, *given = (np.array(one) for one in coded(*where, *given))
        assert ratio(expected, scores) > DECIBELS
        assert all(one[:, :, at].any() and not one[:, :, at + 1 :].any() for one in given[:4])


@pytest.mark.parametrize(("form", "side"), [("int8", 4), ("int8:asym", 5)])
def test_bytes_of_the_cache(program: torch.export.ExportedProgram, tmp_path: Path, form: str, side: int) -> None:
    compile_native(program, quantize=f"weights=int8,kv={form}", quantize_report=tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert [one["bytesPerToken"] for one in report["caches"]] == [SHARED * (DIM + side)] * 4
    assert [one["bytesPerTokenBefore"] for one in report["caches"]] == [SHARED * DIM * 4] * 4
    assert {one["format"] for one in report["caches"]} == {f"int8:token:{'asym' if side == 5 else 'sym'}"}
    assert report["layers"] and all(one["products"] == 1 for one in report["caches"])


def rounded(rows: Array, form: str) -> list[Array]:
    """Codes of rows, their scales and zero points, as lutra.dynamic_quantize has them."""
    if form == "int8":
        reach = np.maximum(np.abs(rows).max(-1, keepdims=True), np.float32(2**-118))
        codes = np.clip(np.rint(rows * (np.float32(127) / reach)), -127, 127)
        return [codes.astype(np.int8), reach / np.float32(127)]
    low, high = np.minimum(rows.min(-1, keepdims=True), 0), np.maximum(rows.max(-1, keepdims=True), 0)
    reach = np.maximum(high - low, np.float32(2**-118))
    points = np.clip(np.rint(-127 - low * (np.float32(254) / reach)), -127, 127)
    codes = np.clip(np.rint(rows * (np.float32(254) / reach)) + points, -127, 127)
    return [codes.astype(np.int8), reach / np.float32(254), points.astype(np.int8)]


def values(codes: Array, scale: Array, points: Array | None = None) -> Array:
    wide = codes.astype(np.float32)
    return (wide if points is None else wide - points) * scale


@pytest.fixture(scope="module")
def samples(program: torch.export.ExportedProgram, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """New tokens behind 1, 30 and 200 whose rows a model could have made."""
    folder = tmp_path_factory.mktemp("samples")
    model = compile_native(program, threads=1)
    ids = np.random.default_rng(8).integers(0, VOCABULARY, (3, 2, 204))
    for index, past in enumerate([1, 30, 200]):
        _, *caches = (
            (np.array(one) for one in model(ids[index, :, : past - 1], *begin(model, 2)))
            if past > 1
            else (0, *begin(model, 2))
        )
        inputs = (ids[index, :, past - 1 : past + 3], *caches)
        names = [one.name for one in model.inputs]
        np.savez(folder / f"{index}.npz", **dict(zip(names, inputs, strict=True)))
    return folder


@pytest.mark.parametrize("form", ["int8", "int8:asym"])
def test_loss_of_the_cache(program: torch.export.ExportedProgram, samples: Path, tmp_path: Path, form: str) -> None:
    """The report says what the compiled model loses: given codes of the same rows it is as far off."""
    plain = compile_native(program, threads=1)
    path = tmp_path / "report.json"
    coded = compile_native(program, threads=1, quantize=f"kv={form}", calibrate=samples, quantize_report=path)
    report = json.loads(path.read_text())
    sides, total = 2 if form.endswith("asym") else 1, 0.0
    power, noise = np.zeros(5), np.zeros(5)
    for file in sorted(samples.iterdir()):
        ids, *past = np.load(file).values()
        exact = [np.array(one) for one in plain(ids, *past)]
        codes = [rounded(rows, form) for rows in past]
        made = [np.array(one) for one in coded(ids, *(one[0] for one in codes), *(s for one in codes for s in one[1:]))]
        besides = [made[5 + sides * index : 5 + sides * (index + 1)] for index in range(4)]
        given = [made[0], *(values(made[1 + index], *besides[index]) for index in range(4))]
        power += [np.square(a, dtype=np.float64).sum() for a in exact]
        noise += [np.square(a.astype(np.float64) - b).sum() for a, b in zip(exact, given, strict=True)]
    said = np.array([one["sqnr"] for one in report["outputs"]])
    assert np.abs(said - 10 * np.log10(power / noise)).max() < TENTH
    for cache in report["caches"]:
        assert 40 < cache["rowSqnr"] < 55
        assert 0 < cache["probedLoss"] < report["cachesLoss"]
        total += cache["probedLoss"]
    assert 0.8 < total / report["cachesLoss"] < 1.25  # losses add up, nearly
    # Rows of the first layer depend on no other codes.
    for index in range(2):
        assert abs(report["caches"][index]["rowSqnr"] - said[1 + index]) < TENTH
    compile_native(program, quantize=f"kv={form}", quantize_report=path)  # without samples nothing is known
    report = json.loads(path.read_text())
    assert "cachesLoss" not in report and not any("probedLoss" in one for one in report["caches"])


def test_bounds_the_loss_with_caches(program: torch.export.ExportedProgram, samples: Path, tmp_path: Path) -> None:
    reports, most = [], 0.001
    for spec in ("", ",kv=int8"):
        path = tmp_path / "report.json"
        compile_native(program, quantize=f"weights=auto,loss<={most}{spec}", calibrate=samples, quantize_report=path)
        reports.append(json.loads(path.read_text()))
        assert 0 < reports[-1]["measuredLoss"] <= most
        losses = [one["probedLoss"] for one in [*reports[-1]["layers"], *reports[-1].get("caches", [])]]
        assert abs(sum(losses) - reports[-1]["predictedLoss"]) <= len(losses) * np.finfo(float).eps * sum(losses)
    assert reports[1]["cachesLoss"] > 0
    assert reports[1]["bytes"] >= reports[0]["bytes"]
    with pytest.raises(lutra.CompileError, match=r"have 0\.\d+ together, and caches alone 0\.\d+; .* or take kv=f32"):
        compile_native(program, quantize="weights=int8|int6,loss<=0.000001,kv=int8", calibrate=samples)


def written_model(mode: str, axis: int = 2) -> bytes:
    """Attention of ONNX to caches of a fixed length: rows go where `at` says, a mask hides those without one."""
    onnx = pytest.importorskip("onnx")
    real, whole = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
    make, describe = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    new, past = ["batch", SHARED, "tokens", DIM], ["batch", SHARED, "places", DIM]
    nodes = [
        make("TensorScatter", ["past.key", "key", "at"], ["present.key"], mode=mode),
        make("TensorScatter", ["past.value", "value", "at"], ["present.value"], mode=mode, axis=axis),
        make("Transpose", ["present.key"], ["turned"], perm=[0, 1, 3, 2]),
        make("MatMul", ["query", "turned"], ["scores"]),
        make("Add", ["scores", "mask"], ["hidden"]),
        make("Softmax", ["hidden"], ["weights"], axis=-1),
        make("MatMul", ["weights", "present.value"], ["y"]),
    ]
    inputs = [describe(name, real, new) for name in ("query", "key", "value")]
    inputs += [describe("mask", real, ["batch", 1, "tokens", "places"]), describe("at", whole, ["batch"])]
    inputs += [describe(name, real, past) for name in ("past.key", "past.value")]
    outputs = [describe("y", real, new), *(describe(name, real, past) for name in ("present.key", "present.value"))]
    graph = onnx.helper.make_graph(nodes, "written", inputs, outputs)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 24)], ir_version=10)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("form", ["int8", "int8:asym"])
@pytest.mark.parametrize("mode", ["linear", "circular"])
def test_writes_rows(tmp_path: Path, mode: str, form: str) -> None:
    """Samples write from places of their own; circular ones come around to rows that are forgotten."""
    places, batch = 24, 2
    path = tmp_path / "written.onnx"
    path.write_bytes(written_model(mode))
    plain = compile_native(path, threads=1)
    coded = compile_native(path, threads=1, quantize=f"kv={form}")
    sides = [np.zeros((batch, SHARED, places, 1), one.dtype) for one in coded.inputs[7:]]
    assert len(sides) == (4 if form.endswith("asym") else 2)
    rows = [np.zeros((batch, SHARED, places, DIM), np.float32)] * 2
    codes: list[Array] = [one.astype(np.int8) for one in rows]
    random, at = np.random.default_rng(2), np.array([0, 3])
    for count in [7, 1, 1, 4, 1, 1] + [5, 3] * (mode == "circular"):
        query, key, value = (random.standard_normal((batch, SHARED, count, DIM)).astype(np.float32) for _ in range(3))
        last = at[:, None] + np.arange(count)  # place of each token, from the first on
        seen = np.arange(places) <= last[:, :, None]
        mask = np.where(seen[:, None] | (last[:, None, :, None] >= places), 0, -1e30).astype(np.float32)
        exact, *new = (np.array(one) for one in plain(query, key, value, mask, at, *rows))
        given, *made = (np.array(one) for one in coded(query, key, value, mask, at, *codes, *sides))
        which = (last % places)[:, None, :, None]
        for old, row, source in zip(rows, new, (key, value), strict=True):
            expected = np.array(old)
            np.put_along_axis(expected, np.broadcast_to(which, source.shape), source, 2)
            assert (row == expected).all()
        assert ratio(exact, given) > DECIBELS - 4  # of one product of each kind
        rows, codes, sides, at = new, made[:2], made[2:], at + count
        for index, row in enumerate(rows):
            own = sides[index * len(sides) // 2 : (index + 1) * len(sides) // 2]
            assert (np.abs(row - values(codes[index], *own)) <= own[0] / 2 * 1.0001 + 4 * np.spacing(np.abs(row))).all()


@pytest.mark.parametrize("target", ["nvgpu", "mil"])
def test_refuses_other_targets(program: torch.export.ExportedProgram, target: str) -> None:
    for form in ("kv=int8", "kv=int8:asym", "kv=int4", "kv=int4:sym"):
        with pytest.raises(lutra.CompileError, match=f"{form}, which target '{target}' does not have"):
            lutra.compile(program, target=target, quantize=form)


def test_refuses_models_without_a_cache() -> None:
    program = torch.export.export(torch.nn.Linear(64, 8), (torch.zeros(3, 64),))
    with pytest.raises(lutra.CompileError, match="no input is a cache: .*; leave it out"):
        compile_native(program, quantize="kv=int8")
