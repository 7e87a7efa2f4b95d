/** What can be asked of the installed runtime: its providers, where its libraries lie, and whether a provider works. */
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Graph, op, serialize } from '@evolmm/onnx'
import type { WeightType } from '../checkpoint/open-checkpoint'
import { InferenceSession, listSupportedBackends, Tensor } from './onnxruntime'

export interface NativeRuntime {
  platform: string
  arch: string
  /** Providers that this build knows; those that are not bundled need libraries of their own. */
  backends: readonly { name: string; bundled: boolean }[]
  /** Where libraries of providers are looked for. */
  libraries: string
  exists: (file: string) => boolean
  /** Runs a small product in that type on the provider; rejects if that fails. @default dtype 'float32' */
  start: (provider: string, dtype?: WeightType) => Promise<void>
}

export function nativeRuntime(): NativeRuntime {
  const { platform, arch } = process
  const bindings = join(packageFolder(), 'bin')
  const abi = readdirSync(bindings).find((name) => name.startsWith('napi-v')) ?? ''
  return {
    platform,
    arch,
    backends: listSupportedBackends(),
    libraries: join(bindings, abi, platform, arch),
    exists: existsSync,
    start: async (provider, dtype = 'float32') => {
      const session = await InferenceSession.create(serialize(probe(dtype)), {
        executionProviders: [provider, 'cpu'],
        logSeverityLevel: 4,
      })
      try {
        await session.run({ x: new Tensor('float32', new Float32Array(16), [4, 4]) })
      } finally {
        await session.release()
      }
    },
  }
}

/** A product of that type: drivers tell what they cannot do only when they are to do it. */
function probe(dtype: WeightType): Graph {
  const graph = new Graph('probe', { opset: 18 })
  const x = graph.input('x', 'float32', [4, 4])
  const given = dtype === 'float32' ? x : op.Cast(x, { to: dtype })
  graph.output('y', op.Cast(op.Gemm(given, given), { to: 'float32' }))
  return graph
}

/** The folder of `onnxruntime-node`, whichever package manager put it where. */
function packageFolder(): string {
  // The CommonJS build has no `import.meta`, the other no `__filename`.
  const { resolve } = createRequire(typeof __filename === 'string' ? __filename : import.meta.url)
  return dirname(resolve('onnxruntime-node/package.json'))
}
