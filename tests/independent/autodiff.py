"""Forward- and reverse-mode automatic differentiation of single numbers, standard library only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

Number: TypeAlias = Any  # a float, a Dual or a Var


class Dual:
    """Forward mode: value + Σ_j tangents_j ε_j with ε_j ε_l = 0; the parts are floats or Vars."""

    def __init__(self, value: Number, tangents: list[Number]) -> None:
        self.value, self.tangents = value, tangents

    def chain(self, value: Number, slope: Number) -> Dual:
        """A function of this number that has this value and this derivative."""
        return Dual(value, [slope * tangent for tangent in self.tangents])

    def __add__(self, other: Number) -> Dual:
        if not isinstance(other, Dual):
            return Dual(self.value + other, self.tangents)
        both = zip(self.tangents, other.tangents, strict=True)
        return Dual(self.value + other.value, [a + b for a, b in both])

    def __mul__(self, other: Number) -> Dual:
        if not isinstance(other, Dual):
            return self.chain(self.value * other, other)
        return self.chain(self.value * other.value, other.value) + other.chain(0.0, self.value)

    def __truediv__(self, other: Number) -> Dual:
        inverse: Dual | float = other**-1.0
        return self * inverse

    def __pow__(self, power: float) -> Dual:
        return self.chain(self.value**power, power * self.value ** (power - 1))

    __radd__ = __add__


class Var:
    """Reverse mode: a float, what it was computed from, and the derivative with respect to each."""

    def __init__(
        self, value: float, parents: Sequence[Var] = (), slopes: Sequence[float] = ()
    ) -> None:
        self.value, self.parents, self.slopes, self.adjoint = value, parents, slopes, 0.0

    def __add__(self, other: Number) -> Var:
        if isinstance(other, Var):
            return Var(self.value + other.value, (self, other), (1.0, 1.0))
        return Var(self.value + other, (self,), (1.0,))

    def __mul__(self, other: Number) -> Var:
        if isinstance(other, Var):
            return Var(self.value * other.value, (self, other), (other.value, self.value))
        return Var(self.value * other, (self,), (other,))

    __radd__, __rmul__ = __add__, __mul__


def gradient(root: Number, leaves: Sequence[Var]) -> list[float]:
    """∂root/∂leaf for every leaf."""
    if isinstance(root, Var):
        root.adjoint = 1.0
        for node in reversed(_parents_first(root)):
            for parent, slope in zip(node.parents, node.slopes, strict=True):
                parent.adjoint += slope * node.adjoint
    return [leaf.adjoint for leaf in leaves]


def _parents_first(root: Var) -> list[Var]:
    """All nodes that `root` depends on, each after its parents."""
    nodes: list[Var] = []
    seen: set[int] = set()
    stack = [(root, False)]
    while stack:
        node, after_parents = stack.pop()
        if after_parents:
            nodes.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return nodes


def to_float(x: Number) -> float:
    return float(x.value) if isinstance(x, (Dual, Var)) else float(x)


def function_of(x: Number, value: float, slope: float) -> Number:
    """f(x) of a float or Var, from f and f' at its value."""
    return Var(value, (x,), (slope,)) if isinstance(x, Var) else value


def dot(a: Sequence[Number], b: Sequence[Number]) -> Number:
    """Σ a_i b_i of floats and Vars, as one node."""
    a_values, b_values = [to_float(x) for x in a], [to_float(x) for x in b]
    value = math.fsum(x * y for x, y in zip(a_values, b_values, strict=True))
    parents, slopes = [], []
    for numbers, others in ((a, b_values), (b, a_values)):
        for number, other in zip(numbers, others, strict=True):
            if isinstance(number, Var) and other != 0:
                parents.append(number)
                slopes.append(other)
    return Var(value, parents, slopes) if parents else value
