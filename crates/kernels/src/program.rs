//! Functions as data: what the front end has made of a function's bytecode.
//!
//! A block that is part of a loop or a comprehension ends at an *exit*: a number with values, and its owner knows what it
//! stands for. So a body does not know what comes behind it, and rows that leave a loop in several turns go on together.

use crate::column::Scalar;
use crate::format::{Format, Piece};
use crate::library::Library;
use crate::lookup::Lookup;
use crate::record::Class;

/// The number of a value within a function. The parameters come first.
pub type Register = usize;

/// A function of one or two parameters.
#[derive(Clone, Debug)]
pub struct Function {
    /// The number of parameters.
    pub parameters: usize,
    /// The number of registers, with those of the parameters.
    pub registers: usize,
    /// The registers that hold what `random.random()` gives, in the order of its calls.
    pub draws: Vec<Register>,
    /// The computation.
    pub body: Block,
}

/// Instructions in a row, and how they end.
#[derive(Clone, Debug)]
pub struct Block {
    /// The computations, in this order, also those that are not used: they may fail.
    pub instructions: Vec<Instruction>,
    /// The end.
    pub end: End,
}

/// How a block ends.
#[derive(Clone, Debug)]
pub enum End {
    /// The function returns the value.
    Return(Register),
    /// Rows go on in the first block if the value is true, else in the second one.
    Branch(Register, Box<Block>, Box<Block>),
    /// Rows leave the block at an exit of its owner, with values: see [`Each`] and [`Loop`].
    Exit(usize, Vec<Register>),
    /// Rows go through a loop.
    Loop(Box<Loop>),
    /// Rows go on by what an operation raises.
    Attempt(Box<Attempt>),
    /// Rows are not answered for.
    Decline,
}

/// One value, and the register that it gets.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// The register, which no other instruction sets.
    pub into: Register,
    /// The computation.
    pub op: Op,
}

/// The computation of an instruction.
#[derive(Clone, Debug)]
pub enum Op {
    /// A constant.
    Const(Scalar),
    /// `a + b` and its kin.
    Binary(Binary, Register, Register),
    /// `a += b` and its kin, which change what can be changed.
    InPlace(Binary, Register, Register),
    /// `a < b` and its kin.
    Compare(Comparison, Register, Register),
    /// `item in container`.
    Contains(Register, Register),
    /// `a is None`.
    IsNone(Register),
    /// `not a`.
    Not(Register),
    /// `-a`.
    Negative(Register),
    /// `(a, b, ...)`.
    Tuple(Vec<Register>),
    /// `[a, b, ...]`.
    List(Vec<Register>),
    /// One of the so many items that a value must have: the value, the number of items, the position.
    Unpacked(Register, usize, usize),
    /// `a[b]`.
    Item(Register, Register),
    /// `a[b:c]`; `None` stands for a bound that is left out.
    Slice(Register, Register, Register),
    /// The pieces of an f-string, put together.
    Joined(Vec<Register>),
    /// A call of a function that Python has built in.
    Call(Builtin, Vec<Register>),
    /// A call of a method of `str`.
    Method(Method, Register, Vec<Register>),
    /// A list of what is computed for each item of another.
    Each(Box<Each>),
    /// A call of a function of the module `math`.
    Math(Math, Vec<Register>),
    /// `a[b:c:step]`, of a step that is not 0.
    Stepped(Register, Register, Register, i64),
    /// `format(a, "...")`.
    Format(Format, Register),
    /// `"..." % a`.
    Percent(Vec<Piece>, Register),
    /// `a in table`.
    Found(Lookup, Register),
    /// `table[a]`.
    LookedUp(Lookup, Register),
    /// `Class(a, b, ...)`.
    Made(Class, Vec<Register>),
    /// `a.name`.
    Attribute(String, Register),
    /// A list, a set or a dict that the function makes, or what it reads of one.
    Collect(Collection, Vec<Register>),
    /// A call of a function of the module `numpy`.
    Numpy(NumpyFunction, Vec<Register>),
    /// A call of a function of the module `numpy` that numpy itself is asked for.
    Asked(Asked, Library, Vec<Register>),
}

/// The items that a loop goes through.
#[derive(Clone, Debug)]
pub enum Source {
    /// The items of a list or a tuple, or the characters of a text.
    Items(Register),
    /// `range(start, stop, step)`.
    Range(Register, Register, Register),
    /// `enumerate(source, start)`.
    Enumerate(Box<Source>, Register),
    /// `zip(source, ...)`.
    Zip(Vec<Source>),
}

/// `[value for item in source]`: a list of what the body gives for each item.
#[derive(Clone, Debug)]
pub struct Each {
    /// The items.
    pub source: Source,
    /// The register of an item in the body.
    pub item: Register,
    /// The computation for each item. It ends at [`Each::GIVES`] with a value, or at [`Each::SKIPS`].
    pub body: Block,
    /// Values are lists, and their items are those of the result.
    pub flattens: bool,
}

impl Each {
    /// The exit with the item's value.
    pub const GIVES: usize = 0;
    /// The exit of an item without a value.
    pub const SKIPS: usize = 1;
}

