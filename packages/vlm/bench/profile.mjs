/**
 * The time of an iteration's programs by kind of node: pnpm bench:profile [--images=1] [--threads=2] [--checkpointed]
 *
 * The iteration of `bench:vlm` on the same random model, with the profiler of the runtime on, which counts each node of each
 * program, those in loops too. Milliseconds and GFLOP of one iteration by kind of node: products with weights, with the
 * matrices of adapters, of attention and with the head, and all else by what it does. What a run takes beside its nodes is the
 * runtime's walk from node to node. Profiling itself costs about a tenth where nodes are small.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadVlm } from '@evolmm/vlm'
import { keepYoungHeapSmall } from '../../cli/src/keep-young-heap-small.ts'
import shape from './bench-small.json'
import { randomModel } from './random-model.mjs'
import { rank, timeIterations } from './recipe.mjs'

const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
    checkpointed: { type: 'boolean', default: false },
  },
})
const iterations = 2
const products = new Set(['Gemm', 'MatMul', 'FusedMatMul', 'FusedGemm'])
const others = new Map(
  Object.entries({
    'norms and sums': 'SimplifiedLayerNormalization ReduceSum ReduceMean ReduceMax ReduceSumSquare',
    softmax: 'Softmax LogSoftmax',
    movement:
      'Transpose Reshape Concat Slice Gather GatherElements GatherND ScatterElements ScatterND Expand Unsqueeze Squeeze Split Pad Tile Identity',
    elementwise:
      'Add Sub Mul Div Neg Sqrt Reciprocal Exp Log Pow Sigmoid QuickGelu Gelu Erf Tanh Where Cast Min Max Clip Abs Sin Cos Less Greater Equal And Or Not LessOrEqual GreaterOrEqual Sum',
    lengths: 'Shape Range Size ConstantOfShape',
  }).flatMap(([kind, names]) => names.split(' ').map((name) => [name, kind])),
)
const root = mkdtempSync(join(tmpdir(), 'evolmm-profile-'))
const opened = profileSessions(root)
const { folder } = await randomModel(shape)
try {
  keepYoungHeapSmall()
  const vlm = await loadVlm(folder, { threads: Number(options.threads) })
  const { checkpointed } = options
  await timeIterations(vlm, { shape, count: iterations - 1, images: Number(options.images), checkpointed })
  for (const each of opened) print(each)
  await vlm.dispose()
} finally {
  for (const each of [folder, root]) rmSync(each, { recursive: true })
}

/** Every session that is made from now on has a profile in `root`, and says how long its runs take. */
function profileSessions(root) {
  const { InferenceSession } = createRequire(import.meta.url)('onnxruntime-node')
  const create = InferenceSession.create.bind(InferenceSession)
  const found = []
  InferenceSession.create = async (model, given) => {
    const profileFilePrefix = join(root, `${found.length}`)
    const session = await create(model, { ...given, enableProfiling: true, profileFilePrefix })
    const entry = { session, prefix: basename(profileFilePrefix), milliseconds: 0 }
    const run = session.run.bind(session)
    session.run = async (...feeds) => {
      const start = performance.now()
      const results = await run(...feeds)
      entry.milliseconds += performance.now() - start
      return results
    }
    found.push(entry)
    return session
  }
  return found
}

function print({ session, prefix, milliseconds }) {
  session.endProfiling()
  const file = readdirSync(root).find((name) => name.startsWith(`${prefix}_`))
  const events = JSON.parse(readFileSync(join(root, file), 'utf8'))
  const kinds = new Map()
  let counted = 0
  for (const { cat, name, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time') || ['Loop', 'If'].includes(args.op_name)) continue
    const { kind, operations } = kindOf(args)
    const row = kinds.get(kind) ?? { count: 0, time: 0, operations: 0 }
    kinds.set(kind, {
      count: row.count + 1,
      time: row.time + dur / 1e3,
      operations: row.operations + operations,
    })
    counted += dur / 1e3
  }
  const each = (value, digits = 0) => (value / iterations).toFixed(digits).padStart(9)
  console.log(`\n${session.outputNames.join(', ').slice(0, 60)}: ${each(milliseconds)} ms of an iteration`)
  console.log(`  ${'kind of node'.padEnd(26)}    nodes       ms    GFLOP  GFLOP/s`)
  for (const [kind, row] of [...kinds].sort((a, b) => b[1].time - a[1].time)) {
    const work =
      row.operations === 0
        ? ''
        : `${each(row.operations / 1e9, 1)}${(row.operations / 1e6 / row.time).toFixed(0).padStart(9)}`
    console.log(`  ${kind.padEnd(26)}${each(row.count)}${each(row.time)}${work}`)
  }
  console.log(`  ${'beside nodes'.padEnd(26)}${''.padStart(9)}${each(milliseconds - counted)}`)
}

/** What a node is counted as, and the operations of a product. */
function kindOf({ op_name: op, input_type_shape: inputs, output_type_shape: outputs }) {
  if (!products.has(op)) return { kind: others.get(op) ?? 'other', operations: 0 }
  const [a, b, result] = [inputs[0], inputs[1], outputs[0]].map((one) => one && Object.values(one)[0])
  const size = (dims) => dims.reduce((product, length) => product * length, 1)
  const batch = (dims) => size(dims.slice(0, -2))
  // A matrix that was rearranged beforehand is no input any more.
  const inner =
    b === undefined
      ? (size(a) * result.at(-1)) / size(result)
      : Math.sqrt((size(a) * size(b) * batch(result)) / size(result) / batch(a) / batch(b))
  const lengths = [inner, ...result.slice(-2)]
  const of = {
    'products of attention': batch(result) > 1,
    'products of adapters': lengths.includes(rank),
    'products with the head': lengths.includes(shape.vocab_size),
  }
  const kind = Object.keys(of).find((name) => of[name]) ?? 'products with weights'
  return { kind, operations: 2 * size(result) * inner }
}
