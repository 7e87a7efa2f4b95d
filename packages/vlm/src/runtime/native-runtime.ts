/** What can be asked of the installed runtime: its providers, where its libraries lie, and whether a provider works. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Graph, op, serialize } from '@evolmm/onnx'
import type { FloatType } from '@evolmm/safetensors'
import { listSupportedBackends } from './onnxruntime'

/** A provider by name, or CUDA's with the number of a card, which is all that the binding passes on to it. */
export type Provider = string | { name: 'cuda'; deviceId: number }

export interface NativeRuntime {
  platform: string
  arch: string
  /** Providers that this build knows; those that are not bundled need libraries of their own. */
  backends: readonly { name: string; bundled: boolean }[]
  /** The folder in which libraries of providers are looked for. */
  libraries: string
  exists: (file: string) => boolean
  /** Runs a small product in that type on the provider; rejects if that fails. @default dtype 'float32' */
  start: (provider: Provider, dtype?: FloatType) => Promise<void>
}

export function nativeRuntime(): NativeRuntime {
  const { platform, arch } = process
  const bindings = join(dirname(resolve('onnxruntime-node/package.json')), 'bin')
  const abi = readdirSync(bindings).find((name) => name.startsWith('napi-v')) ?? ''
  return {
    platform,
    arch,
    backends: listSupportedBackends(),
    libraries: join(bindings, abi, platform, arch),
    exists: existsSync,
    start: (provider, dtype = 'float32') => attempt(provider, serialize(probe(dtype))),
  }
}

const script = `
const [runtime, provider, model] = process.argv.slice(1)
const { InferenceSession, Tensor } = require(runtime)
const options = { executionProviders: [JSON.parse(provider), 'cpu'], logSeverityLevel: 4 }
const end = (message) => process.send(message, () => process.exit())
InferenceSession.create(Buffer.from(model, 'base64'), options)
  .then((session) => session.run({ x: new Tensor('float32', new Float32Array(16), [4, 4]) }))
  .then(() => end(''), (error) => end(String(error.message)))`

/**
 * Runs a program in a process of its own: drivers write to standard error past Node what they lack, and one that crashes
 * takes down that process alone.
 */
async function attempt(provider: Provider, model: Uint8Array): Promise<void> {
  const given = [JSON.stringify(provider), Buffer.from(model).toString('base64')]
  const args = ['-e', script, resolve('onnxruntime-node'), ...given]
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, ORT_DISABLE_TELEMETRY: process.env.ORT_DISABLE_TELEMETRY ?? '1' },
  })
  let answer: string | undefined
  child.on('message', (message) => {
    answer = typeof message === 'string' ? message : JSON.stringify(message)
  })
  const end = await new Promise<string>((settle, refuse) => {
    child.on('error', refuse).on('close', (code, signal) => {
      settle(signal === null ? `exit code ${code}` : `signal ${signal}`)
    })
  })
  if (answer !== '') throw new Error(answer ?? `the driver ended the process with ${end}`)
}

/** A product of that type: drivers tell what they cannot do only when they are to do it. */
function probe(dtype: FloatType): Graph {
  const graph = new Graph('probe', { opset: 18 })
  const x = graph.input('x', 'float32', [4, 4])
  const given = dtype === 'float32' ? x : op.Cast(x, { to: dtype })
  graph.output('y', op.Cast(op.Gemm(given, given), { to: 'float32' }))
  return graph
}

/** The place of the runtime, whichever package manager put it there. */
function resolve(name: string): string {
  // The CommonJS build has no `import.meta`, the other no `__filename`.
  return createRequire(typeof __filename === 'string' ? __filename : import.meta.url).resolve(name)
}
