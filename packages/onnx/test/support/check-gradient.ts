/**
 * Gradients against central differences, both computed by ONNX Runtime on the graph itself, in float64 unless the
 * runtime lacks the kernel for it.
 *
 * The loss is a sum of the outputs with fixed weights, so that every output element counts. It is summed in float64.
 */
import { grad, Graph, op, type Tensor } from '@evolmm/onnx'
import { runner, type Value } from './run'

export interface GradientCheck {
  /** Shapes of the inputs that are differentiated. */
  shapes: readonly (readonly number[])[]
  /** Outputs from inputs; outputs that are not floats take no part. */
  build: (inputs: Tensor[], graph: Graph) => Tensor | Tensor[]
  /** The inputs lie in this range. @default [-2, 2] */
  range?: readonly [number, number]
  /** Numbers that drawn ones keep away from, where differences are no oracle. @default none */
  kinks?: readonly number[]
  /** The contents of some inputs, where the point matters: zeros, ties. */
  values?: readonly (readonly number[] | undefined)[]
  /** Type of the inputs. In float32 the error is some 1e-4 at best, and kinks must be 0.05 away. @default 'float64' */
  dtype?: 'float64' | 'float32'
  /** @default 21 */
  opset?: number
  /** Names in place of the sizes, so that nothing is known when the graph is built. @default false */
  symbolic?: boolean
  seed?: number
}

/** The graph of a check, with outputs `loss` and `g0`, `g1`, ... for the gradients, and values for its inputs. */
export function gradientGraph(check: GradientCheck): {
  graph: Graph
  feeds: Record<string, Value & { data: Float64Array | Float32Array }>
} {
  const { shapes, range = [-2, 2], symbolic = false, dtype = 'float64', values, kinks = [] } = check
  const random = generator(check.seed ?? 1)
  const graph = new Graph('check', { opset: check.opset ?? 21 })
  const inputs = shapes.map((shape, i) =>
    graph.input(`x${i}`, dtype, symbolic ? shape.map((_, axis) => `d${i}_${axis}`) : shape),
  )
  const built = check.build(inputs, graph)
  const outputs = (Array.isArray(built) ? built : [built]).filter((output) =>
    output.dtype.startsWith('float'),
  )

  // Weights are made in the graph from the element's position, so symbolic shapes need none from outside.
  const parts = outputs.map((output, i) => {
    const flat = op.Reshape(output.dtype === 'float64' ? output : op.Cast(output, { to: 'float64' }), [-1])
    const one = graph.constant('int64', [], [1])
    const position = op.Cast(op.Range(graph.constant('int64', [], [0]), op.Size(flat), one), {
      to: 'float64',
    })
    return op.ReduceSum(op.Mul(flat, op.Sin(op.Add(op.Mul(position, 1.7), i + 0.3))), [0], { keepdims: 0 })
  })
  const loss = parts.reduce((sum, part) => op.Add(sum, part))
  const gradients = grad(loss, inputs)
  graph.output('loss', op.Identity(loss))
  for (const [i, gradient] of gradients.entries()) graph.output(`g${i}`, op.Identity(gradient))

  const feeds = Object.fromEntries(
    shapes.map((dims, i): [string, Value & { data: Float64Array | Float32Array }] => {
      const size = dims.reduce((product, dim) => product * dim, 1)
      const away = (value: number) =>
        kinks.reduce((moved, kink) => (Math.abs(moved - kink) < 0.05 ? kink + 0.1 : moved), value)
      const drawn = Array.from({ length: size }, () => away(range[0] + (range[1] - range[0]) * random()))
      const contents = values?.[i] ?? drawn
      const data = dtype === 'float64' ? Float64Array.from(contents) : Float32Array.from(contents)
      return [`x${i}`, { dims, data }]
    }),
  )
  return { graph, feeds }
}

/** Largest error over all elements, relative to the largest gradient element of the same input (and at least to 1e-3). */
export async function gradientError(check: GradientCheck): Promise<number> {
  const { shapes, dtype = 'float64' } = check
  const { graph, feeds } = gradientGraph(check)
  const run = await runner(graph, { intraOpNumThreads: 1 })
  const exact = await run(feeds)
  let worst = 0
  const step = dtype === 'float64' ? 1e-4 : 0.02
  for (const [i, dims] of shapes.entries()) {
    const { data } = feeds[`x${i}`]
    const gradient = exact[`g${i}`]
    if (gradient.dims.join() !== dims.join())
      throw new Error(`gradient has shape [${gradient.dims.join()}], not [${dims.join()}]`)
    let [error, scale] = [0, 1e-3]
    for (let k = 0; k < data.length; k++) {
      const at = data[k]
      const loss = async (x: number) => {
        data[k] = x
        return Number((await run(feeds)).loss.data[0])
      }
      // Fourth-order differences: their error is far below the bound even where the function bends.
      const [a, b, c, d] = [
        await loss(at - 2 * step),
        await loss(at - step),
        await loss(at + step),
        await loss(at + 2 * step),
      ]
      data[k] = at
      const numeric = (a - 8 * b + 8 * c - d) / (12 * step)
      error = Math.max(error, Math.abs(numeric - Number(gradient.data[k])))
      scale = Math.max(scale, Math.abs(numeric))
    }
    worst = Math.max(worst, error / scale)
  }
  return worst
}

/** Park and Miller's generator. */
export function generator(seed: number): () => number {
  let state = 7919 * seed
  return () => (state = (state * 48271) % 2147483647) / 2147483647
}
