/** The training parts name the option that is wrong, and make no nodes then. */
import { describe, expect, test } from 'vitest'
import {
  attention,
  dropout,
  entropy,
  EvolmmError,
  exactKl,
  gatedSilu,
  globalNorm,
  Graph,
  loraLinear,
  pickLogProbabilities,
  policyLoss,
  rmsNorm,
  rotary,
  type DType,
  type Shape,
  type Tensor,
} from '@evolmm/onnx'

type Make = (dtype: DType, ...shape: Shape) => Tensor
const none = undefined as unknown as Tensor

function lora(make: Make, change: Partial<Parameters<typeof loraLinear>[0]>): unknown {
  return loraLinear({
    x: make('float32', 'n', 6),
    weight: make('float32', 4, 6),
    a: make('float32', 2, 6),
    b: make('float32', 4, 2),
    scale: 1,
    ...change,
  })
}

function loss(make: Make, change: Partial<Parameters<typeof policyLoss>[0]>): unknown {
  return policyLoss({
    hidden: make('float32', 7, 4),
    weight: make('float32', 9, 4),
    tokens: make('int64', 7),
    weights: make('float32', 7),
    ...change,
  })
}

/** 6 heads of width 4 that share 2 of keys and values. */
function attend(make: Make, change: Partial<Parameters<typeof attention>[0]>): unknown {
  return attention({
    q: make('float32', 2, 5, 24),
    k: make('float32', 2, 7, 8),
    v: make('float32', 2, 7, 8),
    heads: 6,
    keyValueHeads: 2,
    headSize: 4,
    ...change,
  })
}

function turn(make: Make, change: Partial<Parameters<typeof rotary>[0]>): unknown {
  return rotary({
    x: make('float32', 5, 24),
    cos: make('float32', 5, 4),
    sin: make('float32', 5, 4),
    heads: 3,
    ...change,
  })
}

const dtypes = (make: Make, dtype: DType) => ({
  x: make(dtype, 5, 24),
  cos: make(dtype, 5, 4),
  sin: make(dtype, 5, 4),
})

