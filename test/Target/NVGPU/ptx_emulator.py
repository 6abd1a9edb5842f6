"""Runs PTX kernels on the host: the threads of one block in step, as NumPy vectors.

What it shows: fragments, swizzles, pipelines and predicates compute the right numbers. What it does not: timing, races.
Asynchronous copies happen when they are waited for, and wgmma reads its operands then, so that a missing wait or an
early overwrite gives wrong numbers. Branches must be uniform over the block, as the compiler's are.
"""

from __future__ import annotations

import re

import numpy as np

THREADS = 128
SHARED_BASE = 1024  # not zero, so that an address without its base is noticed
GLOBAL_BASE = 1 << 20
CONSTANT_BASE = 1 << 60  # arrays that come with the code
WIDTH = {"8": 1, "16": 2, "32": 4, "64": 8}


COMPARISONS = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    # true when a side is NaN
    "neu": np.not_equal,
    "ltu": lambda a, b: ~(a >= b),
    "leu": lambda a, b: ~(a > b),
    "gtu": lambda a, b: ~(a <= b),
    "geu": lambda a, b: ~(a < b),
    "nan": lambda a, b: np.isnan(a) | np.isnan(b),
    "num": lambda a, b: ~(np.isnan(a) | np.isnan(b)),
}


class EmulationError(Exception):
    """The program does what no kernel of ours may do."""


class Statement:
    """One instruction: predicate, dotted name, operands."""

    def __init__(self, text: str) -> None:
        match = re.match(r"(?:@(!?)(\S+)\s+)?(\S+)\s*(.*)$", text, re.S)
        self.negated, self.predicate, name, rest = match.groups()
        self.text = text
        self.name = name.split(".")
        self.operands = [part.strip() for part in re.split(r",(?![^{]*\})", rest) if part.strip()]


def parse(text: str, kernel: str) -> tuple[list[str], list[Statement], dict[str, int]]:
    """Parameters, statements and labels of one entry."""
    head = re.search(rf"\.entry {re.escape(kernel)}\((.*?)\)[^{{]*\{{(.*?)(?=\.visible|\Z)", text, re.S)
    if not head:
        raise EmulationError(f"no entry {kernel}")
    params = re.findall(rf"({re.escape(kernel)}_param_\d+)", head.group(1))
    body = re.sub(r"//[^\n]*", "", head.group(2))
    statements: list[Statement] = []
    labels: dict[str, int] = {}
    for part in body.split(";"):
        part = part.strip().lstrip("}").strip()
        part = re.sub(r"^\{\s*(?=\.reg)", "", part)
        while label := re.match(r"(\$\w+):\s*", part):
            labels[label.group(1)] = len(statements)
            part = re.sub(r"^\{\s*(?=\.reg)", "", part[label.end() :].lstrip("}").strip())
        if part and not part.startswith((".reg", ".pragma", ".shared")):
            statements.append(Statement(part))
    return params, statements, labels


def as_type(raw: np.ndarray, kind: str) -> np.ndarray:
    """Register bits as numbers of a PTX type."""
    if kind == "pred":
        return raw.astype(bool)
    bits = kind[1:]
    unsigned = raw.astype(getattr(np, f"uint{bits}"))
    if kind[0] == "s":
        return unsigned.view(getattr(np, f"int{bits}"))
    if kind[0] == "f":
        return unsigned.view(getattr(np, f"float{bits}"))
    return unsigned


def elements(words: np.ndarray, kind: str) -> np.ndarray:
    """The values packed in 32-bit words, a new last axis, exact in float64."""
    words = np.ascontiguousarray(words.astype(np.uint32))
    if kind == "tf32":
        return (words & np.uint32(0xFFFFE000)).view(np.float32)[..., None].astype(np.float64)
    if kind == "bf16":
        halves = words[..., None].view(np.uint16).astype(np.uint32) << 16
        return halves.view(np.float32).astype(np.float64)
    return words[..., None].view({"f16": np.float16, "s8": np.int8}[kind]).astype(np.float64)


