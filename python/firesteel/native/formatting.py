"""Formats on the walk through bytecode: of f-strings, of ``format`` and of ``str.format``."""

from __future__ import annotations

import dis
from typing import Any

from firesteel.native import formats
from firesteel.native.instructions import Instructions
from firesteel.native.values import Block, Frame, Known, NotLowered

__all__ = ["Formatting"]


class Formatting(Instructions):
    """Does what makes texts of values."""

    def format_value(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        flags = 0
        text: Any = Known("")
        if instruction.opname == "FORMAT_VALUE":
            flags = instruction.arg or 0
        if instruction.opname == "FORMAT_WITH_SPEC" or flags & 4:
            text = frame.pop(1)[0]
        value = self._converted(block, frame.pop(1)[0], flags & 3)
        if not isinstance(text, Known):
            raise NotLowered("a format that is computed")
        frame.stack.append(self.formatted(block, value, str(text.value)))

    def formatted(self, block: Block, value: Any, text: str) -> Any:
        """Adds a value in a format."""
        if not text:
            return self.apply(block, "joined", [value])
        return self.apply(block, "format", [value], formats.spec(text))

    def _converted(self, block: Block, value: Any, conversion: int) -> Any:
        """Adds a conversion by its number in bytecode."""
        if conversion == 0:
            return value
        if conversion == 3:
            raise NotLowered("the conversion !a in a format")
        return self.apply(block, "call", [value], "str" if conversion == 1 else "repr")

    def convert_value(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(self._converted(block, frame.pop(1)[0], instruction.arg or 0))

    def format_by(self, block: Block, template: str, arguments: list[Any]) -> Any:
        """Adds what ``template.format(...)`` gives."""
        pieces: list[Any] = []
        for before, value, conversion, text in formats.fields(template, arguments):
            pieces += [Known(before)] * bool(before)
            if value is not None:
                value = self._converted(block, value, {None: 0, "s": 1, "r": 2}.get(conversion, 3))
                pieces.append(self.formatted(block, value, text))
        return self.apply(block, "joined", pieces)

    def build_string(self, block: Block, frame: Frame, instruction: dis.Instruction) -> None:
        frame.stack.append(self.apply(block, "joined", frame.pop(instruction.arg or 0)))