const refused: [option: string, rule: string, build: (make: Make) => unknown][] = [
  ['loraLinear.x', 'of shape [..., in]', (t) => lora(t, { x: t('float32') })],
  ['loraLinear.x', 'of a float type', (t) => lora(t, { x: t('int64', 5, 6) })],
  ['loraLinear.weight', 'with in = 5 from x', (t) => lora(t, { x: t('float32', 2, 5) })],
  ['loraLinear.weight', 'of shape [out, in]', (t) => lora(t, { weight: t('float32', 4, 6, 1) })],
  ['loraLinear.weight', 'float32 as x is', (t) => lora(t, { weight: t('float16', 4, 6) })],
  ['loraLinear.weight', 'a tensor [out, in]', (t) => lora(t, { weight: none })],
  ['loraLinear.bias', 'with out = 4 from weight', (t) => lora(t, { bias: t('float32', 6) })],
  ['loraLinear.bias', 'of shape [out]', (t) => lora(t, { bias: t('float32') })],
  ['loraLinear.a', 'with in = 6 from x', (t) => lora(t, { a: t('float32', 2, 4) })],
  ['loraLinear.a', 'of shape [r, in]', (t) => lora(t, { a: t('float32', 12) })],
  ['loraLinear.a', 'float32 as x is', (t) => lora(t, { a: t('float64', 2, 6) })],
  ['loraLinear.b', 'with r = 2 from a', (t) => lora(t, { b: t('float32', 4, 3) })],
  ['loraLinear.b', 'with out = 4 from weight', (t) => lora(t, { b: t('float32', 2, 2) })],
  ['loraLinear.scale', 'a finite number', (t) => lora(t, { scale: NaN })],
  ['loraLinear.alpha', 'a finite number', (t) => lora(t, { scale: undefined as never, alpha: Infinity })],
  ['policyLoss.hidden', 'of shape [R, D]', (t) => loss(t, { hidden: t('float32', 1, 7, 4) })],
  ['policyLoss.weight', 'with D = 4 from hidden', (t) => loss(t, { weight: t('float32', 4, 9) })],
  ['policyLoss.weight', 'float32 as hidden is', (t) => loss(t, { weight: t('float64', 9, 4) })],
  ['policyLoss.tokens', 'of type int64 or int32', (t) => loss(t, { tokens: t('float32', 7) })],
  ['policyLoss.tokens', 'of shape [R]', (t) => loss(t, { tokens: t('int64', 7, 1) })],
  ['policyLoss.tokens', 'with R = 7 from hidden', (t) => loss(t, { tokens: t('int32', 8) })],
  ['policyLoss.weights', 'of shape [R]', (t) => loss(t, { weights: t('float32', 1, 7) })],
  ['policyLoss.weights', 'a tensor [R]', (t) => loss(t, { weights: none })],
  [
    'policyLoss.kl.logits',
    'with V = 9 from weight',
    (t) => loss(t, { kl: { weights: t('float32', 7), logits: t('float32', 7, 4) } }),
  ],
  [
    'policyLoss.kl.hidden',
    'with R = 7 from hidden',
    (t) => loss(t, { kl: { weights: t('float32', 7), hidden: t('float32', 6, 4) } }),
  ],
  [
    'policyLoss.kl.weights',
    'of shape [R]',
    (t) => loss(t, { kl: { weights: t('float32'), hidden: t('float32', 7, 4) } }),
  ],
  [
    'policyLoss.kl',
    'exactly one of hidden and logits',
    (t) => loss(t, { kl: { weights: t('float32', 7) } as never }),
  ],
  [
    'pickLogProbabilities.logits',
    'of shape [R, V]',
    (t) => pickLogProbabilities(t('float32', 2, 3, 4), t('int64', 2)),
  ],
  [
    'pickLogProbabilities.tokens',
    'with R = 2 from logits',
    (t) => pickLogProbabilities(t('float32', 2, 3), t('int64', 3)),
  ],
  [
    'pickLogProbabilities.tokens',
    'of type int64 or int32',
    (t) => pickLogProbabilities(t('float32', 2, 3), t('uint8', 2)),
  ],
  [
    'exactKl.referenceLogits',
    'with V = 3 from policyLogits',
    (t) => exactKl(t('float32', 2, 3), t('float32', 2, 4)),
  ],
  [
    'exactKl.referenceLogits',
    'float32 as policyLogits is',
    (t) => exactKl(t('float32', 2, 3), t('float64', 2, 3)),
  ],
  ['entropy.logits', 'of shape [R, V]', (t) => entropy(t('float32', 3))],
  ['entropy.logits', 'of a float type', (t) => entropy(t('int32', 2, 3))],
  ['dropout.x', 'of shape [rows, columns]', (t) => dropout(t('float32', 3), { rate: 0.5, seed: t('int64') })],
  ['dropout.rate', 'below 1', (t) => dropout(t('float32', 3, 3), { rate: 1, seed: t('int64') })],
  ['dropout', 'the seed must be', (t) => dropout(t('float32', 3, 3), { rate: 0.5, seed: t('int64', 1) })],
  ['dropout', 'the seed must be', (t) => dropout(t('float32', 3, 3), { rate: 0.5, seed: 3 as never })],
  ['attention.q', 'of shape [B, T, heads d]', (t) => attend(t, { q: t('float32', 5, 24) })],
  ['attention.q', 'a tensor [B, T, heads d]', (t) => attend(t, { q: none })],
  ['attention.q', 'of a float type', (t) => attend(t, { q: t('int64', 2, 5, 24) })],
  [
    'attention.q',
    'with heads d = 24 from the other options',
    (t) => attend(t, { q: t('float32', 2, 5, 20) }),
  ],
  ['attention.k', 'with B = 2 from q', (t) => attend(t, { k: t('float32', 1, 7, 8) })],
  ['attention.k', 'with keyValueHeads d = 8', (t) => attend(t, { k: t('float32', 2, 7, 24) })],
  ['attention.k', 'float32 as q is', (t) => attend(t, { k: t('float16', 2, 7, 8) })],
  ['attention.v', 'with S = 7 from k', (t) => attend(t, { v: t('float32', 2, 6, 8) })],
  [
    'attention.mask',
    'broadcastable to [B, heads, T, S]',
    (t) => attend(t, { mask: t('float32', 1, 2, 1, 5, 7) }),
  ],
  ['attention.mask', 'with S = 7 from k', (t) => attend(t, { mask: t('float32', 5, 5) })],
  ['attention.mask', 'with heads = 6 from the other', (t) => attend(t, { mask: t('float32', 2, 5, 7) })],
  ['attention.mask', 'with B = 2 from q', (t) => attend(t, { mask: t('float32', 3, 1, 5, 7) })],
  ['attention.mask', 'of a float type', (t) => attend(t, { mask: t('bool', 5, 7) })],
  ['attention.heads', 'an integer at least 1', (t) => attend(t, { heads: 1.5 })],
  ['attention.keyValueHeads', 'an integer at least 1', (t) => attend(t, { keyValueHeads: 0 })],
  ['attention.keyValueHeads', 'must divide heads, 6, got 4', (t) => attend(t, { keyValueHeads: 4 })],
  ['attention.headSize', 'an integer at least 1', (t) => attend(t, { headSize: -4 })],
  ['attention.scale', 'a finite number', (t) => attend(t, { scale: NaN })],
  ['rotary.x', 'of shape [T, heads d]', (t) => turn(t, { x: t('float32', 1, 5, 24) })],
  ['rotary.x', 'heads = 3 and d = 8 from cos', (t) => turn(t, { x: t('float32', 5, 48) })],
  ['rotary.x', 'heads = 4 and d even', (t) => turn(t, { x: t('float32', 5, 12), heads: 4 })],
  ['rotary.x', 'float32 or float16', (t) => turn(t, dtypes(t, 'float64'))],
  ['rotary.cos', 'with T = 5 from x', (t) => turn(t, { cos: t('float32', 1, 4) })],
  ['rotary.cos', 'float32 as x is', (t) => turn(t, { cos: t('float64', 5, 4) })],
  ['rotary.sin', 'with d / 2 = 4 from cos', (t) => turn(t, { sin: t('float32', 5, 8) })],
  ['rotary.sin', 'a tensor [T, d / 2]', (t) => turn(t, { sin: none })],
  ['rotary.heads', 'an integer at least 1', (t) => turn(t, { heads: 0 })],
  ['rmsNorm.x', 'of shape [..., D]', (t) => rmsNorm({ x: t('float32'), weight: t('float32', 3) })],
  ['rmsNorm.weight', 'with D = 4 from x', (t) => rmsNorm({ x: t('float32', 2, 4), weight: t('float32', 3) })],
  ['rmsNorm.weight', 'of shape [D]', (t) => rmsNorm({ x: t('float32', 2, 4), weight: t('float32') })],
  ['rmsNorm.weight', 'float32 as x is', (t) => rmsNorm({ x: t('float32', 2, 4), weight: t('float16', 4) })],
  [
    'rmsNorm.epsilon',
    'a finite number at least 0',
    (t) => rmsNorm({ x: t('float32', 2, 4), weight: t('float32', 4), epsilon: -1 }),
  ],
  ['gatedSilu.gate', 'of a float type', (t) => gatedSilu({ gate: t('int64', 2), up: t('int64', 2) })],
  ['gatedSilu.up', 'axis 0 = 2 from gate', (t) => gatedSilu({ gate: t('float32', 2), up: t('float32', 1) })],
  ['gatedSilu.up', 'of shape [axis 0]', (t) => gatedSilu({ gate: t('float32', 2), up: t('float32', 1, 2) })],
  ['gatedSilu.up', 'float32 as gate is', (t) => gatedSilu({ gate: t('float32', 2), up: t('float16', 2) })],
  ['gatedSilu.up', 'a tensor [axis 0]', (t) => gatedSilu({ gate: t('float32', 2), up: none })],
  ['globalNorm.flat', 'of a float type', (t) => globalNorm(t('int32', 2))],
]

