/** Checks at the door of the training parts: a wrong tensor is named as the option that it is, before a node complains. */
import { EvolmmError } from '@evolmm/internal'
import { isFloat, type DType } from '../graph/dtype'
import { isTensor, showTensor, type Tensor } from '../graph/graph'
import { showShape, type Dim } from '../graph/shape'

interface Wanted {
  tensor: Tensor | undefined
  /** Names of lengths, as in the documentation: `['R', 'D']`. Equal ones must be equal. '...' at the front: any axes. */
  shape: readonly string[]
  /** 'float': a float, the same for all. @default 'float' */
  type?: 'float' | 'index'
  /** Whether it may be left out. @default false */
  optional?: boolean
}

/** Throw `SHAPE_MISMATCH` unless the options of `part` are tensors that fit together. */
export function checkOperands(part: string, options: Readonly<Record<string, Wanted>>): void {
  const lengths = new Map<string, { length: number; option: string }>()
  let float: { dtype: DType; option: string } | undefined
  for (const [option, { tensor, shape, type = 'float', optional = false }] of Object.entries(options)) {
    if (tensor === undefined && optional) continue
    const fail = (rule: string, fix: string): never => {
      const got = isTensor(tensor) ? showTensor(tensor) : String(tensor)
      throw new EvolmmError('SHAPE_MISMATCH', `${part}.${option}: must be ${rule}, got ${got}; ${fix}`, {
        details: { option, ...(isTensor(tensor) && { dtype: tensor.dtype, shape: tensor.shape }) },
      })
    }
    if (!isTensor(tensor)) return fail(`a tensor ${showShape(shape)}`, 'pass a tensor of the graph')
    const { dtype, shape: given } = tensor
    if (type === 'index') {
      if (dtype !== 'int64' && dtype !== 'int32') fail('of type int64 or int32', 'cast it')
    } else {
      if (!isFloat(dtype)) fail('of a float type', 'cast it')
      float ??= { dtype, option }
      if (dtype !== float.dtype) fail(`${float.dtype} as ${float.option} is`, 'cast one of them')
    }
    if (given === undefined) continue
    const open = shape[0] === '...'
    const names = open ? shape.slice(1) : shape
    if (open ? given.length < names.length : given.length !== names.length)
      fail(`of shape ${showShape(shape)}`, 'reshape it')
    const own: readonly Dim[] = given.slice(given.length - names.length)
    for (const [axis, name] of names.entries()) {
      const length = own[axis]
      if (typeof length !== 'number') continue
      const known = lengths.get(name)
      if (known === undefined) lengths.set(name, { length, option })
      else if (known.length !== length)
        fail(
          `of shape ${showShape(shape)}, with ${name} = ${known.length} from ${known.option}`,
          'pass matching tensors',
        )
    }
  }
}