def swizzled(address: np.ndarray) -> np.ndarray:
    return address ^ ((address >> 7 & 7) << 4)


def parse_constants(text: str) -> tuple[dict[str, int], np.ndarray]:
    """Addresses of the module's arrays, and their bytes."""
    places, data = {}, bytearray()
    for name, size, values in re.findall(r"\.global \.align \d+ \.b8 (\w+)\[(\d+)\](?: = \{([^}]*)\})?;", text):
        content = bytes(int(value, 0) & 0xFF for value in values.split(",")) if values else b""
        places[name] = CONSTANT_BASE + len(data)
        data += content.ljust((int(size) + 255) // 256 * 256, b"\0")
    return places, np.frombuffer(bytes(data), np.uint8)


class Block:
    """The state of one thread block."""

    def __init__(self, kernel: Kernel, memory: np.ndarray, base: int, block: int) -> None:
        shared_bytes = kernel.shared_bytes
        self.symbols, self.constants = kernel.symbols, kernel.constants
        self.memory = memory
        self.base = base  # address of the memory's first byte
        self.shared = np.full(shared_bytes + 16, 0xCD, np.uint8)  # nobody may rely on zeros
        self.block = block
        self.registers: dict[str, np.ndarray] = {}
        self.copies: list[list] = []
        self.open_copies: list = []
        self.products: list = []
        self.thread = np.arange(THREADS, dtype=np.uint64)
        self.counts: dict[str, int] = {}

    # Operands.
    def value(self, operand: str, kind: str) -> np.ndarray:
        if operand in self.registers:
            return as_type(self.registers[operand], kind)
        special = {"%tid.x": self.thread, "%ctaid.x": np.full(THREADS, self.block, np.uint64)}
        if operand in special:
            return as_type(special[operand], kind)
        if operand in self.symbols:
            return as_type(np.full(THREADS, self.symbols[operand], np.uint64), kind)
        if operand == "lutra_shared":
            return as_type(np.full(THREADS, SHARED_BASE, np.uint64), kind)
        if operand.startswith(("0f", "0d")):
            number = int(operand[2:], 16)
        else:
            try:
                number = int(operand.rstrip("U"), 0)
            except ValueError:
                raise EmulationError(f"register {operand} is read before it is written") from None
        return as_type(np.full(THREADS, number & (1 << 64) - 1, np.uint64), kind)

    def write(self, operand: str, result: np.ndarray, mask: np.ndarray | None) -> None:
        if result.dtype == bool:
            raw = result.astype(np.uint64)
        else:
            unsigned = np.ascontiguousarray(result).view(getattr(np, f"uint{result.dtype.itemsize * 8}"))
            raw = unsigned.astype(np.uint64)
        if mask is not None:
            raw = np.where(mask, raw, self.registers.get(operand, np.zeros(THREADS, np.uint64)))
        self.registers[operand] = raw

    def address(self, operand: str) -> np.ndarray:
        base, _, offset = operand.strip("[] ").partition("+")
        return self.value(base, "s64") + np.int64(int(offset or "0"))

    def region(self, address: np.ndarray) -> tuple[np.ndarray, int]:
        """The memory that holds an access outside of shared memory."""
        if np.all(address >= CONSTANT_BASE):
            return self.constants, CONSTANT_BASE
        return self.memory, self.base

    def place(self, address: np.ndarray, bytes_: int, shared: bool, mask: np.ndarray) -> np.ndarray:
        """Byte indices [threads, bytes] of an access; checks range and alignment."""
        memory, base = (self.shared, SHARED_BASE) if shared else self.region(address)
        first = np.where(mask, address - base, 0)
        limit = memory.size - 16 if shared else memory.size
        if np.any(mask & ((first < 0) | (first + bytes_ > limit))):
            raise EmulationError(f"{'shared' if shared else 'global'} access out of range")
        if np.any(mask & (address % bytes_ != 0)):
            raise EmulationError(f"address is not aligned to {bytes_} bytes")
        return first[:, None] + np.arange(bytes_)

    # Memory.
    def load(self, statement: Statement, mask: np.ndarray) -> None:
        name = statement.name
        count = 4 if "v4" in name else 2 if "v2" in name else 1
        bytes_ = WIDTH[name[-1][1:]]
        shared = "shared" in name
        index = self.place(self.address(statement.operands[1]), bytes_ * count, shared, mask)
        source = self.shared if shared else self.region(self.address(statement.operands[1]))[0]
        data = source[index].reshape(THREADS, count, bytes_)
        for position, target in enumerate(statement.operands[0].strip("{} ").split(",")):
            raw = np.ascontiguousarray(data[:, position]).view(getattr(np, f"uint{bytes_ * 8}"))[:, 0]
            self.write(target.strip(), raw, mask)

    def store(self, statement: Statement, mask: np.ndarray) -> None:
        name = statement.name
        count = 4 if "v4" in name else 2 if "v2" in name else 1
        bytes_ = WIDTH[name[-1][1:]]
        shared = "shared" in name
        index = self.place(self.address(statement.operands[0]), bytes_ * count, shared, mask)
        if not shared and self.region(self.address(statement.operands[0]))[0] is self.constants:
            raise EmulationError("a store into a constant")
        sources = [source.strip() for source in statement.operands[1].strip("{} ").split(",")]
        data = np.stack([self.value(source, f"u{bytes_ * 8}") for source in sources], axis=1)
        data = np.ascontiguousarray(data).view(np.uint8).reshape(THREADS, -1)
        (self.shared if shared else self.memory)[index[mask]] = data[mask]

    def copy(self, statement: Statement, mask: np.ndarray) -> None:
        """cp.async: remembered until its group is waited for."""
        operands = statement.operands
        bytes_ = int(operands[2])
        size = self.value(operands[3], "s32") if len(operands) > 3 else np.full(THREADS, bytes_)
        self.open_copies.append((self.address(operands[0]), self.address(operands[1]), bytes_, size, mask))

    def wait_copies(self, pending: int) -> None:
        while len(self.copies) > pending:
            for to, source, bytes_, size, mask in self.copies.pop(0):
                target = self.place(to, bytes_, True, mask)
                for thread in np.flatnonzero(mask):
                    real = int(min(max(size[thread], 0), bytes_))
                    data = np.zeros(bytes_, np.uint8)
                    if real:
                        first = int(source[thread]) - self.base
                        if first < 0 or first + real > self.memory.size or first % bytes_:
                            raise EmulationError("asynchronous copy reads outside of memory or misaligned")
                        data[:real] = self.memory[first : first + real]
                    self.shared[target[thread]] = data

    def load_matrices(self, statement: Statement) -> None:
        targets = [target.strip() for target in statement.operands[0].strip("{} ").split(",")]
        address = self.address(statement.operands[1])
        rows = self.shared[self.place(address, 16, True, np.ones(THREADS, bool))].reshape(4, 4, 8, 16)
        lane = np.arange(32)
        for matrix, target in enumerate(targets):
            if "trans" in statement.name:
                halves = np.ascontiguousarray(rows[:, matrix]).view(np.uint16)  # [warp, row, column]
                low = halves[:, 2 * (lane & 3), lane >> 2].astype(np.uint32)
                high = halves[:, 2 * (lane & 3) + 1, lane >> 2].astype(np.uint32)
                words = low | high << 16
            else:
                words = np.ascontiguousarray(rows[:, matrix]).view(np.uint32)[:, lane >> 2, lane & 3]
            self.write(target, words.reshape(THREADS), None)

    # Tensor cores.
    def multiply(self, statement: Statement) -> None:
        """mma.sync m16n8kK by the table of fragments."""
        kind, out = statement.name[-2], statement.name[-1]
        groups = [[part.strip() for part in group.strip("{} ").split(",")] for group in statement.operands]
        lane = np.arange(32)
        g, t = lane >> 2, lane & 3

        def words(names: list[str]) -> np.ndarray:
            return np.stack([self.value(name, "u32") for name in names]).reshape(len(names), 4, 32)

        a = elements(words(groups[1]), kind)  # [word, warp, lane, element]
        b = elements(words(groups[2]), kind)
        per = a.shape[-1]
        lhs, rhs = np.zeros((4, 16, 8 * per)), np.zeros((4, 8 * per, 8))
        for element in range(per):
            for word in range(4):
                lhs[:, g + 8 * (word & 1), (word >> 1) * 4 * per + t * per + element] = a[word, :, :, element]
            for word in range(2):
                rhs[:, word * 4 * per + t * per + element, g] = b[word, :, :, element]
        product = lhs @ rhs
        number = "f32" if out == "f32" else "s32"
        for index, (target, source) in enumerate(zip(groups[0], groups[3], strict=True)):
            part = product[:, g + 8 * (index >> 1), 2 * t + (index & 1)].reshape(THREADS)
            total = self.value(source, number).astype(np.float64) + part
            self.write(target, total.astype(np.float32 if number == "f32" else np.int32), None)

    def shared_matrix(self, descriptor: int, rows: int, depth_bytes: int, column_rows: bool) -> np.ndarray:
        """[rows, bytes of depth], or [depth, rows] of 16-bit elements for rows of columns."""
        if descriptor >> 62 != 1:
            raise EmulationError("wgmma operand is not in the 128-byte swizzle")
        start = (descriptor & 0x3FFF) << 4
        leading, stride = (descriptor >> 16 & 0x3FFF) << 4, (descriptor >> 32 & 0x3FFF) << 4
        row = np.arange(rows)[:, None]
        if column_rows:
            depth = np.arange(depth_bytes // 2)[:, None]
            column = np.arange(rows)[None, :]
            offset = column // 64 * leading + depth // 8 * stride + depth % 8 * 128 + column % 64 * 2
            place = swizzled(start + offset) - SHARED_BASE
            return self.shared[place[..., None] + np.arange(2)].reshape(depth_bytes // 2, rows * 2)
        offset = row // 8 * stride + row % 8 * 128 + np.arange(depth_bytes)[None, :]
        return self.shared[swizzled(start + offset) - SHARED_BASE]

    def multiply_group(self, statement: Statement) -> None:
        self.products.append(statement)
        statement.descriptors = [int(self.value(name, "u64")[0]) for name in statement.operands[1:3]]

    def wait_products(self) -> None:
        lane = np.arange(32)
        g, t = lane >> 2, lane & 3
        for statement in self.products:
            shape = re.match(r"m64n(\d+)k(\d+)", next(part for part in statement.name if part.startswith("m64")))
            columns = int(shape.group(1))
            out, kind = statement.name[-3], statement.name[-1]
            numbers = statement.operands[4:]
            column_rows = len(numbers) == 4 and numbers[3] == "1"
            lhs = self.shared_matrix(statement.descriptors[0], 64, 32, False)
            lhs = elements(np.ascontiguousarray(lhs).view(np.uint32), kind).reshape(64, -1)
            rhs = self.shared_matrix(statement.descriptors[1], columns, 32, column_rows)
            rhs = elements(np.ascontiguousarray(rhs).view(np.uint32), kind)
            rhs = rhs.reshape(-1, columns) if column_rows else rhs.reshape(columns, -1).T
            product = (lhs @ rhs).reshape(4, 16, columns)
            number = "f32" if out == "f32" else "s32"
            targets = [part.strip() for part in statement.operands[0].strip("{} ").split(",")]
            for index, target in enumerate(targets):
                rows, column = g + 8 * (index >> 1 & 1), 8 * (index >> 2) + 2 * t + (index & 1)
                total = self.value(target, number).astype(np.float64) + product[:, rows, column].reshape(THREADS)
                self.write(target, total.astype(np.float32 if number == "f32" else np.int32), None)
        self.products = []

    # Arithmetic.
    def compute(self, statement: Statement, mask: np.ndarray | None) -> None:
        name, operands = statement.name, statement.operands
        base, kind = name[0], name[-1]
        target = operands[0]

        def arg(position: int, as_kind: str = kind) -> np.ndarray:
            return self.value(operands[position], as_kind)

        if kind == "f16x2" and base != "cvt":
            self.compute_pair(statement, mask)
            return
        if base == "mov" and "{" in target:  # parts of a register, lowest first
            parts = [part.strip() for part in target.strip("{} ").split(",")]
            bits = int(kind[1:]) // len(parts)
            whole = arg(1, "u" + kind[1:]).astype(np.uint64)
            for position, part in enumerate(parts):
                self.write(part, (whole >> np.uint64(position * bits)).astype(f"uint{bits}"), mask)
            return
        if base == "mov" and "{" in operands[1]:
            parts = [part.strip() for part in operands[1].strip("{} ").split(",")]
            bits = int(kind[1:]) // len(parts)
            result = np.zeros(THREADS, np.uint64)
            for position, part in enumerate(parts):
                result |= self.value(part, f"u{bits}").astype(np.uint64) << np.uint64(position * bits)
        elif base == "mov":
            result = arg(1, "u" + kind[1:] if kind[0] == "b" else kind)
        elif base == "cvt":
            result = self.convert(name, arg)
        elif base == "setp":
            test = COMPARISONS[name[1]]
            result = test(arg(1), arg(2))
        elif base == "selp":
            number = kind if kind[0] == "f" else "u" + kind[1:]
            result = np.where(arg(3, "pred"), arg(1, number), arg(2, number))
        elif base in ("mul", "mad") and name[1] == "wide":
            wide = kind[0] + str(2 * int(kind[1:]))
            result = arg(1).astype(as_type(np.zeros(1, np.uint64), wide).dtype) * arg(2)
            if base == "mad":
                result = result + arg(3, wide)
        elif base == "mul" and name[1] == "hi":
            result = (arg(1).astype(object) * arg(2).astype(object) >> int(kind[1:]))
            result = np.array([int(x) & (1 << int(kind[1:])) - 1 for x in result], np.uint64).astype(f"uint{kind[1:]}")
        elif base in ("mad", "fma"):
            if kind[0] == "f":
                exact = arg(1).astype(np.float64) * arg(2).astype(np.float64) + arg(3).astype(np.float64)
                result = exact.astype(arg(1).dtype)
            else:
                result = arg(1) * arg(2) + arg(3)
        elif base in ("add", "sub", "mul", "div", "rem", "and", "or", "xor", "min", "max"):
            result = self.binary(base, kind, name, arg)
        elif base in ("shl", "shr"):
            bits = int(kind[1:])
            number = kind if kind[0] == "s" else "u" + kind[1:]
            amount = np.minimum(arg(2, "u32"), bits - 1).astype(np.int64)
            source = arg(1, number)
            amount = amount.astype(source.dtype)
            result = source << amount if base == "shl" else source >> amount
        elif base == "bfe":
            result = arg(1) >> arg(2, "u32").astype(arg(1).dtype)
            result = result & ((np.ones_like(result) << arg(3, "u32").astype(result.dtype)) - result.dtype.type(1))
        elif base in ("neg", "abs", "not", "rcp", "sqrt", "rsqrt", "ex2"):
            result = self.unary(base, kind, arg)
        else:
            raise EmulationError(f"no instruction {statement.text}")
        self.write(target, result, mask)

    def compute_pair(self, statement: Statement, mask: np.ndarray | None) -> None:
        """An instruction on two halves, each by the rule of one."""
        target, *sources = statement.operands
        result = np.zeros(THREADS, np.uint64)
        for half in (0, 1):
            names = [f"{target}#{half}"]
            for position, source in enumerate(sources):
                names.append(f"{target}#{half}.{position}")
                self.registers[names[-1]] = self.value(source, "u32").astype(np.uint64) >> np.uint64(16 * half)
            single = Statement(f"{'.'.join(statement.name[:-1])}.f16 {', '.join(names)}")
            self.compute(single, None)
            result |= (self.registers[names[0]] & np.uint64(0xFFFF)) << np.uint64(16 * half)
        self.write(target, result.astype(np.uint32), mask)

    @staticmethod
    def unary(base: str, kind: str, arg) -> np.ndarray:  # noqa: ANN001
        if base == "not":
            return ~arg(1, "pred") if kind == "pred" else ~arg(1, "u" + kind[1:])
        with np.errstate(all="ignore"):
            x = arg(1)
            return {"neg": lambda: -x, "abs": lambda: np.abs(x), "rcp": lambda: (1 / x).astype(x.dtype),
                    "sqrt": lambda: np.sqrt(x), "rsqrt": lambda: (1 / np.sqrt(x)).astype(x.dtype),
                    "ex2": lambda: np.exp2(x.astype(np.float64)).astype(x.dtype)}[base]()

    @staticmethod
    def binary(base: str, kind: str, name: list[str], arg) -> np.ndarray:  # noqa: ANN001
        number = "u" + kind[1:] if kind[0] == "b" else kind
        a, b = arg(1, number), arg(2, number)
        with np.errstate(all="ignore"):
            if base in ("min", "max"):
                keep_nan = np.minimum if base == "min" else np.maximum
                drop_nan = np.fmin if base == "min" else np.fmax
                return (keep_nan if kind[0] != "f" or "NaN" in name else drop_nan)(a, b)
            if base == "div":
                return (a / b).astype(a.dtype) if kind[0] == "f" else a // b
            return {"add": lambda: a + b, "sub": lambda: a - b, "mul": lambda: a * b, "rem": lambda: a % b,
                    "and": lambda: a & b, "or": lambda: a | b, "xor": lambda: a ^ b}[base]()

    @staticmethod
    def convert(name: list[str], arg) -> np.ndarray:  # noqa: ANN001
        if "tf32" in name:  # to nearest, ties away from zero: half of the last kept bit is added to the magnitude
            bits = arg(1, "u32")
            return (bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)
        to, source = name[-2], name[-1]
        if to in ("f16x2", "bf16x2"):  # the first operand goes to the upper half
            halves = [Block.convert(["cvt", to[:-2], source], lambda _, kind, at=at: arg(at, kind)) for at in (1, 2)]
            upper, lower = (np.ascontiguousarray(half).view(np.uint16).astype(np.uint32) for half in halves)
            return upper << 16 | lower
        value = arg(1, source)
        if to == "bf16":
            bits = np.ascontiguousarray(value.astype(np.float32)).view(np.uint32)
            return ((bits + np.uint32(0x7FFF) + (bits >> 16 & 1)) >> 16).astype(np.uint16)
        if source[0] == "f" and to[0] in "su":
            rounding = {"rzi": np.trunc, "rmi": np.floor, "rpi": np.ceil, "rni": np.rint}[name[1]]
            info = np.iinfo(as_type(np.zeros(1, np.uint64), to).dtype)
            return np.clip(np.nan_to_num(rounding(value.astype(np.float64))), info.min, info.max).astype(info.dtype)
        if source[0] == "f" and to == source:
            return {"rmi": np.floor, "rpi": np.ceil, "rni": np.rint, "rzi": np.trunc}[name[1]](value)
        with np.errstate(all="ignore"):
            return value.astype(as_type(np.zeros(1, np.uint64), to).dtype)

    def shuffle(self, statement: Statement, mask: np.ndarray | None) -> None:
        operands = statement.operands
        source = self.value(operands[1], "u32")
        other = (self.thread.astype(np.int64) ^ int(self.value(operands[2], "u32")[0])).astype(np.int64)
        self.write(operands[0].split("|")[0], source[other], mask)

    def step(self, statement: Statement) -> str | None:
        """Runs one statement; returns the label of a taken branch."""
        base = ".".join(statement.name[:2])
        self.counts[statement.name[0]] = self.counts.get(statement.name[0], 0) + 1
        mask = np.ones(THREADS, bool)
        if statement.predicate:
            mask = self.value(statement.predicate, "pred") != bool(statement.negated)
        if statement.name[0] == "bra":
            if mask.any() != mask.all():
                raise EmulationError(f"threads of the block part at {statement.text}")
            return statement.operands[0] if mask.all() else None
        partial = None if mask.all() else mask
        if statement.name[0] in ("bar", "barrier", "fence", "ret") or base == "wgmma.fence":
            return None
        if base == "ld.param":
            self.write(statement.operands[0], self.value(statement.operands[1].strip("[] "), "u64"), partial)
        elif statement.name[0] == "ld":
            self.load(statement, mask)
        elif statement.name[0] == "st":
            self.store(statement, mask)
        elif base == "cp.async" and "commit_group" in statement.name:
            self.copies.append(self.open_copies)
            self.open_copies = []
        elif base == "cp.async" and "wait_group" in statement.name:
            self.wait_copies(int(statement.operands[0]))
        elif base == "cp.async":
            self.copy(statement, mask)
        elif statement.name[0] == "ldmatrix":
            self.load_matrices(statement)
        elif base == "mma.sync":
            self.multiply(statement)
        elif base == "wgmma.mma_async":
            self.multiply_group(statement)
        elif base == "wgmma.wait_group":
            self.wait_products()
        elif base != "wgmma.commit_group":
            if base == "shfl.sync":
                self.shuffle(statement, partial)
            else:
                self.compute(statement, partial)
        return None


class Kernel:
    """One entry of a PTX text."""

    def __init__(self, text: str, name: str, shared_bytes: int) -> None:
        self.params, self.statements, self.labels = parse(text, name)
        self.symbols, self.constants = parse_constants(text)
        self.shared_bytes = shared_bytes

    def run(self, arrays: list[np.ndarray | int], blocks: list[int] | range) -> None:
        """Runs blocks; arrays are inputs and outputs in place, integers are passed as they are."""
        places, total = [], 0
        for array in arrays:
            if isinstance(array, np.ndarray):
                places.append(total)
                total += (array.nbytes + 255) // 256 * 256 + 256
            else:
                places.append(None)
        memory = np.full(total, 0xEE, np.uint8)
        for array, place in zip(arrays, places, strict=True):
            if place is not None:
                memory[place : place + array.nbytes] = np.ascontiguousarray(array).view(np.uint8).reshape(-1)
        slots = [
            array if place is None else GLOBAL_BASE + place for array, place in zip(arrays, places, strict=True)
        ]
        self.run_slots(memory, GLOBAL_BASE, slots, blocks)
        for array, place in zip(arrays, places, strict=True):
            if place is not None:
                array[...] = memory[place : place + array.nbytes].view(array.dtype).reshape(array.shape)

    def run_slots(self, memory: np.ndarray, base: int, slots: list[int], blocks: list[int] | range) -> None:
        """Runs blocks on memory whose first byte has the address `base`."""
        if len(slots) != len(self.params):
            raise EmulationError(f"{len(slots)} slots for {len(self.params)} parameters")
        for block in blocks:
            state = Block(self, memory, base, block)
            for name, slot in zip(self.params, slots, strict=True):
                state.registers[name] = np.full(THREADS, slot, np.uint64)
            self.run_block(state)

    def run_block(self, state: Block) -> None:
        position = steps = 0
        while position < len(self.statements):
            statement = self.statements[position]
            try:
                label = state.step(statement)
            except EmulationError as error:
                raise EmulationError(f"{error} (at: {' '.join(statement.text.split())})") from None
            position = self.labels[label] if label else position + 1
            steps += 1
            if steps > 10_000_000:
                raise EmulationError("endless loop")


