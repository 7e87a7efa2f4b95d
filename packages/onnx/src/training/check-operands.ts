/** Checks at the door of the training parts: a wrong tensor is named as the option that it is, before a node complains. */
import { EvolmmError } from '../errors'
import { isFloat, type DType } from '../graph/dtype'
import { isTensor, showTensor, type Tensor } from '../graph/graph'
import { showShape, type Dim } from '../graph/shape'

interface Wanted {
  tensor: Tensor | undefined
  /** Names of lengths, as in the documentation: `['R', 'D']`. Equal ones must be equal. '...' at the front: any axes. */
  shape: readonly string[]
  /** True allows lengths of 1 and missing leading ones. @default false */
  broadcast?: boolean
  /** 'float': a float, the same for all. @default 'float' */
  type?: 'float' | 'index'
  /** True allows the operand to be left out. @default false */
  optional?: boolean
}

/**
 * Throw `SHAPE_MISMATCH` unless the options of `part` are tensors that fit together. `given` are lengths that other
 * options give, by the names that stand in the shapes.
 */
export function checkOperands(
  part: string,
  options: Readonly<Record<string, Wanted>>,
  given: Readonly<Record<string, number>> = {},
): void {
  const lengths = new Map(
    Object.entries(given).map(([name, length]) => [name, { length, option: 'the other options' }]),
  )
  let float: { dtype: DType; option: string } | undefined
  for (const [option, wanted] of Object.entries(options)) {
    const { tensor, shape, type = 'float', optional = false, broadcast = false } = wanted
    if (tensor === undefined && optional) continue
    const fail = (rule: string, fix: string): never => {
      const got = isTensor(tensor) ? showTensor(tensor) : String(tensor)
      throw new EvolmmError('SHAPE_MISMATCH', `${part}.${option}: must be ${rule}, got ${got}; ${fix}`, {
        details: { option, ...(isTensor(tensor) && { dtype: tensor.dtype, shape: tensor.shape }) },
      })
    }
    if (!isTensor(tensor)) return fail(`a tensor ${showShape(shape)}`, 'pass a tensor of the graph')
    const { dtype, shape: own } = tensor
    if (type === 'index') {
      if (dtype !== 'int64' && dtype !== 'int32') fail('of type int64 or int32', 'cast it')
    } else {
      if (!isFloat(dtype)) fail('of a float type', 'cast it')
      float ??= { dtype, option }
      if (dtype !== float.dtype) fail(`${float.dtype} as ${float.option} is`, 'cast one of them')
    }
    if (own === undefined) continue
    const open = shape[0] === '...'
    const rule = `${broadcast ? 'broadcastable to' : 'of shape'} ${showShape(shape)}`
    const all = open ? shape.slice(1) : shape
    if ((own.length < all.length && !broadcast) || (own.length > all.length && !open))
      fail(rule, 'reshape it')
    // Aligned at the end.
    const names = all.slice(Math.max(0, all.length - own.length))
    const dims: readonly Dim[] = own.slice(own.length - names.length)
    for (const [axis, name] of names.entries()) {
      const length = dims[axis]
      if (typeof length !== 'number' || (broadcast && length === 1)) continue
      const known = lengths.get(name)
      if (known === undefined) lengths.set(name, { length, option })
      else if (known.length !== length)
        fail(`${rule}, with ${name} = ${known.length} from ${known.option}`, 'pass matching tensors')
    }
  }
}
