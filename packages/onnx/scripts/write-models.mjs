/**
 * Writes one model of each kind to a folder, for the checker of the onnx package (`check_models.py`). Not part of CI:
 *   node scripts/write-models.mjs FOLDER && python3 scripts/check_models.py FOLDER
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  attention,
  customOp,
  differentiate,
  externalData,
  gatedSilu,
  grad,
  Graph,
  loraLinear,
  op,
  parse,
  policyLoss,
  rmsNorm,
  rotary,
  serialize,
  tensorData,
} from '@evolmm/onnx'
import { openSafetensors } from '@evolmm/safetensors'

const folder = process.argv[2]
if (folder === undefined) throw new Error('usage: node scripts/write-models.mjs FOLDER')
mkdirSync(folder, { recursive: true })
const write = (name, bytes) => {
  writeFileSync(join(folder, `${name}.onnx`), bytes)
  writeFileSync(join(folder, `${name}.again.onnx`), serialize(parse(bytes)))
}
const total = (x) => op.ReduceSum(x, undefined, { keepdims: 0 })

function forward(graph) {
  const x = graph.input('x', 'float32', ['n', 4])
  const w = graph.initializer(
    'w',
    tensorData(
      'float32',
      [4, 3],
      Array.from({ length: 12 }, (_, i) => i / 12),
    ),
  )
  return { x, w, y: op.Softmax(op.MatMul(x, w), { axis: -1 }) }
}

const plain = new Graph('forward')
plain.output('y', forward(plain).y)
write('forward', serialize(plain))

const backward = new Graph('gradients')
const { x, w, y } = forward(backward)
const loss = total(op.Mul(y, y))
backward.output('loss', loss)
for (const [i, gradient] of grad(loss, [x, w]).entries()) backward.output(`grad_${i}`, op.Identity(gradient))
write('gradients', serialize(backward))

const flow = new Graph('control-flow')
const a = flow.input('a', 'float32', ['n'])
const [branch] = op.If(
  op.Less(total(a), 0),
  () => [op.Mul(a, 2)],
  () => [op.Exp(a)],
)
const [looped, stacked] = op.Loop(
  { trips: flow.constant('int64', [], [3]), carried: [branch] },
  (_, value) => ({
    carried: [op.Add(value, a)],
    stacked: [total(value)],
  }),
)
const [scanned] = op.Scan({ states: [op.Mul(total(a), 0)], inputs: [looped] }, (state, entry) => ({
  states: [op.Add(state, entry)],
}))
flow.output('looped', looped)
flow.output('stacked', stacked)
flow.output('scanned', scanned)
flow.output('gradient', op.Identity(grad(total(branch), [a])[0]))
write('control-flow', serialize(flow))

const square = customOp({
  name: 'Square',
  forward: (value) => [op.Mul(value, value)],
  backward: ({ inputs: [value], gradients: [gradient] }) => [op.Mul(op.Mul(value, 2), gradient)],
})
const custom = new Graph('custom-op')
const z = custom.input('z', 'float32', ['n', 2])
const squares = total(square(square(z)[0])[0])
custom.output('y', squares)
custom.output('gradient', op.Identity(grad(squares, [z])[0]))
write('custom-op', serialize(custom))

const block = new Graph('training-parts')
const rows = block.input('rows', 'float32', ['t', 8])
const half = block.input('half', 'float32', ['t', 2])
const [up, down] = [block.input('up', 'float32', [2, 8]), block.input('down', 'float32', [8, 2])]
const square8 = block.input('weight', 'float32', [8, 8])
const normalized = rmsNorm({ x: rows, weight: block.input('scale', 'float32', [8]) })
const seed = block.constant('int64', [], [1])
const adapted = loraLinear({
  x: normalized,
  weight: square8,
  a: up,
  b: down,
  alpha: 4,
  dropout: { rate: 0.1, seed },
})
const turned = op.Unsqueeze(rotary({ x: adapted, cos: op.Cos(half), sin: op.Sin(half), heads: 2 }), [0])
const mixed = op.Squeeze(attention({ q: turned, k: turned, v: turned, heads: 2, headSize: 4 }), [0])
const scored = policyLoss({
  hidden: gatedSilu({ gate: mixed, up: normalized }),
  weight: square8,
  tokens: block.input('tokens', 'int64', ['t']),
  weights: block.input('weights', 'float32', ['t']),
})
block.output('loss', op.Identity(scored.loss))
for (const [i, gradient] of grad(scored.loss, [up, down]).entries())
  block.output(`grad_${i}`, op.Identity(gradient))
write('training-parts', serialize(block))

const data = tensorData('float32', [4], [1, 2, 3, 4]).bytes
const header = Buffer.from(
  JSON.stringify({
    pad: { dtype: 'U8', shape: [1], data_offsets: [0, 1] },
    w: { dtype: 'F32', shape: [4], data_offsets: [1, 17] },
  }),
)
const length = Buffer.alloc(8)
length.writeBigUInt64LE(BigInt(header.length))
writeFileSync(join(folder, 'w.safetensors'), Buffer.concat([length, header, Buffer.of(7), data]))
const { tensors } = await externalData((await openSafetensors({ folder })).values())
const external = new Graph('external')
external.output('y', op.Mul(external.initializer('w', tensors.get('w')), external.input('x', 'float32', [4])))
write('external', serialize(external))

const fixture = new URL('../test/fixtures/differentiate.json', import.meta.url)
const made = JSON.parse(readFileSync(fixture, 'utf8'))
for (const name of ['mlp', 'block']) {
  const wrt = Object.keys(made[name].gradients)
  const bytes = Buffer.from(made[name].model, 'base64')
  write(
    `differentiated-${name}`,
    differentiate(bytes, { loss: 'loss', wrt, initializersAsInputs: name === 'mlp' }),
  )
}
