/**
 * Gradients against central differences, both computed by ONNX Runtime on the graph itself, in float64.
 *
 * The loss is a sum of the outputs with fixed random weights, so that every output element counts.
 */
import { grad, Graph, op, type Tensor } from '@evolmm/onnx'
import { runner, type Value } from './run'

export interface GradientCheck {
  /** Shapes of the float64 inputs that are differentiated. */
  shapes: readonly (readonly number[])[]
  /** Outputs from inputs; outputs that are not floats take no part. */
  build: (inputs: Tensor[], graph: Graph) => Tensor | Tensor[]
  /** Where the inputs lie. @default [-2, 2] */
  range?: readonly [number, number]
  /** Names in place of the sizes, so that nothing is known when the graph is built. @default false */
  symbolic?: boolean
  seed?: number
}

/** Largest error over all elements, relative to the largest gradient element (and at least to 1e-3). */
export async function gradientError(check: GradientCheck): Promise<number> {
  const { shapes, range = [-2, 2], symbolic = false } = check
  const random = generator(check.seed ?? 1)
  const graph = new Graph('check')
  const inputs = shapes.map((shape, i) =>
    graph.input(`x${i}`, 'float64', symbolic ? shape.map((_, axis) => `d${i}_${axis}`) : shape),
  )
  const built = check.build(inputs, graph)
  const outputs = (Array.isArray(built) ? built : [built]).filter(({ dtype }) => dtype === 'float64')

  // Weights are made in the graph from the element's position, so symbolic shapes need none from outside.
  const parts = outputs.map((output, i) => {
    const flat = op.Reshape(output, [-1])
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

  const run = await runner(graph)
  const feeds = Object.fromEntries(
    shapes.map((dims, i): [string, Value & { data: Float64Array }] => {
      const size = dims.reduce((product, dim) => product * dim, 1)
      return [
        `x${i}`,
        {
          dims,
          data: Float64Array.from({ length: size }, () => range[0] + (range[1] - range[0]) * random()),
        },
      ]
    }),
  )
  const exact = await run(feeds)
  let [worst, scale] = [0, 1e-3]
  const step = 1e-5
  for (const [i, dims] of shapes.entries()) {
    const { data } = feeds[`x${i}`]
    const gradient = exact[`g${i}`]
    if (gradient.dims.join() !== dims.join())
      throw new Error(`gradient has shape [${gradient.dims.join()}], not [${dims.join()}]`)
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
      worst = Math.max(worst, Math.abs(numeric - Number(gradient.data[k])))
      scale = Math.max(scale, Math.abs(numeric))
    }
  }
  return worst / scale
}

/** Park and Miller's generator. */
export function generator(seed: number): () => number {
  let state = 7919 * seed
  return () => (state = (state * 48271) % 2147483647) / 2147483647
}
