/**
 * The graph that everything here builds, differentiates, prints and writes.
 *
 * A `Graph` owns one body `Scope`; `If`, `Loop` and `Scan` have scopes of their own below it, and custom ops have
 * scopes that stand alone. Nodes go into `graph.current`, in the order in which they are made, which is always a
 * topological order. Tensors are symbols: they know their type and where they were made, not their contents (constants
 * excepted).
 */
import { checkInteger, checkNames } from '@evolmm/internal'
import { EvolmmError } from '../errors'
import { dtypeCode, type DType } from './dtype'
import { checkShape, showShape, type Dim, type Shape } from './shape'
import { checkTensorData, tensorData, type TensorData } from './tensor-data'

export interface Tensor {
  /** Unique within the graph, subgraphs included. */
  name: string
  readonly dtype: DType
  /** The shape; `undefined` where not even the rank is known. */
  readonly shape: Shape | undefined
  readonly scope: Scope
  /** The node that makes the tensor; `undefined` for inputs and constants. */
  readonly node: Node | undefined
  /** Contents, if it is a constant. */
  readonly data: TensorData | undefined
  /** What is known of the elements of a small integer tensor (a shape, say), even where they are only names. */
  readonly value: readonly Dim[] | undefined
}

export interface Node {
  readonly opType: string
  /** Empty for the standard operators. */
  readonly domain: string
  readonly name: string
  readonly inputs: readonly (Tensor | undefined)[]
  readonly outputs: readonly (Tensor | undefined)[]
  readonly attributes: Readonly<Record<string, Attribute>>
  readonly scope: Scope
  /** The innermost checkpointed region that the node belongs to. */
  readonly region: Region | undefined
}

/** Tagged as in the file: 1 the integer and 1 the float are different things. */
export type Attribute =
  | { type: 'int'; value: number | bigint }
  | { type: 'float'; value: number }
  | { type: 'string'; value: string }
  | { type: 'ints'; value: readonly (number | bigint)[] }
  | { type: 'floats'; value: readonly number[] }
  | { type: 'strings'; value: readonly string[] }
  | { type: 'tensor'; value: TensorData }
  | { type: 'graph'; value: Scope }

/** A stretch of nodes that the backward pass makes anew instead of keeping their results. */
export interface Region {
  readonly run: (...inputs: Tensor[]) => Tensor[]
  readonly inputs: readonly Tensor[]
  outputs: readonly Tensor[]
  readonly parent: Region | undefined
}

export class Scope {
  readonly inputs: Tensor[] = []
  readonly initializers: Tensor[] = []
  readonly nodes: Node[] = []
  readonly outputs: Tensor[] = []

  constructor(
    readonly graph: Graph,
    /** The scope whose tensors this one may use; `undefined` for a graph's body and for functions. */
    readonly parent: Scope | undefined,
    readonly kind: 'graph' | 'body' | 'function',
    readonly name: string,
  ) {}

  /** A scope sees the tensors of itself and of all scopes around it. */
  sees(other: Scope): boolean {
    return this === other || (this.parent?.sees(other) ?? false)
  }
}

/** A model-local function: what a custom op's nodes stand for. */
export interface GraphFunction {
  readonly name: string
  readonly domain: string
  readonly body: Scope
  /** Makes the input gradients; `undefined` for functions that came from a file. */
  readonly backward: CustomBackward | undefined
  /** Its gradient functions, by which gradients are given and wanted. */
  readonly gradients: Map<string, GradientFunction>
}

export interface GradientFunction {
  readonly fn: GraphFunction
  /** Indices of the forward inputs, outputs and output gradients that the function takes. */
  readonly takes: readonly number[]
  /** The index of the input that each of its outputs is the gradient of. */
  readonly gives: readonly number[]
}

export type CustomBackward = (call: {
  inputs: Tensor[]
  outputs: Tensor[]
  /** Gradient of each output; `undefined` where the loss does not depend on it. */
  gradients: (Tensor | undefined)[]
  /** True for each input that needs a gradient. */
  needs: boolean[]
}) => (Tensor | undefined)[]