describe('refused', () => {
  test.each(refused)('%s: %s', (option, rule, build) => {
    const graph = new Graph()
    let count = 0
    let error: unknown
    try {
      build((dtype, ...shape) => graph.input(`x${count++}`, dtype, shape))
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(EvolmmError)
    const { message } = error as EvolmmError
    expect(message.startsWith(`${option}: `)).toBe(true)
    expect(message).toContain(rule)
    expect(graph.body.nodes).toEqual([])
  })
})

test('lengths that only the run knows, and unknown ranks, pass', () => {
  const graph = new Graph()
  const hidden = graph.input('hidden', 'float32', ['r', 'd'])
  const weight = graph.input('weight', 'float32', [9, 'width'])
  const tokens = graph.input('tokens', 'int32', ['n'])
  const weights = graph.input('weights', 'float32', ['m'])
  expect(policyLoss({ hidden, weight, tokens, weights }).loss.shape).toEqual([])
  const x = graph.input('x', 'float32', undefined)
  const [a, b] = [graph.input('a', 'float32', [2, 9]), graph.input('b', 'float32', [4, 2])]
  const frozen = graph.input('frozen', 'float32', undefined)
  expect(loraLinear({ x, weight: frozen, a, b, alpha: 1 }).dtype).toBe('float32')

  const unknown = (name: string) => graph.input(name, 'float32', undefined)
  const [q, k, mask, cos] = [unknown('q'), unknown('k'), unknown('mask'), unknown('cos')]
  expect(attention({ q, k, v: k, mask, heads: 2, headSize: 2 }).dtype).toBe('float32')
  expect(rotary({ x: q, cos, sin: cos, heads: 2 }).dtype).toBe('float32')
  expect(rmsNorm({ x: q, weight: k }).dtype).toBe('float32')
  expect(gatedSilu({ gate: q, up: k }).dtype).toBe('float32')
})
