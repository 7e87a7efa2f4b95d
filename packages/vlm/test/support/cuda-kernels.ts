/**
 * Whether every node of a program has a kernel of the CUDA provider, which no machine of ours can run: by the table that
 * ONNX Runtime publishes (docs/OperatorKernels.md). A node is placed there only if a kernel names the version of its
 * operator, either as its first version or within a range that has an end; and its type.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { externalData, type Graph } from '@evolmm/onnx'
import { weightSource } from '@evolmm/safetensors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAdapter } from '../../src/adapter/create-adapter'
import { readBackbone } from '../../src/backbones/open-backbone'
import { openCheckpoint } from '../../src/checkpoint/open-checkpoint'
import { writeCheckpoint } from '../../src/checkpoint/write-checkpoint'
import { allPrograms } from '../../src/programs/all-programs'
import { learnProgram } from '../../src/programs/learn-program'

const float = 'float32 float64 float16'
const brain = `${float} bfloat16`
const numbers = `${float} int32 int64`
const any = `${brain} bool int32 int64`

/**
 * By operator: its version in operator set 18, the versions of the kernel that has it, and what it computes with (its
 * first input, for `Where` its second). An empty end is none.
 */
const kernels: Record<
  string,
  readonly [since: number, first: number, last: number | undefined, types: string]
> = {
  Abs: [13, 13, undefined, any],
  Add: [14, 14, undefined, any],
  And: [7, 7, undefined, 'bool'],
  ArgMax: [13, 13, undefined, float],
  Cast: [13, 13, 18, any],
  Concat: [13, 13, undefined, any],
  ConstantOfShape: [9, 9, undefined, 'int64'],
  Cos: [7, 7, undefined, float],
  CumSum: [14, 14, undefined, numbers],
  Div: [14, 14, undefined, `${brain} int32 int64`],
  Equal: [13, 13, undefined, `${numbers} bool`],
  Erf: [13, 13, undefined, brain],
  Exp: [13, 13, undefined, brain],
  Expand: [13, 13, undefined, any],
  Gather: [13, 13, undefined, any],
  GatherElements: [13, 13, undefined, any],
  GatherND: [13, 13, undefined, `${brain} bool int64`],
  Gemm: [13, 13, undefined, brain],
  Greater: [13, 13, undefined, numbers],
  GreaterOrEqual: [16, 16, undefined, numbers],
  Identity: [16, 14, 18, any],
  If: [16, 13, 18, 'bool'],
  IsInf: [10, 10, 19, 'float32 float64'],
  IsNaN: [13, 13, 19, brain],
  LayerNormalization: [17, 17, undefined, brain],
  Less: [13, 13, undefined, numbers],
  LessOrEqual: [16, 16, undefined, numbers],
  Log: [13, 13, undefined, float],
  Loop: [16, 13, 18, 'int64'],
  MatMul: [13, 13, undefined, brain],
  Max: [13, 13, undefined, `${brain} int32 int64`],
  Min: [13, 13, undefined, `${brain} int32 int64`],
  Mul: [14, 14, undefined, `${brain} int32 int64`],
  Neg: [13, 13, undefined, `${brain} int32 int64`],
  NonZero: [13, 13, undefined, 'bool float32 float16 int32 int64'],
  Not: [1, 1, undefined, 'bool'],
  Or: [7, 7, undefined, 'bool'],
  Pad: [18, 18, undefined, `${float} bool`],
  Pow: [15, 15, undefined, `${brain} int32 int64`],
  Range: [11, 11, undefined, 'float32 float64 int32 int64'],
  Reciprocal: [13, 13, undefined, float],
  ReduceMax: [18, 18, undefined, numbers],
  ReduceMean: [18, 18, undefined, `${float} int32`],
  ReduceMin: [18, 18, undefined, numbers],
  ReduceSum: [13, 13, undefined, `${brain} int32 int64`],
  ReduceSumSquare: [18, 18, undefined, float],
  Reshape: [14, 14, 18, any],
  Scan: [16, 16, 18, any],
  ScatterElements: [18, 18, undefined, any],
  ScatterND: [18, 18, undefined, any],
  Shape: [15, 15, 18, any],
  Sigmoid: [13, 13, undefined, brain],
  Sin: [7, 7, undefined, float],
  Size: [13, 13, undefined, any],
  Slice: [13, 13, undefined, any],
  Softmax: [13, 13, undefined, brain],
  Sqrt: [13, 13, undefined, brain],
  Squeeze: [13, 13, 20, any],
  Sub: [14, 14, undefined, `${brain} int32 int64`],
  TopK: [11, 11, undefined, numbers],
  Transpose: [13, 13, 20, any],
  Unsqueeze: [13, 13, 20, any],
  Where: [16, 16, undefined, `${brain} int32 int64`],
  'com.microsoft.QuickGelu': [1, 1, undefined, float],
  'com.microsoft.RotaryEmbedding': [1, 1, undefined, brain],
}