export class Graph {
  readonly body: Scope
  /** The scope that receives new nodes. */
  current: Scope
  currentRegion: Region | undefined
  /** Version of the standard operators. */
  opset: number
  /** Versions of other operator sets, by domain. */
  readonly domains = new Map<string, number>()
  /** The functions of the model by `domain.name`. */
  readonly functions = new Map<string, GraphFunction>()
  readonly metadata = new Map<string, string>()
  private names = new Set<string>()
  private readonly reserved = new Set<string>()
  private counters = new Map<string, number>()
  /** Unnamed constants by contents, for the body and for each function. */
  private readonly constants = new Map<Scope, Map<string, Tensor>>()

  constructor(
    readonly name = 'graph',
    options: { /** @default 21 */ opset?: number } = {},
  ) {
    if (name === '')
      throw new EvolmmError('INVALID_NAME', 'Graph: the name must not be empty, got ""; leave it out')
    checkNames('Graph', options, { opset: true })
    this.opset = checkInteger('Graph.opset', options.opset ?? 21, { min: 13 })
    this.body = new Scope(this, undefined, 'graph', name)
    this.current = this.body
  }

  /**
   * An input of the graph. Of one that holds lengths, `value` says which: `prompt_width`, int64 [1], of which each prompt has
   * as many places as the name 'P' stands for, has the value ['P'].
   */
  input(
    name: string,
    dtype: DType,
    shape: Shape | undefined,
    options: { /** @default nothing is known of its elements */ value?: readonly Dim[] } = {},
  ): Tensor {
    dtypeCode(dtype)
    checkShape(`input "${name}"`, shape)
    checkNames(`input "${name}"`, options, { value: true })
    const { value } = options
    checkShape(`input "${name}": value`, value)
    const tensor = this.tensor({ name: this.claim(name), dtype, shape, scope: this.body, value })
    this.body.inputs.push(tensor)
    return tensor
  }

  /** A formal input of a scope, with a name that is claimed already. */
  addInput(scope: Scope, name: string, dtype: DType, shape: Shape | undefined): Tensor {
    const tensor = this.tensor({ name, dtype, shape, scope })
    scope.inputs.push(tensor)
    return tensor
  }

  /** A named constant: weights, inline or in a file. */
  initializer(name: string, data: TensorData): Tensor {
    checkTensorData(`initializer "${name}"`, data)
    const tensor = this.tensor({
      name: this.claim(name),
      dtype: data.dtype,
      shape: data.dims,
      scope: this.body,
      data,
    })
    this.body.initializers.push(tensor)
    return tensor
  }

  /** An unnamed inline constant; equal ones are one tensor. Available in every scope but functions, which get their own. */
  constant(dtype: DType, dims: readonly number[], values: ArrayLike<number | bigint | boolean>): Tensor {
    const home = rootOf(this.current)
    const constants = this.constants.get(home) ?? new Map<string, Tensor>()
    this.constants.set(home, constants)
    const key = `${dtype}|${dims.join()}|${Array.from(values, String).join()}`
    const known = constants.get(key)
    if (known !== undefined) return known
    const data = tensorData(dtype, dims, values)
    const value =
      (dtype === 'int64' || dtype === 'int32') && dims.length < 2 ? Array.from(values, Number) : undefined
    const tensor = this.tensor({ name: this.fresh('constant'), dtype, shape: dims, scope: home, data, value })
    home.initializers.push(tensor)
    if (values.length <= 64) constants.set(key, tensor)
    return tensor
  }

  /** Declare an output of the graph. Returns the tensor that carries the name. */
  output(name: string, tensor: Tensor): Tensor {
    if (
      !isTensor(tensor) ||
      tensor.scope !== this.body ||
      tensor.node === undefined ||
      this.body.outputs.includes(tensor)
    ) {
      throw new EvolmmError(
        'INVALID_OUTPUT',
        `output "${name}": must be the result of a node of the graph, and an output once, got ${isTensor(tensor) ? tensor.name : kindOf(tensor)}; pass Identity(tensor)`,
      )
    }
    this.rename(tensor, name)
    this.body.outputs.push(tensor)
    return tensor
  }

