//! Checks that a program is sound: a register is set once, before it is read; an exit gets as many values as it takes.

use crate::program::{Attempt, Block, Each, End, Function, Loop, Op, Register, Source};

impl Op {
    /// Returns the registers that are read.
    pub(crate) fn reads(&self) -> Vec<Register> {
        match self {
            Op::Const(_) => vec![],
            Op::Binary(_, a, b) | Op::InPlace(_, a, b) | Op::Compare(_, a, b) => vec![*a, *b],
            Op::Contains(a, b) | Op::Item(a, b) => vec![*a, *b],
            Op::IsNone(a) | Op::Not(a) | Op::Negative(a) | Op::Unpacked(a, _, _) => vec![*a],
            Op::Format(_, a) | Op::Percent(_, a) | Op::Found(_, a) | Op::LookedUp(_, a) => vec![*a],
            Op::Attribute(_, a) => vec![*a],
            Op::Slice(a, b, c) | Op::Stepped(a, b, c, _) => vec![*a, *b, *c],
            Op::Tuple(all) | Op::List(all) | Op::Joined(all) | Op::Call(_, all) => all.clone(),
            Op::Math(_, all)
            | Op::Made(_, all)
            | Op::Numpy(_, all)
            | Op::Asked(_, _, all)
            | Op::Collect(_, all) => all.clone(),
            Op::Method(_, a, rest) => [&[*a][..], rest].concat(),
            Op::Each(each) => {
                let set = [vec![each.item], each.body.all_sets()].concat();
                let mut read = each.body.all_reads();
                read.retain(|register| !set.contains(register));
                [each.source.reads(), read].concat()
            }
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
        self.body.is_sound(Scope { set, exits: &[1] })
    }
}

impl Block {
    pub(crate) fn is_sound(&self, mut scope: Scope) -> bool {
        for instruction in &self.instructions {
            let op = &instruction.op;
            let is_sound = match op {
                Op::Each(each) => each.is_sound(&scope),
                _ => scope.has_all(&op.reads()),
            };
            match scope.set.get_mut(instruction.into) {
                Some(place) if is_sound && !*place => *place = true,
                _ => return false,
            }
        }
        match &self.end {
            End::Return(register) => scope.has(*register) && scope.exits.first() == Some(&1),
            End::Exit(exit, values) => scope.exits.get(*exit) == Some(&values.len()) && scope.has_all(values),
            End::Branch(register, yes, no) => {
                let other = Scope { set: scope.set.clone(), exits: scope.exits };
                scope.has(*register) && yes.is_sound(other) && no.is_sound(scope)
            }
            End::Loop(inner) => inner.is_sound(&scope),
            End::Attempt(attempt) => attempt.is_sound(&scope),
            End::Decline => true,
        }
    }

    /// Returns the registers that the block and those below it read, of those set before.
    pub(crate) fn inputs(&self) -> Vec<Register> {
        let mut read = self.all_reads();
        read.sort_unstable();
        read.dedup();
        read
    }

    pub(crate) fn all_reads(&self) -> Vec<Register> {
        let mut read: Vec<_> =
            self.instructions.iter().flat_map(|instruction| instruction.op.reads()).collect();
        match &self.end {
            End::Return(register) => read.push(*register),
            End::Exit(_, values) => read.extend(values),
            End::Branch(register, yes, no) => {
                read.push(*register);
                read.extend(yes.all_reads());
                read.extend(no.all_reads());
            }
            End::Loop(inner) => read.extend(inner.reads()),
            End::Attempt(attempt) => read.extend(attempt.reads()),
            End::Decline => {}
        }
        read
    }