/** Tests of all programs of a checkpoint, with adapters on every linear module but the head. */
export function cudaKernels(checkpoint: string): void {
  const programs = new Map<string, Graph>()
  let root: string
  beforeAll(async () => {
    const backbone = await readBackbone(checkpoint)
    const stored = await openCheckpoint(checkpoint, backbone)
    root = await mkdtemp(join(tmpdir(), 'evolmm-kernels-'))
    const folder = join(root, 'model')
    const weights = [...stored.tensors.values()].map(weightSource)
    await writeCheckpoint(folder, { model: backbone, weights, dtype: 'bfloat16' })
    const files = await externalData((await openCheckpoint(folder, backbone)).tensors.values())
    const targets = [...backbone.modules.keys()].filter((name) => name !== backbone.head.module)
    const { trainable } = createAdapter(backbone, { rank: 4, alpha: 8, targets, vision: true })
    const common = { backbone, files, trainable }
    for (const [name, graph] of allPrograms({ ...common, checkpointed: true })) programs.set(name, graph)
    const learning = { ...common, gradient: true, kl: true, pixels: true, dropout: 0.05 }
    programs.set('gradient with dropout', learnProgram(learning))
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  test.each(['encode', 'sample', 'stream', 'score', 'gradient', 'gradient with dropout'])(
    '%s with bfloat16 weights: a kernel for every node',
    (name) => {
      const graph = programs.get(name)
      expect(graph?.opset).toBe(18)
      expect(graph && withoutKernel(graph)).toEqual([])
    },
  )
}

/** Operators of the program that the provider has no kernel for, with the type of their operand. */
export function withoutKernel(graph: Graph): string[] {
  const faults = new Set<string>()
  for (const { domain, opType, inputs } of nodesOf(graph)) {
    const key = domain === '' ? opType : `${domain}.${opType}`
    const operand = inputs.at(opType === 'Where' ? 1 : 0)?.dtype ?? 'none'
    const kernel = (kernels as Partial<typeof kernels>)[key]
    if (kernel === undefined) faults.add(`${key}: none`)
    else {
      const [since, first, last, types] = kernel
      const matches = first === since || (last !== undefined && first <= since && since <= last)
      if (!matches || !types.split(' ').includes(operand)) faults.add(`${key} of ${operand}`)
    }
  }
  return [...faults]
}

/** Of the graph, of what branches and loops run, and of functions, whose calls are left out. */
function nodesOf(graph: Graph) {
  const within = (scope: Graph['body']): Graph['body']['nodes'] =>
    scope.nodes.flatMap((node) => [
      ...(node.domain === 'evolmm' ? [] : [node]),
      ...Object.values(node.attributes).flatMap((each) => (each.type === 'graph' ? within(each.value) : [])),
    ])
  const functions = [...graph.functions.values()]
  const gradients = functions.flatMap((each) => [...each.gradients.values()].map(({ fn }) => fn))
  return [graph.body, ...functions.map(({ body }) => body), ...gradients.map(({ body }) => body)].flatMap(
    within,
  )
}
