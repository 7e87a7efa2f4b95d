/**
 * AdamW with clipping over 40 million parameters: pnpm bench:onnx-adamw
 *
 * The program in two forms (whole vectors in one run; slice by slice, in place, with the norm computed first) beside
 * 1. what memory traffic alone takes: reading parameters, gradient and moments and writing all but the gradient,
 *    in a plain copy of as many bytes, and in a graph that only adds;
 * 2. the plain loop, `AdamW` of @evolmm/rl-core.
 * Whole vectors are slow for a reason outside the graph: onnxruntime-node copies every output into new memory, also
 * preallocated ones, and the system's page faults for it cost more than the arithmetic. With slices that memory is
 * small and used again.
 * All are measured in turn; the best of the rounds counts, because other work on the machine only adds.
 */
import { adamWProgram, globalNorm, Graph, op } from '@evolmm/onnx'
import { AdamW } from '@evolmm/rl-core'
import ort from 'onnxruntime-node'
import { adamw } from './shapes.json'
import { numbers, open } from './support.mjs'

const { size, slices, options, rate, maxNorm } = adamw
const { betas, epsilon, weightDecay } = options
const rounds = Number(process.argv[2] ?? 7)

const names = ['parameters', 'gradient', 'first', 'second']
const fresh = () => Object.fromEntries(names.map((name) => [name, numbers(size, name === 'first' ? 0 : 0.5)]))
const state = fresh()
state.second.fill(0)
const scalars = Object.fromEntries(
  Object.entries({ learning_rate: rate, step: 10, max_norm: maxNorm }).map(([name, value]) => [
    name,
    new ort.Tensor('float32', [value], []),
  ]),
)
const vector = (data) => new ort.Tensor('float32', data, [data.length])

/** `TypedArray.set` reads and writes as many bytes: 3.5 arrays each way stand for 4 reads and 3 writes. */
function copy() {
  const half = size / 2
  state.scratch ??= new Float32Array(size)
  for (const [name, length] of [
    ['parameters', size],
    ['gradient', size],
    ['first', size],
    ['second', half],
  ])
    state.scratch.set(state[name].subarray(0, length))
}

const optimizer = new AdamW({ size, lr: rate, betas, eps: epsilon, weightDecay, clip: maxNorm })
const whole = await open(adamWProgram({ ...options, size }))
const inOne = () =>
  whole.run({ ...Object.fromEntries(names.map((name) => [name, vector(state[name])])), ...scalars })

const sliced = await open(adamWProgram({ ...options, norm: 'given' }))
const normGraph = new Graph('norm')
normGraph.output('norm', globalNorm(normGraph.input('gradient', 'float32', [size])))
const norms = await open(normGraph)
const inSlices = (length) => async () => {
  const { norm } = await norms.run({ gradient: vector(state.gradient) })
  for (let start = 0; start < size; start += length) {
    const [parameters, gradient, first, second] = names.map((name) =>
      vector(state[name].subarray(start, start + length)),
    )
    const feeds = { parameters, gradient, first, second, norm, ...scalars }
    await sliced.run(feeds, { new_parameters: parameters, new_first: first, new_second: second })
  }
}

const adds = new Graph('adds')
const [a, b, c, d] = names.map((name) => adds.input(name, 'float32', ['n']))
for (const [i, x] of [a, b, c].entries()) adds.output(`sum_${i}`, op.Add(x, d))
const adding = await open(adds)
const addOnly = () => adding.run(Object.fromEntries(names.map((name) => [name, vector(state[name])])))

const measured = {
  'memory traffic alone (copy)': copy,
  'graph of three additions': addOnly,
  'plain loop': () => optimizer.step(state.parameters, state.gradient),
  'norm alone': () => norms.run({ gradient: vector(state.gradient) }),
  'program, whole vectors': inOne,
}
for (const length of slices) measured[`program, slices of ${length}`] = inSlices(length)

const best = Object.fromEntries(Object.keys(measured).map((name) => [name, Infinity]))
for (let round = 0; round < rounds; round++) {
  for (const [name, run] of Object.entries(measured)) {
    const start = performance.now()
    await run()
    best[name] = Math.min(best[name], performance.now() - start)
  }
}
const [traffic, plain] = [best['memory traffic alone (copy)'], best['plain loop']]
for (const [name, time] of Object.entries(best))
  console.log(
    `${name.padEnd(30)} ${time.toFixed(0).padStart(5)} ms  ${(time / traffic).toFixed(1).padStart(5)}x traffic  ` +
      `${(plain / time).toFixed(1).padStart(5)}x as fast as the loop`,
  )
