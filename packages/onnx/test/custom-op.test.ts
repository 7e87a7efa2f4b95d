/** Custom ops are differentiated by their own rule, for just the gradients that are wanted. */
import { describe, expect, test } from 'vitest'
import { customOp, grad, Graph, op, parse, serialize, type CustomBackward, type Tensor } from '@evolmm/onnx'
import { gradientError } from './support/check-gradient'
import { runner } from './support/run'

const sum = (x: Tensor) => op.ReduceSum(x, undefined, { keepdims: 0 })

test.each([false, true])('one input, symbolic %s', async (symbolic) => {
  const square = customOp({
    name: 'Square',
    forward: (x) => [op.Mul(x, x)],
    backward: ({ inputs: [x], gradients: [gradient] }) => [gradient && op.Mul(op.Mul(x, 2), gradient)],
  })
  const error = await gradientError({ shapes: [[2, 3]], build: ([x]) => square(x), symbolic })
  expect(error).toBeLessThan(1e-6)
})

/** `a b + sin c` and `a exp c`, which keeps `exp c` for the way back. */
function mixed(seen: Parameters<CustomBackward>[0][] = []): ReturnType<typeof customOp> {
  const add = (x: Tensor | undefined, y: Tensor | undefined) => (x && y ? op.Add(x, y) : (x ?? y))
  return customOp({
    name: 'Mixed',
    forward: (a, b, c) => {
      const power = op.Exp(c)
      return [op.Add(op.Mul(a, b), op.Sin(c)), op.Mul(a, power), power]
    },
    backward: (call) => {
      seen.push(call)
      const {
        inputs: [a, b, c],
        outputs: [, , power],
        gradients: [d0, d1],
        needs,
      } = call
      return [
        needs[0] ? add(d0 && op.Mul(d0, b), d1 && op.Mul(d1, power)) : undefined,
        needs[1] ? d0 && op.Mul(d0, a) : undefined,
        needs[2] ? add(d0 && op.Mul(d0, op.Cos(c)), d1 && op.Mul(d1, op.Mul(a, power))) : undefined,
      ]
    },
  })
}

describe('several inputs and outputs', () => {
  const shapes = [
    [2, 3],
    [2, 3],
    [2, 3],
  ]
  const uses: [string, (outputs: Tensor[]) => Tensor[]][] = [
    ['both', (outputs) => outputs.slice(0, 2)],
    ['the first', ([first]) => [first]],
    ['the second', ([, second]) => [second]],
  ]
  test.each(uses)('%s used', async (_, used) => {
    for (const symbolic of [false, true]) {
      const build = ([a, b, c]: Tensor[]) =>
        used(mixed()(a, op.Reshape(b, op.Shape(a)), op.Reshape(c, op.Shape(a))))
      expect(await gradientError({ shapes, build, range: [-1, 1], symbolic })).toBeLessThan(1e-6)
    }
  })

  test('one tensor in the place of all', async () => {
    const build = ([a]: Tensor[]) => mixed()(a, a, a).slice(0, 2)
    expect(await gradientError({ shapes: [[3]], build, range: [-1, 1] })).toBeLessThan(1e-6)
  })
})

describe('only what is wanted', () => {
  /** The gradient functions that `grad` with respect to some of the inputs makes. */
  function backward(
    wanted: number[],
    used: number[],
  ): { seen: Parameters<CustomBackward>[0][]; graph: Graph; results: Tensor[] } {
    const seen: Parameters<CustomBackward>[0][] = []
    const graph = new Graph()
    const inputs = ['a', 'b', 'c'].map((name) => graph.input(name, 'float32', [2]))
    const outputs = mixed(seen)(...inputs)
    const loss = used.map((index) => sum(outputs[index])).reduce((x, y) => op.Add(x, y))
    return {
      seen,
      graph,
      results: grad(
        loss,
        wanted.map((index) => inputs[index]),
      ),
    }
  }

  test('needs and gradients say what there is', () => {
    const { seen, graph } = backward([1], [0])
    expect(seen).toHaveLength(1)
    expect(seen[0].needs).toEqual([false, true, false])
    expect(seen[0].gradients.map((gradient) => gradient !== undefined)).toEqual([true, false, false])
    const made = graph.functions.get('evolmm.MixedGrad')
    // dy and a, nothing else is kept for it.
    expect(made?.body.inputs).toHaveLength(2)
    expect(made?.body.nodes.map(({ opType }) => opType)).toEqual(['Mul'])
  })

  test('an input that the used output does not depend on gets zeros, and no function', async () => {
    const { graph, results } = backward([1], [1])
    expect([...graph.functions.keys()]).toEqual(['evolmm.Mixed'])
    graph.output('db', op.Identity(results[0]))
    const two = { dims: [2], data: Float32Array.of(1, 2) }
    expect([...((await (await runner(graph))({ a: two, b: two, c: two })).db.data as Float32Array)]).toEqual([
      0, 0,
    ])
  })

  test('equal wants share a function, other ones get another', () => {
    const graph = new Graph()
    const run = mixed()
    const [a, b, c] = ['a', 'b', 'c'].map((name) => graph.input(name, 'float32', [2]))
    const loss = sum(op.Add(run(a, b, c)[0], run(b, a, c)[0]))
    grad(loss, [c])
    expect([...graph.functions.keys()]).toEqual(['evolmm.Mixed', 'evolmm.MixedGrad'])
    grad(loss, [a, b])
    expect(graph.functions.size).toBe(3)
  })
})

test('gradients of several inputs are the same when the file is read again', async () => {
  const graph = new Graph()
  const inputs = ['a', 'b', 'c'].map((name) => graph.input(name, 'float32', [2]))
  const [y, z] = mixed()(...inputs)
  for (const [i, gradient] of grad(sum(op.Mul(y, z)), inputs).entries())
    graph.output(`g${i}`, op.Identity(gradient))
  const feeds = Object.fromEntries(
    ['a', 'b', 'c'].map((name, i) => [name, { dims: [2], data: Float32Array.of(i + 0.5, 1 - i) }]),
  )
  const expected = await (await runner(graph))(feeds)
  for (const inlineFunctions of [false, true]) {
    const again = parse(serialize(graph), { inlineFunctions })
    expect(await (await runner(again))(feeds)).toEqual(expected)
  }
})
