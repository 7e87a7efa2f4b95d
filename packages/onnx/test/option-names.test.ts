import { testOptionNames } from '@evolmm/internal/testing'
import * as onnx from '../src/index'

const graph = new onnx.Graph('names')
const x = graph.input('x', 'float32', [2, 2])

testOptionNames([
  ['adamWProgram', onnx.adamWProgram, { weigthDecay: 0 }, 'weightDecay'],
  ['attention', onnx.attention, { q: x, k: x, v: x, heads: 1, headSize: 2, scal: 1 }, 'scale'],
  [
    'differentiate',
    (o) => onnx.differentiate(new Uint8Array(), o),
    { loss: 'a', wrt: [], seeds: 1 },
    undefined,
  ],
  ['dropout', (options) => onnx.dropout(x, options), { rates: 0 }, 'rate'],
  ['gatedSilu', onnx.gatedSilu, { gate: x, upp: x }, 'up'],
  ['grad', (options) => onnx.grad(x, [x], options), { sead: x }, 'seed'],
  ['Graph', (options) => new onnx.Graph('a', options), { opsets: 18 }, 'opset'],
  ['loraLinear', onnx.loraLinear, { x, weight: x, a: x, b: x, alfa: 1 }, 'alpha'],
  ['parse', (o) => onnx.parse(new Uint8Array(), o), { inlineFunction: true }, 'inlineFunctions'],
  ['policyLoss', onnx.policyLoss, { hidden: x, chunks: 1 }, 'chunk'],
  ['rmsNorm', onnx.rmsNorm, { x, weight: x, epsilonn: 1 }, 'epsilon'],
  ['rotary', onnx.rotary, { x, head: 1 }, 'heads'],
  ['Concat', (options) => onnx.op.Concat([x], options), { axes: 0 }, 'axis'],
  ['Conv', (options) => onnx.op.Conv(x, x, undefined, options), { stride: [1] }, 'strides'],
  ['Gemm', (options) => onnx.op.Gemm(x, x, undefined, options), { transA: 1, transC: 1 }, 'transA'],
  ['LeakyRelu', (options) => onnx.op.LeakyRelu(x, options), { alfa: 1 }, 'alpha'],
  ['Loop', (options) => onnx.op.Loop(options, () => undefined as never), { caried: [] }, 'carried'],
  ['ReduceSum', (options) => onnx.op.ReduceSum(x, [0], options), { keepdim: 0 }, 'keepdims'],
  ['serialize', (options) => onnx.serialize(graph, options), { flatt: true }, 'flat'],
  ['Softmax', (options) => onnx.op.Softmax(x, options), { dim: 0 }, undefined],
  ['TopK', (options) => onnx.op.TopK(x, 1, options), { larges: 1 }, 'largest'],
])