  /** Give a tensor another name. */
  rename(tensor: Tensor, name: string): void {
    this.names.delete(tensor.name)
    tensor.name = this.claim(name)
  }

  /** Run `build` with its nodes going into `scope`. */
  within<T>(scope: Scope, build: () => T): T {
    const { current, currentRegion } = this
    this.current = scope
    if (scope.kind === 'function') this.currentRegion = undefined
    try {
      return build()
    } finally {
      this.current = current
      this.currentRegion = currentRegion
    }
  }

  /** Run `build`; if it throws, what it added to the graph is gone again. */
  undoing<T>(build: () => T): T {
    const lists = around(this.current).flatMap(({ inputs, initializers, nodes, outputs }) =>
      [inputs, initializers, nodes, outputs].map((list) => ({ list, length: list.length })),
    )
    const { functions, domains } = this
    const tables = [functions, domains].map((table) => ({ table, keys: new Set(table.keys()) }))
    const home = rootOf(this.current)
    const [names, counters] = [new Set(this.names), new Map(this.counters)]
    const constants = new Map(this.constants.get(home))
    try {
      return build()
    } catch (error) {
      for (const { list, length } of lists) list.length = length
      for (const { table, keys } of tables)
        for (const key of table.keys()) if (!keys.has(key)) table.delete(key)
      this.names = names
      this.counters = counters
      this.constants.set(home, constants)
      throw error
    }
  }

  /** Reserve a name that must not be taken yet. */
  claim(name: string): string {
    if (typeof name !== 'string' || name === '') {
      throw new EvolmmError(
        'INVALID_NAME',
        `graph "${this.name}": names must not be empty, got ${JSON.stringify(name)}; choose one`,
      )
    }
    if (this.names.has(name)) {
      throw new EvolmmError(
        'DUPLICATE_NAME',
        `graph "${this.name}": each name must be used once, got "${name}" again; rename one`,
      )
    }
    this.names.add(name)
    return name
  }

  /** A name that nothing has. */
  fresh(stem: string): string {
    for (;;) {
      const count = (this.counters.get(stem) ?? 0) + 1
      this.counters.set(stem, count)
      const name = `${stem}_${count}`
      if (!this.names.has(name) && !this.reserved.has(name)) return this.claim(name)
    }
  }

  /** Keep `fresh` from a name that will be claimed later. */
  reserve(name: string): void {
    this.reserved.add(name)
  }

  /** `name` itself if it is free, or else a fresh one like it. */
  nameLike(name: string): string {
    return this.names.has(name) ? this.fresh(name) : this.claim(name)
  }

  /** A tensor record; used by the builder and the parser. */
  tensor(fields: Pick<Tensor, 'name' | 'dtype' | 'shape' | 'scope'> & Partial<Tensor>): Tensor {
    // What `fresh` makes up must be no length that is there.
    for (const dim of fields.shape ?? []) if (typeof dim === 'string') this.reserve(dim)
    return { node: undefined, data: undefined, value: undefined, ...fields }
  }
}

/** `scope` and the scopes whose tensors it may use, the outermost first. */
export function around(scope: Scope): Scope[] {
  return scope.parent === undefined ? [scope] : [...around(scope.parent), scope]
}

/** The outermost scope around `scope`: a graph's body or a function's. */
function rootOf(scope: Scope): Scope {
  return around(scope)[0]
}

/** `x: float32 [2, seq]`, for messages. */
export function showTensor(tensor: Tensor): string {
  return `${tensor.name}: ${tensor.dtype} ${showShape(tensor.shape)}`
}

export function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'scope' in value
}

/** What a value is, for messages. */
export function kindOf(value: unknown): string {
  if (isTensor(value)) return 'a tensor'
  if (value === undefined || value === null) return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object') return `a ${typeof value}`
  const { name } = value.constructor as { name?: string }
  return name === undefined || name === 'Object' ? 'an object' : `an object of class ${name}`
}
