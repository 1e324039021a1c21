//! Functions as data: what the front end has made of a function's bytecode.

use crate::column::Scalar;

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
        Abs = "abs", Bool = "bool", Float = "float", Int = "int", Len = "len", Max = "max", Min = "min",
        Round = "round", Str = "str",
    }
);

named!(
    /// The methods of `str`.
    Method {
        Count = "count", EndsWith = "endswith", Find = "find", IsAlnum = "isalnum", IsAlpha = "isalpha",
        IsDigit = "isdigit", IsLower = "islower", IsSpace = "isspace", IsUpper = "isupper", Join = "join",
        Lower = "lower", LStrip = "lstrip", Replace = "replace", RStrip = "rstrip", Split = "split",
        StartsWith = "startswith", Strip = "strip", Upper = "upper",
    }
);

impl Op {
    /// Returns the registers that are read.
    pub(crate) fn reads(&self) -> Vec<Register> {
        match self {
            Op::Const(_) => vec![],
            Op::Binary(_, a, b) | Op::Compare(_, a, b) | Op::Contains(a, b) | Op::Item(a, b) => vec![*a, *b],
            Op::IsNone(a) | Op::Not(a) | Op::Negative(a) | Op::Unpacked(a, _, _) => vec![*a],
            Op::Slice(a, b, c) => vec![*a, *b, *c],
            Op::Tuple(all) | Op::List(all) | Op::Joined(all) | Op::Call(_, all) => all.clone(),
            Op::Method(_, a, rest) => [&[*a][..], rest].concat(),
        }
    }
}

impl Function {
    /// Checks that every register is set before it is read, and that numbers are within bounds.
    pub fn is_sound(&self) -> bool {
        let mut set = vec![false; self.registers];
        if self.parameters > self.registers {
            return false;
        }
        set[..self.parameters].fill(true);
        for draw in &self.draws {
            match set.get_mut(*draw) {
                Some(place) if !*place => *place = true,
                _ => return false,
            }
        }
        self.body.is_sound(set)
    }
}

impl Block {
    fn is_sound(&self, mut set: Vec<bool>) -> bool {
        let is_set = |set: &[bool], register: &Register| set.get(*register).copied().unwrap_or(false);
        for instruction in &self.instructions {
            let reads_what_is_set = instruction.op.reads().iter().all(|register| is_set(&set, register));
            match set.get_mut(instruction.into) {
                Some(place) if reads_what_is_set && !*place => *place = true,
                _ => return false,
            }
        }
        match &self.end {
            End::Return(register) => is_set(&set, register),
            End::Branch(register, yes, no) => {
                is_set(&set, register) && yes.is_sound(set.clone()) && no.is_sound(set)
            }
        }
    }

    /// Returns the registers that the block and those below it read, of those set before.
    pub(crate) fn inputs(&self) -> Vec<Register> {
        let mut read = self.all_reads();
        read.sort_unstable();
        read.dedup();
        read
    }

    fn all_reads(&self) -> Vec<Register> {
        let mut read: Vec<_> =
            self.instructions.iter().flat_map(|instruction| instruction.op.reads()).collect();
        match &self.end {
            End::Return(register) => read.push(*register),
            End::Branch(register, yes, no) => {
                read.push(*register);
                read.extend(yes.all_reads());
                read.extend(no.all_reads());
            }
        }
        read
    }
}
