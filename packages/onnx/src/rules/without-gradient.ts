/** Operators that have no gradient rule, and why. What is neither here nor in the table of rules has been forgotten. */
export const withoutGradient: readonly { reason: string; operators: readonly string[] }[] = [
  {
    reason: 'the result is true or false',
    operators: ['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual', 'IsNaN', 'IsInf'],
  },
  { reason: 'it works on true and false', operators: ['And', 'Or', 'Xor', 'Not'] },
  { reason: 'it works on integers', operators: ['BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'BitShift'] },
  { reason: 'the result is a place', operators: ['ArgMax', 'ArgMin', 'NonZero'] },
  { reason: 'the result is a shape', operators: ['Shape', 'Size'] },
  {
    reason: 'the inputs are integers or only lend their shape',
    operators: ['ConstantOfShape', 'EyeLike', 'Range'],
  },
  { reason: 'the number of steps is known only at run time', operators: ['Loop', 'Scan'] },
]