    /// Returns the registers that the block and those below it set.
    pub(crate) fn all_sets(&self) -> Vec<Register> {
        let mut set: Vec<_> = self.instructions.iter().map(|instruction| instruction.into).collect();
        match &self.end {
            End::Return(_) | End::Exit(..) | End::Decline => {}
            End::Branch(_, yes, no) => {
                set.extend(yes.all_sets());
                set.extend(no.all_sets());
            }
            End::Loop(inner) => set.extend(inner.sets()),
            End::Attempt(attempt) => set.extend(attempt.sets()),
        }
        set
    }
}

impl Source {
    pub(crate) fn reads(&self) -> Vec<Register> {
        match self {
            Source::Items(one) => vec![*one],
            Source::Range(start, stop, step) => vec![*start, *stop, *step],
            Source::Enumerate(inner, start) => [inner.reads(), vec![*start]].concat(),
            Source::Zip(all) => all.iter().flat_map(Source::reads).collect(),
        }
    }
}

/// Registers that are set so far, and the number of values at each exit.
pub(crate) struct Scope<'a> {
    pub(crate) set: Vec<bool>,
    pub(crate) exits: &'a [usize],
}

impl Scope<'_> {
    pub(crate) fn has(&self, register: Register) -> bool {
        self.set.get(register).copied().unwrap_or(false)
    }

    pub(crate) fn has_all(&self, registers: &[Register]) -> bool {
        registers.iter().all(|register| self.has(*register))
    }

    /// Returns the scope of another block with more registers set; `None` if one of them is set already.
    fn within<'b>(&self, more: &[Register], exits: &'b [usize]) -> Option<Scope<'b>> {
        let mut set = self.set.clone();
        for register in more {
            let place = set.get_mut(*register)?;
            if std::mem::replace(place, true) {
                return None;
            }
        }
        Some(Scope { set, exits })
    }
}

impl Each {
    pub(crate) fn is_sound(&self, scope: &Scope) -> bool {
        scope.has_all(&self.source.reads())
            && scope.within(&[self.item], &[1, 0]).is_some_and(|inner| self.body.is_sound(inner))
    }
}

impl Loop {
    pub(crate) fn is_sound(&self, scope: &Scope) -> bool {
        let reads =
            [self.source.as_ref().map(Source::reads).unwrap_or_default(), self.initial.clone()].concat();
        let mut arities = vec![self.state.len()];
        arities.extend(self.exits.iter().map(|exit| exit.values.len()));
        let own = [vec![self.item], self.state.clone()].concat();
        let exits_are_sound = self.exits.iter().all(|exit| {
            scope.within(&exit.values, scope.exits).is_some_and(|inner| exit.block.is_sound(inner))
        });
        let first_takes_the_state =
            self.exits.first().is_some_and(|exit| exit.values.len() == self.state.len());
        scope.has_all(&reads)
            && self.state.len() == self.initial.len()
            && (self.source.is_none() || first_takes_the_state)
            && scope.within(&own, &arities).is_some_and(|inner| self.body.is_sound(inner))
            && exits_are_sound
    }

    pub(crate) fn reads(&self) -> Vec<Register> {
        let mut read = self.source.as_ref().map(Source::reads).unwrap_or_default();
        read.extend(&self.initial);
        read.extend(self.body.all_reads());
        read.extend(self.exits.iter().flat_map(|exit| exit.block.all_reads()));
        read
    }

    pub(crate) fn sets(&self) -> Vec<Register> {
        let mut set = [vec![self.item], self.state.clone(), self.body.all_sets()].concat();
        for exit in &self.exits {
            set.extend(&exit.values);
            set.extend(exit.block.all_sets());
        }
        set
    }
}

impl Attempt {
    pub(crate) fn is_sound(&self, scope: &Scope) -> bool {
        let (op, into) = (&self.instruction.op, self.instruction.into);
        scope.has_all(&op.reads())
            && scope.within(&[into], scope.exits).is_some_and(|inner| self.goes_on.is_sound(inner))
            && scope.within(&[], scope.exits).is_some_and(|inner| self.caught.is_sound(inner))
    }

    pub(crate) fn reads(&self) -> Vec<Register> {
        [self.instruction.op.reads(), self.goes_on.all_reads(), self.caught.all_reads()].concat()
    }

    pub(crate) fn sets(&self) -> Vec<Register> {
        [vec![self.instruction.into], self.goes_on.all_sets(), self.caught.all_sets()].concat()
    }
}
