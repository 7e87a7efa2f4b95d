import { createHash, type Hash } from 'node:crypto'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import * as onnx from '@evolmm/onnx'
import { afterAll, beforeEach, vi } from 'vitest'
import { InferenceSession } from '../../src/runtime/onnxruntime'
import * as tables from '../../src/runtime/program-table'

interface Session {
  release: () => Promise<void>
}
interface Runtime {
  create: (bytes: Uint8Array, options: object) => Promise<Session>
}

const runtime = InferenceSession as unknown as Runtime
const real = { create: runtime.create, serialize: onnx.serialize, programTable: tables.programTable }
const graphs = new Map<string, onnx.Graph>()
const shared = new Map<onnx.Graph, Uint8Array | undefined>()
const opened = new Map<string, Promise<Session>>()

/**
 * Most of what a short run takes is making and opening its programs. In the test file that calls this, those of checkpoints
 * with the same settings and the same names, types and places of tensors are made once, and one of the same bytes and
 * options is opened once and stays open, on one thread where the options do not say. `kill.test.ts` makes its own in each of its processes.
 */
export function sharePrograms(): void {
  replace()
  // Mocks are put back before each test.
  beforeEach(replace)
  afterAll(() => {
    vi.restoreAllMocks()
  })
}

function replace(): void {
  vi.spyOn(runtime, 'create').mockImplementation((bytes, given) => {
    // Every core has a process of tests already, and threads that wait for others keep a core busy.
    const options = { intraOpNumThreads: 1, ...given }
    const key = createHash('sha256').update(bytes).update(JSON.stringify(options)).digest('hex')
    return once(opened, key, () => openForGood(bytes, options))
  })
  vi.spyOn(onnx, 'serialize').mockImplementation((graph, options) => {
    const bytes = shared.get(graph) ?? real.serialize(graph, options)
    if (shared.has(graph)) shared.set(graph, bytes)
    return bytes
  })
  vi.spyOn(tables, 'programTable').mockImplementation((options) => {
    const table = real.programTable(options)
    const shape = shapeOf(options.folder)
    if (shape === undefined) return table
    const made = (key: string, build: () => onnx.Graph) =>
      once(graphs, key, () => {
        const graph = build()
        shared.set(graph, undefined)
        return graph
      })
    return {
      ...table,
      get: (key, build, more = {}) =>
        table.get(key, () => made(JSON.stringify([shape, options.providers, key]), build), more),
    }
  })
}

/** A digest of everything in a checkpoint that its programs depend on; undefined for files of another kind. */
function shapeOf(folder: string): string | undefined {
  if (!existsSync(join(folder, 'config.json'))) return undefined
  const digest = createHash('sha256')
  for (const name of readdirSync(folder).sort()) {
    if (name.endsWith('.json')) digest.update(name).update(readFileSync(join(folder, name)))
    if (name.endsWith('.safetensors')) updateWithHeader(digest.update(name), join(folder, name))
  }
  return digest.digest('hex')
}

function updateWithHeader(digest: Hash, path: string): void {
  const file = openSync(path, 'r')
  const length = Buffer.alloc(8)
  readSync(file, length)
  const header = Buffer.alloc(Number(length.readBigUInt64LE()))
  readSync(file, header)
  closeSync(file)
  digest.update(header)
}

function once<V>(known: Map<string, V>, key: string, make: () => V): V {
  const value = known.get(key) ?? make()
  known.set(key, value)
  return value
}

async function openForGood(bytes: Uint8Array, options: object): Promise<Session> {
  const session = await real.create.call(InferenceSession, bytes, options)
  session.release = () => Promise.resolve()
  return session
}
