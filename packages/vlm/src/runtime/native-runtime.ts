/** What can be asked of the installed runtime: its providers, where its libraries lie, and whether a provider starts. */
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Graph, op, serialize } from '@evolmm/onnx'
import { InferenceSession, listSupportedBackends } from './onnxruntime'

export interface NativeRuntime {
  platform: string
  arch: string
  /** Providers that this build knows; those that are not bundled need libraries of their own. */
  backends: readonly { name: string; bundled: boolean }[]
  /** Where libraries of providers are looked for. */
  libraries: string
  exists: (file: string) => boolean
  /** Opens a program of one node on the provider; rejects if it does not start. */
  start: (provider: string) => Promise<void>
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
    start: async (provider) => {
      const graph = new Graph('probe')
      const x = graph.input('x', 'float32', [1])
      graph.output('y', op.Add(x, x))
      const executionProviders = [provider, 'cpu']
      const session = await InferenceSession.create(serialize(graph), {
        executionProviders,
        logSeverityLevel: 4,
      })
      await session.release()
    },
  }
}

/** The folder of `onnxruntime-node`, whichever package manager put it where. */
function packageFolder(): string {
  // The CommonJS build has no `import.meta`, the other no `__filename`.
  const { resolve } = createRequire(typeof __filename === 'string' ? __filename : import.meta.url)
  return dirname(resolve('onnxruntime-node/package.json'))
}
