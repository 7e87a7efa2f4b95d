/**
 * Every program of the tiny checkpoint, opened as a session of its own and run while the runtime says on which provider it puts each node:
 * node watched-programs.mjs FOLDER. The log goes to standard error with a line before each program; standard output gets,
 * for each program, what ran on the CPU and the size of what came out of it, from the runtime's profile.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adamWProgram } from '@evolmm/onnx'
import { createAdapter } from '../../src/adapter/create-adapter'
import { encodeImage } from '../../src/encode-image'
import { gradient, score } from '../../src/learn'
import { makePrompt } from '../../src/make-prompt'
import { openModel } from '../../src/open-model'
import { InferenceSession } from '../../src/runtime/onnxruntime'
import { programTable } from '../../src/runtime/program-table'
import { openProgram } from '../../src/runtime/session'
import { sample } from '../../src/sample'

export interface CpuNode {
  op: string
  /** Bytes of its largest output. */
  bytes: number
}

const [folder] = process.argv.slice(2)
const aside = mkdtempSync(join(tmpdir(), 'evolmm-placements-'))
const profiles = new Map<string, InferenceSession>()
let name = ''
const fileName = (title: string) => title.replaceAll(' ', '-')

const create = InferenceSession.create.bind(InferenceSession) as (
  model: Uint8Array,
  options: InferenceSession.SessionOptions,
) => Promise<InferenceSession>
const watched = async (model: Uint8Array, options: InferenceSession.SessionOptions) => {
  writeSync(2, `\n=== ${name}\n`)
  const session = await create(model, {
    ...options,
    logSeverityLevel: 0,
    logVerbosityLevel: 1,
    enableProfiling: true,
    profileFilePrefix: join(aside, fileName(name)),
  })
  profiles.set(name, session)
  return session
}
Object.assign(InferenceSession, { create: watched })

/** Whatever programs the call opens are known by that name. */
async function under<T>(title: string, run: () => Promise<T>): Promise<T> {
  name = title
  return run()
}

// The probe of the provider is no program of the model's, and is closed already.
const opened = await under('probe', () =>
  openModel(folder, { device: 'webgpu', threads: 1 }, () => undefined),
)
profiles.clear()
const providers = ['webgpu', 'cpu']
const table = programTable({ folder: opened.model.files.folder, threads: 1, providers })
const model = { ...opened.model, program: table.get }
const image = await under('encode', () => encodeImage(model, join(folder, 'images/img0.png')))
const prompt = makePrompt(model, { images: [image], prompt: 'What is the tallest bar?' })
const adapter = createAdapter(model.backbone, { rank: 4, alpha: 8, dropout: 0.05 })
const sampling = { prompts: [prompt], adapter, maxNewTokens: 8, stopTokens: [] }
const [completions] = await under('sample', async () => {
  await sample(model, { ...sampling, temperature: 0 })
  return sample(model, { ...sampling, samples: 5 })
})
const groups = [{ prompt, completions }]
await under('score', () => score(model, { groups, adapter, kl: true }))
const learning = { groups, adapter, beta: 0.1 }
await under('gradient', () => gradient(model, learning))
await under('checkpointed gradient', () => gradient(model, { ...learning, checkpointed: true }))
const size = adapter.parameters.length
await under('AdamW', async () => {
  const { run } = await openProgram(adamWProgram(), { folder: aside, providers })
  const float = (data: Float32Array, dims = [size]) => ({ dtype: 'float32' as const, dims, data })
  const vectors = ['parameters', 'gradient', 'first', 'second'].map((each) => [
    each,
    float(new Float32Array(size)),
  ])
  const scalars = ['learning_rate', 'step', 'max_norm'].map((each) => [each, float(Float32Array.of(1), [])])
  await run(Object.fromEntries([...vectors, ...scalars]) as Parameters<typeof run>[0])
})

interface ProfileEvent {
  cat: string
  name: string
  args?: { provider?: string; op_name?: string; output_type_shape?: Record<string, number[]>[] }
}

const widths: Record<string, number> = { bool: 1, float16: 2, float: 4, int32: 4 }
const bytesOf = (tensor: Record<string, number[]>) =>
  Object.entries(tensor).reduce((_, [type, dims]) => dims.reduce((a, b) => a * b, widths[type] ?? 8), 0)

const ran: Record<string, CpuNode[]> = {}
for (const [title, session] of profiles) {
  session.endProfiling()
  const file = readdirSync(aside).find((each) => each.startsWith(`${fileName(title)}_`))
  const events = JSON.parse(readFileSync(join(aside, String(file)), 'utf8')) as ProfileEvent[]
  ran[title] = events
    .filter(({ cat, name: event }) => cat === 'Node' && event.endsWith('_kernel_time'))
    .filter(({ args }) => args?.provider === 'CPUExecutionProvider' || args?.op_name?.startsWith('Memcpy'))
    .map(({ args }) => ({
      op: String(args?.op_name),
      bytes: Math.max(0, ...(args?.output_type_shape ?? []).map(bytesOf)),
    }))
}
rmSync(aside, { recursive: true })
process.stdout.write(JSON.stringify(ran))