/// A loop: the end of the block in front of it.
#[derive(Clone, Debug)]
pub struct Loop {
    /// The items of a `for`; nothing for a `while`, whose body leaves it.
    pub source: Option<Source>,
    /// The register of an item in the body.
    pub item: Register,
    /// The registers in the body of what changes from turn to turn.
    pub state: Vec<Register>,
    /// The values before the first turn.
    pub initial: Vec<Register>,
    /// A turn. It ends at [`Loop::NEXT`] with the state for the next turn, or at one of the exits, which count from 1.
    pub body: Block,
    /// The ways on of rows that have left. At the end of the source they leave for the first one, with the state.
    pub exits: Vec<Exit>,
}

impl Loop {
    /// The exit to the next turn.
    pub const NEXT: usize = 0;
}

/// A way out of a loop.
#[derive(Clone, Debug)]
pub struct Exit {
    /// The registers of the values with which rows leave.
    pub values: Vec<Register>,
    /// How they go on. It ends as the block in front of the loop could.
    pub block: Block,
}

/// An operation within `try`: the end of the block in front of it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The operation.
    pub instruction: Instruction,
    /// How rows go on.
    pub goes_on: Block,
    /// How rows go on for which it raises the one exception that its kind is known to raise.
    pub caught: Block,
}

macro_rules! named {
    ($(#[$about:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the names are Python's")]
        pub enum $name { $($variant),* }

        impl $name {
            /// Returns the one with Python's name for it.
            pub fn named(name: &str) -> Option<$name> {
                match name {
                    $($text => Some($name::$variant),)*
                    _ => None,
                }
            }

            /// Returns Python's name for it.
            pub fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)*
                }
            }

            /// Returns all names.
            pub fn names() -> &'static [&'static str] {
                &[$($text),*]
            }
        }
    };
}

named!(
    /// The operators between two values.
    Binary {
        Add = "+", Subtract = "-", Multiply = "*", Divide = "/", FloorDivide = "//", Remainder = "%", Power = "**",
        And = "&", Or = "|", Xor = "^", ShiftLeft = "<<", ShiftRight = ">>",
    }
);

named!(
    /// The comparisons.
    Comparison {
        Less = "<", LessOrEqual = "<=", Equal = "==", NotEqual = "!=", Greater = ">", GreaterOrEqual = ">=",
    }
);

named!(
    /// The functions that Python has built in.
    Builtin {
        Abs = "abs", All = "all", Any = "any", Bool = "bool", Chr = "chr", Float = "float", Int = "int", Len = "len",
        Max = "max", Min = "min", Ord = "ord", Repr = "repr", Round = "round", Sorted = "sorted", Str = "str",
        Sum = "sum", SumPlainly = "sum plainly",
    }
);

named!(
    /// The methods of `str`.
    Method {
        Capitalize = "capitalize", Center = "center", Count = "count", EndsWith = "endswith", Find = "find",
        Index = "index", IsAlnum = "isalnum", IsAlpha = "isalpha", IsAscii = "isascii", IsDecimal = "isdecimal",
        IsDigit = "isdigit", IsLower = "islower", IsNumeric = "isnumeric", IsSpace = "isspace", IsUpper = "isupper",
        Join = "join", LJust = "ljust", Lower = "lower", LStrip = "lstrip", Partition = "partition",
        RemovePrefix = "removeprefix", RemoveSuffix = "removesuffix", Replace = "replace", RFind = "rfind",
        RIndex = "rindex", RJust = "rjust", RPartition = "rpartition", RSplit = "rsplit", RStrip = "rstrip",
        Split = "split", SplitAt = "re.split", SplitLines = "splitlines", StartsWith = "startswith", Strip = "strip",
        SwapCase = "swapcase", Title = "title", Upper = "upper", ZFill = "zfill",
    }
);

named!(
    /// The functions of the module `math`.
    Math {
        ACos = "acos", ASin = "asin", ATan = "atan", ATan2 = "atan2", Ceil = "ceil", CopySign = "copysign", Cos = "cos", Degrees = "degrees",
        Exp = "exp", FAbs = "fabs", Floor = "floor", FMod = "fmod", Gcd = "gcd", IsFinite = "isfinite",
        IsInf = "isinf", IsNan = "isnan", Log = "log", Log10 = "log10", Log2 = "log2", Pow = "pow",
        Radians = "radians", Sin = "sin", Sqrt = "sqrt", Tan = "tan", Trunc = "trunc",
    }
);

named!(
    /// The operations that make lists, sets and dicts, and read them.
    Collection {
        Add = "add", Append = "append", Common = "&", Counted = "counted", Dict = "dict", Either = "^",
        Extend = "extend", Get = "get", Has = "has", Keys = "keys", MaxBy = "max by", Member = "member",
        MinBy = "min by", ReversedBy = "reversed by", Set = "set", SetItem = "set item", SortedBy = "sorted by",
        Tuple = "tuple", United = "|", Values = "values", Without = "-",
    }
);

named!(
    /// The functions of the module `numpy`.
    NumpyFunction {
        Abs = "absolute", Array = "array", ArrayOfFloats = "array of floats", Max = "amax", Maximum = "maximum", Mean = "mean",
        Min = "amin", Minimum = "minimum", Sqrt = "sqrt", Sum = "sum", Zeros = "zeros",
    }
);

named!(
    /// The functions that numpy itself is asked for.
    Asked {
        Cos = "cos", Dot = "dot", Exp = "exp", ExpM1 = "expm1", Log = "log", Log10 = "log10", Log1P = "log1p", Log2 = "log2",
        MatMul = "matmul", Norm = "norm", Sin = "sin", Tanh = "tanh",
    }
);
