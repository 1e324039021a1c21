"""What stands in the way of lowering, in words: instructions that have no native form."""

from __future__ import annotations

__all__ = ["REASONS"]

#: What stands in the way, by the beginning of an instruction's name, in words.
REASONS = {
    **dict.fromkeys(("CALL_FUNCTION_EX", "LIST_TO_TUPLE", "DICT_MERGE"), "a call with * or **"),
    "UNPACK_EX": "taking a value apart with *",
    **dict.fromkeys(("SETUP_WITH", "BEFORE_WITH", "LOAD_SPECIAL"), "with"),
    **dict.fromkeys(("STORE_GLOBAL", "DELETE_GLOBAL"), "an assignment to an outer name"),
    **dict.fromkeys(("STORE_ATTR", "DELETE_SUBSCR", "STORE_SLICE"), "a change to an object"),
    **dict.fromkeys(("IMPORT_NAME", "IMPORT_FROM"), "an import within the function"),
    **dict.fromkeys(("YIELD_VALUE", "RETURN_GENERATOR", "GET_AWAITABLE"), "a generator"),
    **dict.fromkeys(("MATCH_SEQUENCE", "MATCH_MAPPING", "MATCH_CLASS"), "a pattern of this kind"),
    **dict.fromkeys(("BUILD_INTERPOLATION", "BUILD_TEMPLATE"), "a template, as of t\"...\""),
    **dict.fromkeys(("SEND", "GET_YIELD_FROM_ITER", "YIELD_FROM"), "yield from"),
    **{"UNARY_INVERT": "the operator ~", "LOAD_BUILD_CLASS": "a class within it"},
    **dict.fromkeys(("UNARY_POSITIVE", "INTRINSIC_UNARY_POSITIVE"), "the operator +"),
}
